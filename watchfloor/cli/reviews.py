"""Find the review that was written for an incident, in the stores of this machine."""

from dataclasses import dataclass
from pathlib import Path

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.cli.stores import RegionStore, find_chain, region_stores
from watchfloor.client.errors import NotFound


@dataclass(frozen=True, slots=True)
class Review:
    """A written review and where its files lie."""

    region: str
    chain: str
    folder: Path
    markdown: Path
    html: Path


def find_review(home: Path | None, region: str | None, given: str | None) -> Review:
    """The review of an incident, or the latest one.

    Raises:
        NotFound, Ambiguous: no such run, or it has no review yet.
    """
    stores = region_stores(home, region)
    reviews = [review for store in stores for review in _reviews_in(store)]
    if given is not None:
        _store, chain = find_chain(stores, given)
        reviews = [review for review in reviews if chain in {review.chain, *_incident_of(stores, review)}]
        if not reviews:
            raise NotFound(f"`{chain}` has no review yet; it is drafted when the incident has closed")
    if not reviews:
        raise NotFound("no review is written here yet; it is drafted when an incident has closed")
    return max(reviews, key=lambda review: review.markdown.stat().st_mtime)


def _reviews_in(store: RegionStore) -> list[Review]:
    found = []
    for markdown in (store.folder / "postmortems").glob("*/postmortem.md"):
        folder = markdown.parent
        found.append(Review(store.region, folder.name, folder, markdown, folder / "postmortem.html"))
    return found


def _incident_of(stores: list[RegionStore], review: Review) -> set[str]:
    """The incident that a review is about, as its own chain says."""
    entries: list[StoredEntry] = []
    for store in stores:
        if store.region == review.region:
            with store.ledger() as ledger:
                entries = list(ledger.read(review.chain))
    return {
        str(entry["data"]["incident"])
        for entry in entries
        if entry["kind"] == EntryKind.REVIEW_STARTED and "incident" in entry["data"]
    }
