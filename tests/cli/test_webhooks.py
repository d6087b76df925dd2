"""Webhooks out from the command line: how it stands, what was tried, what a person does about it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.ledger import EntryKind, StoredEntry
from tests.outgoing.floor import SECRET, A, entry, listening
from watchfloor.cli import faces
from watchfloor.cli.main import app
from watchfloor.evidence import EvidenceStore
from watchfloor.ledger import LedgerUnavailable, SqliteLedger
from watchfloor.outgoing.book import Attempt, Book, NewEvent
from watchfloor.outgoing.events import Standing
from watchfloor.outgoing.refusal import write_refusal
from watchfloor.runtime.settings import load

NOW = datetime.now(UTC)


PEOPLE = """
people:
  ops-1: {roles: [ops_lead], entity: example-ie, region: eu}
  ops-2: {roles: [ops_lead], entity: example-ie, region: eu, clearances: [terror]}
  counsel-1: {roles: [legal_counsel], entity: example-ie, region: eu, clearances: [terror]}
compartments: [terror]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for region in ("eu", "us"):
        (tmp_path / region).mkdir()
        SqliteLedger(tmp_path / region / "ledger.sqlite").close()
    (tmp_path / "people.yaml").write_text(PEOPLE)
    return tmp_path


def entries(home: Path, chain: str) -> list[StoredEntry]:
    with SqliteLedger(home / "eu" / "ledger.sqlite") as ledger:
        return list(ledger.read(chain))


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
    assert "1 dead letter. To have them sent again: " in said
    assert "`watchfloor webhooks redrive case_tool --region eu --as PERSON`" in said
    ops = ("--as", "ops-1")
    assert run(home, "redrive", "case_tool", "--event", f"{A}:1")[0] == 2, "it asks who does it"
    assert run(home, "redrive", "case_tool", "--event", f"{A}:2", *ops)[0] == 2
    assert run(home, "redrive", "other", *ops)[0] == 2
    assert run(home, "redrive", "case_tool", "--as", "nobody-9")[0] == 2
    assert not entries(home, A)
    code, said = run(home, "redrive", "case_tool", "--event", f"{A}:1", "--reason", "they are back", *ops)
    assert (code, "1 event will be sent again" in said) == (0, True)
    (entry,) = entries(home, A)
    assert (entry["kind"], entry["actor"]) == (EntryKind.RESENT, "ops-1")
    said_of_it = {name: entry["data"][name] for name in ("subscription", "events", "event", "role", "signed_in")}
    assert list(said_of_it.values()) == ["case_tool", 1, f"{A}:1", "ops_lead", "dev"]
    assert EvidenceStore(home / "eu" / "evidence").get(str(entry["data"]["reason_ref"])) == b"they are back"
    assert run(home, "list")[0] == 0
    assert [one.seq for one in book.due("case_tool", datetime.now(UTC), without=[], limit=5)] == [1]


def test_what_is_of_a_compartment_is_sent_again_by_who_is_cleared_alone(home: Path, book: Book) -> None:
    with SqliteLedger(home / "eu" / "ledger.sqlite") as ledger:
        ledger.append([entry(A, EntryKind.OPENED, 1, runbook="first", compartment="terror")])
    failed(book, state="dead")
    hidden = run(home, "redrive", "case_tool", "--as", "ops-1")
    never = run(home, "redrive", "case_tool", "--event", "inc-zzzz:1", "--as", "ops-1")
    assert hidden == never
    assert hidden[0] == 2
    assert run(home, "redrive", "case_tool", "--as", "counsel-1")[0] == 1, "cleared, but not theirs to do"
    assert run(home, "redrive", "case_tool", "--as", "ops-2")[0] == 0
    assert [one["kind"] for one in entries(home, A)] == [EntryKind.OPENED, EntryKind.RESENT]


def test_without_a_ledger_nothing_is_sent_again(home: Path, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    failed(book, state="dead")

    def refuse(*_: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(SqliteLedger, "append", refuse)
    code, said = run(home, "redrive", "case_tool", "--as", "ops-1")
    assert (code, "so nothing was done" in said) == (3, True)
    assert len(book.dead()) == 1


def test_a_disabled_subscription_is_a_finding_and_is_enabled(home: Path, book: Book) -> None:
    book.disable("case_tool", "the receiver answered 410 (gone)", NOW)
    code, said = run(home, "list")
    assert code == 1
    assert "case_tool is sent nothing: the receiver answered 410 (gone)" in said
    code, said = run(home, "enable", "case_tool", "--as", "counsel-1")
    assert (code, "who runs operations" in said) == (1, True)
    assert not entries(home, "desk-eu")
    assert run(home, "enable", "case_tool", "--as", "ops-1")[0] == 0
    assert run(home, "enable", "case_tool", "--as", "ops-1")[0] == 2
    (entry,) = entries(home, "desk-eu")
    assert (entry["kind"], entry["actor"], entry["data"]["subscription"]) == (EntryKind.ENABLED, "ops-1", "case_tool")
    assert run(home, "list")[0] == 0


def test_bindings_that_the_gateway_refused_are_a_finding(home: Path, book: Book) -> None:
    write_refusal(home / "eu", "subscriptions", ["12:5: NOT_THERE is not set"], NOW)
    code, said = run(home, "list")
    assert code == 1
    assert "the ones before stay in use" in said
    assert "12:5: NOT_THERE is not set" in said
    write_refusal(home / "eu", "subscriptions", [], NOW)
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
