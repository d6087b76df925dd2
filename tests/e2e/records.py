"""What a region keeps, read as an auditor would: exported ledger, public keys, anchors that the other region holds."""

from pathlib import Path
from typing import Any

from watchfloor.cli.stores import RegionStore
from watchfloor.ledger import SqliteLedger
from watchfloor.ledger.report import Report
from watchfloor.ledger.verify import verify_file


def verify_ledger(home: Path, folder: Path) -> Report:
    """Verify the whole ledger of the EU offline, against the checkpoints that the US region received."""
    eu, us = RegionStore("eu", home / "eu"), RegionStore("us", home / "us")
    anchors = us.received_anchors("eu")  # before the export, which then holds at least what they vouch for
    whole, one = folder / "ledger.jsonl", folder / "chain.jsonl"
    with eu.ledger() as ledger, whole.open("wb") as out:
        for chain in ledger.chains():
            ledger.export(chain, one)
            out.write(one.read_bytes())
    return verify_file(whole, eu.ledger_keys(), anchors)


def anchored(home: Path) -> set[str]:
    """The chains of the EU whose head the US region holds."""
    return {str(anchor["body"]["chain"]) for anchor in RegionStore("us", home / "us").received_anchors("eu")}


def read_chain(home: Path, chain: str, region: str = "eu") -> list[Any]:
    with SqliteLedger(home / region / "ledger.sqlite") as ledger:
        return list(ledger.read(chain))
