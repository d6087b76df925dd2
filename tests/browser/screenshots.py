"""`python -m tests.browser.screenshots`: pictures of the console for the guide, made anew."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.browser.conftest import CHROMIUM, DESK, FLAGS, PHONE, console_url, signed_in
from tests.browser.test_console import trigger
from tests.e2e.floor import running_floor

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images" / "console"

PLACES = {"watch": "/", "decide": "/", "board": "/board", "incident": "/incidents/{incident}"}
PICTURES = (("phone", PHONE, "dark", ("watch", "decide")), ("desk", DESK, "light", ("incident", "board")))


async def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        async with running_floor(Path(home) / "home") as floor, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            incident = await trigger(floor, "0451")
            await trigger(floor, "0452")
            for name, viewport, scheme, pages in PICTURES:
                async with signed_in(browser, floor, "counsel-1", viewport=viewport, color_scheme=scheme) as page:
                    link = page.locator(f"a[href^='/console/asks/{incident}/']")
                    await expect(link).to_be_visible(timeout=20_000)
                    for title in pages:
                        await page.goto(console_url(floor) + PLACES[title].format(incident=incident))
                        if title == "decide":
                            await link.click()
                            await expect(page.locator("#reason")).to_be_visible()
                        await page.screenshot(path=FOLDER / f"{title}-{name}.png", full_page=name == "phone")
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
