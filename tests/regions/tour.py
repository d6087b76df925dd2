"""A workflow that sends a value through every way into and out of a run that the SDK encodes."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError, ApplicationError
from typing_extensions import TypedDict

SECONDS = timedelta(seconds=10)


class Value(TypedDict):
    secret: str


@activity.defn(name="tour.echo")
async def echo(value: Value) -> Value:
    activity.heartbeat(value)
    return value


@activity.defn(name="tour.fail")
async def fail(value: Value) -> None:
    raise ApplicationError(f"failed over {value['secret']}", value, type="tour", non_retryable=True)


@workflow.defn(name="TourChild")
class TourChild:
    def __init__(self) -> None:
        self.told: list[Value] = []

    @workflow.run
    async def run(self, value: Value) -> list[Value]:
        await workflow.wait_condition(lambda: len(self.told) == 2)
        return [value, *self.told]

    @workflow.signal
    def tell(self, value: Value) -> None:
        self.told.append(value)


@workflow.defn(name="Tour")
class Tour:
    @workflow.init
    def __init__(self, value: Value, round_: int) -> None:
        self.value = value
        self.told: list[Value] = []
        self.seen: dict[str, Any] = {}
        self.leave = False

    @workflow.run
    async def run(self, value: Value, round_: int) -> dict[str, Any]:
        if round_ == 0:
            workflow.continue_as_new(args=[value, 1])
        seen = self.seen
        seen["start"] = value
        seen["memo"] = workflow.memo_value("note", type_hint=Value)
        seen["activity"] = await workflow.execute_activity(echo, value, start_to_close_timeout=SECONDS)
        seen["local"] = await workflow.execute_local_activity(echo, value, start_to_close_timeout=SECONDS)
        failed = await asyncio.gather(
            workflow.execute_activity(fail, value, start_to_close_timeout=SECONDS), return_exceptions=True
        )
        cause = failed[0].__cause__
        assert isinstance(cause, ApplicationError)
        seen["failure"] = {"message": cause.message, "details": list(cause.details)}
        child = await workflow.start_child_workflow(
            TourChild.run, value, id=workflow.info().workflow_id + "-child", memo={"note": value}
        )
        await child.signal(TourChild.tell, value)
        external = workflow.get_external_workflow_handle_for(TourChild.run, child.id)
        await external.signal(TourChild.tell, value)
        seen["child"] = await child
        workflow.upsert_memo({"late": value})
        slow = workflow.start_activity(echo, value, start_to_close_timeout=SECONDS, task_queue="nobody")
        await asyncio.sleep(0.01)
        slow.cancel()
        seen["cancelled"] = isinstance((await asyncio.gather(slow, return_exceptions=True))[0], ActivityError)
        await workflow.wait_condition(lambda: self.leave)
        seen["told"] = self.told
        return seen

    @workflow.signal
    def tell(self, value: Value) -> None:
        self.told.append(value)

    @workflow.update
    def swap(self, value: Value) -> Value:
        if value["secret"] == "refuse":
            raise ApplicationError("refused over refuse", value, type="tour")
        return value

    @swap.validator
    def check(self, value: Value) -> None:
        if value["secret"] == "invalid":
            raise ApplicationError("invalid over invalid", value, type="tour")

    @workflow.query
    def look(self, value: Value) -> Value:
        return value

    @workflow.update
    def finish(self) -> None:
        self.leave = True


@workflow.defn(name="TourTwice")
class TourTwice:
    """Asks the same activity twice, the second time where a stranger may poll."""

    @workflow.run
    async def run(self, elsewhere: str) -> list[str]:
        first = await workflow.execute_activity(echo, Value(secret="yes"), start_to_close_timeout=SECONDS)
        second = await workflow.execute_activity(
            echo, Value(secret="no"), start_to_close_timeout=SECONDS, task_queue=elsewhere
        )
        return [first["secret"], second["secret"]]
