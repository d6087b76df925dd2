"""What a delivery becomes: inputs and a key, nothing at all, or a refusal that names the field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.plan import Plan
from watchfloor.client.errors import InputsRefused, NotFound
from watchfloor.client.inputs import validate_inputs
from watchfloor.client.library import compile_source
from watchfloor.client.triggers import find_trigger, order_of

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)

RUNBOOK = """runbook: sweep
version: 1
title: Sweep
owners: [ts]
severity: S3
regions: {command: eu, allowed: [eu]}
triggers:
  - manual: desk
    map: {state: DE}
  - webhook: portal
    where: event.kind == "order"
    map:
      order_id: ${{ event.order.id }}
      state: ${{ event.order.state }}
      urls: ${{ event.urls }}
      note: ${{ event.note }}
    dedup: ${{ event.order.id }}-${{ event.part }}
  - schedule: nightly
    every: 24h
    map: {order_id: "nightly", state: FR, urls: ["https://a.example.test/1"]}
inputs:
  order_id: {type: string, pattern: "^[A-Za-z0-9-]{1,20}$"}
  state: {type: string, enum: [DE, FR]}
  urls: {type: list, of: url, min_items: 1, max_items: 10}
  note: {type: string, optional: true}
phases:
  - triage:
      - {id: wait, wait: {for: 1m}}
"""
EVENT: dict[str, Any] = {
    "kind": "order",
    "order": {"id": "A-1", "state": "DE"},
    "part": 2,
    "urls": ["https://a.example.test/v"],
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    compiled = compile_source(RUNBOOK, shown_as="sweep.yaml")
    assert compiled.plan is not None, compiled.findings
    return compiled.plan


def test_a_delivery_gives_inputs_and_the_key_that_the_author_wrote(plan: Plan) -> None:
    order = order_of(plan, find_trigger(plan, "portal"), EVENT, now=NOW)
    assert order is not None
    assert (order.source, order.key, order.received_at) == ("portal", "A-1-2", "2026-11-22T03:10:00Z")
    assert validate_inputs(plan["inputs"], order.inputs, now=NOW) == {
        "order_id": "A-1",
        "state": "DE",
        "urls": ["https://a.example.test/v"],
    }


@pytest.mark.parametrize("event", [{**EVENT, "kind": "notice"}, {}, {"kind": None}])
def test_an_event_for_which_the_condition_does_not_hold_starts_nothing(plan: Plan, event: dict[str, Any]) -> None:
    assert order_of(plan, find_trigger(plan, "portal"), event, now=NOW) is None


def test_every_field_that_the_event_lacks_is_named(plan: Plan) -> None:
    with pytest.raises(InputsRefused) as caught:
        order_of(plan, find_trigger(plan, "portal"), {"kind": "order", "order": {}}, now=NOW)
    assert [problem.field for problem in caught.value.problems] == [
        "inputs.order_id",
        "inputs.state",
        "inputs.urls",
        "dedup",
    ]


@pytest.mark.parametrize("key", ["", "   ", "x" * 300, "a\u202eb", {"a": 1}])
def test_a_key_that_tells_nothing_apart_is_refused(plan: Plan, key: object) -> None:
    text = RUNBOOK.replace("${{ event.order.id }}-${{ event.part }}", "${{ event.key }}")
    other = compile_source(text, shown_as="sweep.yaml").plan
    assert other is not None
    with pytest.raises(InputsRefused) as caught:
        order_of(other, find_trigger(other, "portal"), {**EVENT, "key": key}, now=NOW)
    assert "dedup" in caught.value.problems[0].field


def test_a_person_fills_in_what_a_manual_trigger_does_not_map(plan: Plan) -> None:
    desk = find_trigger(plan, "desk", "manual")
    filled = {"order_id": "A-2", "urls": ["https://a.example.test/v"]}
    order = order_of(plan, desk, {}, now=NOW, filled=filled, requester="ops-1")
    assert order is not None
    assert order.inputs == {"state": "DE", **filled}
    again = order_of(plan, desk, {}, now=NOW, filled=dict(reversed(filled.items())), requester="ops-2")
    assert again is not None
    assert again.key == order.key
    with pytest.raises(InputsRefused, match="the trigger gives it"):
        order_of(plan, desk, {}, now=NOW, filled={**filled, "state": "FR"})


def test_an_instant_of_a_schedule_is_its_own_key_and_the_time_of_knowledge(plan: Plan) -> None:
    order = order_of(plan, find_trigger(plan, "nightly"), {"at": "2026-11-22T00:00:00Z"}, now=NOW)
    assert order is not None
    assert (order.key, order.received_at) == ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z")


def test_a_trigger_that_is_not_there_is_answered_with_the_nearest(plan: Plan) -> None:
    with pytest.raises(NotFound, match="did you mean `portal`"):
        find_trigger(plan, "porta")
    with pytest.raises(NotFound):
        find_trigger(plan, "desk", "webhook")


CORRELATED = RUNBOOK.replace(
    "    dedup: ${{ event.order.id }}-${{ event.part }}\n",
    "    dedup: ${{ event.order.id }}-${{ event.part }}\n    content: ${{ event.hashes }}\n"
    "    account: ${{ event.uploader }}\n    known_at: ${{ event.seen_at }}\n",
).replace("    map: {state: DE}\n", "    map: {state: DE}\n    content: ${{ inputs.order_id }}\n")


def test_a_trigger_says_what_the_delivery_is_about_and_since_when_that_is_known() -> None:
    plan = compile_source(CORRELATED, shown_as="sweep.yaml").plan
    assert plan is not None
    event = {**EVENT, "hashes": ["h1", "h2"], "uploader": "acct-1", "seen_at": "2026-11-22T02:00:00Z"}
    order = order_of(plan, find_trigger(plan, "portal"), event, now=NOW)
    assert order is not None
    assert (order.content, order.account, order.known_at) == (("h1", "h2"), ("acct-1",), "2026-11-22T02:00:00Z")
    # what the delivery does not have correlates with nothing
    order = order_of(plan, find_trigger(plan, "portal"), EVENT, now=NOW)
    assert order is not None
    assert (order.content, order.account, order.known_at) == ((), (), "")
    by_hand = order_of(plan, find_trigger(plan, "desk"), {}, now=NOW, filled={"order_id": "A-9", "urls": []})
    assert by_hand is not None
    assert by_hand.content == ("A-9",)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"seen_at": "2026-11-22T04:00:00Z"}, "known_at"),
        ({"seen_at": "yesterday"}, "known_at"),
        ({"uploader": {"id": 7}}, "account"),
        ({"hashes": ["h1", 7]}, "content[1]"),
    ],
)
def test_what_cannot_correlate_is_refused_by_its_name(event: dict[str, Any], field: str) -> None:
    plan = compile_source(CORRELATED, shown_as="sweep.yaml").plan
    assert plan is not None
    with pytest.raises(InputsRefused) as caught:
        order_of(plan, find_trigger(plan, "portal"), {**EVENT, **event}, now=NOW)
    assert [problem.field for problem in caught.value.problems] == [field]
