"""Channels: how a notice reaches people and rooms. Ids, codes, roles and instants; nothing else is in a notice."""

import asyncio
import hashlib
import json
import smtplib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from time import monotonic

from standardwebhooks.webhooks import Webhook

from schemas.actions import ErrorType
from schemas.json_value import Json
from watchfloor.connections.answers import classify
from watchfloor.connections.bindings import (
    Auth,
    Bindings,
    Channel,
    EmailChannel,
    PagerChannel,
    PagerDutyChannel,
    Secret,
    SlackChannel,
    WebhookChannel,
)
from watchfloor.connections.calls import USER_AGENT, Request, Wire
from watchfloor.connections.deliveries import KEPT, Delivery, DeliveryBook
from watchfloor.connections.egress import EgressRefused
from watchfloor.connections.mail import MailServer
from watchfloor.connections.messages import bodies_of, mail_of
from watchfloor.connections.outbox import Outbox
from watchfloor.connections.pagerduty import PagerDuty
from watchfloor.connections.port import FOLLOWING, CallFailed, ChannelKind, Notice
from watchfloor.connections.slack import SETTLE, Slack

MAX_ANSWER = 64 * 1024


def _now() -> datetime:
    return datetime.now(UTC)


class Channels:
    """`watchfloor.connections.Notifier` over the channels of a bindings document.

    A delivery has an id made of what it carries and the destination, the same on every repeat: the `webhook-id` of a
    webhook, the `Idempotency-Key` of a pager, the `Message-ID` of a mail, the metadata of a Slack message. The book
    remembers what was delivered, so that a key is told once even where the receiver would take it again.
    """

    def __init__(
        self,
        document: Bindings,
        secret: Callable[[Secret], str],
        wire: Wire,
        *,
        book: DeliveryBook | None = None,
        clock: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Deliver as a checked document says; arguments as for `HttpCaller`.

        Args:
            book: what was delivered; without one it is remembered by this process only.
            monotonic: what rates are measured by.
            sleep: waits for a turn.
        """
        self._monotonic, self._sleep = monotonic, sleep
        self._document = document
        self._secret = secret
        self._wire = wire
        self._clock = clock
        self._book = book or DeliveryBook()
        self._book.forget(clock() - KEPT)
        self._outboxes = {name: self._open(name, channel) for name, channel in document.channels.items()}

    def destinations(self) -> Sequence[str]:
        return sorted(self._document.channels)

    def kind(self, destination: str) -> ChannelKind:
        """What kind of channel a destination is.

        Raises:
            CallFailed: `not_bound`: no destination has this name.
        """
        return self._channel(destination).kind

    async def deliver(self, destination: str, notice: Notice) -> datetime:
        """Deliver, at most once for each key; gives when the receiver took it.

        Raises:
            CallFailed: it was not delivered, or nobody knows.
        """
        channel = self._channel(destination)
        if notice.state != "open" and channel.kind not in FOLLOWING:
            return self._clock()
        known = await asyncio.to_thread(self._book.find, destination, notice.key)
        if known is not None and known.sent_at is not None:
            return known.sent_at
        return await self._outboxes[destination].deliver(notice, known)

    def close(self) -> None:
        self._book.close()

    def _channel(self, destination: str) -> Channel:
        channel = self._document.channels.get(destination)
        if channel is None:
            message = f"no destination is called `{destination}`; add it to `channels` in the bindings file"
            raise CallFailed(ErrorType.NOT_BOUND, message, possible=False)
        return channel

    def _open(self, destination: str, channel: Channel) -> Outbox:
        async def send(notices: Sequence[Notice], again: Delivery | None) -> datetime:
            return await self._send(destination, channel, notices, again)

        # each alert of a paging service is acknowledged and resolved by itself
        gathers = channel.kind != "pagerduty"
        return Outbox(channel.rate, send, gathers=gathers, clock=self._monotonic, sleep=self._sleep)

    async def _send(
        self, destination: str, channel: Channel, notices: Sequence[Notice], again: Delivery | None
    ) -> datetime:
        if again is not None:
            known = await asyncio.to_thread(self._book.find, destination, notices[0].key)
            if known is not None and known.sent_at is not None:
                return known.sent_at  # another notice of the same delivery has settled it meanwhile
            delivery, notices = again.id, again.notices
        else:
            delivery = delivery_id(destination, *notices)
            await asyncio.to_thread(self._book.announce, destination, delivery, notices, self._clock())
        try:
            await self._dispatch(destination, channel, delivery, notices, again)
        except CallFailed as failure:
            if not failure.possible and again is None:
                await asyncio.to_thread(self._book.withdraw, destination, delivery)
            elif failure.possible and again is not None and failure.detail.get("why") != SETTLE:
                await asyncio.to_thread(self._book.announce, destination, delivery, notices, self._clock())
            raise
        at = self._clock()
        await asyncio.to_thread(self._book.complete, destination, delivery, at)
        return at

    async def _dispatch(
        self, destination: str, channel: Channel, delivery: str, notices: Sequence[Notice], again: Delivery | None
    ) -> None:
        timeout = self._document.defaults.timeout
        match channel:
            case EmailChannel():
                await self._mail(channel.to, delivery, notices)
            case SlackChannel():
                slack = Slack(
                    destination,
                    channel,
                    secret=self._secret,
                    send=self._wire.send,
                    book=self._book,
                    timeout=timeout,
                    clock=self._clock,
                )
                await slack.deliver(delivery, notices, again)
            case PagerDutyChannel():
                pager = PagerDuty(
                    channel, secret=self._secret, send=self._wire.send, timeout=timeout, clock=self._clock
                )
                await pager.deliver(delivery, notices, again)
            case _:
                outcome = await self._wire.send(self._request(channel, delivery, notices))
                classify(outcome, now=self._clock())

    def _request(self, channel: WebhookChannel | PagerChannel, delivery: str, notices: Sequence[Notice]) -> Request:
        content = json.dumps(bodies_of(notices)).encode()
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        if isinstance(channel, WebhookChannel):
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

    async def _mail(self, to: str, delivery: str, notices: Sequence[Notice]) -> None:
        smtp = self._document.smtp
        if smtp is None:
            raise CallFailed(ErrorType.NOT_BOUND, "no mail server is configured", possible=False)
        password = self._secret(smtp.password) if smtp.password is not None else None
        message = mail_of(notices, sender=smtp.sender, to=to, delivery=delivery)
        server = MailServer(smtp, self._wire.beside(smtp.host, smtp.port))
        try:
            address = await server.locate()
        except EgressRefused as error:
            raise CallFailed(ErrorType.REFUSED, str(error), possible=False, detail={"why": "egress"}) from error
        except OSError as error:
            found = f"`{smtp.host}` cannot be resolved"
            raise CallFailed(ErrorType.UNAVAILABLE, found, possible=False, detail={"why": "dns"}) from error
        try:
            await server.send(address, message, password)
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


def delivery_id(destination: str, *notices: Notice) -> str:
    """The id by which one destination knows one message."""
    keys = "\n".join(sorted(notice.key for notice in notices))
    return hashlib.sha256(f"{keys}\n{destination}".encode()).hexdigest()
