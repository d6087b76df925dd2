"""Acting on a running incident through the console's forms, as a browser without a script sends them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import unescape

import httpx2
import pytest

from tests.browser.conftest import console_url
from tests.browser.test_console import trigger
from tests.e2e.floor import Floor, until
from watchfloor.client import board

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


class Visit:
    """Somebody who has signed in."""

    def __init__(self, http: httpx2.AsyncClient, url: str) -> None:
        self._http, self._url = http, url

    async def get(self, path: str) -> str:
        answer = await self._http.get(f"{self._url}{path}")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, path: str, **fields: object) -> httpx2.Response:
        return await self._http.post(f"{self._url}{path}", data=fields)

    async def form(self, incident: str, deed: str, page: str = "", **fields: object) -> httpx2.Response:
        """Fill in a form of the page Act and send it with what the page put into it."""
        page = page or await self.get(f"/incidents/{incident}/act")
        start = page.index(f'/act/{deed}"')
        if deed == "fact":
            start = page.index(f'name="fact" value="{fields["fact"]}"')
            start = page.rindex("<form", 0, start)
        hidden = dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page[start : page.index("</form>", start)])
        )
        said = {name: unescape(value) for name, value in hidden.items()}
        return await self.send(f"/incidents/{incident}/act/{deed}", **{**said, **fields})


@asynccontextmanager
async def visiting(floor: Floor, person: str) -> AsyncIterator[Visit]:
    url = console_url(floor)
    async with httpx2.AsyncClient(trust_env=False, timeout=30, follow_redirects=False) as http:
        answer = await http.post(f"{url}/sign-in", data={"person": person})
        assert answer.status_code == 303
        yield Visit(http, url)


async def started(floor: Floor, order: str) -> str:
    incident = await trigger(floor, order)
    await floor.ask(incident, "order_doubt")
    await seen(floor, incident)
    return incident


async def seen(floor: Floor, incident: str) -> None:
    """Until the console has the incident too."""
    async with visiting(floor, "counsel-1") as counsel:
        for _ in range(100):
            answer = await counsel._http.get(f"{counsel._url}/incidents/{incident}/act")
            if answer.status_code == 200:
                return
    raise AssertionError("the console never had it")


async def test_severity_is_raised_at_once_and_lowered_by_two(floor: Floor) -> None:
    incident = await started(floor, "2001")
    async with visiting(floor, "counsel-1") as counsel, visiting(floor, "commander-eu-1") as commander:
        before = await counsel.get(f"/incidents/{incident}/act")
        answer = await counsel.form(incident, "life", before, reason="the stream is live")
        assert "life at risk: severity is S0" in answer.text
        assert "Recorded" in answer.text
        assert (await board(floor.eu, incident))["severity"] == "S0"
        late = await counsel.form(incident, "raise", before, level="S0", reason="again")
        assert late.status_code == 409
        assert "It has changed since you looked; nothing was done" in late.text
        proposed = await commander.form(incident, "lower", level="S2", reason="a known hoax")
        assert "Nothing has changed yet: others must agree" in proposed.text
        now_there = await board(floor.eu, incident)
        assert now_there["severity"] == "S0"
        assert any(ask["path"] == "!severity" for ask in now_there["asks"])


async def test_a_fact_is_recorded_with_its_source_and_corrected_by_counsel_alone(floor: Floor) -> None:
    incident = await started(floor, "2002")
    async with visiting(floor, "counsel-1") as counsel, visiting(floor, "commander-eu-1") as ops:
        assert "<option>legal_counsel</option>" not in await ops.get(f"/incidents/{incident}/act")
        answer = await counsel.form(
            incident, "fact", fact="clarification_received", value="-5m", source="authority_mailbox"
        )
        assert "fact <code>clarification_received</code> recorded" in answer.text
        facts = (await board(floor.eu, incident))["facts"]
        assert facts["clarification_received"]["source"] == "authority_mailbox"
        evil = await counsel.form(
            incident, "fact", fact="order_annulled", value="<script>alert(1)</script>", source="legal_counsel"
        )
        assert evil.status_code == 422
        assert "<script>alert" not in evil.text


async def test_what_was_done_outside_is_not_done_again(floor: Floor) -> None:
    incident = await started(floor, "2003")
    async with visiting(floor, "commander-eu-1") as commander:
        page = await commander.get(f"/incidents/{incident}/act?step=disable")
        answer = await commander.form(
            incident, "outside", page, at="-1m", by="ops-1", items="all", reason="disabled by hand at the console"
        )
        assert "was done outside by ops-1" in answer.text, answer.text
    record = (await board(floor.eu, incident))["outside"][0]
    assert (record["step"], record["by"]) == ("disable", ["ops-1"])
    await floor.decide(incident, "order_doubt", "treat_as_valid", "counsel-1")
    await floor.state(incident, lambda now: now["phase"] == "containment" or now["phase"] == "legal_hold", "it goes on")
    await floor.state(incident, lambda now: any(one["step"] == "probe" for one in now["steps"]), "it looks")
    assert (await floor.effects("items/disable"))["https://video.example/v/2003"] == 0


async def test_command_is_taken_offered_and_accepted_under_a_growing_fence(floor: Floor) -> None:
    incident = await started(floor, "2004")
    async with visiting(floor, "commander-eu-1") as one, visiting(floor, "commander-eu-2") as two:
        stale = await two.get(f"/incidents/{incident}/act")
        assert "commander-eu-1 commands" in (await one.form(incident, "take", reason="on call")).text
        assert (await two.form(incident, "take", stale, reason="me too")).status_code == 409
        offered = await one.form(incident, "offer", to="commander-eu-2", minutes="30", reason="end of shift")
        assert "command offered to commander-eu-2" in offered.text
        assert "commander-eu-2 commands" in (await two.form(incident, "accept")).text
    commander = (await board(floor.eu, incident))["commander"]
    assert (commander["person"], commander["fence"]) == ("commander-eu-2", 3)


async def test_a_run_is_paused_and_resumed_by_whoever_may(floor: Floor) -> None:
    incident = await started(floor, "2005")
    async with visiting(floor, "commander-eu-1") as commander, visiting(floor, "counsel-1") as counsel:
        page = await counsel.get(f"/incidents/{incident}/act")
        assert "Not you, or not now: a run is steered by incident_commander" in page
        assert '/act/pause"' not in page
        refused = await counsel.send(
            f"/incidents/{incident}/act/pause",
            csrf=re.findall(r'name="csrf" value="([^"]*)"', page)[0],
            mark="",
            reason="x",
        )
        assert refused.status_code == 422
        assert "paused: no new step starts" in (await commander.form(incident, "pause", reason="wrong order")).text
        page = await commander.get(f"/incidents/{incident}")
        assert "commander-eu-1 as incident_commander paused it" in page
        assert "resumed" in (await commander.form(incident, "resume", reason="right after all")).text
    assert (await board(floor.eu, incident))["state"] == "open"


async def test_failed_steps_are_answered_by_number(floor: Floor) -> None:
    """The register of orders refuses; the commander is asked, and says from the list that it is tried again."""
    order = f"2006{datetime.now(UTC):%S}"
    match = {"path": "/orders/authenticate", "where": {"order_id": f"FR-2026-{order}"}}
    refusal = {"match": match, "status": 400, "times": 1}
    await floor.seed("faults", [refusal])
    incident = await trigger(floor, order)
    await floor.ask(incident, "authenticate!failed")
    await seen(floor, incident)
    async with visiting(floor, "commander-eu-1") as commander, visiting(floor, "counsel-1") as counsel:

        async def asks() -> bool:
            return "incident_commander say what became of it" in await counsel.get(f"/incidents/{incident}/act")

        await until(asks, "the page has heard of the failed step")
        page = await commander.get(f"/incidents/{incident}/act")
        assert "<b>1</b> authenticate: failed: the target said no" in page
        form = page
        nothing = await commander.form(incident, "resolve", form, option="retry", reason="x")
        assert nothing.status_code == 422
        assert "Nothing is chosen" in nothing.text
        strange = await commander.form(incident, "resolve", form, option="retry", reason="x", numbers="7")
        assert strange.status_code == 422
        done = await commander.form(incident, "resolve", form, pick="1", option="retry", reason="the register is back")
        assert "1 of 1 answered: try it again" in done.text
        late = await commander.form(incident, "resolve", form, pick="1", option="retry", reason="again")
        assert late.status_code == 409
    await floor.ask(incident, "order_doubt")
