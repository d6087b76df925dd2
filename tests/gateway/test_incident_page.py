"""The page of one incident and its timeline, over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import EntryKind
from tests.cli.boards import ask, board, clock
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over
from watchfloor.client.library import plan_for_start

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e'


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        seen.knows(INCIDENT, plan_for_start("eu-tco-removal-order")[0])
        yield seen


def said(**changes: Any) -> Any:
    view = {
        "path": "triage/order_doubt",
        "step": "order_doubt",
        "kind": "decide",
        "name": "",
        "state": "waiting",
        "since": "2026-11-22T03:10:00Z",
        "detail": "waits on legal_counsel until 2026-11-22T03:20:00Z",
    }
    fact = {
        "value": "2026-11-22T02:30:00Z",
        "at": "2026-11-22T02:30:00Z",
        "recorded_at": "2026-11-22T03:09:00Z",
        "source": "inputs.received_at",
        "by": "engine",
        "revisions": [],
    }
    return board(
        workflow=INCIDENT,
        asks=[ask()],
        steps=[view],
        clocks=[clock()],
        facts={"order_received": fact},
        **changes,
    )


async def test_one_screen_answers_the_five_questions(console: Seen) -> None:
    console.api.index.put(
        said(commander={"region": "eu", "person": "commander-1", "since": "2026-11-22T03:09:00Z", "fence": 3}), 1
    )
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(f"/console/incidents/{INCIDENT}")).text
    for words in (
        "It stands still until somebody does something.",
        "start set by the order that came in (<code>received_at</code>): <code>order_received</code>",
        "law: Regulation (EU) 2021/784 Art. 3(3)",
        "fence 3",
        "counsel-1, counsel-2",
        "Nothing is restricted so far.",
    ):
        assert words in page, words


async def test_the_drawn_way_has_its_words_beside_it_and_no_style_of_its_own(console: Seen) -> None:
    console.api.index.put(said(), 1)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(f"/console/incidents/{INCIDENT}")).text
    svg = page[page.index("<svg") : page.index("</svg>")]
    assert 'role="img"' in svg
    assert "<title>Where it stands in its runbook</title>" in svg
    assert "<style" not in svg
    assert ">waits</text>" in svg
    assert "order_doubt — waits" in page


async def test_without_its_plan_a_page_says_less_and_still_stands(console: Seen) -> None:
    console.desk.plans.clear()
    console.api.index.put(said(), 1)
    async with console.signed_in("ops-1") as browser:
        answer = await browser.get(f"/console/incidents/{INCIDENT}")
    assert answer.status_code == 200
    assert "<svg" not in answer.text
    assert "The order fails its checks" in answer.text


async def test_nothing_that_anybody_wrote_becomes_markup(console: Seen) -> None:
    reason = console.face.reasons.put(EVIL.encode())
    fact: Any = {
        "value": EVIL,
        "at": "2026-11-22T02:30:00Z",
        "recorded_at": "",
        "source": EVIL,
        "by": EVIL,
        "revisions": [],
    }
    evil = said(title=EVIL)
    evil["facts"]["bad"] = fact
    evil["asks"][0] |= {"title": EVIL, "on_silence": EVIL}
    evil["steps"][0] |= {"step": EVIL, "detail": EVIL}
    console.api.index.put(evil, 1)
    console.wrote(EntryKind.FACT, EVIL, step="order_doubt", fact=EVIL, value=EVIL, reason_ref=reason)
    async with console.signed_in("ops-1") as browser:
        for path in ("", "/timeline", "/timeline?kind=facts&person=%3Cscript%3E"):
            page = (await browser.get(f"/console/incidents/{INCIDENT}{path}")).text
            assert "<img" not in page
            assert "<script>" not in page
            assert "\u202e" not in page


async def test_the_timeline_tells_the_latest_first_with_the_reason(console: Seen) -> None:
    console.api.index.put(said(), 1)
    console.wrote(EntryKind.OPENED, severity="S1")
    reason = console.face.reasons.put(b"the signature page is missing")
    console.wrote(EntryKind.DECIDED, "counsel-1", step="order_doubt", option="clarify", reason_ref=reason)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(f"/console/incidents/{INCIDENT}/timeline")).text
    assert page.index("counsel-1: answered") < page.index("the incident was opened")
    assert "<q>the signature page is missing</q>" in page


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("kind=decisions", "counsel-1: answered", "clock ran out"),
        ("kind=clocks", "clock ran out", "counsel-1: answered"),
        ("person=counsel-1", "counsel-1: answered", "clock ran out"),
        ("step=order_doubt", "counsel-1: answered", "clock ran out"),
        ("kind=decisions&person=nobody", "Nothing on record fits this filter", "counsel-1: answered"),
        ("kind=no-such-kind", "clock ran out", "Nothing on record"),
    ],
)
async def test_a_timeline_is_filtered_by_an_address(console: Seen, query: str, there: str, gone: str) -> None:
    console.api.index.put(said(), 1)
    console.wrote(EntryKind.CLOCK_BREACHED, clock="removal")
    console.wrote(EntryKind.DECIDED, "counsel-1", step="order_doubt", option="clarify")
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(f"/console/incidents/{INCIDENT}/timeline?{query}")).text
    assert there in page
    assert gone not in page


async def test_a_long_timeline_is_turned_page_by_page_and_loses_nothing(console: Seen) -> None:
    console.api.index.put(said(), 1)
    for number in range(1, 121):
        console.wrote(EntryKind.TASK_TICKED, "ops-1", item=f"item{number}")
    found: list[str] = []
    async with console.signed_in("ops-1") as browser:
        path = f"/console/incidents/{INCIDENT}/timeline"
        for _ in range(4):
            page = (await browser.get(path)).text
            found += [part.partition("</i>")[0] for part in page.split("<i>item")[1:]]
            before, link, _after = page.partition('">Older</a>')
            if not link:
                break
            query = before.rpartition('href="')[2]
            path = f"/console/incidents/{INCIDENT}/timeline{query}"
    assert found == [str(number) for number in range(120, 0, -1)]


async def test_the_timeline_of_a_compartment_is_not_there_for_those_outside(console: Seen) -> None:
    console.api.index.put(said(compartment="terror"), 1)
    async with console.signed_in("ops-1") as outside, console.signed_in("counsel-1") as inside:
        assert (await outside.get(f"/console/incidents/{INCIDENT}/timeline")).status_code == 404
        assert (await inside.get(f"/console/incidents/{INCIDENT}/timeline")).status_code == 200
