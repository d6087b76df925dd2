"""Every page of the console, full and empty, on a phone and a desk, light and dark: axe is content, nothing is wider
than the screen, no id is broken in two, what is touched is 24 pixels high, and no script complains."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.conftest import DESK, PHONE, console_url, signed_in
from tests.browser.lively import Night, fill, write_bindings
from tests.browser.test_console import faults
from tests.e2e.floor import Floor, running_floor
from watchfloor.gateway.console.pages import NAV, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="session")]

RUNBOOK = "eu-tco-removal-order"
COMBINATIONS = [
    pytest.param(viewport, scheme, id=f"{name}-{scheme}")
    for name, viewport in (("phone", PHONE), ("desk", DESK))
    for scheme in ("light", "dark")
]

MEASURED = r"""() => {
  const seen = (one) => one.getClientRects().length > 0 && !one.closest(".unseen, .skip");
  const touched = "main a, main button, main input:not([type=hidden]), main select, main summary";
  const low = [...document.querySelectorAll(touched)]
    .filter((one) => seen(one) && one.getBoundingClientRect().height < 24)
    .map((one) => one.textContent.trim() || one.name);
  const ids = /\b(?:(?:INC|HOLD|HAND|IN|POST|DEL)-[A-Z0-9]{8}|(?:inc|hold|hand|in|post|del)-[a-z0-9]{20})\b/g;
  const broken = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const found of seen(node.parentElement) ? node.data.matchAll(ids) : []) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      if (new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size > 1) broken.push(found[0]);
    }
  }
  return { low, broken };
}"""
"""What is touched and lower than 24 pixels, and ids that stand on two lines."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def night(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Floor, Night]]:
    home = tmp_path_factory.mktemp("night") / "home"
    write_bindings(home)
    async with running_floor(home) as floor:
        made = await fill(floor)
        await asyncio.sleep(2)  # the index of cases catches up
        yield floor, made


def list_pages(night: Night) -> list[str]:
    """All that a commander of the EU region may open."""
    pages = [url.removeprefix(ROOT) or "/" for _, url, _ in NAV]
    pages += ["/board?wall=true", "/board?severity=S0", "/stop", "/holds?state=ended", "/handoffs?state=ended"]
    pages += ["/deliveries?show=all", f"/deliveries/{night.delivery}", "/outgoing?subscription=case_tool"]
    pages += [f"/runbooks/{RUNBOOK}{part}" for part in ("", "/rehearse", f"/versions/{night.older}")] + [
        "/findings/WF102"
    ]
    pages += [f"/holds/{night.hold}", f"/handoffs/{night.handoff}", f"/ledger/{night.grave}", f"/ledger/{night.hold}"]
    runs = [night.asking, night.closed, night.doubtful, night.failed, night.grave, night.paused, night.aborted]
    pages += [f"/incidents/{run}" for run in [*runs, night.hold]]
    pages += [f"/incidents/{run}/act" for run in (night.doubtful, night.failed, night.closed)]
    pages += [f"/incidents/{night.grave}/{part}" for part in ("act?step=disable", "authority", "timeline")]
    pages += [f"/incidents/{night.grave}/timeline?kind=decisions"]
    return pages + [f"/asks/{at}" for at in night.asks.values()]


async def look(page: Page, address: str, status: int, found: dict[str, Any]) -> None:
    answer = await page.goto(address)
    assert answer is not None
    assert answer.status == status, address
    await look_closely(page, address, found)


async def look_closely(page: Page, name: str, found: dict[str, Any]) -> None:
    """Everything that can be opened is open, but for the menu, which would lie over it."""
    await page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    said: dict[str, Any] = await faults(page)
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        said["wide"] = wide
    said |= {name: found for name, found in (await page.evaluate(MEASURED)).items() if found}
    if said:
        found[name] = said


def url_of(floor: Floor, path: str, region: str = "eu") -> str:
    return f"{console_url(floor, region)}{path}"


@pytest.mark.parametrize(("viewport", "scheme"), COMBINATIONS)
async def test_every_page_is_for_everybody(
    night: tuple[Floor, Night], chromium: Browser, viewport: dict[str, int], scheme: str
) -> None:
    floor, made = night
    found: dict[str, Any] = {}
    async with signed_in(chromium, floor, "commander-eu-1", viewport=viewport, color_scheme=scheme) as page:
        for path in list_pages(made):
            await look(page, url_of(floor, path), 200, found)
        for path, status in (("/nothing", 404), ("/incidents/inc-aaaaaaaaaaaaaaaaaaaa", 404), ("/sign-in", 200)):
            await look(page, url_of(floor, path), status, found)
        await look(page, f"{url_of(floor, '').removesuffix(ROOT)}/api/v1/", 200, found)
        await page.goto(url_of(floor, "/stop"))
        await page.evaluate("document.querySelector('header details').open = true")
        menu = await faults(page, "header")
        if menu:
            found["menu"] = menu
    there = {"viewport": viewport, "color_scheme": scheme, "region": "us"}
    async with signed_in(chromium, floor, "us-desk-1", **there) as page:  # type: ignore[arg-type]
        # the other region: an offer that waits, and the empty state of everything else
        for path in [url.removeprefix(ROOT) or "/" for _, url, _ in NAV] + [f"/asks/{made.offer}/accept"]:
            await look(page, url_of(floor, path, "us"), 200, found)
        await look(page, url_of(floor, f"/handoffs/{made.offer}", "us"), 200, found)
    assert found == {}


@pytest.mark.parametrize(("viewport", "scheme"), COMBINATIONS)
async def test_what_comes_after_pressing_is_for_everybody_too(
    night: tuple[Floor, Night], chromium: Browser, viewport: dict[str, int], scheme: str
) -> None:
    """Refusals, a rehearsal, and the receipts of an answer and of a deed."""
    floor, made = night
    found: dict[str, Any] = {}
    async with signed_in(chromium, floor, "counsel-1", viewport=viewport, color_scheme=scheme) as page:
        await page.goto(url_of(floor, f"/asks/{made.asks['decide']}"))
        await press(page, "summary:has-text('Ask back')", "#question", "Is it theirs?", "#question button")
        await look_closely(page, "receipt", found)
        await page.goto(url_of(floor, f"/incidents/{made.grave}/act"))
        await press(page, "#fact-clarification_received summary", "#fact-clarification_received", "by mail", None)
        await page.fill("#v-clarification_received", "no instant")
        await page.click("#fact-clarification_received button")
        assert await page.locator(".told").count() == 1
        await look_closely(page, "refused", found)
        # each time another: a life is declared at risk once
        calm = (made.asking, made.failed, made.doubtful, made.narrowable)
        mine = calm[2 * (viewport is PHONE) + (scheme == "dark")]
        await page.goto(url_of(floor, f"/incidents/{mine}/act"))
        await press(page, "#life summary", "#life", "the stream is live", "#life button")
        await look_closely(page, "acted", found)
        await page.goto(url_of(floor, f"/runbooks/{RUNBOOK}/rehearse"))
        await page.click("button:has-text('Play it')")
        await page.wait_for_selector(".due:has-text('Ends as')", timeout=120_000)
        await look_closely(page, "rehearsal", found)
    assert found == {}


async def press(page: Page, summary: str, form: str, words: str, button: str | None) -> None:
    await page.click(summary)
    await page.fill(f"{form} textarea", words)
    if button is not None:
        await page.click(button)
        await page.wait_for_selector("h1:has-text('Recorded')")
