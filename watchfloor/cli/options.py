"""Options that several commands share, worded once."""

from pathlib import Path
from typing import Annotated

import typer


def runbook_ids(incomplete: str) -> list[str]:
    """Completion: ids of the shipped library."""
    from watchfloor.client.library import library_ids

    return [name for name in library_ids() if name.startswith(incomplete)]


def finding_codes(incomplete: str) -> list[str]:
    """Completion: codes of findings."""
    from watchfloor.language.codes import TABLE

    return [code for code in TABLE if code.startswith(incomplete.upper())]


def roles(incomplete: str) -> list[str]:
    """Completion: the roles there are."""
    from watchfloor.identity.roles import ROLES

    return [role for role in ROLES if role.startswith(incomplete)]


JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Region = Annotated[
    str | None,
    typer.Option(envvar="WATCHFLOOR_REGION", help="Region to talk to. Left out: every region of the local stack."),
]
As = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="WATCHFLOOR_PERSON",
        metavar="PERSON",
        help="Development sign-in: who you are, an id of the people directory. Only against this machine's stack.",
    ),
]
Looking = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="WATCHFLOOR_PERSON",
        metavar="PERSON",
        help="Who looks, by development sign-in: runs that this person may not see are not there. Left out: everything "
        "on this machine.",
        show_default=False,
    ),
]
Role = Annotated[
    str | None,
    typer.Option(help="The role you speak as; may be left out when only one of your roles fits.", autocompletion=roles),
]
Reason = Annotated[str, typer.Option(help="Why, in a sentence. Kept in the region's evidence store, never sent on.")]
RunId = Annotated[str, typer.Argument(metavar="ID", help="Id of a run, or its beginning.")]
MaybeRunId = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]", help="Id of a run, or its beginning; left out: the latest open one.", show_default=False
    ),
]
Home = Annotated[
    Path | None,
    typer.Option(
        envvar="WATCHFLOOR_HOME",
        help="Where the stack, its keys and its stores are; `.watchfloor` here when left out.",
        show_default=False,
    ),
]
