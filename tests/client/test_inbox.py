"""What no worker takes is on disk before anybody is told, is delivered until the ledger shows it, and counts once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.worker import Worker

from schemas.decision import DECISION, Envelope, RefusalType
from tests.client.conftest import LIMITS, order
from watchfloor.client import EngineUnavailable, Face, board, family, pick_ask, send_decision, start_incident
from watchfloor.client.inbox import InboxUnavailable, StatementInbox, deliver
from watchfloor.signing import SigningKey, digest, parse_instant, sign

KEY = SigningKey.from_bytes(b"\x03" * 32)


class Entries:
    """A ledger that holds what it is given."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.entries = list(entries)

    def read(self, chain: str) -> Iterator[Any]:
        return iter(self.entries)


def entry(kind: str, statement: str, why: str = "") -> dict[str, Any]:
    return {"kind": kind, "data": {"statement": statement, "why": why}}


def statement(nonce: str = "n1") -> Envelope:
    return sign(DECISION, {"person": "counsel-1", "nonce": nonce, "reason_ref": ""}, KEY)


@pytest.fixture
def inbox(tmp_path: Path) -> StatementInbox:
    return StatementInbox(tmp_path / "eu" / "inbox.sqlite")


@pytest.fixture
async def incident(face: Face, plan: Any) -> str:
    return (await start_incident(face, plan, digest(plan), order(), relative=True, limits=LIMITS)).incident


async def test_a_decision_with_no_worker_is_kept_and_counts_when_one_is_back(
    face: Face, incident: str, inbox: StatementInbox, make_worker: Callable[[], Worker]
) -> None:
    async with make_worker():
        shown = pick_ask(await family(face, incident), "order_doubt")
    hasty = replace(face, answer_within=timedelta(seconds=0.5), inbox=inbox)
    sent = await send_decision(
        hasty, incident, "order_doubt", "clarify", person="counsel-1", reason="still on call", shown=shown
    )
    assert (sent.recorded, sent.state) == (False, "kept")
    assert [(one.digest, one.state) for one in inbox.statements()] == [(sent.digest, "kept")]
    await deliver(hasty, inbox, Entries())
    await deliver(hasty, inbox, Entries(), now=datetime.now(UTC) + timedelta(hours=1))
    async with make_worker():
        answers = (await board(face, incident))["asks"][0]["answers"]
    mine = {answer["body"]["nonce"] for answer in answers if answer["body"]["person"] == "counsel-1"}
    assert len(mine) == 1, "one statement, however often it was sent"
    (settled,) = await deliver(hasty, inbox, Entries(entry("decision.recorded", sent.digest)))
    assert (settled.state, settled.tries) == ("recorded", 2)
    assert await deliver(hasty, inbox, Entries()) == []


async def test_a_kept_decision_is_valid_until_the_deadline_of_its_ask(
    face: Face, incident: str, inbox: StatementInbox, make_worker: Callable[[], Worker]
) -> None:
    async with make_worker():
        shown = pick_ask(await family(face, incident), "order_doubt")
    hasty = replace(face, answer_within=timedelta(seconds=0.3), inbox=inbox)
    await send_decision(hasty, incident, "order_doubt", "clarify", person="counsel-1", reason="on call", shown=shown)
    ((_, _, envelope, marks),) = inbox.due(datetime.now(UTC))
    expires_at, deadline_at = parse_instant(envelope["body"]["expires_at"]), shown.ask["deadline_at"]
    day = parse_instant(envelope["body"]["issued_at"]) + timedelta(days=1)
    assert expires_at == (min(day, parse_instant(deadline_at)) if deadline_at else day)
    assert len(set(marks)) == 2


async def test_what_was_shown_before_the_worker_stopped_can_still_be_answered(
    face: Face, incident: str, inbox: StatementInbox, make_worker: Callable[[], Worker]
) -> None:
    hasty = replace(face, answer_within=timedelta(seconds=0.4), inbox=inbox)
    with pytest.raises(EngineUnavailable):
        await send_decision(hasty, incident, "order_doubt", "clarify", person="counsel-1", reason="never shown")
    async with make_worker():
        await family(replace(face, inbox=inbox), incident)
    sent = await send_decision(hasty, incident, "order_doubt", "clarify", person="counsel-1", reason="seen before")
    assert sent.state == "kept"
    assert inbox.statements()[0].workflow == incident


async def test_what_came_late_is_told_so(face: Face, inbox: StatementInbox) -> None:
    mark = inbox.keep(statement(), workflow="inc-x", path="p", signal="decide_later")
    (settled,) = await deliver(face, inbox, Entries(entry("decision.refused", mark, RefusalType.LATE)))
    assert settled.state == "refused"
    assert "after its time" in settled.in_words


async def test_a_repetition_that_is_refused_does_not_hide_that_the_first_was_recorded(
    face: Face, inbox: StatementInbox
) -> None:
    mark = inbox.keep(statement(), workflow="inc-x", path="p", signal="decide_later", first="sha256:first")
    ledger = Entries(entry("decision.refused", mark, "repeated"), entry("decision.recorded", "sha256:first"))
    (settled,) = await deliver(face, inbox, ledger)
    assert settled.state == "recorded"


async def test_a_run_that_is_gone_refuses(face: Face, inbox: StatementInbox) -> None:
    inbox.keep(statement(), workflow="inc-gone", path="p", signal="decide_later")
    (settled,) = await deliver(face, inbox, Entries())
    assert (settled.state, settled.why) == ("refused", RefusalType.CLOSED)


def test_the_same_statement_is_kept_once_and_its_file_is_private(inbox: StatementInbox, tmp_path: Path) -> None:
    for _ in range(2):
        inbox.keep(statement(), workflow="inc-x", path="p", signal="decide_later")
    assert len(inbox.statements()) == 1
    assert (tmp_path / "eu" / "inbox.sqlite").stat().st_mode & 0o077 == 0


def test_what_is_settled_keeps_no_text(inbox: StatementInbox) -> None:
    mark = inbox.keep(statement(), workflow="inc-x", path="p", signal="decide_later")
    inbox.settle(mark, "recorded", "")
    assert inbox.due(datetime.now(UTC)) == []
    assert inbox.statements(pending=True) == []
    inbox.settle(mark, "refused", "late")
    assert inbox.statements()[0].state == "recorded"


def test_an_inbox_that_cannot_be_written_says_that_nothing_was_kept(tmp_path: Path) -> None:
    (tmp_path / "inbox.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InboxUnavailable, match="nothing was kept"):
        StatementInbox(tmp_path / "inbox.sqlite").keep(statement(), workflow="w", path="p", signal="decide_later")


WRITER = """
import sys, json
from pathlib import Path
from tests.client.test_inbox import statement
from watchfloor.client.inbox import StatementInbox
inbox = StatementInbox(Path(sys.argv[1]))
number = 0
while True:
    mark = inbox.keep(statement(f"n{number}"), workflow="inc-x", path="p", signal="decide_later")
    print(mark, flush=True)
    number += 1
"""


def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path) -> None:
    """Killed with -9 in the middle of its work, three times: every digest it had printed is kept."""
    path = tmp_path / "inbox.sqlite"
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(20)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.stdout.close()
        writer.wait()
        assert set(told) <= {one.digest for one in StatementInbox(path).statements()}
