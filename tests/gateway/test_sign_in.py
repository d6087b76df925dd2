"""Signing in by the company's provider, over real HTTP: who gets in, and everything that does not get anybody in."""

import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from tests.cli.boards import ask, board
from tests.gateway import providers
from tests.gateway.apis import Api
from tests.gateway.providers import (
    CLIENT,
    EC,
    OTHER_RSA,
    RSA,
    SECRET,
    Claims,
    links,
    lying_provider,
    mock_provider,
    query,
)
from tests.gateway.regions_on_loopback import RULES, on_loopback, served
from tests.gateway.test_console import INCIDENT, PEOPLE, token, waiting
from watchfloor.gateway.app import build_app
from watchfloor.gateway.console import ConsoleDesk
from watchfloor.gateway.console.company import Company
from watchfloor.gateway.console.gate import COOKIE, PENDING_COOKIE, SECURE_COOKIE, Gate
from watchfloor.gateway.console.pending import VALID_FOR, PendingSignIns
from watchfloor.gateway.console.sessions import Sessions
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.provider import RETURN, Provider
from watchfloor.identity.accounts import Accounts, AccountTaken
from watchfloor.identity.belonging import Source
from watchfloor.identity.groups import Groups, load_groups
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.regions.keys import RegionKeys
from watchfloor.runtime.regionfile import SignInTable

START = "/console/sign-in/provider"
GROUPS = """\
person: preferred_username
entity: example-ie
groups:
  eu-counsel: {role: legal_counsel, region: eu}
  eu-ops: {role: ops_lead, region: eu}
  us-ops: {role: ops_lead, region: us}
  cleared-terror: {clearance: terror}
subjects:
  account-9: ops-1
"""
COUNSEL: Claims = {"preferred_username": "counsel-1", "groups": ["eu-counsel", "cleared-terror"], "amr": ["pwd", "otp"]}


@dataclass(slots=True)
class Signing:
    """A console with a company's sign-in, and what stands behind it."""

    url: str
    api: Api
    provider: providers.Provider
    company: Company
    sessions: Sessions
    file: SignInFile
    groups: Path
    desk: ConsoleDesk

    def offer_keys(self, keys: Any) -> None:
        object.__setattr__(self.desk, "keys", keys)

    def browser(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=30, follow_redirects=False)

    def happened(self) -> list[tuple[str, str, str]]:
        return [(one.what, one.person, one.detail) for one in self.file.happened()]


@asynccontextmanager
async def signing_over(
    api: Api,
    tmp_path: Path,
    provider: providers.Provider,
    *,
    source: Source = "directory",
    ahead: timedelta | None = None,
) -> AsyncIterator[Signing]:
    groups = tmp_path / "groups.yaml"
    groups.write_text(GROUPS)
    sessions, file = Sessions(tmp_path / "sessions.sqlite"), SignInFile(tmp_path / "sign-in.sqlite")
    face = replace(api.face, people=PEOPLE, loopback=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        table = SignInTable(issuer=provider.issuer, client_id=CLIENT, console_url=url)
        clock = (lambda: datetime.now(UTC) + ahead) if ahead else (lambda: datetime.now(UTC))
        spoken = Provider(table, f"{url}{RETURN}", SECRET, clock=clock)
        company = Company(
            spoken,
            file,
            PEOPLE,
            lambda: load_groups(groups),
            issuer=provider.issuer,
            source=source,
            region="eu",
            console_url=url,
        )
        desk = ConsoleDesk(face, api.index, api.changes, Gate(face, sessions, company=company, file=file))
        inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, tmp_path / "anchors", RULES)
        async with served(build_app(inbox, face.client, console=desk), listener):
            yield Signing(url, api, provider, company, sessions, file, groups, desk)
        await spoken.close()


@pytest.fixture
async def signing(api: Api, tmp_path: Path) -> AsyncIterator[Signing]:
    async with lying_provider() as provider, signing_over(api, tmp_path, provider) as ready:
        provider.people["account-1"] = dict(COUNSEL)
        yield ready


async def leave(browser: httpx2.AsyncClient, back: str = "/console/board", **more: str) -> str:
    """Begin a sign-in; gives the address that the provider sends the browser back to."""
    begun = await browser.get(START, params={"back": back, **more})
    assert begun.status_code == 303, begun.text
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as outside:
        at_provider = await outside.get(begun.headers["location"])
    assert at_provider.status_code == 302, at_provider.text
    return str(at_provider.headers["location"])


async def sign_in(browser: httpx2.AsyncClient, back: str = "/console/board", **more: str) -> httpx2.Response:
    return await browser.get(await leave(browser, back, **more))


# -- who gets in ----------------------------------------------------------------------------------------------------


async def test_a_real_provider_signs_somebody_in_and_out(api: Api, tmp_path: Path) -> None:
    with mock_provider({"sub": "account-1", **COUNSEL}) as issuer:
        provider = providers.Provider(issuer=issuer)
        async with signing_over(api, tmp_path, provider) as signing, signing.browser() as browser:
            begun = await browser.get(START, params={"back": "/console/board"})
            asked = query(begun.headers["location"])
            assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
            assert asked["redirect_uri"] == f"{signing.url}{RETURN}"
            async with httpx2.AsyncClient(trust_env=False, timeout=30) as outside:
                back = await providers.choose_at_mock(outside, begun.headers["location"], "account-1")
            arrived = await browser.get(back)
            assert (arrived.status_code, arrived.headers["location"]) == (303, "/console/board"), arrived.text
            page = await browser.get("/console/")
            assert "counsel-1" in page.text
            assert "Development sign-in" not in page.text
            assert ("signed in", "counsel-1", "pwd otp") in signing.happened()
            left = await browser.post("/console/sign-out", data={"csrf": token(page.text)})
            assert left.headers["location"] == "/console/sign-in/left"
            goodbye = await browser.get("/console/sign-in/left")
            out = next(one for one in links(goodbye.text) if one.startswith(issuer)).replace("&amp;", "&")
            assert query(out)["post_logout_redirect_uri"] == f"{signing.url}/console/sign-in"
            assert (await browser.get("/console/")).status_code == 303


async def test_the_sign_in_page_offers_the_company_and_still_marks_development(signing: Signing) -> None:
    async with signing.browser() as browser:
        page = (await browser.get("/console/sign-in", params={"back": "/console/board"})).text
    assert f'href="{signing.url}{START}?back=/console/board"' in page
    assert "Nobody proves who they are" in page


async def test_what_is_decided_says_how_somebody_signed_in(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement carries the way and the provider's own words for it, in what the gateway signs."""
    signed: list[dict[str, Any]] = []

    async def take(_face: Any, workflow: str, path: str, envelope: Any, *_more: Any) -> Any:
        from watchfloor.client.statements import Sent

        signed.append(envelope["body"])
        return Sent(workflow, path, "sha256:" + "a" * 64, True, "complete", (), "")

    monkeypatch.setattr("watchfloor.client.statements.deliver", take)
    monkeypatch.setattr("watchfloor.client.statements.keep_reason", lambda _face, _reason: "sha256:" + "c" * 64)
    signing.api.index.put(board(workflow=INCIDENT, region="eu", asks=[ask()]), 1)
    at = f"/console/asks/{INCIDENT}/triage/order_doubt"
    async with signing.browser() as browser:
        await sign_in(browser)
        page = (await browser.get(at)).text
        shown = re.search(r'name="ask" value="([^"]+)"', page)
        assert shown is not None
        said = {"csrf": token(page), "ask": shown[1], "option": "clarify", "reason": "page missing"}
        answer = await browser.post(at, data=said)
    assert answer.status_code == 200, answer.text
    assert [(one["person"], one["signed_in"], one["amr"]) for one in signed] == [("counsel-1", "oidc", ["pwd", "otp"])]


async def test_an_account_that_the_groups_file_names_needs_no_claim(signing: Signing) -> None:
    signing.provider.people = {"account-9": {"groups": ["eu-ops"], "preferred_username": "counsel-1"}}
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
        assert "ops-1" in (await browser.get("/console/")).text


async def test_a_token_signed_on_a_curve_and_by_a_new_key_is_believed(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
    signing.provider.signs_with = EC
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
    # the provider changes its keys within the hour in which its documents are kept
    signing.provider.keys, signing.provider.signs_with = [OTHER_RSA], OTHER_RSA
    monkeypatch.setattr("watchfloor.gateway.provider.provider.KEYS_EVERY", timedelta(0))
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
    assert signing.provider.asked.count("discovery") == 1


async def test_keys_are_not_asked_for_again_and_again_by_tokens_that_name_unknown_ones(signing: Signing) -> None:
    signing.provider.header = lambda header: {**header, "kid": "nowhere"}
    async with signing.browser() as browser:
        for _ in range(5):
            assert (await sign_in(browser)).status_code == 403
    assert signing.provider.asked.count("keys") == 1


async def test_a_fresh_sign_in_makes_the_provider_ask_anew(signing: Signing) -> None:
    async with signing.browser() as browser:
        begun = await browser.get(START, params={"anew": "true"})
        asked = query(begun.headers["location"])
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        assert (await sign_in(browser, anew="true")).status_code == 303
        stale = int(time.time()) - 3600
        signing.provider.claims = lambda claims: {**claims, "auth_time": stale}
        refused = await sign_in(browser, anew="true")
        assert (refused.status_code, "did not ask anew" in refused.text) == (403, True)
        assert (await sign_in(browser)).status_code == 303


async def test_the_clients_secret_and_the_verifier_go_to_the_provider_only(signing: Signing) -> None:
    async with signing.browser() as browser:
        begun = await browser.get(START)
        assert SECRET not in begun.headers["location"]
        assert "code_verifier" not in begun.headers["location"]
        await sign_in(browser)
    (exchange,) = signing.provider.exchanged
    assert exchange["authorization"].startswith("Basic ")
    assert len(exchange["code_verifier"]) >= 43
    raw = b"".join(file.read_bytes() for file in signing.groups.parent.glob("*.sqlite"))
    assert SECRET.encode() not in raw


# -- what proves nothing --------------------------------------------------------------------------------------------

NOW = int(time.time())
LIES: dict[str, tuple[dict[str, Any], int, str]] = {
    "alg none": ({"sign": providers.unsigned}, 403, "not signed with one of"),
    "hmac with the public key": ({"sign": providers.signed_with_the_public_key}, 403, "not signed with one of"),
    "another key of its own": ({"sign": lambda h, c: _signed(h, c, OTHER_RSA)}, 403, "signature"),
    "a key nobody publishes": ({"header": lambda h: {**h, "kid": "two"}}, 403, "does not publish"),
    "no key named, several known": ({"header": lambda h: {"alg": h["alg"]}}, 403, "does not publish"),
    "an access token": ({"header": lambda h: {**h, "typ": "at+jwt"}}, 403, "another kind"),
    "a critical header": ({"sign": providers.signed_critically}, 403, "cannot be verified"),
    "another issuer": ({"claims": lambda c: {**c, "iss": "https://elsewhere.example"}}, 403, "another provider"),
    "no issuer": ({"claims": lambda c: _without(c, "iss")}, 403, "another provider"),
    "another audience": ({"claims": lambda c: {**c, "aud": "another-app"}}, 403, "another application"),
    "several audiences, no party": ({"claims": lambda c: {**c, "aud": [CLIENT, "x"]}}, 403, "another application"),
    "another party": ({"claims": lambda c: {**c, "azp": "another-app"}}, 403, "another application"),
    "another nonce": ({"claims": lambda c: {**c, "nonce": "x" * 64}}, 403, "another sign-in"),
    "no nonce": ({"claims": lambda c: _without(c, "nonce")}, 403, "another sign-in"),
    "a nonce that is no text": ({"claims": lambda c: {**c, "nonce": ["x"]}}, 403, "another sign-in"),
    "expired": ({"claims": lambda c: {**c, "iat": NOW - 900, "exp": NOW - 600}}, 503, "clock"),
    "no end": ({"claims": lambda c: _without(c, "exp")}, 403, "no instant <code>exp</code>"),
    "an end that is true": ({"claims": lambda c: {**c, "exp": True}}, 403, "no instant <code>exp</code>"),
    "issued an hour ago": ({"claims": lambda c: {**c, "iat": NOW - 3600, "exp": NOW + 3600}}, 503, "clock"),
    "issued in the future": ({"claims": lambda c: {**c, "iat": NOW + 900, "exp": NOW + 1200}}, 503, "ahead of this"),
    "not valid yet": ({"claims": lambda c: {**c, "nbf": NOW + 900}}, 503, "not valid yet"),
    "nobody": ({"claims": lambda c: _without(c, "sub")}, 403, "of nobody"),
    "no token": ({"answer": lambda c: JSONResponse({"access_token": "x"})}, 403, "no ID token"),
    "no JSON": ({"answer": lambda c: PlainTextResponse("hello")}, 403, "no ID token"),
    "no signed token": ({"answer": lambda c: JSONResponse({"id_token": "a.b"})}, 403, "no signed token"),
    "too much": ({"answer": lambda c: PlainTextResponse("x" * 300_000)}, 503, "does not answer"),
    "somewhere else": ({"answer": lambda c: RedirectResponse("http://169.254.169.254/", 307)}, 403, "the code"),
    "a failure": ({"answer": lambda c: PlainTextResponse("no", 500)}, 503, "cannot exchange"),
}


def _signed(header: Claims, claims: Claims, key: Any) -> str:
    from joserfc import jwt

    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def _without(claims: Claims, name: str) -> Claims:
    return {key: value for key, value in claims.items() if key != name}


@pytest.mark.parametrize("lie", LIES)
async def test_what_a_hostile_provider_sends_signs_nobody_in(signing: Signing, lie: str) -> None:
    changes, status, words = LIES[lie]
    for name, value in changes.items():
        setattr(signing.provider, name, value)
    async with signing.browser() as browser:
        answer = await sign_in(browser)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert COOKIE not in answer.headers.get("set-cookie", "")
        assert (await browser.get("/console/")).status_code == 303
    assert "elsewhere.example" not in answer.text


async def test_an_answer_counts_once(signing: Signing) -> None:
    async with signing.browser() as browser:
        back = await leave(browser)
        assert (await browser.get(back)).status_code == 303
        again = await browser.get(back)
        assert (again.status_code, "not begun here" in again.text) == (400, True)
    assert len(signing.provider.exchanged) == 1


async def test_a_code_that_was_used_elsewhere_is_no_proof(signing: Signing) -> None:
    async with signing.browser() as browser:
        back = await leave(browser)
        signing.provider.codes.clear()
        assert (await browser.get(back)).status_code == 403


@pytest.mark.parametrize(
    "spoil",
    [
        lambda back, other: back.replace("state=", "stat="),
        lambda back, other: re.sub(r"state=[^&]+", "state=" + "A" * 64, back),
        lambda back, other: re.sub(r"state=[^&]+", f"state={query(other)['state']}", back),
        lambda back, other: other,
    ],
    ids=[
        "no state",
        "a state of its own making",
        "the state of another session",
        "the whole answer of another session",
    ],
)
async def test_only_the_browser_that_began_a_sign_in_ends_it(
    signing: Signing, spoil: Callable[[str, str], str]
) -> None:
    """Signing somebody in as the attacker is refused as well as the other way round."""
    async with signing.browser() as victim, signing.browser() as attacker:
        back, other = await leave(victim), await leave(attacker)
        answer = await victim.get(spoil(back, other))
        assert (answer.status_code, COOKIE in answer.headers.get("set-cookie", "")) == (400, False)
    assert signing.provider.exchanged == []


async def test_a_code_is_bound_to_the_browser_by_its_verifier(signing: Signing) -> None:
    """A stolen code put into one's own sign-in: state and cookie fit, the verifier does not."""
    async with signing.browser() as victim, signing.browser() as attacker:
        stolen, own = query(await leave(victim)), query(await leave(attacker))
        answer = await attacker.get(RETURN, params={"code": stolen["code"], "state": own["state"]})
    assert (answer.status_code, "no proof" in answer.text) == (403, True)


async def test_the_answer_of_another_provider_is_told_by_its_name(signing: Signing) -> None:
    """Mix-up (RFC 9207)."""
    async with signing.browser() as browser:
        back = await leave(browser)
        answer = await browser.get(f"{back}&iss=https://elsewhere.example")
        assert (answer.status_code, "another provider" in answer.text) == (403, True)
    signing.provider.says_iss = True
    await signing.company.provider.look()
    async with signing.browser() as browser:
        back = await leave(browser)
        assert (await browser.get(back.split("&iss=")[0])).status_code == 403
        assert (await sign_in(browser)).status_code == 303
    assert len(signing.provider.exchanged) == 1


async def test_an_answer_says_each_thing_once(signing: Signing) -> None:
    async with signing.browser() as browser:
        back = await leave(browser)
        assert (await browser.get(f"{back}&code=other")).status_code == 400
        assert (await browser.get(f"{back}{'x' * 5000}")).status_code == 422


async def test_a_sign_in_that_waited_too_long_is_forgotten(tmp_path: Path) -> None:
    pending, now = PendingSignIns(SignInFile(tmp_path / "s.sqlite")), datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    begun = pending.begin("/console/", now=now)
    assert pending.take(begun.cookie, begun.state, now=now + VALID_FOR) is None
    begun = pending.begin("/console/board", now=now)
    found = pending.take(begun.cookie, begun.state, now=now + timedelta(minutes=9))
    assert found is not None
    assert found.back == "/console/board"


def test_sign_ins_under_way_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchfloor.gateway.console.pending.MOST", 5)
    file, now = SignInFile(tmp_path / "s.sqlite"), datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    pending = PendingSignIns(file)
    for second in range(20):
        last = pending.begin("/console/", now=now + timedelta(seconds=second))
    with file.reading() as database:
        assert database.execute("SELECT count(*) FROM pending").fetchone() == (5,)
    assert pending.take(last.cookie, last.state, now=now) is not None


def test_the_store_of_sign_ins_holds_no_cookie_and_no_state(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    begun = PendingSignIns(SignInFile(path)).begin("/console/")
    assert begun.cookie.encode() not in path.read_bytes()
    assert begun.state.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


# -- cookies, forms, addresses --------------------------------------------------------------------------------------


async def test_signing_in_makes_a_session_anew_and_ends_the_one_before(signing: Signing) -> None:
    async with signing.browser() as browser:
        await sign_in(browser)
        before = browser.cookies[COOKIE]
        arrived = await sign_in(browser)
        given = arrived.headers.get_list("set-cookie")
    assert signing.sessions.find(before) is None
    session = next(one for one in given if one.startswith(f"{COOKIE}="))
    assert before not in session
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert any(one.startswith(f'{PENDING_COOKIE}=""') for one in given)


async def test_a_planted_cookie_is_worth_nothing(signing: Signing) -> None:
    async with signing.browser() as browser:
        browser.cookies.set(COOKIE, "planted")
        browser.cookies.set(PENDING_COOKIE, "planted")
        arrived = await sign_in(browser)
        assert "planted" not in str(arrived.headers.get_list("set-cookie"))
    assert signing.sessions.find("planted") is None


async def test_over_tls_the_cookies_are_for_this_host_alone(signing: Signing, tmp_path: Path) -> None:
    gate = Gate(signing.api.face, Sessions(tmp_path / "other.sqlite"), secure=True, company=signing.company)
    answer = await gate.leave_for(signing.company, "/console/", anew=False)
    given = answer.headers["set-cookie"]
    assert given.startswith("__Host-")
    assert "Secure" in given
    assert "Domain" not in given
    assert "Path=/;" in given
    assert gate.cookie == SECURE_COOKIE


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", "/console/\\x", "javascript:1"])
async def test_signing_in_by_the_company_leads_nowhere_else(signing: Signing, back: str) -> None:
    async with signing.browser() as browser:
        arrived = await sign_in(browser, back)
        failed = await browser.get(RETURN, params={"state": back, "code": back, "error": back})
        page = await browser.get("/console/sign-in", params={"back": back})
    assert arrived.headers["location"] == "/console/"
    assert back not in failed.text + page.text
    assert "location" not in failed.headers


async def test_the_return_address_does_not_follow_the_host_header(signing: Signing) -> None:
    async with signing.browser() as browser:
        begun = await browser.get(START, headers={"host": "elsewhere.example"})
    assert query(begun.headers["location"])["redirect_uri"] == f"{signing.url}{RETURN}"


async def test_signing_out_needs_the_sessions_own_form(signing: Signing) -> None:
    async with signing.browser() as browser:
        await sign_in(browser)
        assert (await browser.get("/console/sign-out")).status_code == 405
        assert (await browser.post("/console/sign-out", data={"csrf": "x"})).status_code == 403
        page = (await browser.get("/console/")).text
        across = {"origin": "https://elsewhere.example"}
        assert (await browser.post("/console/sign-out", data={"csrf": token(page)}, headers=across)).status_code == 403
        assert (await browser.get("/console/")).status_code == 200


# -- who somebody is here -------------------------------------------------------------------------------------------


async def test_groups_narrow_what_the_directory_gives(signing: Signing) -> None:
    signing.api.index.put(waiting(compartment="terror"), 1)
    signing.provider.people["account-1"] = {**COUNSEL, "groups": ["eu-counsel"]}
    async with signing.browser() as browser:
        await sign_in(browser)
        hidden = await browser.get(f"/console/incidents/{INCIDENT}")
        assert hidden.status_code == 404
    signing.provider.people["account-1"] = dict(COUNSEL)
    async with signing.browser() as browser:
        await sign_in(browser)
        assert (await browser.get(f"/console/incidents/{INCIDENT}")).status_code == 200


@pytest.mark.parametrize(
    ("claims", "title", "why"),
    [
        ({"preferred_username": "stranger-1", "groups": ["eu-ops"]}, "You are not known here", "unknown_person"),
        ({"preferred_username": "counsel-1", "groups": ["eu-ops"]}, "You have no role here", "no_role"),
        ({"preferred_username": "counsel-1", "groups": []}, "Your groups give no region", "no_region"),
        ({"preferred_username": "ops-1", "groups": ["us-ops"]}, "You belong to another region", "other_region"),
    ],
)
async def test_who_is_nobody_here_is_told_why(signing: Signing, claims: Claims, title: str, why: str) -> None:
    signing.provider.people["account-1"] = claims
    async with signing.browser() as browser:
        answer = await sign_in(browser)
        assert (answer.status_code, title in answer.text) == (403, True), answer.text
        assert (await browser.get("/console/")).status_code == 303
    assert ("refused", claims["preferred_username"], why) in signing.happened()


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"groups": ["eu-ops"]}, "<code>preferred_username</code> is missing"),
        ({"preferred_username": "Ann Example", "groups": []}, "<code>preferred_username</code> is no id"),
        ({"preferred_username": "ops-1"}, "<code>groups</code> is missing"),
        ({"preferred_username": "ops-1", "groups": "eu-ops"}, "no list"),
        ({"preferred_username": "ops-1", "_claim_names": {"groups": "src"}}, "too many groups"),
    ],
)
async def test_claims_that_say_too_little_are_named_and_never_quoted(
    signing: Signing, claims: Claims, words: str
) -> None:
    signing.provider.people["account-1"] = claims
    async with signing.browser() as browser:
        answer = await sign_in(browser)
    assert (answer.status_code, words in answer.text) == (403, True), answer.text
    assert "Ann" not in answer.text


async def test_a_group_that_is_taken_away_counts_at_the_next_page(signing: Signing) -> None:
    async with signing.browser() as browser:
        await sign_in(browser)
        assert (await browser.get("/console/")).status_code == 200
        signing.groups.write_text(GROUPS.replace("role: legal_counsel", "role: deputy"))
        refused = await browser.get("/console/")
        assert (refused.status_code, "none of their groups" in refused.text) == (403, True)
        assert (await browser.get("/console/")).status_code == 303


async def test_another_account_does_not_become_a_person_by_taking_their_name(signing: Signing) -> None:
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303
    signing.provider.people = {"account-2": dict(COUNSEL)}
    async with signing.browser() as browser:
        answer = await sign_in(browser)
        assert (answer.status_code, "Another account" in answer.text) == (403, True)
    signing.provider.people = {"account-1": {"preferred_username": "ops-1", "groups": ["eu-ops"]}}
    async with signing.browser() as browser:
        renamed = await sign_in(browser)
        assert (renamed.status_code, "signed in as" in renamed.text) == (403, True)
    assert Accounts(signing.file).unbind("counsel-1")
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303


def test_an_account_of_one_provider_is_none_of_another(tmp_path: Path) -> None:
    accounts = Accounts(SignInFile(tmp_path / "s.sqlite"))
    accounts.bind("https://one.example", "1", "counsel-1")
    accounts.bind("https://one.example", "1", "counsel-1")
    accounts.bind("https://two.example", "1", "ops-1")
    with pytest.raises(AccountTaken, match="another account"):
        accounts.bind("https://one.example", "2", "counsel-1")
    assert not accounts.unbind("nobody-1")


async def test_with_groups_alone_nobody_needs_to_be_in_the_directory(api: Api, tmp_path: Path) -> None:
    async with lying_provider() as provider, signing_over(api, tmp_path, provider, source="groups") as signing:
        provider.people["account-7"] = {"preferred_username": "newcomer-1", "groups": ["eu-ops", "unknown"]}
        async with signing.browser() as browser:
            assert (await sign_in(browser)).status_code == 303
            assert "newcomer-1" in (await browser.get("/console/")).text
        provider.people = {"account-8": {"preferred_username": "newcomer-2", "groups": ["eu-ops", "us-ops"]}}
        async with signing.browser() as browser:
            assert (await sign_in(browser)).status_code == 403


async def test_sessions_by_the_company_end_when_it_is_set_up_no_more(signing: Signing, tmp_path: Path) -> None:
    from starlette.requests import Request

    from watchfloor.gateway.console.gate import SignInNeeded

    async with signing.browser() as browser:
        await sign_in(browser)
        cookie = browser.cookies[COOKIE]
    alone = Gate(signing.api.face, signing.sessions)
    scope = {"type": "http", "path": "/", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())], "query_string": b""}
    with pytest.raises(SignInNeeded):
        await alone.admit(Request({**scope, "server": ("127.0.0.1", 1), "scheme": "http", "method": "GET"}))


# -- the provider itself --------------------------------------------------------------------------------------------


async def test_a_provider_that_is_down_is_said_and_signs_nobody_out(signing: Signing) -> None:
    async with signing.browser() as inside:
        await sign_in(inside)
        table = SignInTable(issuer="http://127.0.0.1:9", client_id=CLIENT)
        signing.company.provider = Provider(table, f"{signing.url}{RETURN}", SECRET)
        async with signing.browser() as browser:
            answer = await browser.get(START)
            assert (answer.status_code, "does not answer" in answer.text) == (503, True)
            assert answer.headers["retry-after"] == "10"
        assert (await inside.get("/console/")).status_code == 200
        page = (await inside.get("/console/")).text
        await inside.post("/console/sign-out", data={"csrf": token(page)})
        assert "offers no way to sign out" in (await inside.get("/console/sign-in/left")).text


async def test_what_was_known_of_the_provider_serves_while_its_documents_cannot_be_read(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signing.browser() as browser:
        await sign_in(browser)
    monkeypatch.setattr("watchfloor.gateway.provider.provider.KEPT_FOR", timedelta(0))
    signing.provider.documents = lambda document: {"issuer": "https://elsewhere.example"}
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "https://elsewhere.example"}, "not that of the issuer"),
        ({"token_endpoint": "https://elsewhere.example/token"}, "not on the list of hosts"),
        ({"jwks_uri": "http://169.254.169.254/keys"}, "not on the list of hosts"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "not on the list of hosts"),
        ({"end_session_endpoint": "https://elsewhere.example/"}, "not on the list of hosts"),
        ({"jwks_uri": None}, "lacks or misstates: jwks_uri"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
    ],
)
async def test_a_discovery_document_that_leads_elsewhere_is_not_followed(
    signing: Signing, change: Claims, words: str
) -> None:
    signing.provider.documents = lambda document: {**document, **change}
    async with signing.browser() as browser:
        answer = await browser.get(START)
    assert (answer.status_code, words in answer.text) == (503, True), answer.text


async def test_keys_that_could_not_verify_anything_are_left_out(signing: Signing) -> None:
    from joserfc.jwk import OctKey

    signing.provider.keys = [OctKey.generate_key(256)]
    async with signing.browser() as browser:
        assert (await browser.get(START)).status_code == 403
    signing.provider.keys = [RSA]
    async with signing.browser() as browser:
        assert (await sign_in(browser)).status_code == 303


async def test_a_machine_whose_clock_is_wrong_is_told_so(api: Api, tmp_path: Path) -> None:
    for ahead in (timedelta(hours=1), timedelta(hours=-1)):
        async with lying_provider() as provider, signing_over(api, tmp_path, provider, ahead=ahead) as signing:
            provider.people["account-1"] = dict(COUNSEL)
            async with signing.browser() as browser:
                answer = await sign_in(browser)
                assert (answer.status_code, "The clocks differ" in answer.text) == (503, True)


async def test_no_code_is_exchanged_when_the_provider_says_that_nobody_signed_in(signing: Signing) -> None:
    async with signing.browser() as browser:
        state = query(await leave(browser))["state"]
        answer = await browser.get(RETURN, params={"state": state, "error": "access_denied"})
        assert (answer.status_code, "access_denied" in answer.text) == (403, True)
        state = query(await leave(browser))["state"]
        bad = await browser.get(RETURN, params={"state": state, "error": "<b>call 555</b>"})
        assert "call 555" not in bad.text
        state = query(await leave(browser))["state"]
        assert (await browser.get(RETURN, params={"state": state})).status_code == 403
    assert signing.provider.exchanged == []


async def test_without_a_company_there_is_no_such_page(api: Api, tmp_path: Path) -> None:
    face = replace(api.face, people=PEOPLE, loopback=False)
    desk = ConsoleDesk(face, api.index, api.changes, Gate(face, Sessions(tmp_path / "s.sqlite")))
    inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, tmp_path / "anchors", RULES)
    async with (
        on_loopback(build_app(inbox, face.client, console=desk)) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False) as browser,
    ):
        assert (await browser.get(START)).status_code == 404
        assert (await browser.get(RETURN)).status_code == 404
        assert "no way to sign in" in (await browser.get("/console/sign-in")).text


def test_groups_without_meaning_leave_the_directory_alone() -> None:
    from watchfloor.identity.belonging import find_belonging

    person = find_belonging(PEOPLE, Groups({}), "directory", id_="counsel-1", names=(), entity="", region="eu")
    assert person == PEOPLE.person("counsel-1")
