"""What people and systems say to a run: decisions, facts, pause, resume, abort.

The person is checked against the directory, the reason's text stays in the region's evidence store, the statement is
signed with the region's face key and sent as an update: the run's validator answers at once. If no worker answers in
time, it is kept in the region's inbox (`watchfloor.client.inbox`), fsynced, and delivered until the ledger shows it;
the sender is told "kept". A face without an inbox sends a signal, and says "sent, not yet recorded" and nothing more.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from schemas.decision import CONTROL, DECISION, Decision, Envelope, OpenAsk, Receipt, RefusalType
from schemas.decision import Control as ControlBody
from schemas.incident import (
    SIGNAL_DECIDE,
    UPDATE_CONTROL,
    UPDATE_DECIDE,
)
from schemas.json_value import Json
from watchfloor.client.asks import AskAt, find_ask
from watchfloor.client.attachments import fill_in
from watchfloor.client.engine import engine_errors
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.exposure import end_exposure, require_claimed
from watchfloor.client.face import Face
from watchfloor.client.inbox import InboxUnavailable, StatementInbox
from watchfloor.client.permission import about_ask, about_run, require_permission, verb_of
from watchfloor.client.refusals import hiding_option, leaves_refusal
from watchfloor.client.runs import board, started_with
from watchfloor.client.sign_in import DEV as DEV  # noqa: PLC0414 - faces get it with the statements
from watchfloor.client.sign_in import SignIn as SignIn  # noqa: PLC0414
from watchfloor.identity.people import Person
from watchfloor.signing import envelope_digest, parse_instant, render_instant
from watchfloor.signing.standing import find_delegators, is_blind
from watchfloor.signing.tasks import seat_commander

VALID_FOR = timedelta(minutes=5)
"""How long a signed statement may travel before the run refuses it as late."""
_TAKEN_BACK = (0.05, 0.2, 0.5)
"""Seconds before each new attempt at an update that the engine took back."""
KEPT_FOR = timedelta(days=1)
"""How long a decision that no worker takes may wait in the inbox; never beyond its ask's deadline."""
MAX_REASON = 4000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a statement.

    `recorded` is true only when the run has accepted it, which is durable. False means that Temporal holds it as a
    signal and the run will judge it when a worker is there; it may still be refused, and the ledger will say so. `kept`
    is durable too: the region's inbox has it on disk and delivers it until the ledger shows it.
    """

    workflow: str
    path: str
    digest: str
    recorded: bool
    state: Literal["complete", "waiting", "recorded", "sent", "kept"]
    waiting_for: tuple[str, ...]
    reason_ref: str
    note: str = ""
    """Words for the sender alone, such as how much is left of a cap."""


@leaves_refusal("decision")
async def send_decision(
    face: Face,
    run: str,
    step: str,
    option: str,
    *,
    person: str,
    role: str | None = None,
    reason: str,
    form: Mapping[str, Json] | None = None,
    attach: Mapping[str, Path] | None = None,
    signed_in: SignIn = DEV,
    shown: AskAt | None = None,
    now: datetime | None = None,
) -> Sent:
    """Answer an open ask in a person's name.

    Args:
        face: the region whose run asks.
        run: whole id of an incident, hold, handoff (either side) or review.
        step: step id, runtime path or its end; looked up among the open asks of the run and its children.
        option: one of the ask's options.
        person: id in the directory of people; must hold `role`.
        role: the role they decide as; may be left out when only one of their roles fits.
        reason: why, for the record; kept in this region.
        form: what a task reports; text is read according to the form's types.
        attach: files for the form's attachments; they are put into the region's evidence store, their references sent.
        shown: the ask as this person was shown it, where the face still has it; then no worker is needed to send. If it
            has changed since, the run refuses.

    Raises:
        Refused: by this face or by the run's validator; the run goes on.
        InputsRefused: the form does not fit.
        Ambiguous: the step waits in several places.
        NotFound, EngineUnavailable: nothing was sent.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    at = shown or await find_ask(face, run, step, someone)
    ask = seat_commander(at.ask, now)
    with hiding_option(is_blind(ask)):
        if option not in ask["options"]:
            raise _wrong_option(ask, step, option)
        giver, given = find_giver(ask, someone.id, role)
        speaking_as = given or find_role(someone, role, ask["options"][option], option, ask["step"])
        requester = await find_requester(face, at) if ask["kind"] in GATED else ""
        resource = about_ask(at.board, ask, option, requester, person=someone.id)
        require_permission(face, someone, verb_of(ask), resource, role=speaking_as, option=option, signed_in=signed_in)
        await require_claimed(face, at, someone.id, speaking_as, now)
        filled = await asyncio.to_thread(fill_in, face, ask["form"], form or {}, attach or {}, now)
        body: Decision = {
            "v": 1,
            "region": face.region,
            "namespace": face.namespace,
            "incident": at.board["workflow"],
            "plan": at.board["plan"],
            "path": ask["path"],
            "ask": ask["ask"],
            "option": option,
            "form": filled,
            "person": someone.id,
            "role": speaking_as,
            "entity": someone.entity,
            "signed_in": signed_in.way,
            "issued_at": render_instant(now),
            "expires_at": render_instant(now + VALID_FOR),
            "nonce": secrets.token_hex(16),
            "reason_ref": keep_reason(face, reason),
        }
        if signed_in.methods:
            body["amr"] = list(signed_in.methods)
        if signed_in.step_up is not None:
            body["step_up"] = signed_in.step_up
        if giver:
            body["on_behalf_of"] = giver
        envelope = face.sign(DECISION, cast(dict[str, Json], body))
        sent = await deliver(face, at.workflow, ask["path"], envelope, UPDATE_DECIDE, SIGNAL_DECIDE, find_end(ask, now))
        await end_exposure(face, at, someone.id, now)
        return sent


@leaves_refusal("control")
async def send_control(
    face: Face,
    run: str,
    verb: str,
    *,
    person: str,
    role: str | None = None,
    reason: str | None = None,
    about: Mapping[str, Json] | None = None,
    speaks_as: Sequence[str] = (),
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Pause, resume or abort an incident, or steer it otherwise (`workflows.control.VERBS`). Never sent as a signal:
    who aborts must know whether it was taken.

    Args:
        reason: why; None for a verb that asks for none (a task is claimed and handed back without a word).
        about: what the verb speaks of: ids, levels, instants.
        speaks_as: the roles that this verb is for; by default those that command.

    Raises:
        Refused, NotFound, EngineUnavailable: as in `send_decision`.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    wanted = speaks_as or COMMANDING
    speaking_as = role or next((known for known in wanted if known in someone.roles), someone.roles[0])
    require_role(someone, speaking_as)
    steered = about_run(await board(face, run))
    require_permission(face, someone, "control", steered, role=speaking_as, option=verb, signed_in=signed_in)
    body: ControlBody = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": run,
        "verb": verb,
        "person": someone.id,
        "role": speaking_as,
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + VALID_FOR),
        "nonce": secrets.token_hex(16),
        "reason_ref": "" if reason is None else keep_reason(face, reason),
    }
    if about:
        body["about"] = dict(about)
    if signed_in.way != "dev":
        body["signed_in"] = signed_in.way
        body["amr"] = list(signed_in.methods)
    envelope = face.sign(CONTROL, cast(dict[str, Json], body))
    return await deliver(face, run, verb, envelope, UPDATE_CONTROL, None)


GATED = frozenset({"approval", "release"})
"""Kinds of ask at which who asked for the thing does not decide it."""
COMMANDING = ("incident_commander", "deputy", "exec_sponsor")
"""Roles a person speaks as by default when they steer a run; the run decides whether they may."""


def find_end(ask: OpenAsk, now: datetime) -> datetime:
    """Until when a kept decision may still reach the run: the ask's deadline, a day at most."""
    longest = now + KEPT_FOR
    return min(longest, parse_instant(ask["deadline_at"])) if ask["deadline_at"] else longest


async def find_requester(face: Face, at: AskAt) -> str:
    """Who asked for what waits; empty when the engine does not say it now. The run holds them off all the same."""
    try:
        return str((await started_with(face, at.workflow)).get("requester", ""))
    except (NotFound, EngineUnavailable):
        return ""


def admit_person(face: Face, person: str, signed_in: SignIn = DEV) -> Person:
    """The person a face speaks for, as the region's directory knows them.

    Raises:
        Refused: nobody has this id, they are not who signed in, or development sign-in was tried beyond this machine.
    """
    if signed_in.way == "dev" and not face.loopback:
        raise Refused(
            Refused.NOT_SIGNED_IN,
            "development sign-in (--as) works only against a stack on this machine; sign in through the gateway",
        )
    if signed_in.person is not None:
        if signed_in.person.id != person:
            raise Refused(Refused.NOT_SIGNED_IN, f"`{person}` is not who signed in; speak in your own name")
        return signed_in.person
    return know_person(face, person)


def know_person(face: Face, person: str) -> Person:
    """Somebody of the region's directory.

    Raises:
        Refused: nobody has this id.
    """
    someone = face.people.find(person)
    if someone is None:
        raise Refused(
            Refused.UNKNOWN_PERSON,
            f"`{person}` is not in the directory of people of `{face.region}`; expected an id of `people.yaml` in the "
            "home directory; correct it, or add the person there",
        )
    return someone


def _wrong_option(ask: OpenAsk, step: str, option: str) -> Refused:
    """An answer to a question that has ended is late, not mistyped, where its step's failure is what waits now."""
    known = ", ".join(ask["options"])
    if ask["kind"] in {"failed", "doubt"} and ask["path"] != step:
        return Refused(
            RefusalType.LATE,
            f"`{step}` no longer waits for `{option}`: its time ran out or it failed; "
            f"`{ask['path']}` asks what to do now: {known}",
        )
    return Refused(RefusalType.UNKNOWN_OPTION, f"`{ask['step']}` has no option `{option}`; it has: {known}")


def require_role(someone: Person, role: str) -> None:
    """Refuse somebody who would speak in a role that they do not hold."""
    if role not in someone.roles:
        raise Refused(
            RefusalType.WRONG_ROLE, f"`{someone.id}` does not hold `{role}`; they hold: {', '.join(someone.roles)}"
        )


def find_giver(ask: OpenAsk, person: str, role: str | None) -> tuple[str, str]:
    """Who gave this person their seat, and the role it is for; empty when nobody did, or they name another role."""
    for giver, given in find_delegators(ask, person).items():
        if role in {None, given}:
            return giver, given
    return "", ""


def find_role(someone: Person, role: str | None, slots: list[dict[str, list[str]]], option: str, step: str) -> str:
    """The role a person speaks as; the one they name, or the only one of theirs that fits.

    Raises:
        Refused: they do not hold it, none fits, or several do.
    """
    if role is not None:
        require_role(someone, role)
        return role
    wanted = list(dict.fromkeys(name for slot in slots for name in slot["any_of"]))
    fits = [name for name in wanted if name in someone.roles]
    if len(fits) == 1 or (fits and len(slots) == 1):
        return fits[0]
    if fits:
        raise Refused(
            RefusalType.WRONG_ROLE, f"`{someone.id}` could decide as {' or '.join(fits)}; say which with --role"
        )
    raise Refused(
        RefusalType.WRONG_ROLE,
        f"`{option}` at `{step}` is for {', '.join(wanted)}; `{someone.id}` holds: {', '.join(someone.roles)}",
    )


def keep_reason(face: Face, reason: str) -> str:
    """Keep a reason's text in the region's evidence store; gives the reference that travels.

    Raises:
        Refused: there is none, or it is too long.
    """
    text = reason.strip()
    if not text:
        raise Refused(Refused.NO_REASON, "a decision needs a reason; say why in a sentence (--reason)")
    if len(text) > MAX_REASON:
        raise Refused(Refused.NO_REASON, f"the reason has {len(text)} characters; at most {MAX_REASON}")
    return face.reasons.put(text.encode())


async def deliver(
    face: Face,
    workflow: str,
    path: str,
    envelope: Envelope,
    update: str,
    signal: str | None,
    until: datetime | None = None,
) -> Sent:
    """Send a signed statement; one that no worker takes is kept, or sent as a signal where this face keeps nothing.

    Raises:
        Refused, NotFound, EngineUnavailable: as in `send_decision`.
    """
    handle = face.client.get_workflow_handle(workflow)
    reference = str(envelope["body"]["reason_ref"])
    mark = envelope_digest(envelope)
    try:
        receipt = await _execute(face, handle, update, envelope, mark)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        if isinstance(cause, ApplicationError):
            raise Refused(cause.type or "refused", cause.message) from error
        raise EngineUnavailable(
            f"`{workflow}` could not judge the statement ({cause}); see the worker's log"
        ) from error
    except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as error:
        if isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND:
            await _say_closed(face, workflow, error)
        if signal is None:
            raise EngineUnavailable(
                f"no worker answered within {face.answer_within.total_seconds():.0f} s; it is not known whether "
                f"`{workflow}` took it; look at the board before you send it again"
            ) from error
        if face.inbox is not None:
            return await _keep(face, face.inbox, workflow, path, envelope, signal, until)
        async with engine_errors(face, "it is not known whether the run took it", looked_for=workflow):
            await handle.signal(signal, envelope)
        return Sent(workflow, path, mark, False, "sent", (), reference)
    return Sent(workflow, path, receipt["digest"], True, receipt["state"], tuple(receipt["waiting_for"]), reference)


async def _execute(face: Face, handle: WorkflowHandle[Any, Any], update: str, envelope: Envelope, mark: str) -> Receipt:
    """Send an update; one that the engine took back untried is sent again. That happens where something else came
    while a worker finished the task in which the run closed or continued as new. A statement counts once all the same.

    Raises:
        WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError: as the client does.
    """
    for pause in _TAKEN_BACK:
        try:
            return cast(Receipt, await handle.execute_update(update, envelope, id=mark, rpc_timeout=face.answer_within))
        except RPCError as error:
            if error.status != RPCStatusCode.FAILED_PRECONDITION:
                raise
        await asyncio.sleep(pause)
    return cast(Receipt, await handle.execute_update(update, envelope, id=mark, rpc_timeout=face.answer_within))


async def _keep(
    face: Face, inbox: StatementInbox, workflow: str, path: str, envelope: Envelope, signal: str, until: datetime | None
) -> Sent:
    """Put a statement where nothing loses it. It may wait for a worker for long, so it is signed to be valid until the
    ask's deadline; it keeps its nonce, so it counts once even if the run had taken it before."""
    tried = envelope_digest(envelope)
    if until is not None and "expires_at" in envelope["body"]:
        body = {**envelope["body"], "expires_at": render_instant(until)}
        envelope = face.sign(envelope["domain"], body)
    try:
        mark = await asyncio.to_thread(inbox.keep, envelope, workflow=workflow, path=path, signal=signal, first=tried)
    except InboxUnavailable as error:
        raise EngineUnavailable(f"no worker answered, and {error}; nothing counts until you send it again") from error
    return Sent(workflow, path, mark, False, "kept", (), str(envelope["body"]["reason_ref"]))


async def _say_closed(face: Face, workflow: str, error: BaseException) -> None:
    """Tell a run that has ended from one that never was."""
    try:
        ended = await board(face, workflow)
    except (NotFound, EngineUnavailable):
        raise NotFound(f"no open run `{workflow}` in region `{face.region}`") from error
    raise Refused(RefusalType.CLOSED, f"`{workflow}` is {ended['state']} and takes no more statements") from error
