"""Keeps the case index of a region: follows the ledger, asks the runs that wrote into it, tells who listens.

Every change of a run is a ledger entry of its chain, so looking at the chains' ends tells which boards to ask for anew.
A run whose worker does not answer keeps its last board and is asked again. One that the engine has forgotten (it
closed, and its retention is over) keeps it for good, whatever is still written into its ledger. Clocks are absolute, so
a board grows stale only by what has not been written down yet.
"""

import asyncio
from collections.abc import AsyncIterator

import structlog

from watchfloor.cases import Case, CaseIndex, IndexUnavailable
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.ledger import LedgerUnavailable, SqliteLedger

EVERY = 0.2
"""Seconds between two looks at the ledger's version; a look costs one page of SQLite."""
AT_ONCE = 8
"""Boards asked for at the same time."""
TOGETHER = 0.05
"""Seconds in which changes are gathered before who listens is told."""
FIRST_REST = 0.25
"""Seconds before a run that did not answer is asked again; twice as long after each time, `REST` at most.

A run that has only just begun answers soon."""
REST = 5.0
CHAINS = ("inc-", "hold-", "hand-", "in-", "post-")
"""Beginnings of the ids of everything that has a board."""

log = structlog.get_logger(__name__)


class Changes:
    """Wakes those who wait for the next change. Nobody is owed a change: who wakes reads the index again."""

    def __init__(self) -> None:
        self.told = 0
        """How often a change was told."""
        self._turn = asyncio.Event()

    def tell(self) -> None:
        self.told += 1
        self._turn.set()
        self._turn = asyncio.Event()

    async def rounds(self, quiet: float) -> AsyncIterator[bool]:
        """True at once and at every change, False every `quiet` seconds, whatever happened in between: when it comes
        tells nobody of a change that they may not see."""
        now = asyncio.get_running_loop().time
        due = now() + quiet
        # taken before the reader reads: what changes while it does is not slept over
        turn = self._turn
        yield True
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await turn.wait()
                turn = self._turn
                yield True
            except TimeoutError:
                due = now() + quiet
                yield False


class Recent:
    """What has changed, read once for all who are told of a change at the same time."""

    def __init__(self, index: CaseIndex, changes: Changes) -> None:
        self._index = index
        self._changes = changes
        self._told = -1
        self._reading: dict[int, asyncio.Future[list[Case]]] = {}

    async def since(self, revision: int) -> list[Case]:
        """What changed after a revision and was told of by now.

        Raises:
            IndexUnavailable: nobody can say.
        """
        if self._told != self._changes.told:
            self._told, self._reading = self._changes.told, {}
        reading = self._reading.get(revision)
        if reading is None or (reading.done() and reading.exception() is not None):
            reading = asyncio.ensure_future(asyncio.to_thread(self._index.since, revision))
            self._reading[revision] = reading
        return await asyncio.shield(reading)


class Indexer:
    """Follows one region's ledger. A run that answers late holds no other one up."""

    def __init__(self, face: Face, ledger: SqliteLedger, index: CaseIndex) -> None:
        self.index = index
        self.changes = Changes()
        self._face = face
        self._ledger = ledger
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._not_before: dict[str, float] = {}
        self._rests: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._passed_over = False
        self._telling: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Follow for ever. A store that does not answer is only waited for."""
        version = -1
        try:
            while True:
                try:
                    seen = await asyncio.to_thread(self._ledger.version)
                    if seen != version or self._not_before or self._passed_over:
                        await self.look()
                        version = seen
                except (LedgerUnavailable, IndexUnavailable) as error:
                    log.warning("case index waits", error=type(error).__name__)
                await asyncio.sleep(EVERY)
        finally:
            for task in self._under_way.values():
                task.cancel()

    async def look(self) -> None:
        """Begin to ask every run that has written since it was last asked, unless it is being asked already.

        Raises:
            LedgerUnavailable, IndexUnavailable: nobody was asked.
        """
        heads = await asyncio.to_thread(self._ledger.heads)
        known = await asyncio.to_thread(self.index.heads)
        now = asyncio.get_running_loop().time()
        self._passed_over = False
        for chain, seq in heads.items():
            if not chain.startswith(CHAINS) or seq <= known.get(chain, 0) or self._not_before.get(chain, 0.0) > now:
                continue
            if chain in self._under_way:
                self._passed_over = True  # it may have been asked before it wrote this
                continue
            self._under_way[chain] = asyncio.create_task(self._ask(chain, seq))

    async def _ask(self, incident: str, seq: int) -> None:
        try:
            async with self._gate:
                said = await board(self._face, incident)
            self._not_before.pop(incident, None)
            self._rests.pop(incident, None)
            if await asyncio.to_thread(self.index.put, said, seq) is not None:
                self._tell_soon()
        except NotFound:
            await self._miss(incident, seq)
        except (EngineUnavailable, IndexUnavailable) as error:
            self._rest(incident)
            log.info("board not there", incident=incident, error=type(error).__name__)
        except Exception:  # the edge of one run's look: it must end neither the others' nor the following
            self._rest(incident)
            log.exception("board not taken", incident=incident)
        finally:
            del self._under_way[incident]

    async def _miss(self, incident: str, seq: int) -> None:
        """The engine has no such run. It may be about to begin, so it is asked a few times more; what is still missing
        after the longest rest is forgotten, and would be asked for until the end of time."""
        if self._rests.get(incident, 0.0) < REST:
            self._rest(incident)
            log.info("board not there", incident=incident, error=NotFound.__name__)
            return
        try:
            await asyncio.to_thread(self.index.forget, incident, seq)
        except IndexUnavailable as error:
            self._rest(incident)
            log.warning("case index waits", error=type(error).__name__)
            return
        self._not_before.pop(incident, None)
        self._rests.pop(incident, None)
        log.info("run forgotten by the engine", incident=incident, seq=seq)

    def _rest(self, incident: str) -> None:
        rest = self._rests[incident] = min(REST, 2 * self._rests.get(incident, FIRST_REST / 2))
        self._not_before[incident] = asyncio.get_running_loop().time() + rest

    def _tell_soon(self) -> None:
        """What changes within a moment is told once."""
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOGETHER, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self.changes.tell()
