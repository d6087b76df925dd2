"""Pages of what outlives an incident climb until somebody has them, like an incident's own."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from schemas.actions import ActionCall
from schemas.incident import Board
from tests.workflows_regions.conftest import encryption
from tests.workflows_regions.people import PLAN, Watched, asked, board_of, decision, recall, refused
from tests.workflows_regions.test_handoff import DESK, Offered, offered, read_back
from tests.workflows_regions.test_hold import COUNSEL, CUSTODIAN, Placed, placed
from watchfloor.client.library import library_folder
from watchfloor.client.paging import FILE, load_paging
from watchfloor.signing import parse_instant
from workflows.hold import Hold
from workflows.journal import Journal
from workflows.notices import Desk
from workflows.reception import name_signer
from workflows.sandboxing import runner
from workflows.spans import add_business_days

POLICY = load_paging(library_folder() / FILE)
HOUR = timedelta(hours=1)


async def until(handle: WorkflowHandle[Any, Any], test: Callable[[Board], Any]) -> Board:
    for _ in range(1500):
        board = await board_of(handle)
        if test(board):
            return board
        await asyncio.sleep(0.02)
    raise AssertionError(f"never came: {board.get('pages')}")


async def ack(server: WorkflowEnvironment, board: Board, page: str, role: str, **more: Any) -> Any:
    """A signed acknowledgement."""
    now = await server.get_current_time()
    more = {"verb": "ack", "person": "eva", "about": {"pages": [page]}, "reason_ref": "", **more}
    return recall(board["workflow"], board["region"], now=now, role=role, **more)


def broken() -> Watched:
    """Sources whose freeze no canary proves."""
    watched = Watched()

    def act(call: ActionCall) -> dict[str, Any]:
        outputs = watched.obey(call)
        return {**outputs, "refused": False} if call["action"] == "hold.canary" else outputs

    watched.act = act
    return watched


def climbed(watched: Watched) -> list[list[str]]:
    return [one["roles"] for one in watched.told("page_climbed")]


async def failing(hold: Placed) -> Board:
    await hold.reported(1)
    return await until(hold.handle, lambda board: board.get("pages"))


async def test_a_hold_that_is_not_proved_climbs_until_somebody_has_it(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, broken(), paging=POLICY) as hold:
        board = await failing(hold)
        [page] = board["pages"]
        assert (page["kind"], page["roles"]) == ("hold_failed", ["records_custodian"])
        assert board["page_dues"]["p1"] > page["sent_at"]
        await skipping.sleep(2 * HOUR + timedelta(minutes=1))
        await until(hold.handle, lambda board: board["pages"][0]["rung"] == 2)
        assert climbed(hold.watched) == [["records_custodian"], ["legal_counsel"]]
        early = await ack(skipping, board, "p1", "ops_lead")
        assert await refused(hold.handle, "control", early) == "wrong_role"
        await hold.handle.execute_update("control", await ack(skipping, board, "p1", "legal_counsel"))
        again = len(hold.watched.told("hold_failed"))
        await skipping.sleep(6 * HOUR)
        board = await until(hold.handle, lambda board: board["pages"][0].get("acknowledged"))
        assert len(board["pages"]) == 1, "what goes on is no new page"
        assert len(hold.watched.told("hold_failed")) > again
        assert len(climbed(hold.watched)) == 2
        hold.watched.act = hold.watched.obey
        await skipping.sleep(HOUR)
        await until(hold.handle, lambda board: not board["pages"])
        assert {"page.sent", "page.climbed", "page.acknowledged"} <= set(hold.watched.kinds())


async def test_a_hold_placed_without_a_policy_pages_once(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, broken()) as hold:
        await hold.reported(1)
        await skipping.sleep(6 * HOUR)
        assert climbed(hold.watched) == []
        assert "pages" not in await board_of(hold.handle)
        nothing = await ack(skipping, await board_of(hold.handle), "p1", "legal_counsel")
        assert await refused(hold.handle, "control", nothing) == "not_waiting"


async def test_the_end_that_comes_near_and_the_release_climb_by_business_days(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, paging=POLICY) as hold:
        await hold.reported(1)
        board = await board_of(hold.handle)
        end = parse_instant(str(board["clocks"][0]["due_at"]))
        await skipping.sleep(end - timedelta(days=3) + timedelta(minutes=1) - await skipping.get_current_time())
        board = await until(hold.handle, lambda board: board["pages"])
        page = board["pages"][-1]
        assert page["kind"] == "hold_expiry"
        assert parse_instant(board["page_dues"][page["id"]]) == add_business_days(parse_instant(page["rung_at"]), 1)
        await skipping.sleep(timedelta(days=3))
        board = await asked(hold.handle, "release")
        await until(hold.handle, lambda board: [one["kind"] for one in board["pages"]] == ["ask"])
        await hold.handle.execute_update(
            "decide", decision(board, "release", "release", now=await skipping.get_current_time(), **COUNSEL)
        )
        await until(hold.handle, lambda board: board["pages"][0]["acknowledged"]["how"] == "answer")
        await hold.handle.execute_update(
            "decide", decision(board, "release", "release", now=await skipping.get_current_time(), **CUSTODIAN)
        )
        assert (await hold.handle.result())["state"] == "released"


async def test_counsel_has_somebody_stand_aside_whose_page_then_climbs_on(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, broken(), paging=POLICY) as hold:
        board = await failing(hold)
        await hold.handle.execute_update("control", await ack(skipping, board, "p1", "records_custodian"))

        async def say(verb: str, role: str = "legal_counsel", person: str = "counsel-1") -> Any:
            about = {"person": "eva"}
            return await ack(skipping, board, "", role, verb=verb, person=person, about=about, reason_ref="sha256:00")

        assert await refused(hold.handle, "control", await say("recuse", "records_custodian")) == "wrong_role"
        assert await refused(hold.handle, "control", await say("unrecuse")) == "not_waiting"
        await hold.handle.execute_update("control", await say("recuse"))
        board = await until(hold.handle, lambda board: "acknowledged" not in board["pages"][0])
        assert board["recused"] == ["eva"]
        assert climbed(hold.watched) == [["records_custodian"]]
        assert hold.watched.told("page_climbed")[0]["excluded"] == ["eva"]
        assert await refused(hold.handle, "control", await ack(skipping, board, "p1", "legal_counsel")) == "excluded"
        assert "page.reopened" in hold.watched.kinds()
        await hold.handle.execute_update("control", await say("unrecuse"))
        assert "recused" not in await board_of(hold.handle)


async def test_an_offer_that_came_in_climbs_by_the_severity_of_the_incident_offered(
    skipping: WorkflowEnvironment,
) -> None:
    async with offered(skipping, paging=POLICY, severity="S0") as offer:
        await asked(offer.incoming, "accept")
        await skipping.sleep(timedelta(minutes=6))
        await until(offer.incoming, lambda board: board["pages"][0]["rung"] == 1)
        assert climbed(offer.watched) == [["us_desk"]]
        await offer.taken()
        assert (await offer.incoming.result())["state"] == "accepted"


async def void(offer: Offered) -> Board:
    """Somebody accepts, and the sender has taken the offer back meanwhile."""
    board = await asked(offer.incoming, "accept")
    now = await offer.now()
    await offer.handle.execute_update("control", recall(offer.handle.id, "eu", now=now))
    envelope = decision(board, "accept", "accept", now=now, form=read_back(offer.sent), **DESK)
    await offer.incoming.execute_update("decide", envelope)
    return await until(offer.incoming, lambda board: board["outcome"] == "void")


async def test_whoever_believes_that_they_command_is_paged_until_they_know_better(
    skipping: WorkflowEnvironment,
) -> None:
    async with offered(skipping, paging=POLICY, severity="S0", mode="command") as offer:
        await void(offer)
        board = await until(offer.incoming, lambda board: board["pages"])
        page = board["pages"][-1]
        assert (page["kind"], page["roles"]) == ("handoff_unanswered", ["us_desk"])
        await skipping.sleep(timedelta(minutes=6))
        await until(offer.incoming, lambda board: board["pages"][-1]["rung"] == 1)
        await offer.incoming.execute_update("control", await ack(skipping, board, page["id"], "us_desk"))
        assert (await offer.incoming.result())["state"] == "void"


@pytest.mark.parametrize(("paging", "told"), [(POLICY, 0), (None, 1)])
async def test_an_offer_that_nobody_answered_is_told_by_the_incident_where_that_has_pages(
    skipping: WorkflowEnvironment, paging: Any, told: int
) -> None:
    async with offered(skipping, paging=paging) as offer:
        await asked(offer.incoming, "accept")
        assert (await offer.handle.result())["state"] == "unanswered"
        assert (await offer.report())["data"].get("untold", False) is (paging is not None)
        here = [one for one in offer.watched.told("handoff_unanswered") if one["workflow"] == offer.handle.id]
        assert len(here) == told


async def test_with_the_incident_gone_the_offer_tells_it_itself(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, paging=POLICY) as offer:
        await asked(offer.incoming, "accept")
        await offer.incident.terminate("closed")
        assert (await offer.handle.result())["state"] == "unanswered"
        here = [one for one in offer.watched.told("handoff_unanswered") if one["workflow"] == offer.handle.id]
        assert [one["roles"] for one in here] == [["incident_commander"]]


async def test_a_hold_with_pages_replays(skipping: WorkflowEnvironment) -> None:
    """Nothing is asked of its board while it works: the skipping server answers a query amid a task, which a real one
    puts off."""
    async with placed(skipping, broken(), paging=POLICY) as hold:
        await hold.reported(1)
        await skipping.sleep(2 * HOUR + timedelta(minutes=1))
        board = await failing(hold)
        assert board["pages"][0]["rung"] == 2
        await hold.handle.execute_update("control", await ack(skipping, board, "p1", "legal_counsel"))
        await skipping.sleep(HOUR)
        await replays(hold)


def test_what_was_said_under_a_key_names_it_where_keys_are_certified() -> None:
    for root in ("", "r"):
        desk = Desk("eu", "eu", "hold-1", PLAN, "hold-1", "", {}, root=root)
        journal = Journal(chain="hold-1", region="eu")
        journal.entries = [{"data": {"statement": "m"}}, {"data": {"statement": "m"}}, {"data": {}}]  # type: ignore[typeddict-item,list-item]
        name_signer(desk, journal, 1, "m", {"domain": "", "kid": "k", "body": {}, "sig": ""})
        assert [one["data"].get("kid", "") for one in journal.entries] == ["", "k" if root else "", ""]


async def replays(hold: Placed) -> None:
    given: dict[str, Any] = encryption()
    replayer = Replayer(workflows=[Hold], workflow_runner=runner(), namespace="default", **given)
    await replayer.replay_workflow(await hold.handle.fetch_history())
