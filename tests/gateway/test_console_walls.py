"""What a person may not see is on no page: every address of the console is walked, so a new one is walked too.

A route with a parameter that this walk does not know fails it: say in `SECRET` and `NEVER` what stands for something
hidden and for something that never was.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from tests.cli.boards import DIGEST, ask, board, clock
from tests.gateway.test_console import Console, console, token
from tests.gateway.test_console_queue import task
from watchfloor.gateway.console import ConsoleDesk, build_console
from watchfloor.gateway.console.gate import Gate
from watchfloor.gateway.console.sessions import SessionsUnavailable

__all__ = ["console"]

HIDDEN, HOLD, HAND = f"inc-{'h' * 20}", f"hold-{'h' * 20}", f"hand-{'h' * 20}"
WORDS = ("HHHHHHHH", "hhhhhhhh", "a hidden title", "hidden-runbook", "hidden_step", "hidden-person", "hidden_clock")
SECRET = {"incident": HIDDEN, "workflow": HIDDEN, "chain": HIDDEN, "path": "triage/hidden_step", "hold": HOLD}
NEVER = {"incident": f"inc-{'n' * 20}", "workflow": f"inc-{'n' * 20}", "chain": f"inc-{'n' * 20}", "path": "triage/x"}
NEVER["hold"] = f"hold-{'n' * 20}"
SECRET["handoff"], NEVER["handoff"] = HAND, f"hand-{'n' * 20}"
SECRET |= {"digest": DIGEST.removeprefix("sha256:"), "rehearsal": "h" * 16, "delivery": "h" * 32}
NEVER |= {"digest": "b" * 64, "rehearsal": "n" * 16, "delivery": "n" * 32}
OTHER = {
    "word": "claim",
    "answer": "accept",
    "name": "console.css",
    "runbook": "eu-tco-removal-order",
    "code": "WF204",
    "deed": "raise",
}
"""Parameters that name nothing of a run."""
STREAMS = {"/events"}


def hide(console: Console) -> None:
    who = {"region": "eu", "person": "hidden-person", "since": "2026-11-22T03:09:00Z", "fence": 1}
    common: dict[str, Any] = {"title": "a hidden title", "runbook": "hidden-runbook", "compartment": "terror"}
    asks = [ask(path="triage/hidden_step", step="hidden_step", title="a hidden title"), task("hidden_step")]
    children = [{"path": "p", "kind": "hold", "workflow": HOLD, "state": "held", "at": "", "data": {}}]
    console.api.index.put(
        board(workflow=HIDDEN, severity="S0", commander=who, asks=asks, clocks=[clock("hidden_clock")],
              children=children, **common), 1
    )  # fmt: skip
    console.api.index.put(board(workflow=HOLD, kind="hold", asks=[task("hidden_step")], **common), 1)
    console.api.index.put(board(workflow=HAND, kind="handoff", **common), 1)
    closed = {**common, "state": "closed"}
    console.api.index.put(board(workflow=f"inc-{'h' * 19}z", **closed), 1)
    console.api.index.put(
        board(workflow=f"inc-{'h' * 19}y", title="a hidden title", compartment="terror", runbook=OTHER["runbook"]), 1
    )


def routes(console: Console) -> Iterator[APIRoute]:
    face = console.api.face
    desk = ConsoleDesk(face, console.api.index, console.api.changes, Gate(face, console.sessions))
    for route in build_console(desk).routes:
        if isinstance(route, APIRoute) and route.path not in STREAMS:
            yield route


def fill_in(route: APIRoute, run: dict[str, str]) -> str:
    """The address of a route about a run."""

    def value(found: re.Match[str]) -> str:
        name = found[1].split(":")[0]
        if name not in {**run, **OTHER}:
            pytest.fail(f"{route.path}: the walk does not know `{{{name}}}`; name what is hidden and what never was")
        return {**run, **OTHER}[name]

    return "/console" + re.sub(r"\{([^}]+)\}", value, route.path)


def is_about_a_run(route: APIRoute) -> bool:
    return any(f"{{{name}" in route.path for name in SECRET)


def strip(page: str) -> str:
    page = re.sub(r"Made at.*", "", page)
    return re.sub(r'value="[A-Za-z0-9_-]{43}"', "", page)


async def test_what_one_may_not_see_is_on_no_page_and_its_address_says_what_one_that_never_was_says(
    console: Console,
) -> None:
    hide(console)
    async with console.signed_in("ops-1") as outside:
        for route in routes(console):
            if "GET" not in route.methods:
                continue
            answer = await outside.get(fill_in(route, SECRET))
            for query in ("", "?state=all", "?text=hidden", "?runbook=hidden-runbook", "?chain=" + HIDDEN):
                page = (await outside.get(fill_in(route, SECRET) + query)).text
                shown = [word for word in WORDS if word in page.replace(query.partition("=")[2] or "\0", "")]
                assert shown == [], (route.path, query)
            if is_about_a_run(route):
                never = await outside.get(fill_in(route, NEVER))
                assert (answer.status_code, never.status_code) == (404, 404), route.path
                assert strip(answer.text) == strip(never.text), route.path


async def test_nothing_is_said_to_what_one_may_not_see(console: Console) -> None:
    hide(console)
    async with console.signed_in("ops-1") as outside:
        csrf = token((await outside.get("/console/stop")).text)
        for route in routes(console):
            if "POST" not in route.methods or not is_about_a_run(route):
                continue
            said = {"csrf": csrf, "option": "done", "reason": "x", "ask": "x", "item": "x"}
            hidden = await outside.post(fill_in(route, SECRET), data=said)
            never = await outside.post(fill_in(route, NEVER), data=said)
            assert (hidden.status_code, never.status_code) == (404, 404), route.path
            assert strip(hidden.text) == strip(never.text), route.path


async def test_the_walk_would_see_it_for_somebody_inside(console: Console) -> None:
    hide(console)
    async with console.signed_in("counsel-1") as inside:
        for path in ("/console/", "/console/board", f"/console/incidents/{HIDDEN}"):
            page = (await inside.get(path)).text
            assert any(word in page for word in WORDS), path


async def test_no_address_is_open_without_signing_in_and_no_form_without_its_token(console: Console) -> None:
    hide(console)
    open_to_all = {"/sign-in", "/static/{name}"}
    async with console.browser() as nobody, console.signed_in("ops-1") as somebody:
        for route in routes(console):
            if route.path in open_to_all or route.path.startswith("/sign-in"):
                continue
            for method in route.methods & {"GET", "POST"}:
                answer = await nobody.request(method, fill_in(route, SECRET), data={} if method == "POST" else None)
                assert answer.status_code == 303, (method, route.path)
                assert answer.headers["location"].startswith("/console/sign-in"), (method, route.path)
            if "POST" in route.methods:
                answer = await somebody.post(fill_in(route, SECRET), data={"csrf": "x"})
                assert answer.status_code == 403, route.path


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "words"),
    [
        ("GET", "/console/nothing", {}, 404, "Nothing here"),
        ("GET", "/console/static/nothing", {}, 404, "Nothing here"),
        ("DELETE", "/console/board", {}, 405, "Not like this"),
        ("POST", "/console/board", {}, 405, "Not like this"),
        ("GET", "/console/board?page=0", {}, 422, "That does not fit"),
        ("GET", "/console/board?severity=S9", {}, 422, "That does not fit"),
        ("POST", "/console/queue/next", {"content": b"x" * 300_000}, 413, "Too large"),
        ("POST", "/console/queue/next", {"data": {}}, 403, "That is not allowed"),
    ],
)
async def test_every_refusal_is_a_page_of_the_console(
    console: Console, method: str, path: str, more: dict[str, Any], status: int, words: str
) -> None:
    async with console.signed_in("ops-1") as browser:
        answer = await browser.request(method, path, **more)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f"<h1>{words}</h1>" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


LINKS = ("/console/", "/console/board", "/console/queue", "/console/runbooks", "/console/ledger")


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/console/nothing", {}, 404),
        ("GET", f"/console/incidents/{NEVER['incident']}", {}, 404),
        ("GET", f"/console/incidents/{HIDDEN}", {}, 404),
        ("GET", "/console/board?page=0", {}, 422),
        ("POST", "/console/board", {}, 405),
        ("POST", "/console/queue/next", {"content": b"x" * 300_000}, 413),
        ("POST", "/console/queue/next", {"data": {}}, 403),
    ],
)
async def test_a_refusal_has_the_links_of_every_page_for_who_is_signed_in_and_for_nobody_else(
    console: Console, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    hide(console)
    async with console.signed_in("ops-1") as somebody, console.browser() as nobody:
        page = await somebody.request(method, path, **more)
        outside = await nobody.request(method, path, **more)
    assert page.status_code == status
    navigation = page.text.partition('<nav aria-label="Pages">')[2].partition("</nav>")[0]
    assert [link for link in LINKS if f'href="{link}"' not in navigation] == []
    assert '<span class="who">ops-1</span>' in page.text
    assert "aria-current" not in page.text
    assert "<nav" not in outside.text
    assert "ops-1" not in outside.text


async def test_a_page_that_fails_keeps_the_links(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("watchfloor.gateway.console.boards.draw_board", fail)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/board")).text
    assert "<h1>Something went wrong here</h1>" in page
    assert 'href="/console/queue"' in page


async def test_while_nobody_can_tell_who_it_is_a_refusal_is_a_page_without_links(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: Any, **__: Any) -> None:
        raise SessionsUnavailable("away")

    async with console.signed_in("ops-1") as browser:
        monkeypatch.setattr(console.sessions, "find", unavailable)
        answers = [await browser.get(path) for path in ("/console/nothing", "/console/board")]
    assert [one.status_code for one in answers] == [404, 503]
    for one in answers:
        assert "<nav" not in one.text
        assert 'href="/console/"' in one.text


async def test_what_arrives_in_pieces_is_counted_too(console: Console) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b"csrf=" + b"x" * 10_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    async with console.signed_in("ops-1") as browser:
        answer = await browser.post("/console/queue/next", content=pieces(), headers=kind)
    assert answer.status_code == 413
    assert "Too large" in answer.text


async def test_a_page_that_fails_says_so_and_no_more(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret in an error's text")

    monkeypatch.setattr("watchfloor.gateway.console.boards.draw_board", fail)
    async with console.signed_in("ops-1") as browser:
        answer = await browser.get("/console/board")
    assert answer.status_code == 500
    assert "<h1>Something went wrong here</h1>" in answer.text
    assert "a secret" not in answer.text
