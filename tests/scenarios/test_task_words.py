"""Scenarios play what people say to a task: who takes it, who is refused, who has it after it came back."""

from pathlib import Path

import pytest

from watchfloor.scenarios import run_files
from watchfloor.scenarios.report import render_outcome

RUNBOOK = """
runbook: one-call
version: 1
title: One call
owners: [ts]
harm: other
severity: {default: S2}
regions: {command: eu, allowed: [eu]}
phases:
  - triage:
      - id: call
        task:
          assignee: ops_lead
          do: Call, then report
          form: {called_at: timestamp}
          within: 2h
          claim_for: 10m
          checklist: [{id: number, do: Check the number}]
  - recovery:
      - id: note
        if: steps.call.called_at < now
        stop: {outcome: called}
"""
STORY = """
scenario: somebody else takes it
runbook: one-call
people:
  - {when: 2m, step: call, choose: done, as: {person: ops-2, role: ops_lead}, form: {called_at: now}, refused: unticked}
  - {when: 20m, step: call, choose: done, as: {person: ops-2, role: ops_lead}, form: {called_at: -1m}}
controls:
  - {at: 1m, verb: claim, step: call, as: {person: ops-1, role: ops_lead}}
  - {at: 3m, verb: claim, step: call, as: {person: ops-2, role: ops_lead}, refused: claimed}
  - {at: 12m, verb: claim, step: call, as: {person: ops-1, role: ops_lead}}
  - {at: 13m, verb: hand_back, step: call, as: {person: ops-1, role: ops_lead}}
  - {at: 14m, verb: claim, step: call, as: {person: ops-2, role: ops_lead}}
  - {at: 15m, verb: tick, step: call, item: number, as: {person: ops-2, role: ops_lead}}
expect:
  outcome: called
  ledger: [task.claimed, task.lapsed, task.reassigned, task.ticked]
"""


def play(folder: Path, story: str) -> list[str]:
    (folder / "one-call.yaml").write_text(RUNBOOK)
    (folder / "scenarios.yaml").write_text(story)
    summary = run_files([folder])
    return [*map(str, summary.findings), *(render_outcome(one) for one in summary.outcomes)]


def test_a_claim_lapses_and_comes_back_in_a_scenario(tmp_path: Path) -> None:
    (told,) = play(tmp_path, STORY)
    assert told.startswith("pass"), told


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("verb: claim, step: call", "verb: claim", "`claim` is said to a task"),
        ("verb: claim, step: call", "verb: pause, step: call", "`pause` is said to the whole run"),
        ("verb: claim, step: call", "verb: claim, step: note", "`note` is no task"),
        ("verb: claim, step: call", "verb: claim, step: cal", "no step `cal`"),
        (", item: number", "", "`tick` and `item`"),
    ],
)
def test_a_word_to_a_task_names_one(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert said in "\n".join(play(tmp_path, STORY.replace(before, after)))
