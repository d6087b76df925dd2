"""Steps that are written once and used in several places."""

from tests.language.embedding import compile_piece, compile_whole, embed

FRAGMENTS = """fragments:
  take_down:
    params: {target: url, reach: {type: string, enum: [eu, global], default: eu}}
    steps:
      - {id: snapshot, action: evidence.snapshot, with: {url: "${{ params.target }}"}}
      - id: hide
        if: steps.snapshot.size > 0 && params.reach != "none"
        action: content.disable
        undo: {never: it stays}
        with: {url: "${{ params.target }}", scope: "${{ params.reach }}"}
phases:
  - main:
      - id: all
        for_each: {item: url, in: inputs.urls}
        steps:
          - {id: one, use: take_down, with: {target: "${{ url }}"}}
          - {id: two, use: take_down, with: {target: "https://example.test/v/1", reach: global}}
"""


def codes(piece: str) -> list[tuple[str, int]]:
    return [(finding.code, finding.line) for finding in compile_piece(piece).findings]


def line_of(words: str) -> int:
    return next(n for n, line in enumerate(embed(FRAGMENTS).split("\n"), 1) if words in line)


def test_each_use_has_steps_of_its_own_under_its_name() -> None:
    compiled = compile_piece(FRAGMENTS)
    assert compiled.findings == ()
    assert compiled.plan is not None
    loop = compiled.plan["phases"][0]["steps"][0]
    assert loop["kind"] == "for_each"
    assert [step["id"] for step in loop["steps"]] == ["one_snapshot", "one_hide", "two_snapshot", "two_hide"]
    first, second = loop["steps"][1], loop["steps"][3]
    assert first["kind"] == second["kind"] == "action"
    assert first["with_"] == {
        "url": {"expr": {"src": "url", "cel": "url", "vars": {"url": "string"}, "type": "string"}},
        "scope": {"lit": "eu"},
    }
    assert second["with_"] == {"url": {"lit": "https://example.test/v/1"}, "scope": {"lit": "global"}}
    assert first["cond"] is not None
    assert first["cond"]["src"] == 'steps.one_snapshot.size > 0 && "eu" != "none"'


def test_a_finding_in_a_fragment_names_the_step_that_uses_it() -> None:
    (finding,) = compile_piece(FRAGMENTS.replace("steps.snapshot.size", "steps.snapshot.sise")).findings
    assert (finding.code, finding.line) == ("WF204", line_of("if: steps.snapshot"))
    assert f"(fragment `take_down`, used by `one` on line {line_of('id: one')})" in finding.message


def test_a_wrong_argument_is_found_where_it_is_given_and_only_there() -> None:
    assert codes(FRAGMENTS.replace('"${{ url }}"', '"${{ inputs.urls }}"')) == [("WF211", line_of("id: one"))]
    assert codes(FRAGMENTS.replace("reach: global}", "reach: mars}")) == [("WF211", line_of("id: two"))]
    assert codes(FRAGMENTS.replace("reach: global}", "rich: global}")) == [("WF209", line_of("id: two"))]
    assert codes(FRAGMENTS.replace('{target: "${{ url }}"}', "{}")) == [("WF210", line_of("id: one"))]


def test_a_fragment_that_uses_itself_is_refused() -> None:
    again = FRAGMENTS.replace(
        "phases:", '      - {id: more, use: take_down, with: {target: "${{ params.target }}"}}\nphases:'
    )
    assert {code for code, _ in codes(again)} == {"WF224"}


def test_fragments_may_stand_in_fragments() -> None:
    nested = (
        FRAGMENTS.replace(
            "phases:",
            "  both:\n    steps:\n      - {id: inner, use: take_down, with: {target: 'https://example.test/v/2'}}\n"
            "      - {id: after, if: steps.inner_snapshot.size > 0, wait: {for: 1m}}\nphases:",
        )
        + "      - {id: outer, use: both}\n"
    )
    plan = compile_piece(nested).plan
    assert plan is not None
    steps = plan["phases"][0]["steps"]
    assert [step["id"] for step in steps[1:]] == ["outer_inner_snapshot", "outer_inner_hide", "outer_after"]
    assert steps[3]["cond"] is not None
    assert steps[3]["cond"]["src"] == "steps.outer_inner_snapshot.size > 0"


def test_a_use_under_a_condition_is_a_choice() -> None:
    plan = compile_piece(FRAGMENTS.replace("{id: two, use", "{id: two, if: inputs.state == 'DE', use")).plan
    assert plan is not None
    loop = plan["phases"][0]["steps"][0]
    assert loop["kind"] == "for_each"
    assert [(step["id"], step["kind"]) for step in loop["steps"]][2:] == [("two", "choose")]


def test_a_use_without_any_fragments_is_told_so() -> None:
    assert [code for code, _ in codes("- {id: one, use: take_down}")] == ["WF226"]


def test_an_id_that_grows_too_long_is_refused() -> None:
    long = FRAGMENTS.replace("id: one", "id: " + "o" * 60)
    assert {code for code, _ in codes(long)} == {"WF124"}


def test_broken_fragments_give_findings_and_nothing_else() -> None:
    for piece in (
        "[]",
        "{a: 1}",
        "{a: {}}",
        "{a: {steps: 1}}",
        "{a: {steps: []}}",
        "{a: {steps: [1]}}",
        "1",
        "{1: {}}",
    ):
        text = embed(f"fragments: {piece}\nphases:\n  - main:\n      - {{id: x, use: a, with: {{b: '${{{{'}}}}\n")
        assert any(finding.is_error for finding in compile_whole(text).findings), piece
