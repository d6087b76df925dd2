"""What people may say at an ask besides answering it, and what becomes of the ask then. Pure rules, one per line of the
table in `docs/guides/decisions.md`; the workflow's validator and handler use them, and whoever wants to drive them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from schemas.decision import Envelope, Motion, OpenAsk, RefusalType
from watchfloor.signing.canonical import parse_instant, render_instant
from watchfloor.signing.gates import CLOCK_SKEW, Refusal, open_slots
from watchfloor.signing.narrowing import MAX_NARROWINGS, find_fault
from watchfloor.signing.standing import (
    ABSTAIN,
    ANSWER,
    BREAK_GLASS,
    DELEGATE,
    GATED,
    NARROW,
    QUESTION,
    WITHDRAW,
    SlotSpec,
    can_be_decided,
    find_abstained,
    find_answer,
    find_delegate,
    find_delegations,
    find_delegators,
    find_questions,
    has_seat,
    is_blind,
)

MAX_MOTIONS = 200
"""Motions at one ask; what people say stays countable, and the state of a run small."""
MAX_QUESTIONS = 5
"""Questions of one person at one ask; who needs more should not decide."""
MAX_REPLIES = 5
ANSWERING = ("incident_commander", "deputy")
"""Roles that answer questions, beside who asked for the thing."""
MAX_NAME = 128
"""Characters of the id of a person to whom a seat is given."""
MAX_HOLDERS = 40
"""People whom an abstention may name as asked; where more were asked, the ladder keeps its instants."""


def refuse_motion(ask: OpenAsk, motion: Motion, *, requester: str, now: datetime) -> Refusal | None:
    """Check a verified motion against the ask it speaks to; None when it counts.

    `now` is workflow time. That signature, place, plan and repetition are right has been checked before.
    """
    verb = motion["verb"]
    if verb not in VERBS:
        return Refusal(RefusalType.UNKNOWN_OPTION, f"at an ask a person can {', '.join(VERBS)} or decide")
    if "chosen" in ask:
        refusal = _refuse_decided(ask, verb)
        if refusal is not None:
            return refusal
    elif ask["deadline_at"] is not None and now >= parse_instant(ask["deadline_at"]):
        return Refusal(
            RefusalType.LATE, f"`{ask['step']}` waited until {ask['deadline_at']}; silence was recorded; see `show`"
        )
    if motion["ask"] != ask["ask"]:
        return Refusal(
            RefusalType.CHANGED, f"what `{ask['step']}` asks has changed since you were shown it; look again, then say"
        )
    if now > parse_instant(motion["expires_at"]):
        return Refusal(RefusalType.LATE, f"this was valid until {motion['expires_at']}; say it again")
    if parse_instant(motion["issued_at"]) > now + CLOCK_SKEW:
        return Refusal(RefusalType.BAD_SIGNATURE, "this was issued in the future; check the sender's clock")
    if not motion["reason_ref"]:
        return Refusal(RefusalType.NO_REASON, f"to {verb} needs a reason; say why in a sentence")
    if len(ask.get("motions", [])) >= MAX_MOTIONS:
        return Refusal(RefusalType.BUSY, f"{MAX_MOTIONS} motions were made at `{ask['step']}`; decide, or let it end")
    person, role = motion["person"], motion["role"]
    if verb != ANSWER and (person in ask["exclude"] or role in ask["exclude"]):
        return Refusal(
            RefusalType.EXCLUDED, f"`{person}` as {role} is excluded here by the runbook; another person must speak"
        )
    return _CHECKS[verb](ask, motion, requester)


def take_motion(ask: OpenAsk, envelope: Envelope, at: datetime) -> None:
    """Record an accepted motion in its ask and do to the ask what it says."""
    ask.setdefault("motions", []).append(envelope)
    ask.setdefault("moved_at", []).append(render_instant(at))
    if envelope["body"]["verb"] == WITHDRAW:
        _drop_answer(ask, str(envelope["body"]["person"]))


def _drop_answer(ask: OpenAsk, person: str) -> None:
    """Take a person's answer out; what was decided by it is open again."""
    kept = [nth for nth, answer in enumerate(ask["answers"]) if answer["body"]["person"] != person]
    ask["answers"] = [ask["answers"][nth] for nth in kept]
    ask["accepted_at"] = [ask["accepted_at"][nth] for nth in kept]
    chosen = ask.get("chosen", "")
    if chosen and open_slots(
        ask["options"][chosen],
        [answer["body"] for answer in ask["answers"] if answer["body"]["option"] == chosen],
    ):
        del ask["chosen"]


def can_be_taken_back(ask: OpenAsk) -> bool:
    """Whether what was decided is still without effect, so that an answer may be taken back."""
    return "chosen" in ask and ask["kind"] == "approval" and "acting" not in ask


def find_climb(ask: OpenAsk, motion: Motion, requester: str) -> int | None:
    """Which rung of the ladder is due at once, because nobody is left of those who were asked; an index into it.

    The face that signed the abstention named everybody who was asked (`about.holders`), as it knows the directory; the
    run does not. Who abstains without such a list leaves the ladder to its instants.
    """
    holders = motion["about"].get("holders")
    if not isinstance(holders, dict) or not holders or can_be_decided(ask, _named(holders), requester):
        return None
    rungs, climbed = ask.get("ladder", []), ask.get("climbed", 0)
    return next((nth for nth in range(climbed, len(rungs)) if rungs[nth]["kind"] == "escalate"), None)


def _refuse_decided(ask: OpenAsk, verb: str) -> Refusal | None:
    if verb != WITHDRAW:
        return Refusal(
            RefusalType.NOT_WAITING, f"`{ask['step']}` is already decided: {ask['chosen']}; look at the board"
        )
    if can_be_taken_back(ask):
        return None
    if ask["kind"] == "approval":
        undoing = "say no at its review, or have what takes it back done"
        return Refusal(
            RefusalType.LATE, f"too late: `{ask['action']}` of `{ask['step']}` is under way or done; {undoing}"
        )
    return Refusal(
        RefusalType.LATE,
        f"too late: `{ask['step']}` is decided ({ask['chosen']}) and the run went on; look at the board",
    )


def _refuse_withdrawal(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    delegation = find_delegations(ask).get(motion["person"])
    if delegation is not None:
        stands_in = find_delegate(delegation)
        answer = find_answer(ask, stands_in)
        if answer is not None and answer.get("on_behalf_of") == motion["person"]:
            message = f"`{stands_in}` has decided in this seat already; ask them to take their answer back"
            return Refusal(RefusalType.DELEGATED, message)
        return None
    if find_answer(ask, motion["person"]) is None:
        return Refusal(
            RefusalType.NOT_WAITING,
            f"nothing that `{motion['person']}` said at `{ask['step']}` counts now; there is nothing to take back",
        )
    return None


def _refuse_seatless(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    """What speaks against somebody who would take part in deciding."""
    person, role = motion["person"], motion["role"]
    if ask["kind"] in GATED and requester and person == requester:
        return Refusal(
            RefusalType.REQUESTER, "who asked for a thing has no seat at it; it waits on others, nothing is to be done"
        )
    if not has_seat(ask, role):
        wanted = ", ".join(
            dict.fromkeys(one for seats in ask["options"].values() for slot in seats for one in slot["any_of"])
        )
        return Refusal(RefusalType.WRONG_ROLE, f"`{ask['step']}` is for {wanted}; you spoke as {role}; see --role")
    if person in find_abstained(ask):
        return Refusal(
            RefusalType.ABSTAINED, f"`{person}` has abstained from `{ask['step']}`; another person must take the seat"
        )
    given = find_delegations(ask).get(person)
    if given is not None:
        return Refusal(
            RefusalType.DELEGATED,
            f"`{person}` gave this seat to `{find_delegate(given)}`; take that back first (withdraw)",
        )
    return None


def _refuse_delegation(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    person, to = motion["person"], motion["about"].get("to")
    if ask["kind"] == "task":
        return Refusal(RefusalType.UNKNOWN_OPTION, "a task is not decided for somebody; hand it back, others are asked")
    seatless = _refuse_seatless(ask, motion, requester)
    if seatless is not None:
        return seatless
    if not any(motion["role"] in slot["any_of"] for slot in _delegable(ask)):
        return Refusal(
            RefusalType.WRONG_ROLE, "breaking the glass cannot be given to somebody else; do it, or leave it"
        )
    if find_answer(ask, person) is not None:
        return Refusal(RefusalType.REPEATED, f"`{person}` has answered `{ask['step']}`; take the answer back first")
    if not isinstance(to, str) or not to or len(to) > MAX_NAME:
        return Refusal(RefusalType.BAD_VALUE, "`to` names nobody; say to whom the seat goes, an id of the directory")
    if to == person or find_delegators(ask, person):
        return Refusal(
            RefusalType.DELEGATED, "a seat goes from its holder to one other person and no further; decide or abstain"
        )
    return _refuse_delegate(ask, to, requester)


def _refuse_delegate(ask: OpenAsk, to: str, requester: str) -> Refusal | None:
    """What speaks against giving a seat to this person."""
    name_another = "name another person"
    if requester and to == requester:
        return Refusal(RefusalType.REQUESTER, f"`{to}` asked for this and gets no seat at it; {name_another}")
    if to in ask["exclude"]:
        return Refusal(RefusalType.EXCLUDED, f"`{to}` is excluded here by the runbook; {name_another}")
    if find_answer(ask, to) is not None:
        return Refusal(RefusalType.REPEATED, f"`{to}` has answered `{ask['step']}` already; {name_another}")
    if to in find_abstained(ask):
        return Refusal(RefusalType.ABSTAINED, f"`{to}` has abstained from `{ask['step']}`; {name_another}")
    if to in find_delegations(ask):
        return Refusal(RefusalType.DELEGATED, f"`{to}` gave their own seat away; {name_another}")
    if find_delegators(ask, to):
        return Refusal(RefusalType.DELEGATED, f"`{to}` has been given a seat here already; {name_another}")
    return None


def _delegable(ask: OpenAsk) -> list[SlotSpec]:
    return [slot for option, seats in ask["options"].items() if option != BREAK_GLASS for slot in seats]


def _refuse_question(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    seatless = _refuse_seatless(ask, motion, requester)
    if seatless is not None:
        return seatless
    asked = [said[0]["person"] for said in find_questions(ask).values()]
    if asked.count(motion["person"]) >= MAX_QUESTIONS:
        return Refusal(
            RefusalType.BUSY, f"`{motion['person']}` asked {MAX_QUESTIONS} questions here; decide, or abstain"
        )
    return None


def _refuse_reply(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    """Who commands, or asked for the thing, knows the answer; it gives them no say in the decision."""
    questions = find_questions(ask)
    said = questions.get(str(motion["about"].get("question")))
    if said is None:
        return Refusal(RefusalType.UNKNOWN_OPTION, f"`{ask['step']}` has no such question; look at what `show` lists")
    if motion["role"] not in ANSWERING and motion["person"] != requester:
        who = " or ".join(ANSWERING)
        return Refusal(RefusalType.WRONG_ROLE, f"{who} or who asked for it answers; tell them what you know")
    if motion["person"] == said[0]["person"]:
        return Refusal(RefusalType.REPEATED, "nobody answers their own question; decide, or ask somebody else")
    if len(said) > MAX_REPLIES:
        return Refusal(RefusalType.BUSY, f"this question has {MAX_REPLIES} answers; that must do to decide")
    return None


def _refuse_abstention(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    if find_answer(ask, motion["person"]) is not None:
        return Refusal(
            RefusalType.REPEATED, f"`{motion['person']}` has answered `{ask['step']}`; take the answer back first"
        )
    holders = motion["about"].get("holders", {})
    if not isinstance(holders, dict) or len(holders) > MAX_HOLDERS or not all(map(_is_texts, holders.values())):
        return Refusal(
            RefusalType.BAD_VALUE, f"`holders` maps at most {MAX_HOLDERS} people to their roles; leave it out otherwise"
        )
    return _refuse_seatless(ask, motion, requester)


def _refuse_narrowing(ask: OpenAsk, motion: Motion, requester: str) -> Refusal | None:
    """Less is approved only by who could approve, only of what the action's contract lets be narrowed."""
    person, role, step = motion["person"], motion["role"], ask["step"]
    narrows = ask.get("narrows")
    if ask["kind"] != "approval" or narrows is None or is_blind(ask):
        return Refusal(
            RefusalType.UNKNOWN_OPTION, f"nothing at `{step}` can be narrowed; approve it, or say no and why"
        )
    seatless = _refuse_seatless(ask, motion, requester)
    if seatless is not None:
        return seatless
    if find_answer(ask, person) is not None:
        return Refusal(RefusalType.REPEATED, f"`{person}` has answered `{step}`; take the answer back first")
    slots = ask["options"]["approve"]
    agreed = [one["body"] for one in ask["answers"] if one["body"]["option"] == "approve"]
    sitting: dict[str, Any] = {"person": person, "role": role}
    if len(open_slots(slots, [*agreed, sitting])) == len(open_slots(slots, agreed)):
        return Refusal(RefusalType.WRONG_ROLE, f"no seat for {role} is open at `approve`; only who may approve narrows")
    if len(ask["narrowed"]["by"] if "narrowed" in ask else ()) >= MAX_NARROWINGS:
        return Refusal(
            RefusalType.BUSY, f"`{step}` was narrowed {MAX_NARROWINGS} times; approve what is left, or say no"
        )
    fault = find_fault(narrows["inputs"], ask["inputs"], motion["about"])
    return Refusal(RefusalType.BAD_VALUE, fault) if fault else None


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _named(holders: Mapping[str, Any]) -> dict[str, list[str]]:
    return {person: cast(list[str], roles) for person, roles in holders.items()}


_CHECKS: dict[str, Callable[[OpenAsk, Motion, str], Refusal | None]] = {
    ABSTAIN: _refuse_abstention,
    WITHDRAW: _refuse_withdrawal,
    DELEGATE: _refuse_delegation,
    QUESTION: _refuse_question,
    ANSWER: _refuse_reply,
    NARROW: _refuse_narrowing,
}
VERBS = tuple(_CHECKS)
"""What can be said at an ask besides an answer."""
