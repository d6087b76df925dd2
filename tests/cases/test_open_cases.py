"""What is open, kept in memory: read once, then only what has changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.boards import board
from watchfloor.cases import CaseIndex, OpenCases


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CaseIndex]:
    opened = CaseIndex(tmp_path / "cases.sqlite")
    yield opened
    opened.close()


def put(index: CaseIndex, number: int, **changes: str) -> None:
    index.put(board(workflow=f"inc-{number:020d}", opened_at=f"2026-11-22T03:{number % 60:02d}:00Z", **changes), 1)


def names(cases: OpenCases) -> list[int]:
    return [int(case.incident.removeprefix("inc-")) for case in cases.now().cases]


def test_it_says_what_the_index_says_however_it_came_there(index: CaseIndex) -> None:
    put(index, 1)
    put(index, 2, state="closed")
    cases = OpenCases(index)
    assert names(cases) == [1]
    put(index, 3, state="paused")
    assert names(cases) == [3, 1]
    put(index, 1, state="closed")
    put(index, 2, state="open")
    assert names(cases) == [3, 2]
    put(index, 3, severity="S0")
    assert [case.severity for case in cases.now().cases] == ["S0", "S1"]


def test_more_than_a_page_of_the_index_is_read_whole(index: CaseIndex) -> None:
    for number in range(450):
        put(index, number)
    cases = OpenCases(index)
    assert sorted(names(cases)) == list(range(450))
    for number in range(450):
        put(index, number, severity="S3")
    assert {case.severity for case in cases.now().cases} == {"S3"}


def test_what_has_not_changed_is_not_read_again(index: CaseIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        put(index, number)
    cases = OpenCases(index)
    before = cases.now().cases
    monkeypatch.setattr(index, "page", lambda **_: pytest.fail("read anew"))
    put(index, 5, severity="S0")
    after = cases.now().cases
    same = sum(one is other for one, other in zip(before, after, strict=True))
    assert same == 29


def test_while_nothing_changes_the_same_is_given_and_its_revision_tells_a_change(index: CaseIndex) -> None:
    put(index, 1)
    cases = OpenCases(index)
    first = cases.now()
    assert cases.now() is first
    put(index, 1, severity="S0")
    assert cases.now().revision > first.revision
    put(index, 1, state="closed")
    assert cases.now().cases == ()
