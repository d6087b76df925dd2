"""Whether other systems can be told what happens: secrets, names, and how each subscription stands. Sends nothing."""

from collections.abc import Iterator, Mapping
from contextlib import closing

from watchfloor.client.library import library_ids
from watchfloor.connections.bindings import Bindings
from watchfloor.connections.loading import BindingsRefused
from watchfloor.identity.compartments import COMPARTMENTS
from watchfloor.identity.people import PeopleRefused, load_people
from watchfloor.outgoing.book import Book, BookUnavailable
from watchfloor.outgoing.receivers import open_receivers
from watchfloor.runtime.doctor import Check
from watchfloor.runtime.settings import RegionSettings


def look(settings: RegionSettings, document: Bindings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Look at the subscriptions of one region; says nothing where there are none."""
    mine = {name: one for name, one in document.subscriptions.items() if one.region == settings.region}
    if not mine:
        return
    name = f"webhooks {settings.region}"
    try:
        open_receivers(document, settings.region, folder=settings.bindings_path.parent, environ=environ)
    except BindingsRefused as error:
        first, *more = [problem.message for problem in error.problems]
        also = f" (and {len(more)} more)" if more else ""
        yield Check(name, "warn", first + also, "every secret within reach of the gateway", "set it for the gateway")
        return
    compartments, runbooks = list_compartments(settings), set(library_ids())
    for each, one in mine.items():
        lost = [word for word in one.clearances if word not in compartments]
        if lost:
            found = f"`{each}` is cleared for {', '.join(lost)}, which no compartment is called"
            yield Check(name, "warn", found, f"some of {', '.join(sorted(compartments))}", "correct `clearances`")
        lost = [word for word in one.runbooks if word not in runbooks]
        if lost:
            found = f"`{each}` hears of {', '.join(lost)} only, which no runbook of the library is called"
            yield Check(name, "warn", found, "ids of the library", "correct `runbooks`")
    yield _standing(settings, name, len(mine))


def list_compartments(settings: RegionSettings) -> set[str]:
    """What a clearance may name in a region: the compartments that are known, and those of its own directory."""
    try:
        own = load_people(settings.people_path, region=settings.region).compartments
    except PeopleRefused:
        own = ()  # said by the check of the directory of people
    return {*COMPARTMENTS, *own}


def _standing(settings: RegionSettings, name: str, count: int) -> Check:
    if not settings.webhooks_path.exists():
        return Check(name, "ok", f"{count} configured; the gateway has sent nothing yet")
    try:
        with closing(Book(settings.webhooks_path)) as book:
            accounts = book.accounts()
    except BookUnavailable as error:
        return Check(name, "fail", str(error), "a readable book of webhooks", "make room, or correct its permissions")
    disabled = [one.name for one in accounts if one.disabled_at is not None]
    dead = [f"{one.dead} of {one.name}" for one in accounts if one.dead]
    if disabled:
        found = f"{', '.join(disabled)} disabled: the receiver answered 410"
        return Check(name, "warn", found, "receivers that take events", "watchfloor webhooks enable NAME --as PERSON")
    if dead:
        fix = "look at `watchfloor webhooks log`, then `watchfloor webhooks redrive NAME --as PERSON`"
        return Check(name, "warn", f"dead letters: {', '.join(dead)}", "none", fix)
    return Check(name, "ok", f"{count} configured, {sum(one.waiting for one in accounts)} events wait")
