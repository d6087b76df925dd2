"""A feed made of boards, for the layout of the console: nothing is connected, everything that is sent is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan
from tests.cli.boards import ask, board, clock
from watchfloor.cli.board_view import View
from watchfloor.client.asks import AskAt, Family
from watchfloor.client.attempts import Attempt
from watchfloor.client.errors import ClientError, EngineUnavailable, NotFound
from watchfloor.client.runs import RunSummary
from watchfloor.client.statements import Sent
from watchfloor.identity.people import Person
from watchfloor.terminal.app import WatchConsole
from watchfloor.terminal.feed import Overview, Waiting, find_standing

NOW = datetime(2026, 11, 22, 3, 12, 4, tzinfo=UTC)
FIRST, SECOND, THIRD = (f"inc-{letter * 20}" for letter in "abc")
COUNSEL = Person("counsel-1", ("legal_counsel",), "example-ie", "eu", (), clearances=("terror",))
DIGEST = "sha256:" + "d" * 64


def gate(**changes: Any) -> dict[str, Any]:
    """An approval of an erasure of three items by two people."""
    return ask(
        **{
            "path": "containment/erase",
            "step": "erase",
            "kind": "approval",
            "title": "content.delete before `erase`",
            "options": {
                "approve": [{"any_of": ["incident_commander"]}, {"any_of": ["legal_counsel"]}],
                "deny": [{"any_of": ["incident_commander", "legal_counsel"]}],
            },
            "action": "content.delete",
            "inputs": {"urls": [f"https://example.test/v/{n}" for n in range(3)], "snapshot": "sha256:" + "5" * 64},
            "shown": [],
            "deadline_at": "2026-11-22T03:40:00Z",
            "on_silence": "exec_sponsor is paged, then the step fails",
            **changes,
        }
    )


def task(**changes: Any) -> dict[str, Any]:
    """A task with a form."""
    return ask(
        **{
            "path": "alongside/threat/tell_authority",
            "step": "tell_authority",
            "kind": "task",
            "title": "Tell the authority about the threat to life",
            "options": {"done": [{"any_of": ["legal_counsel", "le_liaison"]}]},
            "form": {"informed_at": {"type": "timestamp"}, "reference": {"type": "string", "optional": True}},
            "shown": [],
            "checklist": [{"id": "number_checked", "do": "The number is found independently", "required": True}],
            "deadline_at": "2026-11-22T03:17:00Z",
            **changes,
        }
    )


def busy_board(**changes: Any) -> Board:
    """An incident in the middle of things."""
    steps = [
        {
            "path": path,
            "step": path.rpartition("/")[2],
            "kind": "action",
            "name": "",
            "state": state,
            "since": "2026-11-22T03:10:30Z",
            "detail": "",
        }
        for path, state in (
            ("triage/screen", "done"),
            ("triage/authenticate", "done"),
            ("containment/probe", "running"),
        )
    ]
    return board(
        **{
            "workflow": FIRST,
            "phase": "containment",
            "phases": [
                {"name": "triage", "state": "done"},
                {"name": "containment", "state": "running"},
                {"name": "legal_hold", "state": "waiting"},
                {"name": "postmortem", "state": "waiting"},
            ],
            "asks": [ask(), gate(), task()],
            "steps": steps,
            "clocks": [clock(), clock("imminent", state="breached", due_at="2026-11-22T03:10:00Z")],
            "facts": {
                "order_received": {
                    "value": "2026-11-22T02:30:00Z",
                    "at": "2026-11-22T02:30:00Z",
                    "recorded_at": "2026-11-22T03:09:00Z",
                    "source": "inputs.received_at",
                    "by": "engine",
                    "revisions": [],
                }
            },
            "measures": [
                {
                    "key": f"k{nth}",
                    "step": "disable",
                    "path": f"containment/remove[{nth}]/disable",
                    "action": "content.disable",
                    "inputs": {},
                    "undo": "content.restore",
                    "on": ["order_annulled"],
                    "in_force_since": "2026-11-22T03:11:00Z",
                    "undone_at": None,
                }
                for nth in range(40)
            ],
            "commander": {"region": "eu", "person": "commander-eu-1", "since": "2026-11-22T03:09:00Z", "fence": 2},
            **changes,
        }
    )


def summary(incident: str, **changes: Any) -> RunSummary:
    fields: dict[str, Any] = {
        "incident": incident,
        "region": "eu",
        "runbook": "eu-tco-removal-order",
        "severity": "S1",
        "phase": "containment",
        "state": "open",
        "status": "running",
        "waiting": ("legal_counsel",),
        "due_at": NOW + timedelta(minutes=18),
        "opened_at": NOW - timedelta(minutes=3),
        "closed_at": None,
        "priority": "P0",
        **changes,
    }
    return RunSummary(**fields)


@dataclass
class FakeFeed:
    """Boards by incident; `fails` is what the next looks say instead; `answers` what sending gives or raises."""

    boards: dict[str, Board] = field(default_factory=lambda: {FIRST: busy_board()})
    runs: Sequence[RunSummary] = (summary(FIRST),)
    plan: Plan | None = None
    someone: Person | None = COUNSEL
    fails: ClientError | None = None
    refuses: ClientError | None = None
    texts: dict[str, str] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str], Attempt] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    read_at: datetime = NOW
    signed: str = "DEVELOPMENT SIGN-IN: nobody proved who they are"

    @property
    def person(self) -> str:
        return self.someone.id if self.someone else ""

    @property
    def signed_in(self) -> str:
        return self.signed if self.someone else ""

    @property
    def roles(self) -> tuple[str, ...]:
        return self.someone.roles if self.someone else ()

    async def look(self) -> Overview:
        if self.fails:
            raise self.fails
        waiting = []
        for run in self.runs:
            own = self.boards.get(run.incident)
            for one in own["asks"] if own else ():
                assert own is not None
                taken, mine = find_standing(one, self.someone, NOW)
                at = AskAt(own["workflow"], own, one)
                waiting.append(Waiting(run.incident, run.region, run.severity, run.priority, at, mine, taken))
        waiting.sort(key=lambda one: one.at.ask["deadline_at"] or "9999")
        commands = {name: own["commander"]["person"] for name, own in self.boards.items()}
        return Overview(self.read_at, tuple(self.runs), tuple(waiting), commands, ())

    async def read(self, region: str, run: str) -> View:
        if self.fails:
            raise self.fails
        if run not in self.boards:
            raise NotFound(f"no run `{run}` in region `{region}`")
        return View(Family(self.boards[run], {}, {}), self.plan, {}, self.texts, self.attempts)

    async def decide(
        self, region: str, at: AskAt, option: str, *, reason: str, form: Mapping[str, Json], attach: Mapping[str, Path]
    ) -> Sent:
        return self._send({"option": option, "reason": reason, "form": dict(form), "attach": dict(attach)}, at)

    async def say(self, region: str, at: AskAt, verb: str, *, reason: str, about: Mapping[str, Json]) -> Sent:
        return self._send({"verb": verb, "reason": reason, "about": dict(about)}, at)

    async def work(self, region: str, at: AskAt, verb: str, *, item: str = "") -> Sent:
        return self._send({"verb": verb, "item": item}, at)

    def _send(self, what: dict[str, Any], at: AskAt) -> Sent:
        if self.refuses:
            raise self.refuses
        self.sent.append({**what, "path": at.ask["path"], "ask": at.ask["ask"]})
        return Sent(at.workflow, at.ask["path"], DIGEST, True, "waiting", ("incident_commander",), "sha256:00")


def lose() -> EngineUnavailable:
    return EngineUnavailable("no Temporal server answers at 127.0.0.1:7233")


def console(feed: FakeFeed, **more: Any) -> WatchConsole:
    """A console whose clock stands still and that looks only when it is told to."""
    given = {"every": 3600.0, "clock": lambda: NOW, "local": UTC, **more}
    return WatchConsole(feed, someone=feed.someone, **given)
