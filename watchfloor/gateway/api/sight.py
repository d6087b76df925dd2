"""What one machine's key may see of a region: cases, what they name of each other, and how far they have come.

What lies in a compartment that the key is not cleared for is not there: it is not read, so it takes no time; not
counted; and where something visible names it (an incident over the same account), the name is left out.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.cases import Case, Place
from watchfloor.gateway.api import fresh
from watchfloor.gateway.api.doors import NOT_THERE
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

P = ParamSpec("P")
T = TypeVar("T")

INCIDENT = ("incident",)
WITHHELD = "withheld"
"""In place of the id of an incident that is not there for this key."""
PAGE = 50
"""Cases read at once where all of them are gone through."""
_NAMED = re.compile(r"inc-[a-z0-9]{20}", re.ASCII)


class Sight:
    """The region as one key sees it."""

    def __init__(self, desk: "ApiDesk", machine: Machine) -> None:
        self._desk = desk
        self.machine = machine
        self.open_to = ("", *machine.clearances)

    # -- cases ----------------------------------------------------------------------------------------------------

    async def find(self, id_: str, kinds: Collection[str] = INCIDENT, *, missing: str = NOT_THERE) -> Case:
        """A case by its id. One that this gateway has just started is waited for until the index has heard of it.

        Raises:
            Problem: 404, in the same words whether it is not there or not this key's to see.
        """
        case = await self.ask(self._desk.index.get, id_, open_to=self.open_to)
        if case is None and id_ in self._desk.fresh:
            case = await self._await(id_)
        if case is None or case.kind not in kinds:
            raise Problem(404, "not_found", missing)
        return case

    async def _await(self, id_: str) -> Case | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fresh.HEARD_WITHIN):
                async for _ in self._desk.changes.rounds(fresh.HEARD_WITHIN):
                    # behind a wall it is not waited for: that it is not there is said at once, as ever
                    if await self.ask(self._desk.index.get, id_) is not None:
                        return await self.ask(self._desk.index.get, id_, open_to=self.open_to)
        return None

    async def ask(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Ask a store in a thread; what it raises becomes a problem."""
        with as_problems(NOT_THERE):
            return await asyncio.to_thread(call, *args, **named)

    def each(self, kinds: tuple[str, ...], states: tuple[str, ...] = ()) -> Iterator[Case]:
        """Every case of these kinds, the latest opened first, never more than a page in memory."""
        after: Place | None = None
        while page := self._desk.index.page(kinds=kinds, states=states, after=after, limit=PAGE, open_to=self.open_to):
            yield from page
            after = Place(page[-1].opened_at, page[-1].incident)

    def family(self, case: Case) -> list[Case]:
        """A case, and the processes that it started, in their order."""
        found = [case]
        for report in case.board["children"]:
            child = self._desk.index.get(report["workflow"], open_to=self.open_to) if report["workflow"] else None
            if child is not None and child.kind != "incident":
                found.append(child)
        return found

    # -- what is named ----------------------------------------------------------------------------------------------

    def board(self, case: Case) -> dict[str, Any]:
        """A board without what it names of other compartments."""
        board = dict(case.board)
        started = [one["workflow"] for one in case.board["children"] if one["kind"] == "run"]
        related = [one["incident"] for one in case.board.get("related", ())]
        hidden = self._hidden(board, {*started, *related}) - {case.incident}
        return {name: _without(value, hidden) for name, value in board.items()} if hidden else board

    def entries(self, entries: Iterable[StoredEntry]) -> Iterator[StoredEntry]:
        """Ledger entries but for those that name an incident of another compartment."""
        for entry in entries:
            linked = {str(entry["data"]["run"])} if entry["kind"] == EntryKind.LINKED else set()
            if not self._hidden(entry["data"], linked) - {entry["chain"]}:
                yield entry

    def _hidden(self, value: Any, started: set[str]) -> set[str]:
        """Incidents named anywhere in a value that are in another compartment. One that the engine itself names and
        that the index does not know yet is not told either; one of another region is nothing that is hidden here."""
        named = {*_names(value), *started}
        if not named:
            return set()
        index = self._desk.index
        return (index.known(named) | started) - index.known(named, open_to=self.open_to) - {""}

    # -- how far ----------------------------------------------------------------------------------------------------

    def revision_of(self, case: Case) -> str:
        """The revision of a case, as this key knows it; also the id of its event."""
        return self.seal(case.revision)

    async def revision(self) -> str:
        """Where this key's view of the region stands: changes only when something changes that it may see."""
        return self.seal(await self.ask(self._desk.index.revision, open_to=self.open_to))

    def read_revision(self, text: str) -> int:
        """The inverse; 0, the beginning, for one of an index that has been made anew since.

        Raises:
            Problem: 422, it was not given to this key.
        """
        epoch, revision = self._desk.seals.open(self.machine.id, "revision", text)
        return int(revision) if epoch == self._desk.index.epoch else 0

    def seal(self, revision: int) -> str:
        """A revision of the index as this key knows it."""
        return self._desk.seals.close(self.machine.id, "revision", [self._desk.index.epoch, f"{revision:016}"])

    def write_cursor(self, list_: str, place: list[str]) -> str:
        """Where a list goes on."""
        return self._desk.seals.close(self.machine.id, f"list {list_}", place)

    def read_cursor(self, list_: str, text: str) -> list[str] | None:
        """The inverse; None without one.

        Raises:
            Problem: 422, it was not given to this key for this list.
        """
        return list(self._desk.seals.open(self.machine.id, f"list {list_}", text)) if text else None


def _names(value: Any) -> Iterator[str]:
    """Ids of incidents in a value; a text that only contains one is content and not a name."""
    if isinstance(value, str):
        if _NAMED.fullmatch(value):
            yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _names(key)
            yield from _names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _names(part)


def _without(value: Any, hidden: set[str]) -> Any:
    """A value without these names: whole items of lists are left out, elsewhere a word stands for them."""
    if isinstance(value, str):
        return WITHHELD if value in hidden else value
    if isinstance(value, dict):
        return {key: _without(part, hidden) for key, part in value.items() if key not in hidden}
    if isinstance(value, list):
        return [_without(one, hidden) for one in value if not _about(one, hidden)]
    return value


def _about(item: Any, hidden: set[str]) -> bool:
    """Whether an item of a list is one of these, or is a record that names one."""
    parts = item.values() if isinstance(item, dict) else [item]
    return any(isinstance(part, str) and part in hidden for part in parts)
