"""What a reviewer is told about edits of the text: the kind, the danger, the place in both files."""

from pathlib import Path

import pytest

from tests.diff.mutations import FOUR_EYES, REGISTER
from watchfloor.language import compile_text
from watchfloor.language.diff import Change, compare, render_text
from watchfloor.language.diff_conditions import relate
from watchfloor.language.diff_model import WORDS

BASE = Path(__file__).with_name("base.yaml").read_text()
DELETION = FOUR_EYES.read_text()


def changes(before: str, after: str) -> tuple[Change, ...]:
    from activities.catalog import CATALOG

    plans = [compile_text(text, path="runbook.yaml", catalog=CATALOG, register=REGISTER) for text in (before, after)]
    for made in plans:
        assert made.plan is not None, [finding.message for finding in made.findings]
    old, new = plans
    assert old.plan is not None
    assert new.plan is not None
    return compare(old.plan, new.plan, old_root=old.source.root, new_root=new.source.root)


def edit(text: str, before: str, after: str) -> tuple[Change, ...]:
    assert before in text
    return changes(text, text.replace(before, after, 1))


def told(found: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(WORDS[each.danger], each.kind) for each in found if each.kind != "step.version"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("from: [incident_commander, legal_counsel]", "from: [legal_counsel]", [("weaker", "gate.seats")]),
        (
            "from: [incident_commander, legal_counsel]",
            "from: [incident_commander, {any_of: [legal_counsel, ops_lead]}]",
            [("weaker", "gate.seats")],
        ),
        (
            "from: [incident_commander, legal_counsel]",
            "from: [incident_commander, legal_counsel, policy_lead]",
            [("stronger", "gate.seats")],
        ),
        ("within: 30m", "within: 2h", [("weaker", "gate.within")]),
        ("within: 30m", "within: 10m", [("look", "gate.within")]),
        ("show: [inputs.url, steps.snapshot.ref]", "show: [inputs.url]", [("weaker", "gate.show")]),
        ("escalate: [exec_sponsor]", "escalate: [exec_sponsor, deputy]", [("stronger", "silence.escalate")]),
        ("close_when: steps.erase.ok", "", [("weaker", "close.when")]),
        ("severity: {default: S2}", "severity: {default: S3}", [("weaker", "severity.default")]),
        ("version: 1", "version: 2", []),
        ("- containment:", "- removal:", [("look", "order.phases")] + [("look", "order.moved")] * 2),
        ("id: erase", "id: delete", [("look", "step.renamed")]),
    ],
)
def test_an_edit_of_a_gated_deletion(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    text = DELETION
    changed = text.replace(before, after, 1)
    if before == "id: erase":
        changed = changed.replace("steps.erase", "steps.delete")
    assert told(changes(text, changed)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("warn: [15m, 30m, 45m, 50m]", "warn: [30m, 45m, 50m]", [("weaker", "clock.warn")]),
        ("use: eu.tco.imminent", "use: eu.tco.removal", [("look", "clock.law")]),
        ("share: [inputs.urls, facts.order_received]", "share: [facts.order_received]", [("stronger", "share.new")]),
        (
            "share: [inputs.urls, facts.order_received]",
            "share: [inputs.urls, inputs.order_id, facts.order_received]",
            [("weaker", "share.new")],
        ),
        ("undo: {action: content.restore, on: [order_annulled]}", "undo: {never: it stays}", [("weaker", "undo.gone")]),
        ("timeout: 10m", "timeout: 20m", [("look", "time.timeout")]),
        ("retry: {times: 6,", "retry: {times: 8,", [("look", "time.retry")]),
        (
            "if: size(steps.remove.failed) > 0",
            "if: size(steps.remove.failed) > 5",
            [("weaker", "condition.if")],
        ),
        (
            'if: "!steps.authenticate.authentic || !steps.authenticate.complete"',
            'if: "!steps.authenticate.complete || !steps.authenticate.authentic"',
            [],
        ),
        (
            'if: "!steps.authenticate.authentic || !steps.authenticate.complete"',
            'if: "!steps.authenticate.authentic && !steps.authenticate.complete"',
            [("weaker", "condition.if")],
        ),
        (
            "until: last.look.all_gone",
            "until: last.look.all_gone || last.look.remaining < 3",
            [("weaker", "loop.until")],
        ),
        ("do: Disable by hand", "do: Hide by hand", [("look", "step.text")]),
        ("allowed: [eu, us]", "allowed: [eu, us, apac]", [("weaker", "share.regions")]),
        (
            "from: [steps.probe, steps.confirm]",
            "from: [steps.probe, steps.confirm, ops_lead]",
            [("weaker", "fact.from")],
        ),
    ],
)
def test_an_edit_of_a_removal_order(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert told(edit(BASE, before, after)) == expected


def test_a_new_deletion_is_a_new_effect_at_its_place_in_the_new_file() -> None:
    step = (
        "      - id: purge\n        action: content.delete\n"
        '        with: {url: "${{ inputs.urls[0] }}", snapshot: abc}\n'
        "        approval: {from: [legal_counsel, exec_sponsor], within: 5m, on_deny: stop}\n"
    )
    copied = '      - {id: copied, action: evidence.snapshot, with: {url: "${{ inputs.urls[0] }}"}}\n'
    after = BASE.replace("\n  - legal_hold:", f"{copied}{step}\n  - legal_hold:").replace(
        "snapshot: abc", 'snapshot: "${{ steps.copied.ref }}"'
    )
    found = [each for each in changes(BASE, after) if each.kind == "effect.new"]
    (effect,) = found
    assert WORDS[effect.danger] == "weaker"
    assert "content.delete" in effect.message
    assert effect.old_at is None
    assert effect.new_at is not None
    assert after.split("\n")[effect.new_at.line - 1].strip() == "action: content.delete"


def test_what_acts_before_what_it_waited_for_is_weaker() -> None:
    snapshot = BASE[BASE.index("          - id: snapshot\n") : BASE.index("          - id: disable\n")]
    disable = BASE[BASE.index("          - id: disable\n") : BASE.index("      - id: leftover\n")]
    found = told(changes(BASE, BASE.replace(snapshot + disable, disable + snapshot)))
    assert ("weaker", "order.guard") in found
    assert ("weaker", "order.guard") not in told(changes(BASE.replace(snapshot + disable, disable + snapshot), BASE))


def test_places_are_those_of_the_keys_in_both_files() -> None:
    after = BASE.replace("harm: terrorism\n", "").replace("warn: [10m, 20m]", "warn: [20m]")
    (change,) = [each for each in changes(BASE, after) if each.kind == "clock.warn"]
    assert change.old_at is not None
    assert change.new_at is not None
    assert BASE.split("\n")[change.old_at.line - 1].strip() == "warn: [10m, 20m]"
    assert after.split("\n")[change.new_at.line - 1].strip() == "warn: [20m]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("within: 10m\n          options", "within: 40m\n          options"),
        ("undo: {action: content.restore, on: [order_annulled]}", "undo: {never: it stays}"),
        ("share: [inputs.urls, facts.order_received]", "share: [inputs.urls, inputs.order_id]"),
    ],
)
def test_a_change_of_a_step_stands_at_its_key(before: str, after: str) -> None:
    first, *_ = [each for each in edit(BASE, before, after) if WORDS[each.danger] == "weaker"]
    assert first.old_at is not None
    line = BASE.split("\n")[first.old_at.line - 1]
    assert line[first.old_at.column - 1 :] == before.split("\n", 1)[0]


def test_the_text_names_sections_places_and_the_verdict() -> None:
    text = render_text(edit(BASE, "warn: [10m, 20m]", "warn: [20m]"), "old.yaml", "new.yaml")
    assert text == (
        "WEAKER: safety was reduced (1)\n\n"
        "  clocks.imminent: fewer warnings  [clock.warn]\n"
        "    - 10m, 20m\n      old.yaml:46:5\n    + 20m\n      new.yaml:46:5\n\n"
        "LOOK: a person must judge these (1)\n\n"
        "  version: the runbook changed, and is still version 1  [step.version]\n"
        "    - 1\n      old.yaml:3:1\n    + 1\n      new.yaml:3:1\n\n"
        "1 weaker, 1 to look at, 0 stronger: safety was weakened"
    )


@pytest.mark.parametrize(
    ("before", "after", "relation"),
    [
        ("a", "a", "equal"),
        ("a && b", "b && a", "equal"),
        ("!(a || b)", "!a && !b", "equal"),
        ("a", "a && b", "narrower"),
        ("a", "a || b", "wider"),
        ("a", "b", "unknown"),
        ("n > 3", "n > 5", "narrower"),
        ("n >= 3", "3 <= n", "equal"),
        ("n > 3", "n >= 3", "wider"),
        ("n == 3", "n >= 3", "wider"),
        ('o == "x"', 'o == "x" || o == "y"', "wider"),
        ('o != "x"', 'o == "y"', "narrower"),
        ("a", "true", "wider"),
        ("has(f) && n > 1", "n > 1", "wider"),
        ("a ? b : c", "a ? c : b", "unknown"),
    ],
)
def test_conditions_are_compared_by_when_they_hold(before: str, after: str, relation: str) -> None:
    def expr(src: str) -> dict[str, object]:
        return {"src": src, "cel": src, "vars": {}, "type": "bool"}

    assert relate(expr(before), expr(after)) == relation  # type: ignore[arg-type]


def test_no_condition_always_holds() -> None:
    one = {"src": "a", "cel": "a", "vars": {}, "type": "bool"}
    assert relate(None, one) == "narrower"  # type: ignore[arg-type]
    assert relate(one, None) == "wider"  # type: ignore[arg-type]
    assert relate(None, None) == "equal"


def test_a_condition_of_too_many_parts_is_left_to_a_person() -> None:
    many = " || ".join(f"a{n}" for n in range(20))
    one = {"src": many, "cel": many, "vars": {}, "type": "bool"}
    two = {"src": f"{many} && z", "cel": "", "vars": {}, "type": "bool"}
    assert relate(one, two) == "unknown"  # type: ignore[arg-type]
