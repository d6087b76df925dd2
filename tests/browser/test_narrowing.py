"""Approving only a part in a real browser: old answers are void, what is left is asked anew, and only that is done."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESK, console_url, signed_in
from tests.e2e.floor import Floor, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

NARROWED = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks" / "narrowed-removal"
FAILURES = ["signature_page_missing", "stamp_missing", "name_unclear"]


async def started(floor: Floor, key: str) -> tuple[str, str]:
    """A removal that two people must approve; gives the incident and the item."""
    url = f"https://video.example/narrow/{key}"
    run = await floor.start(NARROWED, key, {"url": url, "order_id": f"DE-2026-{key}", "failures": FAILURES})
    await floor.ask(run.incident, "disable")
    return run.incident, url


async def open_ask(page: Page, floor: Floor, incident: str, path: str) -> str:
    """Open the question; gives the digest that one signs over."""
    await page.goto(f"{console_url(floor)}/asks/{incident}/{path}")
    return await page.locator("form.decide .small code").inner_text()


async def approve(page: Page, reason: str) -> None:
    await page.fill("#reason", reason)
    await page.click("button[value='approve']")
    await expect(page.locator("h1")).to_have_text("Recorded")


async def scopes(floor: Floor, url: str) -> list[str]:
    """Where the platform really hides the item."""
    answer = await floor.sandbox.get("/_sandbox/items", params={"url": url})
    return list(answer.raise_for_status().json()["disabled"])


async def test_a_smaller_scope_voids_what_was_approved_and_is_done_once(floor: Floor, chromium: Browser) -> None:
    incident, url = await started(floor, "0801")
    path = "containment/disable"
    async with (
        signed_in(chromium, floor, "commander-eu-1") as commander,
        signed_in(chromium, floor, "counsel-1") as counsel,
    ):
        asked = await open_ask(commander, floor, incident, path)
        await approve(commander, "the whole union")
        await expect(commander.locator("main")).to_contain_text("Still needed: legal_counsel")

        assert await open_ask(counsel, floor, incident, path) == asked
        await counsel.click("summary:has-text('Approve less')")
        await counsel.select_option("#narrow-scope", "DE")
        await counsel.fill("#narrow-reason", "a German order")
        await counsel.click("#narrow button")
        await expect(counsel.locator("h1")).to_have_text("Recorded")
        await counsel.click("a:has-text('Decide on what is left')")
        await approve(counsel, "Germany, by the order")
        assert await scopes(floor, url) == [], "what the commander approved was more, and is void"

        again = await open_ask(commander, floor, incident, path)
        assert again != asked
        await expect(commander.locator(".warn:has-text('Less is asked')")).to_contain_text("eu was asked, DE is left")
        await expect(commander.locator("ol.effects")).to_contain_text("DE")
        await approve(commander, "Germany only")
    await floor.ask(incident, "ask_authority")
    assert await scopes(floor, url) == ["DE"]
    assert (await floor.effects("items/disable"))[url] == 1


async def test_items_are_left_out_by_the_mark_and_an_old_form_counts_for_nothing(
    floor: Floor, chromium: Browser
) -> None:
    incident, _ = await started(floor, "0802")
    for person in ("commander-eu-1", "counsel-1"):
        await floor.decide(incident, "disable", "approve", person)
    await floor.ask(incident, "ask_authority")
    path = "containment/ask_authority"
    async with (
        signed_in(chromium, floor, "counsel-1", viewport=DESK) as one,
        signed_in(chromium, floor, "counsel-2") as two,
    ):
        await open_ask(one, floor, incident, path)
        await open_ask(two, floor, incident, path)
        await one.click("summary:has-text('Approve less')")
        await one.uncheck("input[name='keep.failures'][value='stamp_missing']")
        await one.fill("#narrow-reason", "the stamp came by phone")
        await one.click("#narrow button")
        await expect(one.locator("h1")).to_have_text("Recorded")
        # the other page still shows all three: what it sends is refused, whatever became of the question
        await two.fill("#reason", "all three")
        await two.click("button[value='approve']")
        await expect(two.locator("[role=alert]").first).to_contain_text("nothing was sent")
        await one.click("a:has-text('Decide on what is left')")
        await expect(one.locator("ol.effects li li")).to_have_text(["signature_page_missing", "name_unclear"])
        await approve(one, "without the stamp")

    async def sent() -> list[dict[str, Any]]:
        told = (await floor.sandbox.get("/authority/messages")).raise_for_status().json()["messages"]
        return [one for one in told if one["order_id"] == "DE-2026-0802"]

    (message,) = await until(sent, "the authority is asked")
    assert message["failures"] == ["signature_page_missing", "name_unclear"]
