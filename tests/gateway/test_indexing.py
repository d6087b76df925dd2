"""The case index follows the ledger: a run that answers late holds no other one up, and nothing it wrote is missed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.cli.boards import board
from watchfloor.cases import CaseIndex
from watchfloor.client.errors import EngineUnavailable
from watchfloor.client.face import Face
from watchfloor.gateway import indexing
from watchfloor.gateway.indexing import Indexer
from watchfloor.ledger import SqliteLedger

SLOW, QUICK = "inc-slow", "inc-quick"


class Heads:
    """Stands for the ledger: where each chain ends."""

    def __init__(self) -> None:
        self.ends: dict[str, int] = {}
        self.turns = 0

    def write(self, chain: str) -> None:
        self.ends[chain] = self.ends.get(chain, 0) + 1
        self.turns += 1

    def version(self) -> int:
        return self.turns

    def heads(self) -> dict[str, int]:
        return dict(self.ends)


class Runs:
    """Stands for the runs: what each says, and when it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.broken = False

    async def board(self, face: Face, incident: str) -> Any:
        self.asked.append(incident)
        if incident == SLOW:
            await self.may_answer.wait()
        if self.broken:
            raise EngineUnavailable("nobody is at work")
        return board(workflow=incident, title=f"asked {len(self.asked)} times")


@pytest.fixture
def ledger() -> Heads:
    return Heads()


@pytest.fixture
async def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    found = Runs()
    monkeypatch.setattr(indexing, "board", found.board)
    return found


@pytest.fixture
def indexer(ledger: Heads, tmp_path: Path) -> Indexer:
    return Indexer(cast(Face, None), cast(SqliteLedger, ledger), CaseIndex(tmp_path / "cases.sqlite"))


async def until(holds: Callable[[], bool]) -> None:
    """Real time, at most ten seconds."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_run_that_answers_late_holds_no_other_one_up(indexer: Indexer, ledger: Heads, runs: Runs) -> None:
    ledger.write(SLOW)
    following = asyncio.create_task(indexer.run())
    await until(lambda: runs.asked == [SLOW])
    news = indexer.changes.rounds(60.0)
    await anext(news)
    ledger.write(QUICK)
    await until(lambda: indexer.index.get(QUICK) is not None)
    assert await anext(news), "who listens is told before the late one answers"
    assert indexer.index.get(SLOW) is None
    runs.may_answer.set()
    await until(lambda: indexer.index.get(SLOW) is not None)
    following.cancel()


async def test_what_a_run_writes_while_it_is_asked_is_asked_for_again(
    indexer: Indexer, ledger: Heads, runs: Runs
) -> None:
    ledger.write(SLOW)
    following = asyncio.create_task(indexer.run())
    await until(lambda: runs.asked == [SLOW])
    ledger.write(SLOW)
    await asyncio.sleep(3 * indexing.EVERY)
    assert runs.asked == [SLOW], "never asked twice at once"
    runs.may_answer.set()
    await until(lambda: indexer.index.heads().get(SLOW) == 2)
    assert runs.asked == [SLOW, SLOW]
    following.cancel()


async def test_a_run_that_does_not_answer_is_asked_again_after_a_rest(
    indexer: Indexer, ledger: Heads, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short one first: a run that has only just begun is on the screens within a second."""
    rests: list[float] = []
    monkeypatch.setattr(indexing, "FIRST_REST", 0.01)
    monkeypatch.setattr(indexing, "REST", 0.04)
    runs.broken = True
    for _ in range(4):
        indexer._rest(QUICK)
        rests.append(indexer._rests[QUICK])
    assert rests == [0.01, 0.02, 0.04, 0.04]
    ledger.write(QUICK)
    following = asyncio.create_task(indexer.run())
    await until(lambda: len(runs.asked) > 1)
    runs.broken = False
    await until(lambda: indexer.index.get(QUICK) is not None)
    assert QUICK not in indexer._rests
    following.cancel()


async def test_changes_of_one_moment_are_told_once(indexer: Indexer, ledger: Heads, runs: Runs) -> None:
    told: list[None] = []
    indexer.changes.tell = lambda: told.append(None)  # type: ignore[method-assign]
    for number in range(20):
        ledger.write(f"inc-{number}")
    await indexer.look()
    await until(lambda: len(indexer.index.heads()) == 20 and bool(told))
    await asyncio.sleep(2 * indexing.TOGETHER)
    assert len(told) < 20
