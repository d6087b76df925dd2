"""Pause, resume, abort: signed statements of who commands or stands above.

A pause stops the scheduling of new steps. Clocks, the deadlines of asks, facts and decisions go on. An abort tells
everything to stop, cancels what is under way, leaves measures in force and clocks with an owner, and closes the run as
`aborted`. Ledger entries: `run.paused`, `run.resumed`, `run.aborted`.
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import CONTROL, Envelope, Receipt, RefusalType
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import Refusal, envelope_digest, parse_instant
from watchfloor.signing.gates import CLOCK_SKEW
from workflows.reception import open_statement
from workflows.run import COMMANDER, Run

MAY_CONTROL = (COMMANDER, "deputy", "exec_sponsor")
_TEXTS = (
    "region",
    "namespace",
    "incident",
    "verb",
    "person",
    "role",
    "issued_at",
    "expires_at",
    "nonce",
    "reason_ref",
)


def refuse_control(run: Run, envelope: object) -> tuple[Envelope, dict[str, Json]]:
    """Check a control statement, hostile until this returns. Changes nothing.

    Raises:
        ApplicationError: non-retryable, its type one of `RefusalType`.
    """
    found = _check(run, envelope)
    if isinstance(found, Refusal):
        raise ApplicationError(found.message, type=found.type, non_retryable=True)
    return found


def _check(run: Run, envelope: object) -> Refusal | tuple[Envelope, dict[str, Json]]:
    opened = open_statement(
        envelope,
        domain=CONTROL,
        texts=_TEXTS,
        instants=("issued_at", "expires_at"),
        desk=run.desk,
        seen=run.state["seen"],
    )
    if isinstance(opened, Refusal):
        return opened
    body, now = opened[1], workflow.now()
    if body["role"] not in MAY_CONTROL:
        return Refusal(RefusalType.WRONG_ROLE, f"{' or '.join(MAY_CONTROL)} may do this; you spoke as {body['role']}")
    if now > parse_instant(body["expires_at"]):
        return Refusal(RefusalType.LATE, f"this was valid until {body['expires_at']}; say it again")
    if parse_instant(body["issued_at"]) > now + CLOCK_SKEW:
        return Refusal(RefusalType.BAD_SIGNATURE, "this was issued in the future; check the sender's clock")
    if run.state.get("ending") and (body["verb"] != "abort" or run.state["aborted"] is not None):
        return Refusal(RefusalType.CLOSED, "the run is ending")
    paused = run.state["paused"] is not None
    if body["verb"] not in {"pause", "resume", "abort"}:
        return Refusal(RefusalType.UNKNOWN_OPTION, "a run can be told to pause, resume or abort")
    if body["verb"] == "pause" and paused:
        return Refusal(RefusalType.PAUSED, "the run is paused already")
    if body["verb"] == "resume" and not paused:
        return Refusal(RefusalType.NOT_WAITING, "the run is not paused")
    if not body["reason_ref"] and body["verb"] != "resume":
        return Refusal(RefusalType.BAD_VALUE, f"to {body['verb']} a run needs a reason")
    return opened


def accept_control(run: Run, envelope: object) -> Receipt:
    """Carry out a control statement; checks everything once more.

    Raises:
        ApplicationError: as `refuse_control`.
    """
    checked, body = refuse_control(run, envelope)
    mark = envelope_digest(checked)
    run.state["seen"].extend([mark, f"nonce:{body['nonce']}"])
    who: dict[str, Json] = {
        "by": body["person"],
        "role": body["role"],
        "at": run.now,
        "reason_ref": body["reason_ref"],
    }
    kind = {"pause": EntryKind.PAUSED, "resume": EntryKind.RESUMED, "abort": EntryKind.ABORTED}[body["verb"]]
    data = {"statement": mark, "role": body["role"], "reason_ref": body["reason_ref"]}
    run.journal.note(kind, actor=str(body["person"]), data=data)
    if body["verb"] == "abort":
        run.state["aborted"] = who
        run.state["ending"] = None
        run.end("aborted", reason=f"aborted by {body['person']}")
        run.stir()
    else:
        run.state["paused"] = who if body["verb"] == "pause" else None
    return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": []}
