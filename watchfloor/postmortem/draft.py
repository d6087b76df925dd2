"""One draft: the three files of a review and its figures."""

from collections.abc import Iterable
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


def draft(entries: Iterable[StoredEntry], call: DraftCall) -> Draft:
    """Draft the review of one incident from its ledger chain alone.

    Raises:
        ValueError: the chain is empty, or not whole and in order.
    """
    account = read_account(entries)
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
