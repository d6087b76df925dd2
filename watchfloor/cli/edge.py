"""The edge of the process: errors become a sentence (or JSON) and an exit code.

Exit codes: 0 done; 1 findings, or refused; 2 wrong usage (no such id, ambiguous, wrong option); 3 the engine, the stack
or the settings do not work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from watchfloor.cli.console import console, print_json
from watchfloor.client.errors import (
    Ambiguous,
    ClientError,
    EngineUnavailable,
    InputsRefused,
    NotFound,
    Refused,
    RunbookRefused,
)


class Exit(IntEnum):
    OK = 0
    REFUSED = 1
    USAGE = 2
    ENGINE = 3


@contextmanager
def edge(as_json: bool = False) -> Iterator[None]:
    """Run the body of a command; every error it is known to give ends in a message and its exit code."""
    try:
        yield
    except ClientError as error:
        fail(error, as_json=as_json)
    except Exception as error:  # one place where the runtime's own refusals, imported only when they occur, end
        if not _is_runtime_refusal(error):
            raise
        _say(type(error).__name__, str(error), {}, as_json)
        raise typer.Exit(Exit.ENGINE) from error


def fail(error: ClientError, *, as_json: bool) -> None:
    """Say what is wrong and leave with its exit code.

    Raises:
        typer.Exit: always.
    """
    more: dict[str, object] = {}
    match error:
        case RunbookRefused():
            more["findings"] = [_finding(finding) for finding in error.findings]
            if not as_json:
                from watchfloor.language import render_text

                typer.echo(render_text(error.findings), err=True)
            code = Exit.REFUSED
        case InputsRefused():
            more["problems"] = error.problems
            code = Exit.REFUSED
        case Refused():
            more["refused"] = error.type
            code = Exit.REFUSED
        case Ambiguous():
            more["candidates"] = error.candidates
            code = Exit.USAGE
        case NotFound():
            code = Exit.USAGE
        case EngineUnavailable():
            code = Exit.ENGINE
        case _:
            code = Exit.REFUSED
    text = f"refused ({error.type}): {error}" if isinstance(error, Refused) else str(error)
    _say(type(error).__name__, text, more, as_json)
    raise typer.Exit(code) from error


def _say(kind: str, text: str, more: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json({"error": {"type": kind, "message": text, **more}})
        return
    from rich.text import Text

    console(stderr=True).print(Text.assemble(("watchfloor: ", "bold red"), text), soft_wrap=True)


def _finding(finding: object) -> object:
    names = ("path", "line", "column", "code", "severity", "message", "expected", "found", "help")
    return {name: getattr(finding, name) for name in names}


def _is_runtime_refusal(error: Exception) -> bool:
    from watchfloor.authorisation import PoliciesRefused
    from watchfloor.identity.people import PeopleRefused
    from watchfloor.ledger import LedgerError
    from watchfloor.regions.keys import KeysRefused
    from watchfloor.runtime.refusal import Refused as RuntimeRefused
    from watchfloor.wellness import CapsRefused, WellnessUnavailable

    own = (RuntimeRefused, KeysRefused, PeopleRefused, PoliciesRefused, LedgerError, CapsRefused, WellnessUnavailable)
    return isinstance(error, own)
