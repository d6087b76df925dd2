"""Where messages to people end up: the pager, webhook receivers, the mail desk. All can be read back."""

import json
from email import message_from_bytes, policy
from typing import Annotated, Any, Protocol

from aiosmtpd.smtp import SMTP
from fastapi import APIRouter, Path, Request
from pydantic import ConfigDict, Field
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from watchfloor.sandbox.effects import Body, Key, carry_out, find_store
from watchfloor.sandbox.problems import Refusal
from watchfloor.sandbox.store import Document, Store, body_digest, now_text

WEBHOOK_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNoYXJlZC1zZWNyZXQ="  # noqa: S105 - published on purpose: a sandbox's
"""The shared secret of every webhook receiver here, known to all: it protects nothing but the exercise."""
MAIL_LIMIT = 256 * 1024

Name = Annotated[str, Path(pattern="^[a-z][a-z0-9_-]{0,40}$")]
router = APIRouter()


class Alarm(Body):
    """A page. What it carries beside its subject is the sender's affair."""

    model_config = ConfigDict(extra="allow")

    about: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/pager")
async def sound_pager(request: Request, body: Alarm, key: Key) -> Document:
    """Page somebody."""

    def change(store: Store) -> Document:
        store.drop_message("pager", {"key": key, **body.model_dump(mode="json")})
        return {"ok": True, "state": "paged", "at": now_text()}

    return carry_out(request, key, "pager", body.about, body.model_dump(mode="json"), change)


@router.get("/pager")
async def list_pages(request: Request) -> Document:
    return {"messages": find_store(request).messages("pager")}


@router.post("/webhooks/{name}")
async def receive_webhook(request: Request, name: Name) -> Document:
    """Take a webhook whose Standard Webhooks signature verifies; its `webhook-id` is the idempotency key."""
    raw = await request.body()
    headers = {field: value for field, value in request.headers.items() if field.startswith("webhook-")}
    try:
        Webhook(WEBHOOK_SECRET).verify(raw, headers)
        body: Any = json.loads(raw)
    except WebhookVerificationError as error:
        raise Refusal(401, "signature_refused", f"the webhook's signature does not hold: {error}") from error
    except ValueError as error:
        raise Refusal(400, "not_json", "the webhook's body is not JSON") from error
    key = headers["webhook-id"]

    def change(store: Store) -> Document:
        store.drop_message(f"webhook/{name}", {"key": key, "body": body})
        return {"ok": True, "state": "received", "at": now_text()}

    return carry_out(request, key, f"webhooks/{name}", name, body, change)


@router.get("/webhooks/{name}")
async def list_webhooks(request: Request, name: Name) -> Document:
    return {"messages": find_store(request).messages(f"webhook/{name}")}


@router.get("/mail")
async def list_mail(request: Request) -> Document:
    """Mail that came in by SMTP."""
    return {"messages": find_store(request).messages("mail")}


class _Mail(Protocol):
    """What aiosmtpd hands over."""

    mail_from: str
    rcpt_tos: list[str]
    content: bytes


class MailDesk:
    """The SMTP side, as aiosmtpd calls it. One message per `Message-ID`; a repeat is acknowledged and not kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_RCPT(
        self, _server: object, _session: object, envelope: _Mail, address: str, _options: list[str]
    ) -> str:
        if not address.lower().endswith(("@sandbox.test", "@example.test")):
            return "550 5.1.1 the sandbox takes mail for sandbox.test and example.test only"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: _Mail) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        content = message.get_content() if message.get_content_maintype() == "text" else ""
        mail: Document = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": str(message.get("Subject", "")),
            "text": str(content),
        }
        digest = body_digest(mail)
        key = str(message.get("Message-ID", "")).strip() or digest
        call = self._store.open_call("SMTP", "/mail", key, None, digest)
        with self._store.transaction():
            repeat = self._store.find_effect(key) is not None
            if not repeat:
                self._store.drop_message("mail", {"key": key, **mail})
                self._store.remember(key, "mail", ",".join(envelope.rcpt_tos), digest, {"ok": True, "at": now_text()})
            self._store.close_call(call, 250, "repeat" if repeat else "new", None)
        return "250 2.0.0 kept in the sandbox"


def mail_protocol(store: Store) -> SMTP:
    """One SMTP conversation, for `loop.create_server`."""
    return SMTP(MailDesk(store), hostname="sandbox.test", ident="Watchfloor sandbox", data_size_limit=MAIL_LIMIT)
