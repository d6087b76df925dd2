"""Start runs, find them, look at their boards."""

import asyncio
import base64
import contextlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from schemas.decision import Envelope
from schemas.incident import INCIDENT_WORKFLOW, QUERY_BOARD, Board, IncidentStart, Limits, Trigger
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.client.attributes import has_attribute
from watchfloor.client.correlation import marks_of, take_claim
from watchfloor.client.engine import FROM_OUTSIDE, engine_errors, exists
from watchfloor.client.errors import Ambiguous, EngineUnavailable, NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.inputs import validate_inputs
from watchfloor.client.orders import Order
from watchfloor.intake.claims import Claim, ClaimsUnavailable, State
from watchfloor.signing import canonical, digest, find_priority, neutral_name, opaque_id, pack

RUNBOOK = SearchAttributeKey.for_keyword("WatchfloorRunbook")
SEVERITY = SearchAttributeKey.for_keyword("WatchfloorSeverity")
PHASE = SearchAttributeKey.for_keyword("WatchfloorPhase")
STATE = SearchAttributeKey.for_keyword("WatchfloorState")
INCIDENT = SearchAttributeKey.for_keyword("WatchfloorIncident")
WAITING = SearchAttributeKey.for_keyword_list("WatchfloorWaiting")
DUE = SearchAttributeKey.for_datetime("WatchfloorDue")
PRESSURE = SearchAttributeKey.for_keyword("WatchfloorPressure")

MAX_START = 1024 * 1024
"""Bytes of the start payload: half of what Temporal takes, because encryption adds to it."""
LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 86_400.0}
"""Engine settings of a run started by a face: continue as new when the server suggests it, a day for a failed step."""

MOST_PACKED = 100
"""Packed plans that are kept."""
_PACKED: dict[str, str] = {}

_WHOLE_ID = re.compile(r"(inc|hold|hand|post|in)-[a-z0-9]{20}")
_PREFIX = re.compile(r"[a-z0-9-]{1,40}")
_OWN_ID = re.compile(r"[a-z0-9-]{1,80}")


@dataclass(frozen=True, slots=True)
class Started:
    """What became of a trigger. `already` is success too: this order had started its run before. `forgotten`: that
    run closed so long ago that the engine no longer has it; the ledger does."""

    incident: str
    region: str
    runbook: str
    plan: str
    already: bool
    forgotten: bool = False
    merged: bool = False
    """It was over the same content as this run, which has taken it in; no run of its own was started."""
    linked: tuple[str, ...] = ()
    """Open runs over the same account."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list. `status` is Temporal's word; `state` what the run last said about itself."""

    incident: str
    region: str
    runbook: str
    severity: str
    phase: str
    state: str
    status: str
    waiting: tuple[str, ...]
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    priority: str = ""
    """P0 to P4 when this was asked; empty for a run that has ended."""

    @property
    def lost(self) -> bool:
        """The engine says it ended, the run never did: terminated or failed from outside."""
        return self.status in {"terminated", "failed", "timed_out", "canceled"} and self.state in {"open", "paused", ""}


async def start_incident(
    face: Face,
    plan: Plan,
    plan_digest: str,
    order: Order,
    *,
    now: datetime | None = None,
    relative: bool = False,
    limits: Limits = LIMITS,
    by_hand: Sequence[Envelope] = (),
) -> Started:
    """Start the run of an order, exactly once for each source and key.

    Args:
        face: the region that takes the order.
        plan: a compiled plan, with its digest.
        order: the trigger; its inputs are checked against the plan here.
        relative: take relative timestamps in the inputs (order files only).
        by_hand: signed facts and records of what was done before; the run knows them before its first step.

    Raises:
        InputsRefused: an input does not fit; nothing was started.
        Refused: the plan belongs to another region, the key was used for another order before, or the run it started
            was ended from outside.
        EngineUnavailable: Temporal did not answer; sending the same order again is safe.
    """
    now = now or datetime.now(UTC)
    inputs = validate_inputs(plan["inputs"], order.inputs, now=now, relative=relative)
    if plan["command"] != face.region:
        raise Refused(
            "wrong_region",
            f"`{plan['id']}` is commanded from `{plan['command']}`, this face belongs to `{face.region}`; "
            f"start it with --region {plan['command']}",
        )
    incident = opaque_id("inc", face.secret, plan["id"], order.source, order.key)
    start: IncidentStart = {
        "v": 1,
        "incident": incident,
        "region": face.region,
        "namespace": face.namespace,
        "plan": plan_digest,
        "plan_z": _pack_once(plan, plan_digest),
        "inputs": inputs,
        "requester": order.requester,
        "trigger": _trigger(order),
        "decision_keys": {},
        "exposed_regions": list(face.known_regions),
        "limits": limits,
        "carried": None,
        "ledger_by_activity": True,
    }
    face.pin(start)
    if plan.get("compartment"):
        start["compartment"] = plan["compartment"]
    if face.paging is not None:
        start["paging"] = face.paging
    if by_hand:
        start["by_hand"] = list(by_hand)
    size = len(json.dumps(start))
    if size > MAX_START:
        raise Refused("too_large", f"plan and inputs have {size} bytes; expected at most {MAX_START}; send references")
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(RUNBOOK, neutral_name(incident) if plan.get("compartment") else plan["id"]),
            SearchAttributePair(SEVERITY, plan["severity"]),
            SearchAttributePair(STATE, "open"),
            SearchAttributePair(INCIDENT, incident),
        ]
    )
    attributed = limits.get("search_attributes", True) and await has_attribute(face, PRESSURE.name)
    start["limits"] = {**limits, "pressure": attributed}
    claim = await _claim(face, incident, plan, inputs, order)
    if claim is not None and claim.state == "merged":
        return Started(claim.into, face.region, plan["id"], plan_digest, already=True, merged=True)
    if claim is not None and await _closed_before(face, claim):
        return Started(incident, face.region, plan["id"], plan_digest, already=True, forgotten=True)
    linked = claim.related if claim is not None else ()
    if linked:
        start["links"] = list(linked)
    already = False
    try:
        async with engine_errors(face, "the order may or may not have started its run; sending it again is safe"):
            await face.client.start_workflow(
                INCIDENT_WORKFLOW,
                start,
                id=incident,
                task_queue=face.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                search_attributes=attributes if limits.get("search_attributes", True) else None,
            )
    except WorkflowAlreadyStartedError:
        already = True
        await _refuse_other_order(face, incident, plan, inputs)
        ended = await _find_end_from_outside(face, incident)
        if ended:
            await _note_claim(face, incident, "lost", content_of(face, plan, incident, inputs))
            raise Refused(
                "lost",
                f"this key started {incident} before, and it was {ended} from outside before it could close; "
                f"nothing runs for this order now; see `watchfloor show {incident}` for what is in force, then start "
                "it anew under another key (--key)",
            ) from None
    await _note_claim(face, incident, "started", content_of(face, plan, incident, inputs))
    return Started(incident, face.region, plan["id"], plan_digest, already, linked=() if already else linked)


def _trigger(order: Order) -> Trigger:
    trigger: Trigger = {"source": order.source, "key": order.key, "received_at": order.received_at}
    if order.known_at:
        trigger["known_at"] = order.known_at
    return trigger


def content_of(face: Face, plan: Plan, incident: str, inputs: Mapping[str, Json]) -> str:
    """A keyed hash of what an order asks for. Timestamps are left out: files may give them relatively."""
    asked = {name: inputs.get(name) for name, spec in plan["inputs"].items() if spec["type"] != "timestamp"}
    return opaque_id("content", face.secret, incident, canonical(asked).decode())


async def _claim(face: Face, incident: str, plan: Plan, inputs: Mapping[str, Json], order: Order) -> Claim | None:
    """Claim the order, or have the open run over the same content take it in; None where nothing is claimed.

    Raises:
        Refused: this key stood for other content before.
        EngineUnavailable: nothing could be claimed, so nothing was started.
    """
    if face.claims is None:
        return None
    content = content_of(face, plan, incident, inputs)
    claim = await take_claim(face, incident, content, marks_of(face, plan, order), plan, order)
    if claim.state == "merged" and claim.content != content:
        raise Refused(
            "key_reused",
            f"this key was taken in by {claim.into} before, with other content; nothing was started; give a new order "
            "a key of its own (`--key`, over HTTP `Idempotency-Key`)",
        )
    return claim if claim.content == content or claim.state == "merged" else replace(claim, content="")


async def _closed_before(face: Face, claim: Claim) -> bool:
    """True when the claimed order was carried out so long ago that the engine has forgotten it.

    Raises:
        Refused: that earlier order had other content, or nobody saw its run close.
    """
    incident = claim.incident
    if claim.state == "claimed" or await exists(face, incident):
        return False  # the engine knows best, and names what differs
    if not claim.content:
        raise Refused(
            "key_reused",
            f"this key started {incident} before with other content, and that closed long ago; nothing was started; "
            "give a new order a key of its own (`--key`, over HTTP `Idempotency-Key`)",
        )
    if claim.state != "closed":
        raise Refused(
            "lost",
            f"this key started {incident} before; the engine no longer has it, and it was not seen to close; nothing "
            f"was started; `watchfloor ledger export {incident}` shows how far it came, then start it anew under "
            "another key (--key)",
        )
    return True


async def _note_claim(face: Face, incident: str, state: State, content: str) -> None:
    """The run is there whether or not this is written: a later look writes it down."""
    if face.claims is not None:
        with contextlib.suppress(ClaimsUnavailable):
            await asyncio.to_thread(face.claims.note, incident, state, content=content)


async def _refuse_other_order(face: Face, incident: str, plan: Plan, inputs: Mapping[str, Json]) -> None:
    """The same key with other content is no repetition. Timestamps are left out: files may give them relatively."""
    before = (await _incident_start(face, incident))["inputs"]
    changed = sorted(
        name
        for name, spec in plan["inputs"].items()
        if spec["type"] != "timestamp" and canonical(before.get(name)) != canonical(inputs.get(name))
    )
    if changed:
        raise Refused(
            "key_reused",
            f"this key started {incident} before with other content ({', '.join(changed)} differ); nothing "
            f"was started; give a new order a key of its own (`--key`, over HTTP `Idempotency-Key`)",
        )


def _pack_once(plan: Plan, plan_digest: str) -> str:
    """The packed plan; a burst over one runbook packs it once. The run checks it against its digest."""
    packed = _PACKED.get(plan_digest)
    if packed is None:
        if len(_PACKED) >= MOST_PACKED:
            _PACKED.clear()
        packed = _PACKED[plan_digest] = pack_plan(plan)
    return packed


def pack_plan(plan: Plan) -> str:
    """The plan as it travels: base64 of zlib of its RFC 8785 bytes."""
    return pack(cast(Json, plan))[1]


def unpack_plan(packed: str, expected: str) -> Plan:
    """The inverse of `pack_plan`, checked against the digest.

    Raises:
        ValueError: it is not the plan of that digest.
    """
    content = zlib.decompress(base64.b64decode(packed))
    if digest(content) != expected:
        raise ValueError("the plan does not match its digest")
    return cast(Plan, json.loads(content))


async def started_with(face: Face, incident: str) -> IncidentStart:
    """The argument a run was (last) started with, read from the first event of its history.

    Raises:
        NotFound: no such run.
        EngineUnavailable: Temporal did not answer, or the run's start cannot be opened here.
    """
    async with engine_errors(face, "nothing was changed", looked_for=incident):
        handle = face.client.get_workflow_handle(incident)
        async for event in handle.fetch_history_events(page_size=1):
            payloads = event.workflow_execution_started_event_attributes.input.payloads
            converter = face.client.data_converter
            bound = converter.with_context(WorkflowSerializationContext(namespace=face.namespace, workflow_id=incident))
            try:
                decoded = await bound.decode(payloads)
            except ApplicationError as error:
                raise _not_ours(face, incident) from error
            if len(decoded) != 1 or not isinstance(decoded[0], dict):
                raise _not_ours(face, incident)
            return cast(IncidentStart, decoded[0])
    raise NotFound(f"`{incident}` has no history in region `{face.region}`")


async def _incident_start(face: Face, incident: str) -> IncidentStart:
    start = await started_with(face, incident)
    if "plan_z" not in start:
        raise _not_ours(face, incident)
    return start


def _not_ours(face: Face, run: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"`{run}` was not started as an incident of region `{face.region}`: its start cannot be opened with the "
        "region's keys; nothing was changed; find out who can write to this Temporal namespace, and "
        "whether the key ring in `keys/payload.key` is complete"
    )


async def plan_of(face: Face, incident: str) -> Plan:
    """The plan a run carries out."""
    start = await _incident_start(face, incident)
    return unpack_plan(start["plan_z"], start["plan"])


async def board(face: Face, workflow: str) -> Board:
    """What a run says about itself now; of one that was ended from outside, what it said last, as failed.

    Raises:
        NotFound: no such run in this region.
        EngineUnavailable: no worker answered in time, or the run cannot answer.
    """
    async with engine_errors(face, "nothing was changed", looked_for=workflow):
        handle = face.client.get_workflow_handle(workflow)
        answer = cast(Board, await handle.query(QUERY_BOARD, rpc_timeout=face.answer_within))
    if answer["state"] in {"open", "paused"}:
        ended = await _find_end_from_outside(face, workflow)
        if ended:
            # a query replays a run that was terminated as if it still ran; nothing takes an answer there any more
            return {**answer, "state": "failed", "outcome": f"{ended} from outside", "asks": []}
    return answer


async def _find_end_from_outside(face: Face, workflow: str) -> str:
    """How the engine ended a run that did not end itself; empty while it runs, or when it closed."""
    async with engine_errors(face, "nothing was changed", looked_for=workflow):
        described = await face.client.get_workflow_handle(workflow).describe()
    status = described.status
    return status.name.lower().replace("_", " ") if status in FROM_OUTSIDE else ""


async def list_incidents(face: Face, *, limit: int = 100) -> list[RunSummary]:
    """The region's incidents, latest first, as Temporal's index knows them (it may lag a second behind).

    Raises:
        EngineUnavailable: Temporal did not answer.
    """
    found: list[RunSummary] = []
    async with engine_errors(face, "nothing was changed"):
        async for run in face.client.list_workflows(
            f"WorkflowType = '{INCIDENT_WORKFLOW}' AND ExecutionStatus != 'ContinuedAsNew'", limit=limit
        ):
            found.append(_summary(face, run))
    return sorted(found, key=lambda run: run.opened_at, reverse=True)


async def resolve_run(face: Face, given: str | None) -> str:
    """The id of the run meant by an abbreviation, or by nothing at all: the latest open incident, else the latest.

    Raises:
        NotFound: none fits.
        Ambiguous: more than one does.
    """
    if given is None:
        runs = await list_incidents(face)
        if not runs:
            raise NotFound(f"region `{face.region}` has no incident; start one with `watchfloor start`")
        return next((run.incident for run in runs if run.closed_at is None), runs[0].incident)
    if _WHOLE_ID.fullmatch(given):
        return given
    if not _PREFIX.fullmatch(given):
        raise NotFound(f"`{given[:60]}` is no id; expected one such as `inc-…`, or its beginning (`watchfloor list`)")
    for start in (given, f"inc-{given}"):
        ids: set[str] = set()
        async with engine_errors(face, "nothing was changed"):
            async for run in face.client.list_workflows(f"WorkflowId STARTS_WITH '{start}'", limit=20):
                if _OWN_ID.fullmatch(run.id):
                    ids.add(run.id)
        if len(ids) > 1:
            raise Ambiguous(given, sorted(ids))
        if ids:
            return ids.pop()
    raise NotFound(f"no run in region `{face.region}` begins with `{given}`; `watchfloor list` shows them")


def _summary(face: Face, run: WorkflowExecution) -> RunSummary:
    attributes = run.typed_search_attributes
    status = (run.status or WorkflowExecutionStatus.RUNNING).name.lower()
    return RunSummary(
        incident=_visible(run.id),
        region=face.region,
        runbook=_visible(attributes.get(RUNBOOK, "")),
        severity=_visible(attributes.get(SEVERITY, "")),
        phase=_visible(attributes.get(PHASE, "")),
        state=_visible(attributes.get(STATE, "")),
        status=status,
        waiting=tuple(_visible(role) for role in attributes.get(WAITING, ())),
        due_at=attributes.get(DUE),
        opened_at=run.start_time,
        closed_at=run.close_time,
        priority=""
        if run.close_time is not None
        else find_priority(_visible(attributes.get(SEVERITY, "")), attributes.get(PRESSURE, ""), datetime.now(UTC)),
    )


def _visible(text: str) -> str:
    """Ids and search attributes are not encrypted: who can write to Temporal chooses what a terminal is sent."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)
