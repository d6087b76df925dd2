"""Doubtful effects and failed steps on their pages: exactly what was attempted, to which item of how many, and in which
words it is answered."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import EntryKind
from tests.cli.boards import ask, board
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over
from watchfloor.client.library import plan_for_start

STEP = "containment/remove[2]/disable"
REF = "sha256:" + "1a" * 32
EVIL = "https://video.example/<script>alert(1)</script>\u202e"


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        seen.knows(INCIDENT, plan_for_start("eu-tco-removal-order")[0])
        yield seen


def trouble(kind: str, path: str = STEP, **changes: Any) -> Any:
    options = {"doubt": ("happened", "resend", "give_up"), "failed": ("retry", "skip", "give_up")}[kind]
    given: dict[str, Any] = {
        "path": f"{path}!{kind}",
        "step": path.rpartition("/")[2],
        "kind": kind,
        "title": "disable: what became of it?",
        "action": "content.disable" if kind == "doubt" else "",
        "shown": [{"label": "error", "value": "refused"}] if kind == "failed" else [],
        "options": {name: [{"any_of": ["ops_lead"]}] for name in options},
    }
    return ask(**{**given, **changes})


def announce(console: Seen, url: str, path: str = STEP, number: int = 1, **inputs: Any) -> None:
    data = {"action": "content.disable", "inputs": {"url": url, "scope": "eu", **inputs}, "n": number}
    console.wrote(EntryKind.ANNOUNCED, path=path, step="disable", key=f"{path}:{url}", inputs_digest="sha256:x", **data)


def remember(console: Seen, *asks: Any, chain: str = INCIDENT, **changes: Any) -> None:
    loops = [{"path": "containment/remove", "step": "remove", "done": 0, "failed": 0, "total": 7, "running": 0}]
    console.api.index.put(board(workflow=chain, asks=list(asks), loops=loops, **changes), 1)


async def look(console: Seen, path: str, person: str = "ops-1") -> str:
    async with console.signed_in(person) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(("kind", "head"), [("doubt", "What may have happened"), ("failed", "What was tried")])
async def test_the_page_names_exactly_what_was_attempted_and_which_item_of_how_many(
    console: Seen, kind: str, head: str
) -> None:
    announce(console, "https://video.example/v/other", "containment/remove[1]/disable")
    announce(console, "https://video.example/v/3", copies=["https://video.example/c/1", "https://video.example/c/2"])
    announce(console, "https://video.example/v/another", "containment/remove[20]/disable")
    remember(console, trouble(kind))
    page = await look(console, f"/console/asks/{INCIDENT}/{STEP}!{kind}")
    assert head in page
    assert "<code>content.disable</code>" in page
    assert "<dd>https://video.example/v/3</dd>" in page
    assert "<dd>eu</dd>" in page
    assert "<b>2 items</b>" in page
    assert "item 3 of 7" in page
    assert "Written down as about to be sent at" in page
    assert "v/other" not in page
    assert "v/another" not in page


async def test_the_latest_attempt_is_shown_with_how_often_it_was_made(console: Seen) -> None:
    announce(console, "https://video.example/v/3")
    announce(console, "https://video.example/v/3", number=2)
    remember(console, trouble("doubt"))
    assert "for the 2nd time" in await look(console, f"/console/asks/{INCIDENT}/{STEP}!doubt")


async def test_what_an_attempt_refers_to_is_not_shown_and_what_it_names_becomes_no_markup(console: Seen) -> None:
    announce(console, EVIL, snapshot=REF)
    remember(console, trouble("doubt"))
    for path in (f"/console/asks/{INCIDENT}/{STEP}!doubt", f"/console/incidents/{INCIDENT}/act"):
        page = await look(console, path)
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert REF[7:] not in page
        assert "a reference" in page


async def test_inputs_too_large_for_an_entry_are_named_by_their_digest(console: Seen) -> None:
    console.wrote(
        EntryKind.ANNOUNCED, path=STEP, step="disable", key="k", action="content.disable", inputs_digest=REF, n=1
    )
    remember(console, trouble("doubt"))
    page = await look(console, f"/console/asks/{INCIDENT}/{STEP}!doubt")
    assert f"their digest is <code>{REF}</code>" in page


async def test_a_ledger_that_cannot_be_read_is_said_and_claims_nothing(console: Seen) -> None:
    announce(console, "https://video.example/v/3")
    remember(console, trouble("doubt"), trouble("failed", "containment/remove[4]/disable"))
    console.api.ledger.path.rename(console.api.ledger.path.with_suffix(".away"))
    doubt = await look(console, f"/console/asks/{INCIDENT}/{STEP}!doubt")
    assert "cannot be read from the ledger at the moment" in doubt
    failed = await look(console, f"/console/asks/{INCIDENT}/containment/remove[4]/disable!failed")
    assert "Nothing was sent" not in failed


async def test_nothing_was_sent_is_said_of_an_effect_alone_and_only_when_the_ledger_shows_it(console: Seen) -> None:
    announce(console, "https://video.example/v/3")
    asks = [trouble("failed", "containment/remove[4]/disable"), trouble("failed", "containment/remove")]
    remember(console, *asks)
    page = await look(console, f"/console/asks/{INCIDENT}/containment/remove[4]/disable!failed")
    assert "Nothing was sent: it failed before" in page
    loop = await look(console, f"/console/asks/{INCIDENT}/containment/remove!failed")
    assert "Nothing was sent" not in loop, "items of the loop were sent"


async def test_a_look_up_that_failed_is_named_and_its_failure_is_said_in_words(console: Seen) -> None:
    remember(console, trouble("failed", "triage/authenticate"))
    page = await look(console, f"/console/asks/{INCIDENT}/triage/authenticate!failed")
    assert "<code>order.authenticate</code>" in page
    assert "It changes nothing where it asks" in page
    assert "Nothing was sent" not in page
    assert "<dd>the target said no (refused)</dd>" in page


async def test_the_list_under_act_names_each_item_and_what_it_is_about(console: Seen) -> None:
    for number in (0, 2):
        announce(console, f"https://video.example/v/{number}", f"containment/remove[{number}]/disable")
    remember(console, *(trouble("doubt", f"containment/remove[{number}]/disable") for number in (2, 0)))
    page = await look(console, f"/console/incidents/{INCIDENT}/act")
    first, second = page.index("disable item 1 of 7"), page.index("disable item 3 of 7")
    assert first < page.index("https://video.example/v/0") < second < page.index("https://video.example/v/2")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("doubt", ["it got there: count it as done", "it did not get there: send it again", "give up"]),
        ("failed", ["try it again", "leave it out and go on", "give up"]),
    ],
)
async def test_who_is_still_needed_is_said_in_the_words_of_the_buttons(
    console: Seen, kind: str, said: list[str]
) -> None:
    remember(console, trouble(kind))
    page = await look(console, f"/console/asks/{INCIDENT}/{STEP}!{kind}")
    for words in said:
        assert f"<li><b>{words}</b>: ops lead</li>" in page
        assert f">{words}</button>" in page
    for option in ("happened", "resend", "give_up", "retry", "skip"):
        assert f"<b>{option}" not in page
        assert f"<dt>{option}" not in page


async def test_an_undo_that_failed_names_what_it_was_to_take_back(console: Seen) -> None:
    announce(console, "https://video.example/v/3")
    announce(console, "https://video.example/v/back", f"{STEP}!undo")
    remember(console, trouble("failed", f"{STEP}!undo", step="disable"))
    page = await look(console, f"/console/asks/{INCIDENT}/{STEP}!undo!failed")
    assert "<dd>https://video.example/v/back</dd>" in page
    assert "<dd>https://video.example/v/3</dd>" not in page
