"""A scenario file is read strictly: what is not understood has a place, a code and a fix."""

from datetime import timedelta

import pytest

from activities.catalog import CATALOG
from watchfloor.language.findings import Finding
from watchfloor.scenarios import Scenario, parse_scenarios

GOOD = """\
- scenario: the answer comes
  runbook: some-runbook
  inputs: {order_id: DE-2026-17, received_at: "-40m", urls: ["https://example.test/v/1"], urgent: true}
  requester: person-1
  actions:
    order.authenticate: {returns: {complete: false, failures: [signature_page_missing]}}
    content.probe: [{returns: {all_gone: false}, times: 3}, {fails: unreachable}, {returns: {all_gone: true}}]
    content.disable: {for: {url: "https://example.test/v/1"}, fails: refused}
  people:
    - {when: asked, after: 5m, step: doubt, choose: clarify, as: {person: counsel-1, role: legal_counsel}, reason: page}
    - {when: 2h, step: doubt, choose: clarify, as: {person: counsel-1, role: legal_counsel}, refused: late}
  facts:
    - {at: 3h, clarification_received: now, from: authority_mailbox}
  controls:
    - {at: 4h, verb: pause, as: {person: commander-1, role: incident_commander}}
  until: 1d
  expect:
    outcome: closed
    order: [ask, disable]
    clocks: {removal: met}
    never: [content.delete]
    asked: []
"""


def read(text: str) -> tuple[list[Scenario], list[Finding]]:
    return parse_scenarios(text.encode(), path="scenarios.yaml", catalog=CATALOG)


def test_everything_written_is_read() -> None:
    scenarios, findings = read(GOOD)
    assert findings == []
    (story,) = scenarios
    assert story.inputs["urgent"] is True
    assert story.inputs["order_id"] == "DE-2026-17"
    assert story.requester == "person-1"
    assert story.actions["order.authenticate"][0].returns == {"complete": False, "failures": ["signature_page_missing"]}
    assert [stub.times for stub in story.actions["content.probe"]] == [3, 1, 1]
    assert story.actions["content.disable"][0].matching == {"url": "https://example.test/v/1"}
    first, second = story.people
    assert first.at is None
    assert first.after == timedelta(minutes=5)
    assert second.at == timedelta(hours=2)
    assert second.refused == "late"
    assert story.facts[0].fact == "clarification_received"
    assert story.controls[0].verb == "pause"
    assert story.until == timedelta(days=1)
    assert story.expect.asked == ()
    assert story.expect.undone is None


def test_one_scenario_may_stand_alone() -> None:
    scenarios, findings = read("scenario: alone\nrunbook: some\nexpect: {outcome: closed}\n")
    assert [story.name for story in scenarios] == ["alone"]
    assert findings == []


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("outcome: closed", "outcom: closed", "WF120", "did you mean `outcome`?"),
        ("content.probe:", "content.prob:", "WF208", "did you mean `content.probe`?"),
        ("fails: unreachable", "fails: unreachabel", "WF123", "did you mean `unreachable`?"),
        ("{fails: unreachable}", "{fails: refused, returns: {}}", "WF129", "either"),
        ("{complete: false,", "{complet: false,", "WF120", "did you mean `complete`?"),
        ("after: 5m", "after: 5 minutes", "WF125", "duration"),
        (
            "step: doubt, choose: clarify, as: {person: counsel-1, role: legal_counsel}, reason: page",
            "step: doubt",
            "WF121",
            "`choose`",
        ),
        ("when: 2h", "when: sometime", "WF125", "duration"),
        ("refused: late", "refused: lat", "WF123", "did you mean `late`?"),
        ("clarification_received: now, ", "", "WF123", "exactly one fact"),
        ("verb: pause", "verb: halt", "WF123", "cannot be `halt`"),
        ("{removal: met}", "{removal: done}", "WF123", "cannot be `done`"),
        ("never: [content.delete]", "never: [content.remove]", "WF123", "content.remove"),
        ("times: 3", "times: 0", "WF122", "whole number"),
    ],
)
def test_a_slip_is_found_where_it_stands(old: str, new: str, code: str, words: str) -> None:
    assert GOOD.count(old) == 1
    _, findings = read(GOOD.replace(old, new))
    (finding,) = [one for one in findings if one.is_error]
    assert (finding.code, finding.line) == (code, GOOD[: GOOD.index(old)].count("\n") + 1)
    assert words in f"{finding.message} {finding.expected} {finding.help}"


def test_two_scenarios_of_one_name_are_refused() -> None:
    _, findings = read(GOOD + GOOD)
    assert [finding.code for finding in findings] == ["WF127"]


def test_a_hostile_file_is_refused_without_being_composed() -> None:
    scenarios, findings = read("[" * 30_000)
    assert scenarios == []
    assert findings
