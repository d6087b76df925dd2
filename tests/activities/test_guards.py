"""Before anything is announced: the call is ours, its inputs fit, and people said yes to exactly this."""

from collections.abc import Callable
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.bound import bound
from activities.effects import EffectRunner
from schemas.actions import ErrorType, Grant
from schemas.decision import DECISION
from schemas.ledger import EntryKind
from watchfloor.signing import SigningKey, action_digest, ask_digest, envelope_digest, sign

SLOTS = [{"any_of": ["incident_commander"]}, {"any_of": ["legal_counsel"]}]


def grant_for(call: Any, key: SigningKey, **changes: Any) -> Grant:
    """Two people who approved exactly this call; `asked` and `body` spoil what they were asked and what they said."""
    asked = {
        "path": call["path"], "round": 0, "kind": "approval", "title": "Delete one item", "options": {"approve": SLOTS},
        "exclude": [], "action": call["action"], "shown": [], "form": {}, "deadline_at": "2026-11-22T04:00:00Z",
        "action_digest": action_digest(call["action"], call["key"], call["inputs"]), **changes.get("asked", {}),
    }  # fmt: skip
    place = {"region": call["region"], "namespace": "eu", "incident": call["incident"], "plan": call["plan"]}
    try:
        ask = ask_digest(asked, **place)
    except ValueError:
        ask = ""
    decisions = []
    for person, role in (("commander-1", "incident_commander"), ("counsel-1", "legal_counsel")):
        body = {
            "v": 1, **place, "path": call["path"], "ask": ask, "option": "approve", "form": {}, "person": person,
            "role": role, "entity": "example", "signed_in": "dev", "issued_at": "2026-11-22T03:00:00Z",
            "expires_at": "2026-11-22T04:00:00Z", "nonce": person, "reason_ref": "",
        }  # fmt: skip
        decisions.append(sign(DECISION, {**body, **changes.get("body", {})}, key))
    grant: Grant = {
        "asked": asked,
        "option": "approve",
        "covers": [asked["action_digest"]],
        "requester": "",
        "decisions": decisions,
        "accepted_at": ["2026-11-22T03:05:00Z"] * 2,
    }
    spoiled = {name: value for name, value in changes.items() if name not in {"asked", "body"}}
    return {**grant, **spoiled}  # type: ignore[typeddict-item]


async def attempt(world: Any, call: Any) -> Any:
    body = bound(world.deps, call["action"])
    return await EffectRunner(world.deps).carry_out(call, lambda: body(call))


async def refused(world: Any, call: Any) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await attempt(world, call)
    assert world.target.requests == []
    assert not any(entry["kind"] == EntryKind.ANNOUNCED for entry in world.deps.ledger.read(call["incident"]))
    return caught.value


@pytest.fixture
def deletion(world: Any, call_of: Any) -> Callable[..., tuple[Any, Any]]:
    """A world and a deletion that is preserved and approved."""

    def build(**changes: Any) -> tuple[Any, Any]:
        w = world()
        snapshot = w.deps.evidence.put(b"record")
        call = call_of("content.delete", inputs={"url": "https://example.test/v/1", "snapshot": snapshot}, gated=True)
        call["grant"] = grant_for(call, w.deps.keys.face)
        return w, {**call, **changes}

    return build


async def test_a_preserved_and_approved_deletion_goes_ahead_and_names_the_decisions(deletion: Any) -> None:
    w, call = deletion()
    receipt = await attempt(w, call)
    assert receipt["outputs"] == {"deleted_at": "2026-11-22T03:10:00Z"}
    ruled, announced, _ = list(w.deps.ledger.read("inc-a"))
    assert (ruled["kind"], ruled["data"]["ruling"], ruled["data"]["rule"]) == (EntryKind.RETENTION, "erase", 5)
    data = announced["data"]
    assert data["decisions"] == [envelope_digest(envelope) for envelope in call["grant"]["decisions"]]
    assert (data["effect"], data["tier"], data["irreversible"]) == ("destroys", "2", True)


@pytest.mark.parametrize("gated", [True, False])
async def test_a_deletion_without_a_grant_is_refused_even_when_the_call_says_that_no_gate_stood_there(
    deletion: Any, gated: bool
) -> None:
    w, call = deletion(grant=None, gated=gated, effect="reads", tier="0")
    error = await refused(w, call)
    assert (error.type, error.non_retryable) == (ErrorType.NO_GRANT, True)


@pytest.mark.parametrize("gated", [True, False])
async def test_releasing_a_hold_without_a_grant_is_refused(world: Any, call_of: Any, gated: bool) -> None:
    error = await refused(world(), call_of("hold.unfreeze", gated=gated))
    assert error.type == ErrorType.NO_GRANT


async def test_a_gated_action_of_any_kind_needs_its_grant(world: Any, call_of: Any) -> None:
    error = await refused(world(), call_of(gated=True))
    assert error.type == ErrorType.NO_GRANT


FORGERIES: dict[str, Callable[[Any, Any], Any]] = {
    "other inputs": lambda w, call: {**call, "inputs": {**call["inputs"], "url": "https://example.test/v/2"}},
    "other key": lambda w, call: {**call, "key": "z" * 64},
    "other incident": lambda w, call: {**call, "incident": "inc-b"},
    "other plan": lambda w, call: {**call, "plan": "sha256:other"},
    "one of two": lambda w, call: {
        **call,
        "grant": {
            **call["grant"],
            "decisions": call["grant"]["decisions"][:1],
            "accepted_at": call["grant"]["accepted_at"][:1],
        },
    },
    "nobody": lambda w, call: {**call, "grant": {**call["grant"], "decisions": [], "accepted_at": []}},
    "the same person twice": lambda w, call: {
        **call,
        "grant": {**call["grant"], "decisions": [call["grant"]["decisions"][0]] * 2},
    },
    "a stranger's key": lambda w, call: {**call, "grant": grant_for(call, SigningKey.generate())},
    "a denial": lambda w, call: {**call, "grant": grant_for(call, w.deps.keys.face, body={"option": "deny"})},
    "another ask": lambda w, call: {**call, "grant": grant_for(call, w.deps.keys.face, body={"ask": "sha256:old"})},
    "too late": lambda w, call: {
        **call,
        "grant": grant_for(call, w.deps.keys.face, accepted_at=["2026-11-22T04:00:00Z"] * 2),
    },
    "the requester": lambda w, call: {**call, "grant": grant_for(call, w.deps.keys.face, requester="counsel-1")},
    "an excluded role": lambda w, call: {
        **call,
        "grant": grant_for(call, w.deps.keys.face, asked={"exclude": ["legal_counsel"]}),
    },
    "somebody who stands aside": lambda w, call: {**call, "recused": ["counsel-1"]},
    "not well formed": lambda w, call: {**call, "grant": {"asked": {}}},
    "no instant": lambda w, call: {**call, "grant": grant_for(call, w.deps.keys.face, asked={"deadline_at": "soon"})},
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_grant_that_does_not_hold_sends_nothing_and_is_on_record(
    deletion: Any, forge: Callable[[Any, Any], Any]
) -> None:
    w, call = deletion()
    forged = forge(w, call)
    error = await refused(w, forged)
    assert (error.type, error.non_retryable) == (ErrorType.NO_GRANT, True)
    (entry,) = w.deps.ledger.read(forged["incident"])
    assert (entry["kind"], entry["data"]["error"]) == (EntryKind.FAILED, ErrorType.NO_GRANT)


async def test_what_was_not_preserved_is_not_destroyed(deletion: Any) -> None:
    w, call = deletion()
    call["inputs"]["snapshot"] = "sha256:" + "0" * 64
    call["grant"] = grant_for(call, w.deps.keys.face)
    error = await refused(w, call)
    assert (error.type, error.non_retryable) == (ErrorType.REFUSED, True)


async def test_what_was_preserved_and_then_altered_does_not_count_as_preserved(deletion: Any) -> None:
    w, call = deletion()
    ref = call["inputs"]["snapshot"]
    (w.deps.evidence.path / "objects" / ref[7:9] / ref[9:]).write_bytes(b"other")
    assert (await refused(w, call)).type == ErrorType.REFUSED


async def test_a_call_of_another_region_is_refused(world: Any, call_of: Any) -> None:
    error = await refused(world(), call_of(region="us"))
    assert (error.type, error.non_retryable) == (ErrorType.REFUSED, True)


BAD_INPUTS: dict[str, dict[str, Any]] = {
    "missing": {"url": "https://example.test/v/1"},
    "unknown": {"url": "https://example.test/v/1", "scope": "eu", "also": "x"},
    "null": {"url": None, "scope": "eu"},
    "wrong type": {"url": "https://example.test/v/1", "scope": 7},
    "no url": {"url": "not a url", "scope": "eu"},
    "script url": {"url": "javascript:alert(1)", "scope": "eu"},
    "url with a line break": {"url": "https://example.test/\r\nX: y", "scope": "eu"},
    "too long": {"url": "https://example.test/v/1", "scope": "x" * 9000},
}


@pytest.mark.parametrize("inputs", BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
async def test_inputs_that_do_not_fit_are_refused_without_repeating_them(
    world: Any, call_of: Any, inputs: dict[str, Any]
) -> None:
    error = await refused(world(), call_of(inputs=inputs))
    assert (error.type, error.non_retryable) == (ErrorType.BAD_INPUT, True)
    assert "javascript" not in str(error)
    assert "xxx" not in str(error)


async def test_an_action_nobody_knows_is_refused(world: Any, call_of: Any) -> None:
    w = world()
    with pytest.raises(ApplicationError) as caught:
        await EffectRunner(w.deps).carry_out({**call_of(), "action": "content.explode"}, lambda: pytest.fail("acted"))
    assert (caught.value.type, caught.value.non_retryable) == (ErrorType.NOT_BOUND, True)


def narrowed_call(w: Any, call_of: Any, scope: str = "DE", **changes: Any) -> Any:
    """A call that two people approved after one of them had made its scope smaller: asked first was the whole union."""
    call = call_of("content.disable", inputs={"url": "https://example.test/v/1", "scope": scope}, gated=True)
    narrowed = {"original": {"scope": "eu"}, "to": {"scope": "DE"}, "by": [], **changes}
    call["grant"] = grant_for(call, w.deps.keys.face, asked={"narrowed": narrowed})
    return call


async def test_a_narrowed_call_goes_ahead_over_what_was_left(world: Any, call_of: Any) -> None:
    w = world()
    await attempt(w, narrowed_call(w, call_of))
    (request,) = w.target.requests
    assert "DE" in str(request)


URL = {"url": "https://example.test/v/0"}
NARROWINGS: dict[str, dict[str, Any]] = {
    "more than was left": {"scope": "eu"},
    "wider than was asked first": {"scope": "global", "to": {"scope": "global"}},
    "beside what was asked first": {"scope": "DE", "original": {"scope": "FR"}},
    "unknown to the contract": {"scope": "XX", "to": {"scope": "XX"}},
    "another input": {"original": URL, "to": {"url": "https://example.test/v/1"}},
    "nothing left out": {"original": {"scope": "DE"}},
    "half told": {"original": {}},
    "told of nothing": {"original": {}, "to": {}},
    "not well formed": {"original": 7},
}


@pytest.mark.parametrize("how", NARROWINGS)
async def test_a_call_that_is_not_less_than_was_asked_sends_nothing_even_when_people_approved_it(
    world: Any, call_of: Any, how: str
) -> None:
    w = world()
    error = await refused(w, narrowed_call(w, call_of, **NARROWINGS[how]))
    assert error.type == ErrorType.NO_GRANT


@pytest.mark.parametrize(
    "spoil", [{}, {"narrowed": {"original": {"scope": "global"}, "to": {"scope": "DE"}, "by": []}}]
)
async def test_a_grant_that_hides_or_changes_what_was_left_out_does_not_hold(
    world: Any, call_of: Any, spoil: dict[str, Any]
) -> None:
    w = world()
    call = narrowed_call(w, call_of)
    asked = {name: value for name, value in call["grant"]["asked"].items() if name != "narrowed"}
    call["grant"] = {**call["grant"], "asked": {**asked, **spoil}}
    assert (await refused(w, call)).type == ErrorType.NO_GRANT


async def test_a_grant_for_what_was_left_does_not_cover_the_whole(world: Any, call_of: Any) -> None:
    w = world()
    call = narrowed_call(w, call_of)
    call["inputs"] = {**call["inputs"], "scope": "eu"}
    assert (await refused(w, call)).type == ErrorType.NO_GRANT
