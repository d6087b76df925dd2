"""`watchfloor oncall`: who is on call now and in the days to come, and what is wrong with that."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Region
from watchfloor.cli.options import roles as known_roles
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.identity.oncall import Survey
    from watchfloor.identity.people import Directory
    from watchfloor.identity.rotas import Rotas, Shift

PANEL = "People and permission"

RotasFile = Annotated[
    Path | None, typer.Option("--rotas", metavar="FILE", help="Rotas; `rotas.yaml` of the home when left out.")
]
PeopleFile = Annotated[
    Path | None, typer.Option("--people", metavar="FILE", help="Directory; `people.yaml` of the home when left out.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, oncall, PANEL)


def oncall(
    context: typer.Context,
    role: Annotated[str | None, typer.Option(help="This role only.", autocompletion=known_roles)] = None,
    at: Annotated[str, typer.Option(metavar="INSTANT", help="Instead of now, such as 2026-12-24T08:00Z.")] = "now",
    days: Annotated[int, typer.Option(min=1, max=92, help="How many days to look at.")] = 14,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Also draw it as SVG.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Also write an iCalendar file.")
    ] = None,
    rotas: RotasFile = None,
    people: PeopleFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Show who is on call now and in the next 14 days; gaps and double bookings stand out, and give exit code 1.

    Needs no engine: it reads rotas.yaml and people.yaml.

    Examples:
      watchfloor oncall
      watchfloor oncall --region eu --at 2026-12-20T00:00Z --days 21
      watchfloor oncall --role legal_counsel --svg oncall.svg --export oncall.ics
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json
        from watchfloor.identity.oncall import survey

        found_rotas, directory = read_files(context.obj, region, rotas, people)
        chosen = choose(found_rotas, region, role)
        found = survey(chosen, directory, read_at(at), days)
        if svg is not None:
            from watchfloor.identity.rota_picture import render_rotas

            write(svg, render_rotas(found).encode())
        if export is not None:
            from watchfloor.identity.rota_calendar import export_calendar

            write(export, export_calendar(chosen, found.at, found.until, now=read_at("now")))
        if as_json:
            print_json(as_dict(found))
        else:
            from watchfloor.cli.oncall_view import render_survey

            screen = console()
            for line in render_survey(found):
                screen.print(line, soft_wrap=True)
    if found.has_errors:
        raise typer.Exit(Exit.REFUSED)


def read_files(
    home: Path | None, region: str | None, rotas: Path | None, people: Path | None
) -> tuple["Rotas", "Directory"]:
    """The rotas and the directory, from the files named or from the home.

    Raises:
        PeopleRefused: a file does not load.
        NotFound: there are no rotas.
    """
    from watchfloor.client.errors import NotFound
    from watchfloor.identity.people import load_people
    from watchfloor.identity.rota_file import load_rotas

    place = rotas_file(home, region, rotas)
    if not place.exists():
        raise NotFound(
            f"there are no rotas: {place} is missing; without rotas everybody who holds a role is told. "
            "`watchfloor up` puts a development file into a new home; docs/guides/people.md shows how to write one"
        )
    return load_rotas(place), load_people(people_file(home, region, people))


def rotas_file(home: Path | None, region: str | None, given: Path | None = None) -> Path:
    """Where the rotas are: as given, as `watchfloor.toml` says for the region, or `rotas.yaml` of the home."""
    from watchfloor.runtime.regionfile import read_region_file
    from watchfloor.runtime.settings import find_home

    place = find_home(home)
    table = read_region_file(place, region) if region is not None else None
    return given or (table.rotas if table else None) or place / "rotas.yaml"


def people_file(home: Path | None, region: str | None, given: Path | None = None) -> Path:
    """Where the directory of people is: as given, as `watchfloor.toml` says, or `people.yaml` of the home."""
    from watchfloor.runtime.regionfile import read_region_file
    from watchfloor.runtime.settings import find_home

    place = find_home(home)
    table = read_region_file(place, region) if region is not None else None
    return given or (table.people if table else None) or place / "people.yaml"


def choose(rotas: "Rotas", region: str | None, role: str | None) -> "Rotas":
    """The rotas of a region and role.

    Raises:
        NotFound: there is none.
    """
    from dataclasses import replace

    from watchfloor.client.errors import NotFound

    kept = tuple(one for one in rotas.rotas if region in {None, one.region} and role in {None, one.role})
    if not kept:
        there = ", ".join(f"{one.region} {one.role}" for one in rotas.rotas) or "none"
        wanted = " ".join(word for word in (region, role) if word) or "anything"
        raise NotFound(f"no rota covers {wanted}; there are: {there}")
    return replace(rotas, rotas=kept)


def read_at(text: str) -> datetime:
    """`now`, or an instant with its zone.

    Raises:
        NotFound: it is neither.
    """
    from datetime import UTC

    from watchfloor.client.errors import NotFound
    from watchfloor.identity.rota_file import read_instant

    if text == "now":
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return read_instant(text)
    except ValueError as error:
        raise NotFound(f"{error}, or `now`") from error


def write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        NotFound: it cannot be written.
    """
    from watchfloor.client.errors import NotFound
    from watchfloor.identity.writing import write_whole

    try:
        write_whole(file, content)
    except OSError as error:
        raise NotFound(f"{file} cannot be written: {error.strerror}") from error


def as_dict(found: "Survey") -> dict[str, Any]:
    """The survey as JSON has it."""
    return {
        "at": found.at,
        "until": found.until,
        "ok": not found.has_errors,
        "rotas": [
            {
                "rota": view.rota.name,
                "role": view.rota.role,
                "region": view.rota.region,
                "seats": view.rota.seats,
                "zone": view.rota.zone().key,
                "on_call": [shift.person for shift in view.now],
                "until": view.until_at,
                "shifts": [_shift(shift) for shift in view.shifts],
            }
            for view in found.views
        ],
        "problems": [
            {
                "kind": one.kind,
                "rota": one.rota,
                "role": one.role,
                "region": one.region,
                "from": one.start_at,
                "to": one.end_at,
                "people": list(one.people),
                "words": one.words,
                "where": one.where,
            }
            for one in found.problems
        ],
    }


def _shift(shift: "Shift") -> dict[str, Any]:
    return {
        "from": shift.start_at,
        "to": shift.end_at,
        "person": shift.person,
        "layer": shift.layer,
        "why": shift.why,
    }
