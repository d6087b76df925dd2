"""`watchfloor rota …`: change rotas by command. What would change is shown first and written whole or not at all."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.oncall import PANEL, PeopleFile, RotasFile, people_file, read_at, read_files, rotas_file
from watchfloor.cli.options import JsonFlag, Region
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.identity.people import Directory
    from watchfloor.identity.rotas import Rota, Rotas

rota_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Change who is on call.")

Write = Annotated[bool, typer.Option("--write", help="Write it; left out: only show what would change.")]
RotaName = Annotated[str, typer.Option("--rota", help="Name of the rota.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(rota_app, override, PANEL)
    register(rota_app, swap, PANEL)
    register(rota_app, import_calendar, PANEL, name="import")
    app.add_typer(rota_app, name="rota", rich_help_panel=PANEL)


def override(
    context: typer.Context,
    rota: Annotated[str, typer.Argument(metavar="ROTA", help="Name of the rota.")],
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who is on call instead.")],
    since: Annotated[str, typer.Option("--from", metavar="INSTANT", help="Such as 2026-12-24T08:00Z; `now` too.")],
    to: Annotated[str, typer.Option("--to", metavar="INSTANT", help="When the rota counts again.")],
    instead_of: Annotated[str, typer.Option("--instead-of", metavar="PERSON", help="Only in this one's place.")] = "",
    write: Write = False,
    rotas: RotasFile = None,
    people: PeopleFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Put somebody on call for a while, whoever has the turn. Without --write it only shows what changes.

    Example:
      watchfloor rota override eu-counsel counsel-3 \\
        --from 2026-12-25T08:00Z --to 2026-12-27T08:00Z --write
    """
    with edge(as_json):
        from watchfloor.client.errors import NotFound
        from watchfloor.identity.rotas import Override

        found, directory = read_files(context.obj, region, rotas, people)
        begin, end = read_at(since), read_at(to)
        if end <= begin:
            raise NotFound(f"`--to` does not lie after `--from`: {since} to {to}")
        chosen = _find(found, rota)
        for one in filter(None, (person, instead_of)):
            _require_fit(chosen, one, directory)
        change = Override(begin, end, person, instead_of, ())
        _carry_out(rotas_file(context.obj, region, rotas), chosen, [change], write=write, as_json=as_json)


def swap(
    context: typer.Context,
    rota: Annotated[str, typer.Argument(metavar="ROTA", help="Name of the rota.")],
    one: Annotated[str, typer.Argument(metavar="PERSON@START", help="A shift: counsel-1@2026-12-01T08:00Z")],
    other: Annotated[str, typer.Argument(metavar="PERSON@START", help="The shift it is exchanged for.")],
    write: Write = False,
    rotas: RotasFile = None,
    people: PeopleFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Let two people exchange one shift each. A shift is named by who has it and when it starts.

    Example:
      watchfloor rota swap eu-counsel \\
        counsel-1@2026-12-01T08:00Z counsel-2@2026-12-08T08:00Z --write
    """
    with edge(as_json):
        from watchfloor.identity.rotas import Swap

        found, _ = read_files(context.obj, region, rotas, people)
        chosen = _find(found, rota)
        change = Swap(_given(chosen, one), _given(chosen, other), ())
        _carry_out(rotas_file(context.obj, region, rotas), chosen, [change], write=write, as_json=as_json)


def import_calendar(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.ics", help="A calendar, as `oncall --export` writes it.")],
    rota: RotaName,
    write: Write = False,
    rotas: RotasFile = None,
    people: PeopleFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take over from a calendar who is on call: what differs from the rota becomes overrides.

    Without --write it only shows what changes.

    Example:
      watchfloor rota import oncall.ics --rota eu-counsel --write
    """
    with edge(as_json):
        from watchfloor.cli.directory import NOT_IMPORTED
        from watchfloor.client.errors import NotFound, Refused
        from watchfloor.identity.people import PeopleRefused, load_people
        from watchfloor.identity.rota_calendar import MAX_CALENDAR, read_calendar, to_override
        from watchfloor.identity.rota_file import load_rotas
        from watchfloor.identity.rotas import Override

        place = rotas_file(context.obj, region, rotas)
        chosen = _find(load_rotas(place), rota)
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_CALENDAR + 1)
        except OSError as error:
            raise NotFound(f"{file} cannot be read: {error.strerror}") from error
        directory = load_people(people_file(context.obj, region, people))
        try:
            wanted = read_calendar(content, chosen, directory, name=file.name)
        except PeopleRefused as error:
            raise Refused(NOT_IMPORTED, f"nothing of the calendar was taken\n{error}") from error
        changes = [Override(one.start_at, one.end_at, one.person, "", ()) for one in to_override(chosen, wanted)]
        _carry_out(place, chosen, changes, write=write, as_json=as_json)


def _find(rotas: "Rotas", name: str) -> "Rota":
    from watchfloor.client.errors import NotFound

    found = rotas.find(name)
    if found is None:
        there = ", ".join(f"`{one.name}`" for one in rotas.rotas) or "none"
        raise NotFound(f"there is no rota `{name}` in {rotas.file}; there are: {there}")
    return found


def _require_fit(rota: "Rota", person: str, directory: "Directory") -> None:
    from watchfloor.client.errors import NotFound
    from watchfloor.identity.rota_problems import fits

    if not fits(rota, person, directory):
        able = ", ".join(one.id for one in directory.holders(rota.role, rota.region)) or "nobody"
        raise NotFound(
            f"`{person}` is not in the directory, or does not hold `{rota.role}` in region `{rota.region}`; "
            f"who does: {able}"
        )


def _given(rota: "Rota", text: str) -> Any:
    from datetime import timedelta

    from watchfloor.client.errors import NotFound
    from watchfloor.identity.rota_edit import render_instant
    from watchfloor.identity.rotas import Given
    from watchfloor.identity.shifts import shifts_between

    person, mark, start = text.partition("@")
    if not mark:
        raise NotFound(f"found `{text[:80]}`; expected a shift such as `counsel-1@2026-12-01T08:00Z`")
    at = read_at(start)
    around = shifts_between(rota, at - timedelta(days=7), at + timedelta(days=7))
    if not any((one.person, one.start_at) == (person, at) for one in around):
        near = ", ".join(f"{person}@{render_instant(one.start_at)}" for one in around if one.person == person)
        raise NotFound(f"`{person}` has no shift of `{rota.name}` that starts at {start}; near it: {near or 'none'}")
    return Given(person, at)


def _carry_out(place: Path, rota: "Rota", changes: list[Any], *, write: bool, as_json: bool) -> None:
    from watchfloor.cli.console import print_json
    from watchfloor.identity.rota_edit import with_changes, write_changes

    before = place.read_text(encoding="utf-8").split("\n") if changes else []
    after = with_changes(place, rota.name, changes).split("\n") if changes else []
    added = _added(before, after)
    if changes and write:
        write_changes(place, rota.name, changes)
    if as_json:
        print_json({"file": str(place), "rota": rota.name, "changes": len(changes), "added": added, "written": write})
        return
    if not changes:
        typer.echo(f"nothing to change: the rota `{rota.name}` says the same")
        return
    typer.echo(f"{place}, rota `{rota.name}`: {len(changes)} {'change' if len(changes) == 1 else 'changes'}")
    for line in added:
        typer.echo(f"+ {line}")
    typer.echo("written; it counts at once" if write else "nothing was written; add --write")


def _added(before: list[str], after: list[str]) -> list[str]:
    import difflib

    return [line[2:] for line in difflib.ndiff(before, after) if line.startswith("+ ")]
