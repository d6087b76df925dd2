"""What may be said at an ask besides an answer, and what becomes of the ask then."""

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.actions import Grant
from schemas.decision import MOTION, Envelope, Motion, OpenAsk, RefusalType
from tests.signing.test_gates import INPUTS, KEY, KEYS, NOW, PLACE, make_ask, make_decision, refusal_type
from watchfloor.signing import (
    SigningKey,
    Trust,
    bind_grant,
    open_slots,
    refuse_decision,
    refuse_grant,
    refuse_motion,
    render_instant,
    sign,
    take_motion,
)
from watchfloor.signing.motions import MAX_HOLDERS, MAX_MOTIONS, MAX_QUESTIONS, MAX_REPLIES, VERBS, find_climb
from watchfloor.signing.standing import CHANGES_OF_MIND, can_be_decided, find_questions, take_orphans

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


def ready(verb: str) -> tuple[OpenAsk, dict[str, Any]]:
    """An ask at which this may be said, and the fields with which it may."""
    ask = make_ask()
    if verb == "withdraw":
        answer(ask, "counsel-1", "legal_counsel")
    if verb == "delegate":
        return ask, {"about": {"to": "desk-1"}}
    if verb == "narrow":
        inputs = {"scope": "eu"}
        narrows = {"inputs": {"scope": {"by": "scope", "inside": {"eu": ["DE"]}}}, "item": None}
        return make_ask(inputs=inputs, narrows=narrows), {"about": {"inputs": {"scope": "DE"}}}
    if verb == "answer":
        move(ask, "question", person="counsel-2")
        (question,) = find_questions(ask)
        return ask, {"about": {"question": question}, "person": "ic-1", "role": "incident_commander"}
    return ask, {}


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
    ask, fields = ready(verb)
    if verb == "answer" and why == "excluded":
        assert refused(ask, verb, **{**fields, **changes}) is None, "who knows the answer may give it"
        return
    assert refused(ask, verb, **{**fields, **changes}) == why


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_said_at_an_ask_after_its_deadline(verb: str) -> None:
    ask, fields = ready(verb)
    fields["expires_at"] = "2999-01-01T00:00:00Z"
    assert refused(ask, verb, NOW + timedelta(minutes=29, seconds=59), **fields) is None
    assert refused(ask, verb, NOW + timedelta(minutes=30), **fields) == "late"


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


# -- delegate ---------------------------------------------------------------------------------------------------------

TO_OPS = {"about": {"to": "desk-1"}}


def delegated() -> OpenAsk:
    """Counsel gave their seat to somebody of the desk, who holds no role here."""
    ask = make_ask()
    move(ask, "delegate", **TO_OPS)
    return ask


def as_delegate(of: OpenAsk, /, **changes: Any) -> str | None:
    return refusal_type(of, **{"person": "desk-1", "on_behalf_of": "counsel-1", **changes})


def test_a_delegate_decides_in_the_seat_that_was_given_and_the_giver_does_not() -> None:
    ask = delegated()
    assert as_delegate(ask) is None
    assert refusal_type(ask) == "delegated"
    assert refused(ask, "abstain") == "delegated"
    assert refused(ask, "delegate", about={"to": "desk-2"}) == "delegated"


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("delegated", {"person": "desk-2"}),
        ("delegated", {"on_behalf_of": "counsel-2"}),
        ("delegated", {"role": "exec_sponsor"}),
        ("requester", {}),
    ],
)
def test_nobody_decides_in_a_seat_that_was_not_given_to_them(why: str, changes: dict[str, Any]) -> None:
    ask = delegated()
    requester = "desk-1" if why == "requester" else ""
    body = make_decision(ask, **{"person": "desk-1", "on_behalf_of": "counsel-1", **changes})
    refusal = refuse_decision(ask, body, requester=requester, now=NOW)
    assert refusal is not None
    assert refusal.type == why


@pytest.mark.parametrize(
    ("why", "to", "requester"),
    [
        ("requester", "rita", "rita"),
        ("excluded", "ops-1", ""),
        ("repeated", "exec-1", ""),
        ("abstained", "gone-1", ""),
        ("delegated", "counsel-1", ""),
        ("delegated", "giver-1", ""),
        ("delegated", "holder-1", ""),
        ("bad_value", "", ""),
        ("bad_value", "x" * 200, ""),
        ("bad_value", 7, ""),
        (None, "desk-1", ""),
    ],
)
def test_a_seat_goes_to_one_person_who_may_have_it(why: str | None, to: object, requester: str) -> None:
    ask = make_ask()
    answer(ask, "exec-1", "exec_sponsor")
    move(ask, "abstain", person="gone-1", role="legal_counsel", nonce="m3")
    move(ask, "delegate", person="giver-1", role="incident_commander", about={"to": "holder-1"}, nonce="m4")
    assert refused(ask, "delegate", NOW, requester, about={"to": to}) == why


def test_a_delegate_gives_no_seat_on_not_even_their_own() -> None:
    ask = delegated()
    assert refused(ask, "delegate", person="desk-1", about={"to": "desk-2"}) == "delegated"


def test_the_glass_is_broken_by_nobody_on_somebodys_behalf() -> None:
    ask = make_ask(glass_from=render_instant(NOW))
    ask["options"]["break_glass"] = [{"any_of": ["incident_commander"]}, {"any_of": ["deputy"]}]
    assert refused(ask, "delegate", role="deputy", about={"to": "desk-1"}) == "wrong_role"
    move(ask, "delegate", person="ic-1", role="incident_commander", about={"to": "desk-1"})
    changes = {"role": "incident_commander", "on_behalf_of": "ic-1"}
    assert as_delegate(ask, option="break_glass", **changes) == "delegated"
    assert as_delegate(ask, **changes) is None


def test_a_task_is_handed_back_and_not_delegated() -> None:
    assert refused(make_ask(kind="task"), "delegate", **TO_OPS) == "unknown_option"


def test_a_seat_is_taken_back_until_the_delegate_has_answered() -> None:
    ask = delegated()
    move(ask, "withdraw", nonce="m2")
    assert as_delegate(ask) == "delegated"
    assert refusal_type(ask) is None
    move(ask, "delegate", nonce="m3", **TO_OPS)
    answer(ask, "desk-1", "legal_counsel", on_behalf_of="counsel-1")
    assert refused(ask, "withdraw") == "delegated"
    move(ask, "withdraw", person="desk-1", nonce="m4")
    move(ask, "withdraw", nonce="m5")
    assert refusal_type(ask) is None


def test_a_delegate_counts_among_those_who_can_fill_a_seat() -> None:
    ask = delegated()
    holders = {"counsel-1": ["legal_counsel"], "exec-1": ["exec_sponsor"]}
    assert can_be_decided(ask, holders, "")
    move(ask, "abstain", person="desk-1", nonce="m2")
    assert not can_be_decided(ask, holders, "")


def grant_of(ask: OpenAsk) -> Grant:
    answer(ask, "desk-1", "legal_counsel", on_behalf_of="counsel-1")
    answer(ask, "exec-1", "exec_sponsor", nonce="n2")
    return bind_grant(ask, "")


def checked(grant: Grant) -> str | None:
    found = refuse_grant(
        grant,
        action="content.delete",
        key="k" * 64,
        inputs=INPUTS,
        region="eu",
        incident="inc-a",
        plan="sha256:p",
        keys=KEYS,
    )
    return found.type if found else None


def test_the_delegation_travels_in_the_grant_and_is_verified_at_the_effect() -> None:
    grant = grant_of(delegated())
    assert [one["body"]["about"] for one in grant["delegations"]] == [{"to": "desk-1"}]
    assert checked(grant) is None


def resign(envelope: Envelope, **changes: Any) -> Envelope:
    return sign(envelope["domain"], {**envelope["body"], **changes}, KEY)


def _without(grant: Grant) -> None:
    del grant["delegations"], grant["delegated_at"]


def _forged(grant: Grant) -> None:
    grant["delegations"][0]["body"]["about"] = {"to": "desk-2"}


def _other(**changes: Any) -> Any:
    def change(grant: Grant) -> None:
        grant["delegations"] = [resign(grant["delegations"][0], **changes)]

    return change


def _decided_too(grant: Grant) -> None:
    grant["decisions"][1] = resign(grant["decisions"][1], person="counsel-1")


def _chained(grant: Grant) -> None:
    first = grant["delegations"][0]
    grant["delegations"] = [resign(first, about={"to": "mid-1"}), resign(first, person="mid-1")]
    grant["delegated_at"] = grant["delegated_at"] * 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_without, "delegated"),
        (_forged, "bad_signature"),
        (_other(about={"to": "desk-2"}), "delegated"),
        (_other(role="incident_commander"), "delegated"),
        (_other(person="ops-1"), "delegated"),
        (_other(ask="sha256:00"), "changed"),
        (_other(verb="abstain"), "changed"),
        (_other(incident="inc-b"), "wrong_run"),
        (_other(plan="sha256:q"), "wrong_run"),
        (_other(region="us"), "wrong_run"),
        (_decided_too, "delegated"),
        (_chained, "delegated"),
    ],
)
def test_a_grant_with_a_delegation_that_does_not_hold_lets_nothing_go_ahead(change: Any, why: str) -> None:
    grant = grant_of(delegated())
    change(grant)
    assert checked(grant) == why


def test_the_requester_gives_no_seat_away_at_the_effect_either() -> None:
    grant = grant_of(delegated())
    grant["requester"] = "counsel-1"
    assert checked(grant) == "delegated"


def test_a_delegation_under_a_revoked_key_counts_for_nothing() -> None:
    grant = grant_of(delegated())
    old = SigningKey.from_bytes(b"\x09" * 32)
    grant["delegations"] = [sign(MOTION, grant["delegations"][0]["body"], old)]
    trust = Trust(keys={**KEYS, old.kid: old.public}, revoked={old.kid: render_instant(NOW)})
    found = refuse_grant(
        grant,
        action="content.delete",
        key="k" * 64,
        inputs=INPUTS,
        region="eu",
        incident="inc-a",
        plan="sha256:p",
        keys=trust,
    )
    assert found is not None
    assert found.type == "revoked"


# -- ask back ---------------------------------------------------------------------------------------------------------


def test_a_question_and_its_answer_change_nothing_of_what_is_asked_and_no_answer_given_before() -> None:
    ask = make_ask()
    answer(ask, "exec-1", "exec_sponsor")
    before = {name: copy.deepcopy(value) for name, value in ask.items() if name not in {"motions", "moved_at"}}
    move(ask, "question", reason_ref="sha256:q")
    (mark,) = find_questions(ask)
    reply = {"about": {"question": mark}, "person": "ic-1", "role": "incident_commander", "reason_ref": "sha256:a"}
    move(ask, "answer", **reply)
    assert {name: value for name, value in ask.items() if name not in {"motions", "moved_at"}} == before
    assert [body["reason_ref"] for body in find_questions(ask)[mark]] == ["sha256:q", "sha256:a"]
    answer(ask, "counsel-1", "legal_counsel", nonce="n2")
    assert ask["chosen"] == "approve"


@pytest.mark.parametrize(
    ("why", "changes", "requester"),
    [
        ("wrong_role", {"role": "ops_lead"}, ""),
        ("requester", {}, "counsel-1"),
        (None, {}, ""),
    ],
)
def test_who_could_decide_asks_back(why: str | None, changes: dict[str, Any], requester: str) -> None:
    assert refused(make_ask(), "question", NOW, requester, **changes) == why


@pytest.mark.parametrize(
    ("why", "changes", "requester"),
    [
        (None, {}, ""),
        (None, {"role": "deputy"}, ""),
        (None, {"person": "rita", "role": "ops_lead"}, "rita"),
        ("wrong_role", {"role": "ops_lead"}, ""),
        ("wrong_role", {"person": "rita", "role": "ops_lead"}, ""),
        ("repeated", {"person": "counsel-2"}, ""),
        ("unknown_option", {"about": {"question": "sha256:00"}}, ""),
        ("unknown_option", {"about": {}}, ""),
        ("unknown_option", {"about": {"question": ["x"]}}, ""),
    ],
)
def test_who_commands_or_asked_for_it_answers(why: str | None, changes: dict[str, Any], requester: str) -> None:
    ask, fields = ready("answer")
    assert refused(ask, "answer", NOW, requester, **{**fields, **changes}) == why


def test_nobody_asks_or_answers_without_end() -> None:
    ask = make_ask()
    for nth in range(MAX_QUESTIONS):
        move(ask, "question", nonce=f"q{nth}")
    assert refused(ask, "question") == "busy"
    assert refused(ask, "question", person="counsel-2") is None
    fields = {"about": {"question": next(iter(find_questions(ask)))}, "person": "ic-1", "role": "incident_commander"}
    for nth in range(MAX_REPLIES):
        move(ask, "answer", **fields, nonce=f"a{nth}")
    assert refused(ask, "answer", **fields) == "busy"


def test_what_a_revoked_key_signed_is_taken_out_and_leaves_no_answer_without_its_ground() -> None:
    ask = delegated()
    answer(ask, "desk-1", "legal_counsel", on_behalf_of="counsel-1")
    answer(ask, "exec-1", "exec_sponsor", nonce="n2")
    assert take_orphans(ask) == []
    ask["motions"], ask["moved_at"] = [], []
    assert [one["body"]["person"] for one in take_orphans(ask)] == ["desk-1"]
    assert len(ask["answers"]) == len(ask["accepted_at"]) == 1
    questioned, fields = ready("answer")
    move(questioned, "answer", **fields)
    questioned["motions"] = questioned["motions"][1:]
    assert find_questions(questioned) == {}
