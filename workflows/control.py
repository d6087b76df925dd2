"""Control statements: signed words of people who steer a run.

A pause stops the scheduling of new steps. Clocks, the deadlines of asks, facts and decisions go on. An abort tells
everything to stop, cancels what is under way, leaves measures in force and clocks with an owner, and closes the run as
`aborted`. Ledger entries: `run.paused`, `run.resumed`, `run.aborted`; those of other verbs are their modules' own.
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import CONTROL, Envelope, Receipt, RefusalType
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import Refusal, envelope_digest, parse_instant
from watchfloor.signing.gates import CLOCK_SKEW
from workflows.command import COMMAND_VERBS, refuse_bystander
from workflows.outside import OUTSIDE_VERBS
from workflows.page_verbs import PAGE_VERBS
from workflows.reception import name_signer, open_statement
from workflows.recusal import RECUSAL_VERBS
from workflows.run import COMMANDER, Run
from workflows.tasks import TASK_VERBS
from workflows.triage import TRIAGE_VERBS
from workflows.verbs import Verb

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


def accept_control(run: Run, envelope: object) -> Receipt:
    """Carry out a control statement; checks everything once more.

    Raises:
        ApplicationError: as `refuse_control`.
    """
    checked, body = refuse_control(run, envelope)
    mark = envelope_digest(checked)
    run.state["seen"].extend([mark, f"nonce:{body['nonce']}"])
    written = len(run.journal.entries)
    VERBS[str(body["verb"])].act(run, body, mark)
    name_signer(run.desk, run.journal, written, mark, checked)
    return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": []}


def _check(run: Run, envelope: object) -> Refusal | tuple[Envelope, dict[str, Json]]:
    opened = open_statement(
        envelope,
        domain=CONTROL,
        texts=_TEXTS,
        instants=("issued_at", "expires_at"),
        desk=run.desk,
        seen=run.state["seen"],
        now=workflow.now(),
    )
    if isinstance(opened, Refusal):
        return opened
    body, now = opened[1], workflow.now()
    verb = VERBS.get(str(body["verb"]))
    if verb is None:
        return Refusal(RefusalType.UNKNOWN_OPTION, f"a run can be told to {', '.join(VERBS)}")
    if verb.roles and body["role"] not in verb.roles:
        return Refusal(RefusalType.WRONG_ROLE, f"{' or '.join(verb.roles)} may do this; you spoke as {body['role']}")
    bystander = refuse_bystander(run, body)
    if bystander is not None:
        return bystander
    if now > parse_instant(body["expires_at"]):
        return Refusal(RefusalType.LATE, f"this was valid until {body['expires_at']}; say it again")
    if parse_instant(body["issued_at"]) > now + CLOCK_SKEW:
        return Refusal(RefusalType.BAD_SIGNATURE, "this was issued in the future; check the sender's clock")
    if run.state.get("ending") and not (verb.ending and run.state["aborted"] is None):
        return Refusal(RefusalType.CLOSED, "the run is ending")
    if not isinstance(body.get("about", {}), dict):
        return Refusal(RefusalType.BAD_VALUE, "`about` of the statement is not a mapping")
    if verb.reasoned and not body["reason_ref"]:
        return Refusal(RefusalType.BAD_VALUE, f"to {body['verb']} a run needs a reason")
    return verb.check(run, body) or opened


def _refuse_pause(run: Run, body: dict[str, Json]) -> Refusal | None:
    return Refusal(RefusalType.PAUSED, "the run is paused already") if run.state["paused"] is not None else None


def _refuse_resume(run: Run, body: dict[str, Json]) -> Refusal | None:
    return Refusal(RefusalType.NOT_WAITING, "the run is not paused") if run.state["paused"] is None else None


def _pause(run: Run, body: dict[str, Json], mark: str) -> None:
    _note(run, EntryKind.PAUSED, body, mark)
    run.state["paused"] = _sign_off(run, body)


def _resume(run: Run, body: dict[str, Json], mark: str) -> None:
    _note(run, EntryKind.RESUMED, body, mark)
    run.state["paused"] = None


def _abort(run: Run, body: dict[str, Json], mark: str) -> None:
    _note(run, EntryKind.ABORTED, body, mark)
    run.state["aborted"] = _sign_off(run, body)
    run.state["ending"] = None
    run.end("aborted", reason=f"aborted by {body['person']}")
    run.stir()


def _note(run: Run, kind: str, body: dict[str, Json], mark: str) -> None:
    data = {"statement": mark, "role": body["role"], "reason_ref": body["reason_ref"]}
    run.journal.note(kind, actor=str(body["person"]), data=data)


def _sign_off(run: Run, body: dict[str, Json]) -> dict[str, Json]:
    return {"by": body["person"], "role": body["role"], "at": run.now, "reason_ref": body["reason_ref"]}


VERBS: dict[str, Verb] = {
    "pause": Verb(_pause, MAY_CONTROL, _refuse_pause),
    "resume": Verb(_resume, MAY_CONTROL, _refuse_resume, reasoned=False),
    "abort": Verb(_abort, MAY_CONTROL, ending=True),
    **TASK_VERBS,
    **PAGE_VERBS,
    **TRIAGE_VERBS,
    **COMMAND_VERBS,
    **RECUSAL_VERBS,
    **OUTSIDE_VERBS,
}
"""Every way to steer a run, in the order in which messages name them."""
