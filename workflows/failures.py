"""The types of failure that a runbook may catch, and which catch takes one. Pure."""

from collections.abc import Sequence

from schemas.actions import ErrorType
from schemas.plan import FAILURES, Catch, Step

ANY, FAILED = "any", "failed"
_ALSO = {ErrorType.LEDGER: ErrorType.UNAVAILABLE}
"""Nothing was sent, as with a target that does not answer."""


def find_type(code: str) -> str:
    """The word of `schemas.plan.FAILURES` for a failure's code; `failed` for all that has no word of its own."""
    code = _ALSO.get(code, code)
    return code if code in FAILURES and code != ANY else FAILED


def find_catch(catches: Sequence[Catch], code: str) -> list[Step] | None:
    """The steps of the first catch that names the failure's type, or `any`; None when none does."""
    found = find_type(code)
    for catch in catches:
        if found in catch["on"] or ANY in catch["on"]:
            return catch["steps"]
    return None
