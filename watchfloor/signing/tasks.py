"""Who may report a task that somebody has claimed. Pure rules, as those of `watchfloor.signing.gates`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from schemas.decision import Claim, OpenAsk, RefusalType, Tick
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
    """The ask with a seat for the commander where it is somebody's already; the same ask otherwise."""
    if find_claim(ask, now) is None and "person" not in ask:
        return ask
    options = {
        name: [{"any_of": list(dict.fromkeys([*slot["any_of"], COMMANDER]))} for slot in slots]
        for name, slots in ask["options"].items()
    }
    return {**ask, "options": options}


def refuse_report(ask: OpenAsk, body: Mapping[str, Json], now: datetime) -> Refusal | None:
    """What speaks against this person's report of a task: it is somebody else's, or not everything is ticked."""
    left = [item["id"] for item in ask.get("checklist", ()) if item["required"] and item["id"] not in ticks_of(ask)]
    if left:
        names = ", ".join(f"`{one}`" for one in left)
        return Refusal(RefusalType.UNTICKED, f"`{ask['step']}` is done when its checklist is; still open: {names}")
    return refuse_other(ask, body, now)


def refuse_other(ask: OpenAsk, body: Mapping[str, Json], now: datetime) -> Refusal | None:
    """What speaks against anybody but the one whose task it is, and the commander, working on it."""
    if body["role"] == COMMANDER:
        return None
    claim = find_claim(ask, now)
    if claim is not None and body["person"] != claim["person"]:
        return Refusal(RefusalType.CLAIMED, say_taken(ask, claim))
    if body["person"] != ask.get("person", body["person"]):
        message = f"`{ask['step']}` is for `{ask['person']}`; they or the incident commander do it"
        return Refusal(RefusalType.CLAIMED, message)
    return None


def ticks_of(ask: OpenAsk) -> Mapping[str, Tick]:
    """What is ticked so far."""
    return ask.get("ticks", {})


def say_taken(ask: OpenAsk, claim: Claim) -> str:
    """Who has a task and until when, for somebody else."""
    return (
        f"`{ask['step']}` is claimed by `{claim['person']}` until {claim['until']}; "
        "they or the incident commander report it, or hand it back"
    )
