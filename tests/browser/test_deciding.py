"""Deciding on a running incident through the console's forms, as a browser without a script sends them."""

import asyncio
import re

import pytest

from tests.browser.test_acting import started, visiting
from tests.e2e.floor import Floor, until
from watchfloor.client import board

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


def at(incident: str) -> str:
    return f"/asks/{incident}/triage/order_doubt"


def hidden(page: str) -> dict[str, str]:
    """What the page put into its form of decision."""
    start = page.index('class="decide"')
    return dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page[start : page.index("</form>", start)])
    )


async def test_pressing_twice_two_tabs_and_the_back_button_decide_once(floor: Floor) -> None:
    incident = await started(floor, "3001")
    async with visiting(floor, "counsel-1") as one:
        first = await one.get(at(incident))
        said = {**hidden(first), "option": "refuse", "reason": "no authority of this name"}
        # two tabs at once: one counts, the other is told so
        answers = await asyncio.gather(*(one.send(at(incident), **said) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        told = next(answer.text for answer in answers if answer.status_code == 409)
        assert "already; it is recorded and counts once" in told
        # the back button brings the old form back, with another option pressed
        back = await one.send(at(incident), **{**said, "option": "clarify"})
        assert back.status_code == 409
        now_there = await board(floor.eu, incident)
        assert [answer["body"]["option"] for answer in now_there["asks"][0]["answers"]] == ["refuse"]
        assert "You have said your word here" in await one.get(at(incident))


async def test_after_it_is_decided_pressing_again_shows_what_one_had_said(floor: Floor) -> None:
    incident = await started(floor, "3002")
    async with visiting(floor, "counsel-1") as one, visiting(floor, "counsel-2") as two:
        said = {**hidden(await one.get(at(incident))), "option": "treat_as_valid", "reason": "confirmed by phone"}
        other = {**hidden(await two.get(at(incident))), "option": "clarify", "reason": "a page is missing"}
        receipt = await one.send(at(incident), **said)
        assert "Recorded" in receipt.text
        digest = re.findall(r"Statement</dt><dd><code>(sha256:[0-9a-f]+)", receipt.text)[0]
        again, late = await one.send(at(incident), **said), await two.send(at(incident), **other)
        assert (again.status_code, late.status_code) == (409, 409)
        assert digest in again.text
        assert "decided: treat as valid" in late.text
        assert digest not in late.text


async def test_a_question_is_asked_back_answered_and_the_seat_is_given_on_and_taken_back(floor: Floor) -> None:
    incident = await started(floor, "3003")
    async with visiting(floor, "counsel-1") as counsel, visiting(floor, "commander-eu-1") as commander:
        page = await counsel.get(at(incident))
        asked = await counsel.send(
            at(incident), **hidden(page), verb="question", reason="Which page <b>is</b> missing?"
        )
        assert "asked back; the deadline stays" in asked.text
        await seen(floor, incident, 1)
        shown = await commander.get(at(incident))
        assert "Which page &lt;b&gt;is&lt;/b&gt; missing?" in shown
        form = dict(re.findall(r'name="(csrf|ask)" value="([^"]*)"', shown))
        assert (
            "Recorded" in (await commander.send(at(incident), **form, verb="answer", reason="The signature page")).text
        )
        await seen(floor, incident, 2)
        page = await counsel.get(at(incident))
        assert "The signature page" in page
        gave = await counsel.send(at(incident), **hidden(page), verb="delegate", to="ops-1", reason="off shift")
        assert "your seat is given away" in gave.text
        await seen(floor, incident, 3)
        page = await counsel.get(at(incident))
        assert "gave the seat to ops-1" in page
        form = dict(re.findall(r'name="(csrf|ask)" value="([^"]*)"', page))
        assert "Recorded" in (await counsel.send(at(incident), **form, verb="withdraw", reason="I am still here")).text
        await seen(floor, incident, 4)
        page = await counsel.get(at(incident))
        left = await counsel.send(at(incident), **hidden(page), verb="abstain", reason="I wrote the first order")
        assert "you abstain" in left.text


async def seen(floor: Floor, incident: str, motions: int) -> None:
    """Until the console shows so many things that were said at the question."""

    async def look() -> bool:
        async with visiting(floor, "counsel-2") as other:
            page = await other.get(at(incident))
        said = page.count("gave the seat") + page.count("took back") + page.count('<div class="said">')
        return said + page.count(" answered: <q>") >= motions

    await until(look, f"{motions} motions show")
