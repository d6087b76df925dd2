"""`python -m tests.browser.screenshots [FOLDER]`: pictures of the console for the guide, made anew.

Four pages on a phone and at a desk, light and dark. As WebP, which a guide's sixteen pictures can afford; with a FOLDER
they go there as PNG instead, to be looked at.
"""

import argparse
import asyncio
import base64
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, DESK, FLAGS, PHONE, console_url, signed_in
from tests.browser.lively import fill, write_bindings
from tests.e2e.floor import running_floor

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images" / "console"
QUALITY = 60
"""Of a WebP; letters stay sharp down to about 50."""
MOST = {"phone": 1900, "desk": 900}
"""Pixels of a picture's height; what stands below is left to the reader's own console."""

PLACES = {"watch": "/", "incident": "/incidents/{incident}", "decide": "/asks/{ask}", "board": "/board"}
SCREENS = {"phone": PHONE, "desk": DESK}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def main(elsewhere: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        write_bindings(home)
        async with running_floor(home) as floor, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            night = await fill(floor)
            for (name, viewport), scheme in product(SCREENS.items(), SCHEMES):
                async with signed_in(browser, floor, "counsel-1", viewport=viewport, color_scheme=scheme) as page:
                    await expect(page.locator(f"a[href^='/console/asks/{night.asking}/']")).to_be_visible(
                        timeout=20_000
                    )
                    for title, place in PLACES.items():
                        path = place.format(ask=night.asks["decide"], incident=night.grave)
                        await page.goto(console_url(floor) + path)
                        await take(page, elsewhere, f"{title}-{name}-{scheme}", viewport["width"], MOST[name])
            await browser.close()


async def take(page: Page, elsewhere: Path | None, name: str, width: int, most: int) -> None:
    height = int(await page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, most), "scale": 1}
    kind = "webp" if elsewhere is None else "png"
    settings = {"format": kind, "clip": clip, "captureBeyondViewport": True}
    if kind == "webp":
        settings["quality"] = QUALITY
    # Playwright itself writes no WebP
    session = await page.context.new_cdp_session(page)
    shot = await session.send("Page.captureScreenshot", settings)
    into = elsewhere or FOLDER
    into.mkdir(parents=True, exist_ok=True)
    (into / f"{name}.{kind}").write_bytes(base64.b64decode(shot["data"]))
    await session.detach()


if __name__ == "__main__":
    given = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description="Pictures of the console.")
    given.add_argument("folder", nargs="?", type=Path, default=None, help="where to put PNG files instead")
    asyncio.run(main(given.parse_args().folder))
