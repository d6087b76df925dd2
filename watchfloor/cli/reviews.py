"""Find the review that was written for an incident, in the stores of this machine."""

from dataclasses import dataclass
from pathlib import Path

from activities.postmortem import MARKDOWN, PAGE
from watchfloor.cli.sight import EVERYTHING, Sight
from watchfloor.cli.stores import RegionStore, find_chain, region_stores
from watchfloor.client.errors import NotFound


@dataclass(frozen=True, slots=True)
class Review:
    """A written review and where its files lie; `postmortems/<incident>/` of the region's folder."""

    region: str
    incident: str
    folder: Path
    markdown: Path
    html: Path


def find_review(home: Path | None, region: str | None, given: str | None, sight: Sight = EVERYTHING) -> Review:
    """The review of an incident, or the latest one that is there for who reads.

    Raises:
        NotFound, Ambiguous: no such run, or it has no review yet.
    """
    stores = region_stores(home, region)
    reviews = [review for store in stores for review in _reviews_in(store, sight)]
    if given is not None:
        store, chain = find_chain(stores, given, sight if sight.person else None)
        wanted = {chain, incident_of(store, chain)}
        reviews = [review for review in reviews if review.incident in wanted]
        if not reviews:
            raise NotFound(f"`{chain}` has no review yet; it is drafted when the incident has closed")
    if not reviews:
        raise NotFound("no review is written here yet; it is drafted when an incident has closed")
    return max(reviews, key=lambda review: review.markdown.stat().st_mtime)


def _reviews_in(store: RegionStore, sight: Sight) -> list[Review]:
    found = []
    for markdown in (store.folder / "postmortems").glob(f"*/{MARKDOWN}"):
        folder = markdown.parent
        if not sight.shows(store, folder.name):
            continue
        found.append(Review(store.region, folder.name, folder, markdown, folder / PAGE))
    return found


def incident_of(store: RegionStore, chain: str) -> str:
    """The incident that a review's (or hold's, or handoff's) chain says it is about; empty when it says nothing."""
    with store.ledger() as ledger:
        return next((str(entry["data"]["incident"]) for entry in ledger.read(chain) if "incident" in entry["data"]), "")
