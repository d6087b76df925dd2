"""Verify ledgers of the regions here, or an exported file from anywhere."""

import json
import tempfile
from pathlib import Path

from schemas.decision import Envelope
from watchfloor.cli.sight import EVERYTHING, Sight
from watchfloor.cli.stores import RegionStore, find_chain, read_anchors, region_stores
from watchfloor.client.errors import NotFound
from watchfloor.ledger.report import Report
from watchfloor.ledger.verify import verify_file
from watchfloor.regions.keys import KeysRefused, PublicKeys


def verify(
    home: Path | None,
    region: str | None,
    what: str | None,
    anchor_files: list[Path],
    keys: Path | None,
    sight: Sight = EVERYTHING,
) -> list[tuple[str, Report]]:
    """Verify a file, one chain, or every chain here that is there for who reads; each report under the name of what it
    is about.

    Raises:
        NotFound, Ambiguous: `what`, a key file or an anchor file is not there.
        KeysRefused, LedgerUnavailable.
    """
    anchors = read_anchors(anchor_files)
    file = Path(what) if what is not None else None
    if file is not None and file.is_file():
        return [(file.name, verify_file(file, _keys_for_file(home, region, keys), anchors))]
    stores = region_stores(home, region)
    if what is not None:
        store, chain = find_chain(stores, what, sight if sight.person else None)
        return [(store.region, _verify_store(store, [chain], stores, anchors, keys))]
    return [(store.region, _verify_store(store, _shown(store, sight), stores, anchors, keys)) for store in stores]


def _shown(store: RegionStore, sight: Sight) -> list[str] | None:
    if not sight.person:
        return None
    with store.ledger() as ledger:
        return sight.pick(store, ledger.chains())


def _verify_store(
    store: RegionStore, chains: list[str] | None, stores: list[RegionStore], given: list[Envelope], keys: Path | None
) -> Report:
    with store.ledger() as ledger, tempfile.TemporaryDirectory() as folder:
        names = ledger.chains() if chains is None else chains
        parts = []
        for number, chain in enumerate(names):
            part = Path(folder) / f"{number}.jsonl"
            ledger.export(chain, part)
            parts.append(part)
        whole = Path(folder) / "ledger.jsonl"
        with whole.open("wb") as out:
            for part in parts:
                out.write(part.read_bytes())
        anchors = [*given, *anchors_of(store, names, stores)]
        return verify_file(whole, _read_keys(keys) if keys else store.ledger_keys(), anchors)


def anchors_of(store: RegionStore, chains: list[str], stores: list[RegionStore]) -> list[Envelope]:
    """Checkpoints of these chains that lie outside the ledger: in the other regions' keeping, where it is in reach."""
    wanted = set(chains)
    kept = [
        anchor for other in stores if other.region != store.region for anchor in other.received_anchors(store.region)
    ]
    return [anchor for anchor in kept if anchor["body"].get("chain") in wanted]


def _keys_for_file(home: Path | None, region: str | None, keys: Path | None) -> dict[str, str]:
    if keys is not None:
        return _read_keys(keys)
    try:
        stores = region_stores(home, region)
    except NotFound:
        return {}
    return {kid: public for store in stores for kid, public in store.ledger_keys().items()}


def _read_keys(file: Path) -> dict[str, str]:
    try:
        return dict(PublicKeys.from_json(json.loads(file.read_text(encoding="utf-8"))).ledger)
    except (OSError, ValueError, KeysRefused, AttributeError, TypeError) as error:
        raise NotFound(
            f"`{file}` holds no public keys: {error}; expected what the region's operator handed out"
        ) from error
