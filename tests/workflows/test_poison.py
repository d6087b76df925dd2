"""Hostile and broken messages: refused or dropped, never a failing workflow task."""

import asyncio
import inspect

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.workflows.bench import Bench
from tests.workflows.builder import action, decide, plan, slot
from watchfloor.signing import pack
from workflows.handoff import Handoff
from workflows.hold import Hold
from workflows.incident import IncidentWorkflow
from workflows.incoming import IncomingHandoff
from workflows.plans import PlanRefused, load
from workflows.postmortem import Postmortem
from workflows.refusals import MOST

TASK_FAILED = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED


def nest(depth: int) -> list:
    return [nest(depth - 1)] if depth else []


POISON = [
    None,
    7,
    "text",
    [],
    {},
    {"domain": 1, "kid": 2, "body": 3, "sig": 4},
    {"domain": "watchfloor.decision.v1", "kid": [], "body": {}, "sig": {}},
    {"domain": "watchfloor.decision.v1", "kid": "x", "body": {"a": nest(60)}, "sig": "x"},
    {"domain": "watchfloor.decision.v1", "kid": "x", "body": {"a": 2**80}, "sig": "x"},
]


async def test_poison_in_every_message_leaves_the_run_well(bench: Bench) -> None:
    case = await bench.start(plan(("one", [decide("pick", {"go": {}}, slot("legal_counsel"))])))
    await case.ask("one/pick")
    for poison in POISON:
        for signal in ("decide_later", "fact_later", "report", "link"):
            await case.handle.signal(signal, poison)
        for update in ("decide", "fact", "control"):
            assert await case.refused(update, poison) == "bad_signature"
    await case.handle.signal("decide_later", {"body": nest(220)})
    for signal in ("decide_later", "fact_later", "report", "link"):
        await case.handle.signal(signal, args=[1, 2, 3])
        await case.handle.signal(signal)
    with pytest.raises(WorkflowUpdateFailedError):
        await case.handle.execute_update("decide", args=[1, 2, 3])
    await case.handle.signal("no_such_signal", 1)
    with pytest.raises(WorkflowUpdateFailedError):
        await case.handle.execute_update("no_such_update", 1)
    await case.decide("one/pick", "go", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    assert "WORKFLOW_TASK_FAILED" not in await case.events()
    assert bench.kinds().count("decision.refused") == 2 * len(POISON) + 4


async def test_a_plan_other_than_its_digest_is_refused_and_nothing_runs(bench: Bench) -> None:
    other = pack(plan(("one", [action("b")])))[0]
    case = await bench.start(plan(("one", [action("a")])), plan="sha256:" + other[7:][::-1])
    with pytest.raises(WorkflowFailureError) as caught:
        await case.outcome()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "start_refused"
    assert bench.calls == []


@pytest.mark.parametrize(
    "said", [[{"v": 1}], [], [None], [7], [{}, {}]], ids=["other", "none", "null", "number", "two"]
)
async def test_a_start_message_that_is_none_is_refused(bench: Bench, said: list) -> None:
    handle = await bench.client.start_workflow("Incident", args=said, id="inc-broken", task_queue=bench.queue)
    await handle.signal("decide_later", {})
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "start_refused"


def test_a_plan_is_interned_by_its_digest() -> None:
    digest, packed = pack(plan(("one", [action("a")])))
    assert load(packed, digest) is load(packed, digest)


@pytest.mark.parametrize("change", [{"format": 2}, {"engine": 99}, {"cel": 99}])
def test_a_plan_of_another_version_is_refused(change: dict) -> None:
    digest, packed = pack({**plan(("one", [action("a")])), **change})
    with pytest.raises(PlanRefused):
        load(packed, digest)


@pytest.mark.parametrize("change", [{"kind": "go_to"}])
def test_a_plan_with_a_construct_that_is_not_carried_out_is_refused(change: dict) -> None:
    given = plan(("one", [action("a")]))
    given["phases"][0]["steps"][0].update(change)
    digest, packed = pack(given)
    with pytest.raises(PlanRefused, match="go_to"):
        load(packed, digest)


@pytest.mark.parametrize("kind", [IncidentWorkflow, Hold, Handoff, IncomingHandoff, Postmortem])
def test_every_signal_takes_any_number_of_arguments(kind: type) -> None:
    """One argument too many or too few would fail the workflow task for ever."""
    handlers = {name: fn for name, fn in inspect.getmembers(kind) if hasattr(fn, "__temporal_signal_definition")}
    assert handlers or kind is Handoff
    for name, handler in handlers.items():
        wanted = [one.kind for one in inspect.signature(handler).parameters.values()][1:]
        assert wanted == [inspect.Parameter.VAR_POSITIONAL], f"{kind.__name__}.{name}"


async def test_a_review_takes_a_closing_word_of_any_shape(bench: Bench) -> None:
    given = {"v": 1, "postmortem": "post-x", "incident": "inc-x", "path": "one/review", "region": "us"}
    given |= {"namespace": bench.client.namespace, "plan": "sha256:x", "title": "A test", "runbook": "test-runbook"}
    given |= {"facilitator": {"any_of": ["postmortem_facilitator"]}, "within": 60.0, "within_text": "1m"}
    given |= {"business_days": None, "requester": "", "commander": "", "decision_keys": {}}
    async with bench.worker(task_queue=f"{bench.queue}-review", workflows=[Postmortem]):
        queue = f"{bench.queue}-review"
        handle = await bench.client.start_workflow("Postmortem", given, id="post-x", task_queue=queue)
        for said in ([], [1, 2, 3], [None], [7], [[]]):
            await handle.signal("incident_closed", args=said)
            await handle.signal("decide_later", args=said)
        board = await handle.query("board", result_type=dict)
        assert board["kind"] == "postmortem"
        failed = [event async for event in handle.fetch_history_events() if event.event_type == TASK_FAILED]
        assert failed == []


@pytest.mark.parametrize("packed", ["", "!!", "AAAA", "eJw="])
def test_a_damaged_plan_is_refused(packed: str) -> None:
    with pytest.raises(PlanRefused):
        load(packed, "sha256:" + "0" * 64)


async def test_a_flood_of_bad_signals_leaves_few_entries_and_the_run_still_listens(bench: Bench) -> None:
    case = await bench.start(plan(("one", [decide("pick", {"go": {}}, slot("legal_counsel"))])))
    await case.ask("one/pick")
    await asyncio.gather(*(case.handle.signal("decide_later", number) for number in range(900)))
    await case.decide("one/pick", "go", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    refused = [entry["data"] for entry in bench.entries if entry["kind"] == "decision.refused"]
    assert len({str(data) for data in refused}) == MOST + 3
    assert sorted(data["count"] for data in refused if "count" in data) == [200, 400, 800]
    assert "WORKFLOW_TASK_FAILED" not in await case.events()
