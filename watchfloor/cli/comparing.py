"""`watchfloor diff`: two runbooks by meaning, from files or from git."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.language import Compiled

PANEL = "For authors"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, diff, PANEL)


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The runbook before: a path, a library id, or REV:PATH.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The runbook after, named in the same ways.")],
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Leave with 0 even when safety was weakened.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare two runbooks by meaning: what a reviewer must know, the dangerous first.

    Steps that came, went or moved; gates, windows and silence; clocks; data that is newly shared; effects that are
    newly possible; what can no longer be taken back. `REV:PATH` reads from git. Exit code 1 when safety was weakened.

    Examples:
      watchfloor diff main:runbooks/eu-tco-removal-order/runbook.yaml runbooks/eu-tco-removal-order/runbook.yaml
      watchfloor diff before.yaml after.yaml --json
      watchfloor diff HEAD~1:runbooks/eu-tco-removal-order eu-tco-removal-order --exit-zero
    """
    from watchfloor.cli.console import print_json
    from watchfloor.client.errors import RunbookRefused
    from watchfloor.language.diff import as_dict, compare, render_text, weakens

    with edge(as_json):
        before, after = _compile(old), _compile(new)
        for compiled in (before, after):
            if compiled.plan is None:
                raise RunbookRefused(compiled.source.path, compiled.findings)
        assert before.plan is not None
        assert after.plan is not None
        changes = compare(before.plan, after.plan, old_root=before.source.root, new_root=after.source.root)
        paths = before.source.path, after.source.path
        weakened = weakens(changes)
        if as_json:
            rows = [as_dict(change, *paths) for change in changes]
            print_json({"old": paths[0], "new": paths[1], "weakened": weakened, "changes": rows})
        else:
            typer.echo(render_text(changes, *paths))
    if weakened and not exit_zero:
        raise typer.Exit(Exit.REFUSED)


def _compile(name: str) -> "Compiled":
    from watchfloor.cli.runbook_files import shown
    from watchfloor.client.library import compile_runbook, compile_source, find_runbook

    revision, colon, path = name.partition(":")
    if colon and not Path(name).exists():
        found, text = _from_git(revision, path)
        return compile_source(text, shown_as=f"{revision}:{found}", beside=_shelf(path))
    file = find_runbook(name)
    return compile_runbook(file, shown_as=shown(file))


def _shelf(path: str) -> Path:
    """The folder of runbooks that a path in git stands in: what a `run` step starts is taken as it is now."""
    place = Path(path).resolve()
    return place.parent.parent if place.suffix in {".yaml", ".yml"} else place.parent


def _from_git(revision: str, path: str) -> tuple[str, bytes]:
    """A file as it was in a revision, with its path; a folder stands for its `runbook.yaml`.

    Raises:
        NotFound: no git, no such revision, no such file in it; with git's own words.
    """
    import subprocess

    from watchfloor.client.errors import NotFound

    said = ""
    if revision.startswith("-"):
        raise NotFound(f"`{revision}` is no revision of git")
    for candidate in (path, f"{path.rstrip('/')}/runbook.yaml"):
        # `./` reads the path from here, as a shell completes it; an object's kind tells a folder from a file
        where = candidate if candidate.startswith("/") else f"./{candidate}"
        try:
            done = subprocess.run(  # noqa: S603 - no shell; the revision cannot be read as an option
                ["git", "cat-file", "blob", f"{revision}:{where}"],  # noqa: S607 - the reader's own git
                capture_output=True,
                check=False,
                timeout=30,
            )
        except FileNotFoundError as error:
            raise NotFound("git is not installed here; give two paths instead") from error
        if done.returncode == 0:
            return candidate, done.stdout
        said = said or done.stderr.decode("utf-8", "replace").strip()
    raise NotFound(f"git has no `{path}` in `{revision}`: {said}")
