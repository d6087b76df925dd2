"""Names, visibility, absence: what a step can read, and what a correct runbook may do in silence."""

import pytest

from tests.language.embedding import compile_piece

CHECK = '- {id: check, action: order.authenticate, with: {issuing_state: "${{ inputs.state }}"}}\n'
LOOK = "{id: look, action: content.probe, with: {countries: [DE]}}"
BOTH = f"- id: both\n  parallel:\n    branches:\n      one: [{LOOK}]\n"
LOOP = (
    "- id: each\n  for_each: {item: url, in: inputs.urls, on_item_error: collect}\n"
    '  steps: [{id: shot, action: evidence.snapshot, with: {url: "${{ url }}"}}]\n'
)


def codes(piece: str) -> list[str]:
    return [finding.code for finding in compile_piece(piece).findings]


def told(condition: str, id_: str = "told") -> str:
    return f"- {{id: {id_}, if: '{condition}', stop: {{outcome: told}}}}\n"


@pytest.mark.parametrize(
    "piece",
    [
        CHECK + told("steps.check.authentic && size(steps.check.failures) == 0"),
        CHECK + told("steps.check.ok") + told("steps.check.at < now", "later"),
        # a guard on either side, a guard by unless, a ternary
        told("has(facts.annulled) && facts.annulled > facts.order_received"),
        told("facts.annulled > facts.order_received && has(facts.annulled)"),
        told("!has(facts.annulled) || facts.annulled > facts.order_received"),
        told("has(facts.annulled) ? facts.annulled < now : false"),
        "- {id: told, unless: '!has(facts.annulled)', action: authority.reply, "
        'with: {effect_at: "${{ facts.annulled }}", removed: 1}}\n',
        # a fact from a required input is there from the start; one recorded by a sure step is there after it
        told("facts.order_received < now"),
        "- {id: answer, wait: {fact: annulled, within: 1h}}\n" + told("facts.annulled < now"),
        "- {id: answer, wait: {until: has(facts.annulled), within: 1h}}\n" + told("facts.annulled < now"),
        # a step under the same condition as the one that gives
        "- {id: look, if: has(facts.annulled), action: page, with: {role: deputy, about: x}}\n"
        + told("has(facts.annulled)"),
        "- {id: look, if: has(facts.annulled), action: content.probe, with: {countries: [DE]}}\n"
        '- {id: told, if: has(facts.annulled), action: authority.reply, with: {effect_at: "${{ steps.look.seen_at }}", '
        'removed: "${{ steps.look.remaining }}"}}\n',
        "- {id: look, if: has(facts.annulled), action: content.probe, with: {countries: [DE]}}\n"
        + told("steps.look.ok && steps.look.all_gone"),
        # skipped or failed, a step still has ok and status
        "- {id: look, if: has(facts.annulled), action: content.probe, with: {countries: [DE]}}\n"
        + told("steps.look.ok"),
        # a loop's outputs
        LOOP + told("size(steps.each.failed) > 0 && steps.each.total > 1"),
        # parallel: everything after all branches
        BOTH + "      two: [{id: pause, wait: {for: 1m}}]\n" + told("steps.look.all_gone && steps.pause.ok"),
        # what an option gave, under that option
        "- id: ask\n  decide:\n    ask: Look?\n    from: [policy_lead]\n    within: 5m\n    options:\n"
        "      look: {steps: [{id: look, action: content.probe, with: {countries: [DE]}}]}\n      leave: {}\n"
        + told('steps.ask.option == "look" && steps.look.all_gone'),
        # on every way that goes on, the fact is recorded
        "- id: ask\n  decide:\n    ask: Wait?\n    from: [policy_lead]\n    within: 5m\n    options:\n"
        "      wait: {steps: [{id: answer, wait: {fact: annulled, within: 1h}}]}\n"
        "      end: {steps: [{id: done, stop: {outcome: ended}}]}\n" + told("facts.annulled < now"),
        "- id: which\n  choose:\n"
        "    - {when: 'inputs.state == \"DE\"', steps: [{id: answer, wait: {fact: annulled, within: 1h}}]}\n"
        "    - {otherwise: [{id: done, stop: {outcome: ended}}]}\n" + told("facts.annulled < now"),
        # last, and the outputs of this iteration
        "- id: probe\n  repeat: {every: 1m, times: 3, until: last.look.all_gone, on_exhausted: fail}\n"
        "  steps: [{id: look, action: content.probe, with: {countries: [DE]}}]\n" + told("steps.probe.rounds > 1"),
        # names bound inside an expression hide nothing
        told('inputs.urls.exists(each, each == "https://example.test/v/1")'),
    ],
)
def test_a_correct_runbook_is_silent(piece: str) -> None:
    assert codes(piece) == []


@pytest.mark.parametrize(
    ("piece", "code", "words"),
    [
        (told("facts.annulled < now"), "WF207", "may not be recorded yet"),
        (told("has(facts.removed) && facts.annulled < now"), "WF207", "`annulled`"),
        (told("has(facts.annulled) || facts.annulled < now"), "WF207", "`annulled`"),
        (
            "- {id: answer, wait: {fact: annulled, within: 1h, on_timeout: continue}}\n" + told("facts.annulled < now"),
            "WF207",
            "may not be recorded",
        ),
        (
            "- {id: look, if: has(facts.annulled), action: content.probe, with: {countries: [DE]}}\n"
            + told("steps.look.all_gone"),
            "WF207",
            "step `look` may not have run",
        ),
        (
            "- {id: look, action: content.probe, with: {countries: [DE]}, on_error: continue}\n"
            + told("steps.look.all_gone"),
            "WF207",
            "step `look` may not have run",
        ),
        (
            "- {id: screen, action: screen.imminent_threat}\n" + told("steps.screen.threat_seen_at < now"),
            "WF207",
            "optional",
        ),
        (
            "- id: both\n  parallel:\n    join: any\n    branches:\n"
            "      one: [" + LOOK + "]\n"
            "      two: [{id: pause, wait: {for: 1m}}]\n" + told("steps.look.all_gone"),
            "WF207",
            "may not have run",
        ),
        (
            "- id: ask\n  decide:\n    ask: Look?\n    from: [policy_lead]\n    within: 5m\n    options:\n"
            "      look: {steps: [{id: look, action: content.probe, with: {countries: [DE]}}]}\n      leave: {}\n"
            + told('steps.ask.option == "leave" && steps.look.all_gone'),
            "WF207",
            "may not have run",
        ),
        # denied or silent, the run may go on without what the step gives
        (
            "- id: ask\n  decide: {ask: Q, from: [deputy], within: 1m, options: {a: {}, b: {}}, "
            "on_silence: {then: {steps: [{id: pause, wait: {for: 1m}}]}}}\n" + told('steps.ask.option == "a"'),
            "WF207",
            "step `ask` may not have run",
        ),
        (
            "- id: look\n  action: content.probe\n  with: {countries: [DE]}\n"
            "  approval: {from: [deputy], within: 1m, on_deny: {steps: [{id: pause, wait: {for: 1m}}]}}\n"
            + told("steps.look.all_gone"),
            "WF207",
            "step `look` may not have run",
        ),
        (LOOP + told("has(steps.shot.ref)"), "WF203", "inside the loop `each`"),
        (told("steps.later.ok") + "- {id: later, wait: {for: 1m}}", "WF203", "cannot have run before"),
        (
            BOTH + "      two: [{id: told, if: steps.look.all_gone, wait: {for: 1m}}]\n",
            "WF203",
            "at the same time",
        ),
        (told("steps.told.ok"), "WF203", "cannot have run before"),
        (told("last.look.ok"), "WF202", "`last` is known only"),
        (told("url == inputs.state"), "WF202", "unknown name `url`"),
        (told("order_id == inputs.state"), "WF202", "unknown name `order_id`"),
        (told("facts.annulled.when < now"), "WF202", "has no `when`"),
        (told('incident.severty == "S1"'), "WF202", "`severty`"),
        (CHECK + told("steps.check"), "WF202", "is a step, not a value"),
        (LOOP.replace("item: url", "item: url") + told("size(steps.each.passed) > 0"), "WF204", "`passed`"),
        (
            "- {id: each, for_each: {item: url, in: inputs.state}, steps: [{id: pause, wait: {for: 1m}}]}",
            "WF206",
            "string",
        ),
        ("- {id: pause, wait: {until: inputs.state, within: 1h}}", "WF206", "string"),
        ("- {id: pause, wait: {until: has(facts.annulled)}}", "WF310", "may never end"),
    ],
)
def test_a_reading_that_cannot_be_is_found(piece: str, code: str, words: str) -> None:
    findings = compile_piece(piece).findings
    assert [finding.code for finding in findings] == [code]
    assert words in findings[0].message + findings[0].expected


def test_the_name_that_was_meant_is_suggested_with_its_root() -> None:
    (finding,) = compile_piece(told("order_id == inputs.state")).findings
    assert finding.help == "did you mean `inputs.order_id`?"


def test_an_input_left_out_is_the_runs_input_of_that_name_and_type() -> None:
    plan = compile_piece("- {id: screen, action: screen.imminent_threat}").plan
    assert plan is not None
    (step,) = plan["phases"][0]["steps"]
    assert step["kind"] == "action"
    assert step["with_"]["urls"] == {
        "expr": {
            "src": "inputs.urls",
            "cel": "inputs.urls",
            "vars": {"inputs.urls": "list<string>"},
            "type": "list<string>",
        }
    }


def test_a_track_sees_the_phases_but_nothing_of_them_is_sure() -> None:
    track = (
        "alongside:\n  - id: watch\n    when: has(facts.annulled)\n    steps: [{id: end, if: %s, stop: {outcome: x}}]\n"
    )
    phases = "phases:\n  - main:\n      - {id: look, action: content.probe, with: {countries: [DE]}}\n"
    assert codes(track % "steps.look.all_gone" + phases) == ["WF207"]
    assert codes(track % "'has(steps.look.all_gone) && steps.look.all_gone'" + phases) == []
    assert codes(track % "facts.annulled < now" + phases) == ["WF506"]


def test_phases_do_not_read_tracks() -> None:
    piece = (
        "alongside:\n  - id: watch\n    when: has(facts.annulled)\n    steps: [{id: pause, wait: {for: 1m}}]\n"
        "phases:\n  - main:\n      - {id: end, if: steps.pause.ok, stop: {outcome: x}}\n"
    )
    (finding,) = compile_piece(piece).findings
    assert (finding.code, "track `watch`" in finding.message) == ("WF203", True)
