"""Scenarios play what people say of severity and of the incident itself, and what others answer."""

from pathlib import Path

import pytest

from watchfloor.scenarios import run_files
from watchfloor.scenarios.report import render_outcome

RUNBOOK = """
runbook: one-wait
version: 1
title: One wait
owners: [ts]
harm: other
mode: {default: case, incident_when: has(facts.live)}
severity: {default: S2, floors: [{when: has(facts.live), at_least: S0}]}
regions: {command: eu, allowed: [eu]}
facts:
  live: {type: timestamp, from: [desk]}
phases:
  - triage:
      - {id: look, wait: {for: 6h}}
"""
LOWERED = """
scenario: the override is cleared by the commander and counsel, then the rest is dismissed
runbook: one-wait
facts:
  - {at: 1m, live: now}
controls:
  - {at: 2m, verb: raise_severity, level: S1, as: {person: ops-1, role: ops_lead}, refused: bad_value}
  - {at: 3m, verb: propose_severity, level: S3, as: {person: ops-1, role: ops_lead}}
  - {at: 4m, verb: declare_incident, as: {person: ops-1, role: ops_lead}, refused: not_waiting}
  - {at: 30m, verb: propose_dismissal, as: {person: carl, role: incident_commander}}
people:
  - {when: asked, after: 1m, step: "!severity", choose: lower, as: {person: carl, role: incident_commander}}
  - {when: asked, after: 2m, step: "!severity", choose: lower, as: {person: dora, role: deputy}, refused: wrong_role}
  - {when: asked, after: 3m, step: "!severity", choose: lower, as: {person: lena, role: legal_counsel}}
expect:
  outcome: dismissed
  severity: S3
  asked: ["!severity"]
  ledger: [severity.set, triage.proposed, incident.dismissed]
"""


def play(folder: Path, story: str) -> list[str]:
    (folder / "one-wait.yaml").write_text(RUNBOOK)
    (folder / "scenarios.yaml").write_text(story)
    summary = run_files([folder])
    return [*map(str, summary.findings), *(render_outcome(one) for one in summary.outcomes)]


def test_severity_and_dismissal_are_played_with_everybody_who_must_agree(tmp_path: Path) -> None:
    (told,) = play(tmp_path, LOWERED)
    assert told.startswith("pass"), told


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("raise_severity, level: S1", "raise_severity", "needs a level"),
        ("propose_dismissal, as", "propose_dismissal, level: S2, as", "has no level"),
        ("level: S3", "level: S7", "S7"),
        ("choose: lower, as: {person: lena", "choose: lowered, as: {person: lena", "has no option `lowered`"),
    ],
)
def test_a_word_about_severity_is_read_strictly(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in LOWERED
    assert said in "\n".join(play(tmp_path, LOWERED.replace(before, after)))
