"""The case index: what was last said, and exactly what came after a revision."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.boards import board
from watchfloor.cases import CaseIndex, Place

A, B, C = (f"inc-{letter * 20}" for letter in "abc")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CaseIndex]:
    opened = CaseIndex(tmp_path / "cases.sqlite")
    yield opened
    opened.close()


def test_only_what_changed_takes_a_revision(index: CaseIndex) -> None:
    assert index.put(board(workflow=A), 1) == 1
    assert index.put(board(workflow=A, now="2026-11-22T04:00:00Z", history_events=99), 2) is None
    assert index.put(board(workflow=A, severity="S0"), 3) == 2
    assert index.heads() == {A: 3}


def test_a_reader_is_told_what_came_after_what_it_has_seen(index: CaseIndex) -> None:
    for incident in (A, B, C):
        index.put(board(workflow=incident), 1)
    index.put(board(workflow=A, severity="S0"), 2)
    assert [(case.incident, case.revision) for case in index.since(2)] == [(C, 3), (A, 4)]
    assert index.since(index.revision()) == []


def test_a_list_goes_on_after_a_place(index: CaseIndex) -> None:
    for incident, at in ((A, "2026-11-22T03:00:00Z"), (B, "2026-11-22T03:00:00Z"), (C, "2026-11-22T02:00:00Z")):
        index.put(board(workflow=incident, opened_at=at), 1)
    first = index.page(limit=1)
    assert [case.incident for case in first] == [A]
    rest = index.page(after=Place(first[0].opened_at, first[0].incident))
    assert [case.incident for case in rest] == [B, C]


def test_an_index_of_another_format_is_made_anew(tmp_path: Path) -> None:
    first = CaseIndex(tmp_path / "cases.sqlite")
    first.put(board(workflow=A), 1)
    first._database.execute("PRAGMA user_version = 99")
    first.close()
    again = CaseIndex(tmp_path / "cases.sqlite")
    assert again.page() == []
    again.close()
