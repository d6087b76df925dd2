"""Who may have events that were given up sent again, or a subscription enabled; each is noted before it is done.

That events of a run are sent again stands in the run's own chain, where who may see the run finds it. What concerns a
subscription and no run stands in the chain of the region's desk.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.authorisation import Resource
from watchfloor.client.deliveries import Onlooker
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.face import ReasonStore
from watchfloor.client.noting import note_deed
from watchfloor.outgoing.book import Book, BookUnavailable

PATIENCE = timedelta(hours=72)
"""How long what is sent again is tried."""
_LONGEST_REASON = 4000


def about_outgoing(region: str) -> Resource:
    """Webhooks out of a region as policies see them."""
    return Resource(id="outgoing", kind="delivery", runbook="", region=region)


def desk_chain(region: str) -> str:
    """The chain in which stands what was done about a region's subscriptions."""
    return f"desk-{region}"


def _no_reason() -> str:
    return ""


def keep_reason(reasons: ReasonStore, reason: str) -> str:
    """The reference of a reason; empty when none was given.

    Raises:
        Refused: it is too long.
    """
    said = reason.strip()
    if len(said) > _LONGEST_REASON:
        raise Refused(Refused.NO_REASON, f"the reason has more than {_LONGEST_REASON} characters")
    return reasons.put(said.encode()) if said else ""


def resend(
    book: Book,
    ledger_path: Path | None,
    onlooker: Onlooker,
    name: str,
    event: str,
    *,
    sees: Callable[[str], bool],
    role: str | None = None,
    keep_why: Callable[[], str] = _no_reason,
    now: datetime,
) -> int:
    """Have dead letters of a subscription sent again; gives how many.

    Args:
        event: an event, a run, or empty for all of the subscription that this person may see.
        sees: whether a run is there for this person.
        keep_why: keeps their reason and gives its reference; it is called when they may.

    Raises:
        NotFound: there is no such dead letter, or not for this person: the same words.
        Refused: not permitted, with the policy.
        EngineUnavailable: nothing was done, or no more than is noted.
    """
    try:
        buried = {chain: count for chain, count in book.graves(name, event=event).items() if sees(chain)}
        if not buried:
            raise NotFound(
                f"no such dead letter of a subscription `{name[:40]}`; `watchfloor webhooks list` shows them"
            )
        role = onlooker.require_role("redrive", [about_outgoing(onlooker.region)], role)
        done, said = 0, _said(onlooker, role, keep_why())
        for chain, count in sorted(buried.items()):
            data: dict[str, Json] = {"subscription": name, "events": count}
            if event not in {"", chain}:
                data["event"] = event
            note_deed(
                ledger_path,
                chain,
                EntryKind.RESENT,
                onlooker.person.id,
                {**data, **said},
                now=now,
            )
            done += book.redrive(name, now, PATIENCE, event=event or chain)
        return done
    except BookUnavailable as error:
        raise EngineUnavailable(str(error)) from error


def enable(
    book: Book,
    ledger_path: Path | None,
    onlooker: Onlooker,
    name: str,
    *,
    role: str | None = None,
    keep_why: Callable[[], str] = _no_reason,
    now: datetime,
) -> None:
    """Have a disabled subscription sent events again.

    Raises:
        NotFound: no subscription of this name is disabled.
        Refused: not permitted, with the policy.
        EngineUnavailable: nothing was done.
    """
    try:
        if not any(one.name == name and one.disabled_at is not None for one in book.accounts()):
            raise NotFound(
                f"no subscription `{name[:40]}` is disabled; `watchfloor webhooks list` shows how they stand"
            )
        role = onlooker.require_role("enable", [about_outgoing(onlooker.region)], role)
        data: dict[str, Json] = {"subscription": name, **_said(onlooker, role, keep_why())}
        note_deed(ledger_path, desk_chain(onlooker.region), EntryKind.ENABLED, onlooker.person.id, data, now=now)
        book.enable(name)
    except BookUnavailable as error:
        raise EngineUnavailable(str(error)) from error


def _said(onlooker: Onlooker, role: str, reason_ref: str) -> dict[str, Json]:
    return {
        "role": role,
        "signed_in": onlooker.signed_in.way,
        **({"reason_ref": reason_ref} if reason_ref else {}),
    }
