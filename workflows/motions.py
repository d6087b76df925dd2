"""What people say at an ask besides answers: signed like them, by the same update and signal, over the same digest.

The rules are `watchfloor.signing.motions`; here they are applied to a workflow's asks and written down. Handlers record
and return: a notice that a motion makes due is put into the ask (`tell`) and sent by the run. Ledger entries:
`decision.abstained`, `decision.withdrawn`, `decision.delegated`,
`decision.questioned`, `decision.answered`, and those of `workflows.narrowing`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from temporalio import workflow

from schemas.decision import MOTION, Envelope, Motion, OpenAsk, Receipt, RefusalType
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import (
    Refusal,
    envelope_digest,
    in_words,
    open_slots,
    refuse_motion,
    render_instant,
    take_motion,
)
from watchfloor.signing.blind import blind_left
from watchfloor.signing.motions import find_climb
from watchfloor.signing.standing import (
    ABSTAIN,
    ANSWER,
    DELEGATE,
    NARROW,
    QUESTION,
    WITHDRAW,
    find_delegations,
    find_questions,
    is_blind,
)
from workflows.journal import Journal
from workflows.narrowing import narrow_ask
from workflows.notices import Desk, Notices
from workflows.reception import find_ask, open_statement
from workflows.sealing import note_said
from workflows.whom import find_whom

COMMANDER = "incident_commander"
_TEXTS = (
    "region",
    "namespace",
    "incident",
    "plan",
    "path",
    "ask",
    "verb",
    "person",
    "role",
    "entity",
    "signed_in",
    "issued_at",
    "expires_at",
    "nonce",
    "reason_ref",
)
_KINDS = {
    ABSTAIN: EntryKind.ABSTAINED,
    WITHDRAW: EntryKind.WITHDRAWN,
    DELEGATE: EntryKind.DELEGATED,
    QUESTION: EntryKind.QUESTIONED,
    ANSWER: EntryKind.ANSWERED,
}


def is_motion(said: object) -> bool:
    """Whether a statement claims to be a motion; its signature covers the claim."""
    return isinstance(said, dict) and said.get("domain") == MOTION


def refuse_spoken(
    envelope: object,
    *,
    desk: Desk,
    asks: Mapping[str, OpenAsk],
    settled: Mapping[str, str],
    silent: Sequence[str],
    seen: Sequence[str],
    now: datetime,
) -> Refusal | tuple[Envelope, OpenAsk]:
    """Check a motion against the asks of a run; gives it and the ask it speaks to, or why it is refused."""
    opened = open_statement(
        envelope, domain=MOTION, texts=_TEXTS, instants=("issued_at", "expires_at"), desk=desk, seen=seen, now=now
    )
    if isinstance(opened, Refusal):
        return opened
    checked, body = opened
    if body["plan"] != desk.plan:
        return Refusal(RefusalType.WRONG_RUN, "this was said over another version of the plan; look again")
    if not isinstance(body.get("about"), dict):
        return Refusal(RefusalType.BAD_VALUE, "`about` of the statement is not a mapping")
    ask = find_ask(str(body["path"]), asks, settled, silent)
    if isinstance(ask, Refusal):
        return ask
    return refuse_motion(ask, cast(Motion, body), requester=desk.requester, now=now) or (checked, ask)


def record_motion(ask: OpenAsk, checked: Envelope, desk: Desk, journal: Journal, seen: list[str]) -> Receipt:
    """Record a motion that `refuse_spoken` let pass, with what follows from it for the ask."""
    body, mark, now = cast(Motion, checked["body"]), envelope_digest(checked), workflow.now()
    taken = _find_taken_back(ask, body["person"])
    was = ask.get("chosen", "")
    take_motion(ask, checked, now)
    seen.extend([mark, f"nonce:{body['nonce']}"])
    if body["verb"] == NARROW:
        narrow_ask(ask, checked, desk, journal, now, _roles(ask))
        return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": _waits_for(ask)}
    data: dict[str, Json] = {
        "ask": ask["ask"],
        "role": body["role"],
        "entity": body["entity"],
        "signed_in": body["signed_in"],
        "statement": mark,
        "kid": checked["kid"],
        "reason_ref": body["reason_ref"],
    }
    if body["verb"] == DELEGATE:
        data["to"] = body["about"]["to"]
    elif body["verb"] == ANSWER:
        data["question"] = body["about"]["question"]
    elif body["verb"] == WITHDRAW and taken is not None:
        data |= {"takes_back": envelope_digest(taken), "option": taken["body"].get("option", "")}
        data["reopens"] = bool(was) and "chosen" not in ask
    if body["verb"] == WITHDRAW:
        # that somebody takes an answer back says that they gave one
        note_said(journal, ask, EntryKind.WITHDRAWN, body["person"], data)
    else:
        journal.note(_KINDS[body["verb"]], step=ask["step"], path=ask["path"], actor=body["person"], data=data)
    _make_due(ask, body, desk, reopened=bool(data.get("reopens")), now=now)
    return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": _waits_for(ask)}


def _find_taken_back(ask: OpenAsk, person: str) -> Envelope | None:
    """What a withdrawal of this person takes back: their answer, or the delegation of their seat."""
    delegation = find_delegations(ask).get(person)
    said = [*ask["answers"], *(one for one in ask.get("motions", []) if one["body"] is delegation)]
    return next((one for one in reversed(said) if one["body"]["person"] == person), None)


def _make_due(ask: OpenAsk, body: Motion, desk: Desk, *, reopened: bool, now: datetime) -> None:
    """Put the notices into the ask that this motion makes due now."""
    at = render_instant(now)
    if body["verb"] == ABSTAIN:
        nth = find_climb(ask, body, desk.requester)
        if nth is not None:
            rung = ask["ladder"].pop(nth)
            ask.setdefault("tell", []).append({"at": at, "kind": "escalate", "roles": rung["roles"]})
    elif body["verb"] == QUESTION:
        ask.setdefault("tell", []).append({"at": at, "kind": "question", "roles": [COMMANDER]})
    elif body["verb"] == ANSWER:
        # who asked waits for it, and who has answered already may want to take that back
        asker = find_questions(ask)[str(body["about"]["question"])][0]
        answered = _roles(ask) if is_blind(ask) else [str(one["body"]["role"]) for one in ask["answers"]]
        told = [str(asker["role"]), *answered]
        ask.setdefault("tell", []).append({"at": at, "kind": "answer", "roles": list(dict.fromkeys(told))})
    elif reopened:
        ask.setdefault("tell", []).append({"at": at, "kind": "remind", "roles": _roles(ask)})


def send_due(ask: OpenAsk, journal: Journal, notices: Notices) -> None:
    """Send the notices that motions made due; called by the run, never by a handler."""
    for due in ask.pop("tell", []):
        if due["kind"] == "escalate":
            data: dict[str, Json] = {"ask": ask["ask"], "roles": list(due["roles"])}
            journal.note(EntryKind.ESCALATED, step=ask["step"], path=ask["path"], data=data)
        notices.send(
            due["kind"],
            path=ask["path"],
            step=ask["step"],
            roles=due["roles"],
            deadline_at=ask["deadline_at"],
            nth=f"{ask.get('round', 0)}:{due['at']}:{len(ask.get('motions', []))}",
            **find_whom(ask, due["roles"]),
        )


def _roles(ask: OpenAsk) -> list[str]:
    return list(dict.fromkeys(role for seats in ask["options"].values() for slot in seats for role in slot["any_of"]))


def _waits_for(ask: OpenAsk) -> list[str]:
    """The seats that the first option still needs, in words; of a blind ask those that nobody has answered in."""
    if is_blind(ask):
        return in_words(blind_left(ask))
    option = next(iter(ask["options"]))
    same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
    return [] if "chosen" in ask else in_words(open_slots(ask["options"][option], same))
