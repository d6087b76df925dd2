"""The queue: exposure first, what is left to others only counted, passing on noted nowhere, one press to take."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.boards import DIGEST, ask, board
from tests.gateway.test_console import Console, console, token
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.client.queueing import Claimed
from watchfloor.client.statements import Sent
from watchfloor.gateway.console import queue as queue_module
from watchfloor.gateway.console import relief as relief_module
from watchfloor.gateway.console import tasks as tasks_module
from watchfloor.signing import render_instant
from watchfloor.wellness import Wellness

__all__ = ["console"]


def task(name: str, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return ask(
        path=f"review/{name}",
        step=name,
        kind="task",
        title=f"Look at {name}",
        options={"done": [{"any_of": ["ops_lead"]}]},
        asked_at=render_instant(now - timedelta(minutes=5)),
        deadline_at=render_instant(now + timedelta(hours=1)),
        **changes,
    )


def held(by: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    until = render_instant(now + timedelta(minutes=20))
    return {"person": by, "role": "ops_lead", "at": render_instant(now), "until": until}


def named(letter: str) -> str:
    return f"inc-{letter * 20}"


@pytest.fixture
def wellness(console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wellness:
    desk = Wellness(tmp_path / "hr" / "wellness.sqlite")
    monkeypatch.setattr(type(console.api.face), "wellness", desk, raising=False)
    return desk


async def test_what_a_task_exposes_to_stands_before_anything_of_it(console: Console, wellness: Wellness) -> None:
    wellness.opt_in("ops-1", "graphic", now=datetime.now(UTC))
    said = board(workflow=named("a"), mode="case", asks=[task("clip", exposure="graphic")])
    console.api.index.put(said, 1)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/queue")).text
    assert page.index("Exposes to <b>graphic</b>") < page.index("Look at clip")
    assert "Nobody has to take it" in page
    assert 'case <span class="id">INC-AAAAAAAA</span>' in page
    assert "(1) Queue" in page


async def test_what_is_for_others_is_counted_for_this_person_alone(console: Console, wellness: Wellness) -> None:
    console.api.index.put(board(workflow=named("a"), severity="S0", asks=[task("clip", exposure="csea")]), 1)
    console.api.index.put(board(workflow=named("b"), severity="S3", asks=[task("form")]), 2)
    async with console.signed_in("ops-1") as browser, console.signed_in("counsel-1") as other:
        page = (await browser.get("/console/queue")).text
        theirs = (await other.get("/console/queue")).text
    assert "Look at form" in page
    assert "Look at clip" not in page
    assert "Left to others: 1 of csea" in page
    assert "The queue is empty" in theirs
    assert "csea</b>" not in theirs


async def test_the_queue_is_in_the_order_of_priority_and_clock(console: Console) -> None:
    soon = task("soon")
    soon["deadline_at"] = render_instant(datetime.now(UTC) + timedelta(minutes=5))
    console.api.index.put(board(workflow=named("a"), severity="S2", asks=[task("late"), soon]), 1)
    console.api.index.put(board(workflow=named("b"), severity="S1", asks=[task("grave")]), 2)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/queue")).text
    assert page.index("Look at grave") < page.index("Look at soon") < page.index("Look at late")


async def test_passing_on_shows_the_next_and_is_noted_nowhere(console: Console) -> None:
    console.api.index.put(board(workflow=named("a"), severity="S1", asks=[task("first")]), 1)
    console.api.index.put(board(workflow=named("b"), severity="S2", asks=[task("second")]), 2)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(f"/console/queue?passed={named('a')}/review/first")).text
        none = (await browser.get("/console/queue?runbook=other")).text
    assert "Look at second" in page
    assert "Look at first" not in page
    assert "Nothing is left that fits" in none


async def test_one_press_takes_what_was_shown_and_tells_of_it(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.api.index.put(board(workflow=named("a"), severity="S1", asks=[task("first")]), 1)
    console.api.index.put(board(workflow=named("b"), severity="S2", asks=[task("second")]), 2)
    offered: list[list[str]] = []

    async def claim(_face: Any, _someone: Any, tasks: Any, *, exposure: str, signed_in: str, now: datetime) -> Any:
        offered.append([one.at.ask["step"] for one in tasks])
        taken = {**tasks[0].at.ask, "claim": held("ops-1")}
        console.api.index.put(board(workflow=named("b"), severity="S2", asks=[taken]), 3)
        return Claimed(tasks[0], Sent(named("b"), "review/second", DIGEST, True, "recorded", (), ""))

    monkeypatch.setattr(queue_module, "claim_next", claim)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/queue")).text
        # what the person looked at comes first, although something more urgent has come since
        said = {"csrf": token(page), "task": f"{named('b')}/review/second", "shown": ""}
        answer = await browser.post("/console/queue/next", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/queue#mine")
        page = (await browser.get("/console/queue")).text
    assert offered == [["second", "first"]]
    assert page.index("You have") < page.index("Look at second") < page.index("Look at first")


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (None, 409, "Somebody else took it first"),
        (Refused("not_permitted", "policy says no"), 422, "policy says no"),
        (EngineUnavailable("no worker answered"), 503, "no worker answered"),
    ],
)
async def test_what_cannot_be_taken_is_said_on_the_queue(
    console: Console, monkeypatch: pytest.MonkeyPatch, raised: Exception | None, status: int, words: str
) -> None:
    console.api.index.put(board(workflow=named("a"), asks=[task("first")]), 1)

    async def claim(*_: Any, **__: Any) -> None:
        if raised is not None:
            raise raised

    monkeypatch.setattr(queue_module, "claim_next", claim)
    async with console.signed_in("ops-1") as browser:
        csrf = token((await browser.get("/console/queue")).text)
        answer = await browser.post("/console/queue/next", data={"csrf": csrf, "shown": ""})
    assert answer.status_code == status
    assert words in answer.text
    assert "Look at first" in answer.text


async def test_a_task_is_ticked_kept_and_handed_back_from_the_page(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"id": "number", "do": "Check the number", "required": True}]
    mine = task("call", checklist=items, claim=held("ops-1"))
    console.api.index.put(board(workflow=named("a"), asks=[mine, task("other", claim=held("somebody-else"))]), 1)
    heard: list[tuple[str, ...]] = []

    async def tick(_face: Any, run: str, path: str, item: str, **more: Any) -> None:
        heard.append(("tick", run, path, item, more["person"]))

    async def back(_face: Any, run: str, path: str, **more: Any) -> None:
        heard.append(("back", run, path, more["person"]))

    async def refuse(*_: Any, **__: Any) -> None:
        raise Refused("exposure", "you rest from exposure")

    monkeypatch.setattr(tasks_module, "tick_item", tick)
    monkeypatch.setattr(tasks_module, "hand_back_task", back)
    monkeypatch.setattr(tasks_module, "claim_task", refuse)
    monkeypatch.setattr("watchfloor.gateway.console.pages.SETTLE", 0.01)
    at = f"{named('a')}/review/call"
    async with console.signed_in("ops-1") as browser:
        for path in ("/console/", "/console/queue"):
            page = (await browser.get(path)).text
            assert "Tick: Check the number" in page
            assert "I can’t take this" in page
            assert "Look at other" not in page
            assert "Report it done" not in page
        said = {"csrf": token(page), "back": "/console/queue", "item": "number"}
        ticked = await browser.post(f"/console/tasks/tick/{at}", data=said)
        given = await browser.post(f"/console/tasks/hand-back/{at}", data={**said, "back": "https://elsewhere.example"})
        refused = await browser.post(f"/console/tasks/claim/{at}", data=said)
        unknown = await browser.post(f"/console/tasks/steal/{at}", data=said)
    assert (ticked.status_code, ticked.headers["location"]) == (303, "/console/queue")
    assert (given.status_code, given.headers["location"]) == (303, "/console/")
    assert (refused.status_code, "You rest from exposure" in refused.text) == (409, True)
    assert unknown.status_code == 422
    assert heard == [
        ("tick", named("a"), "review/call", "number", "ops-1"),
        ("back", named("a"), "review/call", "ops-1"),
    ]


async def test_a_task_whose_checklist_is_ticked_is_reported_from_my_watch(console: Console) -> None:
    mine = task("call", claim=held("ops-1"), form={"reached": {"type": "bool"}})
    console.api.index.put(board(workflow=named("a"), asks=[mine]), 1)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/")).text
    assert f'action="/console/asks/{named("a")}/review/call"' in page
    assert 'name="form.reached"' in page
    assert f'name="ask" value="{DIGEST}"' in page


async def test_stopping_is_on_disk_before_anything_is_sent(
    console: Console, wellness: Wellness, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed: list[set[str]] = []

    async def gone(_face: Any, person: str, **_: Any) -> Any:
        owed.append({one.kind for one in wellness.care.open_ones(person)})
        raise EngineUnavailable("nobody answers")

    monkeypatch.setattr(relief_module, "relieve", gone)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/stop")).text
        assert "No reason is asked" in page
        refused = await browser.post("/console/stop", data={"csrf": "x"})
        assert refused.status_code == 403
        assert wellness.care.open_ones("ops-1") == []
        answer = await browser.post("/console/stop", data={"csrf": token(page)})
        watch = (await browser.get("/console/")).text
    assert owed == [{"reassign", "call", "check_in"}]
    assert "You can stop" in answer.text
    assert "handed back as the engine answers" in answer.text
    assert "You rest from exposure until" in watch


async def test_only_the_person_sees_their_own_figures(console: Console, wellness: Wellness) -> None:
    now = datetime.now(UTC)
    wellness.opt_in("ops-1", "terror", now=now)
    wellness.begin("ops-1", "terror", "m", now + timedelta(minutes=10), run="r", now=now - timedelta(minutes=30))
    async with console.signed_in("ops-1") as browser, console.signed_in("counsel-1") as other:
        mine, theirs = (await browser.get("/console/")).text, (await other.get("/console/")).text
    assert "<b>terror</b> 30 of 240 min" in mine
    assert "terror" not in theirs
    assert "You were exposed to nothing" in theirs


async def test_an_offer_of_command_is_accepted_from_my_watch(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    offer = {
        "by": "commander-1",
        "role": "incident_commander",
        "to": "ops-1",
        "fence": 0,
        "offered_at": render_instant(now),
        "acceptable_at": render_instant(now),
        "until": render_instant(now + timedelta(minutes=30)),
    }
    console.api.index.put(board(workflow=named("a"), command_offer=offer), 1)
    late = {**offer, "acceptable_at": render_instant(now + timedelta(minutes=10))}
    console.api.index.put(board(workflow=named("b"), command_offer=late), 2)
    heard: list[tuple[str, str, str]] = []

    async def send(_face: Any, run: str, verb: str, *, person: str, **_: Any) -> None:
        heard.append((run, verb, person))

    monkeypatch.setattr("watchfloor.gateway.console.watch.send_command", send)
    monkeypatch.setattr("watchfloor.gateway.console.pages.SETTLE", 0.01)
    async with console.signed_in("ops-1") as browser, console.signed_in("counsel-1") as other:
        page = (await browser.get("/console/")).text
        assert "Command is offered to you" not in (await other.get("/console/")).text
        assert f'action="/console/offers/{named("a")}/accept"' in page
        assert f'action="/console/offers/{named("b")}/accept"' not in page
        answer = await browser.post(f"/console/offers/{named('a')}/accept", data={"csrf": token(page)})
    assert answer.status_code == 303
    assert heard == [(named("a"), "accept_command", "ops-1")]
