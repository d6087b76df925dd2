"""What was done by hand, taken in afterwards: everything is checked first, then sent, and a second time nothing is.

A new incident gets its facts and records in its start, so that it takes no step before it knows them and no clock that
was stopped in time is ever missed. One that goes on is told line by line. What the run knows already is left out; what
it knows otherwise is a fault of the record, not something to overwrite.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas.decision import FACT
from schemas.incident import UPDATE_CONTROL, UPDATE_FACT, Board, Limits
from schemas.plan import Plan
from watchfloor.client.engine import exists
from watchfloor.client.errors import ClientError, InputsRefused, Refused
from watchfloor.client.face import Face
from watchfloor.client.hand_lines import HandReader, Line
from watchfloor.client.orders import Order
from watchfloor.client.permission import about_plan, about_run, require_permission
from watchfloor.client.runs import LIMITS, board, plan_of, resolve_run, start_incident
from watchfloor.client.statements import DEV, SignIn, admit_person, deliver
from watchfloor.paper.record import Record, RecordRefused
from watchfloor.signing import opaque_id


@dataclass(frozen=True, slots=True)
class Reading:
    """A record, checked against the plan, the directory and what the run knows. Nothing has been sent."""

    incident: str
    region: str
    new: bool
    opening: str
    """What will be started, in words; empty where an incident goes on."""
    lines: tuple[Line, ...]
    order: Order | None
    plan: Plan
    digest: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a line."""

    where: str
    words: str
    state: Literal["recorded", "known"]


async def read_by_hand(
    face: Face,
    record: Record,
    plan: Plan,
    digest: str,
    *,
    person: str,
    role: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime,
) -> Reading:
    """Check a record and say what it would do.

    Args:
        plan: of the runbook that the record names, as it is today; an incident that goes on has its own.

    Raises:
        RecordRefused: one line for each thing wrong; nothing was sent.
        Refused, NotFound, EngineUnavailable: as everywhere.
    """
    document = record.document
    someone = admit_person(face, person, signed_in)
    own: Board | None = None
    if document.incident:
        incident = await resolve_run(face, document.incident)
    else:
        incident = opaque_id("inc", face.secret, plan["id"], document.source, document.key)
    if document.incident or await exists(face, incident):
        own = await board(face, incident)
        plan, digest = await plan_of(face, incident), own["plan"]
        if own["kind"] != "incident":
            raise RecordRefused(f"{record.where('incident')}: `{incident}` is a {own['kind']}; expected an incident")
        require_permission(face, someone, "view", about_run(own), role=role or someone.roles[0], signed_in=signed_in)
    else:
        require_permission(face, someone, "start", about_plan(plan, document.requester), signed_in=signed_in)
    reader = HandReader(face, record, plan, someone, role, incident, own, now, signed_in)
    faults = [*reader.check_head(digest)]
    order = None if own is not None else reader.make_order(faults)
    lines: list[Line] = []
    for part, read in (("facts", reader.read_fact), ("done", reader.read_done), ("decided", reader.read_decided)):
        for nth, given in enumerate(getattr(document, part)):
            try:
                lines += read(record.where(part, nth), given)
            except (ClientError, InputsRefused) as error:
                faults.append(f"{record.where(part, nth)}: {error}")
    faults += _find_twice(lines)
    if own is not None and own["state"] not in {"open", "paused"} and any(not line.known for line in lines):
        faults.append(f"{record.where('by_hand')}: {incident} is {own['state']}; nothing new can be told to it")
    if faults:
        raise RecordRefused("\n".join(faults))
    return Reading(incident, face.region, own is None, reader.say_opening(order), tuple(lines), order, plan, digest)


async def take_in(face: Face, reading: Reading, *, now: datetime, limits: Limits = LIMITS) -> list[TakenIn]:
    """Send what is new in a record. Stops at the first line that the run refuses; those before it count.

    Raises:
        Refused: with the line's place; NotFound, EngineUnavailable: as everywhere. Taking it in again is safe.
    """
    new = [line for line in reading.lines if not line.known]
    run = reading.incident
    if reading.order is not None:
        envelopes = await asyncio.to_thread(lambda: [line.make() for line in new])
        started = await start_incident(
            face, reading.plan, reading.digest, reading.order, now=now, by_hand=envelopes, limits=limits
        )
        if started.already or started.merged:
            raise Refused(
                "repeated",
                f"{started.incident} was started by somebody else meanwhile; take the file in again: it is then told "
                "line by line",
            )
        return [TakenIn(line.where, line.words, "recorded") for line in new]
    taken: list[TakenIn] = []
    for line in reading.lines:
        if not line.known:
            envelope = await asyncio.to_thread(line.make)
            update = UPDATE_FACT if envelope["domain"] == FACT else UPDATE_CONTROL
            try:
                await deliver(face, run, line.words, envelope, update, None)
            except Refused as error:
                raise Refused(error.type, f"{line.where}: {line.words}: {error.message}") from error
        taken.append(TakenIn(line.where, line.words, "known" if line.known else "recorded"))
    return taken


def _find_twice(lines: list[Line]) -> Iterator[str]:
    """Two lines that say the same thing, or two things of one step."""
    seen: dict[str, str] = {}
    for line in lines:
        what = line.words.partition(" at ")[0].partition(" = ")[0]
        key = line.words if "decided on paper" in line.words else what
        if key in seen:
            yield f"{line.where}: {what} stands at {seen[key]} too; leave one of the two out"
        seen.setdefault(key, line.where)
