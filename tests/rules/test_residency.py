"""Protected values are followed through loops and facts, and shown to nobody outside their region."""

import pytest

from tests.language.embedding import compile_piece

HEAD = """regions: {{command: {command}, allowed: [eu, us]}}
inputs:
  received_at: timestamp
  accounts: {{type: list, of: ref, max_items: 9, data_class: us_protected}}
facts:
  order_received: {{type: timestamp, from: [inputs.received_at]}}
  seen: {{type: ref, from: [steps.note]}}
phases:
  - main:
      - id: each
        for_each: {{item: account, in: inputs.accounts, at_once: 2}}
        steps:
          - id: note
            task: {{assignee: ops_lead, do: Look, within: 10m}}
            records: {{seen: account}}
"""


def codes_of(tail: str, command: str) -> list[str]:
    return [finding.code for finding in compile_piece(HEAD.format(command=command) + tail).findings]


@pytest.mark.parametrize("value", ["steps.each.succeeded", "steps.each.failed", "facts.seen"])
def test_what_is_made_of_a_protected_value_is_not_shared(value: str) -> None:
    guard = f"if: has({value}), " if value.startswith("facts") else ""
    step = f"      - {{id: away, {guard}handoff: {{to: us, share: [{value}], accept_within: 10m}}}}\n"
    assert codes_of(step, "eu") == ["WF307"]


def test_how_many_there_are_is_an_aggregate() -> None:
    step = "      - {id: away, handoff: {to: us, share: [size(steps.each.succeeded)], accept_within: 10m}}\n"
    assert codes_of(step, "eu") == []


@pytest.mark.parametrize(("command", "found"), [("eu", ["WF307"]), ("us", [])])
def test_people_outside_the_home_region_are_not_shown_it(command: str, found: list[str]) -> None:
    step = "      - {id: by_hand, task: {assignee: ops_lead, do: Look, show: [steps.each.failed], within: 10m}}\n"
    assert codes_of(step, command) == found


def test_a_page_outside_the_home_region_does_not_say_it() -> None:
    step = "      - {id: tell, if: has(facts.seen), action: page, with: {role: deputy, about: 'x ${{ facts.seen }}'}}\n"
    assert codes_of(step, "eu") == ["WF307"]


RUN = "      - {{id: away, if: has(facts.seen), run: {runbook}, with: {{{key}: {value}}}}}\n"


@pytest.mark.parametrize("value", ["'${{ facts.seen }}'", "'about ${{ facts.seen }}'"])
def test_a_run_in_another_region_is_not_given_what_was_made_of_it(value: str) -> None:
    assert codes_of(RUN.format(runbook="in-us", key="report", value=value), "eu") == ["WF307"]


def test_a_run_in_the_same_region_is_given_it_only_where_its_input_says_the_class() -> None:
    step = RUN.format(runbook="threat-to-life", key="order_id", value="'${{ facts.seen }}'")
    assert codes_of(step, "eu") == ["WF307"]
    assert codes_of(step.replace("'${{ facts.seen }}'", "plain"), "eu") == []
