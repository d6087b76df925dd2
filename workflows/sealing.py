"""Ledger entries about a blind ask: sealed while nobody may know, written out when everybody may.

While the ask is blind an entry `decision.sealed` stands for what was said, with the digest of the signed statement. It
commits to it: a statement holds 128 random bits, so nobody guesses what lies under a digest, and whoever is shown the
statement later can prove that it is the one. At the end of blindness the entries that were held back are written in
their order, each with the instant at which it was accepted.
"""

from typing import cast

from temporalio import workflow

from schemas.decision import OpenAsk, Sealed
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import render_instant
from watchfloor.signing.standing import is_blind
from workflows.journal import Journal


def note_said(journal: Journal, ask: OpenAsk, kind: str, actor: str, data: dict[str, Json]) -> None:
    """Write down what somebody said, or seal it while the ask is blind."""
    if not is_blind(ask):
        journal.note(kind, step=ask["step"], path=ask["path"], actor=actor, data=data)
        return
    held: Sealed = {"kind": kind, "actor": actor, "data": data, "accepted_at": render_instant(workflow.now())}
    ask.setdefault("sealed", []).append(held)
    sealed: dict[str, Json] = {"ask": ask["ask"], "statement": data["statement"]}
    journal.note(EntryKind.SEALED, step=ask["step"], path=ask["path"], data=sealed)


def reveal(journal: Journal, ask: OpenAsk) -> None:
    """End the blindness of an ask; does nothing to one that is not blind."""
    if not is_blind(ask):
        return
    ask["revealed_at"] = render_instant(workflow.now())
    for held in ask.pop("sealed", []):
        data = cast("dict[str, Json]", {**held["data"], "accepted_at": held["accepted_at"]})
        journal.note(held["kind"], step=ask["step"], path=ask["path"], actor=held["actor"], data=data)
