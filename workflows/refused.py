"""A refused signal on the record: its digest and why, nothing of what it says."""

from temporalio.exceptions import ApplicationError

from schemas.decision import RefusalType
from schemas.ledger import EntryKind
from watchfloor.signing import digest, envelope_digest
from workflows.journal import Journal


def note_refusal(journal: Journal, envelope: object, error: ApplicationError) -> None:
    """Write down a refused signal: its digest and why, nothing of what it says (it may be hostile)."""
    try:
        mark = envelope_digest(envelope) if _is_envelope(envelope) else digest(envelope)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        mark = ""
    data = journal.refusals.count(error.type or RefusalType.BAD_SIGNATURE, mark)
    if data is not None:
        journal.note(EntryKind.REFUSED, data=data)


def _is_envelope(said: object) -> bool:
    """Whether it has the parts of a statement, so that its sender finds it by the digest they know."""
    return isinstance(said, dict) and {"domain", "kid", "body"} <= set(said)
