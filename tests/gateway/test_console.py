"""The console over real HTTP: who gets in, what they see, and what is refused."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from schemas.incident import Board
from tests.cli.boards import ask, board, clock
from tests.gateway.apis import Api
from tests.gateway.regions_on_loopback import RULES, on_loopback
from watchfloor.gateway.app import build_app
from watchfloor.gateway.console import ConsoleDesk
from watchfloor.gateway.console.gate import COOKIE, Gate, safe_path
from watchfloor.gateway.console.sessions import DEVELOPMENT, IDLE, LONGEST, Sessions
from watchfloor.gateway.inbox import Inbox
from watchfloor.identity.people import Directory, Person
from watchfloor.regions.keys import RegionKeys

INCIDENT = "inc-abcdefghijklmnopqrst"
PEOPLE = Directory(
    {
        "counsel-1": Person("counsel-1", ("legal_counsel",), "example-ie", "eu", (), clearances=("terror",)),
        "ops-1": Person("ops-1", ("ops_lead",), "example-ie", "eu", ()),
        "ops-us-1": Person("ops-us-1", ("ops_lead",), "example-inc", "us", ()),
    }
)


@dataclass(frozen=True, slots=True)
class Console:
    url: str
    api: Api
    sessions: Sessions

    def browser(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=30, follow_redirects=False)

    @asynccontextmanager
    async def signed_in(self, person: str) -> AsyncIterator[httpx2.AsyncClient]:
        async with self.browser() as browser:
            answer = await browser.post("/console/sign-in", data={"person": person}, headers={"origin": self.url})
            assert answer.status_code == 303, answer.text
            yield browser


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Console]:
    face = replace(api.face, people=PEOPLE, loopback=True)
    sessions = Sessions(tmp_path / "sessions.sqlite")
    desk = ConsoleDesk(face, api.index, api.changes, Gate(face, sessions))
    inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, tmp_path / "anchors", RULES)
    async with on_loopback(build_app(inbox, face.client, console=desk)) as url:
        yield Console(url, api, sessions)


def waiting(**changes: Any) -> Board:
    return board(workflow=INCIDENT, asks=[ask()], clocks=[clock()], **changes)


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_nobody_sees_a_page_without_signing_in(console: Console) -> None:
    async with console.browser() as browser:
        for path in ("/console/", "/console/board", f"/console/incidents/{INCIDENT}", "/console/asks/x/y"):
            answer = await browser.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/console/sign-in?back={path}")


async def test_what_waits_on_me_stands_first_with_what_silence_does(console: Console) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get("/console/")).text
    assert "Waits on me" in page
    assert "The order fails its checks. What now?" in page
    assert '<b><span class="id">INC-ABCDEFGH</span></b> EU terrorist content removal order (one hour)</p>' in page
    assert "If nobody answers: exec_sponsor is paged, then the step fails" in page


async def test_a_compartment_is_not_there_for_those_outside(console: Console) -> None:
    console.api.index.put(waiting(compartment="terror"), 1)
    async with console.signed_in("ops-1") as outside, console.signed_in("counsel-1") as inside:
        for path in ("/console/", "/console/board", "/console/board?state=all"):
            assert "INC-ABCDEFGH" not in (await outside.get(path)).text
            assert "INC-ABCDEFGH" in (await inside.get(path)).text
        hidden = await outside.get(f"/console/incidents/{INCIDENT}")
        never = await outside.get("/console/incidents/inc-zzzzzzzzzzzzzzzzzzzz")
        assert (hidden.status_code, never.status_code) == (404, 404)
        made = re.compile(r"Made at.*")
        assert made.sub("", hidden.text) == made.sub("", never.text)
        posted = await outside.post(f"/console/asks/{INCIDENT}/triage/order_doubt", data={"csrf": "x"})
        assert posted.status_code == 403


async def test_somebody_of_another_region_sees_nothing(console: Console) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("ops-us-1") as browser:
        assert (await browser.get(f"/console/incidents/{INCIDENT}")).status_code == 404
        assert "INC-ABCDEFGH" not in (await browser.get("/console/board")).text


async def test_a_form_counts_only_with_the_sessions_own_token_from_its_own_site(console: Console) -> None:
    console.api.index.put(waiting(), 1)
    at = f"/console/asks/{INCIDENT}/triage/order_doubt"
    async with console.signed_in("counsel-1") as browser, console.signed_in("counsel-1") as other:
        own, foreign = token((await browser.get(at)).text), token((await other.get(at)).text)
        for csrf, headers in (
            ("", {}),
            ("x", {}),
            (foreign, {}),
            (own, {"origin": "https://elsewhere.example"}),
            (own, {"origin": "null"}),
            (own, {"sec-fetch-site": "cross-site"}),
        ):
            answer = await browser.post(at, data={"csrf": csrf, "option": "clarify", "reason": "x"}, headers=headers)
            assert answer.status_code == 403, (csrf, headers)
        again = await browser.post("/console/sign-out", data={"csrf": foreign})
        assert again.status_code == 403


async def test_what_has_changed_since_it_was_shown_is_not_signed(console: Console) -> None:
    console.api.index.put(waiting(), 1)
    at = f"/console/asks/{INCIDENT}/triage/order_doubt"
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get(at)).text
        said = {"csrf": token(page), "ask": "sha256:" + "b" * 64, "option": "clarify", "reason": "page missing"}
        answer = await browser.post(at, data=said)
    assert answer.status_code == 409
    assert "has changed since you looked" in answer.text


async def test_an_ask_that_is_gone_says_so(console: Console) -> None:
    console.api.index.put(board(workflow=INCIDENT), 1)
    async with console.signed_in("counsel-1") as browser:
        answer = await browser.get(f"/console/asks/{INCIDENT}/triage/order_doubt")
    assert answer.status_code == 404
    assert "it was decided, or its time ran out" in answer.text


async def test_who_may_not_answer_sees_the_question_but_no_form(console: Console) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("ops-1") as browser:
        page = (await browser.get(f"/console/asks/{INCIDENT}/triage/order_doubt")).text
    assert "This waits on legal_counsel" in page
    assert 'name="reason"' not in page


async def test_a_sign_in_begins_a_session_of_its_own(console: Console) -> None:
    """A cookie that was planted before is worth nothing, and is not kept."""
    async with console.browser() as browser:
        browser.cookies.set(COOKIE, "planted")
        answer = await browser.post("/console/sign-in", data={"person": "ops-1"})
        given = answer.headers["set-cookie"]
    assert "planted" not in given
    assert "HttpOnly" in given
    assert "SameSite=lax" in given


@pytest.mark.parametrize(
    ("back", "led"),
    [
        ("/console/board", "/console/board"),
        ("https://elsewhere.example/", "/console/"),
        ("//elsewhere.example/", "/console/"),
        ("/console/\\elsewhere.example", "/console/"),
        ("/console/\r\nset-cookie: a=b", "/console/"),
        ("javascript:alert(1)", "/console/"),
    ],
)
async def test_signing_in_leads_nowhere_else(console: Console, back: str, led: str) -> None:
    assert safe_path(back) == led
    async with console.browser() as browser:
        answer = await browser.post("/console/sign-in", data={"person": "ops-1", "back": back})
    assert answer.headers["location"] == led


async def test_development_sign_in_is_for_this_machines_own_name(console: Console) -> None:
    """A name elsewhere that leads to loopback does not make this machine's page."""
    async with console.browser() as browser:
        answer = await browser.post(
            "/console/sign-in", data={"person": "ops-1"}, headers={"host": "rebound.example", "origin": ""}
        )
        page = await browser.get("/console/sign-in", headers={"host": "rebound.example"})
    assert answer.status_code == 403
    assert "counsel-1" not in page.text


async def test_nothing_a_title_says_becomes_markup(console: Console) -> None:
    bad = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e'
    console.api.index.put(board(workflow=INCIDENT, title=bad, asks=[ask(title=bad, on_silence=bad)]), 1)
    async with console.signed_in("counsel-1") as browser:
        for path in ("/console/", "/console/board", f"/console/incidents/{INCIDENT}"):
            page = await browser.get(path)
            assert "<img" not in page.text
            assert "<script>alert" not in page.text
            assert "\u202e" not in page.text
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_a_page_has_no_script_or_style_of_its_own(console: Console) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("counsel-1") as browser:
        for path in ("/console/", "/console/board", f"/console/incidents/{INCIDENT}"):
            page = (await browser.get(path)).text
            assert not re.search(r"<script(?! src=\"/console/static/)|<style| style=| on\w+=", page)


def test_a_session_ends_when_nothing_is_asked_and_in_any_case_at_last(tmp_path: Path) -> None:
    sessions, now = Sessions(tmp_path / "sessions.sqlite"), datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    cookie = sessions.begin("ops-1", DEVELOPMENT, now=now)
    assert sessions.find(cookie, now=now + IDLE) is None
    cookie = sessions.begin("ops-1", DEVELOPMENT, now=now)
    at = now
    while at < now + LONGEST - timedelta(minutes=40):
        at += timedelta(minutes=30)
        assert sessions.find(cookie, now=at) is not None
    assert sessions.find(cookie, now=now + LONGEST) is None


def test_the_store_of_sessions_holds_no_cookie(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    cookie = Sessions(file).begin("ops-1", DEVELOPMENT)
    assert cookie.encode() not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


async def test_what_an_approver_left_out_stands_before_those_who_decide(console: Console) -> None:
    by = {"person": "counsel-2", "role": "legal_counsel", "at": "", "statement": "", "reason_ref": ""}
    less: Any = {"original": {"scope": "<b>eu</b>"}, "to": {"scope": "DE"}, "by": [by]}
    asked = ask(action="content.disable", inputs={"scope": "DE"}, narrowed=less)
    console.api.index.put(board(workflow=INCIDENT, asks=[asked]), 1)
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get(f"/console/asks/{INCIDENT}/triage/order_doubt")).text
    assert "Less is asked than at first" in page
    assert "counsel-2 as legal_counsel" in page
    assert "&lt;b&gt;eu&lt;/b&gt;" in page


async def test_of_a_blind_ask_only_how_many_have_answered_is_told(console: Console) -> None:
    blind = ask(blind=[{"any_of": ["legal_counsel"]}, {"any_of": ["exec_sponsor"]}], answered=1)
    console.api.index.put(board(workflow=INCIDENT, asks=[blind]), 1)
    async with console.signed_in("counsel-1") as browser:
        assert "1 answered" in (await browser.get("/console/")).text
