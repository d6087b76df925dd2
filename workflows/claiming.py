"""A claim on a task: one person has it for a while, then it is free again. What is recorded and who is told.

A claim lives in the ask, so it is carried over continue-as-new with it. Whether it still stands is judged by its
absolute end (`watchfloor.signing.tasks.find_claim`); the rung that ends it only tells the others. Whoever hands a task
back, and why, leaves the same entry: nothing but that it was reassigned.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from typing_extensions import TypedDict

from schemas.decision import ChecklistItem, OpenAsk, Rung, Tick
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import parse_instant, render_instant
from watchfloor.signing.tasks import COMMANDER, end_of_claim
from workflows.journal import Journal
from workflows.notices import Notices

TAKE_WITHIN = timedelta(minutes=5)
"""How long a task that was handed back may stay with nobody before it climbs (domain model, RB-19)."""
WELLNESS = "wellness_officer"


class TaskTerms(TypedDict, total=False):
    """What a task's ask has beside those of others (`schemas.decision.OpenAsk`)."""

    claim_for: float
    checklist: list[ChecklistItem]
    person: str


def take(ask: OpenAsk, body: dict[str, Json], mark: str, journal: Journal, now: datetime) -> None:
    """Give the task to this person; a claim of their own begins anew."""
    until = end_of_claim(ask, now)
    _drop_claim(ask)
    ask["claim"] = {
        "person": str(body["person"]),
        "role": str(body["role"]),
        "at": render_instant(now),
        "until": render_instant(until),
    }
    _put(ask, {"at": render_instant(until), "kind": "lapse", "roles": []})
    data: dict[str, Json] = {
        "ask": ask["ask"],
        "statement": mark,
        "role": body["role"],
        "until": render_instant(until),
    }
    journal.note(EntryKind.TASK_CLAIMED, step=ask["step"], path=ask["path"], actor=str(body["person"]), data=data)


def give_back(
    ask: OpenAsk, body: dict[str, Json], mark: str, journal: Journal, notices: Notices, now: datetime
) -> None:
    """Take the task from who has it and ask the others; whoever did not take it in time is climbed over."""
    data: dict[str, Json] = {"ask": ask["ask"], "statement": mark, "role": body["role"]}
    journal.note(EntryKind.TASK_REASSIGNED, step=ask["step"], path=ask["path"], actor=str(body["person"]), data=data)
    _free(ask, notices, now)


def lapse(ask: OpenAsk, journal: Journal, notices: Notices, now: datetime) -> None:
    """End a claim whose time is over."""
    claim = ask.get("claim")
    if claim is None or now < parse_instant(claim["until"]):
        return
    data: dict[str, Json] = {"ask": ask["ask"], "person": claim["person"], "until": claim["until"]}
    journal.note(EntryKind.TASK_LAPSED, step=ask["step"], path=ask["path"], data=data)
    _free(ask, notices, now)


def tick(ask: OpenAsk, item: str, body: dict[str, Json], mark: str, journal: Journal, now: datetime) -> None:
    """Tick an item in this person's name."""
    ticked: Tick = {"by": str(body["person"]), "role": str(body["role"]), "at": render_instant(now), "statement": mark}
    ask.setdefault("ticks", {})[item] = ticked
    data: dict[str, Json] = {"ask": ask["ask"], "item": item, "statement": mark, "role": body["role"]}
    journal.note(EntryKind.TASK_TICKED, step=ask["step"], path=ask["path"], actor=str(body["person"]), data=data)


def _free(ask: OpenAsk, notices: Notices, now: datetime) -> None:
    _drop_claim(ask)
    ask.pop("person", None)  # whoever it was meant for, it is open to the role now
    ask["returned"] = ask.get("returned", 0) + 1
    climbs_to = [COMMANDER, WELLNESS] if "exposure" in ask else [COMMANDER]
    _put(ask, {"at": render_instant(now + TAKE_WITHIN), "kind": "escalate", "roles": climbs_to, "unclaimed": True})
    notices.send(
        "reassigned",
        path=ask["path"],
        step=ask["step"],
        roles=_roles(ask),
        deadline_at=ask["deadline_at"],
        nth=f"{ask.get('round', 0)}:returned:{ask['returned']}",
        exposure=ask.get("exposure", ""),
    )


def _drop_claim(ask: OpenAsk) -> None:
    ask.pop("claim", None)
    climbed = ask.get("climbed", 0)
    ladder = ask.get("ladder", [])
    ask["ladder"] = [
        rung
        for place, rung in enumerate(ladder)
        if place < climbed or (rung["kind"] != "lapse" and not rung.get("unclaimed"))
    ]


def _put(ask: OpenAsk, rung: Rung) -> None:
    """Put a rung on the part of the ladder that is not climbed yet, after those of its instant."""
    ladder, climbed = ask.setdefault("ladder", []), ask.get("climbed", 0)
    at = parse_instant(rung["at"])
    place = next((nth for nth in range(climbed, len(ladder)) if parse_instant(ladder[nth]["at"]) > at), len(ladder))
    ladder.insert(place, rung)


def _roles(ask: OpenAsk) -> Sequence[str]:
    return list(dict.fromkeys(role for slots in ask["options"].values() for slot in slots for role in slot["any_of"]))
