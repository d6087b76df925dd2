"""Analyses of a compiled plan: how long, how large, and by which ways each step is reached.

Each is a pure function of the plan. The rules that report findings from them are in `watchfloor.language.rules`.
"""
