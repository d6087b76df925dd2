"""What both renderings of a sheet say: the same words on a printed page and in Markdown."""

from watchfloor.paper.sheet import Box, PaperClock, Sheet

BEFORE = (
    "Watchfloor does not answer. Work from this sheet. No clock stands still because of that.",
    "Write real times in UTC, with the date, when they happen and not afterwards.",
    "Every seat is filled by another person; whoever asked for a thing does not approve it. Silence is never a yes.",
    "When Watchfloor is back: `watchfloor import-by-hand` takes the record in, and does not do again what is recorded.",
)


def head_line(sheet: Sheet) -> str:
    """What stands on every page: which runbook, which version, when it was printed."""
    return f"{sheet.runbook} v{sheet.version} · printed {sheet.printed_at:%Y-%m-%d %H:%M} UTC"


def foot_line(sheet: Sheet) -> str:
    """The exact plan; compare it with `watchfloor print RUNBOOK --json` before trusting an old print."""
    return f"plan {sheet.digest}"


def blank_lines(sheet: Sheet) -> tuple[str, ...]:
    """What is written down before anything else."""
    return (
        "Incident, name or number",
        "First known at (UTC), by whom, how",
        "Work on paper began at (UTC)",
        f"Severity (begins at {sheet.severity})",
        "Commander, since",
        "Deputy, who keeps the clocks",
        *(f"Input `{name}`" for name in sheet.inputs),
    )


def count_people(box: Box) -> str:
    """How many different people must agree or answer."""
    people = len(box.seats)
    if not people:
        return ""
    return "one person" if people == 1 else f"{people} different people"


def clock_blanks(clock: PaperClock) -> tuple[str, ...]:
    """What is written beside a clock."""
    if clock.keeps:
        return ("from", "keep until")
    return ("started at", f"due at (+ {clock.adds})", "stopped at")
