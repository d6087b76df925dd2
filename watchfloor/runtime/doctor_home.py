"""What the home directory must hold, and who may read it."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from watchfloor.client.library import library_folder
from watchfloor.identity.oncall import survey
from watchfloor.identity.people import PeopleRefused, load_people
from watchfloor.identity.rota_file import load_rotas
from watchfloor.language import codes, read_register
from watchfloor.language.calendars import known_years
from watchfloor.language.register import LOOKS_AHEAD
from watchfloor.regions.certificates import KeyBook
from watchfloor.regions.keys import KEY_FILES, KeysRefused, RegionKeys
from watchfloor.runtime.doctor import Check, mode_of, now
from watchfloor.runtime.homelock import is_held
from watchfloor.runtime.refusal import SettingsRefused
from watchfloor.runtime.stackfile import read_stack
from watchfloor.signing import parse_instant, render_instant

LEAST_FREE = 512 * 1024 * 1024
"""Bytes: below this a day of incidents may fill the disk. A full disk loses nothing, but nothing goes on either."""

ROTA_DAYS = 14
"""How far ahead the rotas are looked at."""
ENDS_SOON = timedelta(days=14)
"""How long before the end of the face key's certificate the doctor warns."""


def look(home: Path) -> Iterator[Check]:
    if not home.exists():
        parent = next(one for one in home.parents if one.exists())
        if not os.access(parent, os.W_OK):
            yield Check("home", "fail", f"{parent} may not be written", "a writable directory", "set WATCHFLOOR_HOME")
            return
        yield Check("home", "ok", f"{home} is not there yet", "", "`watchfloor up` makes it")
        return
    yield from home_directory(home)
    yield from stack_record(home)
    for directory in region_directories(home):
        keys = region_keys(directory)
        yield keys
        if keys.level != "fail":
            yield face_certificate(directory)
        yield from region_stores(directory)
    yield people(home)
    yield rotas(home)
    yield calendars(home, now().date())


def home_directory(home: Path) -> Iterator[Check]:
    """Writable, not open to others, room left."""
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        yield Check("home", "fail", f"{home} may not be written", "a writable directory", "set WATCHFLOOR_HOME")
        return
    mode = mode_of(home)
    if mode & 0o077:
        yield Check("home", "warn", f"{home} has mode {mode:04o}", "0700", f"chmod 700 {home}")
    else:
        yield Check("home", "ok", f"{home}, mode {mode:04o}")
    disk = os.statvfs(home)
    free = disk.f_bavail * disk.f_frsize
    if free < LEAST_FREE:
        fix = "make room; a full disk stops every incident until there is some"
        yield Check("disk", "warn", f"{free // 1024**2} MiB free", f"at least {LEAST_FREE // 1024**2} MiB", fix)
    else:
        yield Check("disk", "ok", f"{free // 1024**2} MiB free")


def stack_record(home: Path) -> Iterator[Check]:
    """Whether a stack runs here, and whether its record says so."""
    running = is_held(home)
    try:
        record = read_stack(home)
    except SettingsRefused as refusal:
        yield Check("stack", "fail", refusal.found, refusal.expected, refusal.fix)
        return
    if record is None:
        yield Check("stack", "ok", "starting" if running else "no embedded stack runs here")
    elif running:
        yield Check("stack", "ok", f"runs since {record.started_at}, pid {record.owner.pid}")
    else:
        fix = "`watchfloor up` clears what it left and finds its runs again"
        yield Check("stack", "warn", f"the stack of {record.started_at} ended without stopping", "a clean stop", fix)


def region_directories(home: Path) -> list[Path]:
    """The regions that have a directory with keys here."""
    return sorted(path.parent for path in home.glob("*/keys") if path.is_dir())


def region_keys(directory: Path) -> Check:
    """All key files, private to their owner, each what its name says."""
    name = f"keys {directory.name}"
    try:
        RegionKeys.load(directory / "keys")
    except KeysRefused as error:
        fix = "correct the file; keys are never made anew over old ones, because old records need them"
        return Check(name, "fail", str(error), f"{len(KEY_FILES)} key files of mode 0600", fix)
    return Check(name, "ok", f"{len(KEY_FILES)} key files, private")


def face_certificate(directory: Path, now: datetime | None = None) -> Check:
    """The certificate of the key that signs people's statements: there, not revoked, not about to end."""
    name, now = f"face key {directory.name}", now or datetime.now(UTC)
    book = KeyBook(directory / "keys", directory.name, "")
    fix = f"watchfloor keys rotate --region {directory.name}"
    try:
        kid = RegionKeys.load(directory / "keys").face.kid
        if not book.root():
            return Check(name, "warn", "the region has no root key", "a root", "`watchfloor up` makes one")
        book.usable(kid, now)
        ends_at = parse_instant(book.certificates()[kid][0]["not_after"])
    except KeysRefused as error:
        return Check(name, "fail", str(error), "a certificate under the region's root", fix)
    if ends_at - now < ENDS_SOON:
        found = f"the certificate of {kid} ends at {render_instant(ends_at)}"
        return Check(name, "warn", found, f"at least {ENDS_SOON.days} days left", fix)
    return Check(name, "ok", f"{kid}, certified until {render_instant(ends_at)}")


def region_stores(directory: Path) -> Iterator[Check]:
    """The ledger's file, if there is one yet: readable and sound."""
    ledger = directory / "ledger.sqlite"
    if not ledger.exists():
        return
    name = f"ledger {directory.name}"
    try:
        connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
        try:
            (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        verdict = type(error).__name__
    if verdict != "ok":
        fix = "stop the worker, keep the file as it is, restore a backup, check that with `watchfloor ledger verify`"
        yield Check(name, "fail", f"{ledger}: {verdict}", "a sound SQLite file", fix)
    else:
        yield Check(name, "ok", f"{ledger}, {ledger.stat().st_size // 1024} KiB")


def people(home: Path) -> Check:
    """The directory of people."""
    path = home / "people.yaml"
    if not path.exists():
        return Check("people", "warn", f"no {path}", "a directory of people", "`watchfloor up` puts a development one")
    try:
        directory = load_people(path)
    except PeopleRefused as error:
        first, *more = str(error).splitlines()
        also = f" (and {len(more)} more)" if more else ""
        return Check("people", "fail", first + also, "a valid directory of people", "correct the place named")
    return Check("people", "ok", f"{len(directory)} people in {', '.join(directory.regions())}")


def rotas(home: Path) -> Check:
    """The rotas: that they load, and that nobody is missing or booked twice in the days to come."""
    path = home / "rotas.yaml"
    if not path.exists():
        return Check("rotas", "ok", "none; everybody who holds a role is told (docs/guides/people.md)")
    try:
        found = load_rotas(path)
        directory = load_people(home / "people.yaml")
    except PeopleRefused as error:
        first, *more = str(error).splitlines()
        also = f" (and {len(more)} more)" if more else ""
        return Check("rotas", "fail", first + also, "valid rotas over a valid directory", "correct the place named")
    wrong = [one for one in survey(found, directory, now(), ROTA_DAYS).problems if one.is_error]
    if wrong:
        first_one = wrong[0]
        when = f" from {first_one.start_at:%Y-%m-%dT%H:%MZ}" if first_one.start_at else ""
        also = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        said = f"{first_one.where}: {first_one.region} {first_one.role}{when}: {first_one.words}{also}"
        expected = f"somebody on call, one at a time, for {ROTA_DAYS} days"
        return Check("rotas", "warn", said, expected, "see `watchfloor oncall`, then `watchfloor rota override`")
    return Check("rotas", "ok", f"{len(found.rotas)} rotas, nobody missing or booked twice for {ROTA_DAYS} days")


def calendars(home: Path, today: date) -> Check:
    """Whether the holidays that clocks and rotas are counted by are known for a year to come."""
    register = library_folder() / "clocks.yaml"
    _, findings = read_register(register.read_bytes(), path=str(register), today=today)
    ending = [one.message for one in findings if one.code == codes.CALENDAR_ENDS.number]
    if ending:
        also = f" (and {len(ending) - 1} more)" if len(ending) > 1 else ""
        return Check("calendars", "warn", ending[0] + also, "a calendar that reaches further", "see `watchfloor lint`")
    try:
        found = load_rotas(home / "rotas.yaml").rotas if (home / "rotas.yaml").exists() else ()
    except PeopleRefused:
        return Check("calendars", "ok", "those of the clocks are known; the rotas do not load")
    places = {layer.holidays.place for rota in found for layer in rota.layers if layer.holidays is not None}
    for place in sorted(places):
        last = known_years(place)[1]
        if last < (today + timedelta(days=LOOKS_AHEAD)).year:
            found_ = f"rotas.yaml: the holidays of {place} are known to the end of {last} only"
            return Check("calendars", "warn", found_, "holidays for a year to come", "update the package `holidays`")
    return Check("calendars", "ok", "holidays and clocks of every place are known for a year and more")
