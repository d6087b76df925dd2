"""What happens if: told from the plan and the run."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.plan import Plan
from tests.cli.boards import ask, board, clock
from watchfloor.client.consequences import Consequence, say_undo
from watchfloor.client.consequences import list_consequences as list_at
from watchfloor.client.following import find_next, say_step
from watchfloor.client.library import compile_runbook, plan_for_start

NOW = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
list_consequences = partial(list_at, now=NOW)

GATED = """
runbook: gated
version: 1
title: A gated deletion
owners: [ts]
harm: terrorism
mode: {default: incident}
severity: {default: S2}
regions: {command: eu, allowed: [eu]}
inputs:
  urls: {type: list, of: url, min_items: 1, max_items: 10}
  seen_at: timestamp
facts:
  gone: {type: timestamp, from: [steps.erase]}
  seen: {type: timestamp, from: [inputs.seen_at]}
clocks:
  told:
    use: eu.gdpr.art33
    start: facts.seen
    stop: facts.gone
    on_breach: [{page: exec_sponsor}]
    on_close: {assign: le_liaison}
phases:
  - act:
      - id: each
        for_each: {item: url, in: inputs.urls, at_once: 2, on_item_error: collect}
        steps:
          - {id: copy, action: evidence.snapshot, with: {url: "${{ url }}"}}
          - id: erase
            action: content.delete
            with: {url: "${{ url }}", snapshot: "${{ steps.copy.ref }}"}
            approval:
              from: [incident_commander, legal_counsel]
              within: 1h
              on_deny: stop
              on_silence: {escalate: [exec_sponsor], then: fail}
            records: {gone: steps.erase.deleted_at}
      - id: report
        task:
          assignee: ops_lead
          do: Report
          within: 10m
          on_silence: {escalate: [incident_commander], rung: 5m, then: fail}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_for_start("eu-tco-removal-order")[0]


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    file: Path = tmp_path_factory.mktemp("gated") / "runbook.yaml"
    file.write_text(GATED, encoding="utf-8")
    compiled = compile_runbook(file, shown_as="gated")
    assert compiled.plan is not None, [str(one) for one in compiled.findings]
    return compiled.plan


def of(found: list[Consequence], option: str) -> str:
    return "\n".join(next(one.lines for one in found if one.option == option))


def approval(**changes: Any) -> Any:
    return ask(
        path="act/each[2]/erase",
        step="erase",
        kind="approval",
        action="content.delete",
        options={
            "approve": [{"any_of": ["incident_commander"]}, {"any_of": ["legal_counsel"]}],
            "deny": [{"any_of": ["incident_commander", "legal_counsel"]}],
        },
        **changes,
    )


def test_each_option_is_told_and_silence_last(plan: Plan) -> None:
    found = list_consequences(plan, board(asks=[ask()]), ask())  # type: ignore[arg-type]
    assert [one.option for one in found] == ["clarify", "refuse", "silence"]


def test_an_option_tells_its_steps_and_the_clock_that_stands_still(plan: Plan) -> None:
    said = board(clocks=[clock()])
    told = of(list_consequences(plan, said, ask()), "clarify")  # type: ignore[arg-type]
    assert "`authority.clarify` (discloses)" in told
    assert "waits for the fact `clarification_received`, at most 1d" in told
    assert "later, clock `removal` stands still (clarification requested)" in told


def test_an_option_that_ends_the_run_tells_what_it_leaves(plan: Plan) -> None:
    measure: Any = {"undone_at": None, "on": []}
    hold: Any = {"kind": "hold", "state": "verified"}
    said = board(clocks=[clock()], measures=[measure, measure], children=[hold], asks=[ask(), ask(path="other")])
    told = of(list_consequences(plan, said, ask()), "refuse")  # type: ignore[arg-type]
    for words in (
        "the run ends as refused",
        "clock `removal` goes on and becomes legal_counsel's",
        "2 measures stay in force",
        "1 hold stays placed",
        "1 other question is asked no more",
    ):
        assert words in told


def test_a_yes_tells_what_it_does_once_which_item_it_is_and_who_else_must_agree(gated: Plan) -> None:
    loops: Any = [{"path": "act/each", "step": "each", "done": 2, "failed": 0, "total": 9}]
    said = board(clocks=[clock("told")], loops=loops)
    found = list_consequences(gated, said, approval(), "legal_counsel")
    told = of(found, "approve")
    assert "`content.delete` destroys for good: exactly what is listed here, once" in told
    assert "clock `told` stops" in told
    assert "item 3 of 9 of `each`" in told
    assert found[0].needs == ("incident_commander",)
    assert list_consequences(gated, said, approval())[0].needs == ("incident_commander", "legal_counsel")


def test_a_no_that_stops_the_run_says_so(gated: Plan) -> None:
    told = of(list_consequences(gated, board(clocks=[clock("told")]), approval()), "deny")
    assert told.startswith(
        "`content.delete` is not done\nthe run ends as denied\nclock `told` goes on and becomes le_liaison's"
    )


def test_silence_tells_each_rung_then_the_end(gated: Plan) -> None:
    ladder = [{"at": "2026-11-22T03:18:00Z", "kind": "escalate", "roles": ["exec_sponsor"]}]
    told = of(list_consequences(gated, board(), approval(ladder=ladder)), "silence")
    assert told.startswith("03:18 UTC: exec_sponsor is paged\n03:20 UTC: ")
    assert "the commander is asked what to do" in told


def test_what_comes_on_another_day_says_which_and_two_are_two(gated: Plan) -> None:
    ladder = [{"at": "2026-12-22T03:18:00Z", "kind": "remind", "roles": ["legal_counsel", "records_custodian"]}]
    asked = approval(ladder=ladder, deadline_at="2026-12-29T16:42:57Z")
    told = of(list_consequences(gated, board(), asked), "silence")
    assert told.startswith(
        "2026-12-22 03:18 UTC: legal_counsel and records_custodian are reminded\n2026-12-29 16:42 UTC: "
    )


def test_the_release_of_a_hold_says_what_a_new_hold_cannot_bring_back() -> None:
    asked: Any = ask(kind="release", step="release", action="hold.unfreeze", options={"release": []})
    assert say_undo(None, asked) == "a new hold freezes deletion again; what was deleted until then stays deleted"


def test_a_task_tells_the_clock_that_its_report_stops(plan: Plan) -> None:
    said = board(clocks=[clock("imminent")])
    asked: Any = ask(
        kind="task", step="tell_authority", path="alongside/imminent_threat/tell_authority", options={"done": []}
    )
    assert "clock `imminent` stops" in of(list_consequences(plan, said, asked), "done")


@pytest.mark.parametrize(
    ("kind", "option", "words"),
    [
        ("failed", "retry", "what took effect is not done twice"),
        ("failed", "skip", "it records no `gone`"),
        ("failed", "give_up", "the run ends as failed"),
        ("doubt", "happened", "nothing is sent again"),
        ("doubt", "resend", "it may happen twice"),
        ("doubt", "give_up", "the step fails"),
        ("release", "release", "the hold ends; deletion is possible again"),
        ("handoff", "accept", "this region takes it on"),
        ("handoff", "decline", "it stays where it is"),
        ("dismissal", "dismiss", "the incident ends as dismissed"),
        ("dismissal", "keep", "it stays an incident"),
        ("severity", "keep", "severity stays S1"),
        ("review", "approve", "it stays as it is"),
    ],
)
def test_every_kind_of_question_tells_what_follows(gated: Plan, kind: str, option: str, words: str) -> None:
    asked: Any = ask(kind=kind, step="erase", action="content.delete", options={option: []})
    assert words in of(list_consequences(gated, board(), asked), option)


def test_a_lowered_severity_names_the_level(gated: Plan) -> None:
    shown = [{"label": "proposed severity", "value": "S3"}, {"label": "clears", "value": ["x"]}]
    asked: Any = ask(kind="severity", step="severity", options={"lower": []}, shown=shown)
    told = of(list_consequences(gated, board(), asked), "lower")
    assert "severity becomes S3" in told
    assert "a new fact ends it" in told


def test_without_a_plan_what_is_known_is_said_and_no_more() -> None:
    found = list_consequences(None, board(), approval())
    assert of(found, "approve") == "`content.delete` is done: exactly what is listed here, once"


def test_every_kind_of_step_has_words(plan: Plan, gated: Plan) -> None:
    from watchfloor.language.proof.walk import steps_of

    kinds = set()
    for step in (*steps_of(plan), *steps_of(gated)):
        kinds.add(step["kind"])
        assert not say_step(step).endswith(f"({step['kind']})"), step["kind"]
    assert {"action", "decide", "task", "wait", "for_each", "repeat", "hold", "handoff", "postmortem", "stop"} <= kinds


def test_what_comes_next_is_the_step_written_after_it(plan: Plan) -> None:
    assert find_next(plan, "screen") == "`authenticate`"
    assert find_next(plan, "order_doubt") == "phase `containment`"
    assert find_next(plan, "disable") == "the next item, or `leftover`"
    assert find_next(plan, "review") == "the end of the run"
    assert find_next(plan, "nothing_of_this_name") == ""


def test_what_undoes_a_measure_names_the_fact(plan: Plan) -> None:
    asked: Any = ask(step="disable", action="content.disable")
    assert say_undo(plan, asked) == "`content.restore` takes it back, by itself on the fact `order_annulled`"
    asked = ask(step="reply", action="authority.reply")
    assert say_undo(plan, asked) == "nothing takes it back: it is final"
