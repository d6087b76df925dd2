"""Webhooks out from the command line: how it stands, what was tried, what a person does about it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.ledger import EntryKind
from tests.outgoing.floor import SECRET, A, listening
from watchfloor.cli import faces
from watchfloor.cli.main import app
from watchfloor.outgoing.book import Attempt, Book, NewEvent
from watchfloor.outgoing.events import Standing
from watchfloor.runtime.settings import load

NOW = datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for region in ("eu", "us"):
        (tmp_path / region).mkdir()
        (tmp_path / region / "ledger.sqlite").touch()
    return tmp_path


@pytest.fixture
def book(home: Path) -> Iterator[Book]:
    made = Book(home / "eu" / "webhooks.sqlite")
    made.meet(["case_tool"], {}, NOW)
    events = [NewEvent("case_tool", seq, EntryKind.PHASE, "S1", NOW + timedelta(hours=1), "{}") for seq in (1, 2)]
    made.take(A, Standing(seq=2, compartment=""), events, NOW)
    yield made
    made.close()


def run(home: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--home", str(home), "webhooks", *words])
    return done.exit_code, done.stdout + done.stderr


def failed(book: Book, *, state: Any = "waiting", next_at: datetime | None = None) -> None:
    took = timedelta(milliseconds=12)
    book.note(Attempt("case_tool", A, 1, EntryKind.PHASE, 1, NOW, took, 500, "failed", next_at), state)


def test_where_nobody_is_told_it_says_how_to_change_that(home: Path) -> None:
    code, said = run(home, "list")
    assert code == 0
    assert "name `subscriptions` in the bindings" in said
    assert not (home / "us" / "webhooks.sqlite").exists(), "looking makes nothing"


def test_the_list_says_what_waits(home: Path, book: Book) -> None:
    code, said = run(home, "list", "--json")
    (line,) = json.loads(said)
    assert code == 0
    assert (line["region"], line["name"], line["state"], line["waiting"], line["dead"]) == (
        *("eu", "case_tool", "sending"),
        *(2, 0),
    )
    assert "case_tool" in run(home, "list")[1]


def test_dead_letters_are_a_finding_and_are_driven_again(home: Path, book: Book) -> None:
    failed(book, state="dead")
    code, said = run(home, "list")
    assert code == 1
    assert "1 dead letter. To have them sent again: `watchfloor webhooks redrive case_tool --region eu`" in said
    assert run(home, "redrive", "case_tool", "--event", f"{A}:2")[0] == 2
    assert run(home, "redrive", "other")[0] == 2
    code, said = run(home, "redrive", "case_tool", "--event", f"{A}:1")
    assert (code, "1 event will be sent again" in said) == (0, True)
    assert run(home, "list")[0] == 0
    assert [one.seq for one in book.due("case_tool", datetime.now(UTC), without=[], limit=5)] == [1]


def test_a_disabled_subscription_is_a_finding_and_is_enabled(home: Path, book: Book) -> None:
    book.disable("case_tool", "the receiver answered 410 (gone)", NOW)
    code, said = run(home, "list")
    assert code == 1
    assert "case_tool is sent nothing: the receiver answered 410 (gone)" in said
    assert run(home, "enable", "case_tool")[0] == 0
    assert run(home, "enable", "case_tool")[0] == 2
    assert run(home, "list")[0] == 0


def test_the_log_shows_each_attempt(home: Path, book: Book) -> None:
    assert "no attempt" in run(home, "log")[1]
    failed(book, next_at=NOW + timedelta(seconds=5))
    assert json.loads(run(home, "list", "--json")[1])[0]["state"] == "failing"
    code, said = run(home, "log", "case_tool", "--event", f"{A}:1")
    assert code == 0
    assert f"eu case_tool {A}:1 phase.entered try 1: 500 failed in 12 ms; tried again at" in said
    (line,) = json.loads(run(home, "log", "--json")[1])
    assert (line["event"], line["status"], line["outcome"]) == (f"{A}:1", 500, "failed")
    assert "no attempt" in run(home, "log", "other")[1]


TEXT = """
version: 1
sandbox: true
base: {url}
allow_hosts: ["{url}"]
actions: {{}}
subscriptions:
  case_tool: {{region: eu, url: "{url}/hooks", secret: {{env: CASE_TOOL_SECRET}}, events: ["*"]}}
"""


async def test_a_test_event_is_sent_and_what_came_back_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    environ = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_NAMESPACE": "eu"}
    monkeypatch.setattr(faces, "settings_here", lambda _home, _region: {"eu": load("eu", home, environ=environ)})
    monkeypatch.setenv("CASE_TOOL_SECRET", SECRET)
    async with listening() as there:
        (home / "bindings.yaml").write_text(TEXT.format(url=there.url.removesuffix("/hooks")))
        code, said = await asyncio.to_thread(run, home, "test", "case_tool")
        assert (code, there.got[0]["type"]) == (0, "io.watchfloor.test")
        assert "eu: case_tool took it (200, taken)" in said
        there.answer = lambda event: (500, {}, b"")
        code, said = await asyncio.to_thread(run, home, "test", "case_tool")
        assert (code, "did not take it (500, failed)" in said) == (1, True)
        code, said = await asyncio.to_thread(run, home, "test", "another")
        assert (code, "there are: case_tool" in said) == (2, True)
        monkeypatch.delenv("CASE_TOOL_SECRET")
        code, said = await asyncio.to_thread(run, home, "test", "case_tool")
        assert (code, "CASE_TOOL_SECRET is not set" in said) == (3, True)
