"""The case index follows the ledger: a run that answers late holds no other one up, and nothing it wrote is missed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client

from tests.cli.boards import board
from tests.gateway.regions_on_loopback import face_on
from watchfloor.cases import CaseIndex
from watchfloor.client import runs as runs_of
from watchfloor.client.errors import EngineUnavailable, NotFound
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
        self.forgotten: set[str] = set()

    async def board(self, face: Face, incident: str) -> Any:
        self.asked.append(incident)
        if incident == SLOW:
            await self.may_answer.wait()
        if self.broken:
            raise EngineUnavailable("nobody is at work")
        if incident in self.forgotten:
            raise NotFound("no such run")
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


@pytest.mark.parametrize("has_a_board", [True, False])
async def test_a_run_that_the_engine_has_forgotten_settles_and_is_asked_again_when_it_writes(
    indexer: Indexer, ledger: Heads, runs: Runs, monkeypatch: pytest.MonkeyPatch, has_a_board: bool
) -> None:
    """An entry of its ledger that came after the engine's retention changes no board, and asks for none for ever."""
    monkeypatch.setattr(indexing, "FIRST_REST", 0.01)
    monkeypatch.setattr(indexing, "REST", 0.04)
    monkeypatch.setattr(indexing, "EVERY", 0.01)
    if has_a_board:
        indexer.index.put(board(workflow=QUICK, state="closed"), 1)
        ledger.write(QUICK)
    runs.forgotten = {QUICK}
    ledger.write(QUICK)
    end = ledger.ends[QUICK]
    following = asyncio.create_task(indexer.run())
    await until(lambda: indexer.index.heads().get(QUICK) == end)
    assert runs.asked == [QUICK] * 4, "not at once: a run that is about to begin is not there yet either"
    for _ in range(3):
        ledger.write(SLOW)  # others go on writing
        await asyncio.sleep(10 * indexing.EVERY)
    assert runs.asked.count(QUICK) == 4
    assert QUICK not in indexer._not_before
    kept = indexer.index.get(QUICK)
    assert (kept is not None and kept.state == "closed") == has_a_board
    runs.forgotten.clear()
    ledger.write(QUICK)
    await until(lambda: indexer.index.heads()[QUICK] == end + 1)
    found = indexer.index.get(QUICK)
    assert found is not None
    assert found.state == "open"
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


async def test_only_the_namespace_that_a_run_would_be_in_can_say_that_it_is_not_there(
    temporal: str, tmp_path: Path
) -> None:
    """A server that has lost the whole namespace has forgotten no run: it is asked again."""
    face = await face_on(temporal, tmp_path)
    with pytest.raises(NotFound):
        await runs_of.board(face, SLOW)
    elsewhere = replace(face, client=await Client.connect(temporal, namespace="nowhere"))
    with pytest.raises(EngineUnavailable, match="not_found"):
        await runs_of.board(elsewhere, SLOW)
