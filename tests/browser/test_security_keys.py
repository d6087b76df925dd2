"""Signing in at a provider and touching a security key, in a real browser with a key of its own making."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import PHONE
from tests.browser.test_console import RULES
from tests.e2e.floor import Floor, running_floor
from tests.gateway.providers import mock_provider
from watchfloor.signing import render_instant

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

DISCLOSE = """\
runbook: disclose-probe
version: 1
title: A disclosure that one person decides
owners: [legal-eu]
harm: terrorism
mode: {default: incident}
severity: {default: S2}
regions: {command: eu, allowed: [eu]}
triggers:
  - manual: eu_desk
inputs:
  order_id: {type: string, pattern: "^[A-Z0-9-]{4,64}$"}
  removed_at: timestamp
phases:
  - report:
      - id: tell
        action: authority.reply
        with: {order_id: "${{ inputs.order_id }}", effect_at: "${{ inputs.removed_at }}", removed: 1}
        approval: {from: [legal_counsel], within: 30m, on_deny: stop, on_silence: fail}
"""
KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    """A stack whose EU console has a company's sign-in; `sub` is the person's id."""
    home: Path = tmp_path_factory.mktemp("company") / "home"
    home.mkdir()
    people = [{"sub": "counsel-1", "amr": ["pwd"]}, {"sub": "counsel-2", "amr": ["pwd"]}]
    with mock_provider(*people) as issuer:
        table = f'[regions.eu.sign_in]\nissuer = "{issuer}"\nclient_id = "watchfloor-eu"\n'
        table += 'client_secret = {file = "eu.secret"}\n'
        (home / "eu.secret").write_text("not a secret: for tests only")
        (home / "eu.secret").chmod(0o600)
        (home / "watchfloor.toml").write_text(table)
        (home / "disclose.yaml").write_text(DISCLOSE)
        async with running_floor(home) as running:
            yield running


def console(floor: Floor) -> str:
    return f"{floor.stack.settings('eu').console_url}/console"


@asynccontextmanager
async def browsing(chromium: Browser, **more: Any) -> AsyncIterator[Page]:
    context = await chromium.new_context(viewport=PHONE, **more)  # type: ignore[arg-type]
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        yield page
        assert faults == []
    finally:
        await context.close()


async def give_key(page: Page, **more: Any) -> None:
    tools = await page.context.new_cdp_session(page)
    await tools.send("WebAuthn.enable")
    await tools.send("WebAuthn.addVirtualAuthenticator", {"options": {**KEY, **more}})


async def sign_in(page: Page, floor: Floor, person: str) -> None:
    await page.goto(f"{console(floor)}/sign-in")
    await page.click("text=Sign in with")
    await choose(page, person)
    await page.wait_for_selector("h1:has-text('My watch')")


async def choose(page: Page, person: str) -> None:
    """At the provider's own page."""
    await page.fill("input[name=sub]", person)
    await page.click("button[type=submit]:not([name=action][value=deny])")


async def asked(floor: Floor, order: str) -> tuple[str, str]:
    """A disclosure that waits; gives the incident and the address of its question."""
    home = floor.stack.settings("eu").home
    await floor.seed("orders", [{"order_id": order, "authentic": True, "failures": []}])
    inputs = {"order_id": order, "removed_at": render_instant(datetime.now(UTC))}
    started = await floor.start(home / "disclose.yaml", order, inputs, "commander-eu-1")
    ask = await floor.ask(started.incident, "tell")
    assert ask["keyed"] == ["approve"]
    return started.incident, f"{console(floor)}/asks/{started.incident}/{ask['path']}"


async def register(page: Page, floor: Floor, person: str) -> None:
    await page.goto(f"{console(floor)}/keys")
    await page.click("main a.button:has-text('Sign in again')")
    await choose(page, person)
    await page.wait_for_selector("h1:has-text('Security keys')")
    await page.fill("#name", "blue, key ring")
    await page.click("text=Register a key")
    await expect(page.locator("[role=status]").filter(has_text="registered")).to_be_visible()


async def test_a_disclosure_is_approved_with_a_key_from_registering_to_the_effect(
    company: Floor, chromium: Browser
) -> None:
    incident, address = await asked(company, "DE-9001")
    async with browsing(chromium) as page:
        await give_key(page)
        await sign_in(page, company, "counsel-1")
        assert "Development sign-in" not in await page.content()
        await page.goto(address)
        await page.fill("#reason", "checked with the desk")
        await page.click("button[value=approve]")
        await expect(page.locator("[data-said]")).to_contain_text("no security key here")
        await register(page, company, "counsel-1")
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        await page.goto(address)
        await page.fill("#reason", "checked with the desk")
        await page.click("button[value=approve]")
        await expect(page.locator("h1")).to_have_text("Recorded")
    assert (await company.closed(incident))["state"] == "closed"
    replies = [call for call in await company.journal() if "DE-9001" in str(call)]
    assert replies, "the authority was told"


async def test_without_scripts_the_page_says_that_another_person_is_needed(company: Floor, chromium: Browser) -> None:
    incident, address = await asked(company, "DE-9002")
    async with browsing(chromium, java_script_enabled=False) as page:
        await sign_in(page, company, "counsel-2")
        await page.goto(address)
        await expect(page.locator(".keyed .warn")).to_contain_text("another person decide")
        await page.fill("#reason", "checked")
        await page.click("button[value=approve]")
        await expect(page.locator("[role=alert]").first).to_contain_text("needs your security key")
        await page.fill("#reason", "not now")
        await page.click("button[value=deny]")
        await expect(page.locator("h1")).to_have_text("Recorded")
    assert (await company.closed(incident))["state"] != "open"


async def test_a_key_without_its_pin_decides_nothing(company: Floor, chromium: Browser) -> None:
    _, address = await asked(company, "DE-9003")
    async with browsing(chromium) as page:
        await give_key(page, isUserVerified=False)
        await sign_in(page, company, "counsel-2")
        await page.goto(f"{console(company)}/keys")
        await page.click("main a.button:has-text('Sign in again')")
        await choose(page, "counsel-2")
        await page.fill("#name", "no PIN")
        await page.click("text=Register a key")
        await expect(page.locator("[data-said]")).to_be_visible()
        await page.goto(address)
        await page.fill("#reason", "checked")
        await page.click("button[value=approve]")
        await expect(page.locator("[data-said]")).to_contain_text("no security key here")
