"""Security keys over real HTTP: registering, being touched for one decision, and answers that count for nothing."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.boards import ask, board
from tests.gateway.apis import Api
from tests.gateway.authenticators import Authenticator, verify_alone
from tests.gateway.providers import lying_provider
from tests.gateway.test_console import INCIDENT, token
from tests.gateway.test_sign_in import Signing, sign_in, signing_over
from watchfloor.client.sign_in import SignIn
from watchfloor.client.statements import Sent
from watchfloor.evidence import EvidenceStore
from watchfloor.gateway.console.gate import COOKIE
from watchfloor.gateway.console.keys import FRESH
from watchfloor.gateway.console.sessions import DEVELOPMENT
from watchfloor.gateway.console.touching import KeyDesk
from watchfloor.identity.security_keys import MOST_KEYS, VALID_FOR, KeyRefused, SecurityKeys
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.signing.step_up import find_key_fault, step_up_digest

AT = f"/console/asks/{INCIDENT}/release"
ORIGIN = "http://localhost:8480"


def release(**more: Any) -> dict[str, Any]:
    given = {"path": "release", "step": "release", "kind": "release", "action": "hold.unfreeze"}
    slots = [{"any_of": ["legal_counsel"]}]
    digest = "sha256:" + "1" * 64
    return ask(**{**given, "options": {"release": slots}, "slots": slots, "ask": digest, "keyed": ["release"], **more})


@dataclass(slots=True)
class Keyed:
    """A console over a hold that waits for its release, and what the gateway signed."""

    signing: Signing
    desk: KeyDesk
    evidence: EvidenceStore
    signed: list[dict[str, Any]]

    def show(self, *asks: dict[str, Any]) -> None:
        shown = board(workflow=INCIDENT, kind="hold", region="eu", asks=list(asks or (release(),)))
        self.signing.api.index.put(shown, 1 + len(self.signed))

    def key(self, **more: Any) -> Authenticator:
        return Authenticator(self.signing.url.replace("127.0.0.1", "localhost"), **more)

    @asynccontextmanager
    async def counsel(self, *, anew: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
        async with self.signing.browser() as browser:
            arrived = await sign_in(browser, "/console/", **({"anew": "true"} if anew else {}))
            assert arrived.status_code == 303, arrived.text
            yield browser

    async def options(self, browser: httpx2.AsyncClient) -> dict[str, Any]:
        csrf = token((await browser.get("/console/keys")).text)
        answer = await browser.post("/console/keys/options", data={"csrf": csrf})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def register(self, browser: httpx2.AsyncClient, key: Authenticator, name: str = "blue") -> httpx2.Response:
        credential = key.make(await self.options(browser))
        csrf = token((await browser.get("/console/keys")).text)
        return await browser.post("/console/keys", data={"csrf": csrf, "name": name, "credential": credential})

    async def challenge(self, browser: httpx2.AsyncClient, **more: str) -> httpx2.Response:
        said = {"csrf": token((await browser.get("/console/keys")).text), "workflow": INCIDENT, "path": "release"}
        said |= {"ask": release()["ask"], "option": "release", **more}
        return await browser.post("/console/keys/challenge", data=said)

    async def decide(self, browser: httpx2.AsyncClient, assertion: str, **more: str) -> httpx2.Response:
        csrf = token((await browser.get("/console/keys")).text)
        said = {"csrf": csrf, "ask": release()["ask"], "option": "release", "reason": "expired", "assertion": assertion}
        return await browser.post(AT, data={**said, **more})

    def happened(self) -> list[tuple[str, str]]:
        return [(what, person) for what, person, _ in self.signing.happened()]


@pytest.fixture
async def keyed(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Keyed]:
    signed: list[dict[str, Any]] = []

    async def take(_face: Any, workflow: str, path: str, envelope: Any, *_more: Any) -> Sent:
        signed.append(envelope["body"])
        return Sent(workflow, path, "sha256:" + "a" * 64, True, "complete", (), "")

    monkeypatch.setattr("watchfloor.client.statements.deliver", take)
    evidence = EvidenceStore(tmp_path / "evidence")
    mine = replace(api, face=replace(api.face, reasons=evidence))
    async with lying_provider() as provider, signing_over(mine, tmp_path, provider) as signing:
        provider.people["account-1"] = {"preferred_username": "counsel-1", "groups": ["eu-counsel"], "amr": ["pwd"]}
        origin = signing.url.replace("127.0.0.1", "localhost")
        desk = KeyDesk(SecurityKeys(signing.file), origin, evidence)
        signing.offer_keys(desk)
        ready = Keyed(signing, desk, evidence, signed)
        ready.show()
        yield ready


# -- a decision with a key ------------------------------------------------------------------------------------------


async def test_a_hold_is_released_with_a_key_touched_for_this_release(keyed: Keyed) -> None:
    key = keyed.key()
    async with keyed.counsel() as browser:
        assert (await keyed.register(browser, key)).status_code == 303
        page = (await browser.get(AT)).text
        assert "data-touch" in page
        assert "data-keyed" in page
        options = (await keyed.challenge(browser)).json()
        assert options["userVerification"] == "required"
        answer = await keyed.decide(browser, key.touch(options))
        assert answer.status_code == 200, answer.text
    (body,) = keyed.signed
    assert (body["signed_in"], body["amr"]) == ("webauthn", ["pwd"])
    assert body["step_up"]["over"] == step_up_digest(body["ask"], "release", "counsel-1")
    assert find_key_fault(["release"], body) == ""
    verify_alone(json.loads(keyed.evidence.get(body["step_up"]["assertion"])))
    assert keyed.happened()[:1] == [("key used", "counsel-1")]


async def test_without_a_key_the_page_says_so_and_nothing_is_signed(keyed: Keyed) -> None:
    async with keyed.counsel() as browser:
        page = (await browser.get(AT)).text
        assert "<noscript>" in page
        assert "have another person decide" in page
        plain = await keyed.decide(browser, "")
        assert (plain.status_code, "needs your security key" in plain.text) == (422, True)
        none = await keyed.challenge(browser)
        assert (none.status_code, "register one" in none.json()["detail"]) == (422, True)
    assert keyed.signed == []


async def test_the_policies_ask_for_a_key_where_an_older_run_does_not(keyed: Keyed) -> None:
    """A hold from before security keys names no option; the region's policies refuse all the same."""
    older = release()
    del older["keyed"]
    keyed.show(older)
    async with keyed.counsel() as browser:
        assert "data-keyed" in (await browser.get(AT)).text
        assert (await keyed.decide(browser, "")).status_code == 422
    assert keyed.signed == []


async def test_development_sign_in_needs_no_key_and_says_what_it_is(keyed: Keyed) -> None:
    async with keyed.signing.browser() as browser:
        await browser.post("/console/sign-in", data={"person": "counsel-1"})
        assert "data-keyed" not in (await browser.get(AT)).text
        assert (await keyed.decide(browser, "")).status_code == 200
    (body,) = keyed.signed
    assert body["signed_in"] == "dev"
    assert "step_up" not in body


# -- what counts for nothing ----------------------------------------------------------------------------------------


async def test_an_assertion_counts_once(keyed: Keyed) -> None:
    key = keyed.key()
    async with keyed.counsel() as browser:
        await keyed.register(browser, key)
        touched = key.touch((await keyed.challenge(browser)).json())
        assert (await keyed.decide(browser, touched)).status_code == 200
        again = await keyed.decide(browser, touched)
        assert (again.status_code, "not open any more" in again.text) == (422, True)
    assert len(keyed.signed) == 1


async def test_a_key_touched_for_another_ask_decides_nothing_here(keyed: Keyed) -> None:
    key, other = keyed.key(), "sha256:" + "2" * 64
    keyed.show(release(), release(path="other", ask=other))
    async with keyed.counsel() as browser:
        await keyed.register(browser, key)
        touched = key.touch((await keyed.challenge(browser, path="other", ask=other)).json())
        answer = await keyed.decide(browser, touched)
        assert (answer.status_code, "for something else" in answer.text) == (422, True)
    assert keyed.signed == []


async def test_a_challenge_is_for_what_is_asked_now(keyed: Keyed) -> None:
    async with keyed.counsel() as browser:
        await keyed.register(browser, keyed.key())
        for more in ({"ask": "sha256:" + "9" * 64}, {"option": "keep"}, {"path": "elsewhere"}):
            assert (await keyed.challenge(browser, **more)).status_code == 409
        assert (await keyed.challenge(browser, workflow="inc-zzzzzzzzzzzzzzzzzzzz")).status_code == 404
        assert (await keyed.challenge(browser, csrf="x")).status_code == 403


async def test_a_challenge_of_another_session_is_not_answered(keyed: Keyed) -> None:
    key = keyed.key()
    async with keyed.counsel() as one, keyed.counsel() as two:
        await keyed.register(one, key)
        touched = key.touch((await keyed.challenge(one)).json())
        assert (await keyed.decide(two, touched)).status_code == 422
    assert keyed.signed == []


SPOILS: dict[str, Callable[[Keyed, Authenticator, dict[str, Any]], str]] = {
    "another origin": lambda k, key, o: _with(key, origin="https://elsewhere.example").touch(o),
    "another port": lambda k, key, o: _with(key, origin="http://localhost:1").touch(o),
    "another relying party": lambda k, key, o: key.touch(o, host="elsewhere.example"),
    "no PIN and no finger": lambda k, key, o: _with(key, verifies=False).touch(o),
    "inside a frame": lambda k, key, o: _with(key, framed=True).touch(o),
    "a counter that stands still": lambda k, key, o: _with(key, count=-1).touch(o),
    "a counter that went back": lambda k, key, o: _with(key, count=3).touch(o),
    "a key that is nobody's": lambda k, key, o: k.key().touch(o),
    "another key under this id": lambda k, key, o: replace(k.key(), id=key.id, count=50).touch(o),
    "a challenge of its own": lambda k, key, o: key.touch({**o, "challenge": "A" * 43}),
    "the answer of a registration": lambda k, key, o: key.make({**o, "rp": {"id": o["rpId"]}}),
    "no JSON": lambda k, key, o: "hello",
    "a list": lambda k, key, o: "[]",
    "deep": lambda k, key, o: "[" * 3000,
    "nothing in it": lambda k, key, o: '{"response": {}}',
    "spoiled bytes": lambda k, key, o: re.sub(r'"signature": "..', '"signature": "AA', key.touch(o)),
    "bytes that are no text": lambda k, key, o: json.dumps({"rawId": "%%", "response": {"clientDataJSON": "%%%"}}),
}


def _with(key: Authenticator, **more: Any) -> Authenticator:
    return replace(key, **more)


@pytest.mark.parametrize("spoil", SPOILS)
async def test_what_a_wrong_key_answers_decides_nothing(keyed: Keyed, spoil: str) -> None:
    key = keyed.key(count=6)
    async with keyed.counsel() as browser:
        await keyed.register(browser, key)
        assert (await keyed.decide(browser, key.touch((await keyed.challenge(browser)).json()))).status_code == 200
        answer = await keyed.decide(browser, SPOILS[spoil](keyed, key, (await keyed.challenge(browser)).json()))
        assert answer.status_code == 422, answer.text
        assert "Traceback" not in answer.text
    assert len(keyed.signed) == 1


async def test_a_counter_that_goes_back_is_written_down_and_said(keyed: Keyed) -> None:
    key = keyed.key(count=6)
    async with keyed.counsel() as browser:
        await keyed.register(browser, key)
        copied = replace(key, count=2)
        answer = await keyed.decide(browser, copied.touch((await keyed.challenge(browser)).json()))
        assert "as if somebody had copied it" in answer.text
    assert ("key refused", "counsel-1", "counter") in keyed.signing.happened()


async def test_a_key_that_counts_nothing_is_good_too(keyed: Keyed) -> None:
    key = keyed.key(count=None)
    async with keyed.counsel() as browser:
        await keyed.register(browser, key)
        for _ in range(2):
            assert (await keyed.decide(browser, key.touch((await keyed.challenge(browser)).json()))).status_code == 200


async def test_the_key_of_another_person_is_not_mine(keyed: Keyed) -> None:
    theirs = keyed.key()
    keyed.desk.keys.add("ops-1", theirs.id, b"", 0, "theirs")
    async with keyed.counsel() as browser:
        await keyed.register(browser, keyed.key())
        answer = await keyed.decide(browser, theirs.touch((await keyed.challenge(browser)).json()))
        assert (answer.status_code, "not one of yours" in answer.text) == (422, True)
        page = (await browser.get("/console/keys")).text
        assert "theirs" not in page


async def test_what_the_key_signed_that_cannot_be_kept_decides_nothing(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchfloor.evidence import EvidenceUnavailable

    def full(_content: bytes) -> str:
        raise EvidenceUnavailable("no space left")

    key = keyed.key()
    async with keyed.counsel() as browser:
        await keyed.register(browser, key)
        touched = key.touch((await keyed.challenge(browser)).json())
        monkeypatch.setattr(keyed.evidence, "put", full)
        assert (await keyed.decide(browser, touched)).status_code == 422
    assert keyed.signed == []


# -- registering ----------------------------------------------------------------------------------------------------


async def test_keys_are_named_listed_and_removed_and_each_is_written_down(keyed: Keyed) -> None:
    key = keyed.key()
    async with keyed.counsel() as browser:
        done = await keyed.register(browser, key, "<b>blue</b>")
        page = (await browser.get(done.headers["location"])).text
        assert "The key is registered" in page
        assert "&lt;b&gt;blue&lt;/b&gt;" in page
        (mine,) = keyed.desk.keys.list("counsel-1")
        csrf = token(page)
        foreign = await browser.post("/console/keys/remove", data={"csrf": csrf, "key": "sha256:" + "0" * 64})
        assert foreign.status_code == 404
        assert (await browser.post("/console/keys/remove", data={"csrf": "x", "key": mine.id})).status_code == 403
        gone = await browser.post("/console/keys/remove", data={"csrf": csrf, "key": mine.id})
        assert gone.status_code == 303
        assert keyed.desk.keys.list("counsel-1") == []
        assert (await keyed.challenge(browser)).status_code == 422
    assert [what for what, _ in keyed.happened()[:2]] == ["key removed", "key added"]


async def test_a_key_is_registered_only_by_who_has_just_proved_who_they_are(keyed: Keyed) -> None:
    async with keyed.counsel(anew=False) as browser:
        page = (await browser.get("/console/keys")).text
        assert "sign in again" in page
        assert "anew=true" in page
        for path in ("/console/keys/options", "/console/keys", "/console/keys/remove"):
            assert (await browser.post(path, data={"csrf": token(page), "key": "x"})).status_code == 403
    async with keyed.counsel() as browser:
        cookie = browser.cookies[COOKIE]
        await keyed.options(browser)
        with keyed.signing.sessions.file.transaction() as database:
            then = (datetime.now(UTC) - FRESH).isoformat()
            database.execute("UPDATE sessions SET began_at = ?", (then,))
        assert keyed.signing.sessions.find(cookie) is not None
        csrf = token((await browser.get("/console/keys")).text)
        assert (await browser.post("/console/keys/options", data={"csrf": csrf})).status_code == 403


@pytest.mark.parametrize(
    "make",
    [
        lambda k, o: k.key(verifies=False).make(o),
        lambda k, o: _with(k.key(), origin="https://elsewhere.example").make(o),
        lambda k, o: k.key().make(o, host="elsewhere.example"),
        lambda k, o: k.key().make({**o, "challenge": "A" * 43}),
        lambda k, o: k.key().touch({**o, "rpId": "localhost"}),
        lambda k, o: _with(k.key(), framed=True).make(o),
        lambda k, o: '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30"}}',
        lambda k, o: "x" * 4999,
    ],
    ids=["no PIN", "another origin", "another host", "no challenge of ours", "a touch", "framed", "empty", "no JSON"],
)
async def test_a_key_that_was_not_made_here_and_now_is_not_taken(keyed: Keyed, make: Callable[..., str]) -> None:
    async with keyed.counsel() as browser:
        credential = make(keyed, await keyed.options(browser))
        csrf = token((await browser.get("/console/keys")).text)
        answer = await browser.post("/console/keys", data={"csrf": csrf, "name": "blue", "credential": credential})
        assert answer.status_code == 422, answer.text
    assert keyed.desk.keys.list("counsel-1") == []


async def test_a_registration_counts_once_and_a_key_is_somebodys(keyed: Keyed) -> None:
    key = keyed.key()
    async with keyed.counsel() as browser:
        credential = key.make(await keyed.options(browser))
        said = {"csrf": token((await browser.get("/console/keys")).text), "name": "blue", "credential": credential}
        assert (await browser.post("/console/keys", data=said)).status_code == 303
        assert (await browser.post("/console/keys", data=said)).status_code == 422
        assert "registered already" in (await keyed.register(browser, key)).text
        known = (await keyed.options(browser))["excludeCredentials"]
        assert len(known) == 1


def test_a_person_has_a_few_keys_with_plain_names(tmp_path: Path) -> None:
    keys = SecurityKeys(SignInFile(tmp_path / "s.sqlite"))
    for name in ("", " ", "x" * 41, "a\u202eb", "a\nb"):
        with pytest.raises(KeyRefused, match="name"):
            keys.add("counsel-1", b"1", b"", 0, name)
    for number in range(MOST_KEYS):
        keys.add("counsel-1", bytes([number]), b"", 0, f"key {number}")
    with pytest.raises(KeyRefused, match="remove one"):
        keys.add("counsel-1", b"more", b"", 0, "more")


def test_a_challenge_ends_by_itself(tmp_path: Path) -> None:
    keys, now = SecurityKeys(SignInFile(tmp_path / "s.sqlite")), datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    made = keys.challenge("counsel-1", "s", "decide", "over", now=now)
    with pytest.raises(KeyRefused):
        keys.take(made.value, "counsel-1", "s", "decide", "over", now=now + VALID_FOR)
    made = keys.challenge("counsel-1", "s", "decide", "over", now=now)
    later = now + VALID_FOR - timedelta(seconds=1)
    assert keys.take(made.value, "counsel-1", "s", "decide", "over", now=later).over == "over"


@pytest.mark.parametrize(
    "other",
    [
        ("ops-1", "s", "decide", "over"),
        ("counsel-1", "t", "decide", "over"),
        ("counsel-1", "s", "register", "over"),
        ("counsel-1", "s", "decide", "else"),
    ],
)
def test_a_challenge_is_for_one_person_session_purpose_and_thing(tmp_path: Path, other: Any) -> None:
    keys = SecurityKeys(SignInFile(tmp_path / "s.sqlite"))
    made = keys.challenge("counsel-1", "s", "decide", "over")
    with pytest.raises(KeyRefused, match="something else"):
        keys.take(made.value, *other)
    with pytest.raises(KeyRefused, match="not open any more"):
        keys.take(made.value, "counsel-1", "s", "decide", "over")


def test_a_key_that_answers_twice_at_once_counts_once(tmp_path: Path) -> None:
    keys = SecurityKeys(SignInFile(tmp_path / "s.sqlite"))
    keys.add("counsel-1", b"1", b"", 5, "blue")
    (key,) = keys.list("counsel-1")
    keys.used("counsel-1", key, 6, "over")
    with pytest.raises(KeyRefused, match="twice at once"):
        keys.used("counsel-1", key, 6, "over")


async def test_where_the_console_has_no_name_there_are_no_keys(keyed: Keyed) -> None:
    keyed.signing.offer_keys(None)
    async with keyed.counsel() as browser:
        page = await browser.get("/console/keys")
        assert (page.status_code, "under which name" in page.text) == (200, True)
        assert (await browser.post("/console/keys/options", data={"csrf": token(page.text)})).status_code == 404


def test_a_sign_in_with_a_key_is_for_one_answer() -> None:
    how = SignIn("oidc", ("pwd",))
    touched = how.with_key({"credential": "c", "over": "o", "at": "a", "assertion": "s"})
    assert (touched.way, touched.methods, how.step_up) == ("webauthn", ("pwd",), None)
    assert DEVELOPMENT.way == "dev"
