"""The stores of the regions on this machine, read without an engine: ledgers, anchors, written reviews."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.decision import Envelope
from watchfloor.client.errors import Ambiguous, NotFound
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys
from watchfloor.runtime.settings import find_home

LEDGER_FILE = "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class RegionStore:
    """One region's folder below the home directory."""

    region: str
    folder: Path

    def ledger(self) -> SqliteLedger:
        """Open the ledger.

        Raises:
            LedgerUnavailable: it cannot be opened.
        """
        return SqliteLedger(self.ledger_path)

    @property
    def ledger_path(self) -> Path:
        return self.folder / LEDGER_FILE

    @property
    def webhooks_path(self) -> Path:
        return self.folder / "webhooks.sqlite"

    @property
    def inbox_path(self) -> Path:
        return self.folder / "inbox.sqlite"

    @property
    def received_path(self) -> Path:
        return self.folder / "received.sqlite"

    def ledger_keys(self) -> dict[str, str]:
        """The region's public ledger keys.

        Raises:
            KeysRefused: the region's keys cannot be read.
        """
        return dict(RegionKeys.load(self.folder / "keys").public.ledger)

    def received_anchors(self, sender: str) -> list[Envelope]:
        """The checkpoints of another region's chains that this region keeps.

        Raises:
            NotFound: a file of them is damaged.
        """
        return read_anchors(sorted((self.folder / "anchors" / sender).glob("*.jsonl")))


class Shows(Protocol):
    """Whoever says which chains are there for who reads: `watchfloor.cli.sight.Sight`."""

    def pick(self, store: RegionStore, chains: list[str]) -> list[str]: ...


def region_stores(home: Path | None, region: str | None) -> list[RegionStore]:
    """The regions that have a ledger here.

    Raises:
        NotFound: none has.
    """
    root = find_home(home)
    stores = [
        RegionStore(path.parent.name, path.parent)
        for path in sorted(root.glob(f"*/{LEDGER_FILE}"))
        if region in {None, path.parent.name}
    ]
    if not stores:
        raise NotFound(f"no ledger below {root}; name the home directory with --home, or run `watchfloor demo` first")
    return stores


def find_chain(stores: list[RegionStore], given: str, sight: Shows | None = None) -> tuple[RegionStore, str]:
    """The one chain whose name begins with `given`, of those that are there for who reads.

    Raises:
        NotFound, Ambiguous.
    """
    found: list[tuple[RegionStore, str]] = []
    for store in stores:
        with store.ledger() as ledger:
            chains = ledger.chains()
        fits = [chain for chain in chains if chain == given] or [
            chain for chain in chains if chain.startswith((given, f"inc-{given}"))
        ]
        found += [(store, chain) for chain in (fits if sight is None else sight.pick(store, fits))]
    if not found:
        # the same words whether there is none or this person may not see it
        hint = "; `watchfloor can PERSON view --incident ID` says whom a run is shown to" if sight is not None else ""
        raise NotFound(f"no chain begins with `{given}` in {', '.join(store.region for store in stores)}{hint}")
    if len(found) > 1:
        raise Ambiguous(given, [f"{chain} in {store.region}" for store, chain in found])
    return found[0]


def read_anchors(files: list[Path]) -> list[Envelope]:
    """Signed checkpoints from files: one JSON document, a JSON list, or one document a line.

    Raises:
        NotFound: a file cannot be read or is not JSON.
    """
    anchors: list[Envelope] = []
    for file in files:
        try:
            anchors += _envelopes(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NotFound(f"`{file}` is no file of anchors: {error}; expected signed checkpoints as JSON") from error
    return anchors


def _envelopes(text: str) -> Iterator[Envelope]:
    try:
        documents = json.loads(text)
    except ValueError:
        documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    for document in documents if isinstance(documents, list) else [documents]:
        if not isinstance(document, dict) or set(document) != {"domain", "kid", "body", "sig"}:
            raise ValueError("a document that is no signed statement")
        yield {
            "domain": document["domain"],
            "kid": document["kid"],
            "body": document["body"],
            "sig": document["sig"],
        }
