"""`postmortem.draft`: reads an incident's ledger, drafts its review, puts the files where people find them."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.dependencies import Dependencies
from schemas.actions import ErrorType
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind, StoredEntry
from schemas.notify import ACTIVITY_DRAFT
from schemas.postmortem import DraftCall, DraftReceipt
from watchfloor.evidence.port import EvidenceError
from watchfloor.ledger.port import LedgerError
from watchfloor.postmortem import Draft, draft, find_related
from watchfloor.signing import render_instant

NOT_CLOSED = "not_closed"
"""The ledger does not show the incident as closed; whoever says otherwise is not believed."""
BAD_CHAIN = "bad_chain"
"""The chain is not whole and in order; nothing is told from it."""

PAGE, MARKDOWN, TIMELINE = "index.html", "postmortem.md", "timeline.svg"
_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{2,100}")


class Drafting:
    """The activity that drafts reviews.

    Contract: may run twice; the second run writes the same bytes to the same places, and the entry `review.drafted`
    (chain: the review's id, entry id `<review>:drafted`) is appended once: when it is there, the draft that it names
    is taken from the evidence store. Nothing outside this region is touched. Raises `not_closed`, `bad_chain`,
    `refused` (not retried) and `unavailable`, `ledger_unavailable` (retried).
    """

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    @activity.defn(name=ACTIVITY_DRAFT)
    async def draft(self, call: DraftCall) -> DraftReceipt:
        if call["region"] != self._deps.region:
            raise _refuse(ErrorType.REFUSED, f"a review of region `{call['region']}` is not drafted in another one")
        if not _FOLDER.fullmatch(call["incident"]) or not _FOLDER.fullmatch(call["postmortem"]):
            raise _refuse(ErrorType.BAD_INPUT, "incident and review are named by workflow ids: a-z, 0-9 and hyphens")
        try:
            return await asyncio.to_thread(self._draft, call)
        except LedgerError as error:
            raise ApplicationError("the ledger could not be read or written", type=ErrorType.LEDGER) from error
        except (EvidenceError, OSError) as error:
            raise ApplicationError("the draft could not be kept", type=ErrorType.UNAVAILABLE) from error

    def _draft(self, call: DraftCall) -> DraftReceipt:
        before = self._deps.ledger.find(_entry_id(call))
        if before is not None:
            receipt = _receipt_of(before)
            refs = {"markdown": receipt["markdown"], "html": receipt["html"], "timeline": receipt["timeline"]}
            self._write(call, {name: self._deps.evidence.get(ref).decode() for name, ref in refs.items()})
            return receipt
        made = self._make(call)
        texts = {"markdown": made.markdown, "html": made.html, "timeline": made.timeline}
        refs = {name: self._deps.evidence.put(text.encode()) for name, text in texts.items()}
        self._write(call, texts)
        receipt = {
            "markdown": refs["markdown"],
            "html": refs["html"],
            "timeline": refs["timeline"],
            "folder": f"{self._deps.postmortem_path.name}/{call['incident']}",
            "entries": made.entries,
            "head": made.head,
            "metrics": made.metrics,
        }
        self._deps.ledger.append([self._entry(call, receipt)])
        return receipt

    def _make(self, call: DraftCall) -> Draft:
        entries = list(self._deps.ledger.read(call["incident"]))
        if not any(entry["kind"] == EntryKind.CLOSED for entry in entries):
            raise _refuse(NOT_CLOSED, f"the ledger does not show `{call['incident']}` as closed")
        related = [list(self._deps.ledger.read(chain)) for chain in find_related(entries)]
        try:
            made = draft(entries, call, related)
        except ValueError as error:
            raise _refuse(BAD_CHAIN, str(error)) from error
        told = {clock["name"]: clock["state"] for clock in call["clocks"]}
        shown = made.metrics["clock_states"]
        made.metrics["clocks_disputed"] = sorted(
            name for name in shown if name in told and _judged(shown[name]) != _judged(told[name])
        )
        return made

    def _write(self, call: DraftCall, texts: Mapping[str, str]) -> None:
        folder = self._deps.postmortem_path / call["incident"]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, file in _FILES.items():
            _replace(folder / file, texts[name])

    def _entry(self, call: DraftCall, receipt: DraftReceipt) -> Entry:
        return {
            "v": ENTRY_VERSION,
            "id": _entry_id(call),
            "chain": call["postmortem"],
            "kind": EntryKind.REVIEW_DRAFTED,
            "at": render_instant(self._deps.clock()),
            "actor": "engine",
            "step": "review",
            "path": "review",
            "data": {"incident": call["incident"], **receipt},
        }


_FILES = {"markdown": MARKDOWN, "html": PAGE, "timeline": TIMELINE}


def build(deps: Dependencies) -> list[Callable[..., Any]]:
    """The activities of this module over explicit dependencies."""
    return [Drafting(deps).draft]


def _entry_id(call: DraftCall) -> str:
    return f"{call['postmortem']}:drafted"


def _receipt_of(entry: StoredEntry) -> DraftReceipt:
    data = entry["data"]
    return {
        "markdown": data["markdown"],
        "html": data["html"],
        "timeline": data["timeline"],
        "folder": data["folder"],
        "entries": data["entries"],
        "head": data["head"],
        "metrics": data["metrics"],
    }


def _judged(state: str) -> str:
    """Met or not; clocks that still run are told apart by nobody's judgement."""
    return state if state in {"met", "late", "breached"} else "open"


def _refuse(kind: str, message: str) -> ApplicationError:
    return ApplicationError(message, type=kind, non_retryable=True)


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all: a reader never sees half a review."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
