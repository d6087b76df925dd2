"""Effects of which nobody knows whether they took place: brought about at the platform, settled in a real browser."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import console_url, signed_in
from tests.browser.test_console import faults
from tests.e2e.floor import Floor, running_floor, until
from watchfloor.runtime.settings import SHIPPED_BINDINGS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="session")]

FOUR_EYES = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks" / "four-eyes-deletion" / "runbook.yaml"
PROBE = """\
runbook: doubt-probe
version: 1
title: Many items at a platform that cuts its connections
owners: [ts-test]
harm: test
mode: {default: incident}
severity: {default: S2}
regions: {command: eu, allowed: [eu]}
triggers:
  - manual: eu_desk
inputs:
  urls: {type: list, of: url, max_items: 50}
  first: url
  second: url
facts:
  taken_back: {type: timestamp, from: [ops_lead]}
phases:
  - containment:
      - id: remove
        for_each: {item: url, in: inputs.urls, at_once: 20, on_item_error: fail}
        steps:
          - id: disable
            action: content.disable
            with: {url: "${{ url }}", scope: eu}
            doubt: {ask: [ops_lead], within: 30m}
            undo: {action: content.restore, on: [taken_back]}
      - id: others
        parallel:
          branches:
            one:
              - id: first
                action: content.disable
                with: {url: "${{ inputs.first }}", scope: eu}
                undo: {action: content.restore, on: [taken_back]}
            two:
              - id: second
                action: content.disable
                with: {url: "${{ inputs.second }}", scope: eu}
                undo: {action: content.restore, on: [taken_back]}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cutting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    """A stack at a platform that does not know a repeated `content.disable` again; `content.delete` can be looked up,
    as always, and soon."""
    home: Path = tmp_path_factory.mktemp("cutting") / "home"
    home.mkdir()
    head, disable, rest = SHIPPED_BINDINGS.read_text().partition("  content.disable:\n")
    # the sandbox wants its key all the same; what the engine may count on is what the bindings say
    rest = rest.replace("idempotency: header", 'idempotency: none\n    headers: {Idempotency-Key: "{key}"}', 1)
    rest = rest.replace("idempotency: lookup", "idempotency: lookup\n    timeout: 1s", 1)
    rest = rest.replace("settle: 25s", "settle: 8s")
    (home / "bindings.yaml").write_text(head + disable + rest)
    (home / "probe.yaml").write_text(PROBE)
    async with running_floor(home) as running:
        yield running


async def cut(floor: Floor, path: str, url: str, **how: Any) -> None:
    await floor.seed("faults", [{"match": {"path": path, "url": url}, "times": 1, **how}])


async def start_probe(floor: Floor, key: str, urls: list[str]) -> str:
    """All but the last two in a loop, the last two beside each other."""
    inputs = {"urls": urls[:-2], "first": urls[-2], "second": urls[-1]}
    return (await floor.start(floor.stack.home / "probe.yaml", key, inputs)).incident


async def troubles(floor: Floor, incident: str, kind: str, count: int) -> None:
    async def look() -> bool:
        now = await floor.state(incident, lambda _: True, "it is there")
        return sum(ask["kind"] == kind for ask in now["asks"]) == count

    await until(look, f"{count} of kind {kind} wait")


async def open_act(page: Page, floor: Floor, incident: str, title: str, count: int) -> None:
    """From My watch by the one card that stands for all of them."""
    form = page.locator(f"form.deed:has(h3:has-text('{title}'))")
    await expect(all_of_them(page, incident)).to_be_visible(timeout=20_000)
    await all_of_them(page, incident).click()
    await expect(form.locator(".troubles li")).to_have_count(count)


def all_of_them(page: Page, incident: str) -> Any:
    return page.locator(f"a[href^='/console/incidents/{incident}/act#']")


async def say(page: Page, kind: str, option: str, reason: str) -> None:
    await page.select_option(f"#{kind}-option", option)
    await page.fill(f"#{kind} textarea", reason)
    await page.click(f"#{kind} button")
    await expect(page.locator("h1")).to_have_text("Recorded")


async def test_doubts_are_settled_by_number_and_nothing_is_done_twice(cutting: Floor, chromium: Browser) -> None:
    urls = [f"https://video.example/doubt/{number}" for number in range(1, 8)]
    for url in urls[:4]:
        await cut(cutting, "/items/disable", url, drop_after_effect=True)
    await cut(cutting, "/items/disable", urls[4], status=503)  # this one never got there
    incident = await start_probe(cutting, "doubt-1", urls)
    await troubles(cutting, incident, "doubt", 5)
    async with signed_in(chromium, cutting, "ops-1") as page:
        await open_act(page, cutting, incident, "Did it get there?", 5)
        assert await faults(page) == {}
        await page.fill("#doubt-numbers", "1-3")
        await say(page, "doubt", "happened", "seen gone in the platform's own log")
        await expect(page.locator(".receipt")).to_contain_text("3 of 3 answered")
        await troubles(cutting, incident, "doubt", 2)

        await page.goto(f"{console_url(cutting)}/incidents/{incident}/act")
        left = page.locator("#doubt .troubles li")
        await expect(left).to_have_count(2)
        await expect(left.nth(0)).to_contain_text("item 4")
        await left.nth(1).locator("input").check()
        await say(page, "doubt", "resend", "still on screen")
        await troubles(cutting, incident, "doubt", 1)

        # the last one from its own page, where the buttons say what they mean
        await page.goto(f"{console_url(cutting)}/")
        await page.click(f"a[href^='/console/asks/{incident}/']")
        await expect(page.locator("#what")).to_have_text("What may have happened")
        await page.fill("#reason", "gone")
        await page.click("button:has-text('it got there')")
        await expect(page.locator("h1")).to_have_text("Recorded")
        assert (await cutting.closed(incident))["outcome"] == "closed"

        await page.goto(f"{console_url(cutting)}/incidents/{incident}/timeline")
        await expect(page.locator("li:has-text('the doubt was resolved')")).to_have_count(5)
    effects = await cutting.effects("items/disable")
    assert {url: effects[url] for url in urls} == dict.fromkeys(urls, 1)
    sent = Counter(call["subject"] for call in await cutting.journal() if call["path"] == "/items/disable")
    assert [sent[url] for url in urls] == [1, 1, 1, 1, 2, 1, 1], "only what was said not to be there was sent again"


async def test_failed_steps_are_tried_again_and_left_out_by_number(cutting: Floor, chromium: Browser) -> None:
    urls = [f"https://video.example/failed/{number}" for number in range(1, 4)]
    for url in urls[1:]:
        await cut(cutting, "/items/disable", url, status=400)
    incident = await start_probe(cutting, "failed-1", urls)
    await troubles(cutting, incident, "failed", 2)
    async with signed_in(chromium, cutting, "commander-eu-1", java_script_enabled=False) as page:
        await page.goto(f"{console_url(cutting)}/incidents/{incident}/act")
        lines = page.locator("#failed .troubles li")
        await expect(lines).to_have_count(2)
        await expect(lines.nth(0)).to_contain_text("first: failed: the target said no")
        await lines.nth(0).locator("input").check()
        await say(page, "failed", "retry", "the platform is back")
        await troubles(cutting, incident, "failed", 1)
        await page.goto(f"{console_url(cutting)}/incidents/{incident}/act")
        await page.locator("#failed .troubles li input").check()
        await say(page, "failed", "skip", "it belongs to another order")
    await cutting.closed(incident)
    effects = await cutting.effects("items/disable")
    assert [effects[url] for url in urls] == [1, 1, 0]


async def test_what_can_be_looked_up_is_reconciled_before_anybody_is_asked(cutting: Floor, chromium: Browser) -> None:
    url = "https://video.example/lookup/1"
    await cut(cutting, "/items/delete", url, drop_after_effect=True)
    incident = (await cutting.start(FOUR_EYES, "lookup-1", {"url": url}, requester="commander-eu-1")).incident
    await cutting.ask(incident, "erase")
    for person in ("commander-eu-2", "counsel-1"):
        async with signed_in(chromium, cutting, person) as page:
            await page.goto(f"{console_url(cutting)}/asks/{incident}/containment/erase")
            await page.fill("#reason", "seen")
            await page.click("button[value='approve']")
            await expect(page.locator("h1")).to_have_text("Recorded")
    assert (await cutting.closed(incident))["outcome"] == "closed"
    async with signed_in(chromium, cutting, "counsel-1") as page:
        await page.goto(f"{console_url(cutting)}/incidents/{incident}/timeline")
        await expect(page.locator("li:has-text('took effect'):has-text('looked_up')")).to_have_count(1)
        await expect(page.locator("li:has-text('doubt')")).to_have_count(0)
    assert (await cutting.effects("items/delete"))[url] == 1
    assert sum(call["path"] == "/items/delete" for call in await cutting.journal()) == 1
