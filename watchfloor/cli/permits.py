"""Who may do what: ask the policies without doing anything, check them, run their tests."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Region, Role
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.permission import Ruling

PANEL = "People and permission"

policies_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Check and test the Cedar policies.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, can, PANEL)
    register(policies_app, check_policies, PANEL, name="check")
    register(policies_app, check_table, PANEL, name="test")
    app.add_typer(policies_app, name="policies", rich_help_panel=PANEL)


def can(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id of the directory of people.")],
    verb: Annotated[str, typer.Argument(metavar="VERB", help="decide, control, send_fact, view, export, start, …")],
    what: Annotated[
        str, typer.Argument(metavar="[STEP]", help="The step to decide; for control: pause, resume, abort.")
    ] = "",
    incident: Annotated[str | None, typer.Option("--incident", metavar="ID", help="An open run.")] = None,
    runbook: Annotated[str | None, typer.Option("--runbook", help="A runbook that nobody has started.")] = None,
    option: Annotated[str, typer.Option("--option", help="The option; left out: the first that grants.")] = "",
    role: Role = None,
    requester: Annotated[str, typer.Option("--requester", help="Who would have asked for it (with --runbook).")] = "",
    people: Annotated[Path | None, typer.Option("--people", help="Directory of people (with --runbook).")] = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Would it be allowed? Yes or no, with every reason: the policies' and the engine's own. Changes nothing.

    Examples:
      watchfloor can counsel-1 decide order_doubt --incident inc-4fkq
      watchfloor can ops-1 decide disable \\
        --runbook eu-tco-removal-order --option approve
      watchfloor can ops-1 control pause --runbook eu-tco-removal-order
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json
        from watchfloor.client.errors import NotFound
        from watchfloor.client.simulation import rule_on_run, rule_on_runbook

        if (incident is None) == (runbook is None):
            raise NotFound("say about what: `--incident ID` for an open run, `--runbook ID` for one not yet started")
        ruling: Ruling
        if runbook is not None:
            ruling = rule_on_runbook(
                runbook, person, verb, what, option, role=role, requester=requester, people=people, home=context.obj
            )
        else:
            from watchfloor.cli.faces import at_run

            ruling = at_run(context, region, incident, rule_on_run, person, verb, what, option, role=role)
        if as_json:
            print_json({"allowed": ruling.allowed, "permits": ruling.permits, "reasons": ruling.reasons})
        else:
            style, word = ("bold green", "yes") if ruling.allowed else ("bold red", "no")
            console().print(f"{word}: {person} {verb} {what}".rstrip(), style=style, soft_wrap=True)
            for line in explain(ruling):
                console().print(line, soft_wrap=True, markup=False)
    if not ruling.allowed:
        raise typer.Exit(Exit.REFUSED)


def explain(ruling: "Ruling") -> list[str]:
    """Why, in lines: first each rule and what to do about it, under them which policies say so and what they saw.

    A policy that would permit only other options than the one asked for is named, and no more.
    """
    elsewhere = [one for one in ruling.objections if one.is_of_another_option]
    meant = [one for one in ruling.objections if one not in elsewhere]
    if not meant:
        meant, elsewhere = elsewhere, []
    lines = [f"  permitted by policy `{name}`" for name in ruling.permits]
    for one in meant:
        lines += [f"  wants  {one.wants}", f"  do     {one.fix}"]
    lines += [f"  rule   {one}" for one in ruling.others]
    if meant:
        lines.append("")
    for one in meant:
        lines.append(f"  policy `{one.policy}` ({one.place})")
        lines += [f"    found {each}" for each in one.found]
    if elsewhere:
        named = ", ".join(f"`{one.policy}`" for one in elsewhere)
        lines.append(f"  about other options, all in full with --json: {named}")
    return lines


def check_policies(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="A region's own policies; left out: the shipped ones alone."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Hold policies against the schema; every fault with its file and line. Exit code 1 when there is one.

    Examples:
      watchfloor policies check
      watchfloor policies check .watchfloor/eu/policies
    """
    with edge(as_json):
        from watchfloor.authorisation import PoliciesRefused
        from watchfloor.authorisation.policies_file import SHIPPED, read_policies
        from watchfloor.cli.console import print_json
        from watchfloor.client.errors import NotFound

        if folder is not None and not folder.is_dir():
            raise NotFound(f"`{folder}` is no folder; expected one with `*.cedar` files")
        faults: list[str] = []
        count = 0
        try:
            count = len(read_policies(SHIPPED, *([folder] if folder else [])))
        except PoliciesRefused as error:
            faults = list(map(str, error.faults))
        if as_json:
            print_json({"ok": not faults, "policies": count, "faults": faults})
        else:
            typer.echo("\n".join(faults) if faults else f"{count} policies fit the schema")
    if faults:
        raise typer.Exit(Exit.REFUSED)


def check_table(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="YAML: people, and cases with what is expected.")],
    policies: Annotated[Path | None, typer.Option("--policies", help="A region's own policies as well.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the tests of policies: each case asks one question and says which answer it wants, and by which policy.

    Example:
      watchfloor policies test policies.test.yaml --policies eu/policies
    """
    with edge(as_json):
        from watchfloor.authorisation import load_authority
        from watchfloor.authorisation.tables import run_table
        from watchfloor.cli.console import print_json

        results = run_table(load_authority(policies), table)
        failed = [one for one in results if not one.holds]
        if as_json:
            print_json({"ok": not failed, "cases": results})
        else:
            for one in failed:
                typer.echo(f"{table}:{one.line}: expected {one.expected}, found {one.found}")
            typer.echo(f"{len(results) - len(failed)} of {len(results)} cases hold")
    if failed:
        raise typer.Exit(Exit.REFUSED)
