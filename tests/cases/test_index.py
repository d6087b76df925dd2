"""The case index: what was last said, and exactly what came after a revision."""

from collections.abc import Iterator
from contextlib import closing
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


def test_who_is_not_cleared_reads_counts_and_finds_nothing_of_a_compartment(index: CaseIndex) -> None:
    index.put(board(workflow=A), 1)
    index.put(board(workflow=B, compartment="csea"), 1)
    outside, inside = ("",), ("", "csea")
    assert (index.get(B, open_to=outside), index.get(B, open_to=inside)) == (None, index.get(B))
    assert [case.incident for case in index.page(open_to=outside)] == [A]
    assert [case.incident for case in index.since(0, open_to=outside)] == [A]
    assert (index.revision(open_to=outside), index.revision(open_to=inside)) == (1, 2)
    assert (index.known([A, B, C]), index.known([A, B, C], open_to=outside)) == ({A, B}, {A})


def test_a_board_that_was_read_before_is_read_anew_once_it_has_changed(index: CaseIndex) -> None:
    index.put(board(workflow=A), 1)
    first, again = index.get(A), index.get(A)
    assert first is not None
    assert again is not None
    assert first.board is again.board, "nobody reads JSON twice"
    index.put(board(workflow=A, severity="S0"), 2)
    changed = index.get(A)
    assert changed is not None
    assert (changed.board["severity"], changed.severity) == ("S0", "S0")


def test_boards_are_remembered_only_up_to_a_size(index: CaseIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchfloor.cases.index.REMEMBERED", 3000)
    for incident in (A, B, C):
        index.put(board(workflow=incident, title="x" * 1000), 1)
    assert {case.incident for case in index.page()} == {A, B, C}
    assert len(index._read_boards) < 3
    assert index._remembered == sum(size for _, size, _ in index._read_boards.values()) <= 3000


def test_an_index_that_is_made_anew_is_another_one(tmp_path: Path) -> None:
    first = CaseIndex(tmp_path / "cases.sqlite")
    again = CaseIndex(tmp_path / "cases.sqlite")
    assert first.epoch == again.epoch
    for opened in (first, again):
        opened.close()
    (tmp_path / "cases.sqlite").unlink()
    anew = CaseIndex(tmp_path / "cases.sqlite")
    assert anew.epoch != first.epoch
    anew.close()


def test_what_was_written_of_a_run_that_the_engine_forgot_is_known_to_change_nothing(tmp_path: Path) -> None:
    """With a board or without one, and by the next process too; what is written later counts again."""
    with closing(CaseIndex(tmp_path / "cases.sqlite")) as index:
        index.put(board(workflow=A), 3)
        index.forget(A, 4)
        index.forget(B, 7)
    with closing(CaseIndex(tmp_path / "cases.sqlite")) as index:
        assert index.heads() == {A: 4, B: 7}
        assert index.get(B) is None
        kept = index.get(A)
        assert kept is not None
        assert (kept.seq, kept.revision) == (3, 1)
        index.put(board(workflow=A, severity="S0"), 5)
        assert index.heads()[A] == 5
