"""PagerDuty: the Events API v2 under `/pagerduty`, the alerts that come of it, and webhooks v3 as it calls back.

An event is checked, taken (202) and carried out: a trigger under a `dedup_key` that is open adds to that alert and
sounds nothing anew, an acknowledgement or a resolution of what is not open changes nothing.
"""

import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from watchfloor.sandbox.effects import Body, find_store
from watchfloor.sandbox.problems import Refusal
from watchfloor.sandbox.store import Document, now_text

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
"""The integration key of the one service here, known to all."""
WEBHOOK_SECRET = "sandbox-pagerduty-webhook-secret"  # noqa: S105 - published on purpose: a sandbox's
MOST = 512 * 1024
"""Bytes of an event."""
PER_MINUTE = 120
_SEVERITIES = ("critical", "error", "warning", "info")
_ACTIONS = ("trigger", "acknowledge", "resolve")
router = APIRouter()


def _invalid(*errors: str) -> JSONResponse:
    content = {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}
    return JSONResponse(content, 400)


def find_faults(event: Any) -> list[str]:
    """Everything that keeps an event from being taken."""
    if not isinstance(event, dict):
        return ["Event is not an object"]
    faults: list[str] = []
    key, action, dedup, payload = (event.get(name) for name in ("routing_key", "event_action", "dedup_key", "payload"))
    if not isinstance(key, str) or len(key) != 32:
        faults.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if action not in _ACTIONS:
        faults.append("'event_action' must be one of: trigger, acknowledge, resolve")
    if dedup is not None and (not isinstance(dedup, str) or len(dedup) > 255):
        faults.append("'dedup_key' is longer than 255 characters")
    if action in {"acknowledge", "resolve"} and not dedup:
        faults.append("'dedup_key' is missing or blank")
    if action == "trigger":
        if not isinstance(payload, dict):
            return [*faults, "'payload' is missing or blank"]
        for name, most in (("summary", 1024), ("source", 1024)):
            value = payload.get(name)
            if not isinstance(value, str) or not value.strip():
                faults.append(f"'payload.{name}' is missing or blank")
            elif len(value) > most:
                faults.append(f"'payload.{name}' is longer than {most} characters")
        if payload.get("severity") not in _SEVERITIES:
            faults.append("'payload.severity' is invalid (must be one of: critical, warning, error, info)")
    return faults


@router.post("/pagerduty/v2/enqueue")
async def enqueue(request: Request) -> JSONResponse:
    """Take an event."""
    raw = await request.body()
    if len(raw) > MOST:
        return JSONResponse({"status": "payload too large", "message": "Event is too large", "errors": []}, 413)
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return _invalid("Invalid JSON")
    faults = find_faults(event)
    if faults:
        return _invalid(*faults)
    if event["routing_key"] != ROUTING_KEY:
        return _invalid("Invalid routing key")
    if not _take_turn(request):
        content = {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."}
        return JSONResponse(content, 429)
    dedup = event.get("dedup_key") or uuid4().hex
    store = find_store(request)
    with store.transaction():
        alert = store.get("alert", dedup)
        changed = _carry_out(alert, dedup, event)
        if changed is not None:
            store.put("alert", dedup, changed)
            request.state.effect = "new" if alert is None or alert["status"] != changed["status"] else "repeat"
    return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": dedup}, 202)


def _carry_out(alert: Document | None, dedup: str, event: Document) -> Document | None:
    """The alert after the event; None when there is nothing to change."""
    action, entry = event["event_action"], {"action": event["event_action"], "at": now_text()}
    if action == "trigger":
        if alert is None or alert["status"] == "resolved":
            log = [*(alert["log"] if alert else []), entry]
            return {
                "dedup_key": dedup,
                "status": "triggered",
                "payload": event["payload"],
                "sounded": (alert["sounded"] if alert else 0) + 1,
                "log": log,
            }
        return {**alert, "log": [*alert["log"], entry]}
    if alert is None or alert["status"] == "resolved":
        return None
    return {
        **alert,
        "status": {"acknowledge": "acknowledged", "resolve": "resolved"}[action],
        "log": [*alert["log"], entry],
    }


def _take_turn(request: Request) -> bool:
    clock = getattr(request.app.state, "monotonic", time.monotonic)
    turns: list[float] = request.app.state.__dict__.setdefault("pagerduty_turns", [])
    now = clock()
    turns[:] = [at for at in turns if now - at < 60]
    if len(turns) >= PER_MINUTE:
        return False
    turns.append(now)
    return True


@router.get("/pagerduty/alerts")
async def list_alerts(request: Request) -> Document:
    """Every alert, by its key."""
    return {"alerts": find_store(request).all("alert")}


class Acknowledge(Body):
    """Somebody takes an alert on their telephone; the webhook that tells of it is in the answer."""

    dedup_key: str = Field(max_length=255)
    user: str = "PXRESPOND"


@router.post("/_sandbox/pagerduty/acknowledge")
async def acknowledge(request: Request, body: Acknowledge) -> Document:
    """Acknowledge an alert as a person would; gives the webhook v3 delivery that follows, signed, to be posted."""
    store = find_store(request)
    with store.transaction():
        alert = store.get("alert", body.dedup_key)
        if alert is None or alert["status"] == "resolved":
            raise Refusal(404, "no_such_alert", "no alert is open under this key")
        entry = {"action": "acknowledge", "at": now_text(), "by": body.user}
        store.put("alert", body.dedup_key, {**alert, "status": "acknowledged", "log": [*alert["log"], entry]})
    event = {
        "id": uuid4().hex,
        "event_type": "incident.acknowledged",
        "resource_type": "incident",
        "occurred_at": now_text(),
        "agent": {"id": body.user, "type": "user_reference"},
        "data": {
            "id": "Q" + hashlib.sha256(body.dedup_key.encode()).hexdigest()[:13].upper(),
            "type": "incident",
            "status": "acknowledged",
            "incident_key": body.dedup_key,
        },
    }
    content = json.dumps({"event": event})
    mac = hmac.new(WEBHOOK_SECRET.encode(), content.encode(), hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-PagerDuty-Signature": f"v1={mac}"}
    return {"content": content, "headers": headers}
