"""Rotas in a few words, for tests: nobody here exists."""

from datetime import UTC, datetime
from pathlib import Path

from watchfloor.identity.people import Directory, Person
from watchfloor.identity.rota_file import load_rotas
from watchfloor.identity.rotas import Rota, Rotas

ROLE = "legal_counsel"


def at(text: str) -> datetime:
    """`12-24 08:00` of 2026, UTC."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def people(*ids: str, role: str = ROLE) -> Directory:
    return Directory({one: Person(one, (role,), "example-ie", "eu", (f"desk_{one[0]}",)) for one in ids})


def rotas_of(folder: Path, layers: str, more: str = "") -> Rotas:
    """One rota `counsel`; `layers` in flow style, `more` as further lines of it."""
    lines = "".join(f"    {line}\n" for line in more.splitlines())
    text = f"rotas:\n  counsel:\n    role: {ROLE}\n    region: eu\n    layers:\n      {layers}\n{lines}"
    file = folder / "rotas.yaml"
    file.write_text(text)
    return load_rotas(file)


def rota_of(folder: Path, layers: str, more: str = "") -> Rota:
    (rota,) = rotas_of(folder, layers, more).rotas
    return rota


WEEK = "week: {zone: Europe/Dublin, days: every day, hours: 08:00-08:00, people: [ann, bob], start: 2026-01-06}"
"""One person has the phone for a week, from Tuesday morning."""
