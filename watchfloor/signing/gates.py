"""Who may answer an ask, and when enough have. Pure rules, used by the workflow's validator and handler and again by
the activity of the effect, so that one place says what a valid grant is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from schemas.actions import Grant
from schemas.decision import DECISION, MOTION, Decision, Envelope, OpenAsk, RefusalType
from schemas.json_value import Json
from watchfloor.signing.canonical import digest, parse_instant
from watchfloor.signing.standing import (
    BREAK_GLASS,
    CHANGES_OF_MIND,
    DELEGATE,
    GATED,
    SlotSpec,
    count_withdrawn,
    find_abstained,
    find_delegate,
    find_delegations,
    find_delegators,
    is_blind,
    match_seats,
)
from watchfloor.signing.statements import SignatureRefused
from watchfloor.signing.step_up import find_key_fault
from watchfloor.signing.trust import KeyRevoked, Trust, verify_statement

CLOCK_SKEW = timedelta(minutes=2)
"""How far a face's clock may be ahead of the run's before its statements count as issued in the future."""

GRANTING = frozenset({"approve", "release"})
"""The options that let an effect go ahead: at an approval, and at the release of a hold."""

NO_GLASS = frozenset({"L"})
"""Tiers of action whose gate nobody breaks."""

ASKED = (
    "path",
    "round",
    "kind",
    "title",
    "options",
    "exclude",
    "action",
    "action_digest",
    "shown",
    "form",
    "deadline_at",
)
"""The fields of an ask that its digest covers; `glass_from` and what only tasks have too where it is there."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement is refused: a `RefusalType` and a sentence for its sender."""

    type: str
    message: str


def action_digest(action: str, key: str, inputs: Mapping[str, Json]) -> str:
    """What an approval is bound to: the action, its idempotency key and its exact resolved inputs."""
    return digest({"domain": "watchfloor.action.v1", "action": action, "key": key, "inputs": dict(inputs)})


def ask_digest(ask: Mapping[str, Any], *, region: str, namespace: str, incident: str, plan: str) -> str:
    """What a decision is bound to: everything that was put before the decider, and where and until when."""
    place = {"region": region, "namespace": namespace, "incident": incident, "plan": plan}
    return digest({"domain": "watchfloor.ask.v1", **place, **_asked(ask)})


def _asked(ask: Mapping[str, Any]) -> dict[str, Json]:
    asked = {name: ask.get(name, 0) if name == "round" else ask[name] for name in ASKED}
    where_any = ("glass_from", "exposure", "checklist", "person", "blind", "narrowed", "keyed")
    return {**asked, **{name: ask[name] for name in where_any if name in ask}}


def calls_digest(calls: Sequence[str]) -> str:
    """What the ask for several calls is bound to: the digest of each (`action_digest`), in no particular order."""
    return digest({"domain": "watchfloor.release.v1", "calls": sorted(calls)})


def open_slots(slots: Sequence[SlotSpec], answers: Sequence[Mapping[str, Json]]) -> list[SlotSpec]:
    """The slots that these answers leave open, each person filling at most one (maximum matching).

    Args:
        slots: each `{any_of: [roles]}`.
        answers: decision bodies; of two by the same person the first counts.
    """
    people: dict[str, list[str]] = {}
    for answer in answers:
        people.setdefault(str(answer["person"]), [str(answer["role"])])
    filled = match_seats(slots, people)
    return [slot for index, slot in enumerate(slots) if index not in filled]


def in_words(slots: Sequence[SlotSpec]) -> list[str]:
    return [" or ".join(slot["any_of"]) for slot in slots]


def refuse_decision(  # one rule per line of the decision table
    ask: OpenAsk, decision: Decision, *, requester: str, now: datetime
) -> Refusal | None:
    """Check a verified decision against the ask it answers; None when it counts.

    `now` is workflow time; lateness is judged by the absolute deadline, never by a timer that fired or did not.
    """
    deadline = ask["deadline_at"]
    if deadline is not None and now >= parse_instant(deadline):
        return Refusal(RefusalType.LATE, f"`{ask['step']}` could be answered until {deadline}; silence was recorded")
    if decision["ask"] != ask["ask"]:
        return Refusal(
            RefusalType.CHANGED, f"what `{ask['step']}` asks has changed since you were shown it; look again and decide"
        )
    if now > parse_instant(decision["expires_at"]):
        return Refusal(RefusalType.LATE, f"this decision was valid until {decision['expires_at']}; decide again")
    if parse_instant(decision["issued_at"]) > now + CLOCK_SKEW:
        return Refusal(RefusalType.BAD_SIGNATURE, "this decision was issued in the future; check the sender's clock")
    option = decision["option"]
    if option not in ask["options"]:
        known = ", ".join(ask["options"])
        return Refusal(RefusalType.UNKNOWN_OPTION, f"`{ask['step']}` has no option `{option}`; it has: {known}")
    person, role = decision["person"], decision["role"]
    if ask["kind"] in GATED and requester and person == requester:
        return Refusal(RefusalType.REQUESTER, "who asked for a thing does not approve it; another person must decide")
    if person in ask["exclude"] or role in ask["exclude"]:
        return Refusal(RefusalType.EXCLUDED, f"`{person}` as {role} is excluded from this decision by the runbook")
    slots = ask["options"][option]
    if not any(role in slot["any_of"] for slot in slots):
        wanted = ", ".join(in_words(slots))
        return Refusal(RefusalType.WRONG_ROLE, f"`{option}` is for {wanted}; you decided as {role}")
    unkeyed = find_key_fault(ask.get("keyed", []), decision)
    if unkeyed:
        return Refusal(RefusalType.SECURITY_KEY, unkeyed)
    if option == BREAK_GLASS and ("glass_from" not in ask or now < parse_instant(ask["glass_from"])):
        since = ask.get("glass_from", "never")
        return Refusal(RefusalType.EARLY, f"nobody breaks the glass of `{ask['step']}` before its time: {since}")
    if person in find_abstained(ask):
        return Refusal(
            RefusalType.ABSTAINED, f"`{person}` has abstained from `{ask['step']}`; another person must decide"
        )
    if count_withdrawn(ask, person) > CHANGES_OF_MIND:
        return Refusal(
            RefusalType.REPEATED,
            f"`{person}` took back {CHANGES_OF_MIND + 1} answers to `{ask['step']}`; another person must decide",
        )
    given = find_delegations(ask)
    if person in given:
        return Refusal(
            RefusalType.DELEGATED,
            f"`{person}` gave this seat to `{find_delegate(given[person])}`; take that back first (withdraw)",
        )
    giver = decision.get("on_behalf_of", "")
    if giver and (option == BREAK_GLASS or find_delegators(ask, person).get(giver) != role):
        return Refusal(
            RefusalType.DELEGATED,
            f"`{giver}` gave `{person}` no seat as {role} for `{option}`; decide in your own role",
        )
    before = [answer["body"] for answer in ask["answers"]]
    if any(body["person"] == person for body in before):
        return Refusal(RefusalType.REPEATED, f"`{person}` has already answered `{ask['step']}`; nobody counts twice")
    if is_blind(ask) and option != BREAK_GLASS:
        # the seats are the same for every option, so that no refusal says which way somebody went
        slots, same = ask["blind"], before
    else:
        same = [body for body in before if body["option"] == option]
    if len(open_slots(slots, [*same, dict(decision)])) == len(open_slots(slots, same)):
        return Refusal(RefusalType.WRONG_ROLE, f"the seat for {role} is taken; still open: {in_words(slots)}")
    return None


def refuse_grant(  # the activity's last look before the effect
    grant: Grant,
    *,
    action: str,
    key: str,
    inputs: Mapping[str, Json],
    region: str,
    incident: str,
    plan: str,
    keys: Mapping[str, str] | Trust,
    tier: str = "",
) -> Refusal | None:
    """Check a grant at the effect: signatures over exactly this ask and these inputs, seats, requester, time.

    `keys` is whom the caller believes now: a key that was revoked since the run took the decision counts for nothing.
    A grant by broken glass is one decision of one person for that option's one seat, taken when it could be taken; it
    lets no action of a tier in `NO_GLASS` go ahead.

    Raises:
        KeyError, TypeError, ValueError: the grant is not well formed; it counts as none.
    """
    asked, covers, option = grant["asked"], grant["covers"], grant["option"]
    if action_digest(action, key, inputs) not in covers or asked["action"] != action:
        return Refusal(RefusalType.CHANGED, "the grant is for other inputs than these")
    if asked["action_digest"] != calls_digest(covers) and covers != [asked["action_digest"]]:
        return Refusal(RefusalType.CHANGED, "what was decided does not cover this call")
    if option not in GRANTING | {BREAK_GLASS} or not asked["options"].get(option):
        return Refusal(RefusalType.CHANGED, f"`{option}` lets nothing go ahead")
    if len(grant["accepted_at"]) != len(grant["decisions"]):
        return Refusal(RefusalType.BAD_SIGNATURE, "the grant does not say when each decision was accepted")
    trust = keys if isinstance(keys, Trust) else Trust(keys=keys)
    bodies: list[dict[str, Json]] = []
    for envelope, accepted_at in zip(grant["decisions"], grant["accepted_at"], strict=True):
        found = _refuse_granted(envelope, accepted_at, grant, region, incident, plan, trust)
        if isinstance(found, Refusal):
            return found
        bodies.append(found)
    if len({body["person"] for body in bodies}) != len(bodies):
        return Refusal(RefusalType.REPEATED, "one person stands twice in the grant")
    if option == BREAK_GLASS and not _is_glass(grant, tier):
        return Refusal(RefusalType.WRONG_ROLE, "one person breaks the glass, in its time, never for this tier")
    refusal = _refuse_behalf(grant, bodies, region, incident, plan, trust)
    if refusal is not None:
        return refusal
    left = open_slots(asked["options"][option], bodies)
    if left or not bodies:
        return Refusal(RefusalType.WRONG_ROLE, f"seats not filled: {', '.join(in_words(left)) or 'all'}")
    return None


def _is_glass(grant: Grant, tier: str) -> bool:
    asked = grant["asked"]
    if tier in NO_GLASS or len(grant["decisions"]) != 1 or len(asked["options"][BREAK_GLASS]) != 1:
        return False
    return parse_instant(grant["accepted_at"][0]) >= parse_instant(asked["glass_from"])


def _refuse_granted(
    envelope: Envelope,
    accepted_at: str,
    grant: Grant,
    region: str,
    incident: str,
    plan: str,
    trust: Trust,
) -> Refusal | dict[str, Json]:
    asked, deadline_at = grant["asked"], grant["asked"]["deadline_at"]
    try:
        body = verify_statement(envelope, DECISION, trust, parse_instant(accepted_at))
    except KeyRevoked as error:
        return Refusal(RefusalType.REVOKED, str(error))
    except SignatureRefused as error:
        return Refusal(RefusalType.BAD_SIGNATURE, str(error))
    if (body["region"], body["incident"], body["plan"]) != (region, incident, plan):
        return Refusal(RefusalType.WRONG_RUN, "the decision was made for another run")
    shown = ask_digest(asked, region=region, namespace=str(body["namespace"]), incident=incident, plan=plan)
    if body["ask"] != shown or body["option"] != grant["option"]:
        return Refusal(RefusalType.CHANGED, "the decision answers something else")
    at = parse_instant(accepted_at)
    if (deadline_at is not None and at >= parse_instant(deadline_at)) or at > parse_instant(body["expires_at"]):
        return Refusal(RefusalType.LATE, "the decision was accepted after its time")
    if grant["requester"] and body["person"] == grant["requester"]:
        return Refusal(RefusalType.REQUESTER, "the requester stands in the grant")
    if body["person"] in asked["exclude"] or body["role"] in asked["exclude"]:
        return Refusal(RefusalType.EXCLUDED, "an excluded person stands in the grant")
    unkeyed = find_key_fault(cast(list[str], asked.get("keyed", [])), body)
    if unkeyed:
        return Refusal(RefusalType.SECURITY_KEY, unkeyed)
    return body


def _refuse_behalf(
    grant: Grant, bodies: Sequence[Mapping[str, Json]], region: str, incident: str, plan: str, trust: Trust
) -> Refusal | None:
    """Check the seats that were given away: each by a signed delegation over this very ask, once, by one who could."""
    deciders = {str(body["person"]) for body in bodies}
    given: dict[tuple[str, str], str] = {}
    for envelope, at in zip(grant.get("delegations", []), grant.get("delegated_at", []), strict=True):
        try:
            motion = verify_statement(envelope, MOTION, trust, parse_instant(at))
        except KeyRevoked as error:
            return Refusal(RefusalType.REVOKED, str(error))
        except SignatureRefused as error:
            return Refusal(RefusalType.BAD_SIGNATURE, str(error))
        giver, excluded = str(motion["person"]), grant["asked"]["exclude"]
        if (motion["region"], motion["incident"], motion["plan"]) != (region, incident, plan):
            return Refusal(RefusalType.WRONG_RUN, "the delegation was made in another run")
        if motion["verb"] != DELEGATE or any(motion["ask"] != body["ask"] for body in bodies):
            return Refusal(RefusalType.CHANGED, "the delegation was made over something else")
        if parse_instant(at) > parse_instant(motion["expires_at"]):
            return Refusal(RefusalType.LATE, "the delegation was accepted after its time")
        if giver == grant["requester"] or giver in excluded or motion["role"] in excluded:
            return Refusal(RefusalType.DELEGATED, "who had no seat gave one away")
        if giver in deciders or giver in {one for one, _ in given} or giver in given.values():
            return Refusal(RefusalType.DELEGATED, "who gave a seat away decided too, or gave it twice, or in a chain")
        given[giver, str(motion["role"])] = find_delegate(motion)
    for body in bodies:
        behalf = body.get("on_behalf_of", "")
        if behalf and (grant["option"] == BREAK_GLASS or given.get((str(behalf), str(body["role"]))) != body["person"]):
            return Refusal(RefusalType.DELEGATED, "one decided in a seat that nobody gave them")
    return None


def bind_grant(ask: OpenAsk, requester: str, option: str = "approve", covers: Sequence[str] | None = None) -> Grant:
    """The grant that a settled approval (or release) gives its action.

    Args:
        option: what was chosen, one of `GRANTING` or `BREAK_GLASS`.
        covers: the digests of the calls that the ask stood for; the ask's own at an approval.
    """
    chosen = [
        (answer, at)
        for answer, at in zip(ask["answers"], ask["accepted_at"], strict=True)
        if answer["body"]["option"] == option
    ]
    grant: Grant = {
        "asked": _asked(ask),
        "option": option,
        "covers": [ask["action_digest"]] if covers is None else list(covers),
        "requester": requester,
        "decisions": [answer for answer, _ in chosen],
        "accepted_at": [at for _, at in chosen],
    }
    givers = {answer["body"]["on_behalf_of"] for answer, _ in chosen if "on_behalf_of" in answer["body"]}
    if givers:
        kept = find_delegations(ask)
        given = [
            (motion, at)
            for motion, at in zip(ask["motions"], ask["moved_at"], strict=True)
            if motion["body"]["person"] in givers and motion["body"] is kept.get(str(motion["body"]["person"]))
        ]
        grant["delegations"] = [motion for motion, _ in given]
        grant["delegated_at"] = [at for _, at in given]
    return grant
