"""Ledger entries of a workflow on their way to the ledger.

A workflow appends nothing itself. Its entries ride in the argument of the next activity that is scheduled; when none
is, one local activity carries them (one event). Entries that rode in an activity which then failed are taken back and
go again: their ids are deterministic and the store takes each id once, so twice does no harm and never is a loss.
"""

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
_APPEND_PATIENCE = timedelta(seconds=5)
"""A local activity holds the workflow task open: what else the run does waits that long at most when the ledger is
down. After that the entries wait for the next activity, or for the next try half a minute later."""
_REST = timedelta(seconds=30)
_SETTLE_ROUNDS = 3


class Journal:
    """The entries of one chain that the ledger does not have yet.

    Durable: `entries` and `seq` must be carried over continue-as-new by the workflow that owns this. Entry ids are
    `<chain>:<n>`. `flush` and `keep_flushed` run the local activity `ledger.append`, which may run twice.
    """

    def __init__(
        self, *, chain: str, region: str, entries: Sequence[Entry] = (), seq: int = 0, waits_to_ride: bool = False
    ) -> None:
        self.chain = chain
        self.region = region
        self.entries: list[Entry] = list(entries)
        self.seq = seq
        self.refusals = Refusals()
        self._waits_to_ride = waits_to_ride
        """Whether what came while the ledger took something waits for an activity too. A query makes a worker hand in
        its task before a local activity has ended; live that ends together with what comes then, on replay before it.
        So nothing may depend on whether an entry came before or after that end."""
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

    async def flush(self, *, once: bool = False) -> bool:
        """Append what waits by a local activity; False when the ledger could not take it now.

        Args:
            once: one local activity at most; what comes meanwhile waits.
        """
        while self.entries:
            try:
                with self.riding() as entries:
                    call: AppendCall = {"v": 1, "region": self.region, "entries": entries}
                    await workflow.execute_local_activity(
                        ACTIVITY_LEDGER,
                        call,
                        schedule_to_close_timeout=_APPEND_PATIENCE,
                        retry_policy=_APPEND_RETRY,
                    )
            except ActivityError:
                return False
            if once:
                return True
        return True

    async def rested(self) -> None:
        """Wait until nothing is under way: what rides while its run ends or continues as new comes back to nobody."""
        if self._under_way:
            await workflow.wait_condition(lambda: not self._under_way)

    async def keep_flushed(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Run beside the workflow: append whatever no activity took along, until it is over.

        Conditions are looked at when every coroutine has come to rest, so a few looks in a row tell entries that
        nobody will take from entries whose carrier is about to be scheduled in this same workflow task.
        """
        while not is_over():
            await workflow.wait_condition(lambda: bool(self.entries) or is_over())
            for _ in range(_SETTLE_ROUNDS):
                await workflow.wait_condition(lambda: True)
            if self.entries and not is_over() and not await self.flush(once=self._waits_to_ride):
                with suppress(TimeoutError):
                    await workflow.wait_condition(is_over, timeout=_REST)
