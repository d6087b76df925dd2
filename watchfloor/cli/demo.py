"""`watchfloor demo`: one real incident from the order to the review, told while it runs, checked at the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.cli.board_view import short_id
from watchfloor.cli.clock_bars import clock_rows, render_clock
from watchfloor.cli.console import console, print_json
from watchfloor.cli.demo_account import Account, Line
from watchfloor.cli.demo_cast import Cast
from watchfloor.cli.demo_checks import Check, Evidence, run_checks
from watchfloor.cli.demo_platform import Sandbox
from watchfloor.cli.demo_script import Script, read_script, script_folder
from watchfloor.cli.reviews import find_review
from watchfloor.cli.stores import RegionStore, region_stores
from watchfloor.cli.views import incoming_id
from watchfloor.client.asks import Family, family
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face, connect
from watchfloor.client.library import plan_for_start
from watchfloor.client.orders import Order, read_order_file
from watchfloor.client.runs import plan_of, start_incident
from watchfloor.connections.egress import Egress
from watchfloor.connections.guarded import open_guarded_client
from watchfloor.runtime.processes import is_alive
from watchfloor.runtime.settings import find_home, load
from watchfloor.runtime.stack import EmbeddedStack
from watchfloor.runtime.stackfile import StackRecord, read_stack

if TYPE_CHECKING:
    from schemas.plan import Plan

LOOK_EVERY = 0.4
JOURNAL = 16 * 1024 * 1024
"""Bytes of the sandbox's journal that are read."""
CLOCK_EVERY = 4.0
PATIENCE = 60.0
"""Seconds the incident may take; then the demo says where it stands and fails."""
_ENDED = {"closed", "failed", "aborted", "stopped"}
_TONES = {
    "phase": "bold cyan",
    "step": "",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "ask": "bold magenta",
    "fact": "blue",
    "clock": "bold",
    "hold": "bold blue",
    "hand": "bold yellow",
    "quiet": "dim",
    "says": "italic magenta",
}


def run_demo(home: Path | None, *, keep: bool, as_json: bool) -> bool:
    """Run the demo; true when every check holds.

    Raises:
        StackRefused: the stack does not start.
        EngineUnavailable: it does not answer.
    """
    return asyncio.run(_Demo(find_home(home), console(stderr=as_json), as_json).run(keep))


@dataclass(slots=True)
class _Demo:
    home: Path
    screen: Console
    as_json: bool
    began: float = field(default_factory=time.monotonic)

    async def run(self, keep: bool) -> bool:
        script = read_script(script_folder() / "people.yaml")
        plan, digest = plan_for_start(script.runbook)
        now = datetime.now(UTC)
        order = read_order_file(script_folder() / script.order, now=now)
        order = order.rekeyed(f"{order.key}-{now:%Y%m%dT%H%M%S%f}")
        async with self._stack(keep) as record:
            url = record.sandbox.url
            faces = {name: await connect(load(name, self.home, environ={}, embedded=True)) for name in record.regions}
            async with open_guarded_client(Egress.to(url), base_url=url, limit=JOURNAL) as http:
                sandbox = Sandbox(http)
                urls = [str(url) for url in order.inputs["urls"]]
                journal_from = await sandbox.prepare(urls, script.platform)
                self._intro(order, urls, script)
                started = await start_incident(faces[plan["command"]], plan, digest, order, now=now, relative=True)
                stores = {store.region: store for store in region_stores(self.home, None)}
                found = await self._accompany(faces, started.region, started.incident, script, stores, len(urls))
                evidence = Evidence(self.home, started.region, script, urls, found, sandbox, journal_from, stores)
                checks = await run_checks(evidence)
            passed = all(check.passed for check in checks)
            self._results(started.incident, found, checks, plan)
            self._where(record, started.incident, keep)
            if self.as_json:
                print_json(
                    {"incident": started.incident, "passed": passed, "checks": [asdict(each) for each in checks]}
                )
        return passed

    @asynccontextmanager
    async def _stack(self, keep: bool) -> AsyncIterator[StackRecord]:
        running = read_stack(self.home)
        if running is not None and is_alive(running.owner):
            self._note(f"using the stack that runs in {self.home}")
            yield running
            return
        stack = EmbeddedStack(self.home)

        def progress(part: str, state: str, detail: str) -> None:
            if state in {"ready", "died", "restarting"}:
                self._note(f"{part} {state} {detail}".rstrip())

        self._note(f"starting Temporal, the sandbox platform and two regions in {self.home}")
        async with AsyncExitStack() as held:
            await stack.start(progress)
            held.push_async_callback(stack.stop)
            self._note(f"up after {time.monotonic() - self.began:.1f} s")
            yield stack.record
            if keep:
                self.screen.print("The stack stays up until Ctrl-C.", style="bold")
                await stack.wait()

    async def _accompany(
        self,
        faces: dict[str, Face],
        home: str,
        incident: str,
        script: Script,
        stores: dict[str, RegionStore],
        items: int,
    ) -> Family:
        """Tell what happens until the incident has closed and its review is written; gives the last boards."""
        plan = await plan_of(faces[home], incident)
        cast = Cast(faces, home, incident, script, self._says)
        with contextlib.ExitStack() as open_ledgers:
            ledgers = {name: open_ledgers.enter_context(store.ledger()) for name, store in stores.items()}
            account = Account(ledgers, items)
            playing = asyncio.create_task(cast.play())
            try:
                return await self._follow(faces, home, incident, account, plan, playing)
            finally:
                playing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await playing

    async def _follow(
        self,
        faces: dict[str, Face],
        home: str,
        incident: str,
        account: Account,
        plan: "Plan",
        playing: "asyncio.Task[None]",
    ) -> Family:
        until = time.monotonic() + PATIENCE
        next_clock, found = time.monotonic() + 1.5, None
        while True:
            with contextlib.suppress(EngineUnavailable):
                found = await family(faces[home], incident)
            for line in account.news(_chains(faces, home, incident, found)):
                self._tell(line)
            if playing.done() and not playing.cancelled() and (failure := playing.exception()) is not None:
                raise failure
            over = time.monotonic() > until
            if found is not None and (over or (found.board["state"] in _ENDED and self._reviewed(home, incident))):
                if over:
                    self.screen.print(
                        f"not done after {PATIENCE:.0f} s; it stands in {found.board['phase']}", style="red"
                    )
                return found
            if found is None and over:
                raise EngineUnavailable(f"no worker answered for {PATIENCE:.0f} s; see {self.home / 'logs'}")
            if found is not None and time.monotonic() >= next_clock and found.board["state"] not in _ENDED:
                self._clocks(found, plan)
                next_clock = time.monotonic() + CLOCK_EVERY
            await asyncio.sleep(LOOK_EVERY)

    def _reviewed(self, region: str, incident: str) -> bool:
        try:
            return find_review(self.home, region, incident).html.is_file()
        except NotFound:
            return False

    def _stamp(self) -> str:
        return f"{time.monotonic() - self.began:5.1f}s"

    def _note(self, text: str) -> None:
        self.screen.print(Text(f"{self._stamp()}     {text}", style="dim"), soft_wrap=True)

    def _tell(self, line: Line) -> None:
        self.screen.print(Text(f"{self._stamp()} {line.region}  {line.text}", style=_TONES[line.tone]), soft_wrap=True)

    def _says(self, region: str, text: str) -> None:
        self.screen.print(Text(f"{self._stamp()} {region}  » {text}", style=_TONES["says"]), soft_wrap=True)

    def _clocks(self, found: Family, plan: "Plan") -> None:
        now = datetime.now(UTC)
        for row in clock_rows(found.board["clocks"], plan):
            if row.state["state"] in {"running", "breached"} and row.plan and row.plan["law"]["kind"] == "deadline":
                self.screen.print(Text(f"{self._stamp()}     ").append(render_clock(row, now)[0]), soft_wrap=True)

    def _intro(self, order: Order, urls: list[str], script: Script) -> None:
        self.screen.print()
        self.screen.print(
            Text(f"An order arrives: {script.runbook}, {len(urls)} items, received {order.received_at[:19]}Z")
        )
        for fault in script.platform.faults:
            self.screen.print(
                f"The platform will refuse one of them {fault.times} times with {fault.status}: {fault.url}"
            )
        self.screen.print("People answer from runbooks/demo/people.yaml, the way a responder does.")
        self.screen.print()

    def _results(self, incident: str, found: Family, checks: list[Check], plan: "Plan") -> None:
        table = Table(title=f"\n{found.board['title']}", title_justify="left", box=None, pad_edge=False)
        for column in ("", "CHECK", "FOUND"):
            table.add_column(column, overflow="fold")
        for check in checks:
            mark = Text("✓", style="green") if check.passed else Text("✗", style="bold red")
            table.add_row(mark, check.name, Text(check.found))
        self.screen.print(table)
        for row in clock_rows(found.board["clocks"], plan):
            for line in render_clock(row, datetime.now(UTC)):
                self.screen.print(line, soft_wrap=True)

    def _where(self, record: StackRecord, incident: str, keep: bool) -> None:
        region = next((name for name in record.regions if (self.home / name / "ledger.sqlite").exists()), "")
        lines = ["", "Where to look"]
        with contextlib.suppress(NotFound):
            review = find_review(self.home, None, incident)
            region = review.region
            lines.append(f"  review      {review.markdown}")
            lines.append(f"              {review.html}")
        lines.append(f"  ledger      {self.home / region / 'ledger.sqlite'}")
        ui = record.temporal.ui_url if keep else f"{record.temporal.ui_url} while `watchfloor up` runs"
        lines += [
            f"  Temporal UI {ui}",
            "Next",
            f"  watchfloor postmortem {short_id(incident)}",
            f"  watchfloor ledger verify {short_id(incident)}",
            f"  watchfloor up                    # then, in another terminal: watchfloor show {short_id(incident)}",
            "  watchfloor graph eu-tco-removal-order",
        ]
        for line in lines:
            self.screen.print(line, soft_wrap=True)
        self.screen.print(f"done after {time.monotonic() - self.began:.0f} s", style="dim")


def _chains(faces: dict[str, Face], home: str, incident: str, found: Family | None) -> dict[str, set[str]]:
    """The ledger chains of an incident: its own and its children's here, the receiving side's elsewhere."""
    chains: dict[str, set[str]] = {name: set() for name in faces}
    chains[home].add(incident)
    for report in found.board["children"] if found else []:
        chains[home].add(report["workflow"])
        if report["kind"] == "handoff":
            for name, names in chains.items():
                if name != home:
                    names.add(incoming_id(report["workflow"]))
    return chains
