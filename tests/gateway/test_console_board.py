"""The board: its order, its filters, its wall, and taking many pages at once."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from schemas.incident import Board
from tests.cli.boards import ask, board, clock
from tests.gateway.test_console import Console, console, token
from watchfloor.client.errors import EngineUnavailable
from watchfloor.gateway.console import boards as boards_module
from watchfloor.gateway.console.board_lines import Filters, draw_board
from watchfloor.gateway.console.drawn import Drawn
from watchfloor.identity.people import Person
from watchfloor.signing import render_instant

__all__ = ["console"]

COUNSEL = Person("counsel-1", ("legal_counsel",), "example-ie", "eu", ())


def named(letter: str) -> str:
    return f"inc-{letter * 20}"


def ticking(left: timedelta, whole: timedelta = timedelta(hours=1), **changes: Any) -> dict[str, Any]:
    due = datetime.now(UTC) + left
    return clock(started_at=render_instant(due - whole), due_at=render_instant(due), **changes)


def paged(*roles: str, **changes: Any) -> dict[str, Any]:
    at = render_instant(datetime.now(UTC))
    return {
        "id": "p1",
        "kind": "ask",
        "path": "triage/order_doubt",
        "step": "order_doubt",
        "clock": "",
        "ask": "",
        "roles": list(roles),
        "told": list(roles),
        "alerts": [],
        "sent_at": at,
        "rung": 0,
        "rung_at": at,
        "deadline_at": None,
        **changes,
    }


def fill(console: Console, *boards: Board) -> None:
    for seq, one in enumerate(boards, start=1):
        console.api.index.put(one, seq)


def order_of(page: str) -> list[str]:
    return re.findall(r'href="/console/incidents/inc-([a-z])', page)


async def test_clocks_at_risk_come_first_then_priority_then_the_deadline(console: Console) -> None:
    fill(
        console,
        board(workflow=named("a"), severity="S0"),
        board(workflow=named("b"), severity="S3", clocks=[ticking(timedelta(minutes=10))]),
        board(workflow=named("c"), severity="S1", clocks=[ticking(timedelta(minutes=50))]),
        board(workflow=named("d"), severity="S3", clocks=[ticking(timedelta(minutes=-5), state="breached")]),
        board(workflow=named("e"), severity="S1"),
    )
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get("/console/board")).text
    assert order_of(page) == ["d", "b", "a", "c", "e"]
    assert "2 with a clock at risk" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("severity=S0", ["a"]),
        ("severity=S0&severity=S1", ["a", "b"]),
        ("runbook=other", ["b"]),
        ("role=exec_sponsor", ["b"]),
        ("region=us", ["c"]),
        ("risk=1", ["c", "f"]),
        ("text=INC-BBBB", ["b"]),
        ("text=odd+title", ["a"]),
        ("mode=case", ["e", "f"]),
        ("mode=all&text=INC-EEEE", ["e"]),
        ("risk=1&mode=case", ["f"]),
        ("state=paused", ["c"]),
        ("state=ended", ["d"]),
        ("state=all&severity=S4", ["d"]),
        ("state=nonsense&text=nothing+like+it", []),
    ],
)
async def test_a_filter_keeps_what_fits(console: Console, query: str, found: list[str]) -> None:
    sponsor = ask(options={"yes": [{"any_of": ["exec_sponsor"]}]})
    away = {"region": "us", "person": "ops-us-1", "since": "2026-11-22T03:09:00Z", "fence": 1}
    fill(
        console,
        board(workflow=named("a"), severity="S0", title="An odd title"),
        board(workflow=named("b"), severity="S1", runbook="other", asks=[sponsor]),
        board(
            workflow=named("c"), state="paused", severity="S2", commander=away, clocks=[ticking(timedelta(minutes=1))]
        ),
        board(workflow=named("d"), state="closed", severity="S4"),
        board(workflow=named("e"), mode="case", severity="S3"),
        board(workflow=named("f"), mode="case", severity="S3", clocks=[ticking(timedelta(minutes=1))]),
    )
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get(f"/console/board?{query}")).text
    assert sorted(order_of(page)) == found
    if not found:
        assert "fits the filters" in page


async def test_what_is_hidden_is_in_no_count_and_no_choice(console: Console) -> None:
    fill(
        console,
        board(workflow=named("a")),
        board(workflow=named("b"), compartment="terror", runbook="secret-runbook", severity="S0", asks=[ask()]),
    )
    async with console.signed_in("ops-1") as browser:
        for query in ("", "?state=all", "?text=INC-BBBB", "?runbook=secret-runbook", "?wall=true"):
            page = (await browser.get(f"/console/board{query}")).text
            assert "<option>secret-runbook" not in page
            assert "S0" not in re.sub(r"<fieldset>.*?</fieldset>", "", page, flags=re.DOTALL)
            assert "2</b> incidents" not in page
            assert named("b") not in page


async def test_a_wall_has_no_header_and_refreshes_itself_without_a_script(console: Console) -> None:
    fill(console, board(workflow=named("a"), severity="S1", clocks=[ticking(timedelta(minutes=5))]))
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/board?wall=true")).text
    assert 'class="wall"' in page
    assert '<noscript><meta http-equiv="refresh" content="20"></noscript>' in page
    assert "data-live" in page
    assert "1 at risk" in page


async def test_many_incidents_stand_on_several_pages(console: Console) -> None:
    fill(console, *(board(workflow=f"inc-{number:020d}", severity="S2") for number in range(230)))
    async with console.signed_in("ops-1") as browser:
        first, last = (await browser.get("/console/board")).text, (await browser.get("/console/board?page=3")).text
    assert first.count('<li class="card') == 100
    assert "130 more" in first
    assert last.count('<li class="card') == 30
    assert "<b>230</b> incidents" in last


async def test_one_press_takes_the_pages_of_all_that_were_marked(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(
        console,
        board(workflow=named("a"), pages=[paged("legal_counsel")]),
        board(workflow=named("b"), pages=[paged("legal_counsel")]),
        board(workflow=named("c"), pages=[paged("ops_lead")]),
    )
    sent: list[tuple[str, str]] = []

    async def ack(_face: Any, run: str, _what: None, *, person: str, signed_in: str) -> Any:
        sent.append((run, person))
        if run == named("b"):
            raise EngineUnavailable("no worker answered")
        return None, [object()]

    monkeypatch.setattr(boards_module, "send_ack", ack)
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get("/console/board")).text
        assert page.count("1 page to take") == 2
        assert "Take all that are shown (2)" in page
        nothing = await browser.post("/console/board/acknowledge", data={"csrf": token(page)})
        assert nothing.status_code == 422
        said = {"csrf": token(page), "incident": [named("a"), named("b")]}
        answer = await browser.post("/console/board/acknowledge", data=said)
        shown = {"csrf": token(page), "all": "1", "shown": f"{named('a')} {named('b')}"}
        await browser.post("/console/board/acknowledge", data=shown)
    assert sorted(sent) == sorted([(named("a"), "counsel-1"), (named("b"), "counsel-1")] * 2)
    assert "1 page of 1 incident taken by you" in answer.text
    assert "INC-BBBBBBBB</span>: no worker answered" in answer.text


async def test_the_board_after_a_bulk_is_the_same_board_and_alive(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was filtered, and it goes on following what runs: from its own address, not from that of the form."""
    fill(
        console,
        board(workflow=named("a"), severity="S0", pages=[paged("ops_lead")]),
        board(workflow=named("b"), severity="S3"),
    )

    async def ack(*_: Any, **__: Any) -> Any:
        return None, [object()]

    monkeypatch.setattr(boards_module, "send_ack", ack)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/board?severity=S0")).text
        (action,) = [unescape(one) for one in re.findall(r'action="([^"]*acknowledge[^"]*)"', page)]
        answer = await browser.post(action, data={"csrf": token(page), "incident": [named("a")]})
        back = await browser.get(action)
    assert "1 page of 1 incident taken by you" in answer.text
    assert "INC-BBBBBBBB" not in answer.text
    (live,) = [unescape(one) for one in re.findall(r'data-live="([^"]*)"', answer.text)]
    assert live == "/console/board?severity=S0&state=open"
    assert (back.status_code, back.headers["location"]) == (303, live)


async def test_a_bulk_with_something_hidden_in_it_takes_nothing(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(
        console,
        board(workflow=named("a"), pages=[paged("ops_lead")]),
        board(workflow=named("b"), pages=[paged("ops_lead")], compartment="terror"),
    )
    sent: list[str] = []

    async def ack(_face: Any, run: str, *_: Any, **__: Any) -> Any:
        sent.append(run)
        return None, []

    monkeypatch.setattr(boards_module, "send_ack", ack)
    async with console.signed_in("ops-1") as browser:
        csrf = token((await browser.get("/console/board")).text)
        answer = await browser.post(
            "/console/board/acknowledge", data={"csrf": csrf, "incident": [named("a"), named("b")]}
        )
    assert answer.status_code == 404
    assert sent == []


def test_an_address_keeps_the_filters() -> None:
    wish = Filters(("S0", "S1"), "r", "", "open", "", True, "a&b")
    assert wish.query(page="2") == "severity=S0&severity=S1&runbook=r&state=open&risk=1&text=a%26b&page=2"


def test_pages_that_somebody_has_taken_are_not_counted() -> None:
    from watchfloor.cases import Case

    taken = paged("legal_counsel", acknowledged={"how": "statement", "by": "x", "role": "legal_counsel", "at": ""})
    said = board(pages=[taken])
    case = Case(said["workflow"], "incident", "r", "S1", "open", "", said["opened_at"], 1, 1, said)
    (line,) = draw_board([case], COUNSEL, datetime.now(UTC), Drawn())
    assert line.pages == 0


async def test_what_is_due_before_the_clock_stands_before_it(console: Console) -> None:
    """The order goes by what is due first, so that has to be what one reads."""
    soon = render_instant(datetime.now(UTC) + timedelta(minutes=8))
    asked = ask(deadline_at=soon)
    fill(console, board(workflow=named("a"), asks=[asked], clocks=[ticking(timedelta(minutes=48))]))
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get("/console/board")).text
    assert 0 < page.index("answer due") < page.index("<progress")


async def test_screens_share_what_is_drawn_and_never_the_token_of_their_forms(console: Console) -> None:
    fill(console, board(workflow=named("a"), pages=[paged("legal_counsel")]))
    async with console.signed_in("counsel-1") as phone, console.signed_in("counsel-1") as desk:
        pages = [(await one.get("/console/board")).text for one in (phone, desk, phone)]
        tokens = [set(re.findall(r'name="csrf" value="([^"]+)"', page)) for page in pages]
        assert [len(one) for one in tokens] == [1, 1, 1]
        assert tokens[0] == tokens[2] != tokens[1]
        said = {"csrf": tokens[0].pop(), "incident": named("a")}
        assert (await desk.post("/console/board/acknowledge", data=said)).status_code == 403


async def test_who_may_see_less_is_not_given_what_was_drawn_for_another(console: Console) -> None:
    fill(console, board(workflow=named("a")), board(workflow=named("b"), compartment="terror"))
    async with console.signed_in("counsel-1") as cleared, console.signed_in("ops-1") as outside:
        assert order_of((await cleared.get("/console/board")).text) == ["a", "b"]
        assert order_of((await outside.get("/console/board")).text) == ["a"]


async def test_what_changes_is_on_the_board_at_once(console: Console) -> None:
    async with console.signed_in("counsel-1") as browser:
        fill(console, board(workflow=named("a")))
        assert "S0 1" not in (await browser.get("/console/board")).text
        fill(console, board(workflow=named("a"), severity="S0"))
        assert "S0 1" in (await browser.get("/console/board")).text
