"""The decision table: which answer to an ask counts, and which grant lets an effect go ahead."""

import copy
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decision import DECISION, Decision, OpenAsk, RefusalType
from watchfloor.signing import (
    SigningKey,
    action_digest,
    ask_digest,
    bind_grant,
    calls_digest,
    open_slots,
    refuse_decision,
    refuse_grant,
    render_instant,
    sign,
)

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
KEY = SigningKey.from_bytes(bytes(range(32)))
KEYS = {KEY.kid: KEY.public}
PLACE = {"region": "eu", "namespace": "eu", "incident": "inc-a", "plan": "sha256:p"}
INPUTS = {"url": "https://example.test/v/1"}


def make_ask(**changes: Any) -> OpenAsk:
    """An open approval by two people: one counsel, and one commander or sponsor."""
    slots: list[dict[str, list[str]]] = [
        {"any_of": ["legal_counsel"]},
        {"any_of": ["incident_commander", "exec_sponsor"]},
    ]
    ask: OpenAsk = {
        "path": "containment/erase",
        "step": "erase",
        "kind": "approval",
        "title": "Delete one item",
        "ask": "",
        "options": {"approve": slots, "deny": [{"any_of": ["legal_counsel", "incident_commander", "exec_sponsor"]}]},
        "slots": slots,
        "exclude": ["ops-1"],
        "action": "content.delete",
        "action_digest": action_digest("content.delete", "k" * 64, INPUTS),
        "inputs": INPUTS,
        "shown": [],
        "form": {},
        "asked_at": render_instant(NOW),
        "deadline_at": render_instant(NOW + timedelta(minutes=30)),
        "on_silence": "the step fails",
        "answers": [],
        "accepted_at": [],
    }
    ask.update(changes)  # type: ignore[typeddict-item]
    ask["ask"] = ask_digest(ask, **PLACE)
    return ask


def make_decision(asked: OpenAsk, /, **changes: Any) -> Decision:
    decision: Decision = {
        "v": 1,
        **PLACE,  # type: ignore[typeddict-item]
        "path": asked["path"],
        "ask": asked["ask"],
        "option": "approve",
        "form": {},
        "person": "counsel-1",
        "role": "legal_counsel",
        "entity": "eu-ltd",
        "signed_in": "dev",
        "issued_at": render_instant(NOW),
        "expires_at": render_instant(NOW + timedelta(minutes=10)),
        "nonce": "n1",
        "reason_ref": "sha256:r",
    }
    decision.update(changes)  # type: ignore[typeddict-item]
    return decision


def refusal_type(of: OpenAsk, at: datetime = NOW, requester: str = "", /, **changes: Any) -> str | None:
    refusal = refuse_decision(of, make_decision(of, **changes), requester=requester, now=at)
    return refusal.type if refusal else None


def test_an_eligible_answer_in_time_counts() -> None:
    assert refusal_type(make_ask()) is None


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(timedelta(minutes=30) - timedelta(microseconds=1), None), (timedelta(minutes=30), RefusalType.LATE)],
)
def test_lateness_is_judged_by_the_absolute_deadline(offset: timedelta, expected: str | None) -> None:
    lasting = render_instant(NOW + timedelta(hours=2))
    assert refusal_type(make_ask(), NOW + offset, expires_at=lasting) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ask": "sha256:other"}, RefusalType.CHANGED),
        ({"expires_at": render_instant(NOW - timedelta(seconds=1))}, RefusalType.LATE),
        ({"issued_at": render_instant(NOW + timedelta(hours=1))}, RefusalType.BAD_SIGNATURE),
        ({"option": "perhaps"}, RefusalType.UNKNOWN_OPTION),
        ({"person": "requester-1"}, RefusalType.REQUESTER),
        ({"person": "ops-1"}, RefusalType.EXCLUDED),
        ({"role": "comms_lead"}, RefusalType.WRONG_ROLE),
    ],
)
def test_every_rule_of_the_table_refuses(changes: dict[str, str], expected: str) -> None:
    assert refusal_type(make_ask(), NOW, "requester-1", **changes) == expected


def test_the_same_person_never_counts_twice() -> None:
    ask = make_ask()
    ask["answers"] = [sign(DECISION, dict(make_decision(ask)), KEY)]
    assert refusal_type(ask, role="exec_sponsor") == RefusalType.REPEATED


def test_a_second_counsel_cannot_take_the_commanders_seat() -> None:
    ask = make_ask()
    ask["answers"] = [sign(DECISION, dict(make_decision(ask)), KEY)]
    assert refusal_type(ask, person="counsel-2") == RefusalType.WRONG_ROLE


def test_an_ask_over_other_inputs_has_another_digest() -> None:
    other = make_ask(action_digest=action_digest("content.delete", "k" * 64, {"url": "https://example.test/v/2"}))
    assert other["ask"] != make_ask()["ask"]


ROLES = ["a", "b", "c"]


@given(
    slots=st.lists(st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True), min_size=1, max_size=4),
    people=st.lists(st.tuples(st.sampled_from(["p", "q", "r", "s"]), st.sampled_from(ROLES)), max_size=5),
)
def test_matching_agrees_with_trying_every_seating(slots: list[list[str]], people: list[tuple[str, str]]) -> None:
    """`open_slots` leaves exactly as many seats open as the best of all seatings does."""
    first: dict[str, str] = {}
    for person, role in people:
        first.setdefault(person, role)
    answers = [{"person": person, "role": role} for person, role in people]
    best = 0
    for seating in itertools.permutations([*first, *[None] * len(slots)], len(slots)):
        fits = sum(1 for who, slot in zip(seating, slots, strict=True) if who is not None and first[who] in slot)
        best = max(best, fits)
    assert len(open_slots([{"any_of": slot} for slot in slots], answers)) == len(slots) - best


def granted() -> tuple[OpenAsk, dict[str, Any]]:
    ask = make_ask()
    for person, role, nonce in (("counsel-1", "legal_counsel", "n1"), ("exec-1", "exec_sponsor", "n2")):
        ask["answers"].append(sign(DECISION, dict(make_decision(ask, person=person, role=role, nonce=nonce)), KEY))
        ask["accepted_at"].append(render_instant(NOW + timedelta(minutes=1)))
    where = {"action": "content.delete", "key": "k" * 64, "inputs": INPUTS, "keys": KEYS}
    return ask, where | {k: v for k, v in PLACE.items() if k != "namespace"}


def test_a_grant_by_enough_different_people_passes() -> None:
    ask, where = granted()
    assert refuse_grant(bind_grant(ask, ""), **where) is None


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda g, w: w.update(inputs={"url": "https://example.test/v/2"}), RefusalType.CHANGED),
        (lambda g, w: w.update(key="j" * 64), RefusalType.CHANGED),
        (lambda g, w: w.update(incident="inc-b"), RefusalType.WRONG_RUN),
        (lambda g, w: w.update(plan="sha256:q"), RefusalType.WRONG_RUN),
        (lambda g, w: w.update(keys={}), RefusalType.BAD_SIGNATURE),
        (lambda g, w: g["decisions"][0].update(sig="AAAA"), RefusalType.BAD_SIGNATURE),
        (lambda g, w: g["decisions"][0]["body"].update(person="exec-2"), RefusalType.BAD_SIGNATURE),
        (lambda g, w: g["decisions"].pop() and g["accepted_at"].pop(), RefusalType.WRONG_ROLE),
        (lambda g, w: g["accepted_at"].pop(), RefusalType.BAD_SIGNATURE),
        (lambda g, w: g.update(decisions=[g["decisions"][0]] * 2), RefusalType.REPEATED),
        (lambda g, w: g.update(requester="exec-1"), RefusalType.REQUESTER),
        (lambda g, w: g.update(decisions=[], accepted_at=[]), RefusalType.WRONG_ROLE),
        (lambda g, w: g.update(accepted_at=[render_instant(NOW + timedelta(hours=1))] * 2), RefusalType.LATE),
        (lambda g, w: g.update(option="deny"), RefusalType.CHANGED),
        (lambda g, w: g.update(covers=[*g["covers"], "sha256:more"]), RefusalType.CHANGED),
        (lambda g, w: g["asked"].update(exclude=[]), RefusalType.CHANGED),
        (lambda g, w: g["asked"].update(deadline_at=render_instant(NOW + timedelta(days=9))), RefusalType.CHANGED),
        (lambda g, w: g["asked"]["options"].update(approve=[{"any_of": ["legal_counsel"]}]), RefusalType.CHANGED),
        (lambda g, w: g["asked"].update(shown=[{"label": "another", "value": 1}]), RefusalType.CHANGED),
    ],
)
def test_a_spoiled_grant_never_reaches_the_effect(spoil: Any, expected: str) -> None:
    ask, where = granted()
    grant: Any = bind_grant(ask, "")
    grant["asked"] = copy.deepcopy(grant["asked"])
    spoil(grant, where)
    refusal = refuse_grant(grant, **where)
    assert refusal is not None
    assert refusal.type == expected


def test_a_decision_on_one_call_cannot_be_paired_with_another() -> None:
    """Signatures bind the ask, and the ask binds the call: claiming other calls for it is found."""
    ask, where = granted()
    elsewhere = {"url": "https://example.test/v/2"}
    other = action_digest("content.delete", "k" * 64, elsewhere)
    grant: Any = bind_grant(ask, "", covers=[other])
    refusal = refuse_grant(grant, **(where | {"inputs": elsewhere}))
    assert refusal is not None
    assert refusal.type == RefusalType.CHANGED


def test_one_ask_may_stand_for_several_calls() -> None:
    inputs = [{"source": name} for name in ("content_store", "live_store")]
    calls = [action_digest("hold.unfreeze", "k" * 64, each) for each in inputs]
    seats = [{"any_of": ["legal_counsel"]}]
    ask = make_ask(
        kind="release", action="hold.unfreeze", action_digest=calls_digest(calls), options={"release": seats}
    )
    ask["answers"].append(sign(DECISION, dict(make_decision(ask, option="release")), KEY))
    ask["accepted_at"].append(render_instant(NOW))
    _, where = granted()
    grant = bind_grant(ask, "", "release", calls)
    for each in inputs:
        assert refuse_grant(grant, **(where | {"action": "hold.unfreeze", "inputs": each})) is None
    other = refuse_grant(grant, **(where | {"action": "hold.unfreeze", "inputs": {"source": "mail_store"}}))
    assert other is not None
    assert other.type == RefusalType.CHANGED


def glass(**changes: Any) -> tuple[OpenAsk, dict[str, Any]]:
    """An ask whose glass the operations lead broke, alone, six minutes after it was asked."""
    at = render_instant(NOW + timedelta(minutes=6))
    options = {**make_ask()["options"], "break_glass": [{"any_of": ["ops_lead"]}]}
    ask = make_ask(**{"options": options, "glass_from": render_instant(NOW + timedelta(minutes=5)), **changes})
    said = make_decision(ask, option="break_glass", person="ops-2", role="ops_lead")
    ask["answers"], ask["accepted_at"] = [sign(DECISION, dict(said), KEY)], [at]
    return ask, granted()[1]


def test_glass_broken_by_its_one_person_in_its_time_lets_the_effect_go_ahead() -> None:
    ask, where = glass()
    assert refuse_grant(bind_grant(ask, "", "break_glass"), **where) is None
    assert refuse_grant(bind_grant(ask, "", "break_glass"), **where, tier="2") is None


def test_broken_glass_is_no_approval() -> None:
    ask, where = glass()
    grant: Any = bind_grant(ask, "", "break_glass")
    refusal = refuse_grant({**grant, "option": "approve"}, **where)
    assert refusal is not None
    assert refusal.type == RefusalType.CHANGED


@pytest.mark.parametrize(
    ("changes", "tier"),
    [
        ({}, "L"),
        ({"glass_from": render_instant(NOW + timedelta(minutes=7))}, "0"),
        ({"options": {"break_glass": [{"any_of": ["ops_lead"]}, {"any_of": ["deputy"]}]}}, "0"),
        ({"options": {"approve": [{"any_of": ["ops_lead"]}], "deny": [], "break_glass": []}}, "0"),
    ],
)
def test_glass_broken_too_early_by_the_wrong_number_or_for_a_release_is_refused(
    changes: dict[str, Any], tier: str
) -> None:
    ask, where = glass(**changes)
    assert refuse_grant(bind_grant(ask, "", "break_glass"), **where, tier=tier) is not None


def test_moving_the_time_of_the_glass_breaks_the_signature_s_digest() -> None:
    ask, where = glass()
    grant: Any = bind_grant(ask, "", "break_glass")
    earlier = {**grant["asked"], "glass_from": render_instant(NOW)}
    refusal = refuse_grant({**grant, "asked": earlier}, **where)
    assert refusal is not None
    assert refusal.type == RefusalType.CHANGED


def test_glass_is_refused_before_its_time_and_where_there_is_none() -> None:
    ask, _ = glass()
    ask["answers"] = []
    said = {"option": "break_glass", "person": "ops-2", "role": "ops_lead"}
    lasting = {"expires_at": render_instant(NOW + timedelta(hours=1))}
    assert refusal_type(ask, NOW + timedelta(minutes=4), **said, **lasting) == RefusalType.EARLY
    assert refusal_type(ask, NOW + timedelta(minutes=5), **said, **lasting) is None
    del ask["glass_from"]
    ask["ask"] = ask_digest(ask, **PLACE)
    assert refusal_type(ask, NOW + timedelta(minutes=5), **said, **lasting) == RefusalType.EARLY
