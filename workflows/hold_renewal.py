"""Renewing a hold: a person states when a renewal was received; the hold's period grows as its law allows.

What counts is the renewal's own instant, not when somebody found it in the mailbox: one that was received before the
period ended counts as long as the hold has not been released. Ledger entry: `hold.renewed`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.decision import CONTROL, Envelope, RefusalType
from schemas.incident import RenewalSeen
from schemas.json_value import Json
from schemas.plan import ClockLaw
from watchfloor.signing import Refusal, parse_instant
from watchfloor.signing.gates import CLOCK_SKEW
from workflows.notices import Desk
from workflows.reception import open_statement
from workflows.renewing import find_fault

RENEW = "renew"
MAY_RENEW = ("legal_counsel", "records_custodian", "le_liaison")
_TEXTS = (
    "region",
    "namespace",
    "incident",
    "verb",
    "person",
    "role",
    "issued_at",
    "expires_at",
    "nonce",
    "reason_ref",
)


def refuse_renewal(
    envelope: object,
    *,
    law: ClockLaw,
    placed_at: datetime,
    expires_at: datetime | None,
    renewals: Sequence[RenewalSeen],
    desk: Desk,
    seen: Sequence[str],
    now: datetime,
) -> Refusal | tuple[Envelope, dict[str, Json], datetime]:
    """Check a renewal, hostile until this returns.

    Returns:
        The envelope, its body and when the renewal was received; or why it does not count.
    """
    opened = open_statement(
        envelope, domain=CONTROL, texts=_TEXTS, instants=("issued_at", "expires_at"), desk=desk, seen=seen, now=now
    )
    if isinstance(opened, Refusal):
        return opened
    checked, body = opened
    if body["verb"] != RENEW:
        return Refusal(RefusalType.UNKNOWN_OPTION, f"a hold can be told to {RENEW}")
    if body["role"] not in MAY_RENEW:
        return Refusal(RefusalType.WRONG_ROLE, f"{' or '.join(MAY_RENEW)} may do this; you spoke as {body['role']}")
    if now > parse_instant(body["expires_at"]):
        return Refusal(RefusalType.LATE, f"this was valid until {body['expires_at']}; say it again")
    if parse_instant(body["issued_at"]) > now + CLOCK_SKEW:
        return Refusal(RefusalType.BAD_SIGNATURE, "this was issued in the future; check the sender's clock")
    if not body["reason_ref"]:
        return Refusal(RefusalType.BAD_VALUE, "a renewal needs a reason: whose request it is, and its reference")
    received = _received(body.get("about"))
    if received is None:
        return Refusal(RefusalType.BAD_VALUE, "`about` must hold `received_at`, an instant with an offset, and no more")
    if received > now + CLOCK_SKEW:
        return Refusal(RefusalType.BAD_VALUE, "the renewal lies in the future; `received_at` is when it was received")
    granted = sum(one["granted"] for one in renewals)
    fault = find_fault(law, placed_at, expires_at, received, granted)
    if fault:
        return Refusal(RefusalType.BAD_VALUE, f"this renewal does not count: {fault}")
    return checked, body, received


def add_renewals(law: ClockLaw, ends_at: datetime | None, renewals: Sequence[RenewalSeen]) -> datetime | None:
    """The end of the law's period with the renewals that count."""
    renew = law.get("renew")
    if ends_at is None or renew is None:
        return ends_at
    return ends_at + timedelta(seconds=renew["add"] * sum(one["granted"] for one in renewals))


def _received(about: Json) -> datetime | None:
    if not isinstance(about, dict) or about.keys() != {"received_at"} or not isinstance(about["received_at"], str):
        return None
    try:
        return parse_instant(about["received_at"])
    except ValueError:
        return None
