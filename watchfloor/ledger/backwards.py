"""A chain from its end: what happened last is what most readers look for."""

from collections.abc import Iterator

from schemas.ledger import StoredEntry
from watchfloor.ledger.port import Ledger

WINDOW = 500
"""Entries that are read at once."""


def read_back(ledger: Ledger, chain: str, top: int) -> Iterator[StoredEntry]:
    """The entries of a chain from a place on, that place first, backwards.

    Raises:
        LedgerError: it cannot be read.
    """
    while top > 0:
        low = max(0, top - WINDOW)
        window: list[StoredEntry] = []
        for entry in ledger.read(chain, after=low):
            if entry["seq"] > top:
                break
            window.append(entry)
        yield from reversed(window)
        top = low
