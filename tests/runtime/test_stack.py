"""The whole stack, for real: started, killed, started again, watched over, stopped. One home, tests in order."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from temporalio.client import Client

from schemas.incident import SEARCH_ATTRIBUTES
from watchfloor.regions.keys import RegionKeys
from watchfloor.runtime import doctor
from watchfloor.runtime.doctor_engine import region_engine
from watchfloor.runtime.engine import attributes_of, await_pollers, ensure_namespace, retention_of
from watchfloor.runtime.ports import is_free
from watchfloor.runtime.processes import is_alive
from watchfloor.runtime.refusal import StackRefused
from watchfloor.runtime.settings import load
from watchfloor.runtime.stack import EmbeddedStack
from watchfloor.runtime.stackfile import StackRecord, read_stack

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("stack")]

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import asyncio, sys
from pathlib import Path
from watchfloor.runtime.stack import EmbeddedStack

async def main():
    stack = EmbeddedStack(Path(sys.argv[1]), usual_ports=False, sandbox_latency_ms=0)
    await stack.start()
    print("up", flush=True)
    await stack.wait()

asyncio.run(main())
"""


class Yesterday:
    """What a stack that was killed has left: its home, its record, a run it carried."""

    def __init__(self, home: Path, record: StackRecord, run_id: str) -> None:
        self.home = home
        self.record = record
        self.run_id = run_id
        self.public = {region: (home / region / "public.json").read_text() for region in record.regions}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Yesterday:
    """A stack of another process, killed with -9 after it had started a run."""
    home = tmp_path_factory.mktemp("stack") / "home"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, parent.stdout.readline) == b"up\n"
    record = read_stack(home)
    assert record is not None
    client = await Client.connect(record.temporal.address, namespace="us")
    handle = await client.start_workflow("Nobody", id="run-of-yesterday", task_queue="nobody")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    return Yesterday(home, record, str(handle.first_execution_run_id))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stack(yesterday: Yesterday) -> AsyncIterator[EmbeddedStack]:
    stack = EmbeddedStack(yesterday.home, usual_ports=False, sandbox_latency_ms=0)
    await stack.start()
    yield stack
    await stack.stop()


async def test_a_killed_parent_leaves_no_process_of_the_stack(yesterday: Yesterday) -> None:
    assert set(yesterday.record.processes) == {
        *("temporal", "sandbox", "gateway-us", "gateway-eu", "worker-us", "worker-eu")
    }
    until = time.monotonic() + 5
    while any(is_alive(process) for process in yesterday.record.processes.values()):
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_doctor_tells_a_stack_that_died_from_one_that_runs(yesterday: Yesterday) -> None:
    from watchfloor.runtime.doctor_home import stack_record

    (check,) = stack_record(yesterday.home)
    assert check.level == "warn"
    assert "ended without stopping" in check.found


async def test_a_second_start_finds_yesterdays_run(yesterday: Yesterday, stack: EmbeddedStack) -> None:
    client = await Client.connect(stack.record.temporal.address, namespace="us")
    described = await client.get_workflow_handle("run-of-yesterday").describe()
    assert described.run_id == yesterday.run_id


async def test_a_second_start_keeps_addresses_and_keys(yesterday: Yesterday, stack: EmbeddedStack) -> None:
    now, before = stack.record, yesterday.record
    assert set(now.regions) == set(before.regions)
    for old, new in (
        (before.temporal.address, now.temporal.address),
        (before.temporal.ui_url, now.temporal.ui_url),
        (before.sandbox.url, now.sandbox.url),
        *((before.regions[name].gateway_url, now.regions[name].gateway_url) for name in now.regions),
    ):
        # another server of this machine may have taken the port in between
        assert new == old or not is_free(int(old.rpartition(":")[2])), (old, new)
    for region, text in yesterday.public.items():
        assert (yesterday.home / region / "public.json").read_text() == text
        assert RegionKeys.load(yesterday.home / region / "keys").public.to_json() == json.loads(text)


@pytest.mark.parametrize("region", ["us", "eu"])
async def test_each_namespace_keeps_runs_for_thirty_days_and_has_the_search_attributes(
    stack: EmbeddedStack, region: str
) -> None:
    client = await Client.connect(stack.record.temporal.address)
    assert await retention_of(client, region) == timedelta(days=30)
    assert await attributes_of(client, region) == SEARCH_ATTRIBUTES


async def test_a_namespace_that_keeps_runs_for_a_day_is_refused_with_the_command(stack: EmbeddedStack) -> None:
    client = await Client.connect(stack.record.temporal.address)
    with pytest.raises(StackRefused) as caught:
        await ensure_namespace(client, "default")
    assert caught.value.found == "namespace `default` keeps closed runs for 24 h"
    assert caught.value.fix == "temporal operator namespace update --namespace default --retention 30d"


async def test_a_search_attribute_of_another_type_is_refused_and_left_alone(stack: EmbeddedStack) -> None:
    client = await Client.connect(stack.record.temporal.address)
    await ensure_namespace(client, "other", attributes={"WatchfloorPhase": "Int"})
    with pytest.raises(StackRefused) as caught:
        await ensure_namespace(client, "other")
    assert "'WatchfloorPhase': 'Int'" in caught.value.found
    assert caught.value.expected == "WatchfloorPhase Keyword"
    assert await attributes_of(client, "other") == {"WatchfloorPhase": "Int"}


@pytest.mark.parametrize("region", ["us", "eu"])
async def test_each_region_has_a_worker_a_gateway_and_the_other_as_its_peer(stack: EmbeddedStack, region: str) -> None:
    settings = stack.settings(region)
    client = await Client.connect(settings.address, namespace=settings.namespace)
    pid = stack.pids()[f"worker-{region}"]
    await asyncio.wait_for(await_pollers(client, settings.namespace, settings.task_queue, pid), 5)
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{settings.gateway_url}/healthz")).status_code == 200
        metrics = await http.get(stack.record.regions[region].metrics_url)
    assert "temporal_" in metrics.text
    (peer,) = settings.peers.values()
    other = {"us": "eu", "eu": "us"}[region]
    assert peer.region == other
    assert peer.keys == RegionKeys.load(stack.home / other / "keys").public
    assert settings.people_path.is_file()


async def test_everything_in_the_home_is_its_owners_alone(stack: EmbeddedStack) -> None:
    """Also what others write for the stack: the server's database, the sandbox's, every log."""
    assert stack.home.stat().st_mode & 0o077 == 0
    made = list(stack.home.rglob("*"))
    names = {each.name for each in made}
    assert {"temporal.sqlite", "sandbox.sqlite", "worker-us.jsonl", "ledger.sqlite", "deliveries.sqlite"} <= names
    assert [str(each) for each in made if each.exists() and each.stat().st_mode & 0o077] == []


async def test_a_second_stack_in_the_same_home_is_refused_and_disturbs_nothing(stack: EmbeddedStack) -> None:
    before = stack.pids()
    with pytest.raises(StackRefused) as caught:
        await EmbeddedStack(stack.home, usual_ports=False).start()
    assert f"(pid {os.getpid()})" in caught.value.found
    assert stack.pids() == before
    assert read_stack(stack.home) == stack.record


async def test_doctor_finds_a_running_stack_healthy(stack: EmbeddedStack) -> None:
    checks = await asyncio.get_running_loop().run_in_executor(None, lambda: doctor.run(stack.home, environ={}))
    assert {check.name: check.found for check in checks if check.level == "fail"} == {}
    by_name = {check.name: check for check in checks}
    for name in ("temporal us", "retention eu", "search attributes us", "bindings eu", "clock", "people", "keys us"):
        assert by_name[name].level == "ok", by_name[name]
    assert by_name["stack"].found.startswith("runs since")


async def test_doctor_names_what_a_namespace_lacks_and_the_command_that_mends_it(stack: EmbeddedStack) -> None:
    environ = {"TEMPORAL_ADDRESS": stack.record.temporal.address, "TEMPORAL_NAMESPACE": "default"}
    reached, retention, attributes = await region_engine(load("us", stack.home, environ=environ))
    assert (reached.level, retention.level, attributes.level) == ("ok", "warn", "fail")
    assert retention.fix == "temporal operator namespace update --namespace default --retention 30d"
    assert "--name WatchfloorDue --type Datetime" in attributes.fix


async def test_what_dies_by_itself_is_started_again_and_said(stack: EmbeddedStack) -> None:
    said: list[tuple[str, str]] = []
    stack._progress = lambda part, state, _detail: said.append((part, state))
    before = stack.pids()["sandbox"]
    os.kill(before, signal.SIGKILL)
    until = time.monotonic() + 20
    while ("sandbox", "ready") not in said:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert said == [(("sandbox"), state) for state in ("died", "restarting", "starting", "ready")]
    assert stack.pids()["sandbox"] != before
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{stack.record.sandbox.url}/healthz")).status_code == 200


async def test_a_server_killed_on_purpose_stays_down_until_restarted_and_its_workers_come_back(
    stack: EmbeddedStack,
) -> None:
    await stack.kill("temporal")
    assert "temporal" not in stack.pids()
    record = read_stack(stack.home)
    assert record is not None
    assert "temporal" not in record.processes
    await stack.restart("temporal")
    client = await Client.connect(stack.record.temporal.address, namespace="us")
    assert (await client.get_workflow_handle("run-of-yesterday").describe()).id == "run-of-yesterday"
    worker = stack.pids()["worker-us"]
    await asyncio.wait_for(await_pollers(client, "us", "watchfloor-us", worker), 20)
    with pytest.raises(StackRefused, match="no process `nothing`"):
        await stack.kill("nothing")


async def test_the_operators_worker_joins_a_cluster_named_by_temporals_variables(
    stack: EmbeddedStack, tmp_path: Path
) -> None:
    """`python worker.py --region us`, as an operator runs it: another home of the same keys, no embedded stack."""
    settings = stack.settings("us")
    (tmp_path / "us").symlink_to(stack.home / "us")
    (tmp_path / "people.yaml").write_text(settings.people_path.read_text())
    (tmp_path / "bindings.yaml").write_text(settings.bindings_path.read_text())
    variables = "\n".join(f'{name} = "{value}"' for name, value in settings.variables.items())
    (tmp_path / "watchfloor.toml").write_text(f"[regions.us.variables]\n{variables}\n")
    environ = {
        "PATH": os.environ["PATH"],
        "WATCHFLOOR_HOME": str(tmp_path),
        "TEMPORAL_ADDRESS": settings.address,
        "TEMPORAL_NAMESPACE": "us",
    }
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "worker.py"), "--region", "us"),
        env=environ,
        stderr=asyncio.subprocess.PIPE,
    )
    client = await Client.connect(settings.address, namespace="us")
    polls = asyncio.create_task(await_pollers(client, "us", settings.task_queue, worker.pid))
    ends = asyncio.create_task(worker.wait())
    await asyncio.wait({polls, ends}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    polled, ended = polls.done(), ends.done()
    polls.cancel()
    if not ended:
        worker.terminate()
    _, said = await asyncio.wait_for(worker.communicate(), 10)
    assert polled, said.decode()
    assert not ended, said.decode()
    assert worker.returncode == 0
    events = [json.loads(line) for line in said.splitlines()]
    assert [event["event"] for event in events if event["logger"] == "watchfloor.runtime.worker"] == [
        *("worker started", "worker stopping", "worker stopped")
    ]
    assert not (tmp_path / "logs").exists()


async def test_a_stopped_stack_leaves_no_process_and_no_record_but_its_data(stack: EmbeddedStack) -> None:
    record = stack.record
    await stack.stop()
    assert not any(is_alive(process) for process in record.processes.values())
    assert read_stack(stack.home) is None
    assert (stack.home / "temporal.sqlite").is_file()
    assert stack.pids() == {}
