"""The shapes that cross a boundary. A leaf: imports nothing else of the project, does no I/O.

Engine messages (what enters or leaves a workflow or an activity) are TypedDicts, so that the interpreter works on
plain dicts and the pydantic converter still validates them at activity edges. Documents written by people are
pydantic models (`schemas.runbook`).
"""
