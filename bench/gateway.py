"""The gateway under load, on the embedded stack: a full board with many looking at it, and apart from that a burst.

Everything runs on this machine: engine, worker, gateway, sandbox, and the browsers and senders that are made up here,
so what is printed includes their share of the processors. Counts are judged, times are printed: none of the triggers is
lost, none doubled, every answer is a yes or says when to come again; what the ledger and the engine hold decides.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from bench.crowd import BOARD, Screen, Tally, send_burst, sign_in
from schemas.incident import INCIDENT_WORKFLOW
from schemas.ledger import EntryKind
from watchfloor.client.face import Face, connect
from watchfloor.identity.machines import SCOPES, Machines
from watchfloor.ledger import SqliteLedger
from watchfloor.runtime.settings import RegionSettings
from watchfloor.runtime.stack import EmbeddedStack
from watchfloor.signing import render_instant

REGION, RUNBOOK, COMPARTMENT = "eu", "eu-tco-removal-order", "terror"
PEOPLE = ("commander-eu-1", "counsel-1", "ops-1", "policy-1", "exec-1", "liaison-1")
SENDERS = 20
TWICE = 0.1
"""Share of the triggers of the burst that are sent twice at once."""
PAINT, SCREEN = 0.150, 1.0
"""Seconds that are aimed at: server time of the board's first paint, event to screen; p95 of each."""
PATIENCE = 900.0
LOST, DOUBLED, OTHERS = "lost", "doubled", "other answers"


@dataclass(frozen=True, slots=True)
class Place:
    """A running stack and who may come in."""

    url: str
    keys: list[str]
    settings: RegionSettings
    face: Face
    stack: EmbeddedStack

    def order(self, name: str) -> tuple[str, Any]:
        """An order of which the checks fail, so that it stands on the board with a question: key and body."""
        inputs = {
            "order_id": name,
            "received_at": render_instant(datetime.now(UTC)),
            "urls": [f"https://videos.example.test/v/{name}"],
            "issuing_state": "DE",
        }
        return name, {"runbook": RUNBOOK, "inputs": inputs}


@asynccontextmanager
async def running_place(names: list[str]) -> AsyncIterator[Place]:
    """A stack of one region in a folder of its own, in which these orders are doubtful."""
    with TemporaryDirectory(prefix="watchfloor-bench-") as folder:
        async with EmbeddedStack(Path(folder) / "home", regions=(REGION,), usual_ports=False) as stack:
            settings = stack.settings(REGION)
            machines = Machines(settings.machines_path)
            keys = [
                machines.make(f"sender_{nth}", SCOPES, valid_for=timedelta(days=1), clearances=(COMPARTMENT,))[1]
                for nth in range(SENDERS)
            ]
            doubtful = [{"order_id": name, "authentic": True, "failures": ["signature_page_missing"]} for name in names]
            async with httpx2.AsyncClient(base_url=stack.record.sandbox.url, trust_env=False, timeout=60) as sandbox:
                for turn in range(0, len(doubtful), 100):
                    (await sandbox.post("/_sandbox/orders", json=doubtful[turn : turn + 100])).raise_for_status()
            yield Place(stack.record.regions[REGION].gateway_url, keys, settings, await connect(settings), stack)


async def measure_gateway(
    incidents: int = 200, browsers: int = 50, triggers: int = 1000, *, looks: int = 100, events: int = 20
) -> dict[str, float]:
    """Board and burst; prints a table and gives what is in it."""
    standing = [f"DE-OPEN-{nth:05}" for nth in range(incidents)]
    coming = [f"DE-NEWS-{nth:05}" for nth in range(events)]
    burst = [f"DE-RUSH-{nth:05}" for nth in range(triggers)]
    print(f"gateway on {os.cpu_count()} processors, load before {os.getloadavg()[0]:.1f}, everything on this machine")
    found: dict[str, float] = {}
    async with running_place([*standing, *coming, *burst]) as place:
        await _fill(place, standing)
        with _processors(place, "board"):
            found |= await _measure_board(place, incidents, browsers, looks, coming)
        with _processors(place, "burst"):
            found |= await _measure_burst(place, burst, len(standing) + len(coming))
    return found


def judge_counts(found: Mapping[str, float]) -> str:
    """What is wrong, in words; empty when nothing was lost, doubled, or answered otherwise. Times are not judged."""
    wrong = [f"{found[name]:.0f} {name}" for name in (LOST, DOUBLED, OTHERS) if found[name]]
    return f"of the triggers: {', '.join(wrong)}" if wrong else ""


async def _fill(place: Place, names: list[str]) -> None:
    """Open incidents and wait until each asks its question."""
    tally, keys = Tally(), cycle(place.keys)
    await send_burst(place.url, [(next(keys), *place.order(name)) for name in names], tally)
    await _asking(place, len(names))


async def _asking(place: Place, count: int) -> float:
    """Wait until so many incidents ask; gives when that was seen. Reads as a dashboard does: only what changed."""
    asking, since, until = set[str](), "", time.perf_counter() + PATIENCE
    headers = {"authorization": f"Bearer {place.keys[0]}"}
    async with httpx2.AsyncClient(base_url=place.url, trust_env=False, timeout=60, headers=headers) as http:
        while time.perf_counter() < until:
            answer = await http.get("/api/v1/boards", params={"since": since, "limit": 100})
            if answer.status_code == 200:
                page = answer.json()
                asking |= {board["workflow"] for board in page["boards"] if board["asks"]}
                since = page["revision"]
                if len(asking) >= count:
                    return time.perf_counter()
                if page["more"]:
                    continue
            await asyncio.sleep(0.25)
    raise TimeoutError(f"{len(asking)} of {count} incidents ask after {PATIENCE:.0f} s")


async def _measure_board(
    place: Place, incidents: int, browsers: int, looks: int, coming: list[str]
) -> dict[str, float]:
    people = cycle([await sign_in(place.url, person) for person in PEOPLE])
    reading = {"authorization": f"Bearer {place.keys[0]}"}
    crowd = [
        Screen(place.url, reading, page="") if nth % 5 == 4 else Screen(place.url, next(people))
        for nth in range(browsers)
    ]
    ready = [asyncio.Event() for _ in crowd]
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(one.follow(event)) for one, event in zip(crowd, ready, strict=True)]
        for event in ready:
            await event.wait()
        paints, size = await _paint(place, looks, next(people))
        delays, missed = await _tell(place, crowd, coming, incidents)
        for task in following:
            task.cancel()
    print(f"  board: {incidents} open incidents, {browsers} connected (looked {sum(one.looks for one in crowd)} times)")
    print(f"    first paint {size // 1024} KiB{'':<14}{_spread(paints)}   aim p95 < {1000 * PAINT:.0f} ms")
    print(f"    event to screen{'':<18}{_spread(delays)}   aim p95 < {1000 * SCREEN:.0f} ms; {missed} never came")
    return {
        "paint p95": _share(paints, 0.95),
        "event to screen p95": _share(delays, 0.95),
        "screens that never showed it": float(missed),
    }


async def _paint(place: Place, looks: int, headers: dict[str, str]) -> tuple[list[float], int]:
    """Seconds of each look at the board, from the request to the last byte, and its size."""
    times, size = [], 0
    async with httpx2.AsyncClient(base_url=place.url, trust_env=False, timeout=60, headers=headers) as http:
        for _ in range(looks):
            began = time.perf_counter()
            answer = await http.get(BOARD)
            times.append(time.perf_counter() - began)
            answer.raise_for_status()
            size = len(answer.content)
            await asyncio.sleep(0.1)
    return times, size


async def _tell(place: Place, crowd: list[Screen], coming: list[str], standing: int) -> tuple[list[float], int]:
    """Open incidents one after the other; from each acknowledgement to each screen that counts it, in seconds."""
    delays, missed = list[float](), 0
    headers = {"authorization": f"Bearer {place.keys[1]}"}
    async with httpx2.AsyncClient(base_url=place.url, trust_env=False, timeout=60, headers=headers) as http:
        for nth, name in enumerate(coming, start=1):
            named, body = place.order(name)
            for one in crowd:
                if one.page:
                    one.waits[named] = f"<b>{standing + nth}</b> incident"
            answer = await http.post("/api/v1/incidents", json=body, headers={"idempotency-key": named})
            told = time.perf_counter()
            for one in crowd:
                if not one.page:
                    one.waits[named] = answer.raise_for_status().json()["incident"]
            for _ in range(200):
                if all(named in one.seen for one in crowd):
                    break
                await asyncio.sleep(0.05)
            delays += [max(0.0, one.seen[named] - told) for one in crowd if named in one.seen]
            missed += sum(named not in one.seen for one in crowd)
            await asyncio.sleep(1)
    return delays, missed


async def _measure_burst(place: Place, names: list[str], before: int) -> dict[str, float]:
    keys = cycle(place.keys)
    orders = [(next(keys), *place.order(name)) for name in names]
    again = orders[:: round(1 / TWICE)]
    tally, began = Tally(), time.perf_counter()
    await send_burst(place.url, [*orders, *again], tally)
    accepted = time.perf_counter() - began
    drained = await _asking(place, before + len(names)) - began
    lost, doubled = await _count(place, tally, names, before)
    memory = _resident(place.stack.pids()[f"gateway-{REGION}"])
    print(f"  burst: {len(names)} triggers at once of {len(place.keys)} senders, {len(again)} of them twice")
    print(f"    to the acknowledgement, tries and all{'':<1}{_spread(tally.waited)}")
    print(f"    an accepted request alone{'':<8}{_spread(tally.answered)}")
    print(f"    shed {tally.shed} (told to come again), accepted after {accepted:.1f} s, drained after {drained:.1f} s")
    print(f"    lost {lost}, doubled {doubled}, other answers {dict(tally.others) or 0}; gateway {memory} MiB resident")
    return {
        "acknowledged p95": _share(tally.waited, 0.95),
        "accepted": accepted,
        "drained": drained,
        "shed": float(tally.shed),
        LOST: float(lost),
        DOUBLED: float(doubled),
        OTHERS: float(sum(tally.others.values()) + tally.unpaced),
    }


async def _count(place: Place, tally: Tally, names: list[str], before: int) -> tuple[int, int]:
    """How many are lost and how many doubled, by what the engine runs and the ledger holds, whatever was answered."""
    running = [run.id async for run in place.face.client.list_workflows(f"WorkflowType = '{INCIDENT_WORKFLOW}'")]
    opened: dict[str, int] = {}
    with SqliteLedger(place.settings.ledger_path) as ledger:
        for chain in ledger.chains():
            if chain.startswith("inc-"):
                opened[chain] = sum(entry["kind"] == EntryKind.OPENED for entry in ledger.read(chain))
    told = [tally.accepted.get(name, set()) for name in names]
    lost = sum(not one or not one <= set(running) or not one <= set(opened) for one in told)
    doubled = (
        sum(len(one) > 1 for one in told)
        + max(0, len(running) - before - len(names))
        + sum(count > 1 for count in opened.values())
        + sum(count > 1 for count in tally.started.values())
    )
    return lost, doubled


def _resident(pid: int) -> int:
    """MiB of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // (1024 * 1024)


@contextmanager
def _processors(place: Place, what: str) -> Iterator[None]:
    """Print what each process took of the processors meanwhile: on a shared machine times say less than this."""
    pids = {**place.stack.pids(), "screens and senders": os.getpid()}
    before, began = {name: _used(pid) for name, pid in pids.items()}, time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    used = ", ".join(f"{name} {_used(pid) - before[name]:.1f}" for name, pid in pids.items())
    print(f"    processor seconds in the {seconds:.0f} s of the {what}: {used}")


def _used(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _spread(times: list[float]) -> str:
    median, p95, worst = statistics.median(times), _share(times, 0.95), max(times)
    return f"median {1000 * median:>8.1f} ms   p95 {1000 * p95:>8.1f} ms   worst {1000 * worst:>8.1f} ms"


def _share(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
