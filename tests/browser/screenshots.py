"""`python -m tests.browser.screenshots`: pictures of the console for the guide, made anew."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, DESK, FLAGS, PHONE, console_url, signed_in
from tests.browser.lively import fill, write_bindings
from tests.e2e.floor import running_floor

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images" / "console"
MOST = {"phone": 1900, "desk": 900}
"""Pixels of a picture's height; what stands below is left to the reader's own console."""

PLACES = {"watch": "/", "decide": "/asks/{ask}", "board": "/board", "incident": "/incidents/{incident}"}
PICTURES = (("phone", PHONE, "dark", ("watch", "decide")), ("desk", DESK, "light", ("incident", "board")))


async def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        write_bindings(home)
        async with running_floor(home) as floor, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            night = await fill(floor)
            for name, viewport, scheme, pages in PICTURES:
                async with signed_in(browser, floor, "counsel-1", viewport=viewport, color_scheme=scheme) as page:
                    await expect(page.locator(f"a[href^='/console/asks/{night.asking}/']")).to_be_visible(
                        timeout=20_000
                    )
                    for title in pages:
                        path = PLACES[title].format(ask=night.asks["decide"], incident=night.grave)
                        await page.goto(console_url(floor) + path)
                        await take(page, FOLDER / f"{title}-{name}.png", viewport["width"], MOST[name])
            await browser.close()


async def take(page: Page, path: Path, width: int, most: int) -> None:
    height = int(await page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, most)}
    await page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main())
