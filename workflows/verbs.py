"""What a control statement may tell a run to do: one `Verb` for each word of `schemas.decision.Control.verb`.

A module that gives a run a new way to be steered makes its verbs here and has them listed in `workflows.control.VERBS`;
signature, place, time and repetition are checked there, before any verb is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.json_value import Json
from watchfloor.signing import Refusal
from workflows.run import Run


def allow(run: Run, body: dict[str, Json]) -> Refusal | None:
    """Nothing speaks against it."""
    return None


@dataclass(frozen=True, slots=True)
class Verb:
    """One way to steer a run.

    `roles` may say it; empty leaves that to `check`. `check` names what speaks against it and changes nothing; `act`
    carries it out and must not wait: it is given the statement's body and the digest by which the ledger knows it.
    `reasoned` wants a reason; `ending` may be said to a run that is ending.
    """

    act: Callable[[Run, dict[str, Json], str], None]
    roles: tuple[str, ...] = ()
    check: Callable[[Run, dict[str, Json]], Refusal | None] = allow
    reasoned: bool = True
    ending: bool = False
