"""Stubbed actions answer by their contract, in the order the scenario gives."""

from datetime import UTC, datetime

import pytest
from temporalio.exceptions import ApplicationError

from activities.catalog import CATALOG, INTERNAL
from schemas.actions import ActionCall, ErrorType
from schemas.json_value import Json
from watchfloor.scenarios.model import FAILURES, Stub
from watchfloor.scenarios.stubs import StubbedActions

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CONTRACTS = {**CATALOG, **INTERNAL}


def call(action: str, **inputs: Json) -> ActionCall:
    return {
        "v": 1,
        "action": action,
        "region": "eu",
        "incident": "inc-1",
        "plan": "sha256:0",
        "step": "look",
        "path": "containment/look",
        "key": "ab" * 32,
        "inputs": inputs,
        "effect": CONTRACTS[action]["effect"],
        "tier": "0",
        "gated": False,
        "grant": None,
        "entries": [],
        "severity": "S1",
    }


@pytest.mark.parametrize("action", sorted(CONTRACTS))
def test_a_silent_scenario_gets_every_required_output(action: str) -> None:
    outputs = StubbedActions(CONTRACTS, {}).answer(call(action), NOW)
    required = {name for name, spec in CONTRACTS[action]["outputs"].items() if not spec.get("optional")}
    assert set(outputs) == required
    assert all(value is not None for value in outputs.values())


def test_nothing_alarming_happens_by_default() -> None:
    stubs = StubbedActions(CONTRACTS, {})
    assert stubs.answer(call("screen.imminent_threat"), NOW) == {"imminent": False}
    assert stubs.answer(call("content.probe"), NOW)["all_gone"] is True


def test_stubs_answer_in_order_and_the_last_one_for_ever() -> None:
    stubs = StubbedActions(
        CONTRACTS,
        {
            "content.probe": (
                Stub({"all_gone": False}, None, times=2),
                Stub(None, "unreachable"),
                Stub({"all_gone": True}, None),
            )
        },
    )
    seen: list[object] = []
    for _ in range(6):
        try:
            seen.append(stubs.answer(call("content.probe"), NOW)["all_gone"])
        except ApplicationError as error:
            seen.append(error.type)
    assert seen == [False, False, ErrorType.UNAVAILABLE, True, True, True]


def test_a_stub_for_certain_inputs_answers_only_those() -> None:
    stubs = StubbedActions(CONTRACTS, {"content.disable": (Stub(None, "refused", {"url": "https://example.test/2"}),)})
    assert "disabled_at" in stubs.answer(call("content.disable", url="https://example.test/1"), NOW)
    with pytest.raises(ApplicationError) as caught:
        stubs.answer(call("content.disable", url="https://example.test/2"), NOW)
    assert caught.value.type == ErrorType.REFUSED
    assert caught.value.non_retryable


@pytest.mark.parametrize("word", sorted(FAILURES))
def test_a_failure_has_the_type_that_a_real_action_raises(word: str) -> None:
    kind, final = FAILURES[word]
    assert kind in {value for name, value in vars(ErrorType).items() if name.isupper()}
    with pytest.raises(ApplicationError) as caught:
        StubbedActions(CONTRACTS, {"page": (Stub(None, word),)}).answer(call("page"), NOW)
    assert (caught.value.type, caught.value.non_retryable) == (kind, final)


def test_instants_are_relative_to_the_call() -> None:
    stubs = StubbedActions(CONTRACTS, {"screen.imminent_threat": (Stub({"threat_seen_at": "-5m"}, None),)})
    outputs = stubs.answer(call("screen.imminent_threat"), NOW)
    assert outputs["threat_seen_at"] == "2026-11-22T02:55:00Z"
