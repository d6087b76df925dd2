"""What else came in about the same thing: orders that this run takes in, incidents that it is linked with.

An order over the same content is told by the region's face, signed, as the signal `merge`; it counts once, and
knowledge that it brings from earlier moves a fact that the runbook takes from `trigger.known_at`. An incident over the
same account tells the others of itself (`related`), until they have heard it or are not there: the link then stands on
both sides. Ledger entries: `incident.merged`, `run.linked`.
"""

import re
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from schemas.decision import MERGE, Envelope, RefusalType
from schemas.incident import SIGNAL_RELATED, Merged, Related
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import Refusal, envelope_digest, parse_instant, render_instant
from workflows.halt import Halt, Unwound
from workflows.reception import open_statement
from workflows.refused import note_refusal
from workflows.run import Run

SHOWN = 100
"""Merged orders that the state holds."""
MAX_RELATED = 200
AGAIN = (5, 30, 120)
"""Seconds after which an incident that was about to start, and is not there yet, is told again."""
FUTURE = timedelta(minutes=1)
ACCOUNT = "account"
_TEXTS = ("region", "namespace", "incident", "delivery", "source", "received_at", "known_at", "issued_at", "nonce")
_INSTANTS = ("received_at", "known_at", "issued_at")
_INCIDENT = re.compile(r"inc-[a-z0-9-]{20,60}")


def take_merge(run: Run, envelope: object) -> None:
    """Take an order over the same content in. What was taken before changes nothing; a forged one is written down as
    refused, without what it says."""
    found = _check(run, envelope)
    if isinstance(found, Refusal):
        if found.type != RefusalType.REPEATED:
            note_refusal(run.journal, envelope, ApplicationError(found.message, type=found.type))
        return
    checked, body = found
    mark = envelope_digest(checked)
    run.state["seen"].extend([mark, f"nonce:{body['nonce']}"])
    merged: Merged = {
        "delivery": str(body["delivery"]),
        "source": str(body["source"]),
        "received_at": render_instant(parse_instant(body["received_at"])),
        "known_at": render_instant(parse_instant(body["known_at"])),
        "at": run.now,
    }
    kept = run.state.setdefault("merged", [])
    if len(kept) < SHOWN:
        kept.append(merged)
    told: dict[str, Json] = {key: value for key, value in merged.items() if key != "at"}
    run.journal.note(EntryKind.MERGED, actor="gateway", data={**told, "statement": mark})
    run.facts.record_trigger(
        {"source": merged["source"], "key": "", "received_at": merged["received_at"], "known_at": merged["known_at"]}
    )
    run.stir()


def _check(run: Run, envelope: object) -> Refusal | tuple[Envelope, dict[str, Json]]:
    """Hostile until this returns."""
    found = open_statement(
        envelope,
        domain=MERGE,
        texts=_TEXTS,
        instants=_INSTANTS,
        desk=run.desk,
        seen=run.state["seen"],
        now=workflow.now(),
    )
    if not isinstance(found, Refusal) and parse_instant(found[1]["known_at"]) > workflow.now() + FUTURE:
        return Refusal(RefusalType.BAD_VALUE, "`known_at` lies in the future")
    return found


def take_related(run: Run, said: object) -> None:
    """Link an incident that says that it is over the same account; anything else that is sent is dropped."""
    if not isinstance(said, dict):
        return
    incident, by = said.get("incident"), said.get("by")
    if by == ACCOUNT and isinstance(incident, str) and _INCIDENT.fullmatch(incident):
        _link(run, incident)


def _link(run: Run, incident: str) -> None:
    related = run.state.setdefault("related", [])
    known = any(one["incident"] == incident for one in related)
    if known or incident == run.desk.incident or len(related) >= MAX_RELATED:
        return
    related.append({"incident": incident, "by": ACCOUNT})
    run.note(EntryKind.LINKED, run=incident, by=ACCOUNT)


def open_links(run: Run) -> None:
    """Link what the start message names: the incidents over the same account that were open then."""
    for incident in run.start.get("links", []):
        if _INCIDENT.fullmatch(incident):
            _link(run, incident)


def tell_related(run: Run, halt: Halt) -> None:
    """Tell the incidents that this one opened beside of it, each once per run of the workflow that has not done so."""
    for incident in run.start.get("links", []):
        if f"!told/{incident}" not in run.state["taken"] and _INCIDENT.fullmatch(incident):
            run.spawn(_tell(run, halt, incident))


async def _tell(run: Run, halt: Halt, incident: str) -> None:
    """Until it is told or is not there; one that was claimed in the same moment may take a while to start."""
    said: Related = {"incident": run.desk.incident, "by": ACCOUNT}
    mark = f"!told/{incident}"
    for nth, pause in enumerate((*AGAIN, 0)):
        try:
            await workflow.get_external_workflow_handle(incident).signal(SIGNAL_RELATED, said)
            run.state["taken"][mark] = "yes"
            return
        except FailureError:
            workflow.logger.info("an incident over the same account is not there", extra={"run": incident})
        try:
            if pause:
                await run.wait(halt, lambda: False, run.fix_deadline(f"{mark}!{nth}", pause))
        except Unwound:
            return
    run.state["taken"][mark] = "gone"
