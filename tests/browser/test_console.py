"""The console in a real browser: from a trigger to a decision on a phone, live, by keyboard, and for everybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESK, console_url, signed_in
from tests.e2e.floor import Floor
from watchfloor.identity.machines import SCOPES, Machines
from watchfloor.signing import render_instant

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


async def trigger(floor: Floor, order: str) -> str:
    """Start an order that counsel is asked about, as another system does."""
    machines = Machines(floor.stack.settings("eu").machines_path)
    _, key = machines.make("mod_queue", SCOPES, valid_for=timedelta(days=1), clearances=["terror"])
    inputs = {
        "order_id": f"FR-2026-{order}",
        "received_at": render_instant(datetime.now(UTC) - timedelta(minutes=10)),
        "issuing_state": "DE",
        "urls": [f"https://video.example/v/{order}"],
    }
    doubtful = {"order_id": inputs["order_id"], "authentic": True, "failures": ["signature_page_missing"]}
    await floor.seed("orders", [doubtful])
    url = console_url(floor).removesuffix("/console") + "/api/v1/incidents"
    headers = {"authorization": f"Bearer {key}", "idempotency-key": order}
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(url, headers=headers, json={"runbook": "eu-tco-removal-order", "inputs": inputs})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["incident"])


async def to_ask(page: Page, floor: Floor, incident: str) -> None:
    """From My watch to the question of one incident."""
    await page.goto(f"{console_url(floor)}/")
    await page.click(f"a[href^='/console/asks/{incident}/']")
    await expect(page.locator("h2:has-text('What happens if')")).to_be_visible()


async def test_from_a_trigger_to_a_decision_on_a_phone_to_the_effect(floor: Floor, chromium: Browser) -> None:
    incident = await trigger(floor, "1001")
    async with signed_in(chromium, floor, "counsel-1") as page:
        # it comes by itself: nobody has to load the page again
        await expect(page.locator(f"a[href^='/console/asks/{incident}/']")).to_be_visible(timeout=10_000)
        await to_ask(page, floor, incident)
        await expect(page.locator("dl.if")).to_contain_text("the run ends as refused")
        await page.fill("#reason", "confirmed with the authority by phone")
        await page.click("button[value='treat_as_valid']")
        await expect(page.locator("h1")).to_have_text("Recorded")
        await page.click("text=To the incident")
        await expect(page.locator("h2:has-text('Clocks')")).to_be_visible()
        await expect(page.locator("section:has(#measures)")).to_contain_text("content.disable", timeout=60_000)
    effects = await floor.effects("items/disable")
    assert effects["https://video.example/v/1001"] == 1


async def test_two_people_answer_and_the_second_is_told_that_it_is_decided(floor: Floor, chromium: Browser) -> None:
    incident = await trigger(floor, "1002")
    async with signed_in(chromium, floor, "counsel-1") as one, signed_in(chromium, floor, "counsel-2") as two:
        await expect(one.locator(f"a[href^='/console/asks/{incident}/']")).to_be_visible(timeout=10_000)
        await to_ask(one, floor, incident)
        await to_ask(two, floor, incident)
        for page in (one, two):
            await page.fill("#reason", "seen")
        await one.click("button[value='treat_as_valid']")
        await expect(one.locator("h1")).to_have_text("Recorded")
        await two.click("button[value='clarify']")
        await expect(two.locator("[role=alert]")).to_be_visible()
        await expect(two.locator("h1")).not_to_have_text("Recorded")


async def test_a_decision_is_made_with_the_keyboard_alone(floor: Floor, chromium: Browser) -> None:
    incident = await trigger(floor, "1003")
    async with signed_in(chromium, floor, "counsel-1", viewport=DESK) as page:
        link = page.locator(f"a[href^='/console/asks/{incident}/']")
        await expect(link).to_be_visible(timeout=10_000)
        await tab_to(page, f"a[href^='/console/asks/{incident}/']")
        await page.keyboard.press("Enter")
        await expect(page.locator("#reason")).to_be_visible()
        await tab_to(page, "#reason")
        await page.keyboard.type("by keyboard")
        await tab_to(page, "button[value='treat_as_valid']")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Recorded")


async def tab_to(page: Page, selector: str) -> None:
    for _ in range(120):
        await page.keyboard.press("Tab")
        if await page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the keyboard never reaches {selector}")


async def test_reading_and_deciding_need_no_script(floor: Floor, chromium: Browser) -> None:
    incident = await trigger(floor, "1004")
    async with signed_in(chromium, floor, "counsel-1") as watching:
        await expect(watching.locator(f"a[href^='/console/asks/{incident}/']")).to_be_visible(timeout=10_000)
    async with signed_in(chromium, floor, "counsel-1", java_script_enabled=False) as page:
        await to_ask(page, floor, incident)
        await page.fill("#reason", "without a script")
        await page.click("button[value='treat_as_valid']")
        await expect(page.locator("h1")).to_have_text("Recorded")


async def test_a_lost_connection_is_said_and_what_was_missed_is_caught_up(floor: Floor, chromium: Browser) -> None:
    async with signed_in(chromium, floor, "counsel-1") as page:
        await page.context.set_offline(True)
        await page.evaluate("window.dispatchEvent(new Event('offline'))")
        incident = await trigger(floor, "1005")
        await expect(page.locator(f"a[href^='/console/asks/{incident}/']")).to_be_hidden()
        await page.context.set_offline(False)
        await expect(page.locator(f"a[href^='/console/asks/{incident}/']")).to_be_visible(timeout=45_000)


async def faults(page: Page, within: str | None = None) -> dict[str, Any]:
    """What axe finds on a page or in a part of it: rule by rule, the elements."""
    results = await Axe().run(page, within, options={"runOnly": RULES["runOnly"]})
    return {one["id"]: [node["html"] for node in one["nodes"]] for one in results.response["violations"]}
