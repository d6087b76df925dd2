"""One draft: the three files of a review and its figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.json_value import Json
from schemas.ledger import StoredEntry
from schemas.postmortem import DraftCall
from watchfloor.postmortem.document import write_document
from watchfloor.postmortem.metrics import summarise
from watchfloor.postmortem.page import render_page
from watchfloor.postmortem.reading import read_account
from watchfloor.postmortem.timeline import render_timeline


@dataclass(frozen=True, slots=True)
class Draft:
    markdown: str
    html: str
    timeline: str
    entries: int
    head: str
    metrics: dict[str, Json]


def draft(entries: Iterable[StoredEntry], call: DraftCall, related: Sequence[Iterable[StoredEntry]] = ()) -> Draft:
    """Draft the review of one incident from the ledger alone.

    Args:
        entries: the incident's chain.
        call: what the review is of; nothing is told from it but ids and the title.
        related: the chains of `find_related`, in that order.

    Raises:
        ValueError: the chain is empty, or not whole and in order.
    """
    account = read_account(entries, related)
    if not account.entries:
        raise ValueError(f"the ledger has no entry of {call['incident']}; there is nothing to draft from")
    document = write_document(account, call)
    return Draft(
        markdown=document.markdown,
        html=render_page(account, call, document),
        timeline=render_timeline(account, call["title"]),
        entries=len(account.entries),
        head=account.entries[-1]["hash"],
        metrics=summarise(account),
    )
