"""PagerDuty, Events API v2: an alert for each time others are told, acknowledged and resolved with its page.

The `dedup_key` names region, incident and alert, so a repeat is the same alert. An event is taken (202) before it is
carried out; what becomes of it there comes back by webhook (`watchfloor.client.pagers`).
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from schemas.actions import ErrorType
from schemas.json_value import Json
from watchfloor.connections.answers import Outcome, classify
from watchfloor.connections.bindings import PagerDutyChannel, Secret
from watchfloor.connections.calls import USER_AGENT, Request
from watchfloor.connections.deliveries import Delivery
from watchfloor.connections.messages import alert_key, alert_of
from watchfloor.connections.port import CallFailed, Notice

MAX_ANSWER = 64 * 1024
_ACTIONS = {"open": "trigger", "acknowledged": "acknowledge", "settled": "resolve"}


class PagerDuty:
    """Sends events to one service."""

    def __init__(
        self,
        channel: PagerDutyChannel,
        *,
        secret: Callable[[Secret], str],
        send: Callable[[Request], Awaitable[Outcome]],
        timeout: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._channel, self._secret, self._send = channel, secret, send
        self._timeout, self._clock = timeout, clock

    async def deliver(self, delivery: str, notices: Sequence[Notice], again: Delivery | None) -> None:
        """Send the event, or one for each alert whose end is told.

        Raises:
            CallFailed: it was not taken, or nobody knows.
        """
        for notice in notices:
            for alert in notice.alerts or ("",):
                await self._enqueue(notice, alert)

    async def _enqueue(self, notice: Notice, alert: str) -> None:
        event: dict[str, Json] = {
            "routing_key": self._secret(self._channel.routing_key),
            "event_action": _ACTIONS[notice.state],
            "dedup_key": alert_key(notice, alert),
        }
        if notice.state == "open":
            event |= {"payload": alert_of(notice), "client": "Watchfloor"}
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        url = f"{self._channel.base.rstrip('/')}/v2/enqueue"
        outcome = await self._send(Request("POST", url, headers, json.dumps(event).encode(), self._timeout, MAX_ANSWER))
        body = classify(outcome, now=self._clock())
        if outcome.status != 202 or not isinstance(body, dict) or body.get("status") != "success":
            detail: dict[str, Json] = {"status": outcome.status, "why": "body"}
            raise CallFailed(
                ErrorType.REFUSED, "the paging service did not take the event", possible=False, detail=detail
            )
