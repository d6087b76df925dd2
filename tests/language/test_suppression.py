"""A line may allow a warning, with a reason; nothing else may be silenced, and nothing is silenced for ever."""

import pytest

from tests.language.embedding import compile_piece
from watchfloor.language import TABLE
from watchfloor.language.suppression import OWN, may_be_allowed

REASON = "because the register spells it so"


def state(rest: str, value: str = "NO") -> str:
    return f"inputs:\n  received_at: timestamp\n  state: {{type: string, enum: [SE, {value}]}}{rest}\n"


def codes_of(piece: str) -> list[str]:
    return [finding.code for finding in compile_piece(piece).findings]


def test_a_warning_is_silent_with_a_reason_and_stays_on_record() -> None:
    compiled = compile_piece(state(f"  # wf: allow WF501 {REASON}"))
    assert compiled.findings == ()
    assert compiled.plan is not None
    (allowed,) = compiled.suppressed
    assert allowed.finding.code == "WF501"
    assert allowed.reason == "because the register spells it so".removeprefix("because ")


def test_several_codes_and_another_comment_before() -> None:
    compiled = compile_piece(state(f"  # Sweden, Norway  # wf: allow wf501, WF503 {REASON}"))
    assert [finding.code for finding in compiled.findings] == ["WF511"]
    assert [each.finding.code for each in compiled.suppressed] == ["WF501"]


@pytest.mark.parametrize(
    "comment",
    [
        "# wf: allow WF501",
        "# wf: allow WF501 because",
        "# wf: allow WF501 because so",
        "# wf: allow",
        "# wf: ignore WF501 because the register spells it so",
        "# wf: allow WF501 the register spells it so",
    ],
)
def test_without_a_reason_nothing_is_silenced(comment: str) -> None:
    compiled = compile_piece(state(f"  {comment}"))
    assert [finding.code for finding in compiled.findings] == ["WF501", "WF510"]
    assert compiled.plan is None


@pytest.mark.parametrize("code", sorted(TABLE))
def test_only_warnings_may_be_allowed_and_none_about_suppressions(code: str) -> None:
    assert may_be_allowed(code) == (TABLE[code].severity == "warning" and code not in OWN)
    if not may_be_allowed(code):
        found = codes_of(state(f"  # wf: allow {code} {REASON}", '"NO"'))
        assert found == ["WF512"]


def test_an_error_stays_an_error_whatever_the_comment_says() -> None:
    piece = f"- {{id: a, action: no.such}}  # wf: allow WF208 {REASON}"
    assert codes_of(piece) == ["WF208", "WF512"]


def test_a_comment_reaches_its_own_line_only() -> None:
    assert codes_of(f"# wf: allow WF501 {REASON}\n" + state("")) == ["WF511", "WF501"]


def test_a_suppression_that_suppresses_nothing_is_said_only_in_a_sound_runbook() -> None:
    comment = f"  # wf: allow WF501 {REASON}"
    assert codes_of(state(comment, '"NO"')) == ["WF511"]
    assert codes_of(state(comment, '"NO"') + "phases: [{main: [{id: a, action: no.such}]}]") == ["WF208"]


@pytest.mark.parametrize(
    "title",
    [
        f'"NO  # wf: allow WF501 {REASON}"',
        f"'it''s # wf: allow WF501 {REASON}'",
        f"|\n  first\n  # wf: allow WF501 {REASON}",
        f">-\n  first\n\n  # wf: allow WF501 {REASON}\n  last",
        f'"begins here\n  # wf: allow WF501 {REASON}"',
        f"a#wf: allow WF501 {REASON}".replace("wf: ", "wf:"),
    ],
)
def test_text_of_a_scalar_is_no_comment(title: str) -> None:
    assert codes_of(f"title: {title}\n") == []


def test_the_head_of_a_block_scalar_may_carry_a_comment() -> None:
    assert codes_of(f"title: >-  # wf: allow WF501 {REASON}\n  text # wf: allow WF502 {REASON}\n") == ["WF511"]


def test_a_file_that_cannot_be_read_silences_nothing() -> None:
    assert codes_of(state(f"  # wf: allow WF501 {REASON}") + "phases: [") == ["WF105"]
