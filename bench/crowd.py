"""Many at once before one gateway: screens that follow the board, senders that trigger and come again when told to."""

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

BOARD = "/console/board"
TOLD_TO_RETRY = frozenset({429, 503})
MOST_TRIES = 60


@dataclass(slots=True)
class Screen:
    """Somebody who follows. A browser with the board asks for the page again when told that something has changed;
    while it asks, further changes are one more question and not many. A program at the API reads the event itself."""

    url: str
    headers: dict[str, str]
    page: str = BOARD
    """Empty for a program."""
    waits: dict[str, str] = field(default_factory=dict)
    """What is waited for -> the text by which it is seen."""
    seen: dict[str, float] = field(default_factory=dict)
    """What was waited for -> when it was seen."""
    looks: int = 0
    _again: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, ready: asyncio.Event) -> None:
        """Until it is cancelled."""
        events = "/console/events" if self.page else "/api/v1/events"
        async with (
            httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=None, headers=self.headers) as http,
            http.stream("GET", events) as stream,
            asyncio.TaskGroup() as group,
        ):
            if stream.status_code != 200:
                raise RuntimeError(f"the event stream answered {stream.status_code}")
            if self.page:
                group.create_task(self._refresh(http))
            ready.set()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    if self.page:
                        self._again.set()
                    else:
                        self._look(line)

    async def _refresh(self, http: httpx2.AsyncClient) -> None:
        while True:
            await self._again.wait()
            self._again.clear()
            answer = await http.get(self.page)
            if answer.status_code == 200:
                self._look(answer.text)

    def _look(self, text: str) -> None:
        now = time.perf_counter()
        self.looks += 1
        for wanted in [one for one, sign in self.waits.items() if sign in text]:
            del self.waits[wanted]
            self.seen[wanted] = now


async def sign_in(url: str, person: str) -> dict[str, str]:
    """The headers of a browser in which somebody is signed in for development."""
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
        answer = await http.post("/console/sign-in", data={"person": person}, headers={"origin": url})
    if answer.status_code != 303:
        raise RuntimeError(f"nobody is signed in: {answer.status_code}")
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


@dataclass(slots=True)
class Tally:
    """What senders were told. `others` must stay empty: an answer that is neither yes nor come again."""

    accepted: dict[str, set[str]] = field(default_factory=dict)
    """Key -> the incidents that it was told of; more than one is one too many."""
    started: Counter[str] = field(default_factory=Counter)
    waited: list[float] = field(default_factory=list)
    """Seconds from the first try to the acknowledgement, for each trigger."""
    answered: list[float] = field(default_factory=list)
    """Seconds of each single accepted request."""
    shed: int = 0
    unpaced: int = 0
    """Told to come again, and not when."""
    others: Counter[str] = field(default_factory=Counter)


async def send_burst(url: str, orders: list[tuple[str, str, Any]], tally: Tally) -> None:
    """Send all at once, each until it is accepted.

    Args:
        orders: machine key, idempotency key and body of each. The same order may stand in it twice.
    """
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60, limits=limits) as http,
        asyncio.TaskGroup() as group,
    ):
        for key, named, body in orders:
            group.create_task(_send(http, key, named, body, tally))


async def _send(http: httpx2.AsyncClient, key: str, named: str, body: Any, tally: Tally) -> None:
    headers = {"authorization": f"Bearer {key}", "idempotency-key": named, "content-type": "application/json"}
    content, began = json.dumps(body), time.perf_counter()
    for _ in range(MOST_TRIES):
        sent = time.perf_counter()
        try:
            answer = await http.post("/api/v1/incidents", content=content, headers=headers)
        except httpx2.TransportError as error:
            tally.others[type(error).__name__] += 1
            await asyncio.sleep(1)
            continue
        now = time.perf_counter()
        if answer.status_code in {200, 202}:
            said = answer.json()
            tally.accepted.setdefault(named, set()).add(said["incident"])
            tally.started[said["incident"]] += said["state"] == "started"
            tally.waited.append(now - began)
            tally.answered.append(now - sent)
            return
        if answer.status_code not in TOLD_TO_RETRY:
            tally.others[str(answer.status_code)] += 1
            return
        tally.shed += 1
        pause = answer.headers.get("retry-after", "")
        tally.unpaced += not pause.isdigit()
        # a decent sender does not come back in step with all others
        await asyncio.sleep((int(pause) if pause.isdigit() else 1) * random.uniform(1, 1.5))
    tally.others["gave up"] += 1
