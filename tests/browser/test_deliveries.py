"""Deliveries in a real browser: a dead letter is seen to on a phone, by keyboard, without a script; axe is content."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from standardwebhooks.webhooks import Webhook

from tests.browser.conftest import DESK, PHONE, console_url, signed_in
from tests.e2e.floor import Floor

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNoYXJlZC1zZWNyZXQ="
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


async def deliver(floor: Floor, id_: str, document: Any) -> dict[str, Any]:
    content, now = json.dumps(document), datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(id_, now, content),
    }
    url = console_url(floor).removesuffix("/console") + "/hooks/authority_portal"
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(url, content=content, headers=headers)
    assert answer.status_code in {200, 202}, answer.text
    return dict(answer.json())


async def test_a_dead_letter_is_seen_to_by_keyboard_on_a_phone_without_a_script(
    floor: Floor, chromium: Browser
) -> None:
    dead = await deliver(floor, "browser-1", {"type": "removal_order.received", "data": {"order_id": "DE-1"}})
    assert dead["state"] == "dead"
    async with signed_in(chromium, floor, "ops-1", java_script_enabled=False) as page:
        await page.goto(f"{console_url(floor)}/deliveries")
        await expect(page.locator(".told")).to_contain_text("dead letter")
        await page.locator(f"a[href='/console/deliveries/{dead['delivery']}']").press("Enter")
        await expect(page.locator("h1")).to_contain_text("dead letter")
        await page.locator("button[value='redrive']").press("Enter")
        await expect(page.locator("[role=alert]")).to_contain_text("Driven once more")
        await page.fill("#reason", "a test of theirs")
        await page.locator("button[value='discard']").press("Enter")
        await expect(page.locator("[role=alert]")).to_contain_text("Given up")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
async def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    floor: Floor, chromium: Browser, scheme: str, viewport: dict[str, int]
) -> None:
    id_ = f"browser-{scheme}-{viewport['width']}"
    dead = await deliver(floor, id_, {"type": "removal_order.received", "data": {"order_id": id_}})
    await deliver(floor, f"{id_}-ignored", {"type": "heartbeat"})
    async with signed_in(chromium, floor, "ops-1", viewport=viewport, color_scheme=scheme) as page:
        for path in ("deliveries", "deliveries?show=all", f"deliveries/{dead['delivery']}"):
            await page.goto(f"{console_url(floor)}/{path}")
            found = await Axe().run(page, options=RULES)
            assert found.violations_count == 0, found.generate_report()
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, path
