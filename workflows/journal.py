"""Ledger entries of a workflow on their way to the ledger.

A workflow appends nothing itself. Its entries ride in the argument of the next activity that is scheduled; when none
is, an activity of their own carries them. Entries that rode in an activity which then failed are taken back and
go again: their ids are deterministic and the store takes each id once, so twice does no harm and never is a loss.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry
from schemas.notify import ACTIVITY_LEDGER, AppendCall
from watchfloor.signing import render_instant
from workflows.refusals import Refusals

RIDE_LIMIT = 100
"""Entries one activity carries at most: an argument must stay far below the server's 2 MB."""

_APPEND_RETRY = RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=1))
_APPEND_ATTEMPT = timedelta(seconds=10)
_APPEND_PATIENCE = timedelta(seconds=30)
"""After that the entries wait for the next activity, or for the next try half a minute later."""
_LOCAL_PATIENCE = timedelta(seconds=5)
"""A local activity holds the workflow task open: what else the run does waits that long at most when the ledger is
down."""
_REST = timedelta(seconds=30)
_SETTLE_ROUNDS = 3


class Journal:
    """The entries of one chain that the ledger does not have yet.

    Durable: `entries` and `seq` must be carried over continue-as-new by the workflow that owns this. Entry ids are
    `<chain>:<n>`. `flush` and `keep_flushed` run the activity `ledger.append`, which may run twice.
    """

    def __init__(
        self, *, chain: str, region: str, entries: Sequence[Entry] = (), seq: int = 0, by_activity: bool = False
    ) -> None:
        self.chain = chain
        self.region = region
        self.entries: list[Entry] = list(entries)
        self.seq = seq
        self.refusals = Refusals()
        self._by_activity = by_activity
        """Whether what no activity takes along gets an activity as all others; runs from before give it a local one. A
        query makes a worker hand in its task before a local activity has ended; live that end comes together with what
        comes then, on replay before it, and the run no longer fits its history."""
        self._over = False
        self._under_way: list[list[Entry]] = []
        """What rides in activities that have not ended yet, in the order in which they took it."""

    def note(
        self, kind: str, *, step: str = "", path: str = "", actor: str = "engine", data: dict[str, Json] | None = None
    ) -> str:
        """Write down that something happened now; gives the entry's id. `data` holds ids, instants and digests only."""
        self.seq += 1
        entry_id = f"{self.chain}:{self.seq}"
        self.entries.append(
            {
                "v": ENTRY_VERSION,
                "id": entry_id,
                "chain": self.chain,
                "kind": kind,
                "at": render_instant(workflow.now()),
                "actor": actor,
                "step": step,
                "path": path,
                "data": data or {},
            }
        )
        return entry_id

    @contextmanager
    def riding(self, gate: str = "") -> Iterator[list[Entry]]:
        """Take up to `RIDE_LIMIT` entries along in the activity scheduled inside; any failure brings them back.

        Args:
            gate: path of the ask that lets the activity act. Entries about it that are still under way in another
                activity ride here too: an effect is not announced before the decisions that it rests on, whichever
                activity comes first. The store takes each once.
        """
        again = [one for group in self._under_way for one in group if gate and one["path"] == gate]
        taken, self.entries = self.entries[:RIDE_LIMIT], self.entries[RIDE_LIMIT:]
        self._under_way.append(taken)
        try:
            yield [*again, *taken]
        except BaseException:
            self.entries = [*taken, *self.entries]
            raise
        finally:
            self._under_way = [group for group in self._under_way if group is not taken]

    async def flush(self) -> bool:
        """Append what waits; False when the ledger could not take it now."""
        while self.entries:
            try:
                with self.riding() as entries:
                    await self._append({"v": 1, "region": self.region, "entries": entries})
            except ActivityError:
                return False
        return True

    async def _append(self, call: AppendCall) -> None:
        if self._by_activity:
            await workflow.execute_activity(
                ACTIVITY_LEDGER,
                call,
                start_to_close_timeout=_APPEND_ATTEMPT,
                schedule_to_close_timeout=_APPEND_PATIENCE,
                retry_policy=_APPEND_RETRY,
            )
        else:
            await workflow.execute_local_activity(
                ACTIVITY_LEDGER,
                call,
                schedule_to_close_timeout=_LOCAL_PATIENCE,
                retry_policy=_APPEND_RETRY,
            )

    async def rested(self) -> None:
        """Wait until nothing is under way: what rides while its run ends or continues as new comes back to nobody."""
        if self._under_way:
            await workflow.wait_condition(lambda: not self._under_way)

    async def keep_flushed(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Run beside the workflow: append whatever no activity took along, until it is over.

        Conditions are looked at when every coroutine has come to rest, so a few looks in a row tell entries that
        nobody will take from entries whose carrier is about to be scheduled in this same workflow task.
        """

        def rests() -> bool:
            return self._over or is_over()

        while not rests():
            await workflow.wait_condition(lambda: bool(self.entries) or rests())
            for _ in range(_SETTLE_ROUNDS):
                await workflow.wait_condition(lambda: True)
            if self.entries and not rests() and not await self.flush():
                with suppress(TimeoutError):
                    await workflow.wait_condition(rests, timeout=_REST)

    async def stop_flushing(self, flusher: "asyncio.Task[None]") -> None:
        """Have what `keep_flushed` does come to an end. What it has begun ends by itself: nothing is cancelled."""
        if not self._by_activity:
            flusher.cancel()
            return
        self._over = True
        await workflow.wait_condition(flusher.done)
