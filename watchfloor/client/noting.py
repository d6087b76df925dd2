"""Writing down in the ledger what a person did at a face that no run judges: before it is done, or it is not done."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry
from watchfloor.client.errors import EngineUnavailable
from watchfloor.ledger import LedgerError, SqliteLedger
from watchfloor.signing import render_instant


def note_deed(
    ledger_path: Path | None, chain: str, kind: str, person: str, data: Mapping[str, Json], *, now: datetime
) -> None:
    """Append one entry, durably.

    Raises:
        EngineUnavailable: it could not be written down; nothing may be done then.
    """
    entry: Entry = {
        "v": ENTRY_VERSION,
        "id": f"{chain}:{kind.partition('.')[2]}:{secrets.token_hex(8)}",
        "chain": chain,
        "kind": kind,
        "at": render_instant(now),
        "actor": person,
        "step": "",
        "path": "",
        "data": dict(data),
    }
    if ledger_path is None or not ledger_path.exists():
        raise EngineUnavailable("there is no ledger here to write this down in, so nothing was done")
    try:
        with SqliteLedger(ledger_path) as ledger:
            ledger.append([entry])
    except LedgerError as error:
        raise EngineUnavailable(f"it could not be written down, so nothing was done: {error}") from error
