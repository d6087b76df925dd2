"""A stack, and Debian's Chromium driven over it. Without a Chromium these tests are skipped, and say so."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.e2e.floor import Floor, running_floor

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    home: Path = tmp_path_factory.mktemp("browser") / "home"
    async with running_floor(home) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here; `apt-get install chromium` brings it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


def console_url(floor: Floor, region: str = "eu") -> str:
    url = floor.stack.settings(region).gateway_url
    assert url is not None
    return f"{url}/console"


@asynccontextmanager
async def signed_in(
    chromium: Browser,
    floor: Floor,
    person: str,
    *,
    viewport: dict[str, int] = PHONE,
    region: str = "eu",
    **more: Any,
) -> AsyncIterator[Page]:
    """A page of a person who has signed in; what a page's script complains about fails the test."""
    context = await chromium.new_context(viewport=viewport, **more)  # type: ignore[arg-type]
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        await page.goto(f"{console_url(floor, region)}/sign-in")
        await page.select_option("#person", person)
        await page.click("main button")
        await page.wait_for_selector("h1:has-text('My watch')")
        yield page
        assert faults == []
    finally:
        await context.close()
        await asyncio.sleep(0)
