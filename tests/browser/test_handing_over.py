"""An offer of another region in a real browser: taken by reading back what came, or declined without a form."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import console_url, signed_in
from tests.browser.test_console import faults, trigger
from tests.e2e.floor import Floor, until
from workflows.addresses import child_id

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


async def offered(floor: Floor, order: str) -> tuple[str, str]:
    """An incident that the EU desk left lying; gives the handoff and its other side."""
    incident = await trigger(floor, order)
    await floor.ask(incident, "order_doubt")
    await floor.tell(incident, "eu_desk_unacknowledged", "pager")
    handoff = child_id("hand", incident, "alongside/desk_silent/to_us")
    offer = "in-" + handoff.removeprefix("hand-")

    async def there() -> bool:
        return bool(await floor.us_asks(offer))

    await until(there, "the other region is asked")
    return handoff, offer


async def open_offer(page: Page, floor: Floor, offer: str) -> None:
    """From the page Handoffs, as somebody who was paged comes."""
    link = page.locator(f"a[href^='/console/asks/{offer}/']")
    await page.goto(f"{console_url(floor, 'us')}/handoffs")
    await expect(link).to_be_visible(timeout=20_000)
    await link.click()
    await expect(page.locator("legend")).to_have_text("To accept: read back what came")


async def test_an_offer_is_declined_with_a_reason_and_nothing_else(floor: Floor, chromium: Browser) -> None:
    handoff, offer = await offered(floor, "4001")
    async with signed_in(chromium, floor, "us-desk-1", region="us") as page:
        await open_offer(page, floor, offer)
        assert await faults(page) == {}
        # what was begun for an acceptance is no part of the refusal, and cannot stand in its way
        await page.select_option("#form-severity", "S4")
        await page.fill("#form-next_action", "NOT 1 word of this fits!")
        await page.fill("#reason", "nobody here knows this harm")
        await page.click("button[value='decline']")
        await expect(page.locator("h1")).to_have_text("Recorded")
    ended = await floor.state(handoff, lambda now: now["state"] != "open", "the sender knows")
    assert ended["outcome"] == "declined"


async def test_an_offer_is_taken_by_choosing_what_the_packet_says(floor: Floor, chromium: Browser) -> None:
    handoff, offer = await offered(floor, "4002")
    packet = await floor.packet(offer)
    nearest = floor.nearest(packet)["nearest_deadline"]
    async with signed_in(chromium, floor, "us-desk-1", region="us", java_script_enabled=False) as page:
        await open_offer(page, floor, offer)
        await page.select_option("#form-severity", "S4")
        await page.select_option("#form-nearest_deadline", nearest)
        await page.fill("#form-next_action", "watch the probe")
        await page.fill("#reason", "we have it")
        await page.click("button[value='accept']")
        await expect(page.locator("[role=alert]").first).to_contain_text("severity read back is not the packet's")
        # what was filled in is still there: only what was wrong is done again
        assert await page.input_value("#form-nearest_deadline") == nearest
        assert await page.input_value("#form-next_action") == "watch the probe"
        await page.select_option("#form-severity", packet["severity"])
        await page.click("button[value='accept']")
        await expect(page.locator("h1")).to_have_text("Recorded")
    ended = await floor.state(handoff, lambda now: now["state"] != "open", "the sender knows")
    assert ended["outcome"] == "accepted"
