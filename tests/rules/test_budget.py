"""The history budget follows the measured costs of each construct and multiplies through loops."""

from typing import Any

from tests.language.embedding import compile_piece
from watchfloor.language.proof.budget import cost_of

LOOK = "{id: look, action: content.probe, with: {urls: '${{ inputs.urls }}', countries: [DE]}}"


def steps(text: str) -> tuple[Any, Any]:
    compiled = compile_piece(text)
    assert compiled.plan is not None, compiled.findings
    return compiled.plan["phases"][0]["steps"], compiled.plan


def test_an_action_in_sequence_is_six_events() -> None:
    assert cost_of(*steps(f"- {LOOK}")).events == 6


def test_items_side_by_side_are_cheaper_each_and_as_many_as_the_list_may_hold() -> None:
    text = f"- id: each\n  for_each: {{item: one, in: inputs.urls, at_once: 20}}\n  steps:\n    - {LOOK}"
    cost = cost_of(*steps(text))
    assert round(cost.events) == 440
    assert cost.beside == 20


def test_a_round_costs_its_body_and_a_timer() -> None:
    text = (
        f"- id: again\n  repeat: {{every: 1m, times: 10, until: last.look.all_gone, on_exhausted: fail}}\n"
        f"  steps:\n    - {LOOK}"
    )
    assert cost_of(*steps(text)).events == 110


def test_branches_are_there_at_the_same_time() -> None:
    text = f"- id: both\n  parallel:\n    branches:\n      one: [{LOOK}]\n      two: [{LOOK.replace('look', 'see')}]"
    cost = cost_of(*steps(text))
    assert cost.events == 12
    assert cost.beside == 2


def test_an_ask_costs_its_notice_its_timer_its_answers_and_its_ladder() -> None:
    plain = "- {id: t, task: {assignee: ops_lead, do: Look, within: 5m}}"
    climbing = "- {id: t, task: {assignee: ops_lead, do: Look, within: 5m, escalate: [deputy]}}"
    assert cost_of(*steps(plain)).events == 16
    assert cost_of(*steps(climbing)).events == 27


def test_runs_of_each_item_are_as_many_as_the_list_may_hold() -> None:
    one = "- {id: r, run: threat-to-life, wait: false, with: {order_id: '${{ inputs.order_id }}'}}"
    many = one.replace("wait: false", "wait: false, each: {item: url, in: inputs.urls, at_once: 20}")
    assert cost_of(*steps(one)).events == 17
    assert cost_of(*steps(many)).events == 1205
    assert cost_of(*steps(many)).beside == 20


def test_a_review_and_an_expiry_cost_their_own_timers_and_answers() -> None:
    plain = "- {id: a, action: content.disable, with: {url: 'https://example.test/v/1', scope: eu}, expires: 1h%s}"
    reviewed = ", review: {from: [policy_lead], within: 1h, on_deny: undo}"
    assert cost_of(*steps(plain % "")).events == 17
    assert cost_of(*steps(plain % reviewed)).events == 33
