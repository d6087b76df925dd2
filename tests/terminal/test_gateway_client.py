"""The terminal's own side of a gateway that is not what it should be: nothing of it is believed, followed or obeyed."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse

from schemas.terminal import SignedIn
from tests.cli.boards import ask, board
from tests.gateway.regions_on_loopback import on_loopback
from tests.terminal.fakes import FIRST, NOW, FakeFeed, console
from tests.terminal.test_layout import HOSTILE, seen, settle
from watchfloor.client.errors import ClientError, EngineUnavailable, Refused, SignedOut
from watchfloor.terminal.gateway import MAX_ANSWER, Gateway
from watchfloor.terminal.gateway_feed import GatewayFeed
from watchfloor.terminal.pairing import sign_in

WHO: dict[str, Any] = {
    "person": "counsel-1",
    "entity": "example-ie",
    "region": "eu",
    "roles": ["legal_counsel"],
    "way": "oidc",
    "until": "2026-11-22T11:12:00Z",
}
OFFER: dict[str, Any] = {
    "v": 1,
    "secret": "s" * 43,
    "code": "KTRM-4F7Q",
    "address": "/console/terminals",
    "seconds": 4,
    "every": 2,
}
RUN: dict[str, Any] = {
    "incident": FIRST,
    "region": "eu",
    "runbook": "r",
    "severity": "S1",
    "phase": "triage",
    "state": "open",
    "waiting": [],
    "due_at": None,
    "opened_at": "2026-11-22T03:09:00Z",
    "closed_at": None,
    "priority": "P1",
    "commander": "",
}


def look(**changes: Any) -> dict[str, Any]:
    return {"v": 1, "signed_in": WHO, "runs": [RUN], "waiting": [], "boards": {}, "more": 0, **changes}


@asynccontextmanager
async def answering(make: Any) -> AsyncIterator[Gateway]:
    """A gateway that answers everything with what `make` gives for a request."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def anything(path: str, request: Request) -> Response:
        found: Response = make(path, request)
        return found

    async with on_loopback(app) as url:
        gateway = Gateway(url)
        yield gateway
        await gateway.close()


def feed_over(gateway: Gateway) -> GatewayFeed:
    gateway.token = "wft_secret"
    return GatewayFeed(gateway, SignedIn(**WHO))


def endless() -> Any:
    while True:
        yield b" " * 65536


BENT: dict[str, Any] = {
    "a redirect": lambda *_: RedirectResponse("http://127.0.0.1:1/console/terminal/look"),
    "no JSON": lambda *_: Response(b"<html>"),
    "another version": lambda *_: JSONResponse(look(v=2)),
    "a field too many": lambda *_: JSONResponse(look(surprise=1)),
    "a field too few": lambda *_: JSONResponse({"v": 1}),
    "a question without its board": lambda *_: JSONResponse(
        look(
            waiting=[
                {
                    "incident": FIRST,
                    "region": "eu",
                    "severity": "S1",
                    "priority": "P1",
                    "workflow": FIRST,
                    "ask": ask(),
                    "taken": False,
                }
            ]
        )
    ),
    "no instant": lambda *_: JSONResponse(look(runs=[{**RUN, "opened_at": "yesterday"}])),
    "a person with control characters": lambda *_: JSONResponse(look(signed_in={**WHO, "person": "a\x1b[2J"})),
    "no end": lambda *_: StreamingResponse(endless(), media_type="application/json"),
    "an error without words": lambda *_: Response(b"", 500),
}


@pytest.mark.parametrize("bent", BENT)
async def test_what_a_hostile_gateway_sends_is_not_taken(bent: str) -> None:
    async with answering(BENT[bent]) as gateway:
        with pytest.raises(
            EngineUnavailable, match=f"more than {MAX_ANSWER} bytes" if bent == "no end" else "answer|sent"
        ):
            await feed_over(gateway).look()


async def test_the_token_goes_to_the_gateway_and_nowhere_it_points_to() -> None:
    asked: list[str] = []

    def elsewhere(path: str, request: Request) -> Response:
        asked.append(request.headers.get("authorization", ""))
        return JSONResponse(look())

    async with answering(elsewhere) as other:
        async with answering(lambda *_: RedirectResponse(f"{other.origin}/console/terminal/look")) as gateway:
            with pytest.raises(EngineUnavailable, match="answered 307"):
                await feed_over(gateway).look()
        assert asked == []
        await feed_over(other).look()
        assert asked == ["Bearer wft_secret"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "\x1b[2JABC"},
        {"code": "ktrm-4f7q"},
        {"address": "http://elsewhere.example/console/terminals"},
        {"address": "https://elsewhere.example/phish"},
        {"address": "https://user@elsewhere.example/console/terminals"},
        {"address": "/console/terminals\x1b[2J"},
        {"seconds": 100_000},
    ],
)
async def test_an_offer_that_would_mislead_a_person_is_not_shown(changes: dict[str, Any]) -> None:
    said: list[str] = []
    async with answering(lambda *_: JSONResponse({**OFFER, **changes})) as gateway:
        with pytest.raises(EngineUnavailable):
            await sign_in(gateway, said.append)
    assert not [line for line in said if "elsewhere" in line or "\x1b" in line]


async def test_who_is_not_let_in_in_time_is_told_and_a_gateway_that_stumbles_is_asked_again() -> None:
    answers = [JSONResponse({"code": "unavailable", "detail": "down", "status": 503}, 503)]

    def make(path: str, _request: Request) -> Response:
        if path.endswith("/pairings"):
            return JSONResponse(OFFER, 201)
        return answers.pop() if answers else JSONResponse({"v": 1, "state": "waiting"}, 202)

    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    async with answering(make) as gateway:
        with pytest.raises(Refused, match="nobody confirmed"):
            await sign_in(gateway, lambda _line: None, pause=pause)
    assert waited == [2, 2]
    assert gateway.token == ""


async def test_nothing_that_a_gateway_sends_steers_the_terminal() -> None:
    own = board(workflow=FIRST, title=HOSTILE, phase=HOSTILE)
    run = {**RUN, "phase": HOSTILE, "runbook": HOSTILE, "waiting": [HOSTILE], "commander": HOSTILE}
    said = {
        "incident": FIRST,
        "region": HOSTILE,
        "severity": "S1",
        "priority": "P1",
        "workflow": FIRST,
        "ask": ask(title=HOSTILE, on_silence=HOSTILE),
        "taken": False,
    }

    def make(path: str, _request: Request) -> Response:
        if path.endswith("/look"):
            return JSONResponse(look(runs=[run], waiting=[said], boards={FIRST: own}))
        return JSONResponse({"code": HOSTILE, "detail": HOSTILE, "status": 409}, 409)

    async with answering(make) as gateway:
        feed = feed_over(gateway)
        with pytest.raises(ClientError) as refused:
            await feed.work("eu", (await feed.look()).waiting[0].at, "claim")
        app = console(feed)  # type: ignore[arg-type]
        async with app.run_test(size=(100, 40)) as pilot:
            await settle(pilot)
            screens = [seen(app)]
            await pilot.press("2")
            await settle(pilot)
            screens.append(seen(app))
    for text in (*screens, str(refused.value), refused.value.type):  # type: ignore[attr-defined]
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "‹U+001B›" in screens[0]


async def test_the_second_line_says_who_until_when_how_and_where() -> None:
    feed = FakeFeed(signed="counsel-1 until 11:12Z by company sign-in at watchfloor-eu.example.com")
    app = console(feed)
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        line = seen(app).splitlines()[1]
    assert "counsel-1 until 11:12Z by company sign-in at watchfloor-eu.example.com" in line
    assert "DEVELOPMENT" not in line


async def test_a_session_that_has_ended_is_said_with_how_to_sign_in_again_and_nothing_more_is_asked() -> None:
    feed = FakeFeed()
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        feed.fails = SignedOut("its time is over", "watchfloor watch --gateway https://x")
        app.look()
        await settle(pilot)
        text = seen(app)
        assert "SIGNED OUT: nothing is read or sent any more; q leaves, then sign in again" in text
        assert "its time is over" in text
        assert "watchfloor watch --gateway https://x" in text
        feed.fails, feed.read_at = None, NOW.replace(minute=13)
        await pilot.press("escape")
        app.look()
        await settle(pilot)
        assert app.overview is not None
        assert app.overview.read_at == NOW, "nothing was read any more"
        assert "SIGNED OUT" in seen(app)
        assert "The order fails its checks" in seen(app), "what was read stays"
