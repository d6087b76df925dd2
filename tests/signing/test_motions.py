"""What may be said at an ask besides an answer, and what becomes of the ask then."""

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.decision import MOTION, Envelope, Motion, OpenAsk, RefusalType
from tests.signing.test_gates import KEY, NOW, PLACE, make_ask, make_decision, refusal_type
from watchfloor.signing import open_slots, refuse_motion, render_instant, sign, take_motion
from watchfloor.signing.motions import MAX_HOLDERS, MAX_MOTIONS, VERBS, find_climb
from watchfloor.signing.standing import CHANGES_OF_MIND, can_be_decided

LATER = NOW + timedelta(minutes=1)


def make_motion(asked: OpenAsk, verb: str, /, **changes: Any) -> Motion:
    return {
        "v": 1,
        **PLACE,
        "path": asked["path"],
        "ask": asked["ask"],
        "verb": verb,
        "about": {},
        "person": "counsel-1",
        "role": "legal_counsel",
        "entity": "eu-ltd",
        "signed_in": "dev",
        "issued_at": render_instant(NOW),
        "expires_at": render_instant(NOW + timedelta(minutes=10)),
        "nonce": "m1",
        "reason_ref": "sha256:r",
        **changes,
    }  # type: ignore[typeddict-item, return-value]


def refused(of: OpenAsk, verb: str, at: datetime = NOW, requester: str = "", /, **changes: Any) -> str | None:
    before = copy.deepcopy(of)
    refusal = refuse_motion(of, make_motion(of, verb, **changes), requester=requester, now=at)
    assert of == before, "a check changes nothing"
    if refusal is not None:
        assert len(refusal.message) > 30, "a refusal says what to do"
    return refusal.type if refusal else None


def move(of: OpenAsk, verb: str, /, **changes: Any) -> None:
    assert refused(of, verb, **changes) is None
    take_motion(of, sign(MOTION, dict(make_motion(of, verb, **changes)), KEY), LATER)


def answer(of: OpenAsk, person: str, role: str, option: str = "approve", **changes: Any) -> None:
    """Take an answer as the run does."""
    assert refusal_type(of, person=person, role=role, option=option, **changes) is None
    body = dict(make_decision(of, person=person, role=role, option=option, **changes))
    of["answers"].append(sign("watchfloor.decision.v1", body, KEY))
    of["accepted_at"].append(render_instant(NOW))
    same = [one["body"] for one in of["answers"] if one["body"]["option"] == option]
    if not open_slots(of["options"][option], same):
        of["chosen"] = option


EVERY = [
    ("changed", {"ask": "sha256:00"}),
    ("late", {"expires_at": render_instant(NOW - timedelta(seconds=1))}),
    ("bad_signature", {"issued_at": render_instant(NOW + timedelta(hours=1))}),
    ("no_reason", {"reason_ref": ""}),
    ("excluded", {"person": "ops-1"}),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("why", "changes"), EVERY, ids=[why for why, _ in EVERY])
def test_every_motion_is_bound_to_the_ask_fresh_and_reasoned(verb: str, why: str, changes: dict[str, Any]) -> None:
    ask = make_ask()
    if verb == "withdraw":
        answer(ask, "counsel-1", "legal_counsel")
    assert refused(ask, verb, **changes) == why


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_said_at_an_ask_after_its_deadline(verb: str) -> None:
    ask = make_ask()
    answer(ask, "counsel-1", "legal_counsel")
    assert refused(ask, verb, NOW + timedelta(minutes=30)) == "late"


def test_an_unknown_verb_is_refused_with_those_there_are() -> None:
    ask = make_ask()
    refusal = refuse_motion(ask, make_motion(ask, "shout"), requester="", now=NOW)
    assert refusal is not None
    assert refusal.type == RefusalType.UNKNOWN_OPTION
    assert all(verb in refusal.message for verb in VERBS)


def test_an_ask_takes_a_limited_number_of_motions() -> None:
    ask = make_ask()
    envelope: Envelope = sign(MOTION, dict(make_motion(ask, "abstain", person="counsel-9")), KEY)
    ask["motions"] = [envelope] * MAX_MOTIONS
    assert refused(ask, "abstain") == "busy"


# -- abstain ----------------------------------------------------------------------------------------------------------


def test_who_abstains_fills_no_seat_afterwards_and_abstains_once() -> None:
    ask = make_ask()
    move(ask, "abstain")
    assert refusal_type(ask) == "abstained"
    assert refusal_type(ask, option="deny") == "abstained"
    assert refused(ask, "abstain") == "abstained"
    assert refusal_type(ask, person="counsel-2") is None


@pytest.mark.parametrize(
    ("why", "changes", "requester"),
    [
        ("wrong_role", {"role": "ops_lead"}, ""),
        ("requester", {}, "counsel-1"),
        ("bad_value", {"about": {"holders": ["counsel-1"]}}, ""),
        ("bad_value", {"about": {"holders": {"counsel-1": "legal_counsel"}}}, ""),
        ("bad_value", {"about": {"holders": {f"p-{nth}": [] for nth in range(MAX_HOLDERS + 1)}}}, ""),
    ],
)
def test_only_who_could_decide_abstains(why: str, changes: dict[str, Any], requester: str) -> None:
    assert refused(make_ask(), "abstain", NOW, requester, **changes) == why


def test_who_has_answered_takes_the_answer_back_before_abstaining() -> None:
    ask = make_ask()
    answer(ask, "counsel-1", "legal_counsel")
    assert refused(ask, "abstain") == "repeated"
    move(ask, "withdraw")
    move(ask, "abstain", nonce="m2")


HOLDERS = {
    "counsel-1": ["legal_counsel"],
    "counsel-2": ["legal_counsel"],
    "both-1": ["legal_counsel", "incident_commander"],
    "exec-1": ["exec_sponsor"],
}


def test_the_ladder_is_due_at_once_when_nobody_is_left_for_a_seat() -> None:
    rungs: list[Any] = [
        {"at": "2026-11-22T03:20:00Z", "kind": "remind", "roles": ["legal_counsel"]},
        {"at": "2026-11-22T03:30:00Z", "kind": "escalate", "roles": ["deputy"]},
    ]
    for holders, climbs in (
        (HOLDERS, None),
        ({"counsel-1": ["legal_counsel"], "exec-1": ["exec_sponsor"]}, 1),
        ({}, None),
    ):
        ask = make_ask(ladder=rungs, climbed=0)
        move(ask, "abstain", about={"holders": holders})
        motion = make_motion(ask, "abstain", about={"holders": holders})
        assert find_climb(ask, motion, "") == climbs, holders


@pytest.mark.parametrize(
    ("gone", "requester", "possible"),
    [
        ([], "", True),
        (["counsel-1"], "", True),
        (["counsel-1", "counsel-2"], "", True),
        (["counsel-1", "counsel-2", "exec-1"], "", False),
        (["counsel-1", "counsel-2", "both-1"], "", False),
        (["counsel-1", "counsel-2"], "both-1", False),
    ],
)
def test_whether_the_seats_can_still_be_filled_is_a_matching(gone: list[str], requester: str, possible: bool) -> None:
    ask = make_ask()
    for person in gone:
        role = HOLDERS[person][0]
        move(ask, "abstain", person=person, role=role, nonce=person)
    assert can_be_decided(ask, HOLDERS, requester) is possible


def test_an_answer_that_was_given_keeps_its_seat_in_the_matching() -> None:
    ask = make_ask()
    answer(ask, "counsel-1", "legal_counsel")
    move(ask, "abstain", person="counsel-2")
    assert can_be_decided(ask, {"counsel-1": ["legal_counsel"], "exec-1": ["exec_sponsor"]}, "")


# -- withdraw ---------------------------------------------------------------------------------------------------------


def test_an_answer_taken_back_opens_its_seat_and_may_be_given_anew() -> None:
    ask = make_ask()
    answer(ask, "counsel-1", "legal_counsel")
    move(ask, "withdraw")
    assert (ask["answers"], ask["accepted_at"]) == ([], [])
    answer(ask, "counsel-1", "legal_counsel", nonce="n2")
    assert len(ask["answers"]) == len(ask["accepted_at"]) == 1


def test_only_an_own_answer_is_taken_back() -> None:
    ask = make_ask()
    assert refused(ask, "withdraw") == "not_waiting"
    answer(ask, "counsel-1", "legal_counsel")
    assert refused(ask, "withdraw", person="counsel-2") == "not_waiting"


def test_nobody_changes_their_mind_without_end() -> None:
    ask = make_ask()
    for nth in range(CHANGES_OF_MIND + 1):
        answer(ask, "counsel-1", "legal_counsel", nonce=f"n{nth}")
        move(ask, "withdraw", nonce=f"m{nth}")
    assert refusal_type(ask) == "repeated"


def decided() -> OpenAsk:
    ask = make_ask()
    answer(ask, "counsel-1", "legal_counsel")
    answer(ask, "exec-1", "exec_sponsor")
    assert ask["chosen"] == "approve"
    return ask


def test_a_decided_gate_is_open_again_without_one_of_its_answers() -> None:
    ask = decided()
    assert refused(ask, "abstain", person="counsel-2") == "not_waiting"
    move(ask, "withdraw")
    assert "chosen" not in ask
    assert [one["body"]["person"] for one in ask["answers"]] == ["exec-1"]


def test_a_decided_gate_may_be_taken_back_after_its_deadline_while_nothing_was_done() -> None:
    assert refused(decided(), "withdraw", NOW + timedelta(hours=1), expires_at="2999-01-01T00:00:00Z") is None


@pytest.mark.parametrize("changes", [{"acting": True}, {"kind": "decide"}, {"kind": "release"}])
def test_it_is_too_late_once_something_follows_from_the_decision(changes: dict[str, Any]) -> None:
    ask = decided()
    ask.update(changes)  # type: ignore[typeddict-item]
    refusal = refuse_motion(ask, make_motion(ask, "withdraw"), requester="", now=NOW)
    assert refusal is not None
    assert refusal.type == RefusalType.LATE
    assert refusal.message.startswith("too late")


def test_who_approved_in_vain_takes_their_yes_back_and_the_glass_stays_broken() -> None:
    ask = make_ask()
    ask["options"]["break_glass"] = [{"any_of": ["incident_commander"]}]
    answer(ask, "counsel-1", "legal_counsel")
    ask["answers"].append(
        sign(
            "watchfloor.decision.v1",
            dict(make_decision(ask, person="ic-1", role="incident_commander", option="break_glass")),
            KEY,
        )
    )
    ask["accepted_at"].append(render_instant(NOW))
    ask["chosen"] = "break_glass"
    move(ask, "withdraw")
    assert ask["chosen"] == "break_glass"
