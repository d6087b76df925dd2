"""Changes of the constructs around an action, of tracks and clocks, and of the runbooks that a runbook starts."""

import pytest

from activities.catalog import CATALOG
from schemas.plan import CONSTRUCTS
from tests.diff.mutations import REGISTER
from tests.diff.test_meaning import told
from watchfloor.language import Compiled, compile_text
from watchfloor.language.diff import Change, compare

BASE = """runbook: sample
version: 1
title: A sample with every construct
owners: [ts-eu]
severity: S2
regions: {command: eu, allowed: [eu]}
inputs:
  url: url
  order: string
facts:
  annulled: {type: timestamp, from: [authority_mailbox]}
  threat: {type: timestamp, from: [pager]}
clocks:
  removal:
    use: eu.tco.removal
    start: facts.threat
    stop: facts.annulled
    if: inputs.order != "a"
    pause: {clarification_requested: {from: facts.threat, until: facts.annulled}}
    warn: [10m]
    on_breach: [{page: exec_sponsor}]
    on_close: {assign: legal_counsel}
  keep:
    use: us.preserve.2703f
    start: facts.threat
    renew: facts.annulled
alongside:
  - id: probes
    from: facts.threat
    every: 1h
    for: 7d
    steps:
      - {id: look, action: content.probe, with: {urls: "${{ [inputs.url] }}", countries: [DE]}}
  - id: destroyed
    on_fact: annulled
    each: true
    steps:
      - {id: told, action: page, with: {role: deputy, about: annulled}}
phases:
  - main:
      - {id: snapshot, action: evidence.snapshot, with: {url: "${{ inputs.url }}"}}
      - id: hide
        action: content.disable
        with: {url: "${{ inputs.url }}", scope: eu}
        expires: 7d
        undo: {action: content.restore, on: [annulled]}
        approval:
          from: [legal_counsel]
          within: 30m
          on_deny: stop
          break_glass:
            by: incident_commander
            after: 5m
            when: has(facts.threat)
            review: {from: [legal_counsel], within: 1h, on_deny: undo, escalate: [exec_sponsor]}
      - id: show
        action: content.restore
        with: {url: "${{ inputs.url }}", scope: eu}
        review: {from: [policy_lead], within: 1h, on_deny: undo, escalate: [exec_sponsor]}
      - id: careful
        try:
          steps:
            - {id: again, action: content.disable, with: {url: "${{ inputs.url }}", scope: eu}}
          catch:
            - {on: [refused], steps: [{id: refused, action: page, with: {role: deputy, about: refused}}]}
          undo: [again]
      - {id: child, run: other, with: {url: "${{ inputs.url }}"}}
"""
CHILD = """runbook: other
version: 1
title: The other
owners: [ts-eu]
severity: S2
regions: {command: eu, allowed: [eu]}
inputs: {url: url}
phases:
  - main:
      - {id: kept, action: evidence.snapshot, with: {url: "${{ inputs.url }}"}}
      - id: erase
        action: content.delete
        with: {url: "${{ inputs.url }}", snapshot: "${{ steps.kept.ref }}"}
        approval: {from: [legal_counsel, exec_sponsor], within: 30m, on_deny: stop}
"""


def made(text: str, child: str = CHILD) -> Compiled:
    library = {"other": ("other/runbook.yaml", child.encode())}
    compiled = compile_text(
        text, path="a.yaml", catalog=CATALOG, register=REGISTER, library=library, carried_out=CONSTRUCTS
    )
    errors = [f"{each.line}: {each.message}" for each in compiled.findings if each.is_error]
    assert errors == []
    return compiled


def changes(old: Compiled, new: Compiled) -> tuple[Change, ...]:
    assert old.plan is not None
    assert new.plan is not None
    return compare(old.plan, new.plan, old_root=old.source.root, new_root=new.source.root)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("expires: 7d", "expires: 30d", ("weaker", "undo.expires")),
        ("expires: 7d", "expires: 1d", ("look", "undo.expires")),
        ("        expires: 7d\n", "", ("weaker", "undo.expires")),
        ("after: 5m", "after: 1m", ("weaker", "gate.break_glass")),
        ("after: 5m", "after: 10m", ("stronger", "gate.break_glass")),
        ("when: has(facts.threat)", "when: has(facts.threat) || has(facts.annulled)", ("weaker", "gate.break_glass")),
        ("by: incident_commander", "by: {any_of: [incident_commander, ops_lead]}", ("weaker", "gate.break_glass")),
        (
            "{from: [policy_lead], within: 1h, on_deny: undo",
            "{from: [policy_lead], within: 9h, on_deny: undo",
            ("weaker", "gate.within"),
        ),
        (
            "{from: [policy_lead], within: 1h, on_deny: undo",
            "{from: [policy_lead], within: 1h, on_deny: keep",
            ("weaker", "gate.on_deny"),
        ),
        (
            "        review: {from: [policy_lead], within: 1h, on_deny: undo, escalate: [exec_sponsor]}\n",
            "",
            ("weaker", "gate.review"),
        ),
        ("          undo: [again]\n", "", ("weaker", "undo.try")),
        ("on: [refused]", "on: [refused, timed_out]", ("look", "error.catch")),
        ("for: 7d", "for: 3d", ("weaker", "track.for")),
        ("every: 1h", "every: 4h", ("weaker", "track.every")),
        ("every: 1h", "every: 30m", ("stronger", "track.every")),
        ("    each: true\n", "", ("weaker", "track.each")),
        ('if: inputs.order != "a"', 'if: inputs.order != "a" && inputs.order != "b"', ("weaker", "clock.if")),
        ('    if: inputs.order != "a"\n', "", ("stronger", "clock.if")),
        ("    pause: {", "    # pause: {", ("stronger", "clock.pause")),
        (
            "{clarification_requested: {",
            "{force_majeure: {from: facts.threat, until: facts.annulled}, clarification_requested: {",
            ("weaker", "clock.pause"),
        ),
        ("from: facts.threat, until", "from: facts.annulled, until", ("weaker", "clock.pause")),
        ("    renew: facts.annulled\n", "", ("weaker", "clock.renew")),
    ],
)
def test_an_edit(before: str, after: str, expected: tuple[str, str]) -> None:
    assert before in BASE
    assert told(changes(made(BASE), made(BASE.replace(before, after, 1)))) == [expected]


def test_opinions_that_are_no_longer_hidden_from_each_other_are_a_weakening() -> None:
    open_ = BASE.replace(
        "from: [legal_counsel]\n          within", "from: [legal_counsel, deputy]\n          within", 1
    )
    blind = open_.replace("deputy]\n", "deputy]\n          blind: true\n", 1)
    assert told(changes(made(open_), made(blind))) == [("stronger", "gate.blind")]
    assert told(changes(made(blind), made(open_))) == [("weaker", "gate.blind")]


def test_every_construct_compared_with_itself_is_the_same() -> None:
    assert changes(made(BASE), made(f"# said again\n{BASE}")) == ()


def test_a_weakening_of_a_runbook_that_is_started_is_told_at_the_step_that_starts_it() -> None:
    weaker = CHILD.replace("from: [legal_counsel, exec_sponsor]", "from: [legal_counsel]")
    found = changes(made(BASE), made(BASE, weaker))
    (change,) = [each for each in found if each.kind == "gate.seats"]
    assert change.subject == "main/child > other: main/erase"
    assert change.new_at is not None
    assert "run: other" in BASE.split("\n")[change.new_at.line - 1]


def test_what_becomes_possible_through_a_runbook_newly_started() -> None:
    without = BASE.replace('      - {id: child, run: other, with: {url: "${{ inputs.url }}"}}\n', "")
    found = changes(made(without), made(BASE))
    assert ("weaker", "effect.new") in told(found)
    assert "content.delete" in found[0].message
    assert ("weaker", "step.gone") in told(changes(made(BASE), made(without)))
