"""A calendar of shifts goes out and comes back; what differs becomes overrides, what is wrong is refused whole."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.identity.rotas_text import WEEK, at, people, rota_of, rotas_of
from watchfloor.identity.people import PeopleRefused
from watchfloor.identity.rota_calendar import export_calendar, read_calendar, to_override
from watchfloor.identity.rotas import Override, Rota, Rotas
from watchfloor.identity.shifts import shifts_between

PEOPLE = people("ann", "bob", "cid")
SINCE, UNTIL = at("01-07 00:00"), at("01-21 00:00")


def export(rotas: Rotas) -> bytes:
    return export_calendar(rotas, SINCE, UNTIL, now=at("01-01 00:00"))


def overrides(rota: Rota, content: bytes) -> list[tuple[str, str, str]]:
    wanted = read_calendar(content, rota, PEOPLE, name="c.ics")
    return [(f"{w.start_at:%m-%d %H:%M}", f"{w.end_at:%m-%d %H:%M}", w.person) for w in to_override(rota, wanted)]


def refusal(rota: Rota, content: bytes) -> list[str]:
    with pytest.raises(PeopleRefused) as refused:
        read_calendar(content, rota, PEOPLE, name="c.ics")
    return str(refused.value).splitlines()


def event(**fields: str) -> bytes:
    given = {
        "DTSTART": "DTSTART:20260108T080000Z",
        "DTEND": "DTEND:20260108T200000Z",
        "PERSON": "X-WATCHFLOOR-PERSON:cid",
        **fields,
    }
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", *filter(None, given.values())]
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def test_what_is_exported_comes_back_as_nothing_to_change(tmp_path: Path) -> None:
    more = "overrides:\n  - {from: 2026-01-10T03:00Z, to: 2026-01-11T05:30Z, person: cid}"
    rotas = rotas_of(tmp_path, WEEK, more)
    content = export(rotas)
    assert content.count(b"BEGIN:VEVENT") == len(shifts_between(rotas.rotas[0], SINCE, UNTIL))
    assert overrides(rotas.rotas[0], content) == []
    assert export(rotas) == content


def test_a_changed_rota_read_with_an_older_export_gives_the_older_shifts_back(tmp_path: Path) -> None:
    """Round trip: export, change the rota, import; the overrides restore every shift that was exported."""
    content = export(rotas_of(tmp_path, WEEK))
    changed = rota_of(tmp_path, WEEK.replace("[ann, bob]", "[cid, bob]"))
    wanted = read_calendar(content, changed, PEOPLE, name="c.ics")
    made = tuple(Override(one.start_at, one.end_at, one.person, "", ()) for one in to_override(changed, wanted))
    restored = Rota(**{name: getattr(changed, name) for name in changed.__dataclass_fields__} | {"overrides": made})
    before = rota_of(tmp_path, WEEK)
    for hour in range(24 * 13):
        moment = SINCE + timedelta(hours=hour)
        at_once = [
            [one.person for one in shifts_between(rota, moment, moment + timedelta(minutes=1))]
            for rota in (before, restored)
        ]
        assert at_once[0] == at_once[1], moment


def test_another_person_in_an_event_is_an_override_for_exactly_that_shift(tmp_path: Path) -> None:
    rotas = rotas_of(tmp_path, WEEK)
    content = export(rotas).replace(b"X-WATCHFLOOR-PERSON:ann", b"X-WATCHFLOOR-PERSON:cid", 2)
    assert overrides(rotas.rotas[0], content) == [("01-06 08:00", "01-08 08:00", "cid")]


def test_a_zone_of_its_own_is_understood(tmp_path: Path) -> None:
    rota = rota_of(tmp_path, WEEK)
    zoned = {"DTSTART": "DTSTART;TZID=America/New_York:20260108T080000", "DTEND": "DTEND:20260108T200000Z"}
    assert overrides(rota, event(**zoned)) == [("01-08 13:00", "01-08 20:00", "cid")]


def test_an_event_of_another_rota_is_left_out(tmp_path: Path) -> None:
    rota = rota_of(tmp_path, WEEK)
    assert overrides(rota, event(ROTA="X-WATCHFLOOR-ROTA:other")) == []
    assert overrides(rota, event(ROTA="X-WATCHFLOOR-ROTA:counsel")) == [("01-08 08:00", "01-08 20:00", "cid")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"PERSON": ""}, "c.ics:4: `X-WATCHFLOOR-PERSON` is missing"),
        ({"PERSON": "X-WATCHFLOOR-PERSON:Ann Doe <ann@example.test>"}, "c.ics:4: `X-WATCHFLOOR-PERSON` is no id"),
        ({"PERSON": "X-WATCHFLOOR-PERSON:dan"}, "c.ics:4: `dan` is not in the directory"),
        ({"DTSTART": "DTSTART:20260108T080000"}, "c.ics:4: `DTSTART` is missing or has no time zone"),
        ({"DTSTART": "DTSTART;VALUE=DATE:20260108"}, "c.ics:4: `DTSTART` is missing or has no time zone"),
        ({"DTEND": ""}, "c.ics:4: `DTEND` is missing"),
        ({"DTEND": "DTEND:20260107T080000Z"}, "c.ics:4: the event ends before it begins"),
        ({"DTEND": "DTEND:20270107T080000Z"}, "or lasts more than 31 days"),
        ({"MORE": "RRULE:FREQ=SECONDLY"}, "c.ics:4: the event repeats (RRULE)"),
        ({"MORE": "STATUS:CANCELLED"}, "c.ics:4: the event is cancelled"),
    ],
)
def test_a_wrong_event_is_refused_at_its_line(tmp_path: Path, fields: dict[str, str], words: str) -> None:
    assert any(words in line for line in refusal(rota_of(tmp_path, WEEK), event(**fields)))


def test_a_calendar_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    rota = rota_of(tmp_path, WEEK)
    both = event().replace(b"END:VCALENDAR", event(PERSON="X-WATCHFLOOR-PERSON:bob").split(b"PRODID:x\r\n")[1])
    assert refusal(rota, both) == [
        "c.ics:1: bob and cid are both on call from 2026-01-08T08:00Z; expected one person at a time"
    ]


def test_a_rota_with_several_seats_is_not_changed_by_a_calendar(tmp_path: Path) -> None:
    assert "has 2 seats" in refusal(rota_of(tmp_path, WEEK, "seats: 2"), event())[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 5000,
        b"x" * (1024 * 1024 + 1),
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * 2001 + b"END:VCALENDAR\r\n",
        b"\xff\xfe\x00",
    ],
    ids=["empty", "text", "no calendar", "deep", "large", "many", "bytes"],
)
def test_a_hostile_calendar_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(rota_of(tmp_path, WEEK), content)[0].startswith("c.ics:")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_say_nothing(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    rota = rota_of(tmp_path_factory.getbasetemp(), WEEK)
    for text in (content, b"BEGIN:VCALENDAR\r\n" + content + b"\r\nEND:VCALENDAR\r\n"):
        with contextlib.suppress(PeopleRefused):
            assert read_calendar(text, rota, PEOPLE, name="c.ics") == ()
