"""Rotas as iCalendar (RFC 5545): written for people's own calendars, read back as overrides.

An event is one shift. It carries the rota and the person's id (`X-WATCHFLOOR-ROTA`, `X-WATCHFLOOR-PERSON`), never a
name or an address. Read back, an event says who is on call from its start to its end; where that is who the rota names
anyway nothing follows from it, elsewhere it becomes an override. Shifts that nobody put into the calendar stay as they
are: a calendar takes nobody off.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from icalendar import Calendar, Component, Event

from watchfloor.identity.located import PeopleRefused
from watchfloor.identity.people import ID_PATTERN, MAX_ID, Directory
from watchfloor.identity.rota_problems import fits
from watchfloor.identity.rotas import Rota, Rotas
from watchfloor.identity.shifts import shifts_between

PRODUCT = "-//Watchfloor//rotas//EN"
MAX_CALENDAR = 1024 * 1024
MAX_EVENTS = 2000
MAX_EVENT = timedelta(days=31)
_ROTA, _PERSON = "X-WATCHFLOOR-ROTA", "X-WATCHFLOOR-PERSON"
_REPEATS = ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one event says: this person, from here to there."""

    start_at: datetime
    end_at: datetime
    person: str


def export_calendar(rotas: Rotas, since: datetime, until: datetime, *, now: datetime) -> bytes:
    """Every shift that overlaps the span as an event; ids and instants only. The same rotas give the same bytes.

    Args:
        rotas: those to export.
        since: aware.
        until: aware.
        now: what the events are stamped with.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for rota in rotas.rotas:
        for shift in shifts_between(rota, since, until):
            event = Event()
            start = shift.start_at.astimezone(UTC)
            event.add("uid", f"{rota.name}-{start:%Y%m%dT%H%M%SZ}-{shift.person}@watchfloor.{rota.region}")
            event.add("dtstamp", now.astimezone(UTC))
            event.add("dtstart", start)
            event.add("dtend", shift.end_at.astimezone(UTC))
            event.add("summary", f"on call: {rota.role} ({rota.region}) {shift.person}")
            event.add(_ROTA, rota.name)
            event.add(_PERSON, shift.person)
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def read_calendar(content: bytes, rota: Rota, people: Directory, *, name: str) -> tuple[Wanted, ...]:
    """What a calendar says about a rota. Events of other rotas are left out; an event that names no rota is meant.

    Args:
        content: the file.
        rota: which rota it is read for.
        people: everybody; an event for somebody who cannot fill the role is refused.
        name: the file's name, for messages.

    Raises:
        PeopleRefused: one line `file:line: what` for each thing wrong; then nothing of it counts.
    """
    if rota.seats > 1:
        raise PeopleRefused(
            f"{name}:1: `{rota.name}` has {rota.seats} seats, and a calendar does not say whose seat changes; add "
            "overrides with `instead_of` by hand"
        )
    if len(content) > MAX_CALENDAR:
        raise PeopleRefused(f"{name}:1: has more than {MAX_CALENDAR} bytes; export fewer days")
    lines = [
        number for number, line in enumerate(content.splitlines(), start=1) if line.strip().upper() == b"BEGIN:VEVENT"
    ]
    if len(lines) > MAX_EVENTS:
        raise PeopleRefused(f"{name}:{lines[MAX_EVENTS]}: has more than {MAX_EVENTS} events; export fewer days")
    try:
        calendar = Calendar.from_ical(content)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise PeopleRefused(
            f"{name}:1: is no iCalendar file ({type(error).__name__}); expected BEGIN:VCALENDAR and events"
        ) from error
    if not isinstance(calendar, Calendar) or calendar.name != "VCALENDAR":
        raise PeopleRefused(f"{name}:1: is no iCalendar file; expected BEGIN:VCALENDAR")
    wanted: list[Wanted] = []
    faults: list[str] = []
    for event, line in zip(calendar.walk("VEVENT"), [*lines, *[1] * MAX_EVENTS], strict=False):
        if _text(event, _ROTA) not in {"", rota.name}:
            continue
        found = list(_faults(event, rota, people))
        faults += [f"{name}:{line}: {words}" for words in found]
        if not found:
            wanted.append(_read(event))
    ordered = sorted(wanted, key=lambda one: (one.start_at, one.end_at, one.person))
    faults += list(_overlaps(ordered, name))
    if faults:
        raise PeopleRefused("\n".join(faults))
    return tuple(ordered)


def to_override(rota: Rota, wanted: Sequence[Wanted]) -> tuple[Wanted, ...]:
    """The pieces of what is wanted that the rota does not say already, neighbours joined."""
    pieces: list[Wanted] = []
    for one in wanted:
        shifts = shifts_between(rota, one.start_at, one.end_at)
        at = one.start_at
        theirs = sorted((shift.start_at, shift.end_at) for shift in shifts if shift.person == one.person)
        for start, end in [*theirs, (one.end_at, one.end_at)]:
            if at < min(start, one.end_at):
                pieces.append(Wanted(at, min(start, one.end_at), one.person))
            at = max(at, end)
    joined: list[Wanted] = []
    for piece in pieces:
        if joined and (joined[-1].person, joined[-1].end_at) == (piece.person, piece.start_at):
            joined[-1] = Wanted(joined[-1].start_at, piece.end_at, piece.person)
        else:
            joined.append(piece)
    return tuple(joined)


def _faults(event: Component, rota: Rota, people: Directory) -> Iterator[str]:
    repeats = [key for key in _REPEATS if event.get(key) is not None]
    if repeats:
        yield f"the event repeats ({', '.join(repeats)}); expected single events, as `--export` writes them"
    start, end = _instant(event, "DTSTART"), _instant(event, "DTEND")
    for key, at in (("DTSTART", start), ("DTEND", end)):
        if at is None:
            yield f"`{key}` is missing or has no time zone; expected an instant such as 20261224T080000Z"
    if start is not None and end is not None and not timedelta() < end - start <= MAX_EVENT:
        yield f"the event ends before it begins, or lasts more than {MAX_EVENT.days} days"
    if _text(event, "STATUS").upper() == "CANCELLED":
        yield "the event is cancelled; a calendar takes nobody off: name who is on call instead"
    person = _text(event, _PERSON)
    if not person:
        yield f"`{_PERSON}` is missing; expected the id of a person of the directory"
    elif len(person) > MAX_ID or not re.match(ID_PATTERN, person):
        yield f"`{_PERSON}` is no id; expected one such as `counsel-1`, never a name or an address"
    elif not fits(rota, person, people):
        yield f"`{person}` is not in the directory, or does not hold `{rota.role}` in region `{rota.region}`"


def _read(event: Component) -> Wanted:
    start, end = _instant(event, "DTSTART"), _instant(event, "DTEND")
    if start is None or end is None:
        raise ValueError("an event is read only when it has no fault")
    return Wanted(start, end, _text(event, _PERSON))


def _instant(event: Component, key: str) -> datetime | None:
    value = getattr(event.get(key), "dt", None)
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return None
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _text(event: Component, key: str) -> str:
    value = event.get(key)
    return str(value).strip() if value is not None and not isinstance(value, list) else ""


def _overlaps(wanted: Sequence[Wanted], name: str) -> Iterator[str]:
    """Two people at one instant: the calendar contradicts itself."""
    for one, other in pairwise(wanted):
        if other.start_at < one.end_at and other.person != one.person:
            yield (
                f"{name}:1: {one.person} and {other.person} are both on call from {other.start_at:%Y-%m-%dT%H:%MZ}; "
                "expected one person at a time"
            )
