"""The payload codec on real servers: nothing plain in a history, nothing accepted that was not meant for the run."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollActivityTaskQueueRequest,
    RespondActivityTaskCompletedRequest,
    SignalWorkflowExecutionRequest,
)
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, Worker

from tests.regions.tour import Tour, TourChild, TourTwice, Value, echo, fail
from watchfloor.regions.codec import BAD_PAYLOAD, TOMBSTONE, client_encryption, data_converter
from watchfloor.regions.keys import KeyRing

RING = KeyRing.generate()
CANARY = "canary-7f3a91"


@asynccontextmanager
async def touring(server: str, ring: KeyRing = RING) -> AsyncIterator[tuple[Client, str]]:
    client = await Client.connect(server, **client_encryption(ring, "default"))
    queue = f"tour-{uuid.uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Tour, TourChild, TourTwice], activities=[echo, fail]):
        yield client, queue


async def plain_client(server: str) -> Client:
    return await Client.connect(server)


def bound(ring: KeyRing = RING, workflow_id: str = "run-1", namespace: str = "default") -> Any:
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id)
    return data_converter(ring, "default").with_context(context)


async def test_every_way_in_and_out_agrees_and_leaves_nothing_plain(server: str) -> None:
    value: Value = {"secret": CANARY}
    async with touring(server) as (client, queue):
        id_ = f"tour-{uuid.uuid4()}"
        handle = await client.start_workflow(
            Tour.run,
            args=[value, 0],
            id=id_,
            task_queue=queue,
            memo={"note": value},
            static_summary=CANARY,
        )
        while (await handle.describe()).run_id == handle.first_execution_run_id:
            await asyncio.sleep(0.05)
        await handle.signal(Tour.tell, value)
        await client.start_workflow(
            Tour.run,
            args=[value, 1],
            id=id_,
            task_queue=queue,
            start_signal="tell",
            start_signal_args=[value],
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        assert await handle.execute_update(Tour.swap, value) == value
        for word in ("invalid", "refuse"):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(Tour.swap, {"secret": word})
            assert isinstance(refused.value.cause, ApplicationError)
            assert word in refused.value.cause.message
            assert refused.value.cause.details == ({"secret": word},)
        assert await handle.query(Tour.look, value) == value
        described = await handle.describe()
        assert await described.memo_value("note", type_hint=Value) == value
        await handle.execute_update(Tour.finish)
        seen = await handle.result()
        assert seen == {
            "start": value,
            "memo": value,
            "activity": value,
            "local": value,
            "failure": {"message": f"failed over {CANARY}", "details": [value]},
            "child": [value] * 3,
            "cancelled": True,
            "told": [value, value],
        }
        for workflow_id, run_id in [(id_, handle.first_execution_run_id), (id_, None), (id_ + "-child", None)]:
            history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
            raw = b"".join(event.SerializeToString() for event in history.events)
            assert b"Tour" in raw
            for clear in (CANARY, "failed over", "secret"):
                assert clear.encode() not in raw
            assert not _clear_payloads(json.loads(history.to_json()))
        final = await handle.fetch_history()
        replayer = Replayer(workflows=[Tour, TourChild], namespace="default", **client_encryption(RING, "default"))
        await replayer.replay_workflow(final)
        assert CANARY.encode() not in described.raw_description.SerializeToString()


def _clear_payloads(node: Any) -> list[Any]:
    """Payloads of ours that are not the codec's; the SDK's own marker (ids and attempt numbers) is plain."""
    if isinstance(node, list):
        return [found for part in node for found in _clear_payloads(part)]
    if not isinstance(node, dict):
        return []
    found = (
        [node]
        if "metadata" in node and "encoding" in (node["metadata"] or {}) and "kid" not in node["metadata"]
        else []
    )
    return found + [
        inner
        for key, part in node.items()
        if key not in {"searchAttributes", "data"}
        for inner in _clear_payloads(part)
    ]


async def test_update_with_start_agrees(server: str) -> None:
    value: Value = {"secret": CANARY}
    async with touring(server) as (client, queue):
        start = WithStartWorkflowOperation(
            Tour.run,
            args=[value, 1],
            id=f"tour-{uuid.uuid4()}",
            task_queue=queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            memo={"note": value},
        )
        answer = await client.execute_update_with_start_workflow(Tour.swap, value, start_workflow_operation=start)
        assert answer == value
        handle = await start.workflow_handle()
        await handle.execute_update(Tour.finish)
        assert (await handle.result())["start"] == value


async def test_a_plain_start_fails_the_run_instead_of_hanging(server: str) -> None:
    async with touring(server) as (_, queue):
        raw = await plain_client(server)
        id_ = f"tour-{uuid.uuid4()}"
        handle = await raw.start_workflow("TourChild", {"secret": "x"}, id=id_, task_queue=queue)
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(handle.result(), 10)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == TOMBSTONE


async def test_hostile_messages_are_refused_and_the_run_goes_on(server: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="temporalio")
    async with touring(server) as (client, queue):
        id_ = f"tour-{uuid.uuid4()}"
        handle = await client.start_workflow(TourChild.run, {"secret": "a"}, id=id_, task_queue=queue)
        tour_id = f"tour-{uuid.uuid4()}"
        tour = await client.start_workflow(
            Tour.run, args=[{"secret": "a"}, 1], id=tour_id, task_queue=queue, memo={"note": {"secret": "a"}}
        )
        raw = await plain_client(server)
        good = (await bound(workflow_id="another-run").encode([{"secret": "stolen"}]))[0]
        unbound = (await data_converter(RING, "default").encode([{"secret": "unbound"}]))[0]
        foreign = (await bound(KeyRing.generate(), id_).encode([{"secret": "foreign"}]))[0]
        cut = (await bound(workflow_id=id_).encode([{"secret": "cut"}]))[0]
        cut.data = cut.data[:9]
        reference = Payload(metadata={"encoding": b"json/external-storage-reference"}, data=b"{}")
        marker = Payload(metadata={"__temporal_external_storage_reference": b"true"}, data=b"{}")
        hostile = [good, unbound, foreign, cut, reference, marker, Payload(), Payload(metadata={"encoding": b"none"})]
        for payload in hostile:
            await _signal_raw(client, id_, payload)
        await raw.get_workflow_handle(id_).signal("tell", {"secret": "plain"})
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await raw.get_workflow_handle(tour_id).execute_update("swap", {"secret": "plain"})
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == TOMBSTONE
        with pytest.raises(WorkflowQueryFailedError):
            await raw.get_workflow_handle(tour_id).query("look", {"secret": "plain"})
        for secret in "bc":
            await handle.signal(TourChild.tell, {"secret": secret})
        told = await asyncio.wait_for(handle.result(), 10)
        assert [value["secret"] for value in told] == ["a", "b", "c"]
        await tour.execute_update(Tour.finish)
        assert (await tour.result())["told"] == []


async def _signal_raw(client: Client, workflow_id: str, payload: Payload) -> None:
    request = SignalWorkflowExecutionRequest(
        namespace="default", workflow_execution=WorkflowExecution(workflow_id=workflow_id), signal_name="tell"
    )
    request.input.payloads.append(payload)
    await client.workflow_service.signal_workflow_execution(request)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"workflow_id": "run-2"}, id="another run"),
        pytest.param({"namespace": "eu"}, id="another namespace"),
        pytest.param({"ring": KeyRing.generate()}, id="another region's key"),
    ],
)
async def test_a_ciphertext_opens_only_where_it_was_meant_for(other: dict[str, Any]) -> None:
    payloads = await bound().encode([{"secret": CANARY}])
    assert await bound().decode(payloads) == [{"secret": CANARY}]
    with pytest.raises(ApplicationError) as refused:
        await bound(**other).decode(payloads)
    assert refused.value.type == TOMBSTONE


def at_activity(id_: str = "1", type_: str = "x", workflow_id: str = "run-1") -> Any:
    context = ActivitySerializationContext(
        namespace="default",
        activity_id=id_,
        activity_type=type_,
        activity_task_queue="q",
        workflow_id=workflow_id,
        workflow_type="W",
        is_local=False,
    )
    return data_converter(RING, "default").with_context(context)


async def _replay_into_second(server: str, choose: Callable[[list[Any]], Payload | None]) -> Any:
    """Run `TourTwice`; a poller without keys completes its second activity with what `choose` finds in the history."""
    async with touring(server) as (client, queue):
        raw, elsewhere, id_ = await plain_client(server), f"open-{uuid.uuid4()}", f"twice-{uuid.uuid4()}"
        handle = await client.start_workflow(TourTwice.run, elsewhere, id=id_, task_queue=queue)
        task = await raw.workflow_service.poll_activity_task_queue(
            PollActivityTaskQueueRequest(
                namespace="default", task_queue=TaskQueue(name=elsewhere), identity="a stranger"
            )
        )
        assert task.activity_type.name == "tour.echo"
        history = await raw.get_workflow_handle(id_).fetch_history()
        chosen = choose(list(history.events))
        if chosen is None:
            [chosen] = await at_activity(task.activity_id, "tour.echo", id_).encode([{"secret": "no"}])
        request = RespondActivityTaskCompletedRequest(namespace="default", task_token=task.task_token)
        request.result.payloads.append(chosen)
        await raw.workflow_service.respond_activity_task_completed(request)
        return await asyncio.wait_for(handle.result(), 10)


def _first_result(events: list[Any]) -> Payload:
    [done] = [event for event in events if event.HasField("activity_task_completed_event_attributes")]
    return cast(Payload, done.activity_task_completed_event_attributes.result.payloads[0])


def _second_input(events: list[Any]) -> Payload:
    scheduled = [event for event in events if event.HasField("activity_task_scheduled_event_attributes")]
    return cast(Payload, scheduled[1].activity_task_scheduled_event_attributes.input.payloads[0])


def _start(events: list[Any]) -> Payload:
    return cast(Payload, events[0].workflow_execution_started_event_attributes.input.payloads[0])


async def test_the_result_of_an_activity_is_taken_from_its_own_worker(server: str) -> None:
    assert await _replay_into_second(server, lambda _: None) == ["yes", "no"]


@pytest.mark.parametrize("choose", [_first_result, _second_input, _start])
async def test_a_poller_without_keys_cannot_replay_what_is_recorded_elsewhere(
    server: str, choose: Callable[[list[Any]], Payload], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", logger="temporalio")
    with pytest.raises(WorkflowFailureError) as failed:
        await _replay_into_second(server, choose)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == TOMBSTONE


async def test_an_activitys_payloads_open_for_its_own_id_and_type_only() -> None:
    payloads = await at_activity().encode([{"secret": CANARY}])
    assert await at_activity().decode(payloads) == [{"secret": CANARY}]
    for other in (at_activity("2"), at_activity(type_="y"), at_activity(workflow_id="run-2"), bound()):
        with pytest.raises(ApplicationError) as refused:
            await other.decode(payloads)
        assert refused.value.type == TOMBSTONE
    with pytest.raises(ApplicationError):
        await at_activity().decode(await bound().encode([{"secret": CANARY}]))


async def test_with_and_without_context_never_stand_in_for_each_other() -> None:
    free = data_converter(RING, "default")
    for writer, reader in [(free, bound()), (bound(), free), (free, data_converter(RING, "eu"))]:
        with pytest.raises(ApplicationError):
            await reader.decode(await writer.encode(["x"]))
    assert await free.decode(await free.encode(["x"])) == ["x"]


async def test_every_flipped_bit_is_noticed() -> None:
    [payload] = await bound().encode([{"secret": CANARY}])
    for index in range(len(payload.data)):
        altered = Payload()
        altered.CopyFrom(payload)
        altered.data = payload.data[:index] + bytes([payload.data[index] ^ 1]) + payload.data[index + 1 :]
        with pytest.raises(ApplicationError):
            await bound().decode([altered])


async def test_a_rotated_ring_reads_the_old_and_a_destroyed_key_is_erasure() -> None:
    payloads = await bound().encode(["old"])
    rotated = RING.rotated()
    assert await bound(rotated).decode(payloads) == ["old"]
    fresh = await bound(rotated).encode(["new"])
    assert fresh[0].metadata["kid"] != payloads[0].metadata["kid"]
    erased = rotated.without(RING.current)
    assert await bound(erased).decode(fresh) == ["new"]
    with pytest.raises(ApplicationError, match="destroyed"):
        await bound(erased).decode(payloads)


async def test_a_value_of_the_wrong_shape_is_refused_without_being_quoted() -> None:
    payloads = await bound().encode([{"wrong": CANARY}])
    with pytest.raises(ApplicationError) as refused:
        await bound().decode(payloads, [Value])
    assert refused.value.type == BAD_PAYLOAD
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert CANARY not in str(refused.value)


async def test_two_encryptions_of_one_value_differ() -> None:
    one, two = await bound().encode(["same", "same"])
    assert one.data != two.data


async def test_raw_values_are_not_let_through_either() -> None:
    payloads = await data_converter(KeyRing.generate(), "default").encode(["x"])
    with pytest.raises(ApplicationError):
        await bound().decode(payloads, [RawValue])
