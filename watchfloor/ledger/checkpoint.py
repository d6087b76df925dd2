"""Signed checkpoints: the head of one chain at one moment, small enough to leave the place where the ledger lives.

Only an anchor outside shows that a chain's tail was cut, that an older copy was put back or that the whole chain was
written anew (security.md, "Ledger tampering").
"""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from schemas.decision import Envelope
from schemas.ledger import CHECKPOINT, Checkpoint, StoredEntry
from watchfloor.signing import SignatureRefused, SigningKey, parse_instant, render_instant, sign, verify

CHECKPOINT_VERSION = 1
_FIELDS = {"v": int, "region": str, "chain": str, "seq": int, "head": str, "at": str}


def sign_checkpoint(head: StoredEntry, *, region: str, key: SigningKey, at: datetime) -> Envelope:
    """Sign the head of a chain with the region's ledger key."""
    body: Checkpoint = {
        "v": CHECKPOINT_VERSION,
        "region": region,
        "chain": head["chain"],
        "seq": head["seq"],
        "head": head["hash"],
        "at": render_instant(at),
    }
    return sign(CHECKPOINT, dict(body), key)


def open_checkpoint(envelope: Envelope, keys: Mapping[str, str]) -> Checkpoint:
    """Check a checkpoint's signature and shape.

    Args:
        envelope: as received or read; hostile until this returns.
        keys: key id -> public ledger key of the region that signed.

    Raises:
        SignatureRefused: with the reason.
    """
    body = verify(envelope, CHECKPOINT, keys)
    if set(body) != set(_FIELDS):
        raise SignatureRefused(f"a checkpoint has the fields {sorted(_FIELDS)}, found {sorted(body)}")
    for name, kind in _FIELDS.items():
        if not isinstance(body[name], kind) or isinstance(body[name], bool):
            raise SignatureRefused(f"`{name}` of a checkpoint is {type(body[name]).__name__}, expected {kind.__name__}")
    if body["v"] != CHECKPOINT_VERSION or body["seq"] < 1:
        raise SignatureRefused(f"not a checkpoint of version {CHECKPOINT_VERSION} with a positive `seq`")
    try:
        parse_instant(body["at"])
    except ValueError as error:
        raise SignatureRefused("`at` of a checkpoint is no instant") from error
    return cast(Checkpoint, body)
