"""The watchdog: what it calls trouble, and that it tells it once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from schemas.actions import ErrorType
from tests.workflows.bench import FACE, find_binary
from watchfloor.client.face import Face
from watchfloor.client.runs import DUE, SEVERITY
from watchfloor.connections.deliveries import DeliveryBook
from watchfloor.connections.port import CallFailed, ChannelKind, Notice
from watchfloor.identity.people import Directory
from watchfloor.identity.reached import Reached
from watchfloor.intake.watchdog import BEHIND, MOST_ATTEMPTS, Seen, Watchdog, find_trouble, judge
from workflows.sandboxing import runner

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
RUNNING, STATUS = WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus


def seen(**more: Any) -> Seen:
    fields: dict[str, Any] = {
        "workflow": "inc-a",
        "run": "r1",
        "kind": "Incident",
        "status": RUNNING,
        "severity": "S2",
        "due_at": None,
    }
    return Seen(**{**fields, **more})


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, None),
        ({"attempt": MOST_ATTEMPTS}, None),
        ({"attempt": MOST_ATTEMPTS + 1}, "run_stuck"),
        ({"due_at": NOW - BEHIND}, None),
        ({"due_at": NOW - BEHIND - timedelta(seconds=1)}, "run_behind"),
        ({"due_at": NOW + timedelta(days=1)}, None),
        ({"status": STATUS.TERMINATED}, "run_ended"),
        ({"status": STATUS.FAILED}, "run_ended"),
        ({"status": STATUS.TIMED_OUT}, "run_ended"),
        ({"status": STATUS.CANCELED}, "run_ended"),
        ({"status": STATUS.COMPLETED, "due_at": NOW - timedelta(days=1)}, None),
        ({"status": STATUS.CONTINUED_AS_NEW, "attempt": 9}, None),
    ],
)
def test_what_counts_as_trouble(more: dict[str, Any], what: str | None) -> None:
    found = judge(seen(**more), NOW)
    assert (found.what if found else None) == what


def test_a_finding_is_the_same_every_time_and_another_for_another_run_or_instant() -> None:
    stuck = [judge(seen(attempt=attempt), NOW) for attempt in (4, 40)]
    assert len({one.key for one in stuck if one}) == 1
    late = [judge(seen(due_at=NOW - timedelta(hours=hours)), NOW) for hours in (1, 2)]
    ended = [judge(seen(run=run, status=STATUS.FAILED), NOW) for run in ("r1", "r2")]
    assert len({one.key for one in [*stuck, *late, *ended] if one}) == 5


def test_a_run_of_unknown_severity_counts_as_grave() -> None:
    found = judge(seen(severity="", status=STATUS.TERMINATED), NOW)
    assert found is not None
    assert found.severity == "S1"


class Board:
    """Channels that remember, one of them out of order for a while; the book outlives them."""

    def __init__(self, book: DeliveryBook) -> None:
        self.book, self.broken = book, set[str]()
        self.got: list[tuple[str, Notice]] = []

    def kind(self, destination: str) -> ChannelKind:
        return "pager"

    def destinations(self) -> Sequence[str]:
        return ["pager", "room"]

    async def deliver(self, destination: str, notice: Notice) -> datetime:
        if destination in self.broken:
            raise CallFailed(ErrorType.UNAVAILABLE, "away", possible=False)
        if self.book.find(destination, notice.key) is None:
            self.book.announce(destination, notice.key, [notice], NOW)
            self.got.append((destination, notice))
        return NOW


def reach(role: str) -> Reached:
    return Reached(role, (role,), ("pager",) if role == "eng_oncall" else ("pager", "room"), "on_call")


@workflow.defn(name="Incident")
class Broken:
    """Fails its workflow task for ever, as a run does whose code is wrong."""

    @workflow.run
    async def run(self, broken: bool) -> None:
        if broken:
            raise ValueError("wrong")
        await asyncio.sleep(3600)


@pytest.fixture
async def env() -> Any:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=find_binary("temporal"), search_attributes=[SEVERITY, DUE]
    ) as one:
        yield one


async def test_trouble_is_found_on_a_real_server_and_told_once(env: WorkflowEnvironment) -> None:
    face = Face(
        client=env.client,
        region="eu",
        namespace=env.client.namespace,
        task_queue="q",
        key=FACE,
        secret=b"",
        decision_keys={},
        people=Directory({}),
        reasons=None,  # type: ignore[arg-type]
    )
    attributes = TypedSearchAttributes([SearchAttributePair(SEVERITY, "S0")])
    late = TypedSearchAttributes([SearchAttributePair(DUE, datetime.now(UTC) - timedelta(hours=1))])
    start = env.client.start_workflow
    async with Worker(env.client, task_queue="q", workflows=[Broken], workflow_runner=runner()):
        killed = await start("Incident", False, id="inc-killed", task_queue="q", search_attributes=attributes)
        await killed.terminate("by hand")
        await start("Incident", False, id="inc-fine", task_queue="q")
        await start("Incident", False, id="inc-late", task_queue="q", search_attributes=late)
        await start("Incident", True, id="inc-stuck", task_queue="q")
        await start("Other", id="inc-not-ours", task_queue="nobody")
        book = DeliveryBook()
        board = Board(book)
        dog = Watchdog(face, board, reach)
        board.broken = {"room"}
        found: dict[str, str] = {}
        until = datetime.now(UTC) + timedelta(seconds=60)
        while len(found) < 3 and datetime.now(UTC) < until:
            found = {one.workflow: one.what for one in await dog.look()}
            await asyncio.sleep(0.5)
    assert found == {"inc-killed": "run_ended", "inc-late": "run_behind", "inc-stuck": "run_stuck"}
    assert sorted(notice.incident for _, notice in board.got) == ["inc-killed", "inc-late", "inc-stuck"]
    assert {notice.incident: notice.severity for _, notice in board.got}["inc-killed"] == "S0"
    # the room is there again; a gateway that was started anew tells it, and nobody twice
    after = Board(book)
    for _ in range(2):
        await Watchdog(face, after, reach).look()
    assert sorted((name, one.incident) for name, one in after.got) == [
        ("room", "inc-killed"),
        ("room", "inc-late"),
        ("room", "inc-stuck"),
    ]
    assert len(await find_trouble(face, now=datetime.now(UTC))) == 3
