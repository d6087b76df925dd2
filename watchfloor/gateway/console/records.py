"""Reading the region's ledger for a page: what a chain begins with, whether it is whole, its lines for the download."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from schemas.decision import Envelope
from schemas.json_value import Json
from schemas.ledger import StoredEntry
from watchfloor.authorisation import Resource
from watchfloor.client.recorded import about_records
from watchfloor.gateway.problems import Problem
from watchfloor.ledger import LedgerError, SqliteLedger
from watchfloor.ledger.report import Report
from watchfloor.ledger.verify import verify_bytes
from watchfloor.signing import canonical

MOST_VERIFIED = 20_000
"""Entries that a page verifies; a longer chain is exported and verified by the command."""
PAGE = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a chain stands. `report` is None where it is too long to be verified for a page."""

    entries: int
    head: str
    recorded_at: str
    report: Report | None
    checkpoints: tuple[Envelope, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """A chain that no run wrote: how far it goes, and what it says that policies judge it by."""

    chain: str
    entries: int
    last_at: str
    about: tuple[Resource, ...]


class Records:
    """The ledger of one region, opened for each look: a page reads what is on the disk now."""

    def __init__(self, path: Path | None, keys: Mapping[str, str], region: str) -> None:
        self._path = path
        self._keys = dict(keys)
        self._region = region
        self._first: dict[str, Mapping[str, Json]] = {}

    async def first(self, chains: list[str], kind: str) -> dict[str, Mapping[str, Json]]:
        """What the entry of this kind says with which each chain begins; it never changes, so it is read once.

        Raises:
            Problem: 503 the ledger does not answer.
        """
        missing = [chain for chain in chains if chain not in self._first]
        if missing:
            self._first |= await self._apart(self._read_first, missing, kind)
        return {chain: self._first.get(chain, {}) for chain in chains}

    async def standing(self, chain: str) -> Standing:
        """How long a chain is, its head, and whether it is whole.

        Raises:
            Problem: 503 the ledger does not answer.
        """
        return await self._apart(self._stand, chain)

    async def outside(self, beginnings: tuple[str, ...], most: int) -> list[Outside]:
        """The chains whose ids begin so, the one written to last first.

        Raises:
            Problem: 503 the ledger does not answer.
        """
        return await self._apart(self._read_outside, beginnings, most)

    async def lines(self, chain: str) -> AsyncIterator[bytes]:
        """A chain as JSON lines (RFC 8785), as the offline verifier reads it."""
        after = 0
        while page := await self._apart(self._page, chain, after):
            for entry in page:
                yield canonical(dict(entry)) + b"\n"
            after = page[-1]["seq"]

    async def _apart(self, read: Callable[..., T], *given: object) -> T:
        try:
            return await asyncio.to_thread(read, *given)
        except LedgerError as error:
            detail = "the ledger does not answer at the moment; try again"
            raise Problem(503, "unavailable", detail, retry_after=2) from error

    def _read_first(self, chains: list[str], kind: str) -> dict[str, Mapping[str, Json]]:
        found: dict[str, Mapping[str, Json]] = {}
        if self._path is None or not self._path.exists():
            return found
        with SqliteLedger(self._path) as ledger:
            for chain in chains:
                for entry in ledger.read(chain):
                    if entry["kind"] == kind or entry["seq"] >= PAGE:
                        found[chain] = entry["data"] if entry["kind"] == kind else {}
                        break
        return found

    def _read_outside(self, beginnings: tuple[str, ...], most: int) -> list[Outside]:
        if self._path is None or not self._path.exists():
            return []
        with SqliteLedger(self._path) as ledger:
            names = [chain for chain in ledger.heads() if chain.startswith(beginnings)]
            heads = [head for chain in names if (head := ledger.head(chain)) is not None]
            heads.sort(key=lambda head: head["recorded_at"], reverse=True)
            return [
                Outside(
                    head["chain"],
                    head["seq"],
                    head["recorded_at"],
                    tuple(about_records(ledger, head["chain"], self._region)),
                )
                for head in heads[:most]
            ]

    def _page(self, chain: str, after: int) -> list[StoredEntry]:
        if self._path is None or not self._path.exists():
            return []
        found: list[StoredEntry] = []
        with SqliteLedger(self._path) as ledger:
            for entry in ledger.read(chain, after=after):
                found.append(entry)
                if len(found) >= PAGE:
                    break
        return found

    def _stand(self, chain: str) -> Standing:
        if self._path is None or not self._path.exists():
            return Standing(0, "", "", None, ())
        with SqliteLedger(self._path) as ledger:
            head = ledger.head(chain)
            checkpoints = tuple(ledger.checkpoints(chain))
            if head is None:
                return Standing(0, "", "", None, checkpoints)
            report = None
            if head["seq"] <= MOST_VERIFIED:
                content = b"".join(canonical(dict(entry)) + b"\n" for entry in ledger.read(chain))
                report = verify_bytes(content, self._keys, checkpoints)
        return Standing(head["seq"], head["hash"], head["recorded_at"], report, checkpoints)
