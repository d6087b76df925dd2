"""The page Decide: what it shows, what it hides, what it offers, and what becomes of an old link."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import EntryKind
from tests.cli.boards import ask, board
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over, token
from watchfloor.drawing.words import name_place

REF, OTHER = "sha256:" + "1a" * 32, "sha256:" + "2b" * 32
PATH = "act/each[2]/erase"
AT = f"/console/asks/{INCIDENT}/{PATH}"
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e'


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        yield seen


def gate(**changes: Any) -> Any:
    urls = [f"https://video.example/v/{number}" for number in range(3)]
    given: dict[str, Any] = {
        "path": PATH,
        "step": "erase",
        "kind": "approval",
        "title": "delete for good",
        "action": "content.delete",
        "inputs": {"url": "https://video.example/v/1", "snapshot": REF, "urls": urls},
        "shown": [{"label": "steps.copy.ref", "value": REF}, {"label": "steps.look.refs", "value": [OTHER, REF]}],
        "options": {
            "approve": [{"any_of": ["legal_counsel"]}, {"any_of": ["incident_commander"]}],
            "deny": [{"any_of": ["legal_counsel", "incident_commander"]}],
        },
        "narrows": {"inputs": {"urls": {"by": "items"}}, "item": None},
    }
    return ask(**{**given, **changes})


def motion(verb: str, person: str, role: str = "legal_counsel", ref: str = "", **about: Any) -> dict[str, Any]:
    body = {"verb": verb, "person": person, "role": role, "about": about, "reason_ref": ref}
    return {"domain": "d", "kid": "k", "sig": "s", "body": body}


async def shown(console: Seen, person: str = "counsel-1", **changes: Any) -> str:
    console.api.index.put(board(workflow=INCIDENT, asks=[gate(**changes)]), 1)
    async with console.signed_in(person) as browser:
        return (await browser.get(AT)).text


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("steps.authenticate.failures", ("failures", "step authenticate")),
        ("last.ask_again.reply_code", ("reply code", "this round of ask_again")),
        ("inputs.order_id", ("order id", "as given")),
        ("facts.imminent_threat", ("imminent threat", "a fact")),
        ("incident.severity", ("severity", "of the incident")),
        ("page.url", ("url", "page")),
        ("error", ("error", "")),
        ("size(inputs.urls) > 3", ("size(inputs.urls) > 3", "")),
        ("inputs.urls[0]", ("inputs.urls[0]", "")),
    ],
)
def test_a_value_is_called_by_its_name_and_says_where_it_comes_from(label: str, said: tuple[str, str]) -> None:
    assert name_place(label) == said


async def test_exactly_what_will_happen_is_listed_with_its_counts(console: Seen) -> None:
    page = await shown(console)
    assert "INC-ABCDEFGH</span></a> EU terrorist content removal order (one hour)</p>" in page
    assert "<b>3 items</b>" in page
    for number in range(3):
        assert f"<li>https://video.example/v/{number}</li>" in page
    assert "You decide as <b>legal counsel</b>" in page
    assert "Only once incident_commander says the same; then:" in page


async def test_no_reference_is_on_the_page_before_it_was_asked_for(console: Seen) -> None:
    page = await shown(console)
    assert REF[7:] not in page
    assert OTHER[7:] not in page
    assert page.count('class="blurred"') == 2
    assert "<dd>evidence 1</dd>" in page
    assert "<img" not in page
    assert "<video" not in page


async def test_a_reference_is_shown_once_to_who_has_a_seat_and_written_down_first(console: Seen) -> None:
    page = await shown(console)
    said = {"csrf": token(page), "ask": gate()["ask"], "verb": "reveal", "number": "1", "reason": "two copies differ"}
    async with console.signed_in("counsel-1") as browser:
        said["csrf"] = token((await browser.get(AT)).text)
        answer = await browser.post(AT, data=said)
        assert answer.status_code == 200, answer.text
        assert REF in answer.text
        assert OTHER not in answer.text
        assert REF not in (await browser.get(AT)).text
    (entry,) = console.api.ledger.read(INCIDENT)
    assert (entry["kind"], entry["actor"], entry["data"]["ref"]) == (EntryKind.REVEALED, "counsel-1", REF)
    assert console.face.reasons.get(str(entry["data"]["reason_ref"])) == b"two copies differ"


@pytest.mark.parametrize(
    ("person", "number", "reason", "words"),
    [
        ("ops-1", "1", "curious", "is for legal_counsel, incident_commander"),
        ("counsel-1", "1", " ", "needs a reason"),
        ("counsel-1", "3", "x", "refers to no evidence 3"),
        ("counsel-1", "-1", "x", "refers to no evidence 0"),
    ],
)
async def test_whoever_may_not_see_it_or_says_no_reason_is_shown_nothing(
    console: Seen, person: str, number: str, reason: str, words: str
) -> None:
    await shown(console)
    async with console.signed_in(person) as browser:
        csrf = token((await browser.get("/console/")).text)
        said = {"csrf": csrf, "ask": gate()["ask"], "verb": "reveal", "number": number, "reason": reason}
        answer = await browser.post(AT, data=said)
    assert answer.status_code == 422
    assert words in answer.text
    assert REF not in answer.text
    assert not [one for one in console.api.ledger.read(INCIDENT) if one["kind"] == EntryKind.REVEALED]


async def test_nothing_is_shown_that_cannot_be_written_down(console: Seen) -> None:
    await shown(console)
    async with console.signed_in("counsel-1") as browser:
        csrf = token((await browser.get(AT)).text)
        console.api.ledger.path.rename(console.api.ledger.path.with_suffix(".away"))
        said = {"csrf": csrf, "ask": gate()["ask"], "verb": "reveal", "number": "1", "reason": "x"}
        answer = await browser.post(AT, data=said)
    assert answer.status_code == 503
    assert REF not in answer.text


@pytest.mark.parametrize(
    ("person", "there", "gone"),
    [
        ("counsel-1", ["narrow", "delegate", "question", "abstain", "reveal"], ["answer", "withdraw"]),
        ("ops-1", [], ["narrow", "delegate", "question", "abstain", "reveal", "answer", "withdraw"]),
        ("commander-1", ["answer", "abstain"], ["withdraw"]),
        ("counsel-2", ["withdraw"], ["narrow", "abstain", "reveal"]),
    ],
)
async def test_only_what_a_person_may_say_is_offered(
    console: Seen, person: str, there: list[str], gone: list[str]
) -> None:
    asked = motion("question", "counsel-1", ref=console.face.reasons.put(b"which page?"))
    answered = {
        "domain": "d",
        "kid": "k",
        "sig": "s",
        "body": {"person": "counsel-2", "role": "legal_counsel", "option": "approve"},
    }
    page = await shown(console, person, motions=[asked], answers=[answered], accepted_at=[""])
    for verb in there:
        assert f'name="verb" value="{verb}"' in page, verb
    for verb in gone:
        assert f'name="verb" value="{verb}"' not in page, verb


async def test_questions_and_what_was_said_stand_on_the_page_as_text(console: Seen) -> None:
    asked = motion("question", "counsel-2", ref=console.face.reasons.put(EVIL.encode()))
    page = await shown(
        console, motions=[asked, motion("abstain", EVIL), motion("delegate", "counsel-2", to=EVIL)], title=EVIL
    )
    assert "Not answered yet" in page
    assert "gave the seat to" in page
    assert "<img" not in page
    assert "<script>" not in page
    assert "\u202e" not in page


async def test_a_word_over_something_that_has_changed_is_not_sent(console: Seen) -> None:
    page = await shown(console)
    async with console.signed_in("counsel-1") as browser:
        csrf = token((await browser.get(AT)).text)
        for verb in ("", "narrow", "delegate", "abstain", "question", "reveal"):
            said = {
                "csrf": csrf,
                "ask": "sha256:" + "f" * 64,
                "verb": verb,
                "option": "approve",
                "reason": "kept words",
            }
            answer = await browser.post(AT, data=said)
            assert answer.status_code == 409, verb
            assert "has changed since you looked; nothing was sent" in answer.text
    assert "kept words" in answer.text
    assert page


async def test_a_decided_gate_says_so_and_can_be_taken_back_by_who_decided(console: Seen) -> None:
    by = [
        {"domain": "d", "kid": "k", "sig": "s", "body": {"person": one, "role": role, "option": "approve"}}
        for one, role in (("counsel-1", "legal_counsel"), ("commander-1", "incident_commander"))
    ]
    decided = gate(answers=by, accepted_at=["", ""], chosen="approve")
    console.api.index.put(board(workflow=INCIDENT, decided=[decided]), 1)
    async with console.signed_in("counsel-1") as mine, console.signed_in("counsel-2") as other:
        page = (await mine.get(AT)).text
        assert "Its action has not begun yet" in page
        assert 'name="verb" value="withdraw"' in page
        assert 'name="option"' not in page
        assert 'name="verb"' not in (await other.get(AT)).text


async def test_a_link_that_is_followed_before_the_index_has_heard_of_its_question_leads_there(
    console: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def by_the_run(_face: Any, workflow: str) -> Any:
        return board(workflow=workflow, asks=[gate(shown=[{"label": "x", "value": "asked a moment ago"}])])

    monkeypatch.setattr("watchfloor.gateway.console.pages.board", by_the_run)
    console.api.index.put(board(workflow=INCIDENT, asks=[]), 1)
    async with console.signed_in("counsel-1") as browser:
        answer = await browser.get(AT)
        assert (answer.status_code, "asked a moment ago" in answer.text) == (200, True)
        assert "waits here any more" not in answer.text
        # and what has changed meanwhile is shown as it is now
        console.api.index.put(board(workflow=INCIDENT, asks=[gate(ask=OTHER)]), 2)
        said = {"csrf": token(answer.text), "ask": OTHER, "option": "deny", "reason": "no"}
        changed = await browser.post(AT, data=said)
        assert (changed.status_code, "has changed since you looked" in changed.text) == (409, True)
        assert "asked a moment ago" in changed.text


async def test_an_old_link_tells_how_it_ended_and_pressing_again_changes_nothing(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT), 1)
    for kind, actor, data in (
        (EntryKind.ASKED, "engine", {}),
        (EntryKind.DECIDED, "counsel-1", {"option": "clarify", "role": "legal_counsel", "statement": "sha256:mine"}),
        (EntryKind.SETTLED, "engine", {"option": "clarify"}),
    ):
        console.wrote(kind, actor, step="order_doubt", **data)
    at = f"/console/asks/{INCIDENT}/triage/order_doubt"
    async with console.signed_in("counsel-1") as browser:
        page = await browser.get(at)
        csrf = token(page.text)
        again = await browser.post(at, data={"csrf": csrf, "ask": "x", "option": "clarify", "reason": "again"})
    assert page.status_code == 404
    assert again.status_code == 409
    for answer in (page, again):
        assert "decided: clarify" in answer.text
        assert "sha256:mine" in answer.text
        assert "pressing again changes nothing" in answer.text


@pytest.mark.parametrize("path", ["triage/order_doubt", "act/each[2]/erase!doubt", "a/b~1/c"])
async def test_a_link_from_a_page_or_a_chat_leads_through_sign_in_to_the_question(console: Seen, path: str) -> None:
    import httpx2

    console.api.index.put(board(workflow=INCIDENT, asks=[ask(path=path)]), 1)
    link = f"/console/asks/{INCIDENT}/{path}"
    async with httpx2.AsyncClient(base_url=console.url, trust_env=False, timeout=30) as browser:
        page = await browser.get(link, follow_redirects=True)
        assert page.url.path == "/console/sign-in"
        back = re.findall(r'name="back" value="([^"]*)"', page.text)[0]
        answer = await browser.post("/console/sign-in", data={"person": "counsel-1", "back": back})
        landed = await browser.get(answer.headers["location"], follow_redirects=True)
    assert "What happens if" in landed.text, landed.text
