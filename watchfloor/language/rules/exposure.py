"""Media: what only specialists may be exposed to is given to nobody else (language.md, "media")."""

from watchfloor.language import codes
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Task
from watchfloor.language.surroundings import Surroundings

SPECIALISTS = {"csea": frozenset({"csea_specialist"})}
"""Class of exposure -> the roles that may have it; a class that is not named here may be given to any role."""


def check(given: Surroundings) -> None:
    for step in all_steps(given.runbook):
        body = step.body
        if not isinstance(body, Task) or body.exposure is None or body.exposed_at is None:
            continue
        allowed = SPECIALISTS.get(body.exposure)
        others = [role.value for role in body.assignee.roles if allowed is not None and role.value not in allowed]
        if allowed and others:
            given.report.add(
                codes.EXPOSED,
                body.exposed_at,
                f"`{others[0]}` would be exposed to `{body.exposure}`",
                expected=f"`assignee: {min(allowed)}`",
                help="give the task to the specialist role, or let it need no more than `text`",
            )
