"""The console's other pages in a real browser: two people at one queue, a rehearsal, and every page for everybody."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import console_url, signed_in
from tests.e2e.floor import Floor
from watchfloor.gateway.console.pages import NAV
from watchfloor.signing import render_instant

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

REVIEW = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks" / "report-review"
RUNBOOK = "eu-tco-removal-order"
NOTICES = ("/pager", "/webhooks/ops_room")
PROBE = "/items/probe"


async def report(floor: Floor, key: str) -> str:
    """A case: a report that somebody of operations looks at."""
    inputs = {"received_at": render_instant(datetime.now(UTC)), "report": key}
    started = await floor.start(REVIEW, key, inputs)
    await floor.ask(started.incident, "review")
    return started.incident


async def open_queue(page: Page, floor: Floor) -> None:
    await page.goto(f"{console_url(floor)}/queue")
    await expect(page.locator("button:has-text('Take it')")).to_be_visible(timeout=20_000)


async def test_two_people_take_what_is_next_at_once_and_have_two_tasks(floor: Floor, chromium: Browser) -> None:
    mine = {await report(floor, "q-1"), await report(floor, "q-2")}
    async with signed_in(chromium, floor, "ops-1") as one, signed_in(chromium, floor, "ops-2") as two:
        for page in (one, two):
            await open_queue(page, floor)
            await expect(page.locator(".next .exposure")).to_have_text("Exposes to text. Nobody has to take it.")
        await asyncio.gather(*(page.click("button:has-text('Take it')") for page in (one, two)))
        got: set[str] = set()
        for page in (one, two):
            await expect(page.locator("#mine")).to_be_visible()
            links = page.locator("section:has(#mine) a.main")
            await expect(links).to_have_count(1)
            got.add(str(await links.get_attribute("href")).split("/")[3])
        assert got == mine
        # one ticks and reports from My watch, the other hands back without a word
        await one.goto(f"{console_url(floor)}/")
        await one.click("button:has-text('Tick: Read the report')")
        await expect(one.locator(".ticked")).to_be_visible()
        await one.click("summary:has-text('Report it done')")
        await one.fill("input[name='form.seen_at']", "now")
        await one.select_option("select[name='form.spam']", "true")
        await one.fill("textarea[name='reason']", "read it")
        await one.click("button:has-text('Done')")
        await expect(one.locator("h1")).to_have_text("Recorded")
        await two.click("button:has-text('I can’t take this')")
        await expect(two.locator("#mine")).to_be_hidden()
        await expect(two.locator("button:has-text('Take it')")).to_be_visible(timeout=10_000)


async def test_stopping_hands_back_and_lets_rest(floor: Floor, chromium: Browser) -> None:
    await report(floor, "q-3")
    async with signed_in(chromium, floor, "ops-1", java_script_enabled=False) as page:
        await open_queue(page, floor)
        await page.click("button:has-text('Take it')")
        await expect(page.locator("#mine")).to_be_visible()
        await page.click("a:has-text('Stop now')")
        await page.click("main button:has-text('Stop now')")
        await expect(page.locator("h1")).to_have_text("You can stop")
        await page.goto(f"{console_url(floor)}/")
        await expect(page.locator("#tasks")).to_be_hidden()
        await expect(page.locator(".warn:has-text('You rest from exposure')")).to_be_visible()


async def test_a_runbook_is_rehearsed_in_the_browser_without_a_script(floor: Floor, chromium: Browser) -> None:
    before = await floor.journal()
    async with signed_in(chromium, floor, "counsel-1", java_script_enabled=False) as page:
        await page.goto(f"{console_url(floor)}/runbooks/{RUNBOOK}/rehearse")
        await page.check("input[name='silent'][value='order_doubt']")
        await page.select_option("#failing", "content.disable")
        await page.click("button:has-text('Try it')")
        await expect(page.locator("[role=status].loading")).to_be_visible()
        await expect(page.locator(".due")).to_contain_text("Ends as", timeout=90_000)
        await expect(page.locator("section:has(#effects)")).to_contain_text("failed")
    # runs of other tests may page meanwhile, and look again whether what they removed is gone; nothing new is called
    since = (await floor.journal())[len(before) :]
    looks = {call["body_digest"] for call in before if call["path"] == PROBE}
    again = [call for call in since if call["path"] == PROBE and call["body_digest"] in looks]
    assert [call for call in since if call["path"] not in NOTICES and call not in again] == []


async def test_on_a_phone_every_page_is_within_two_touches(floor: Floor, chromium: Browser) -> None:
    async with signed_in(chromium, floor, "counsel-1") as page:
        for _, url, label in NAV:
            await page.goto(f"{console_url(floor)}/")
            link = page.locator(f"header nav a[href='{url}']:visible")
            if await link.count() == 0:
                await page.click("header nav summary")
            await link.click()
            await expect(page.locator("h1")).to_be_visible()
            assert page.url.endswith(url), label
            width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0, label
