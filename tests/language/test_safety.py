"""Safety, time and size: rules follow effects, and a correct runbook is silent."""

import pytest

from activities.catalog import CATALOG
from tests.language.embedding import compile_piece
from watchfloor.language.rules.gates import demand

URL = 'url: "https://example.test/v/1"'
EACH = "- id: each\n  for_each: {{item: one, in: steps.keep.{}}}\n  steps:\n    "
GATE = "approval: {from: [legal_counsel, policy_lead], within: 30m, on_deny: stop}"


def found(piece: str) -> list[tuple[str, int]]:
    return [(finding.code, finding.line) for finding in compile_piece(piece).findings]


def codes(piece: str) -> list[str]:
    return [code for code, _ in found(piece)]


def shot(url: str = URL, more: str = "") -> str:
    return f"- {{id: shot, action: evidence.snapshot, with: {{{url}}}{more}}}\n"


def gone(url: str = URL) -> str:
    return f"- {{id: gone, action: content.delete, with: {{{url}, snapshot: r}}, {GATE}}}\n"


def test_the_gate_follows_effect_and_tier() -> None:
    demanding = {name for name, contract in CATALOG.items() if demand(contract) is not None}
    assert demanding == {
        name
        for name, contract in CATALOG.items()
        if contract["tier"] in {"2", "3", "L"}
        or contract["effect"] == "destroys"
        or (contract["irreversible"] and contract["effect"] in {"restricts", "destroys"})
    }
    assert "content.delete" in demanding
    assert "content.disable" not in demanding


def test_answering_the_authority_that_asked_needs_no_gate() -> None:
    assert (
        codes('- {id: reply, action: authority.reply, with: {effect_at: "${{ facts.order_received }}", removed: 1}}')
        == []
    )


@pytest.mark.parametrize(
    "where",
    [
        "- {{id: a, wait: {{fact: annulled, within: 1h, on_timeout: {{steps: [{act}]}}}}}}",
        "- {{id: a, task: {{assignee: ops_lead, do: Look, within: 1h, on_silence: {{then: {{steps: [{act}]}}}}}}}}",
        "- {{id: a, handoff: {{to: us, share: [inputs.order_id], accept_within: 1h, fallback: {{steps: [{act}]}}}}}}",
        "- id: a\n  repeat: {{every: 1m, times: 3, until: 'false', on_exhausted: {{steps: [{act}]}}}}\n"
        "  steps: [{{id: b, wait: {{for: 1m}}}}]",
        "- id: a\n  action: account.suspend\n  undo: {{never: it stays}}\n  with: {{account: x, ground: y}}\n"
        "  approval:\n    from: [policy_lead]\n"
        "    within: 1h\n    on_deny: stop\n    on_silence: {{then: {{steps: [{act}]}}}}",
    ],
)
def test_no_silence_acts(where: str) -> None:
    acting = f"{{id: act, action: content.disable, with: {{{URL}, scope: eu}}, undo: {{never: it stays}}}}"
    nested = f"{{id: p, choose: [{{when: 'true', steps: [{acting}]}}]}}"
    undoing = f"{{id: act, action: content.restore, with: {{{URL}, scope: eu}}}}"
    telling = "{id: act, action: page, with: {role: deputy, about: silent}}"
    asking = (
        "{id: q, decide: {ask: Now?, from: [policy_lead], within: 5m, options: {go: {steps: ["
        + acting
        + "]}, leave: {}}}}"
    )
    gated = f"{{id: act, action: content.disable, with: {{{URL}, scope: eu}}, undo: {{never: it stays}}, {GATE}}}"
    for step in (acting, nested, undoing):
        assert codes(where.format(act=step)) == ["WF302"], step
    for step in (telling, asking, gated):
        assert codes(where.format(act=step)) == [], step


def test_a_no_may_act_because_a_person_said_it() -> None:
    undo = f"{{id: back, action: content.restore, with: {{{URL}, scope: eu}}}}"
    piece = (
        "- id: a\n  action: account.suspend\n  undo: {never: it stays}\n  with: {account: x, ground: y}\n"
        f"  approval: {{from: [policy_lead], within: 1h, on_deny: {{steps: [{undo}]}}}}\n"
    )
    assert codes(piece) == []


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (shot() + gone(), []),
        (gone() + shot(), ["WF304"]),
        (shot('url: "https://example.test/v/2"') + gone(), ["WF304"]),
        (shot(more=", on_error: continue") + gone(), ["WF304"]),
        (shot(more=", if: has(facts.annulled)") + gone(), ["WF304"]),
        (shot(more=", on_error: fail") + gone(), []),
        # in a loop: the same item in the same iteration
        ("- id: each\n  for_each: {item: url, in: inputs.urls}\n  steps:\n    "
         + shot('url: "${{ url }}"') + "    " + gone('url: "${{url}}"'), []),
        ("- id: each\n  for_each: {item: url, in: inputs.urls}\n  steps:\n    " + gone('url: "${{ url }}"'), ["WF304"]),
        # over what another loop has preserved
        ("- id: keep\n  for_each: {item: url, in: inputs.urls, on_item_error: collect}\n  steps:\n    "
         + shot('url: "${{ url }}"')
         + EACH.format("succeeded") + gone('url: "${{ one }}"'), []),
        ("- id: keep\n  for_each: {item: url, in: inputs.urls, on_item_error: collect}\n  steps:\n    "
         + shot('url: "${{ url }}"')
         + EACH.format("failed") + gone('url: "${{ one }}"'), ["WF304"]),
        # a snapshot in a branch is not on the way
        ("- id: w\n  choose:\n    - when: 'true'\n      steps:\n        " + shot() + gone(), ["WF304"]),
    ],
)  # fmt: skip
def test_what_was_not_preserved_is_not_destroyed(piece: str, expected: list[str]) -> None:
    assert codes(piece) == expected


@pytest.mark.parametrize(
    ("seats", "expected"),
    [
        ("from: [legal_counsel, legal_counsel]", []),
        ("from: [incident_commander, {any_of: [incident_commander, deputy]}]", []),
        ("from: [incident_commander, {any_of: [incident_commander]}]", ["WF305"]),
        ("from: [{any_of: [legal_counsel, deputy]}], not: [deputy]", []),
        ("from: [{any_of: [legal_counsel, deputy]}], not: [deputy, legal_counsel]", ["WF305"]),
    ],
)
def test_seats_need_different_people(seats: str, expected: list[str]) -> None:
    assert codes(f"- {{id: a, action: page, with: {{role: deputy, about: x}}, "
                 f"approval: {{{seats}, within: 5m, on_deny: stop}}}}") == expected  # fmt: skip


def test_an_options_further_seats_count_with_the_common_ones() -> None:
    piece = (
        "- {id: a, decide: {ask: Go?, from: [incident_commander], within: 5m, "
        "options: {go: {also: [incident_commander]}, leave: {}}}}"
    )
    assert codes(piece) == ["WF305"]


@pytest.mark.parametrize(
    "ender",
    [
        "- {id: x, stop: {outcome: done}}\n",
        "- {id: x, choose: [{when: inputs.state == 'DE', steps: [{id: y, stop: {outcome: a}}]}, "
        "{otherwise: [{id: z, stop: {outcome: b}}]}]}\n",
        "- {id: x, decide: {ask: Q, from: [deputy], within: 1m, options: {a: {steps: [{id: y, stop: {outcome: a}}]}, "
        "b: {steps: [{id: z, stop: {outcome: b}}]}}}}\n",
        "- {id: x, parallel: {branches: {a: [{id: y, stop: {outcome: a}}], b: [{id: z, wait: {for: 1m}}]}}}\n",
    ],
)
def test_nothing_stands_after_the_end(ender: str) -> None:
    after = "- {id: late, wait: {for: 1m}}\n"
    assert codes(ender) == []
    assert codes(ender + after) == ["WF403"]
    conditional = ender.replace("{id: x,", "{id: x, if: has(facts.annulled),", 1)
    assert codes(conditional + after) == []


def test_a_phase_after_the_end_never_runs() -> None:
    piece = (
        "phases:\n  - one: [{id: x, stop: {outcome: done}}]\n  - two: [{id: y, wait: {for: 1m}}]\n"
        "  - three: [{id: z, wait: {for: 1m}}]\n"
    )
    assert codes(piece) == ["WF403"]


CLOCK = "clocks:\n  removal: {{use: eu.tco.removal, start: facts.order_received, {more}}}\n"
BREACH = "on_breach: [{page: deputy}]"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (f"stop: facts.removed, {BREACH}", []),
        (f"stop: facts.removed, {BREACH}, warn: [15m, 59m, {{share: 0.9, of: removal}}]", []),
        (f"stop: facts.removed, {BREACH}, warn: [1h]", ["WF406"]),
        (f"stop: facts.removed, {BREACH}, warn: [{{share: 1.0, of: removal}}]", ["WF406"]),
        ("stop: facts.removed", ["WF404"]),
        (BREACH, ["WF405"]),
        (f"{BREACH}, on_close: {{assign: legal_counsel}}", []),
        (f"{BREACH}, on_close: {{assign: legal_counsl}}", ["WF212"]),
        ("stop: facts.removed, on_breach: [{page: boss}]", ["WF212"]),
        (f"stop: inputs.state, {BREACH}", ["WF206"]),
    ],
)
def test_a_clock_warns_in_time_and_belongs_to_somebody(more: str, expected: list[str]) -> None:
    assert codes(CLOCK.format(more=more)) == expected


def test_a_stop_before_the_clock_is_stopped_is_pointed_out() -> None:
    early = "phases:\n  - main:\n      - {id: refuse, if: has(facts.annulled), stop: {outcome: refused}}\n"
    (finding,) = compile_piece(CLOCK.format(more=f"stop: facts.removed, {BREACH}") + early).findings
    assert (finding.code, finding.severity) == ("WF405", "warning")
    assert "`refuse`" in finding.message


def test_a_floor_of_retention_needs_no_breach_action() -> None:
    assert codes("clocks:\n  keep: {use: eu.tco.preserve, start: facts.order_received}\n") == []


@pytest.mark.parametrize(
    ("share", "expected"),
    [("inputs.account", ["WF307"]), ("size(inputs.account) > 3", ["WF307"]), ("inputs.account_count", [])],
)
def test_protected_data_stays(share: str, expected: list[str]) -> None:
    piece = (
        "inputs:\n  account: {type: ref, data_class: us_protected}\n  account_count: int\nfacts: {}\n"
        f"phases:\n  - main:\n      - {{id: away, handoff: {{to: us, share: ['{share}'], accept_within: 10m}}}}\n"
    )
    assert codes(piece) == expected


ACT = "- {id: a, action: page, with: {role: deputy, about: x}, "
TRACK = "steps: [{id: b, wait: {for: 1m}}]}]"
LATER = {
    "try": "- {id: a, try: {steps: []}}",
    "run": "- {id: a, run: threat-to-life}",
    "review": ACT + "review: {from: [deputy], within: 1h, on_deny: keep}}",
    "break_glass": ACT + "approval: {from: [deputy], within: 1h, on_deny: stop, break_glass: {}}}",
    "expires": ACT + "expires: 1d}",
    "on_error": ACT + "on_error: {timed_out: [{id: b, wait: {for: 1m}}]}}",
    "exposure": "- {id: a, task: {assignee: deputy, do: Look, within: 1h, exposure: csea}}",
    "on_fact": f"alongside: [{{id: a, on_fact: annulled, {TRACK}",
    "each": f"alongside: [{{id: a, when: has(facts.annulled), each: true, {TRACK}",
    "from": f"alongside: [{{id: a, from: facts.removed, {TRACK}",
    "every": f"alongside: [{{id: a, every: 1h, {TRACK}",
    "detached": f"alongside: [{{id: a, when: has(facts.annulled), detached: true, {TRACK}",
    "score": "severity: {default: S2, score: {}}",
    "incident_when": "mode: {default: case, incident_when: has(facts.annulled)}",
    "outputs": "outputs: {}",
    "triggers": "triggers: []",
    "if": "clocks:\n  removal: {use: eu.tco.removal, start: facts.order_received, if: has(facts.annulled)}",
    "deny": f"- {{id: a, action: content.disable, with: {{{URL}, scope: eu}}, undo: {{on: [deny]}}}}",
}


@pytest.mark.parametrize("name", LATER)
def test_what_an_engine_does_not_carry_out_is_refused_by_name_and_says_what_to_use(name: str) -> None:
    findings = compile_piece(LATER[name], carried_out=frozenset()).findings
    assert [finding.code for finding in findings] == ["WF128"]
    assert f"`{name}`" in findings[0].message
    assert findings[0].help


def test_an_undo_is_the_catalogues_with_the_steps_inputs() -> None:
    piece = f"- {{id: a, action: content.disable, with: {{{URL}, scope: eu}}, undo: {{on: [annulled]}}}}"
    plan = compile_piece(piece).plan
    assert plan is not None
    (step,) = plan["phases"][0]["steps"]
    assert step["kind"] == "action"
    assert step["undo"] == {
        "action": "content.restore",
        "on": ["annulled"],
        "with_": {"url": {"lit": "https://example.test/v/1"}, "scope": {"lit": "eu"}},
        "effect": "restricts",
        "tier": "1",
    }


def test_a_measure_that_stays_says_why_and_has_no_undo() -> None:
    piece = f"- {{id: a, action: content.disable, with: {{{URL}, scope: eu}}, undo: {{never: it must stay down}}}}"
    plan = compile_piece(piece).plan
    assert plan is not None
    (step,) = plan["phases"][0]["steps"]
    assert step["kind"] == "action"
    assert step["undo"] is None


@pytest.mark.parametrize(
    ("remind", "expected"),
    [("[5m, 9m]", []), ("[10m]", ["WF406"]), ("[2h]", ["WF406"])],
)
def test_a_reminder_comes_before_the_window_ends(remind: str, expected: list[str]) -> None:
    task = f"- {{id: a, task: {{assignee: deputy, do: Look, within: 10m, remind: {remind}}}}}\n"
    gate = f"approval: {{from: [deputy], within: 10m, remind: {remind}, on_deny: stop}}"
    action = f"- {{id: b, action: page, with: {{role: deputy, about: x}}, {gate}}}\n"
    assert codes(task) == expected
    assert codes(action) == expected


RULE = '- {id: rule, action: retention.rule, with: {exhibits: "${{ [steps.shot.ref] }}", REQUEST}}\n'
DESTROY = (
    "- id: destroy\n  action: evidence.destroy\n"
    '  with: {exhibits: "${{ [steps.shot.ref] }}", REQUEST, ruling: "${{ steps.rule.ruling }}"}\n'
    "  approval: {from: [FROM], within: 1h, on_deny: fail}\n"
)
UNRULED = DESTROY.replace('"${{ steps.rule.ruling }}"', "none")


def destruction(*pieces: str, seats: str = "legal_counsel, records_custodian") -> str:
    request = 'material: csam, authority: LE-1, requested_at: "2026-11-20T09:00:00Z"'
    return (shot() + "".join(pieces)).replace("REQUEST", request).replace("FROM", seats)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (destruction(RULE, DESTROY), []),
        (destruction(RULE.replace("[steps.shot.ref]", "inputs.urls"), DESTROY), ["WF304"]),
        (destruction(RULE.replace("}}\n", "}, if: has(facts.annulled)}\n"), UNRULED), ["WF506", "WF304"]),
        (destruction(UNRULED), ["WF304"]),
        (destruction(RULE, DESTROY, seats="legal_counsel"), ["WF301"]),
        (destruction(RULE, DESTROY, seats="records_custodian, policy_lead"), ["WF301"]),
        (destruction(RULE, DESTROY, seats="{any_of: [legal_counsel, policy_lead]}, records_custodian"), ["WF301"]),
        (destruction(RULE, DESTROY, seats="policy_lead, legal_counsel"), []),
    ],
)
def test_preserved_copies_are_destroyed_on_a_ruling_that_counsel_and_one_more_sign(
    piece: str, expected: list[str]
) -> None:
    assert codes(piece) == expected
