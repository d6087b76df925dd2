"""Runbooks on paper: for the hour when Watchfloor itself is down, and for what is told to it afterwards.

`sheet` makes the model of a printed runbook from its compiled plan, `markdown` and `page` print it.
"""
