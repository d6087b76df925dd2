"""What is open at the end of a round is open when the next begins, and what a silent way records fires its tracks."""

import pytest

from tests.language.embedding import compile_piece

SHUT = "{id: shut, action: content.disable, with: {url: 'https://example.test/v/1', scope: eu}, undo: {on: [annulled]}}"
HEAR = "{id: hear, wait: {fact: annulled, within: 10m, on_timeout: continue}}"
SURE = "{id: sure, task: {assignee: ops_lead, do: Look, within: 5m}}"
ROUNDS = (
    "- id: again\n  repeat: {{every: 1m, times: 3, until: inputs.state == 'DE', on_exhausted: fail}}\n  steps: [{}]"
)
ITEMS = "- id: again\n  for_each: {{item: url, in: inputs.urls, on_item_error: fail}}\n  steps: [{}]"


def silences(piece: str) -> list[str]:
    return [each.code for each in compile_piece(piece).findings if each.code == "WF302"]


@pytest.mark.parametrize("around", [ROUNDS, ITEMS])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([SHUT, HEAR], ["WF302"]),
        ([SHUT, HEAR, SURE], []),
        ([SURE, SHUT, HEAR], []),
        ([HEAR, SURE, SHUT], []),
        ([SHUT], []),
    ],
)
def test_a_silence_of_one_round_reaches_the_effects_of_the_next(
    around: str, body: list[str], expected: list[str]
) -> None:
    assert silences(around.format(", ".join(body))) == expected


@pytest.mark.parametrize(("between", "expected"), [("", ["WF302"]), (f"      - {SURE}\n", [])])
def test_a_track_that_a_silent_way_fires_acts_in_silence(between: str, expected: list[str]) -> None:
    look = "{id: look, action: screen.imminent_threat, with: {urls: '${{ inputs.urls }}'},"
    text = (
        "facts:\n  annulled: {type: timestamp, from: [authority_mailbox]}\n"
        "  seen: {type: timestamp, from: [steps.look]}\n"
        f"alongside:\n  - id: then\n    when: has(facts.seen)\n    steps: [{SHUT}]\n"
        f"phases:\n  - main:\n      - {HEAR}\n{between}      - {look} records: {{seen: steps.look.threat_seen_at}}}}\n"
    )
    assert silences(text) == expected


@pytest.mark.parametrize(("then", "expected"), [("fail", []), (f"{{steps: [{SHUT}]}}", ["WF302"])])
def test_a_glass_that_may_be_broken_makes_no_silence_of_its_gate_a_yes(then: str, expected: list[str]) -> None:
    text = (
        "severity: {default: S1}\nfacts: {annulled: {type: timestamp, from: [authority_mailbox]}}\n"
        "phases:\n  - main:\n      - id: gone\n        action: account.suspend\n        with: {account: a, ground: g}\n"
        "        undo: {on: [annulled]}\n        approval:\n          from: [policy_lead]\n          within: 30m\n"
        f"          on_deny: stop\n          on_silence: {{then: {then}}}\n"
        "          break_glass: {by: incident_commander, after: 5m, when: has(facts.annulled),"
        " review: {from: [legal_counsel], within: 1h, on_deny: undo}}\n"
    )
    compiled = compile_piece(text)
    assert [each.code for each in compiled.findings if each.is_error] == expected
