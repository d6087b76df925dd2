"""What a paging service calls back with: an alert was acknowledged there, so its page is acknowledged here.

PagerDuty's webhooks v3: `X-PagerDuty-Signature` holds one `v1=<hex>` or several (while a secret is being changed), each
an HMAC-SHA256 over the body's bytes. Nothing in the body is looked at before one of them holds.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from schemas.decision import CONTROL, RefusalType
from schemas.decision import Control as ControlBody
from schemas.incident import UPDATE_CONTROL
from schemas.json_value import Json
from watchfloor.client.errors import NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.client.statements import VALID_FOR, Sent, deliver
from watchfloor.connections.messages import read_alert_key
from watchfloor.signing import render_instant

SIGNATURE = "X-PagerDuty-Signature"
ACKNOWLEDGED = "incident.acknowledged"
PAGER = "pager"
"""The role that the run knows this statement by; no person holds it."""
_MOST_SIGNATURES = 10


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An alert of ours that somebody took at the paging service."""

    region: str
    incident: str
    alert: str


def is_signed(content: bytes, header: str, secret: str) -> bool:
    """Whether the paging service sent these bytes."""
    mac = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    given = [part.strip() for part in header.split(",")[:_MOST_SIGNATURES]]
    return any(hmac.compare_digest(part.encode(), f"v1={mac}".encode()) for part in given)


def read_acknowledgement(content: bytes) -> Acknowledged | None:
    """What a verified delivery says; None for every other event, and for alerts that are not ours."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    event = document.get("event") if isinstance(document, dict) else None
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(data, dict) or event.get("event_type") != ACKNOWLEDGED:
        return None
    key = data.get("incident_key")
    found = read_alert_key(key) if isinstance(key, str) else None
    return None if found is None else Acknowledged(*found)


async def send_pager_ack(face: Face, of: Acknowledged, destination: str, *, now: datetime | None = None) -> Sent | None:
    """Acknowledge the page of an alert; None when nothing waits for it any more.

    Raises:
        NotFound: the alert is not of this region, or its run is not known.
        EngineUnavailable: nobody knows whether the run took it; the service sends it again.
    """
    if of.region != face.region:
        raise NotFound(f"the alert is of another region than `{face.region}`")
    now = now or datetime.now(UTC)
    seen = await board(face, of.incident)
    pages = [page for page in seen.get("pages", []) if of.alert in page["alerts"] and "acknowledged" not in page]
    if not pages:
        return None
    body: ControlBody = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": of.incident,
        "verb": "ack",
        "about": {"pages": [page["id"] for page in pages]},
        "person": f"{PAGER}:{destination}",
        "role": PAGER,
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + VALID_FOR),
        "nonce": secrets.token_hex(16),
        "reason_ref": "",
    }
    try:
        envelope = face.sign(CONTROL, cast(dict[str, Json], body))
        return await deliver(face, of.incident, "ack", envelope, UPDATE_CONTROL, None)
    except Refused as refused:
        if refused.type in {RefusalType.NOT_WAITING, RefusalType.CLOSED}:
            return None  # somebody was faster, or it is over
        raise
