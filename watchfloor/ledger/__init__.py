"""The ledger: append-only hash chains, signed checkpoints, an offline verifier.

LedgerError
├── LedgerUnavailable   nothing was written; the same call may succeed later
├── EntryRefused        an entry is not well formed
├── EntryConflict       the effect was announced before
└── CapReached          the action's cap is used up
"""

from watchfloor.ledger.checkpoint import open_checkpoint, sign_checkpoint
from watchfloor.ledger.port import (
    Cap,
    CapReached,
    EntryConflict,
    EntryRefused,
    Ledger,
    LedgerError,
    LedgerUnavailable,
)
from watchfloor.ledger.store import SqliteLedger

__all__ = [
    "Cap",
    "CapReached",
    "EntryConflict",
    "EntryRefused",
    "Ledger",
    "LedgerError",
    "LedgerUnavailable",
    "SqliteLedger",
    "open_checkpoint",
    "sign_checkpoint",
]
