"""Whether the people of a region can be reached: secrets, contacts, the paging policy. Sends nothing."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from watchfloor.client.library import library_folder
from watchfloor.client.paging import PagingRefused, find_paging, read_paging
from watchfloor.connections.bindings import Bindings
from watchfloor.connections.loading import BindingsRefused, read_secrets
from watchfloor.identity.authorities import FILE as REGISTER
from watchfloor.identity.authorities import load_authorities
from watchfloor.identity.contact_list import FILE_NAME as CONTACTS_FILE
from watchfloor.identity.contact_list import load_contacts
from watchfloor.identity.people import PeopleRefused, load_people
from watchfloor.paper.authority import list_unfilled
from watchfloor.runtime.doctor import Check, now
from watchfloor.runtime.settings import RegionSettings


def look(settings: RegionSettings, document: Bindings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Look at the channels of a bindings file that is sound."""
    yield _secrets(settings, document, environ)
    yield from _contacts(settings, document)
    yield policy(settings.home, settings.region, now().date())
    if (settings.home / CONTACTS_FILE).exists():
        yield cards(settings.home / CONTACTS_FILE, settings.region)


def _secrets(settings: RegionSettings, document: Bindings, environ: Mapping[str, str]) -> Check:
    name = f"channels {settings.region}"
    kinds = [channel.kind for channel in document.channels.values()]
    if not kinds:
        fix = f"add channels to {settings.bindings_path}, and name them as contacts in people.yaml"
        return Check(name, "warn", "none: nobody can be told anything", "at least one", fix)
    try:
        read_secrets(document, folder=settings.bindings_path.parent, environ=environ)
    except BindingsRefused as error:
        first, *more = [problem.message for problem in error.problems]
        also = f" (and {len(more)} more)" if more else ""
        return Check(name, "warn", first + also, "every secret within reach of the worker", "set it for the worker")
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    return Check(name, "ok", f"{counts}; `notify test NAME` tries one")


def _contacts(settings: RegionSettings, document: Bindings) -> Iterator[Check]:
    name = f"contacts {settings.region}"
    try:
        people = load_people(settings.people_path, region=settings.region)
    except PeopleRefused:
        return  # said by the check of the directory of people
    lost = sorted({contact for one in people for contact in one.contacts if contact not in document.channels})
    silent = sorted(one.id for one in people if not one.contacts)
    if lost:
        fix = "add the channel to the bindings or correct the contact"
        yield Check(name, "fail", f"no channel is called {', '.join(lost)}", "contacts that are channels", fix)
    elif silent:
        found = f"{len(silent)} of {len(people)} people have none: {', '.join(silent[:5])}"
        yield Check(name, "warn", found, "a contact for each", "add `contacts` to people.yaml")
    else:
        yield Check(name, "ok", f"all {len(people)} people can be reached")


def policy(home: Path, region: str, today: date) -> Check:
    """The paging policy that runs are started with."""
    name, path = f"paging {region}", find_paging(home)
    try:
        _, review_after = read_paging(path)
    except PagingRefused as error:
        first, *more = str(error).splitlines()
        also = f" (and {len(more)} more)" if more else ""
        return Check(name, "fail", first + also, "a valid paging policy", "correct the place named")
    if review_after < today.isoformat():
        found = f"{path} was to be reviewed by {review_after}"
        return Check(name, "warn", found, "a review by its owner", "review it and set `review_after`")
    return Check(name, "ok", f"{path}, to be reviewed after {review_after}")


def cards(path: Path, region: str) -> Check:
    """Whether the company's own list has a number for every authority that the register leaves to be filled."""
    name = f"authorities {region}"
    try:
        known = load_contacts(path)
        unfilled = list_unfilled(load_authorities(library_folder() / REGISTER), known)
    except PeopleRefused as error:
        return Check(name, "fail", str(error).splitlines()[0], "a valid list of contacts", "correct the place named")
    if unfilled:
        found = f"no number for {', '.join(row.id for row in unfilled)}"
        return Check(name, "warn", found, "a number found independently", f"have Legal add them to {path} (`card: ID`)")
    return Check(name, "ok", "every card has a number")
