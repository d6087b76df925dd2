"""Channels: how a notice reaches people and rooms. Ids, codes, roles and instants; nothing else is in a notice."""

import asyncio
import hashlib
import json
import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Literal

from standardwebhooks.webhooks import Webhook

from schemas.actions import ErrorType
from schemas.json_value import Json
from watchfloor.connections.answers import classify
from watchfloor.connections.bindings import Auth, Bindings, Channel, Secret, Smtp
from watchfloor.connections.calls import USER_AGENT, Request, Wire
from watchfloor.connections.port import CallFailed, Notice

MAX_ANSWER = 64 * 1024
EVENT = "watchfloor.notice"


def _now() -> datetime:
    return datetime.now(UTC)


class Channels:
    """`watchfloor.connections.Notifier` over the channels of a bindings document.

    A delivery has an id made of the notice's key and the destination, the same on every repeat: the `webhook-id` of a
    webhook, the `Idempotency-Key` of a pager, the `Message-ID` of a mail.
    """

    def __init__(
        self,
        document: Bindings,
        secret: Callable[[Secret], str],
        wire: Wire,
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Deliver as a checked document says; arguments as for `HttpCaller`."""
        self._document = document
        self._secret = secret
        self._wire = wire
        self._clock = clock

    def destinations(self) -> Sequence[str]:
        return sorted(self._document.channels)

    def kind(self, destination: str) -> Literal["webhook", "email", "pager"]:
        """What kind of channel a destination is.

        Raises:
            CallFailed: `not_bound`: no destination has this name.
        """
        return self._channel(destination).kind

    async def deliver(self, destination: str, notice: Notice) -> datetime:
        """Deliver once; gives when the receiver took it.

        Raises:
            CallFailed: it was not delivered, or nobody knows.
        """
        channel = self._channel(destination)
        delivery = delivery_id(destination, notice)
        if channel.to is not None:
            await self._mail(channel.to, delivery, notice)
        else:
            classify(await self._wire.send(self._request(channel, delivery, notice)), now=self._clock())
        return self._clock()

    def _channel(self, destination: str) -> Channel:
        channel = self._document.channels.get(destination)
        if channel is None:
            message = f"no destination is called `{destination}`; add it to `channels` in the bindings file"
            raise CallFailed(ErrorType.NOT_BOUND, message, possible=False)
        return channel

    def _request(self, channel: Channel, delivery: str, notice: Notice) -> Request:
        content = json.dumps(body_of(notice)).encode()
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        if channel.secret is not None:
            at = self._clock()
            headers["webhook-id"] = delivery
            headers["webhook-timestamp"] = str(int(at.timestamp()))
            headers["webhook-signature"] = Webhook(self._secret(channel.secret)).sign(delivery, at, content.decode())
        else:
            headers["Idempotency-Key"] = delivery
        headers |= self._credential(channel.auth)
        url = (channel.base or self._document.base).rstrip("/") + str(channel.path)
        return Request("POST", url, headers, content, self._document.defaults.timeout, MAX_ANSWER)

    def _credential(self, auth: Auth | None) -> dict[str, str]:
        return {} if auth is None else {auth.header: auth.value.replace("{secret}", self._secret(auth.secret))}

    async def _mail(self, to: str, delivery: str, notice: Notice) -> None:
        smtp = self._document.smtp
        if smtp is None:
            raise CallFailed(ErrorType.NOT_BOUND, "no mail server is configured", possible=False)
        password = self._secret(smtp.password) if smtp.password is not None else None
        message = mail_of(notice, sender=smtp.sender, to=to, delivery=delivery)
        try:
            await asyncio.to_thread(_send_mail, smtp, password, message)
        except smtplib.SMTPRecipientsRefused as error:
            raise _mail_refused(next(iter(error.recipients.values()))[0]) from error
        except smtplib.SMTPResponseException as error:
            raise _mail_refused(error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            detail: dict[str, Json] = {"why": type(error).__name__}
            raise CallFailed(
                ErrorType.UNAVAILABLE, "the mail server did not answer to the end", possible=True, detail=detail
            ) from error


def _mail_refused(code: int) -> CallFailed:
    """4yz asks to come again, 5yz is a no (RFC 5321, 4.2.1). Either way the mail was not taken."""
    type_ = ErrorType.UNAVAILABLE if 400 <= code < 500 else ErrorType.REFUSED
    return CallFailed(type_, f"the mail server answered {code}", possible=False, detail={"status": code})


def delivery_id(destination: str, notice: Notice) -> str:
    """The id by which one destination knows one notice."""
    return hashlib.sha256(f"{notice.key}\n{destination}".encode()).hexdigest()


def body_of(notice: Notice) -> dict[str, Json]:
    """What a webhook or pager receives; the same on every repeat."""
    return {
        "type": EVENT,
        "about": notice.about,
        "severity": notice.severity,
        "region": notice.region,
        "incident": notice.incident,
        "step": notice.step,
        "path": notice.path,
        "roles": list(notice.roles),
        "due_at": notice.due_at,
    }


def mail_of(notice: Notice, *, sender: str, to: str, delivery: str) -> EmailMessage:
    """The mail: plain text, one fact a line."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = f"[watchfloor {notice.region}] {notice.about} {notice.incident}"
    message["Message-ID"] = f"<{delivery}@watchfloor.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [
        f"{name}: {', '.join(value) if isinstance(value, list) else value}"
        for name, value in body_of(notice).items()
        if value
    ]
    message.set_content("\n".join(lines) + "\n")
    return message


def _send_mail(smtp: Smtp, password: str | None, message: EmailMessage) -> None:
    with smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout) as server:
        if smtp.starttls:
            server.starttls(context=ssl.create_default_context())
        if smtp.user is not None and password is not None:
            server.login(smtp.user, password)
        server.send_message(message)
