"""The review as a process: drafts when the ledger shows the closing, waits for a person, never completes in silence."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from schemas.decision import DECISION, Envelope
from schemas.incident import Board
from schemas.ledger import Entry
from schemas.notify import AppendCall, NotifyCall, NotifyReceipt
from schemas.postmortem import DraftCall, DraftReceipt, PostmortemResult, PostmortemStart
from watchfloor.client.library import library_folder
from watchfloor.client.paging import FILE, load_paging
from watchfloor.signing import SigningKey, parse_instant, render_instant, sign
from workflows.postmortem import Postmortem
from workflows.sandboxing import runner
from workflows.spans import add_business_days

FACE = SigningKey.generate()
PLAN = "sha256:" + "ab" * 32
FACILITATOR = {"person": "facilitator-1", "role": "postmortem_facilitator"}


class Watched:
    """The activities of the worker: what they were told, and how drafting goes."""

    def __init__(self) -> None:
        self.drafts: list[DraftCall] = []
        self.notices: list[NotifyCall] = []
        self.entries: dict[str, Entry] = {}
        self.failures: list[ApplicationError] = []
        self.commanders: list[str] = []

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.entries.values()]

    def activities(self) -> list[Callable[..., Any]]:
        def take(entries: list[Entry]) -> None:
            self.entries |= {entry["id"]: entry for entry in entries}

        @activity.defn(name="postmortem.draft")
        async def draft(call: DraftCall) -> DraftReceipt:
            self.drafts.append(call)
            if self.failures:
                raise self.failures.pop(0)
            return {
                "markdown": "sha256:1",
                "html": "sha256:2",
                "timeline": "sha256:3",
                "folder": f"postmortems/{call['incident']}",
                "entries": 3,
                "head": "sha256:4",
                "metrics": {"commanders": self.commanders},
            }

        @activity.defn(name="people.notify")
        async def notify(call: NotifyCall) -> NotifyReceipt:
            take(call["entries"])
            self.notices.append(call)
            return {"delivered": ["pager"], "failed": []}

        @activity.defn(name="ledger.append")
        async def append(call: AppendCall) -> None:
            take(call["entries"])

        return [draft, notify, append]


class Review:
    """A running review and the people around it."""

    def __init__(self, env: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], watched: Watched) -> None:
        self.env, self.handle, self.watched = env, handle, watched

    async def close(self, at: datetime | None = None, **more: Any) -> None:
        closed_at = render_instant(at or await self.env.get_current_time())
        payload = {"outcome": "closed", "closed_at": closed_at, "clocks": [], "phase_times": {}} | more
        await self.handle.signal("incident_closed", payload)

    async def board(self) -> Board:
        return await self.handle.query("board", result_type=Board)

    async def asked(self, round_: int = 0) -> Board:
        for _ in range(250):
            board = await self.board()
            if any(ask.get("round") == round_ for ask in board["asks"]):
                return board
            await asyncio.sleep(0.02)
        raise AssertionError("nobody was asked to hold the review")

    async def decision(self, board: Board, form: dict[str, Any], **who: str) -> Envelope:
        now = await self.env.get_current_time()
        (ask,) = board["asks"]
        body = {
            "v": 1,
            "region": "eu",
            "namespace": "default",
            "incident": board["workflow"],
            "plan": PLAN,
            "path": ask["path"],
            "ask": ask["ask"],
            "option": "done",
            "form": form,
            "entity": "test",
            "signed_in": "dev",
            "issued_at": render_instant(now),
            "expires_at": render_instant(now + timedelta(minutes=5)),
            "nonce": secrets.token_hex(8),
            "reason_ref": "sha256:" + "0" * 64,
        }
        return sign(DECISION, body | who, FACE)

    async def finish(self, board: Board, form: dict[str, Any] | None = None, **who: str) -> PostmortemResult:
        envelope = await self.decision(board, form or {"attendees": 6, "actions": 2}, **(who or FACILITATOR))
        receipt = await self.handle.execute_update("decide", envelope)
        assert receipt["state"] == "complete"
        result: PostmortemResult = await self.handle.result()
        return result

    async def refused(self, board: Board, form: dict[str, Any], **who: str) -> str:
        with pytest.raises(WorkflowUpdateFailedError) as found:
            await self.handle.execute_update("decide", await self.decision(board, form, **who))
        assert isinstance(found.value.cause, ApplicationError)
        return found.value.cause.type or ""


@asynccontextmanager
async def reviewing(watched: Watched | None = None, **changes: Any) -> AsyncIterator[Review]:
    watched = watched or Watched()
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server"),
        data_converter=pydantic_data_converter,
    )
    async with environment as env:
        queue, name = f"reviews-{uuid4()}", f"post-{uuid4().hex[:20]}"
        start: dict[str, Any] = {
            "v": 1,
            "postmortem": name,
            "incident": f"inc-{uuid4().hex[:20]}",
            "path": "postmortem/review",
            "region": "eu",
            "namespace": "default",
            "plan": PLAN,
            "title": "Removal order (one hour)",
            "runbook": "eu-removal-order",
            "facilitator": {"any_of": ["postmortem_facilitator"]},
            "within": 864_000.0,
            "within_text": "10bd",
            "business_days": 10,
            "requester": "",
            "commander": "ic-1",
            "decision_keys": {FACE.kid: FACE.public},
        }
        argument: PostmortemStart = start | changes  # type: ignore[assignment]
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[Postmortem],
            activities=watched.activities(),
            workflow_runner=runner(),
        ):
            handle = await env.client.start_workflow("Postmortem", argument, id=name, task_queue=queue)
            yield Review(env, handle, watched)


async def test_a_review_waits_for_the_closing_and_ends_when_the_facilitator_says_it_was_held() -> None:
    async with reviewing() as review:
        board = await review.board()
        assert board["state"] == "open"
        assert board["asks"] == []
        assert review.watched.drafts == []
        await review.close()
        result = await review.finish(await review.asked())
        assert (result["by"], result["attendees"], result["actions"], result["late"]) == ("facilitator-1", 6, 2, False)
        assert (await review.board())["state"] == "closed"
        assert review.watched.notices[0]["kind"] == "review_due"
        kinds = review.watched.kinds()
        assert kinds[0] == "review.started"
        assert kinds[-1] == "review.done"
        assert {"decision.asked", "decision.recorded", "decision.settled"} <= set(kinds)


async def test_the_deadline_is_counted_in_business_days_from_the_closing() -> None:
    async with reviewing(business_days=10) as review:
        closed_at = await review.env.get_current_time()
        await review.close(closed_at)
        due_at = parse_instant((await review.finish(await review.asked()))["due_at"])
        assert due_at == add_business_days(closed_at.astimezone(UTC), 10)
        assert due_at.weekday() < 5
        assert due_at - closed_at >= timedelta(days=12)


async def test_silence_escalates_and_never_completes_a_review() -> None:
    async with reviewing() as review:
        await review.close()
        first = await review.asked()
        deadline = parse_instant(str(first["asks"][0]["deadline_at"]))
        await review.env.sleep(deadline - await review.env.get_current_time() + timedelta(minutes=1))
        board = await review.asked(round_=1)
        assert board["state"] == "open"
        told = [notice["kind"] for notice in review.watched.notices]
        assert told.count("remind") == 2
        assert [n["roles"] for n in review.watched.notices if n["kind"] == "escalate"] == [["exec_sponsor"]]
        assert "decision.silent" in review.watched.kinds()
        result = await review.finish(board)
        assert result["late"] is True


async def test_whoever_commanded_does_not_lead_the_review() -> None:
    watched = Watched()
    watched.commanders = ["ic-1", "ic-2"]
    async with reviewing(watched) as review:
        await review.close()
        board = await review.asked()
        form = {"attendees": 3, "actions": 0}
        for person in ("ic-1", "ic-2"):
            assert await review.refused(board, form, person=person, role="postmortem_facilitator") == "excluded"
        assert await review.refused(board, form, person="deputy-1", role="deputy") == "wrong_role"
        assert (await review.finish(board, form))["by"] == "facilitator-1"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"attendees": 4},
        {"attendees": 0, "actions": 1},
        {"attendees": 4, "actions": "two"},
        {"attendees": 4, "actions": 1, "x": 1},
    ],
)
async def test_a_form_that_does_not_fit_is_refused(form: dict[str, Any]) -> None:
    async with reviewing() as review:
        await review.close()
        board = await review.asked()
        assert await review.refused(board, form, **FACILITATOR) == "bad_form"
        await review.finish(board)


async def test_a_closing_that_the_ledger_does_not_show_is_not_believed() -> None:
    watched = Watched()
    watched.failures = [ApplicationError("open", type="not_closed", non_retryable=True)]
    async with reviewing(watched) as review:
        await review.close()
        for _ in range(250):
            if len(watched.drafts) == 1 and (await review.board())["steps"][0]["detail"].startswith("waits"):
                break
            await asyncio.sleep(0.02)
        assert (await review.board())["asks"] == []
        await review.close()
        await review.finish(await review.asked())
        assert len(watched.drafts) == 2


async def test_a_review_without_a_draft_is_still_held() -> None:
    watched = Watched()
    watched.failures = [ApplicationError("cut", type="bad_chain", non_retryable=True)]
    async with reviewing(watched) as review:
        await review.close()
        board = await review.asked()
        assert {"label": "draft", "value": "none: bad_chain"} in board["asks"][0]["shown"]
        assert (await review.finish(board))["folder"] == ""


async def test_a_hostile_closing_message_does_not_stop_the_review() -> None:
    async with reviewing() as review:
        await review.handle.signal("incident_closed", "closed")
        await review.close(closed_at=None, clocks=[{"name": 1}, "x"], outcome=["a"])
        board = await review.asked()
        assert review.watched.drafts[0]["clocks"] == []
        await review.finish(board)


async def test_the_draft_is_told_the_clocks_of_the_incident_also_those_that_stood_still() -> None:
    plain = {
        "name": "removal",
        "state": "met",
        "started_at": "2026-11-22T09:30:00Z",
        "due_at": "2026-11-22T10:30:00Z",
        "stopped_at": "2026-11-22T10:00:00Z",
        "warned": [],
        "restarts": 0,
        "assigned_to": None,
    }
    span = {"reason": "force_majeure", "since": "2026-11-22T09:40:00Z", "until": "2026-11-22T09:41:00Z"}
    async with reviewing() as review:
        await review.close(clocks=[plain, {**plain, "pauses": [span]}, {**plain, "more": 1}])
        board = await review.asked()
        assert review.watched.drafts[0]["clocks"] == [plain, {**plain, "pauses": [span]}]
        await review.finish(board)


async def test_the_history_replays() -> None:
    async with reviewing() as review:
        await review.close()
        board = await review.asked()
        await review.env.sleep(timedelta(days=6))
        await review.finish(board)
        history = await review.handle.fetch_history()
        replayer = Replayer(workflows=[Postmortem], workflow_runner=runner(), data_converter=pydantic_data_converter)
        await replayer.replay_workflow(history)


async def test_a_review_that_nobody_takes_climbs_by_business_days_and_an_answer_takes_it() -> None:
    policy = load_paging(library_folder() / FILE)
    async with reviewing(paging=policy) as review:
        await review.close()
        board = await review.asked()
        page = board["pages"][0]
        assert (page["kind"], page["roles"]) == ("review_due", ["postmortem_facilitator"])
        assert parse_instant(board["page_dues"]["p1"]) == add_business_days(parse_instant(page["sent_at"]), 1)
        await review.env.sleep(parse_instant(board["page_dues"]["p1"]) - await review.env.get_current_time())
        await review.env.sleep(timedelta(minutes=1))
        climbed = [one["roles"] for one in review.watched.notices if one["kind"] == "page_climbed"]
        assert climbed == [["postmortem_facilitator"]]
        assert (await review.board())["pages"][0]["rung"] == 1
        assert (await review.finish(await review.asked()))["state"] == "done"
        assert "page.acknowledged" in review.watched.kinds()
