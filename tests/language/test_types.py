"""Types of inputs: what they take, what their literals are in the plan, patterns that cannot take long."""

from typing import Any

import pytest

from tests.language.embedding import compile_piece


def inputs(declared: str) -> tuple[list[str], Any]:
    compiled = compile_piece(f"inputs:\n  x: {declared}\nfacts: {{}}\n")
    return [finding.code for finding in compiled.findings], compiled.plan["inputs"]["x"] if compiled.plan else None


@pytest.mark.parametrize(
    ("declared", "spec"),
    [
        ("timestamp", {"type": "timestamp"}),
        ("{type: duration, default: 90m}", {"type": "duration", "default": 5400.0}),
        (
            "{type: list, of: {type: string, enum: [A, B]}, max_items: 3, default: [A]}",
            {"type": "list", "of": {"type": "string", "enum": ["A", "B"]}, "max_items": 3, "default": ["A"]},
        ),
        ('{type: string, enum: ["10", "20"]}', {"type": "string", "enum": ["10", "20"]}),
        ("{type: number, min: 0, max: 1, default: 0.5}", {"type": "number", "min": 0.0, "max": 1.0, "default": 0.5}),
        ("{type: map, default: {a: [1, true, null]}}", {"type": "map", "default": {"a": [1, True, None]}}),
        (
            '{type: timestamp, default: "2026-11-22T03:10:00Z"}',
            {"type": "timestamp", "default": "2026-11-22T03:10:00Z"},
        ),
    ],
)
def test_a_type_is_in_the_plan_as_declared(declared: str, spec: dict[str, Any]) -> None:
    assert inputs(declared) == ([], spec)


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("integer", "WF123"),
        ("list", "WF121"),
        ("{type: list, max_items: 3}", "WF121"),
        ("{type: list, of: url, max_items: 5000}", "WF402"),
        ("{type: int, min: 5, max: 3}", "WF129"),
        ("{type: bool, min: 5}", "WF120"),
        ("{type: int, enum: []}", "WF122"),
        ("{type: string, enum: [A, A]}", "WF127"),
        ("{type: string, enum: [A], default: B}", "WF221"),
        ("{type: url, default: ftp}", "WF221"),
        ("{type: duration, default: soon}", "WF221"),
        ("{type: timestamp, default: yesterday}", "WF221"),
        ("{type: int, default: 1.5}", "WF221"),
        ("{type: string, pattern: '[A-Z]{2}', default: abc}", "WF221"),
        ("{type: string, data_class: secret}", "WF123"),
        ("[string]", "WF122"),
    ],
)
def test_a_type_that_cannot_be_is_refused(declared: str, code: str) -> None:
    assert inputs(declared)[0] == [code]


@pytest.mark.parametrize(
    "pattern",
    ["^[A-Z0-9-]{4,64}$", "(DE|FR)-[0-9]+", "[a-z]+@[a-z]+", "a?b?c?", "[(+*]{3}", "x{1000}", "\\d{4}-\\d{2}"],
)
def test_a_pattern_that_is_quick_is_taken(pattern: str) -> None:
    assert inputs(f"{{type: string, pattern: '{pattern}'}}")[0] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*b",
        "(a|aa){5,}",
        "(.*,)*x",
        ".*.*.*x",
        "(?:a+)+",
        "(a)\\1",
        "[a-z]{1,900}[a-z]{1,900}[a-z]{1,900}",
        "(",
        "[z-a]",
        "[[a]--b]",
        "a" * 201,
    ],
)
def test_a_pattern_that_may_take_long_or_is_none_is_refused(pattern: str) -> None:
    assert inputs(f"{{type: string, pattern: '{pattern}'}}")[0] == ["WF123"]


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ("90 minutes", "`90m`"),
        ("PT4H", "`4h`"),
        ("1h30m", "`90m`"),
        ("30", "`30s` or `30m`"),
        ("2 business days", "`2bd`"),
    ],
)
def test_a_duration_in_another_notation_is_translated(written: str, help: str) -> None:
    (finding,) = compile_piece(f'- {{id: a, wait: {{for: "{written}"}}}}').findings
    assert finding.code == "WF125"
    assert help in finding.help


@pytest.mark.parametrize("written", ["0s", "5000d", "-1m", "1.5.2h", "m", "1e3s", "1000000000s"])
def test_a_duration_out_of_range_is_refused(written: str) -> None:
    assert [each.code for each in compile_piece(f'- {{id: a, wait: {{for: "{written}"}}}}').findings] == ["WF125"]


@pytest.mark.parametrize(("days", "seconds"), [(1, 3), (5, 7), (7, 11), (10, 14)])
def test_business_days_of_a_review_become_the_calendar_days_that_hold_them(days: int, seconds: int) -> None:
    plan = compile_piece(f"- {{id: a, postmortem: {{facilitator: deputy, within: {days}bd}}}}").plan
    assert plan is not None
    (step,) = plan["phases"][0]["steps"]
    assert step["kind"] == "postmortem"
    assert (step["business_days"], step["within"], step["within_text"]) == (days, seconds * 86_400, f"{days}bd")
