"""A hold is renewed by when a renewal was received: in time, from the mailbox after the end, too late, too often."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from schemas.decision import Envelope
from schemas.plan import ClockLaw
from tests.workflows_regions.people import asked, board_of, decision, recall, refused, server_now
from tests.workflows_regions.test_hold import COUNSEL, CUSTODIAN, DAY, SIX_MONTHS, Placed, placed
from watchfloor.signing import parse_instant, render_instant

NINETY: ClockLaw = {
    **SIX_MONTHS,
    "id": "us.preserve.2703f",
    "months": None,
    "duration": 90 * DAY,
    "renew": {"add": 90 * DAY, "max": 1},
}


async def renewal(hold: Placed, received: datetime, **changes: Any) -> Envelope:
    given = {"role": "legal_counsel", "verb": "renew", "about": {"received_at": render_instant(received)}, **changes}
    return recall(hold.handle.id, "eu", now=await server_now(hold.server), **given)


async def begin(hold: Placed) -> datetime:
    await hold.reported(1)
    return parse_instant((await board_of(hold.handle))["opened_at"])


async def due_of(hold: Placed) -> datetime:
    return parse_instant((await board_of(hold.handle))["clocks"][0]["due_at"])


async def test_a_renewal_in_time_adds_what_the_law_says_and_the_sources_hear_of_it(
    skipping: WorkflowEnvironment,
) -> None:
    async with placed(skipping, law=NINETY, tells_terms=True) as hold:
        placed_at = await begin(hold)
        await skipping.sleep(timedelta(days=80))
        await hold.handle.execute_update("control", await renewal(hold, placed_at + timedelta(days=79)))
        end = placed_at + timedelta(days=180)
        assert await due_of(hold) == end
        told = await hold.reported(2)
        assert told[-1]["data"]["expires_at"] == render_instant(end)
        freezes = hold.watched.named("hold.freeze")
        assert [call["inputs"]["terms"]["until"] for call in freezes[-2:]] == [render_instant(end)] * 2
        assert len({call["key"] for call in freezes}) == 4
        (entry,) = [one for one in hold.watched.entries.values() if one["kind"] == "hold.renewed"]
        assert entry["data"]["renewed_at"] == render_instant(placed_at + timedelta(days=79))
        await skipping.sleep(timedelta(days=20))
        assert (await board_of(hold.handle))["asks"] == []
        await hold.handle.terminate("done")


async def test_a_renewal_in_the_mailbox_at_the_end_takes_the_release_back(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, law=NINETY) as hold:
        placed_at = await begin(hold)
        await skipping.sleep(timedelta(days=92))
        board = await asked(hold.handle, "release")
        now = await server_now(skipping)
        await hold.handle.execute_update("decide", decision(board, "release", "release", now=now, **COUNSEL))
        await hold.handle.execute_update("control", await renewal(hold, placed_at + timedelta(days=89)))
        assert await due_of(hold) == placed_at + timedelta(days=180)
        assert (await board_of(hold.handle))["asks"] == []
        second = decision(board, "release", "release", now=await server_now(skipping), **CUSTODIAN)
        assert await refused(hold.handle, "decide", second) == "too_early"
        await skipping.sleep(timedelta(days=90))
        board = await asked(hold.handle, "release")
        assert board["asks"][0]["answers"] == []
        for who in (COUNSEL, CUSTODIAN):
            now = await server_now(skipping)
            await hold.handle.execute_update("decide", decision(board, "release", "release", now=now, **who))
        assert (await hold.handle.result())["expires_at"] == render_instant(placed_at + timedelta(days=180))


@pytest.mark.parametrize(
    ("law", "after", "changes", "why"),
    [
        (NINETY, 90, {}, "bad_value"),
        (NINETY, -1, {}, "bad_value"),
        (NINETY, 200, {}, "bad_value"),
        (SIX_MONTHS, 10, {}, "bad_value"),
        (NINETY, 10, {"role": "ops_lead"}, "wrong_role"),
        (NINETY, 10, {"verb": "abort"}, "unknown_option"),
        (NINETY, 10, {"reason_ref": ""}, "bad_value"),
        (NINETY, 10, {"about": {}}, "bad_value"),
        (NINETY, 10, {"about": {"received_at": "yesterday"}}, "bad_value"),
        (NINETY, 10, {"about": {"received_at": "2026-01-01T00:00:00Z", "days": 400}}, "bad_value"),
        (NINETY, 10, {"incident": "hold-other"}, "wrong_run"),
        (NINETY, 10, {"expires_at": "2026-01-01T00:00:00Z"}, "late"),
    ],
)
async def test_a_renewal_that_does_not_count_is_refused_and_changes_nothing(
    skipping: WorkflowEnvironment, law: ClockLaw, after: float, changes: dict[str, Any], why: str
) -> None:
    async with placed(skipping, law=law) as hold:
        placed_at = await begin(hold)
        await skipping.sleep(timedelta(days=91))
        before = await due_of(hold)
        statement = await renewal(hold, placed_at + timedelta(days=after), **changes)
        assert await refused(hold.handle, "control", statement) == why
        assert await due_of(hold) == before
        await hold.handle.terminate("done")


async def test_the_law_allows_one_and_the_same_statement_counts_once(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, law=NINETY) as hold:
        placed_at = await begin(hold)
        await skipping.sleep(timedelta(days=20))
        first = await renewal(hold, placed_at + timedelta(days=10))
        await hold.handle.execute_update("control", first)
        assert await refused(hold.handle, "control", first) == "repeated"
        again = await renewal(hold, placed_at + timedelta(days=11))
        assert await refused(hold.handle, "control", again) == "bad_value"
        assert await due_of(hold) == placed_at + timedelta(days=180)
        await hold.handle.terminate("done")
