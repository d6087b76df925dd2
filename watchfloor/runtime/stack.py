"""The embedded stack: a real Temporal server, the sandbox platform, and gateway and worker of each region, on loopback.

Everything lies in one home directory; a second start finds yesterday's runs. Every process is tied to this one and goes
with it. What dies by itself is started again, and said so. `<home>/stack.json` tells faces where everything is.

    async with EmbeddedStack(home) as stack:
        await stack.wait()
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Self

from temporalio.client import Client

from watchfloor.identity.people import DEVELOPMENT_PEOPLE
from watchfloor.identity.rota_file import DEVELOPMENT_ROTAS
from watchfloor.runtime.engine import RETENTION, ServerPorts, ensure_namespace
from watchfloor.runtime.homelock import hold_home
from watchfloor.runtime.ports import LOOPBACK, choose_ports
from watchfloor.runtime.processes import (
    PRIVATE,
    Child,
    Program,
    await_ready,
    birth_of,
    kill_child,
    launch,
    pause_before_restart,
    stop_child,
)
from watchfloor.runtime.programs import (
    child_environ,
    gateway_program,
    provision_command,
    sandbox_program,
    server_program,
    worker_program,
)
from watchfloor.runtime.refusal import StackRefused
from watchfloor.runtime.settings import RegionSettings, find_home, load
from watchfloor.runtime.stackfile import (
    ProcessRecord,
    RegionRecord,
    SandboxRecord,
    StackRecord,
    TemporalRecord,
    remove_stack,
    write_stack,
)

REGIONS = ("us", "eu")

Progress = Callable[[str, str, str], None]
"""Called with a part, its new state and a detail. States: starting, ready, died, restarting, stopping, stopped."""


def _silent(_part: str, _state: str, _detail: str) -> None:
    return None


class EmbeddedStack:
    """One stack in one home. Start and stop it once, from the main thread."""

    def __init__(
        self,
        home: Path | None = None,
        *,
        regions: Sequence[str] = REGIONS,
        usual_ports: bool = True,
        power_safe: bool = False,
        sandbox_latency_ms: float = 4.0,
        retention: timedelta = RETENTION,
    ) -> None:
        self.home = find_home(home)
        self.regions = tuple(regions)
        self._usual_ports = usual_ports
        self._power_safe = power_safe
        self._sandbox_latency_ms = sandbox_latency_ms
        self._retention = retention
        self._children: dict[str, Child] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._progress: Progress = _silent
        self._record: StackRecord | None = None
        self._hold: IO[str] | None = None
        self._stopped = asyncio.Event()
        self._stopping = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def record(self) -> StackRecord:
        """What `stack.json` says.

        Raises:
            StackRefused: the stack is not started.
        """
        if self._record is None:
            raise StackRefused("the stack is not running", expected="a started stack", fix="await `start()` first")
        return self._record

    def settings(self, region: str) -> RegionSettings:
        """The settings of one of its regions, whatever the environment says."""
        return load(region, self.home, environ={}, embedded=True)

    def pids(self) -> dict[str, int]:
        """Pid of every process that runs, by name: temporal, sandbox, gateway-us, worker-us, ..."""
        return {name: child.pid for name, child in self._children.items() if child.process.returncode is None}

    async def start(self, progress: Progress = _silent) -> None:
        """Start everything and return when all of it answers.

        Raises:
            StackRefused: a stack runs in this home already, or a part does not start; then nothing stays running.
        """
        self._progress = progress
        self._hold = hold_home(self.home)
        try:
            await self._start_all()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything in order, workers first, and forget `stack.json`. The data stays."""
        self._stopping = True
        served = ("gateway-", "sandbox", "temporal")
        for group in (
            [name for name in self._children if not name.startswith(served)],
            [name for name in self._children if name.startswith(("gateway-", "sandbox"))],
            [name for name in self._children if name.startswith("temporal")],
        ):
            await asyncio.gather(*(self._stop_one(name) for name in group))
        self._children.clear()
        if self._hold is not None:
            remove_stack(self.home)
            self._hold.close()
            self._hold = None
        self._record = None
        self._stopped.set()

    async def wait(self) -> None:
        """Return when the stack has been stopped, by `stop`, SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        try:
            waiting = [asyncio.ensure_future(asked.wait()), asyncio.ensure_future(self._stopped.wait())]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        if not self._stopped.is_set():
            await self.stop()

    async def kill(self, name: str) -> None:
        """Kill one process with SIGKILL, as a crash would. It stays down until `restart`."""
        child = self._find(name)
        await self._unwatch(name)
        await kill_child(child)
        self._publish()

    async def restart(self, name: str) -> None:
        """Start one process again, ending it first if it runs, and return when it answers."""
        child = self._find(name)
        await self._unwatch(name)
        await stop_child(child)
        await self._run(child.program)
        self._publish()

    def _find(self, name: str) -> Child:
        if name not in self._children:
            raise StackRefused(
                f"the stack has no process `{name}`", expected=", ".join(self._children), fix="name one of these"
            )
        return self._children[name]

    async def _start_all(self) -> None:
        parts = ["temporal", "ui", "http", "metrics", "sandbox", "smtp"]
        for region in self.regions:
            parts += [f"gateway-{region}", f"metrics-{region}"]
        ports = choose_ports(self.home, parts, usual=self._usual_ports)
        address = f"{LOOPBACK}:{ports['temporal']}"
        if not (self.home / "people.yaml").exists():
            _copy(DEVELOPMENT_PEOPLE, self.home / "people.yaml")
            if not (self.home / "rotas.yaml").exists():
                _copy(DEVELOPMENT_ROTAS, self.home / "rotas.yaml")
        public: dict[str, dict[str, dict[str, str]]] = {}
        await _all([self._start_server(address, ports), *(self._provision(region, public) for region in self.regions)])
        self._record = StackRecord(
            owner=ProcessRecord(pid=os.getpid(), born=birth_of(os.getpid())),
            started_at=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            temporal=TemporalRecord(address=address, ui_url=f"http://{LOOPBACK}:{ports['ui']}"),
            sandbox=SandboxRecord(
                url=f"http://{LOOPBACK}:{ports['sandbox']}", smtp_host=LOOPBACK, smtp_port=ports["smtp"]
            ),
            regions={
                region: RegionRecord(
                    namespace=region,
                    gateway_url=f"http://{LOOPBACK}:{ports[f'gateway-{region}']}",
                    metrics_url=f"http://{LOOPBACK}:{ports[f'metrics-{region}']}/metrics",
                    public_keys=public[region],
                )
                for region in self.regions
            },
            processes={name: child.record for name, child in self._children.items()},
        )
        write_stack(self.home, self._record)
        programs = [sandbox_program(self.home, self._record, latency_ms=self._sandbox_latency_ms)]
        for region in self.regions:
            programs += [gateway_program(self.home, self._record, region)]
            programs += [worker_program(self.home, self._record, region)]
        await _all(self._run(program) for program in programs)
        self._publish()

    async def _start_server(self, address: str, ports: Mapping[str, int]) -> None:
        mine = ServerPorts(ports["temporal"], ports["ui"], ports["http"], ports["metrics"])
        await self._run(server_program(self.home, mine, power_safe=self._power_safe))
        client = await Client.connect(address)
        self._progress("namespaces", "starting", ", ".join(self.regions))
        await _all(ensure_namespace(client, region, retention=self._retention) for region in self.regions)
        self._progress("namespaces", "ready", f"closed runs are kept for {self._retention.days} days")

    async def _provision(self, region: str, public: dict[str, dict[str, dict[str, str]]]) -> None:
        process = await asyncio.create_subprocess_exec(
            *provision_command(self.home, region),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environ(self.home),
            umask=PRIVATE,
        )
        try:
            output, problem = await process.communicate()
        finally:
            if process.returncode is None:  # another part failed to start, and this one is no longer wanted
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise StackRefused(
                f"the home of region `{region}` cannot be used: {problem.decode(errors='replace').strip()}",
                expected=f"{self.home / region} with keys that only its owner may read",
                fix="correct the file named; to begin anew, move the whole home away",
            )
        public[region] = json.loads(output)

    async def _run(self, program: Program) -> None:
        for left in reversed(range(program.tries)):
            self._progress(program.name, "starting", "")
            child = self._children[program.name] = await launch(program)
            try:
                await await_ready(child)
                break
            except StackRefused:
                if not left or child.process.returncode is None:
                    raise
        self._progress(program.name, "ready", f"pid {child.pid}")
        if program.name not in self._watches:
            self._watches[program.name] = asyncio.create_task(self._watch(program.name), name=f"watch-{program.name}")

    async def _watch(self, name: str) -> None:
        """Start a process again whenever it ends by itself."""
        restarts = 0
        while True:
            child = self._children[name]
            code = await child.process.wait()
            lived = asyncio.get_running_loop().time() - child.started
            pause = pause_before_restart(timedelta(seconds=lived), restarts)
            restarts = restarts + 1 if pause else 1
            logs = child.program.log.with_suffix(".*")
            self._progress(name, "died", f"exit code {code} after {lived:.0f} s; see {logs}")
            self._publish()
            await asyncio.sleep(pause)
            self._progress(name, "restarting", f"time {restarts}")
            try:
                await self._run(child.program)
            except StackRefused as error:
                self._progress(name, "died", error.found)
                await stop_child(self._children[name])
                continue
            self._publish()

    async def _unwatch(self, name: str) -> None:
        watch = self._watches.pop(name, None)
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _stop_one(self, name: str) -> None:
        self._progress(name, "stopping", "")
        await self._unwatch(name)
        await stop_child(self._children[name])
        self._progress(name, "stopped", "")

    def _publish(self) -> None:
        if self._record is not None and not self._stopping:
            running = {name: child.record for name, child in self._children.items() if child.process.returncode is None}
            self._record = self._record.model_copy(update={"processes": running})
            write_stack(self.home, self._record)


def _copy(shipped: Path, to: Path) -> None:
    to.touch(mode=0o600)
    shutil.copyfile(shipped, to)


async def _all(parts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all parts at once; the first failure ends the others and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
