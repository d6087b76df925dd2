"""What a run costs in history events, counted on a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from schemas.incident import SEARCH_ATTRIBUTES
from tests.workflows.bench import Bench, find_binary
from tests.workflows.builder import action, decide, fact, plan, retry, slot, track
from watchfloor.signing import parse_instant
from workflows.addresses import child_id

_KEYS = {
    "Keyword": SearchAttributeKey.for_keyword,
    "KeywordList": SearchAttributeKey.for_keyword_list,
    "Datetime": SearchAttributeKey.for_datetime,
}

pytestmark = pytest.mark.xdist_group("real-server")


@pytest.fixture
async def real() -> AsyncIterator[Bench]:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=find_binary("temporal"),
        data_converter=pydantic_data_converter,
        dev_server_log_level="error",
        search_attributes=[_KEYS[kind](name) for name, kind in SEARCH_ATTRIBUTES.items()],
    ) as env:
        bench = Bench(env.client, None)
        async with bench.worker():
            yield bench
            await bench.replay()


def steps(count: int, **more):
    return [action(f"s{number}", with_={"n": number}, **more) for number in range(count)]


async def test_a_plain_step_costs_six_events_and_nothing_costs_more(real: Bench) -> None:
    real.behaviour["content.probe"] = lambda call: {"seen_at": "2026-11-22T00:00:00Z"}
    lengths = {}
    for count in (1, 11):
        case = await real.start(plan(("triage", steps(count))))
        await case.handle.result()
        lengths[count] = len(await case.events())
    assert lengths[11] - lengths[1] == 10 * 6

    busy = [
        action(f"s{number}", cond="1 == 1", records={f"f{number}": f"steps.s{number}.seen_at"}) for number in range(11)
    ]
    facts = {f"f{number}": fact(f"steps.s{number}") for number in range(11)}
    case = await real.start(plan(("triage", busy), facts=facts, floors=[("has(facts.f5)", "S0")]))
    await case.handle.result()
    assert len(await case.events()) == lengths[11]
    assert len((await case.board())["facts"]) == 11


async def test_a_refused_update_leaves_no_event_and_races_count_once(real: Bench) -> None:
    case = await real.start(plan(("one", [decide("pick", {"go": {}}, slot("legal_counsel"), slot("exec_sponsor"))])))
    await case.ask("one/pick")
    await case.settled()
    before = len(await case.events())
    assert await case.refused_decision("one/pick", "go", "lena", "ops_lead") == "wrong_role"
    assert len(await case.events()) == before
    statements = [await case.statement("one/pick", "go", name, "legal_counsel") for name in ("lena", "louis", "lara")]
    results = await asyncio.gather(*(case.send("decide", one) for one in statements), return_exceptions=True)
    assert sum(isinstance(one, dict) for one in results) == 1
    await case.decide("one/pick", "go", "egon", "exec_sponsor")
    assert (await case.handle.result())["outcome"] == "closed"


async def test_lists_of_runs_see_phase_severity_and_who_is_waited_on(real: Bench) -> None:
    case = await real.start(
        plan(("triage", [action("a")]), ("one", [decide("pick", {"go": {}}, slot("legal_counsel"))])),
        limits={"continue_after_events": 0, "failed_step_window": 60.0},
    )
    ask = await case.ask("one/pick")

    async def attributes() -> dict:
        found = (await case.handle.describe()).typed_search_attributes
        return {name: found.get(_KEYS[kind](name)) for name, kind in SEARCH_ATTRIBUTES.items()}

    seen = await attributes()
    assert (seen["WatchfloorPhase"], seen["WatchfloorSeverity"], seen["WatchfloorState"]) == ("one", "S1", "open")
    assert seen["WatchfloorWaiting"] == ["legal_counsel"]
    assert abs((seen["WatchfloorDue"] - parse_instant(ask["deadline_at"])).total_seconds()) < 1
    await case.decide("one/pick", "go", "lena", "legal_counsel")
    await case.handle.result()
    seen = await attributes()
    assert (seen["WatchfloorState"], seen["WatchfloorWaiting"]) == ("closed", None)
    upserts = (await case.events()).count("UPSERT_WORKFLOW_SEARCH_ATTRIBUTES")
    assert upserts <= 5


async def test_an_abort_cancels_at_once_what_waits_to_be_retried(real: Bench) -> None:
    def unavailable(call: dict) -> None:
        raise ApplicationError("later", type="unavailable")

    real.behaviour["content.probe"] = unavailable
    slow = retry(times=1000, first=50, factor=1, up_to=50)
    case = await real.start(plan(("one", [action("stuck", retry=slow, timeout=36_000.0)])))
    await case.until(lambda _: real.calls)
    await case.control("abort")
    assert (await asyncio.wait_for(case.handle.result(), 5))["outcome"] == "aborted"


async def test_a_detached_watch_goes_on_when_the_incident_has_closed(real: Bench) -> None:
    watch = {"start": "facts.came", "every": 0.1, "length": 0.35}
    watching = track("probe", "true", [action("look", with_={"at": "${{ facts.came }}"})], watch=watch, detached=True)
    began = await real.now()
    given = plan(("p", [action("a", "x")]), facts={"came": fact("inputs.came")}, tracks=[watching])
    case = await real.start(given, {"came": began})
    assert (await case.handle.result())["outcome"] == "closed"
    (child,) = (await case.board())["children"]
    assert child["workflow"] == child_id("inc", case.handle.id, "alongside/probe")
    handle = real.client.get_workflow_handle(child["workflow"], result_type=dict)
    assert (await asyncio.wait_for(handle.result(), 5))["outcome"] == "closed"
    looks = [call for call in real.calls if call["incident"] == child["workflow"]]
    assert [call["path"] for call in looks] == [f"alongside/probe[{nth}]/look" for nth in range(1, 5)]
    assert {call["inputs"]["at"] for call in looks} == {began}
