"""Letting in a terminal from a phone: by finger, without a script, by keyboard alone; axe is content with each page."""

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import DESK, PHONE, console_url, signed_in
from tests.browser.test_console import faults
from tests.e2e.floor import Floor
from tests.gateway.terminals import claim, offer
from watchfloor.client.errors import Refused
from watchfloor.terminal.gateway import Gateway

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("script", [True, False])
async def test_a_terminal_is_let_in_from_a_phone_and_signed_out_again(
    floor: Floor, chromium: Browser, script: bool
) -> None:
    gateway = Gateway(console_url(floor).removesuffix("/console"))
    made = await offer(gateway)
    async with signed_in(chromium, floor, "counsel-1", viewport=PHONE, java_script_enabled=script) as page:
        await page.goto(f"{console_url(floor)}/terminals")
        await page.fill("#code", made.code.replace("-", "").lower())
        await page.click("button:has-text('Look who asks')")
        assert made.code in await page.inner_text("main")
        await page.click("button:has-text('Let it in')")
        assert "is signed in" in await page.inner_text("[role=status]:visible")
        claimed = await claim(gateway, made.secret)
        assert claimed.signed_in is not None
        assert claimed.signed_in.person == "counsel-1"
        await page.goto(f"{console_url(floor)}/terminals")
        await page.click("button:has-text('Sign out terminal')")
        assert "No terminal is signed in as you" in await page.inner_text("main")
    await gateway.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_about_terminals_is_for_everybody(floor: Floor, chromium: Browser, scheme: str) -> None:
    gateway = Gateway(console_url(floor).removesuffix("/console"))
    made = await offer(gateway)
    async with signed_in(chromium, floor, "counsel-2", viewport=DESK, color_scheme=scheme) as page:
        await page.goto(f"{console_url(floor)}/terminals")
        assert await faults(page) == {}
        await page.fill("#code", "WRONG-CODE")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=No terminal shows this code")
        assert await faults(page) == {}
        await page.fill("#code", made.code)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('Let this terminal in?')")
        assert await faults(page) == {}
        for size in (PHONE, DESK):
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await page.evaluate(wide) <= 0
        # who presses Enter without reading lets nobody in
        await page.focus("button[value=refuse]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=It is turned away")
        with pytest.raises(Refused):
            await claim(gateway, made.secret)
    await gateway.close()
