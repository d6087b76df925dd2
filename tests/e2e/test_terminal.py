"""The console on a terminal over a real stack: from what waits to a recorded decision, by keyboard alone."""

import pytest
from textual.pilot import Pilot

from tests.e2e.floor import Floor, until
from watchfloor.cli.faces import Here
from watchfloor.terminal.app import WatchConsole
from watchfloor.terminal.decide_pane import DecidePane
from watchfloor.terminal.feed import LiveFeed

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


def console(floor: Floor, person: str) -> WatchConsole:
    settings = {region: floor.stack.settings(region) for region in ("eu", "us")}
    feed = LiveFeed(Here({"eu": floor.eu, "us": floor.us}, settings, person))
    return WatchConsole(feed, someone=feed.someone, every=0.5)


def seen(app: WatchConsole) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def shows(pilot: Pilot[None], words: str) -> None:
    async def look() -> bool:
        await pilot.pause()
        return words in seen(pilot.app)  # type: ignore[arg-type]

    await until(look, f"`{words}` on the screen")


async def test_counsel_decides_over_ssh_and_the_run_goes_on(floor: Floor) -> None:
    await floor.seed("orders", [{"order_id": "FR-2026-77", "authentic": True, "failures": ["signature_page_missing"]}])
    started = await floor.order("FR-2026-77", [f"https://video.example/v/{n}" for n in range(3)])
    app = console(floor, "counsel-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "The order fails its checks")
        await pilot.press("enter")
        await shows(pilot, "signature_page_missing")
        assert isinstance(app.screen, DecidePane)
        await pilot.press("down")
        await shows(pilot, "▶   treat_as_valid")
        await pilot.press("enter")
        await shows(pilot, "Why, in a sentence")
        await pilot.press(*"confirmed", "enter")
        await shows(pilot, "You sign: treat_as_valid")
        await pilot.press("enter")
        await shows(pilot, "RECORDED: `treat_as_valid`")
        await pilot.press("escape")
        await shows(pilot, "My watch")
        await pilot.press("2")
        await shows(pilot, "1 of 1 incidents")
        await pilot.press("enter")
        await shows(pilot, "CLOCKS")
    await floor.state(started.incident, lambda now: len(now["measures"]) == 3, "three items are disabled")


async def test_who_is_outside_the_compartment_sees_neither_the_incident_nor_a_count_of_it(floor: Floor) -> None:
    started = await floor.order("FR-2026-78", ["https://video.example/v/9"])
    await floor.state(started.incident, lambda now: bool(now["steps"]), "it runs")
    inside, outside = console(floor, "commander-eu-1"), console(floor, "analyst-1")
    async with inside.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await shows(pilot, "INC-")
    async with outside.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await shows(pilot, "No incident is open that you may see.")
        await pilot.press("1")
        await shows(pilot, "Nothing waits on you")
        assert "INC-" not in seen(outside)
