"""The runbooks that a runbook runs are looked into: their time, and what they do in silence."""

import pytest

from activities.catalog import CATALOG
from schemas.plan import CONSTRUCTS
from tests.language.embedding import REGISTER, ROLES, embed
from watchfloor.language import Compiled, compile_text
from watchfloor.language.proof.timing import measure, whole_of

HEAD = """runbook: {name}
version: 1
title: Another
owners: [ts-eu]
severity: S2
regions: {{command: eu, allowed: [eu]}}
phases:
  - only:
"""
URL = '"https://example.test/v/1"'
ASK = """      - id: ask
        decide:
          ask: Disable it?
          from: [policy_lead]
          within: 10m
          options: {"yes": {}, "no": {steps: [{id: leave, stop: {outcome: kept}}]}}
          on_silence: {escalate: [deputy], rung: 5m, then: fail}
"""
SHUT = f"      - {{id: shut, action: content.disable, with: {{url: {URL}, scope: eu}}, undo: {{never: it stays}}}}\n"
CHILDREN = {
    "tells": "      - id: say\n        action: page\n        with: {role: deputy, about: x}\n"
    "        attempt_timeout: 10s\n        retry: {times: 1}\n",
    "acts": SHUT,
    "asks": ASK + SHUT,
    "nests": "      - {id: on, run: acts}\n",
    "slow": "      - {id: by_hand, task: {assignee: ops_lead, do: Do it, within: 40m}}\n",
}
LIBRARY = {
    name: (f"{name}/runbook.yaml", (HEAD.format(name=name) + steps).encode()) for name, steps in CHILDREN.items()
}
CLOCK = """clocks:
  removal:
    use: eu.tco.removal
    start: facts.order_received
    stop: facts.removed
    on_breach: [{page: exec_sponsor}]
    on_close: {assign: legal_counsel}
facts:
  order_received: {type: timestamp, from: [inputs.received_at]}
  annulled: {type: timestamp, from: [authority_mailbox]}
  removed: {type: timestamp, from: [steps.by_hand]}
phases:
  - main:
"""
BY_HAND = """      - id: by_hand
        task: {assignee: ops_lead, do: Remove it, form: {seen: timestamp}, within: 25m}
        records: {removed: steps.by_hand.seen}
"""


def compiled(piece: str) -> Compiled:
    return compile_text(
        embed(piece),
        path="runbook.yaml",
        catalog=CATALOG,
        register=REGISTER,
        roles=ROLES,
        library=LIBRARY,
        carried_out=CONSTRUCTS,
    )


def codes(piece: str) -> list[str]:
    return [finding.code for finding in compiled(piece).findings]


SILENT = "- {id: hear, wait: {fact: annulled, within: 10m, on_timeout: continue}}\n- {id: next, run: %s}\n"


@pytest.mark.parametrize(
    ("child", "expected"), [("tells", []), ("asks", []), ("acts", ["WF302"]), ("nests", ["WF302"])]
)
def test_a_run_that_acts_is_not_started_in_silence(child: str, expected: list[str]) -> None:
    assert codes(SILENT % child) == expected
    assert codes(f"- {{id: next, run: {child}}}\n") == []


def test_the_finding_names_the_action_and_the_runbook() -> None:
    (finding,) = compiled(SILENT % "nests").findings
    assert "`content.disable`, which restricts" in finding.message
    assert "`on_timeout` of step `hear`" in finding.message


def test_the_time_of_an_awaited_run_counts_against_the_clock() -> None:
    plan = compiled(f"{CLOCK}      - {{id: first, run: slow}}\n{BY_HAND}").plan
    assert plan is not None
    (clock,) = measure(plan)
    assert clock.way is not None
    assert (clock.way.total("people"), clock.fits) == ((40 + 25) * 60, False)
    assert clock.way.unknown == ()


@pytest.mark.parametrize("more", [", wait: false", ", timeout: 5m"])
def test_a_run_that_is_not_awaited_or_is_bounded_costs_no_more(more: str) -> None:
    plan = compiled(f"{CLOCK}      - {{id: first, run: slow{more}}}\n{BY_HAND}").plan
    assert plan is not None
    (clock,) = measure(plan)
    assert clock.fits
    assert clock.way is not None
    assert clock.way.total("people") == 25 * 60


def test_a_run_for_each_item_counts_in_rounds() -> None:
    run = "      - {id: first, run: tells, each: {item: one, in: inputs.urls, at_once: 10}}\n"
    plan = compiled(CLOCK + run + BY_HAND).plan
    assert plan is not None
    (clock,) = measure(plan)
    assert clock.way is not None
    # 100 items, ten at once, ten seconds each
    assert clock.way.total("engine") == 100


def test_the_worst_way_of_a_runbook_may_be_one_that_stops() -> None:
    steps = "      - {id: over, stop: {outcome: ended}}\n"
    plan = compiled(f"phases:\n  - main:\n{CHILDREN['slow']}{steps}").plan
    assert plan is not None
    assert whole_of(plan).total("people") == 40 * 60
