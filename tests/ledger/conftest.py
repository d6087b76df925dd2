from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import Entry
from watchfloor.ledger import SqliteLedger
from watchfloor.signing import SigningKey

START = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


class Ticking:
    """A clock that is a second later each time it is read."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def make_entry(number: int, chain: str = "inc-a", **changes: Any) -> Entry:
    entry: Entry = {
        "v": 1,
        "id": f"{chain}:{number}",
        "chain": chain,
        "kind": "fact.recorded",
        "at": "2026-11-22T03:10:00Z",
        "actor": "engine",
        "step": "triage",
        "path": "triage",
        "data": {"n": number},
    }
    return {**entry, **changes}  # type: ignore[typeddict-item]


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
def ledger(tmp_path: Path, ticking: Ticking) -> Iterator[SqliteLedger]:
    with SqliteLedger(tmp_path / "ledger.sqlite", clock=ticking) as opened:
        yield opened


@pytest.fixture(scope="session")
def ledger_key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session", name="make")
def give_maker() -> Any:
    """The function that makes an entry: `make(3, chain="inc-b", kind=...)`."""
    return make_entry
