"""Terminals at a gateway: how one is let in, what it sees and says, how it ends, and what is tried against it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from schemas.decision import RefusalType
from tests.cli.boards import ask, board, clock
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over, token
from tests.gateway.terminals import TERMINALS, claim, confirm, let_in, offer, send
from tests.gateway.test_decide_page import OTHER, REF, gate
from tests.gateway.test_doubt_page import STEP, announce, trouble
from tests.gateway.test_sign_in import Signing, sign_in, signing
from tests.terminal.test_layout import seen as seen_on
from tests.terminal.test_layout import settle
from watchfloor.cases import IndexUnavailable
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused, SignedOut
from watchfloor.client.library import plan_for_start
from watchfloor.client.statements import Sent
from watchfloor.gateway.console.sessions import DEVELOPMENT, LONGEST, Proof, Sessions
from watchfloor.gateway.console.terminal.pairings import ALPHABET, WRONG_CODES, Pairings, TooMany, make_code, normalise
from watchfloor.gateway.console.terminal.sessions import Terminals
from watchfloor.identity.people import Directory
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.terminal.app import WatchConsole
from watchfloor.terminal.feed import Overview
from watchfloor.terminal.gateway import AddressRefused, Gateway, read_address
from watchfloor.terminal.pairing import sign_in as sign_in_at

__all__ = ["signing"]

HIDDEN = "inc-zzzzzzzzzzzzzzzzzzzz"


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        yield seen


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The bodies of what the gateway signs; no run is there to take them."""
    bodies: list[dict[str, Any]] = []

    async def take(_face: Any, workflow: str, path: str, envelope: Any, *_more: Any) -> Sent:
        bodies.append(envelope["body"])
        return Sent(workflow, path, "sha256:" + "a" * 64, False, "kept", ("deputy",), "")

    monkeypatch.setattr("watchfloor.client.statements.deliver", take)
    monkeypatch.setattr("watchfloor.client.motions.deliver", take)
    return bodies


def waiting(**changes: Any) -> Any:
    return board(workflow=INCIDENT, asks=[ask()], clocks=[clock()], **changes)


def first(seen: Overview) -> Any:
    return seen.waiting[0].at


# -- letting one in -------------------------------------------------------------------------------------------------


async def test_a_person_types_the_code_sees_who_asks_and_lets_the_terminal_in(console: Seen) -> None:
    said: list[str] = []
    gateway = Gateway(console.url)
    async with console.signed_in("counsel-1") as browser:

        async def pause(_seconds: float) -> None:
            if len(said) > 6:
                return
            code = re.findall(r"[A-Z0-9]{4}-[A-Z0-9]{4}", "\n".join(said))[0]
            seen = (await send(browser, "/code", code=code.lower().replace("-", " "))).text
            assert "<b>127.0.0.1</b>, as this browser" in seen
            assert "<b>counsel-1</b> as legal_counsel" in seen
            assert "work on tasks in your name" in seen
            assert (await send(browser, "/confirm", code=code, answer="confirm")).status_code == 303
            said.append("confirmed")

        found = await sign_in_at(gateway, said.append, pause=pause)
        assert (found.person, found.way) == ("counsel-1", "dev")
        assert f"{console.url}{TERMINALS}" in "\n".join(said)
        page = (await browser.get(TERMINALS)).text
        assert "From 127.0.0.1" in page
    await gateway.close()
    log = SignInFile(console.desk.webhooks_path.parent / "sign-in.sqlite")  # type: ignore[union-attr]
    assert [(one.what, one.person) for one in log.happened()] == [("terminal signed in", "counsel-1")]


async def test_the_code_is_never_taken_from_an_address(console: Seen) -> None:
    gateway = Gateway(console.url)
    made = await offer(gateway)
    async with console.signed_in("counsel-1") as browser:
        for path in (TERMINALS, f"{TERMINALS}/code", f"{TERMINALS}/confirm"):
            answer = await browser.get(path, params={"code": made.code, "answer": "confirm"})
            assert made.code not in answer.text
    assert (await claim(gateway, made.secret)).state == "waiting"
    await gateway.close()


async def test_a_code_lets_in_one_terminal_once(console: Seen) -> None:
    gateway = Gateway(console.url)
    made, other = await offer(gateway), await offer(gateway)
    async with console.signed_in("counsel-1") as browser:
        await confirm(browser, made.code)
        again = await send(browser, "/confirm", code=made.code, answer="confirm")
        assert (again.status_code, "No terminal shows this code" in again.text) == (422, True)
    assert (await claim(gateway, other.secret)).state == "waiting"
    assert (await claim(gateway, made.secret)).state == "confirmed"
    with pytest.raises(Refused, match="used already"):
        await claim(gateway, made.secret)
    with pytest.raises(Refused, match="used already"):
        await claim(gateway, made.code)
    await gateway.close()


async def test_a_terminal_that_is_turned_away_is_told(console: Seen) -> None:
    gateway = Gateway(console.url)
    made = await offer(gateway)
    async with console.signed_in("counsel-1") as browser:
        answer = await send(browser, "/confirm", code=made.code, answer="refuse")
        assert answer.headers["location"].endswith("done=refused")
    with pytest.raises(Refused, match="turned away"):
        await claim(gateway, made.secret)
    await gateway.close()


async def test_a_form_of_another_site_or_session_confirms_nothing(console: Seen) -> None:
    gateway = Gateway(console.url)
    made = await offer(gateway)
    said = {"code": made.code, "answer": "confirm"}
    async with console.signed_in("counsel-1") as browser, console.signed_in("counsel-2") as other:
        own, foreign = token((await browser.get(TERMINALS)).text), token((await other.get(TERMINALS)).text)
        for csrf, headers in (("", {}), (foreign, {}), (own, {"origin": "https://elsewhere.example"})):
            answer = await browser.post(f"{TERMINALS}/confirm", data={**said, "csrf": csrf}, headers=headers)
            assert answer.status_code == 403
    assert (await claim(gateway, made.secret)).state == "waiting"
    await gateway.close()


async def test_who_guesses_codes_is_stopped_in_every_session_of_theirs_and_nobody_else_is(console: Seen) -> None:
    gateway = Gateway(console.url)
    made = await offer(gateway)
    async with console.signed_in("counsel-1") as browser, console.signed_in("counsel-2") as other:
        for _ in range(WRONG_CODES - 3):
            assert (await send(browser, "/code", code=make_code())).status_code == 422
        assert (await send(browser, "/confirm", code=make_code(), answer="refuse")).status_code == 422
        assert (await send(browser, "/confirm", code=make_code(), answer="confirm")).status_code == 422
        assert (await send(browser, "/code", code="")).status_code == 422
        for path in ("/code", "/confirm"):
            stopped = await send(browser, path, code=made.code, answer="confirm")
            assert (stopped.status_code, "Too many wrong codes" in stopped.text) == (429, True)
        async with console.signed_in("counsel-1") as anew:
            assert (await send(anew, "/code", code=made.code)).status_code == 429
        assert (await confirm(other, made.code)).status_code == 303
    assert (await claim(gateway, made.secret)).state == "confirmed"
    await gateway.close()


async def test_one_address_cannot_fill_the_gateway_with_codes(console: Seen) -> None:
    gateway = Gateway(console.url)
    for _ in range(10):
        await offer(gateway)
    with pytest.raises(EngineUnavailable, match="as many terminals wait"):
        await offer(gateway)
    await gateway.close()


def test_a_code_is_good_for_five_minutes_and_its_terminal_for_eight_hours_or_less(tmp_path: Path) -> None:
    sessions, now = Sessions(tmp_path / "sessions.sqlite"), datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    pairings, terminals = Pairings(sessions.file, b"secret"), Terminals(sessions.file)
    cookie = sessions.begin("counsel-1", Proof("oidc", ("pwd", "otp"), ("eu-counsel",)), now=now)
    session = sessions.find(cookie, now=now)
    assert session is not None
    late = pairings.begin("192.0.2.1", now=now)
    assert pairings.find(late.code, "counsel-1", now=now + timedelta(minutes=4, seconds=59)) is not None
    assert pairings.find(late.code, "counsel-1", now=now + timedelta(minutes=5)) is None
    assert pairings.approve(late.code, session, cookie, now=now + timedelta(minutes=5)) is None
    assert pairings.take(late.secret, now=now + timedelta(minutes=5)) is False
    # confirmed in time, fetched too late
    slow = pairings.begin("192.0.2.1", now=now)
    assert pairings.approve(slow.code, session, cookie, now=now) is not None
    assert pairings.take(slow.secret, now=now + timedelta(minutes=5)) is False
    # a session that is nearly over gives no eight hours
    for age, lasts in ((timedelta(0), timedelta(hours=8)), (timedelta(hours=11), timedelta(hours=1))):
        at = now + age
        made = pairings.begin("192.0.2.1", now=at)
        assert pairings.approve(made.code, session, cookie, now=at) is not None
        found = pairings.take(made.secret, now=at)
        assert isinstance(found, tuple)
        held, terminal = found
        assert terminal.until - at == lasts
        assert terminal.until <= session.began_at + LONGEST
        assert terminal.proof == session.proof
        assert terminals.find(held, now=at + timedelta(minutes=59)) is not None
        assert terminals.find(held, now=at + timedelta(hours=2)) is None, "an hour without a question"
    for _ in range(10):
        pairings.begin("192.0.2.2", now=now)
    with pytest.raises(TooMany):
        pairings.begin("192.0.2.2", now=now)


def test_neither_secret_nor_code_nor_token_is_on_disk(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite")
    pairings = Pairings(sessions.file, b"secret")
    cookie = sessions.begin("counsel-1", DEVELOPMENT)
    session = sessions.find(cookie)
    assert session is not None
    made, other = pairings.begin("192.0.2.1"), pairings.begin("192.0.2.1")
    pairings.approve(made.code, session, cookie)
    found = pairings.take(made.secret)
    assert isinstance(found, tuple)
    content = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    for text in (made.secret, other.secret, found[0], made.code, other.code, normalise(other.code), cookie):
        assert text.encode() not in content
    assert (tmp_path / "sessions.sqlite").stat().st_mode & 0o077 == 0


def test_a_code_has_forty_bits_and_no_letter_that_is_taken_for_another() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("IO01") & set(ALPHABET)
    assert normalise(" ktrm 4f7q ") == "KTRM4F7Q"
    assert len({make_code() for _ in range(1000)}) == 1000


# -- what it sees ---------------------------------------------------------------------------------------------------


async def test_a_terminal_sees_what_its_person_sees(console: Seen) -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    console.knows(INCIDENT, plan)
    console.api.index.put(waiting(), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        seen = await let.feed.look()
        assert [(run.incident, run.severity, run.phase) for run in seen.runs] == [(INCIDENT, "S1", "triage")]
        assert first(seen).ask["title"] == "The order fails its checks. What now?"
        view = await let.feed.read("eu", INCIDENT)
        assert view.plan == plan
        assert view.found.board["clocks"][0]["name"] == "removal"
        assert let.feed.roles == ("legal_counsel",)
        assert "DEVELOPMENT SIGN-IN" in let.feed.signed_in
        # nothing has changed: the same look, read again
        again = await let.feed.look()
        assert again.waiting == seen.waiting
        assert again.read_at >= seen.read_at
        console.api.put(INCIDENT, 2, asks=[])
        assert (await let.feed.look()).waiting == ()


async def test_a_compartment_is_not_there_at_a_terminal_of_those_outside(console: Seen) -> None:
    console.api.index.put(waiting(compartment="terror"), 1)
    said = {"v": 1, "workflow": INCIDENT, "path": "triage/order_doubt", "ask": ask()["ask"]}
    async with console.signed_in("ops-1") as browser, let_in(console.url, browser) as outside:
        seen = await outside.feed.look()
        assert (seen.runs, seen.waiting, dict(seen.commands), seen.more) == ((), (), {}, 0)
        headers = {"authorization": f"Bearer {outside.token}"}
        async with httpx2.AsyncClient(base_url=f"{console.url}/console/terminal", trust_env=False) as http:
            for method, path, more in (
                ("GET", "/incidents/{}", {}),
                ("GET", "/plans/{}", {}),
                ("POST", "/answers", {"option": "clarify", "reason": "x", "form": {}}),
                ("POST", "/words", {"verb": "abstain", "reason": "x"}),
                ("POST", "/tasks", {"verb": "claim"}),
            ):
                answers = []
                for incident in (INCIDENT, HIDDEN):
                    body = {"json": {**said, "workflow": incident, **more}} if method == "POST" else {}
                    answers.append(await http.request(method, path.format(incident), headers=headers, **body))
                assert [one.status_code for one in answers] == [404, 404], path
                assert answers[0].content == answers[1].content, path
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as inside:
        assert len((await inside.feed.look()).runs) == 1


async def test_no_reference_to_evidence_is_sent_to_a_terminal(console: Seen) -> None:
    asked = gate(title="delete")
    measure = {
        "key": "k",
        "step": "s",
        "path": "p",
        "action": "content.disable",
        "inputs": {"ref": OTHER},
        "undo": None,
        "on": [],
        "in_force_since": "2026-11-22T03:11:00Z",
        "undone_at": None,
    }
    console.api.index.put(board(workflow=INCIDENT, asks=[asked], measures=[measure]), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        seen, view = await let.feed.look(), await let.feed.read("eu", INCIDENT)
        for text in (json.dumps(first(seen).ask), json.dumps(view.found.board)):
            assert REF not in text
            assert OTHER not in text
            assert "evidence 1" in text


async def test_a_doubt_at_a_terminal_names_what_may_have_happened_and_hides_what_it_refers_to(console: Seen) -> None:
    announce(console, "https://video.example/v/3", number=2, snapshot=REF)
    console.api.index.put(board(workflow=INCIDENT, asks=[trouble("doubt")]), 1)
    async with console.signed_in("ops-1") as browser, let_in(console.url, browser) as let:
        view = await let.feed.read("eu", INCIDENT)
    ((place, one),) = view.attempts.items()
    assert place == (INCIDENT, f"{STEP}!doubt")
    assert (one.action, one.number) == ("content.disable", 2)
    assert one.inputs == {"url": "https://video.example/v/3", "scope": "eu", "snapshot": "a reference"}


async def test_a_queues_tasks_are_left_to_the_queue_until_one_is_mine(console: Seen) -> None:
    task = ask(kind="task", options={"done": [{"any_of": ["legal_counsel"]}]})
    console.api.index.put(board(workflow=INCIDENT, mode="case", asks=[task]), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        assert (await let.feed.look()).waiting == ()
        until = "2099-01-01T00:00:00Z"
        own = {**task, "claim": {"person": "counsel-1", "role": "legal_counsel", "at": until, "until": until}}
        console.api.put(INCIDENT, 2, mode="case", asks=[own])
        seen = await let.feed.look()
        assert [(one.incident, one.taken) for one in seen.waiting] == [(INCIDENT, True)]


# -- what it says ---------------------------------------------------------------------------------------------------


async def test_what_is_answered_is_signed_by_the_gateway_over_what_was_shown(
    console: Seen, signed: list[dict[str, Any]]
) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        at = first(await let.feed.look())
        sent = await let.feed.decide("eu", at, "clarify", reason="a page is missing", form={}, attach={})
        await let.feed.say("eu", at, "question", reason="which page?", about={})
    assert (sent.state, sent.recorded, sent.waiting_for) == ("kept", False, ("deputy",))
    answered, asked = signed
    assert (answered["person"], answered["role"], answered["option"]) == ("counsel-1", "legal_counsel", "clarify")
    assert (answered["ask"], answered["signed_in"]) == (at.ask["ask"], "dev")
    assert console.face.reasons.get(answered["reason_ref"]) == b"a page is missing"
    assert (asked["verb"], asked["ask"]) == ("question", at.ask["ask"])


async def test_a_question_that_has_changed_or_gone_is_not_answered(console: Seen, signed: list[dict[str, Any]]) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        at = first(await let.feed.look())
        console.api.put(INCIDENT, 2, asks=[ask(ask="sha256:" + "b" * 64)])
        with pytest.raises(Refused) as changed:
            await let.feed.decide("eu", at, "clarify", reason="x", form={}, attach={})
        console.api.put(INCIDENT, 3, asks=[])
        with pytest.raises(Refused) as gone:
            await let.feed.say("eu", at, "abstain", reason="x", about={})
    assert (changed.value.type, gone.value.type) == (RefusalType.CHANGED, RefusalType.NOT_WAITING)
    assert signed == []


async def test_a_refusal_says_why_and_nothing_is_signed(console: Seen, signed: list[dict[str, Any]]) -> None:
    console.api.index.put(waiting(), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        at = first(await let.feed.look())
        for option, reason, kind in (("perhaps", "x", RefusalType.UNKNOWN_OPTION), ("clarify", " ", Refused.NO_REASON)):
            with pytest.raises(Refused) as refused:
                await let.feed.decide("eu", at, option, reason=reason, form={}, attach={})
            assert refused.value.type == kind
        with pytest.raises(Refused, match="evidence store, which this terminal does not reach"):
            await let.feed.decide("eu", at, "clarify", reason="x", form={}, attach={"proof": Path("/etc/hostname")})
    assert signed == []


async def test_hidden_evidence_is_left_out_by_its_number(console: Seen, signed: list[dict[str, Any]]) -> None:
    narrows = {"inputs": {"refs": {"by": "items"}}, "item": None}
    asked = gate(inputs={"refs": [REF, OTHER]}, shown=[], narrows=narrows)
    console.api.index.put(board(workflow=INCIDENT, asks=[asked]), 1)
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        at = first(await let.feed.look())
        assert at.ask["inputs"] == {"refs": ["evidence 1", "evidence 2"]}
        await let.feed.say("eu", at, "narrow", reason="one is enough", about={"to": {}, "leave_out": ["evidence 2"]})
    assert signed[0]["about"] == {"inputs": {"refs": [REF]}}


async def test_a_security_key_is_asked_for_in_words_and_the_address_of_the_decision(
    signing: Signing, signed: list[dict[str, Any]]
) -> None:
    asked = ask(keyed=["refuse"])
    signing.api.index.put(board(workflow=INCIDENT, region="eu", asks=[asked]), 1)
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
        async with let_in(signing.url, browser) as let:
            page = await send(browser, "/code", code=(await offer(let.gateway)).code)
            assert "Not what needs your security key" in page.text
            at = first(await let.feed.look())
            view = await let.feed.read("eu", INCIDENT)
            assert view.found.asks[0].ask["keyed"] == ["refuse"]
            app = WatchConsole(let.feed, someone=let.feed.someone, every=3600)
            async with app.run_test(size=(100, 30)) as pilot:
                await settle(pilot)
                await pilot.press("enter")
                await settle(pilot)
                assert "refuse  (needs your security key: in a browser)" in seen_on(app)
                assert "clarify  (needs" not in seen_on(app)
            with pytest.raises(Refused) as refused:
                await let.feed.decide("eu", at, "refuse", reason="x", form={}, attach={})
    assert refused.value.type == RefusalType.SECURITY_KEY
    assert "a terminal has none" in str(refused.value)
    assert str(refused.value).endswith(f"{signing.url}/console/asks/{INCIDENT}/triage/order_doubt")
    assert signed == []


# -- the company's sign-in ------------------------------------------------------------------------------------------


async def test_a_terminal_carries_how_its_person_signed_in_at_the_company(
    signing: Signing, signed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchfloor.client.statements.keep_reason", lambda _face, _reason: "sha256:" + "c" * 64)
    signing.api.index.put(board(workflow=INCIDENT, region="eu", asks=[ask()]), 1)
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
        async with let_in(signing.url, browser) as let:
            at = first(await let.feed.look())
            await let.feed.decide("eu", at, "clarify", reason="x", form={}, attach={})
            assert "by company sign-in at 127.0.0.1" in let.feed.signed_in
    assert [(one["person"], one["signed_in"], one["amr"]) for one in signed] == [("counsel-1", "oidc", ["pwd", "otp"])]
    assert ("terminal signed in", "counsel-1") in [one[:2] for one in signing.happened()]


async def test_who_is_nobody_here_any_more_is_signed_out_at_the_next_look(signing: Signing) -> None:
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
        async with let_in(signing.url, browser) as let:
            await let.feed.look()
            known = signing.company._directory
            signing.company._directory = Directory({one.id: one for one in known if one.id != "counsel-1"})
            with pytest.raises(SignedOut, match="counsel-1"):
                await let.feed.look()
            signing.company._directory = known
            with pytest.raises(SignedOut, match="not signed in"):
                await let.feed.look()


# -- how it ends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["one", "everywhere", "sign-out", "leave", "unbind"])
async def test_a_terminal_is_ended_by_its_person_in_every_way_there_is(console: Seen, tmp_path: Path, how: str) -> None:
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        await let.feed.look()
        page = (await browser.get(TERMINALS)).text
        (id_,) = re.findall(r'name="terminal" value="([0-9a-f]+)"', page)
        match how:
            case "one":
                async with console.signed_in("counsel-2") as other:
                    assert (await send(other, "/end", terminal=id_)).status_code == 404
                await let.feed.look()
                assert (await send(browser, "/end", terminal=id_)).status_code == 303
            case "everywhere":
                assert (await send(browser, "/end-all")).status_code == 303
                assert (await browser.get("/console/")).status_code == 303
            case "sign-out":
                await browser.post("/console/sign-out", data={"csrf": token(page)})
            case "leave":
                await let.gateway.leave()
                let.gateway.token = let.token
            case _:
                assert Sessions(tmp_path / "sessions.sqlite").end_all("counsel-1") == 2
        with pytest.raises(SignedOut, match="not signed in"):
            await let.feed.look()


async def test_what_was_confirmed_in_a_browser_that_signed_out_meanwhile_lets_nobody_in(console: Seen) -> None:
    gateway = Gateway(console.url)
    made = await offer(gateway)
    async with console.signed_in("counsel-1") as browser:
        await confirm(browser, made.code)
        await browser.post("/console/sign-out", data={"csrf": token((await browser.get(TERMINALS)).text)})
    with pytest.raises(Refused):
        await claim(gateway, made.secret)
    await gateway.close()


# -- a token where it does not belong -------------------------------------------------------------------------------


async def test_a_terminals_token_opens_nothing_but_what_is_for_terminals(console: Seen) -> None:
    console.api.index.put(waiting(), 1)
    key = console.api.key()
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        cookie = browser.cookies["wf_session"]
        async with httpx2.AsyncClient(base_url=console.url, trust_env=False, follow_redirects=False) as http:
            bearer = {"authorization": f"Bearer {let.token}"}
            for path in ("/console/", f"/console/incidents/{INCIDENT}", TERMINALS):
                assert (await http.get(path, headers=bearer)).status_code == 303
                assert (await http.get(path, headers={"cookie": f"wf_session={let.token}"})).status_code == 303
            at_api = await console.api.ask("GET", "/incidents", let.token)
            assert at_api.status_code == 401
            for headers in (
                {},
                {"authorization": f"Bearer {key}"},
                {"authorization": f"Bearer {cookie}"},
                {"authorization": f"Basic {let.token}"},
                {"authorization": let.token},
                {"cookie": f"wf_session={cookie}"},
                {"cookie": f"wf_session={let.token}"},
            ):
                answer = await http.get("/console/terminal/look", headers=headers)
                assert answer.status_code == 401, headers
                assert "set-cookie" not in answer.headers
            assert (await http.get("/console/terminal/look", headers=bearer)).status_code == 200
            assert (await http.get("/console/terminal/look", params={"token": let.token})).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"v": 2}',
        b'{"v": 1, "more": 1}',
        b"{" + b'"a":[' * 200,
        b'{"v": 1, "workflow": "x", "path": "y", "ask": "z", "option": "a", "reason": "' + b"r" * 70_000 + b'"}',
    ],
)
async def test_what_has_another_shape_is_refused_and_the_gateway_stays_up(console: Seen, body: bytes) -> None:
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        headers = {"authorization": f"Bearer {let.token}", "content-type": "application/json"}
        async with httpx2.AsyncClient(base_url=f"{console.url}/console/terminal", trust_env=False) as http:
            for path in ("/answers", "/words", "/tasks", "/pairings", "/pairings/claim"):
                answer = await http.post(path, headers=headers, content=body)
                assert answer.status_code in {400, 413, 422}, (path, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
        await let.feed.look()


async def test_development_sign_in_at_a_terminal_works_by_the_name_of_this_machine_alone(console: Seen) -> None:
    async with (
        console.signed_in("counsel-1") as browser,
        let_in(console.url, browser) as let,
        httpx2.AsyncClient(base_url=console.url, trust_env=False) as http,
    ):
        headers = {"authorization": f"Bearer {let.token}", "host": "rebound.example"}
        assert (await http.get("/console/terminal/look", headers=headers)).status_code == 401


async def test_a_console_that_lets_in_no_terminals_offers_none_and_ends_those_that_there_were(
    console: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        monkeypatch.setattr(console.desk.gate, "_file", None)
        with pytest.raises(SignedOut):
            await let.feed.look()
        other = Gateway(console.url)
        with pytest.raises(NotFound, match="no terminals are let in here"):
            await offer(other)
        await other.close()
        assert "No terminals are let in here" in (await browser.get(TERMINALS)).text


async def test_a_store_that_does_not_answer_is_said_in_the_terminals_own_words(
    console: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        for error, words in ((IndexUnavailable("gone"), "a store does not answer"), (ValueError("x"), "it is in the")):

            def fail(*_: Any, raised: Exception = error, **__: Any) -> None:
                raise raised

            monkeypatch.setattr(console.desk.index, "page", fail)
            with pytest.raises(EngineUnavailable, match=words):
                await let.feed.look()
        monkeypatch.undo()
        assert (await let.feed.look()).runs == ()


async def test_who_asks_too_often_waits(console: Seen) -> None:
    async with (
        console.signed_in("counsel-1") as browser,
        let_in(console.url, browser) as let,
        httpx2.AsyncClient(base_url=console.url, trust_env=False) as http,
    ):
        headers = {"authorization": f"Bearer {let.token}"}
        answers = await asyncio.gather(*(http.get("/console/terminal/look", headers=headers) for _ in range(120)))
    assert {one.status_code for one in answers} == {200, 429}


# -- the terminal's own side ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://watchfloor.example.com", "https://watchfloor.example.com"),
        ("https://watchfloor.example.com:8443/", "https://watchfloor.example.com:8443"),
        ("https://10.1.2.3:8443", "https://10.1.2.3:8443"),
        ("http://127.0.0.1:7300", "http://127.0.0.1:7300"),
        ("http://[::1]:7300", "http://[::1]:7300"),
    ],
)
def test_an_address_is_an_origin(typed: str, origin: str) -> None:
    assert read_address(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "watchfloor.example.com",
        "http://watchfloor.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@watchfloor.example.com",
        "https://user:secret@watchfloor.example.com",
        "https://watchfloor.example.com/console/",
        "https://watchfloor.example.com?x=1",
        "https://wätch.example.com",
        "https://a b",
        "https://host:port",
        "file:///etc/passwd",
        "ftp://127.0.0.1",
        "https://169.254.169.254",
    ],
)
def test_another_address_is_not_spoken_to(typed: str) -> None:
    with pytest.raises(AddressRefused, match="expected https://HOST"):
        read_address(typed)


async def test_a_run_that_is_not_there_and_a_gateway_that_is_not_there_are_told_apart(console: Seen) -> None:
    async with console.signed_in("counsel-1") as browser, let_in(console.url, browser) as let:
        with pytest.raises(NotFound):
            await let.feed.read("eu", HIDDEN)
    nowhere = Gateway("http://127.0.0.1:1")
    with pytest.raises(EngineUnavailable, match="does not answer"):
        await offer(nowhere)
    await nowhere.close()
