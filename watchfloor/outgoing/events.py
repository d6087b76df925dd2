"""From a ledger entry to what may leave: a fixed list of fields, each checked, and less of it in a compartment."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.events import (
    INSIDE_COMPARTMENTS,
    PUBLISHED,
    PUBLISHED_OF_PROCESSES,
    TEST_TYPE,
    TYPE_PREFIX,
    Event,
    EventData,
)
from schemas.json_value import Json
from schemas.ledger import EntryKind, StoredEntry
from watchfloor.connections.bindings import Subscription
from watchfloor.signing import parse_instant, render_instant
from watchfloor.signing.names import neutral_name

INCIDENTS = "inc-"
"""Beginning of the chains of incidents."""
PROCESSES: Mapping[str, str] = {"hold-": "holds", "hand-": "handoffs", "in-": "handoffs", "post-": "reviews"}
"""Beginnings of the chains of what belongs to incidents -> what they are called in an event's `source`."""
ABROAD = "in-"
"""An offer of another region: its incident is there, so nothing here says how bad it is or what it is about."""
_NAMES = {"from": "from_region", "to": "to_region"}
_ENDS = {
    EntryKind.HOLD_RELEASED: "released",
    EntryKind.ACCEPTED: "accepted",
    EntryKind.DECLINED: "declined",
    EntryKind.UNANSWERED: "unanswered",
    EntryKind.REVIEW_DONE: "done",
}
_WORD = re.compile(r"[a-z0-9_]{1,80}", re.ASCII)
_FIELDS: Mapping[str, TypeAdapter[Any]] = {
    name: TypeAdapter(field.rebuild_annotation()) for name, field in EventData.model_fields.items()
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an incident at one place of its chain; everything an event says beside its entry.

    `compartment` is None until the opening has been read: nothing is told of an incident before that. Of a hold,
    handoff or review all but `seq` and `state` are those of its `incident`.
    """

    seq: int = 0
    severity: str = ""
    state: str = "open"
    runbook: str = ""
    compartment: str | None = None
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry that may be an event, and the standing after it. `before` is the severity it came from, if it did."""

    entry: StoredEntry
    standing: Standing
    before: str = ""

    @property
    def kind(self) -> str:
        return self.entry["kind"]

    @property
    def is_of_process(self) -> bool:
        return not self.entry["chain"].startswith(INCIDENTS)

    @property
    def fields(self) -> tuple[str, ...] | None:
        """What an event may carry of the entry; None when there is none of it."""
        return (PUBLISHED_OF_PROCESSES if self.is_of_process else PUBLISHED).get(self.kind)


def follow(standing: Standing, entries: Iterable[StoredEntry]) -> Iterator[Told]:
    """Walk a chain on from where one stands; gives each entry with what was true after it."""
    for entry in entries:
        data, kind, before = entry["data"], entry["kind"], ""
        standing = replace(standing, seq=entry["seq"])
        if not entry["chain"].startswith(INCIDENTS):
            standing = replace(standing, state=_ENDS.get(kind, standing.state))
            yield Told(entry, standing)
            continue
        match kind:
            case EntryKind.OPENED:
                standing = replace(
                    standing, runbook=str(data.get("runbook", "")), compartment=str(data.get("compartment", ""))
                )
            case EntryKind.SEVERITY:
                before = str(data.get("before", ""))
                standing = replace(standing, severity=str(data.get("severity", "")))
            case EntryKind.PAUSED:
                standing = replace(standing, state="paused")
            case EntryKind.RESUMED:
                standing = replace(standing, state="open")
            case EntryKind.CLOSED:
                outcome = str(data.get("outcome", ""))
                standing = replace(standing, state=outcome if _WORD.fullmatch(outcome) else "closed")
        yield Told(entry, standing, before)


def is_wanted(subscription: Subscription, told: Told) -> bool:
    """Whether a subscription is told of this.

    Of a change of severity it is told when either side of it is one it asked for, so that it hears of the lowering too.
    Of an offer of another region it is told however bad it may be: nobody here knows yet.
    """
    standing = told.standing
    if told.fields is None or standing.compartment is None or not subscription.wants(told.kind):
        return False
    if standing.compartment and standing.compartment not in subscription.clearances:
        return False
    if subscription.runbooks and standing.runbook not in subscription.runbooks:
        return False
    wanted = subscription.severities
    if told.entry["chain"].startswith(ABROAD):
        return True
    return not wanted or standing.severity in wanted or told.before in wanted


def write_event(region: str, told: Told) -> str:
    """The event of an entry, as the bytes that are sent on every attempt are made of."""
    entry, standing = told.entry, told.standing
    chain = entry["chain"]
    said: dict[str, Json] = {"runbook": standing.runbook, "step": entry["step"]}
    said |= {_NAMES.get(name, name): entry["data"].get(name) for name in told.fields or ()}
    if standing.compartment:
        said = {name: value for name, value in said.items() if name in INSIDE_COMPARTMENTS}
        said["compartment"] = standing.compartment
    said |= {
        "region": region,
        "incident": standing.incident if told.is_of_process else chain,
        "process": chain if told.is_of_process else None,
        "name": neutral_name(chain),
        "kind": told.kind,
        "state": standing.state,
        "severity": standing.severity,
    }
    event = Event(
        id=event_id(chain, entry["seq"]),
        source=f"/regions/{region}/{_group(chain)}/{chain}",
        type=TYPE_PREFIX + told.kind,
        subject=chain,
        time=render_instant(parse_instant(entry["at"])),
        sequence=str(entry["seq"]),
        data=EventData.model_validate({name: value for name, value in said.items() if _fits(name, value)}),
    )
    return render(event)


def write_test(region: str, at: datetime) -> str:
    """A harmless event of type `io.watchfloor.test`, about an incident that does not exist."""
    incident = "inc-test"
    number = int(at.timestamp())
    data = EventData(region=region, incident=incident, name=neutral_name(incident), kind="test", state="open")
    event = Event(
        id=event_id(incident, number),
        source=f"/regions/{region}/incidents/{incident}",
        type=TEST_TYPE,
        subject=incident,
        time=render_instant(at),
        sequence=str(number),
        data=data,
    )
    return render(event)


def event_id(incident: str, seq: int) -> str:
    """The same on every attempt and for every receiver. Without a dot: what Standard Webhooks signs is put together
    with dots."""
    return f"{incident}:{seq}"


def render(event: Event) -> str:
    """An event as JSON text."""
    return json.dumps(event.model_dump(exclude_none=True), separators=(",", ":"), ensure_ascii=True)


def _group(chain: str) -> str:
    return PROCESSES.get(f"{chain.partition('-')[0]}-", "incidents")


def _fits(name: str, value: Json) -> bool:
    """Whether a value is what its field promises. What is not is left out: a name that a runbook's author chose oddly
    costs the event that name, never the event."""
    if value is None or value == "":
        return False
    try:
        _FIELDS[name].validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
