"""Life first is judged on every way from the fact to the contact, wherever on it the contact stands."""

import pytest

from tests.language.embedding import compile_piece

CONTACT = "{id: contact, action: page, with: {role: le_liaison, about: threat}}"
OTHER = "{id: tell, action: page, with: {role: deputy, about: threat}}"
ASK = "{id: ask, task: {assignee: ops_lead, do: Look, within: 5m}}"
LOOK = "{id: look, action: content.probe, with: {urls: '${{ inputs.urls }}', countries: [DE]}, timeout: 4m}"
HEAD = "severity: {default: S1, floors: [{when: has(facts.annulled), at_least: S0}]}\n"


def found(steps: str) -> list[str]:
    track = f"alongside:\n  - id: threat\n    when: has(facts.annulled)\n    steps: [{steps}]\n"
    return [each.code for each in compile_piece(HEAD + track).findings if each.code == "WF311"]


@pytest.mark.parametrize(
    "steps",
    [
        CONTACT,
        f"{CONTACT}, {OTHER}, {ASK}",
        f"{{id: either, choose: [{{when: inputs.state == 'DE', steps: [{CONTACT}]}},"
        f" {{otherwise: [{CONTACT.replace('id: contact', 'id: second')}]}}]}}",
        f"{{id: both, parallel: {{branches: {{one: [{CONTACT}], two: [{ASK}]}}}}}}",
        f"{{id: safely, try: {{steps: [{CONTACT}], catch: [{{on: [any], steps: [{OTHER}]}}]}}}}",
        "{id: away, run: threat-to-life, wait: false, with: {order_id: '${{ inputs.order_id }}'}}",
        "{id: away, run: threat-to-life, with: {order_id: '${{ inputs.order_id }}'}}",
        f"{LOOK}, {LOOK.replace('id: look', 'id: again')}, {CONTACT.replace('}}', '}, timeout: 1m}')}",
    ],
)
def test_a_contact_that_comes_first_is_silent(steps: str) -> None:
    compiled = compile_piece(
        HEAD + f"alongside:\n  - id: threat\n    when: has(facts.annulled)\n    steps: [{steps}]\n"
    )
    assert [each for each in compiled.findings if each.is_error] == []


@pytest.mark.parametrize(
    "steps",
    [
        f"{ASK}, {CONTACT}",
        f"{{id: either, choose: [{{when: inputs.state == 'DE', steps: [{ASK}, {CONTACT}]}},"
        f" {{otherwise: [{CONTACT.replace('id: contact', 'id: second')}]}}]}}",
        f"{{id: either, choose: [{{when: inputs.state == 'DE', steps: [{CONTACT}]}}]}}, {ASK},"
        f" {CONTACT.replace('id: contact', 'id: second')}",
        f"{{id: both, parallel: {{branches: {{one: [{ASK}, {CONTACT}], two: [{OTHER}]}}}}}}",
        f"{{id: both, parallel: {{branches: {{one: [{ASK}], two: [{OTHER}]}}}}}}, {CONTACT}",
        f"{{id: safely, try: {{steps: [{ASK}, {CONTACT}], catch: [{{on: [any], steps: [{OTHER}]}}]}}}}",
        f"{ASK}, {{id: away, run: threat-to-life, wait: false, with: {{order_id: '${{{{ inputs.order_id }}}}'}}}}",
        f"{LOOK}, {LOOK.replace('id: look', 'id: again')}, {LOOK.replace('id: look', 'id: third')}, {CONTACT}",
    ],
)
def test_what_comes_before_the_contact_on_any_way_is_found_once(steps: str) -> None:
    assert found(steps) == ["WF311"]


@pytest.mark.parametrize(("before", "codes"), [("", []), (f"      - {ASK}\n", ["WF311"])])
def test_without_a_track_the_phases_are_judged_from_the_step_that_records_the_fact(
    before: str, codes: list[str]
) -> None:
    text = (
        "severity: {default: S1, floors: [{when: has(facts.seen), at_least: S0}]}\n"
        "facts: {seen: {type: timestamp, from: [steps.screen]}}\nphases:\n  - main:\n"
        "      - id: screen\n        action: screen.imminent_threat\n        with: {urls: '${{ inputs.urls }}'}\n"
        "        records: {seen: steps.screen.threat_seen_at}\n"
        f"{before}      - {CONTACT}\n"
    )
    assert [each.code for each in compile_piece(text).findings if each.code == "WF311"] == codes
