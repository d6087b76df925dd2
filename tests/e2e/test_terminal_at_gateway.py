"""The console on a terminal that reaches nothing but a gateway, over a real stack: from the code to the effect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from textual.pilot import Pilot

from tests.e2e.floor import Floor, until
from tests.e2e.test_terminal import seen, shows
from tests.gateway.consoles import token
from tests.gateway.terminals import TERMINALS, Let, let_in, send
from watchfloor.client import Refused
from watchfloor.client.asks import AskAt
from watchfloor.terminal.app import WatchConsole
from watchfloor.terminal.decide_pane import DecidePane
from watchfloor.terminal.gateway import Gateway

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


@asynccontextmanager
async def signed_in(floor: Floor, person: str) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    url = floor.stack.settings("eu").gateway_url
    assert url is not None
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30, follow_redirects=False) as browser:
        answer = await browser.post("/console/sign-in", data={"person": person}, headers={"origin": url})
        assert answer.status_code == 303
        yield browser, url


@asynccontextmanager
async def at_terminal(floor: Floor, person: str) -> AsyncIterator[tuple[Let, WatchConsole, httpx2.AsyncClient]]:
    async with signed_in(floor, person) as (browser, url), let_in(url, browser) as let:
        yield let, WatchConsole(let.feed, someone=let.feed.someone, every=0.5), browser


async def to_decision(pilot: Pilot[None]) -> None:
    await shows(pilot, "The order fails its checks")
    await pilot.press("enter")
    await shows(pilot, "signature_page_missing")
    assert isinstance(pilot.app.screen, DecidePane)


async def doubtful(floor: Floor, order: str) -> str:
    await floor.seed("orders", [{"order_id": order, "authentic": True, "failures": ["signature_page_missing"]}])
    incident = (await floor.order(order, [f"https://video.example/v/{order}"])).incident
    await floor.ask(incident, "order_doubt")
    return incident


async def test_counsel_decides_at_a_terminal_through_the_gateway_and_the_run_goes_on(floor: Floor) -> None:
    incident = await doubtful(floor, "FR-2026-91")
    async with at_terminal(floor, "counsel-1") as (_, app, browser), app.run_test(size=(100, 30)) as pilot:
        await shows(pilot, "DEVELOPMENT SIGN-IN: nobody proved who they are")
        assert "as counsel-1 (legal_counsel)" in seen(app)
        await to_decision(pilot)
        await pilot.press("down")
        await shows(pilot, "▶   treat_as_valid")
        await pilot.press("enter")
        await shows(pilot, "Why, in a sentence")
        await pilot.press(*"confirmed", "enter")
        await shows(pilot, "You sign: treat_as_valid")
        await pilot.press("enter")
        await shows(pilot, "RECORDED: `treat_as_valid`")
        await pilot.press("escape")
        await floor.state(incident, lambda now: len(now["measures"]) == 1, "the item is disabled")
        await pilot.press("2")
        await shows(pilot, "1 of 1 incidents")
        await pilot.press("enter")
        await shows(pilot, "CLOCKS")
        # the person ends it in the browser, and the screen says so
        assert (await send(browser, "/end-all")).status_code == 303
        await shows(pilot, "SIGNED OUT: this terminal is not signed in")
    assert (await floor.effects("items/disable"))["https://video.example/v/FR-2026-91"] == 1


async def test_what_changed_since_it_was_shown_is_refused_by_the_gateway_too(floor: Floor) -> None:
    incident = await doubtful(floor, "FR-2026-92")
    async with at_terminal(floor, "counsel-1") as (let, _, _browser):

        async def look() -> AskAt | None:
            return next((one.at for one in (await let.feed.look()).waiting if one.incident == incident), None)

        at = await until(look, "the gateway shows the question")
        view = await let.feed.read("eu", incident)
        assert view.plan is not None
        assert view.found.asks[0].ask == {**at.ask, "keyed": []}
        await floor.decide(incident, "order_doubt", "treat_as_valid", "counsel-2")
        with pytest.raises(Refused) as late:
            await let.feed.decide("eu", at, "clarify", reason="too late", form={}, attach={})
        assert late.value.type in {"not_waiting", "changed"}


async def test_a_gateway_that_goes_away_is_stale_and_comes_back_by_itself(floor: Floor) -> None:
    async with at_terminal(floor, "counsel-1") as (let, app, browser), app.run_test(size=(100, 30)) as pilot:
        await shows(pilot, "live, read")
        away = Gateway("http://127.0.0.1:1")
        there, let.feed._gateway = let.feed._gateway, away
        await shows(pilot, "STALE: no answer since")
        let.feed._gateway = there
        await shows(pilot, "live, read")
        await away.close()
        assert token((await browser.get(TERMINALS)).text)
