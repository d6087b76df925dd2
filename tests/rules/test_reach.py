"""Steps that can never run, and snapshots that some way leaves out."""

import pytest

from tests.language.embedding import compile_piece

URL = '"https://example.test/v/1"'
GONE = f"""- id: gone
  action: content.delete
  with: {{url: {URL}, snapshot: some}}
  approval: {{from: [legal_counsel, policy_lead], within: 30m, on_deny: stop}}
"""
SHOT = f"{{id: shot, action: evidence.snapshot, with: {{url: {URL}}}%s}}"
TELL = "{id: tell, action: page, with: {role: deputy, about: x}}"


def codes(piece: str) -> list[str]:
    return [finding.code for finding in compile_piece(piece).findings]


@pytest.mark.parametrize("cond", ['"false"', "1 > 2", '"!true"'])
def test_a_condition_that_is_false_whatever_happens_is_found(cond: str) -> None:
    assert codes(f"- {{id: a, if: {cond}, action: page, with: {{role: deputy, about: x}}}}") == ["WF403"]
    choose = f"- id: a\n  choose:\n    - {{when: {cond}, steps: [{TELL}]}}\n    - otherwise: []\n"
    assert codes(choose.replace("    - otherwise: []\n", "")) == ["WF403"]


def test_a_condition_that_is_true_or_reads_something_is_silent() -> None:
    assert codes('- {id: a, if: "true", action: page, with: {role: deputy, about: x}}') == []
    assert codes("- {id: a, if: size(inputs.urls) > 3, action: page, with: {role: deputy, about: x}}") == []


APPROVED = f", approval: {{from: [policy_lead], within: 5m, on_deny: {{steps: [{TELL}]}}}}"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (f"- {SHOT % ''}\n", []),
        # denied, the snapshot is not taken and the run goes on
        (f"- {SHOT % APPROVED}\n", ["WF304"]),
        (f"- {SHOT % ', approval: {from: [policy_lead], within: 5m, on_deny: stop}'}\n", []),
        # on one of two ways only
        (f"- id: which\n  choose:\n    - {{when: 'inputs.state == \"DE\"', steps: [{SHOT % ''}]}}\n", ["WF304"]),
        # in a branch that all wait for
        (f"- id: both\n  parallel:\n    branches: {{one: [{SHOT % ''}], two: [{TELL}]}}\n", []),
        # a caught failure goes on without it
        (
            f"- id: careful\n  try:\n    steps: [{SHOT % ''}]\n    catch: [{{on: [any], steps: [{TELL}]}}]\n",
            ["WF304"],
        ),
    ],
)
def test_what_is_destroyed_was_preserved_on_every_way(before: str, expected: list[str]) -> None:
    assert codes(before + GONE) == expected


@pytest.mark.parametrize(
    ("cond", "expected"),
    [
        ("has(steps.shot.ref)", []),
        ("steps.shot.ok", []),
        ('inputs.state == "DE" && has(steps.shot.ref)', []),
        ("has(steps.shot.status)", ["WF304"]),
        ('has(steps.shot.ref) || inputs.state == "DE"', ["WF304"]),
        ("!steps.shot.ok", ["WF304"]),
    ],
)
def test_a_condition_may_prove_that_the_snapshot_is_there(cond: str, expected: list[str]) -> None:
    gone = GONE.replace("- id: gone\n", f"- id: gone\n  if: '{cond}'\n")
    assert codes(f"- {SHOT % ', on_error: continue'}\n" + gone) == expected


def test_a_clock_about_danger_to_life_has_somebody_who_tells_the_authorities() -> None:
    clock = (
        "clocks:\n  threat: {use: eu.tco.imminent, start: facts.order_received, stop: facts.removed,"
        " on_breach: [{page: exec_sponsor}], on_close: {assign: legal_counsel}}\nphases:\n  - main:\n      - %s\n"
    )
    assert codes(clock % TELL) == ["WF311"]
    assert codes(clock % TELL.replace("deputy", "le_liaison")) == []


def test_what_comes_after_a_case_that_always_holds_can_never_run() -> None:
    tell = "action: page, with: {role: deputy, about: x}"
    first = f"- id: c\n  choose:\n    - when: 'true'\n      steps: [{{id: a, {tell}}}]\n"
    later = f"    - otherwise: [{{id: b, {tell}}}]"
    assert [each.code for each in compile_piece(first + later).findings] == ["WF403"]
    assert compile_piece(first.rstrip()).findings == ()


def test_nothing_runs_after_rounds_that_end_the_run() -> None:
    rounds = "- id: c\n  repeat: {every: 1m, times: 3, until: 'false', on_exhausted: fail}\n"
    after = "- {id: d, action: page, with: {role: deputy, about: x}}"
    stops = rounds + "  steps: [{id: a, stop: {outcome: x}}]\n" + after
    may = rounds + "  steps: [{id: a, if: inputs.state == 'DE', stop: {outcome: x}}]\n" + after
    assert [each.code for each in compile_piece(stops).findings] == ["WF403"]
    assert compile_piece(may).findings == ()
