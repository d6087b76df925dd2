"""The page of webhooks out: what each subscription is told, to whom it is shown, and sending it again."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.ledger import EntryKind
from tests.cli.boards import board
from tests.gateway.apis import Api
from tests.gateway.consoles import Seen, console_over, token
from watchfloor.outgoing.book import Attempt, Book, NewEvent
from watchfloor.outgoing.events import Standing
from watchfloor.outgoing.refusal import write_refusal

OPEN, WALLED = "inc-aaaaaaaaaaaaaaaaaaaa", "inc-bbbbbbbbbbbbbbbbbbbb"
NOW = datetime.now(UTC)


@pytest.fixture
async def seen(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as made:
        yield made


@pytest.fixture
def book(seen: Seen, tmp_path: Path) -> Iterator[Book]:
    seen.api.index.put(board(workflow=OPEN), 1)
    seen.api.index.put(board(workflow=WALLED, compartment="terror"), 1)
    made = Book(tmp_path / "webhooks.sqlite")
    made.meet(["case_tool"], {}, NOW)
    for chain in (OPEN, WALLED):
        events = [
            NewEvent("case_tool", seq, EntryKind.PHASE, "S1", NOW + timedelta(hours=1), "{}") for seq in (1, 2, 3)
        ]
        made.take(chain, Standing(seq=3, compartment=""), events, NOW)
        took = timedelta(milliseconds=12)
        made.note(Attempt("case_tool", chain, 1, EntryKind.PHASE, 7, NOW, took, 500, "failed"), "dead")
        again = NOW + timedelta(seconds=5)
        made.note(Attempt("case_tool", chain, 2, EntryKind.PHASE, 1, NOW, took, None, "no answer", again), "waiting")
    yield made
    made.close()


async def test_where_nobody_is_told_the_page_says_so(seen: Seen) -> None:
    async with seen.signed_in("ops-1") as browser:
        page = await browser.get("/console/outgoing")
    assert "Nobody is told" in page.text


async def test_what_waits_what_was_given_up_and_each_attempt_are_shown(seen: Seen, book: Book) -> None:
    async with seen.signed_in("ops-1") as browser:
        page = (await browser.get("/console/outgoing")).text
    assert "case_tool" in page
    assert "2 waiting" in page
    assert "1 given up" in page
    assert "given up after 1 attempt" in page
    assert "attempt 7: 500, failed, 12 ms" in page
    assert "attempt 1: no answer, 12 ms" in page
    assert "again at" in page
    assert "Not getting through" in page


async def test_an_incident_of_a_compartment_is_neither_shown_nor_counted_outside(seen: Seen, book: Book) -> None:
    async with seen.signed_in("ops-1") as outside, seen.signed_in("counsel-1") as inside:
        for path in ("/console/outgoing", "/console/outgoing?subscription=case_tool"):
            hidden, shown = (await outside.get(path)).text, (await inside.get(path)).text
            assert WALLED not in hidden
            assert "INC-BBBBBBBB" not in hidden
            assert "2 waiting" in hidden
            assert WALLED in shown
            assert "4 waiting" in shown
        page = (await outside.get("/console/outgoing")).text
        tried = {"csrf": token(page), "subscription": "case_tool", "event": f"{WALLED}:1"}
        never = {**tried, "event": "inc-zzzzzzzzzzzzzzzzzzzz:1"}
        answers = [await outside.post("/console/outgoing/redrive", data=one) for one in (tried, never)]
        assert [one.status_code for one in answers] == [404, 404]
        made = re.compile(r"Made at.*")
        assert made.sub("", answers[0].text) == made.sub("", answers[1].text)
    assert len(book.dead()) == 2


async def test_who_runs_operations_has_a_dead_letter_sent_again(seen: Seen, book: Book) -> None:
    async with seen.signed_in("ops-1") as browser:
        page = (await browser.get("/console/outgoing")).text
        said = {"csrf": token(page), "subscription": "case_tool", "event": f"{OPEN}:1"}
        answer = await browser.post("/console/outgoing/redrive", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/outgoing?done=redrive")
        assert "It is sent again" in (await browser.get(answer.headers["location"])).text
        assert (await browser.post("/console/outgoing/redrive", data=said)).status_code == 409
        for event in ("", OPEN, f"{OPEN}:", f"{OPEN}:x"):
            wrong = await browser.post("/console/outgoing/redrive", data={**said, "event": event})
            assert wrong.status_code in {404, 409}
    assert [one.chain for one in book.dead()] == [WALLED]
    (entry,) = seen.api.ledger.read(OPEN)
    assert (entry["kind"], entry["actor"], entry["data"]["event"]) == (EntryKind.RESENT, "ops-1", f"{OPEN}:1")


async def test_a_disabled_subscription_is_switched_on_again(seen: Seen, book: Book) -> None:
    book.disable("case_tool", "the receiver answered 410 (gone)", NOW)
    async with seen.signed_in("commander-1") as browser:
        page = (await browser.get("/console/outgoing")).text
        assert "the receiver answered 410 (gone)" in page
        said = {"csrf": token(page), "subscription": "case_tool"}
        assert (await browser.post("/console/outgoing/enable", data=said)).status_code == 303
        assert (await browser.post("/console/outgoing/enable", data=said)).status_code == 409
    assert book.may_send("case_tool", datetime.now(UTC))


@pytest.mark.parametrize("act", ["redrive", "enable"])
async def test_who_may_not_act_has_no_button_and_is_refused(seen: Seen, book: Book, act: str) -> None:
    book.disable("case_tool", "gone", NOW)
    async with seen.signed_in("liaison-1") as browser:
        page = (await browser.get("/console/outgoing")).text
        assert "Send again" not in page
        assert "Switch on again" not in page
        said = {"csrf": token(page), "subscription": "case_tool", "event": f"{OPEN}:1"}
        assert (await browser.post(f"/console/outgoing/{act}", data=said)).status_code == 403
    async with seen.signed_in("ops-1") as browser:
        forged = {**said, "csrf": "x"}
        assert (await browser.post(f"/console/outgoing/{act}", data=forged)).status_code == 403
    assert len(book.dead()) == 2


async def test_somebody_of_another_region_has_no_such_page(seen: Seen, book: Book) -> None:
    async with seen.signed_in("ops-us-1") as browser:
        answer = await browser.get("/console/outgoing")
    assert answer.status_code == 404
    assert "case_tool" not in answer.text


async def test_what_a_receiver_answers_cannot_become_markup(seen: Seen, book: Book) -> None:
    took = timedelta(milliseconds=12)
    said = '<script>alert(1)</script>\u202e"onload='
    book.note(Attempt("case_tool", OPEN, 2, EntryKind.PHASE, 1, NOW, took, 500, said), "waiting")
    async with seen.signed_in("ops-1") as browser:
        page = (await browser.get("/console/outgoing?subscription=%3Cscript%3E")).text
        page += (await browser.get("/console/outgoing")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page


async def test_bindings_that_were_refused_are_said_and_what_stands_in_them_is_not(
    seen: Seen, book: Book, tmp_path: Path
) -> None:
    write_refusal(tmp_path, "subscriptions", ["12:5: WALLED_SECRET is not set"], NOW)
    async with seen.signed_in("ops-1") as browser:
        page = (await browser.get("/console/outgoing")).text
        assert "The bindings were changed and refused" in page
        assert "1 problem." in page
        assert "WALLED_SECRET" not in page
        write_refusal(tmp_path, "subscriptions", [], NOW)
        assert "refused" not in (await browser.get("/console/outgoing")).text
