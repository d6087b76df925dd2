"""A flood by one key or one person leaves room for everybody else, at a real server."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request

from tests.gateway.apis import Api
from tests.gateway.consoles import Seen, console_over
from tests.gateway.regions_on_loopback import served
from watchfloor.gateway.admission import Places, _Place, claim
from watchfloor.gateway.problems import Problem, render_problem

EACH = 50
"""Event streams that one visitor may have, of the gateway's five hundred."""


class Flood:
    """Streams that are opened and not closed."""

    def __init__(self) -> None:
        self._open: list[asyncio.StreamWriter] = []

    async def begin(self, url: str, path: str, header: str) -> tuple[int, dict[str, Any]]:
        """Ask for a stream and keep it open; gives the status, and the problem where there is one."""
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\n{header}\r\n\r\n".encode())
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split()[1])
            if status == 200:
                self._open.append(writer)
                return status, {}
            problem: dict[str, Any] = {}
            if b"problem+json" in head:
                problem = {**json.loads(await reader.readuntil(b"}")), "again": b"retry-after: 30" in head}
        writer.close()
        return status, problem

    def close_one(self) -> None:
        self._open.pop().close()

    def close(self) -> None:
        while self._open:
            self.close_one()


@pytest.fixture
async def flood() -> AsyncIterator[Flood]:
    made = Flood()
    yield made
    made.close()


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        yield seen


async def until_one_opens(flood: Flood, *where: str) -> None:
    """A stream that was closed is noticed at the next word to it."""
    async with asyncio.timeout(20):
        while (await flood.begin(*where))[0] != 200:
            await asyncio.sleep(0.05)


async def test_one_key_has_fifty_event_streams_and_every_other_key_still_gets_its_own(api: Api, flood: Flood) -> None:
    mine, other = (f"authorization: Bearer {api.key()}" for _ in range(2))
    for _ in range(EACH):
        assert (await flood.begin(api.url, "/api/v1/events", mine))[0] == 200
    status, problem = await flood.begin(api.url, "/api/v1/events", mine)
    assert (status, problem["code"], problem["again"]) == (429, "rate", True)
    assert problem["detail"].startswith("50 event streams of yours are open already")
    assert (await flood.begin(api.url, "/api/v1/events", other))[0] == 200
    assert (await api.ask("GET", "/incidents", mine.split()[-1])).status_code == 200, "other requests go on"
    flood.close_one()  # the other's
    flood.close_one()
    await until_one_opens(flood, api.url, "/api/v1/events", mine)


async def test_one_person_has_fifty_event_streams_in_all_their_browsers(console: Seen, flood: Flood) -> None:
    async with AsyncExitStack() as open_:
        browsers = [await open_.enter_async_context(console.signed_in(one)) for one in ("ops-1", "ops-1", "counsel-1")]
        first, second, other = (f"cookie: wf_session={one.cookies['wf_session']}" for one in browsers)
        for nth in range(EACH):
            assert (await flood.begin(console.url, "/console/events", (first, second)[nth % 2]))[0] == 200
        for mine in (first, second):
            assert (await flood.begin(console.url, "/console/events", mine))[0] == 429
        assert (await flood.begin(console.url, "/console/events", other))[0] == 200
        page = await browsers[0].get("/console/")
        assert page.status_code == 200, "pages are no streams"


async def test_one_visitor_has_so_many_requests_under_way_and_no_more() -> None:
    app, go = FastAPI(), asyncio.Event()
    inside = asyncio.Semaphore(0)

    @app.get("/")
    async def wait(request: Request, who: str) -> str:
        claim(request.scope, who)
        claim(request.scope, who)  # said twice it is still one
        inside.release()
        await go.wait()
        return "done"

    app.add_exception_handler(Problem, render_problem)
    places: Any = Places(app, requests=10, requests_each=3)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with served(places, listener), httpx2.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
            under_way = [asyncio.create_task(http.get("/", params={"who": "key a"})) for _ in range(3)]
            for _ in range(3):
                await inside.acquire()
            refused = await http.get("/", params={"who": "key a"})
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert refused.json()["detail"].startswith("3 requests of yours are under way already")
            under_way.append(asyncio.create_task(http.get("/", params={"who": "key b"})))
            await inside.acquire()
            go.set()
            assert [(await one).status_code for one in under_way] == [200] * 4
            assert (await http.get("/", params={"who": "key a"})).status_code == 200
            assert not places._taken, "nothing is kept of who has left"


async def test_both_doors_say_whose_request_it_is_once_they_know(
    api: Api, console: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no share at all whoever is known is turned away, and who is not is told to sign in as ever."""
    async with console.signed_in("ops-1") as browser:
        monkeypatch.setattr(_Place, "claim", lambda place, visitor: refuse(visitor))
        answer = await api.ask("GET", "/incidents", key := api.key())
        assert (answer.status_code, answer.json()["detail"]) == (429, f"key {api.machines.find(key).id}")  # type: ignore[union-attr]
        assert (await api.ask("GET", "/incidents", "wf_nobody")).status_code == 401
        page = await browser.get("/console/")
        assert (page.status_code, "Person ops-1" in page.text) == (429, True)
        browser.cookies.clear()
        assert (await browser.get("/console/")).status_code == 303


def refuse(visitor: str) -> None:
    raise Problem(429, "rate", visitor)
