"""Which decisions need a security key, and what a statement must say of one that was touched."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.decision import DECISION, RefusalType
from tests.signing.test_gates import INPUTS, KEY, KEYS, NOW, PLACE, make_ask, make_decision
from watchfloor.signing import action_digest, render_instant, sign
from watchfloor.signing.gates import bind_grant, refuse_decision, refuse_grant
from watchfloor.signing.step_up import KEYED, VALID_FOR, find_key_fault, find_keyed, find_sign_in_fault, step_up_digest

SEATS = {"approve": [{"any_of": ["legal_counsel"]}], "deny": [{"any_of": ["legal_counsel"]}]}


def keyed_ask(**more: Any) -> Any:
    digest = action_digest("authority.reply", "k" * 64, INPUTS)
    return make_ask(keyed=["approve"], action="authority.reply", action_digest=digest, options=SEATS, **more)


def touched(ask: Any, **more: Any) -> dict[str, Any]:
    over = step_up_digest(ask["ask"], "approve", "counsel-1")
    said = {"credential": "sha256:c", "over": over, "at": render_instant(NOW), "assertion": "sha256:a", **more}
    return {"signed_in": "webauthn", "step_up": said}


@pytest.mark.parametrize(
    ("kind", "effect", "options", "wanted"),
    [
        ("release", "", ["release"], ["release"]),
        ("approval", "discloses", ["approve", "deny", "break_glass"], ["approve"]),
        ("approval", "reveals", ["approve", "deny"], ["approve"]),
        ("approval", "destroys", ["approve", "deny"], []),
        ("handoff", "", ["accept", "decline"], ["accept"]),
        ("decide", "", ["accept", "keep"], []),
        ("task", "", ["done"], []),
    ],
)
def test_what_lets_something_out_needs_a_key_and_a_no_never_does(
    kind: str, effect: str, options: list[str], wanted: list[str]
) -> None:
    assert find_keyed(KEYED, kind=kind, effect=effect, options=options) == wanted
    assert find_keyed((), kind=kind, effect=effect, options=options) == []


def test_a_decision_with_a_key_touched_for_it_counts() -> None:
    ask = keyed_ask()
    decision = make_decision(ask, **touched(ask))
    assert refuse_decision(ask, decision, requester="", now=NOW) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body, ask: body.update(signed_in="oidc"),
        lambda body, ask: body.pop("step_up"),
        lambda body, ask: body.update(signed_in="oidc") or body.pop("step_up"),
        lambda body, ask: body["step_up"].update(over=step_up_digest("sha256:other", "approve", "counsel-1")),
        lambda body, ask: body["step_up"].update(over=step_up_digest(ask["ask"], "deny", "counsel-1")),
        lambda body, ask: body["step_up"].update(over=step_up_digest(ask["ask"], "approve", "counsel-2")),
        lambda body, ask: body["step_up"].update(at=render_instant(NOW - VALID_FOR - timedelta(seconds=1))),
        lambda body, ask: body["step_up"].update(at=render_instant(NOW + timedelta(minutes=1))),
        lambda body, ask: body["step_up"].update(more="x"),
        lambda body, ask: body["step_up"].pop("assertion"),
        lambda body, ask: body["step_up"].update(credential=""),
    ],
)
def test_a_decision_without_one_is_refused_at_the_run_and_at_the_effect(spoil: Any) -> None:
    ask = keyed_ask()
    body: Any = dict(make_decision(ask, **touched(ask)))
    spoil(body, ask)
    refusal = refuse_decision(ask, body, requester="", now=NOW)
    assert refusal is not None
    assert refusal.type == RefusalType.SECURITY_KEY
    ask["answers"], ask["accepted_at"] = [sign(DECISION, body, KEY)], [render_instant(NOW)]
    where = {"action": "authority.reply", "key": "k" * 64, "inputs": INPUTS, "keys": KEYS}
    where |= {name: value for name, value in PLACE.items() if name != "namespace"}
    at_effect = refuse_grant(bind_grant(ask, ""), **where)
    assert at_effect is not None
    assert at_effect.type == RefusalType.SECURITY_KEY


def test_a_grant_with_a_key_reaches_the_effect_and_the_need_cannot_be_taken_out_of_it() -> None:
    ask = keyed_ask()
    ask["answers"] = [sign(DECISION, dict(make_decision(ask, **touched(ask))), KEY)]
    ask["accepted_at"] = [render_instant(NOW)]
    where: Any = {"action": "authority.reply", "key": "k" * 64, "inputs": INPUTS, "keys": KEYS}
    where |= {name: value for name, value in PLACE.items() if name != "namespace"}
    grant: Any = bind_grant(ask, "")
    assert refuse_grant(grant, **where) is None
    bare = {**grant, "asked": {name: value for name, value in grant["asked"].items() if name != "keyed"}}
    refusal = refuse_grant(bare, **where)
    assert refusal is not None
    assert refusal.type == RefusalType.CHANGED


def test_development_sign_in_and_options_without_a_need_ask_for_none() -> None:
    ask = keyed_ask()
    assert find_key_fault(["approve"], make_decision(ask)) == ""
    assert find_key_fault(["approve"], make_decision(ask, option="deny", signed_in="oidc")) == ""
    assert find_key_fault([], make_decision(ask, signed_in="oidc")) == ""


@pytest.mark.parametrize(
    "more",
    [
        {"amr": "pwd"},
        {"amr": ["pwd"] * 11},
        {"amr": [1]},
        {"amr": [""]},
        {"amr": ["x" * 500]},
        {"step_up": None},
        {"step_up": "yes"},
        {"step_up": {"at": "now"}},
        {"step_up": {"credential": "c", "over": "o", "at": "yesterday", "assertion": "a"}},
        {"step_up": {"credential": "c", "over": "o", "at": 7, "assertion": "a"}},
    ],
)
def test_words_about_a_sign_in_that_are_malformed_are_found(more: dict[str, Any]) -> None:
    ask = keyed_ask()
    assert find_sign_in_fault({**make_decision(ask), **more})
    assert not find_sign_in_fault({**make_decision(ask), **touched(ask), "amr": ["pwd", "otp"]})
