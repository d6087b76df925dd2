"""Who may report a task that somebody has claimed. Pure rules, as those of `watchfloor.signing.gates`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from schemas.decision import Claim, OpenAsk, RefusalType
from schemas.json_value import Json
from watchfloor.signing.canonical import parse_instant
from watchfloor.signing.gates import Refusal

COMMANDER = "incident_commander"
"""May report and hand back a task that somebody else has claimed."""

CLAIM_FOR = timedelta(minutes=30)
"""How long a claim holds where the runbook does not say."""


def end_of_claim(ask: OpenAsk, now: datetime) -> datetime:
    """Until when a claim made now holds; never beyond the deadline."""
    until = now + (timedelta(seconds=ask["claim_for"]) if "claim_for" in ask else CLAIM_FOR)
    return until if ask["deadline_at"] is None else min(until, parse_instant(ask["deadline_at"]))


def find_claim(ask: Mapping[str, Any], now: datetime) -> Claim | None:
    """The claim that stands now; one whose time is over stands no more, whether or not anybody noticed yet."""
    claim = cast("Claim | None", ask.get("claim"))
    return claim if claim is not None and now < parse_instant(claim["until"]) else None


def seat_commander(ask: OpenAsk, now: datetime) -> OpenAsk:
    """The ask with a seat for the commander where somebody has claimed it; the same ask otherwise."""
    if find_claim(ask, now) is None:
        return ask
    options = {
        name: [{"any_of": list(dict.fromkeys([*slot["any_of"], COMMANDER]))} for slot in slots]
        for name, slots in ask["options"].items()
    }
    return {**ask, "options": options}


def refuse_report(ask: OpenAsk, body: Mapping[str, Json], now: datetime) -> Refusal | None:
    """What speaks against this person's report of a task: somebody else has it."""
    claim = find_claim(ask, now)
    if claim is None or body["person"] == claim["person"] or body["role"] == COMMANDER:
        return None
    return Refusal(RefusalType.CLAIMED, say_taken(ask, claim))


def say_taken(ask: OpenAsk, claim: Claim) -> str:
    """Who has a task and until when, for somebody else."""
    return (
        f"`{ask['step']}` is claimed by `{claim['person']}` until {claim['until']}; "
        "they or the incident commander report it, or hand it back"
    )
