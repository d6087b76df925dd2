"""`watchfloor doctor`: print what the checks found, and how to fix it."""

from pathlib import Path

from rich.text import Text

from watchfloor.cli.console import console, print_json
from watchfloor.runtime import doctor

_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def run_checkup(home: Path | None, *, as_json: bool) -> bool:
    """Run every check and print it; false when one says that something would not work."""
    checks = doctor.run(home)
    healthy = all(check.level != "fail" for check in checks)
    if as_json:
        print_json({"healthy": healthy, "checks": checks})
        return healthy
    screen = console()
    for check in checks:
        mark, style = _MARKS[check.level]
        screen.print(Text(f"{mark} ", style=style).append(f"{check.name}: {check.found}", style="default"))
        if check.expected and check.level != "ok":
            screen.print(Text(f"    expected: {check.expected}", style="dim"))
        if check.fix:
            screen.print(Text(f"    fix: {check.fix}", style="cyan"))
    failed = sum(check.level == "fail" for check in checks)
    warned = sum(check.level == "warn" for check in checks)
    screen.print(f"{len(checks)} checks: {failed} failed, {warned} with a warning")
    return healthy
