"""Checkpoints of other regions' ledgers, kept append-only: what they cannot alter any more.

One file for each chain, `<anchors>/<region>/<chain>.jsonl`, one signed envelope a line, oldest first; the offline
verifier takes such a file as it is.
"""

import fcntl
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from schemas.decision import Envelope
from schemas.ledger import Checkpoint
from watchfloor.signing import canonical

_CHAIN = re.compile(r"[a-z0-9][a-z0-9-]{2,80}")


class AnchorRefused(ValueError):
    """The checkpoint cannot be kept; the text says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`new` is false for a repeated checkpoint. `forked` says that another head was signed for the same place before:
    both are kept, because together they prove that the ledger's past was changed."""

    new: bool
    forked: bool


def keep_anchor(folder: Path, checkpoint: Checkpoint, envelope: Envelope) -> Kept:
    """Append a verified checkpoint and force it to disk before returning.

    Raises:
        AnchorRefused: its chain has no name that can be a file's.
        OSError: it could not be written; nothing is promised.
    """
    if not _CHAIN.fullmatch(checkpoint["chain"]):
        raise AnchorRefused("`chain` is no workflow id")
    path = folder / checkpoint["region"] / f"{checkpoint['chain']}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = canonical(envelope)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as file:
        # two gateways of one region may take the same checkpoint at once
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines()
        if line in lines:
            return Kept(new=False, forked=False)
        forked = any(
            (body["seq"], body["head"] != checkpoint["head"]) == (checkpoint["seq"], True) for body in _bodies(lines)
        )
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return Kept(new=True, forked=forked)


def _bodies(lines: list[bytes]) -> list[Checkpoint]:
    bodies = []
    for line in lines:
        try:
            bodies.append(json.loads(line)["body"])
        except ValueError:
            continue  # a line torn by a crash is no checkpoint
    return bodies
