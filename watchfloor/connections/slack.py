"""Slack: one message for each page, later ones in its thread, its end written into the message itself.

Slack answers 200 to a refusal (`ok: false`) and deduplicates nothing. So each message carries its delivery's id as
metadata, and one that may have been posted before is looked for in the channel's history before it is posted again.
"""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from schemas.actions import ErrorType
from schemas.json_value import Json
from watchfloor.connections.answers import Outcome, classify
from watchfloor.connections.bindings import Secret, SlackChannel
from watchfloor.connections.calls import USER_AGENT, Request
from watchfloor.connections.deliveries import Delivery, DeliveryBook
from watchfloor.connections.messages import text_of
from watchfloor.connections.port import CallFailed, Notice

MAX_ANSWER = 1024 * 1024
EVENT_TYPE = "watchfloor_notice"
AGAIN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Refusals that say nothing about the message: it may have been posted, and may be tried again."""
BUSY = frozenset({"ratelimited", "rate_limited"})
SETTLE = "settle"
_CODE = re.compile(r"[a-z_]{1,60}", re.ASCII)
_SKEW = timedelta(minutes=2)
"""How far Slack's clock and ours may be apart."""
_PAGES = 10
"""Pages of history that are looked through."""

Send = Callable[[Request], Awaitable[Outcome]]


class Slack:
    """Posts to one Slack channel."""

    def __init__(
        self,
        destination: str,
        channel: SlackChannel,
        *,
        secret: Callable[[Secret], str],
        send: Send,
        book: DeliveryBook,
        timeout: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._destination, self._channel = destination, channel
        self._secret, self._send, self._book = secret, send, book
        self._timeout, self._clock = timeout, clock

    async def deliver(self, delivery: str, notices: Sequence[Notice], again: Delivery | None) -> None:
        """Post, thread or update once.

        Raises:
            CallFailed: it was not, or nobody knows.
        """
        first = notices[0]
        root = self._book.thread(self._destination, first.thread) if len(notices) == 1 else None
        if first.state != "open":
            if root is not None:
                await self._call("chat.update", {"ts": root, "text": _escape(text_of(notices))})
            return
        ts = None
        if again is not None:
            self._require_settled(again)
            ts = await self._look_up(delivery, again, root)
        if ts is None:
            said: dict[str, Json] = {
                "text": _escape(text_of(notices)),
                "metadata": {"event_type": EVENT_TYPE, "event_payload": {"delivery": delivery}},
                "unfurl_links": False,
                "unfurl_media": False,
            }
            if root is not None:
                # in its thread, and seen in the channel too when it has climbed: a thread alone wakes nobody new
                said |= {"thread_ts": root, "reply_broadcast": first.rung > 0}
            answer = await self._call("chat.postMessage", said)
            ts = answer.get("ts")
        if root is None and len(notices) == 1 and isinstance(ts, str):
            self._book.begin_thread(self._destination, first.thread, ts, self._clock())

    async def test(self) -> None:
        """Ask whether the token is good; posts nothing.

        Raises:
            CallFailed: it is not, or Slack does not answer.
        """
        await self._call("auth.test", {})

    def _require_settled(self, again: Delivery) -> None:
        """A message that was sent a moment ago may still be on its way: looked for too early it would be posted twice.

        Raises:
            CallFailed: `unavailable`, to be tried after the longest time that a request can be under way.
        """
        left = again.announced_at + timedelta(seconds=2 * self._timeout) - self._clock()
        if left > timedelta():
            message = "it is not known yet whether Slack has the message; it is looked for later"
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=True, retry_after=left, detail={"why": SETTLE})

    async def _look_up(self, delivery: str, again: Delivery, root: str | None) -> str | None:
        try:
            return await self._find(delivery, again, root)
        except CallFailed as failure:
            if failure.type != ErrorType.REFUSED:
                raise
            # a token that may not read the channel: to be told twice is better than not at all
            return None

    async def _find(self, delivery: str, again: Delivery, root: str | None) -> str | None:
        """The message of a delivery that may have been posted."""
        oldest = (again.announced_at - _SKEW).timestamp()
        asked: dict[str, Any] = {"limit": 200, "include_all_metadata": "true", "oldest": f"{oldest:.6f}"}
        method = "conversations.history" if root is None else "conversations.replies"
        if root is not None:
            asked["ts"] = root
        for _ in range(_PAGES):
            answer = await self._get(method, asked)
            messages = answer.get("messages")
            for message in messages if isinstance(messages, list) else []:
                payload = message.get("metadata", {}).get("event_payload", {}) if isinstance(message, dict) else {}
                if payload.get("delivery") == delivery:
                    return str(message["ts"])
            more = answer.get("response_metadata")
            cursor = more.get("next_cursor") if isinstance(more, dict) else None
            if not cursor:
                break
            asked["cursor"] = cursor
        return None

    async def _call(self, method: str, said: dict[str, Json]) -> dict[str, Any]:
        content = json.dumps({"channel": self._channel.channel, **said}).encode()
        headers = {**self._headers(), "Content-Type": "application/json; charset=utf-8"}
        return self._judge(await self._send(self._request("POST", method, headers, content)), possible=True)

    async def _get(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        query = urlencode({"channel": self._channel.channel, **asked})
        return self._judge(
            await self._send(self._request("GET", f"{method}?{query}", self._headers(), None)), possible=True
        )

    def _request(self, verb: str, method: str, headers: dict[str, str], content: bytes | None) -> Request:
        url = f"{self._channel.base.rstrip('/')}/api/{method}"
        return Request(verb, url, headers, content, self._timeout, MAX_ANSWER)

    def _headers(self) -> dict[str, str]:
        token = self._secret(self._channel.token)
        return {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Authorization": f"Bearer {token}"}

    def _judge(self, outcome: Outcome, *, possible: bool) -> dict[str, Any]:
        body = classify(outcome, now=self._clock())
        if isinstance(body, dict) and body.get("ok") is True:
            return body
        found = body.get("error") if isinstance(body, dict) else None
        code = found if isinstance(found, str) and _CODE.fullmatch(found) else "unknown"
        detail: dict[str, Json] = {"why": code, "status": outcome.status}
        if code in BUSY:
            message = "Slack is busy (ratelimited)"
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=False, detail=detail)
        if code in AGAIN:
            message = f"Slack could not do it now ({code})"
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=possible, detail=detail)
        raise CallFailed(ErrorType.REFUSED, f"Slack refused: {code}", possible=False, detail=detail)


def _escape(text: str) -> str:
    """The three characters that Slack reads as markup of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
