"""`watchfloor people …`: list the directory, import it, try out what the groups of a sign-in mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.oncall import PANEL, PeopleFile, people_file
from watchfloor.cli.options import JsonFlag, Region
from watchfloor.cli.options import roles as known_roles
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.identity.groups import Groups
    from watchfloor.identity.people import Person
    from watchfloor.identity.people_file import Changes
    from watchfloor.identity.scim import Export

NOT_IMPORTED = "not_imported"
people_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The directory of people.")

GroupsFile = Annotated[
    Path | None, typer.Option("--groups", metavar="FILE", help="What groups mean; `groups.yaml` of the home.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(people_app, list_people, PANEL, name="list")
    register(people_app, import_people, PANEL, name="import")
    register(people_app, from_claims, PANEL, name="from-claims")
    app.add_typer(people_app, name="people", rich_help_panel=PANEL)


def list_people(
    context: typer.Context,
    role: Annotated[str | None, typer.Option(help="Who holds this role.", autocompletion=known_roles)] = None,
    language: Annotated[str | None, typer.Option(help="Who reads this language, such as de.")] = None,
    clearance: Annotated[str | None, typer.Option(help="Who is cleared for this compartment.")] = None,
    people: PeopleFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """List who holds which role where, what they are cleared for, and which languages they read.

    Examples:
      watchfloor people list --region eu
      watchfloor people list --role legal_counsel --language de --json
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.identity.people import load_people

        found = [
            one
            for one in load_people(people_file(context.obj, region, people), region=region)
            if (role is None or role in one.roles)
            and (language is None or any(tag == language or tag.startswith(f"{language}-") for tag in one.languages))
            and (clearance is None or clearance in one.clearances)
        ]
        if as_json:
            print_json(found)
            return
        _print_people(found)


def import_people(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A SCIM 2.0 ListResponse with all users.")],
    groups: GroupsFile = None,
    write: Annotated[bool, typer.Option("--write", help="Write it; left out: only show what would change.")] = False,
    people: PeopleFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take people over from the company's own directory: shows who comes, changes and goes.

    With --write it replaces people.yaml.

    Only ids, roles, groups and our own extension are read; names and addresses are never written. Users who are not
    active are gone. With --region only the people of that region are replaced.

    Examples:
      watchfloor people import users.json
      watchfloor people import users.json --groups groups.yaml --region eu --write
    """
    with edge(as_json):
        from watchfloor.client.errors import Refused
        from watchfloor.identity.people import Directory, PeopleRefused, load_people
        from watchfloor.identity.people_file import compare, write_people
        from watchfloor.identity.scim import read_export

        place = people_file(context.obj, region, people)
        before = load_people(place) if place.exists() else Directory({})
        mapping = _groups(context.obj, groups)
        try:
            export = read_export(file, mapping, before.compartments)
        except PeopleRefused as error:
            raise Refused(NOT_IMPORTED, f"nothing of the file was taken\n{error}") from error
        kept = {one.id: one for one in before if region not in {None, one.region}}
        taken = {id_: one for id_, one in export.people.items() if region in {None, one.region}}
        after = Directory({**kept, **taken}, before.compartments)
        changes = compare(before, after)
        if write and changes:
            write_people(place, after)
        _print_import(place, changes, export, written=write and bool(changes), as_json=as_json)


def from_claims(
    context: typer.Context,
    claims: Annotated[Path, typer.Argument(metavar="CLAIMS.json", help="The claims of an ID token, as JSON.")],
    groups: GroupsFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Try out what a sign-in means: the person that these claims stand for, or everything that is missing.

    It verifies no token and signs nobody in.

    Example:
      watchfloor people from-claims claims.json --groups groups.yaml
    """
    refused: tuple[str, ...] = ()
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client.errors import NotFound
        from watchfloor.identity.groups import ClaimsRefused, person_from_claims, shown

        mapping = _groups(context.obj, groups)
        if mapping is None:
            raise NotFound("no groups file is known; give one with --groups, or put groups.yaml into the home")
        try:
            found = person_from_claims(_read_claims(claims), mapping)
        except ClaimsRefused as error:
            refused = error.faults
            if as_json:
                print_json({"ok": False, "refused": refused})
            else:
                typer.echo("these claims stand for nobody here:")
                for fault in refused:
                    typer.echo(f"  {fault}")
        else:
            unknown = [shown(name) for name in found.unknown]
            if as_json:
                print_json({"ok": True, "person": found.person, "unknown_groups": unknown})
            else:
                _print_people([found.person])
                if unknown:
                    typer.echo(f"groups that mean nothing here: {', '.join(unknown)}")
    if refused:
        raise typer.Exit(Exit.REFUSED)


def _groups(home: Path | None, given: Path | None) -> "Groups | None":
    from watchfloor.identity.groups import load_groups
    from watchfloor.runtime.settings import find_home

    place = given or find_home(home) / "groups.yaml"
    return load_groups(place) if given is not None or place.exists() else None


def _read_claims(file: Path) -> dict[str, object]:
    from watchfloor.client.errors import NotFound
    from watchfloor.identity.scim import read_json

    tree = read_json(file)
    if not isinstance(tree, dict):
        raise NotFound(f"{file.name} holds no JSON object; expected the claims of one ID token")
    return tree


def _print_people(found: "list[Person]") -> None:
    from rich.table import Table

    from watchfloor.cli.console import console

    if not found:
        typer.echo("nobody")
        return
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("PERSON", "REGION", "ROLES", "CLEARED FOR", "READS", "REACHED BY"):
        table.add_column(column, no_wrap=column in {"PERSON", "REGION", "ROLES"}, overflow="fold")
    for one in found:
        marks = (*one.clearances, *(("(covered person)",) if one.covered_person else ()))
        lists = (one.roles, marks, one.languages, one.contacts)
        table.add_row(one.id, one.region, *(", ".join(values) for values in lists))
    console().print(table)


def _print_import(place: Path, changes: "Changes", export: "Export", *, written: bool, as_json: bool) -> None:
    from watchfloor.cli.console import print_json
    from watchfloor.identity.groups import shown

    unknown = [shown(name) for name in export.unknown]
    if as_json:
        more: dict[str, Any] = {"inactive": export.inactive, "left_out": export.left_out, "unknown_groups": unknown}
        print_json(
            {
                "file": str(place),
                "added": changes.added,
                "changed": changes.changed,
                "gone": changes.gone,
                "roles_without_holder": changes.orphaned,
                **more,
                "written": written,
            }
        )
        return
    typer.echo(f"{place}: {len(changes.added)} added, {len(changes.changed)} changed, {len(changes.gone)} gone")
    for id_ in changes.added:
        one = export.people[id_]
        typer.echo(f"+ {id_}  {one.region}  {', '.join(one.roles)}")
    for id_, lines in changes.changed.items():
        for line in lines:
            typer.echo(f"~ {id_}  {line}")
    for id_ in changes.gone:
        typer.echo(f"- {id_}{'  not active any more' if id_ in export.inactive else ''}")
    for id_, why in export.left_out.items():
        typer.echo(f"  {id_} is left out: {why}")
    if unknown:
        typer.echo(f"  groups that mean nothing here: {', '.join(unknown)}")
    for role in changes.orphaned:
        typer.echo(f"! nobody holds {role} any more")
    if not changes:
        typer.echo("nothing to change")
    else:
        typer.echo("written; it counts at once" if written else "nothing was written; add --write")
