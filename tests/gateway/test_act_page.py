"""The page Act: what each person may do, why not what they may not, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.boards import ask, board
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over, token
from watchfloor.client.errors import Refused
from watchfloor.client.library import plan_for_start
from watchfloor.client.loop_items import find_item
from watchfloor.gateway.console.resolving import read_numbers

ACT = f"/console/incidents/{INCIDENT}/act"
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e'


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        seen.knows(INCIDENT, plan_for_start("eu-tco-removal-order")[0])
        yield seen


def failed(number: int, **changes: Any) -> Any:
    return ask(
        path=f"containment/remove[{number}]/disable!failed",
        step="disable",
        kind="failed",
        title="disable failed: refused",
        options={name: [{"any_of": ["incident_commander"]}] for name in ("retry", "skip", "give_up")},
        shown=[{"label": "error", "value": "refused"}],
        ask=f"sha256:{number:064d}",
        **changes,
    )


@pytest.mark.parametrize(
    ("person", "there", "gone"),
    [
        ("ops-1", ["/act/life", "/act/raise", "/act/lower"], ["/act/pause", "/act/take", "/act/offer"]),
        ("commander-1", ["/act/pause", "/act/take", "/act/life"], ["/act/resume", "/act/accept"]),
        ("counsel-1", ['name="fact" value="order_annulled"'], ['name="fact" value="removal_verified"', "/act/pause"]),
    ],
)
async def test_only_what_a_person_may_do_has_a_form(
    console: Seen, person: str, there: list[str], gone: list[str]
) -> None:
    console.api.index.put(board(workflow=INCIDENT), 1)
    async with console.signed_in(person) as browser:
        page = (await browser.get(ACT)).text
    for words in there:
        assert words in page, words
    for words in gone:
        assert words not in page, words


async def test_what_one_may_not_do_says_why_where_one_looks_for_it(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT, paused={"by": "commander-1", "at": "2026-11-22T03:10:00Z"}), 1)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(ACT)).text
    assert "a run is steered by incident_commander, deputy, exec_sponsor" in page
    assert "the run itself records it, from steps.probe, steps.confirm" in page


@pytest.mark.parametrize(
    ("person", "changes", "words"),
    [
        ("commander-1", {"severity": "S0"}, "severity is S0 already"),
        ("commander-1", {"state": "closed", "outcome": "closed"}, "it has ended (closed)"),
        (
            "commander-2",
            {"commander": {"region": "eu", "person": "commander-1", "since": "2026-11-22T03:10:00Z", "fence": 2}},
            "commander-1 commands; they offer it, or the deputy does",
        ),
    ],
)
async def test_the_state_of_the_run_is_a_reason_too(
    console: Seen, person: str, changes: dict[str, Any], words: str
) -> None:
    console.api.index.put(board(workflow=INCIDENT, **changes), 1)
    async with console.signed_in(person) as browser:
        assert words in (await browser.get(ACT)).text


async def test_a_form_made_over_something_else_is_not_sent(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT), 1)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(ACT)).text
        console.api.index.put(board(workflow=INCIDENT, severity="S2"), 2)
        said = {"csrf": token(page), "mark": "S1:", "level": "S0", "reason": "kept <b>words</b>"}
        answer = await browser.post(f"{ACT}/raise", data=said)
    assert answer.status_code == 409
    assert "It has changed since you looked; nothing was done" in answer.text
    assert "kept &lt;b&gt;words&lt;/b&gt;</textarea>" in answer.text


async def test_who_signs_and_whose_site_it_is_are_checked_for_every_form(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT), 1)
    async with console.signed_in("commander-1") as browser:
        own = token((await browser.get(ACT)).text)
        for deed in ("raise", "lower", "life", "fact", "outside", "resolve", "take", "pause", "dismiss"):
            for said, headers in (({"csrf": "x"}, {}), ({"csrf": own}, {"origin": "https://elsewhere.example"})):
                answer = await browser.post(f"{ACT}/{deed}", data=said, headers=headers)
                assert answer.status_code == 403, deed
        unknown = await browser.post(f"{ACT}/abracadabra", data={"csrf": own})
        assert unknown.status_code == 404


async def test_an_incident_that_one_may_not_see_is_not_acted_on(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT, compartment="terror"), 1)
    async with console.signed_in("commander-1") as outside, console.signed_in("counsel-1") as inside:
        own = token((await inside.get(ACT)).text)
        assert (await outside.get(ACT)).status_code == 404
        assert (await outside.post(f"{ACT}/life", data={"csrf": own})).status_code == 403


async def test_troubles_are_numbered_as_people_count_and_named_by_item(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT, asks=[failed(10), failed(2)]), 1)
    async with console.signed_in("commander-1") as browser:
        page = (await browser.get(ACT)).text
        assert page.index("<b>1</b> disable item 3") < page.index("<b>2</b> disable item 11")
        stale = {"csrf": token(page), "mark": "x", "kind": "failed", "pick": "1", "option": "skip", "reason": "x"}
        assert (await browser.post(f"{ACT}/resolve", data=stale)).status_code == 409


async def test_nothing_that_anybody_wrote_becomes_markup(console: Seen) -> None:
    fact: Any = {
        "value": EVIL,
        "at": "2026-11-22T02:30:00Z",
        "recorded_at": "2026-11-22T02:30:00Z",
        "source": EVIL,
        "by": EVIL,
        "revisions": [],
    }
    evil = board(workflow=INCIDENT, title=EVIL, asks=[failed(1) | {"step": EVIL}], facts={"order_annulled": fact})
    console.api.index.put(evil, 1)
    async with console.signed_in("commander-1") as browser:
        page = await browser.get(ACT)
        sent = await browser.post(
            f"{ACT}/life", data={"csrf": token(page.text), "mark": "no", "reason": EVIL, "level": EVIL}
        )
    for answer in (page, sent):
        assert "<img" not in answer.text
        assert "<script>" not in answer.text
        assert "\u202e" not in answer.text


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1, 3, 5-7", [1, 3, 5, 6, 7]), ("2 2 1-3", [2, 1, 3]), ("", []), ("9", [9])],
)
def test_numbers_are_read_as_people_write_them(text: str, numbers: list[int]) -> None:
    assert read_numbers(text, 9) == numbers


@pytest.mark.parametrize("text", ["0", "10", "7-3", "1-99999", "x", "-1", "1;2"])
def test_a_number_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_numbers(text, 9)


def test_items_of_a_loop_count_from_one_and_rounds_stay_as_they_are() -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    assert find_item(plan, "containment/remove[2]/disable!doubt") == "3"
    assert find_item(plan, "containment/probe[2]/look!failed") == "2"
    assert find_item(plan, "triage/screen!failed") == ""
