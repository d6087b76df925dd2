"""Who waits for changes is woken by each, and told at fixed times that all is well."""

import asyncio
from pathlib import Path

import pytest

from tests.cli.boards import board
from watchfloor.cases import CaseIndex, IndexUnavailable
from watchfloor.gateway.indexing import Changes, Recent


async def test_a_change_wakes_everybody_at_once() -> None:
    changes = Changes()
    waiting = [changes.rounds(60.0) for _ in range(3)]
    assert [await anext(one) for one in waiting] == [True, True, True]
    woken = [asyncio.ensure_future(anext(one)) for one in waiting]
    await asyncio.sleep(0)
    changes.tell()
    assert await asyncio.gather(*woken) == [True, True, True]


async def test_the_sign_of_life_comes_at_its_time_whatever_changed_in_between() -> None:
    """Otherwise its delay would tell of changes that the reader may not see."""
    changes = Changes()
    rounds = changes.rounds(0.2)
    seen = [await anext(rounds)]

    async def disturb() -> None:
        while True:
            await asyncio.sleep(0.05)
            changes.tell()

    disturbing = asyncio.create_task(disturb())
    while seen.count(False) < 2:
        seen.append(await anext(rounds))
    disturbing.cancel()
    assert seen.count(True) > 2


async def test_a_change_while_the_reader_reads_is_not_slept_over() -> None:
    changes = Changes()
    rounds = changes.rounds(60.0)
    assert await anext(rounds)
    for _ in range(2):
        changes.tell()  # the reader has read already, and does not wait again yet
        async with asyncio.timeout(1):
            assert await anext(rounds)


async def test_what_changed_is_read_once_for_all_and_anew_for_the_next_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, changes = CaseIndex(tmp_path / "cases.sqlite"), Changes()
    recent, asked = Recent(index, changes), list[int]()
    read = index.since

    def count(revision: int) -> object:
        asked.append(revision)
        return read(revision)

    monkeypatch.setattr(index, "since", count)
    index.put(board(), 1)
    changes.tell()
    first, second = await asyncio.gather(recent.since(0), recent.since(0))
    assert [one.severity for one in first] == ["S1"]
    assert first is second
    assert asked == [0]
    index.put(board(severity="S0"), 2)
    changes.tell()
    assert [one.severity for one in await recent.since(0)] == ["S0"]
    index.close()


async def test_a_reading_that_failed_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, changes = CaseIndex(tmp_path / "cases.sqlite"), Changes()
    recent = Recent(index, changes)

    def fail(revision: int) -> object:
        raise IndexUnavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(index, "since", fail)
        with pytest.raises(IndexUnavailable):
            await recent.since(0)
    assert await recent.since(0) == []
    index.close()
