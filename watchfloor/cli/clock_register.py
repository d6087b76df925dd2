"""`watchfloor clocks`: the register for people who answer for it, and how a due instant comes about."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.register import RegisterRow
    from watchfloor.language import Finding

PANEL = "For authors"
SOON = 90
"""Days ahead that `due` looks, unless said otherwise."""

clocks_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The clock register: laws as time.")

Register = Annotated[
    Path | None, typer.Option("--register", help="Another register than the shipped one.", dir_okay=False)
]
Owner = Annotated[str, typer.Option("--owner", help="Only rows of this owner, such as legal-eu.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="DAY", help="Judge reviews as of this day; left out: today.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(clocks_app, list_rows, PANEL, name="list")
    register(clocks_app, due_rows, PANEL, name="due")
    register(clocks_app, explain_row, PANEL, name="explain")
    app.add_typer(clocks_app, name="clocks", rich_help_panel=PANEL)


def list_rows(
    owner: Owner = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only rows that are past their review.")] = False,
    as_of: AsOf = "",
    register_: Register = None,
    as_json: JsonFlag = False,
) -> None:
    """List the clock register: each law's length, how well it is known, who answers for it, when it is reviewed.

    The mark M says how a row is known: V seen in the law's own text, S in a secondary source, T reported, P our own
    choice.

    Examples:
      watchfloor clocks list
      watchfloor clocks list --owner legal-eu --overdue
      watchfloor clocks list --json
    """
    with edge(as_json):
        today = read_day(as_of)
        rows = [row for row in _rows(register_, owner) if not overdue or row["review_after"] < today.isoformat()]
        _print(rows, today, as_json)


def due_rows(
    owner: Owner = "",
    within: Annotated[int, typer.Option("--within", min=0, max=3650, help="Days ahead.")] = SOON,
    as_of: AsOf = "",
    register_: Register = None,
    as_json: JsonFlag = False,
) -> None:
    """List the rows whose review is over or comes soon, the earliest first. Exit code 1 when one is over.

    Examples:
      watchfloor clocks due
      watchfloor clocks due --owner legal-in --within 120
    """
    with edge(as_json):
        today = read_day(as_of)
        end = date.fromordinal(today.toordinal() + within).isoformat()
        rows = sorted(
            (row for row in _rows(register_, owner) if row["review_after"] <= end),
            key=lambda row: (row["review_after"], row["id"]),
        )
        _print(rows, today, as_json)
    if any(row["review_after"] < today.isoformat() for row in rows):
        raise typer.Exit(Exit.REFUSED)


def explain_row(
    id_: Annotated[str, typer.Argument(metavar="ID", help="A row of the register, such as eu.tco.removal.")],
    start: Annotated[
        str, typer.Option("--start", metavar="INSTANT", help="When the fact was there that starts it (RFC 3339).")
    ] = "",
    place: Annotated[
        str, typer.Option("--place", help="Count the business days of this place: DE, DE-BY, US-CA.")
    ] = "",
    zone: Annotated[str, typer.Option("--zone", help="The place's time zone, such as Europe/Berlin.")] = "",
    register_: Register = None,
    as_json: JsonFlag = False,
) -> None:
    """Explain a row, and with --start compute when it is due, step by step, each day that is left out by its name.

    Examples:
      watchfloor clocks explain eu.tco.removal --start 2026-11-22T03:10:00Z
      watchfloor clocks explain us.state.breach.ca --start 2027-02-20T09:00:00-08:00
      watchfloor clocks explain ours.postmortem --start 2026-12-21T12:00:00Z --place DE-BY --zone Europe/Berlin
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client.reckoning import reckon, with_place
        from watchfloor.drawing.words import render_reach

        row = _find(_load(register_), id_)
        if place or zone:
            _check_place(row, place, zone)
            row = with_place(row, place, zone)
        found = reckon(row, _instant(start)) if start else None
        if as_json:
            print_json({"row": row, "reckoning": found})
            return
        for line in _describe(row):
            typer.echo(line)
        if found is None:
            return
        typer.echo("")
        for number, step in enumerate(found.steps, start=1):
            typer.echo(f"  {number}. {step}")
        if found.known is not None:
            typer.echo(f"  check by hand: offsets and holidays are known {render_reach(found.known)} only")


def _print(rows: "list[RegisterRow]", today: date, as_json: bool) -> None:
    from watchfloor.cli.console import print_json

    if as_json:
        print_json({"as_of": today.isoformat(), "rows": rows})
        return
    if not rows:
        typer.echo("no row of the register")
        return
    typer.echo(f"{'ROW':<31} {'TIME':<15} M {'OWNER':<16} REVIEW")
    for row in rows:
        late = "  OVERDUE" if row["review_after"] < today.isoformat() else ""
        typer.echo(
            f"{row['id']:<31} {say_length(row):<15} {row['basis']} {row['owner']:<16} {row['review_after']}{late}"
        )
        for line in _fold(f"{row['title']} · {row['legal_ref']}", 76):
            typer.echo(f"    {line}")
    late_rows = sum(row["review_after"] < today.isoformat() for row in rows)
    typer.echo(f"\n{len(rows)} {'row' if len(rows) == 1 else 'rows'}, {late_rows} past review on {today.isoformat()}")
    typer.echo("M: V seen in the law's own text, S in a secondary source, T reported, P our own choice")


def say_length(row: "RegisterRow") -> str:
    """`1h`, `ours 4h`, `keep 12 months`, `30d calendar`: what the row sets, in a word or two."""
    if row["kind"] == "info":
        return "no clock"
    if row["kind"] == "promptly":
        return f"ours {_span(row['internal_slo'] or 0)}"
    if row["business_days"] is not None:
        length = f"{row['business_days']}bd"
    elif row["months"] is not None:
        length = f"{row['months']} month" + ("" if row["months"] == 1 else "s")
    else:
        length = _span(row["duration"] or 0)
        length += " calendar" if "counted" in row else ""
    words = {"min_retention": "keep ", "max_retention": "up to ", "retired": "was "}
    return words.get(row["kind"], "") + length


def _span(seconds: float) -> str:
    """As laws say it: hours up to four days."""
    from watchfloor.drawing import render_span

    hours, rest = divmod(seconds, 3600)
    return f"{hours:g}h" if not rest and hours <= 96 else render_span(seconds)


def _describe(row: "RegisterRow") -> "Iterator[str]":
    marks = {
        "V": "seen in the law's own text or an official copy",
        "S": "seen in a secondary source",
        "T": "reported, not seen in readable form",
        "P": "our own choice",
    }
    yield row["id"]
    yield from (f"  {line}" for line in _fold(row["title"], 76))
    parts: list[tuple[str, str]] = [
        ("law", row["legal_ref"]),
        ("kind", row["kind"]),
        ("time", say_length(row)),
        ("mark", f"{row['basis']}: {marks[row['basis']]}"),
        ("owner", f"{row['owner']}, review after {row['review_after']}"),
        ("starts", row.get("trigger", "")),
        ("who acts", row.get("actor", "")),
        ("record", ", ".join(row.get("record", ()))),
        ("limits", ", ".join(f"{name} {count}" for name, count in row.get("thresholds", {}).items())),
    ]
    if "counted" in row:
        rule = row["counted"]
        days = rule["kind"].replace("_", " ") + (f" of {rule['place']}" if rule["place"] else "")
        parts.insert(3, ("calendar", f"{days}, which end at midnight in {rule['zone']}"))
    if "pause_on" in row:
        then = "begins anew" if row.get("after_pause") == "restart" else "goes on where it was"
        parts.append(("pauses", f"{', '.join(row['pause_on'])}; then it {then}"))
    if "renew" in row:
        times = f"at most {row['renew']['max']} time{'s' if row['renew']['max'] > 1 else ''}"
        basis = f" (mark {row['renew_basis']})" if "renew_basis" in row else ""
        parts.append(("renewal", f"adds {_span(row['renew']['add'])}, {times}{basis}"))
    if "conflicts" in row:
        parts.append(("conflicts", ", ".join(row["conflicts"])))
    parts += [("mind", f"[{trap['basis']}] {trap['says']}") for trap in row.get("traps", ())]
    for label, words in parts:
        for number, line in enumerate(_fold(words, 66)):
            yield f"  {label if number == 0 else '':<10} {line}"


def _fold(words: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(words, width)


def _load(path: Path | None) -> "dict[str, RegisterRow]":
    from watchfloor.client.errors import NotFound
    from watchfloor.client.library import clock_register
    from watchfloor.language import RegisterRefused, load_register

    if path is None:
        return clock_register()
    try:
        return load_register(path)
    except OSError as error:
        raise NotFound(f"cannot read `{path}`: {error.strerror}; check the path") from error
    except RegisterRefused as error:
        raise NotFound(f"`{path}` is no register that can be used:\n{error}") from error


def _rows(path: Path | None, owner: str) -> "list[RegisterRow]":
    from watchfloor.client.errors import NotFound

    rows = _load(path)
    owners = sorted({row["owner"] for row in rows.values()})
    if owner and owner not in owners:
        raise NotFound(f"no row is owned by `{owner[:80]}`; the owners are {', '.join(owners)}")
    return [row for row in rows.values() if owner in {"", row["owner"]}]


def _find(rows: "dict[str, RegisterRow]", id_: str) -> "RegisterRow":
    from watchfloor.client.errors import NotFound
    from watchfloor.language.findings import nearest

    if id_ not in rows:
        near = nearest(id_, rows)
        hint = f"did you mean `{near}`?" if near else "`watchfloor clocks list` has them all"
        raise NotFound(f"`{id_[:80]}` is not in the clock register; {hint}")
    return rows[id_]


def _check_place(row: "RegisterRow", place: str, zone: str) -> None:
    from watchfloor.language.calendars import find_place_fault, find_zone_fault

    if not place or not zone:
        raise typer.BadParameter("--place and --zone go together: whose holidays, and at whose midnight a day ends")
    if row["business_days"] is None:
        raise typer.BadParameter(f"`{row['id']}` is not counted in business days, so no place's holidays matter")
    fault = find_place_fault(place) or find_zone_fault(zone)
    if fault:
        raise typer.BadParameter(fault)


def register_findings(today: date, laws: set[str] | None) -> "list[Finding]":
    """What the shipped register is warned of on a day: its rows that are past their review, calendars that end soon.

    Args:
        laws: only these rows; None for all.
    """
    from watchfloor.cli.runbook_files import shown
    from watchfloor.client.library import library_folder
    from watchfloor.language import codes, read_register

    path = library_folder() / "clocks.yaml"
    rows, findings = read_register(path.read_bytes(), path=str(shown(path)), today=today)
    asked = {id_ for id_ in rows if laws is None or id_ in laws}
    dated = {codes.REVIEW_OVERDUE.number, codes.CALENDAR_ENDS.number}
    return [one for one in findings if one.code in dated and one.message.split("`")[1] in asked]


def read_day(text: str) -> date:
    """A day as typed; today (UTC) when nothing is."""
    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError as error:
        raise typer.BadParameter(f"`{text[:40]}` is no day such as 2027-05-01") from error


def _instant(text: str) -> datetime:
    from watchfloor.signing import parse_instant

    try:
        at = parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"`{text[:60]}` is no instant with its offset, such as 2026-11-22T03:10:00Z"
        ) from error
    if not 1970 <= at.year <= 2200:
        raise typer.BadParameter(f"`{text[:60]}` is out of range; expected a year from 1970 to 2200")
    return at
