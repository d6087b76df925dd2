"""Keeps the case index of a region: follows the ledger, asks the runs that wrote into it, tells who listens.

Every change of a run is a ledger entry of its chain, so looking at the chains' ends tells which boards to ask for anew.
A run whose worker does not answer keeps its last board and is asked again. Clocks are absolute, so a board grows stale
only by what has not been written down yet.
"""

import asyncio
from collections.abc import AsyncIterator

import structlog

from watchfloor.cases import CaseIndex, IndexUnavailable
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.ledger import LedgerUnavailable, SqliteLedger

EVERY = 0.2
"""Seconds between two looks at the ledger's version; a look costs one page of SQLite."""
AT_ONCE = 8
"""Boards asked for at the same time."""
REST = 5.0
"""Seconds before a run that did not answer is asked again."""
CHAINS = ("inc-", "hold-", "hand-", "in-", "post-")
"""Beginnings of the ids of everything that has a board."""

log = structlog.get_logger(__name__)


class Changes:
    """Wakes those who wait for the next change. Nobody is owed a change: who wakes reads the index again."""

    def __init__(self) -> None:
        self._turn = asyncio.Event()

    def tell(self) -> None:
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


class Indexer:
    """Follows one region's ledger."""

    def __init__(self, face: Face, ledger: SqliteLedger, index: CaseIndex) -> None:
        self.index = index
        self.changes = Changes()
        self._face = face
        self._ledger = ledger
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Follow for ever. A store that does not answer is only waited for."""
        version = -1
        while True:
            try:
                seen = await asyncio.to_thread(self._ledger.version)
                if seen != version or self._not_before:
                    await self.catch_up()
                    version = seen
            except (LedgerUnavailable, IndexUnavailable) as error:
                log.warning("case index waits", error=type(error).__name__)
            await asyncio.sleep(EVERY)

    async def catch_up(self) -> None:
        """Ask every run that has written since it was last asked."""
        heads = await asyncio.to_thread(self._ledger.heads)
        known = await asyncio.to_thread(self.index.heads)
        now = asyncio.get_running_loop().time()
        due = [
            (chain, seq)
            for chain, seq in heads.items()
            if chain.startswith(CHAINS) and seq > known.get(chain, 0) and self._not_before.get(chain, 0.0) <= now
        ]
        if any(await asyncio.gather(*(self._look(chain, seq) for chain, seq in due))):
            self.changes.tell()

    async def _look(self, incident: str, seq: int) -> bool:
        async with self._gate:
            try:
                said = await board(self._face, incident)
            except (NotFound, EngineUnavailable) as error:
                # the engine forgets closed runs; their last board stays, and nothing new will be written
                self._not_before[incident] = asyncio.get_running_loop().time() + REST
                log.info("board not there", incident=incident, error=type(error).__name__)
                return False
        self._not_before.pop(incident, None)
        return await asyncio.to_thread(self.index.put, said, seq) is not None
