"""What only tasks have: a named person with a role behind them, a checklist, attachments, how long a claim holds."""

from typing import Any

import pytest

from tests.language.embedding import compile_piece
from tests.language.test_constructs import codes, first_step
from watchfloor.language.diff import compare

TASK = """- id: file_it
  task:
    assignee: {person: liaison-1, else: {any_of: [le_liaison, legal_counsel]}}
    do: File the report
    checklist:
      - {id: number, do: Compare the number}
      - {id: copy, do: Send a copy, optional: true}
    form: {receipt: attachment, second: {type: attachment, optional: true}, filed_at: timestamp}
    within: 2h
    claim_for: 20m
"""


def test_a_task_keeps_whom_it_is_for_and_what_it_is_made_of() -> None:
    step = first_step(TASK)
    assert (step["person"], step["assignee"]) == ("liaison-1", {"any_of": ["le_liaison", "legal_counsel"]})
    assert step["claim_for"] == 1200.0
    assert step["checklist"] == [
        {"id": "number", "do": "Compare the number", "required": True},
        {"id": "copy", "do": "Send a copy", "required": False},
    ]


def test_an_attachment_is_a_reference_of_the_evidence_store_and_nothing_else() -> None:
    form = first_step(TASK)["form"]
    assert form["receipt"] == {"type": "ref", "pattern": "sha256:[0-9a-f]{64}", "attachment": True}
    assert form["second"] == {**form["receipt"], "optional": True}
    assert "attachment" not in form["filed_at"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("else: {any_of: [le_liaison, legal_counsel]}", "", ["WF121"]),
        ("person: liaison-1", "person: Liaison One", ["WF124"]),
        ("person: liaison-1", "persn: liaison-1", ["WF120"]),
        ("id: copy", "id: number", ["WF127"]),
        ("{id: number, do: Compare the number}", "{id: number}", ["WF121"]),
        ("do: Compare the number", "do: '${{ inputs.order_id }}'", ["WF130"]),
        ("optional: true}\n    form", "needed: true}\n    form", ["WF120"]),
        ("type: attachment, optional: true", "type: attachment, max_length: 3", ["WF120"]),
        ("claim_for: 20m", "claim_for: soon", ["WF125"]),
    ],
)
def test_what_does_not_fit_is_refused(old: str, new: str, expected: list[str]) -> None:
    assert old in TASK
    found = codes(TASK.replace(old, new))
    assert found[: len(expected)] == expected


def test_an_attachment_is_for_forms_only() -> None:
    assert codes("inputs: {x: attachment}") != []


def kinds(new: str) -> list[tuple[str, Any]]:
    before, after = compile_piece(TASK).plan, compile_piece(new).plan
    assert before is not None
    assert after is not None
    return [(change.kind, change.danger) for change in compare(before, after)]


def test_diff_tells_what_a_task_no_longer_asks_for() -> None:
    assert "decision.checklist" in [
        kind for kind, _ in kinds(TASK.replace("do: Compare the number", "do: Compare, optional: true"))
    ]
    assert "decision.person" in [kind for kind, _ in kinds(TASK.replace("liaison-1", "liaison-2"))]
    assert "decision.claim_for" in [kind for kind, _ in kinds(TASK.replace("20m", "40m"))]
