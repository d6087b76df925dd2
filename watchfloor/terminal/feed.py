"""What the screens read and send. One look gathers the incidents that somebody may see and what waits in them.

A look asks every run whose roles the person holds, and of the others a few in turn, so that thirty incidents or three
hundred cost about the same each time. What a run said last stays until it says something else; if the engine does not
answer at all, everything stays as it was and is shown as old.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.cli.board_view import View
from watchfloor.cli.views import read_view
from watchfloor.client.asks import AskAt, family
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.motions import send_motion
from watchfloor.client.runs import RunSummary, list_incidents
from watchfloor.client.statements import Sent, send_decision
from watchfloor.client.tasks import say_to_task
from watchfloor.client.viewing import may_view
from watchfloor.identity.people import Person
from watchfloor.signing.tasks import find_claim

if TYPE_CHECKING:
    from watchfloor.cli.faces import Here

AT_ONCE = 8
IN_TURN = 20
"""Runs that wait on nobody here, asked in each look; the next look asks the next ones."""

CLOSED = 30
"""Closed runs that are looked at too, the latest."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One ask, where it waits. `mine`: the person may fill a seat of it; `taken`: it is their own task."""

    incident: str
    region: str
    severity: str
    priority: str
    at: AskAt
    mine: bool
    taken: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """One look at everything. `commands` names who holds command of each incident; `silent` did not answer."""

    read_at: datetime
    runs: tuple[RunSummary, ...]
    waiting: tuple[Waiting, ...]
    commands: Mapping[str, str]
    silent: tuple[str, ...]
    more: int = 0
    """Questions for this person that are left out, because they are due later than all that are there."""


class Feed(Protocol):
    """Where the screens get everything from, and what they send through."""

    @property
    def person(self) -> str:
        """Who looks; empty for nobody in particular."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that they hold."""
        ...

    @property
    def signed_in(self) -> str:
        """How they signed in, in words for the second line; `DEVELOPMENT` is among them where nobody proved who they
        are."""
        ...

    async def look(self) -> Overview:
        """Everything once.

        Raises:
            EngineUnavailable: nothing could be read.
            SignedOut: nothing can be any more.
        """
        ...

    async def read(self, region: str, run: str) -> View:
        """One incident whole.

        Raises:
            NotFound, EngineUnavailable.
        """
        ...

    async def decide(
        self, region: str, at: AskAt, option: str, *, reason: str, form: Mapping[str, Json], attach: Mapping[str, Path]
    ) -> Sent:
        """Answer an ask as it was shown.

        Raises:
            ClientError: as `send_decision`.
        """
        ...

    async def say(self, region: str, at: AskAt, verb: str, *, reason: str, about: Mapping[str, Json]) -> Sent:
        """Say something else at an ask as it was shown.

        Raises:
            ClientError: as `send_motion`.
        """
        ...

    async def work(self, region: str, at: AskAt, verb: str, *, item: str = "") -> Sent:
        """Claim a task, hand it back, tick an item.

        Raises:
            ClientError: as `say_to_task`.
        """
        ...


class LiveFeed:
    """The feed over the regions in reach."""

    def __init__(self, here: "Here") -> None:
        self._here = here
        self.person = here.person
        people = [face.people.find(here.person) for face in here.faces.values()] if here.person else []
        self.someone: Person | None = next((one for one in people if one is not None), None)
        self.roles = self.someone.roles if self.someone is not None else ()
        self._known: dict[str, list[Waiting]] = {}
        self._commands: dict[str, str] = {}
        self._shown: dict[str, bool] = {}
        self._turn = 0
        self._plans: dict[str, Plan | None] = {}

    @property
    def signed_in(self) -> str:
        """See `Feed.signed_in`."""
        return "DEVELOPMENT SIGN-IN: nobody proved who they are" if self.person else ""

    async def look(self) -> Overview:
        """See `Feed.look`."""
        lists = await asyncio.gather(*(list_incidents(face) for face in self._here.faces.values()))
        runs = [run for found in lists for run in found]
        # what an incident has left behind goes on waiting when it has closed: a hold's release, a review
        ended = sorted((run for run in runs if run.closed_at is not None), key=lambda one: one.opened_at, reverse=True)
        looked_at = [*(run for run in runs if run.closed_at is None), *ended[:CLOSED]]
        asked = self._choose(looked_at)
        silent = await self._ask(asked)
        there = {run.incident for run in looked_at}
        for gone in [one for one in self._known if one not in there]:
            del self._known[gone]
        visible = tuple(run for run in runs if self._shown.get(run.incident, not self.person))
        names = {run.incident for run in visible}
        waiting = [one for run in names for one in self._known.get(run, ())]
        return Overview(
            read_at=datetime.now(UTC),
            runs=tuple(sorted(visible, key=_urgency)),
            waiting=tuple(sorted(waiting, key=lambda one: (one.at.ask["deadline_at"] or "9999", one.incident))),
            commands={
                run.incident: self._commands[run.incident]
                for run in visible
                if run.closed_at is None and run.incident in self._commands
            },
            silent=tuple(one for one in silent if one in names),
        )

    def _choose(self, runs: Iterable[RunSummary]) -> list[RunSummary]:
        """Those that are new, wait on a role of this person or had something for them; of the rest some in turn."""
        wanted: list[RunSummary] = []
        rest: list[RunSummary] = []
        for run in runs:
            near = not self.roles or bool(set(run.waiting) & set(self.roles)) or bool(self._known.get(run.incident))
            (wanted if run.incident not in self._known or near else rest).append(run)
        some = [rest[(self._turn + nth) % len(rest)] for nth in range(min(IN_TURN, len(rest)))]
        self._turn += len(some)
        return [*wanted, *some]

    async def _ask(self, runs: Iterable[RunSummary]) -> list[str]:
        """Ask runs what waits in them; gives those that did not answer, of which the last word stays."""
        room = asyncio.Semaphore(AT_ONCE)
        silent: list[str] = []

        async def ask(run: RunSummary) -> None:
            face = self._here.faces[run.region]
            async with room:
                try:
                    if self.person and not await may_view(face, run.incident, self.person):
                        self._shown[run.incident] = False
                        self._known[run.incident] = []
                        return
                    found = await family(face, run.incident)
                except (EngineUnavailable, NotFound):
                    silent.append(run.incident)
                    return
            self._shown[run.incident] = True
            self._commands[run.incident] = found.board["commander"]["person"]
            self._known[run.incident] = [self._wait(run, at) for at in found.asks]

        wanted = list(runs)
        await asyncio.gather(*(ask(run) for run in wanted))
        if wanted and len(silent) == len(wanted):
            raise EngineUnavailable("no run answers; is a worker there?")
        return silent

    def _wait(self, run: RunSummary, at: AskAt) -> Waiting:
        taken, mine = find_standing(at.ask, self.someone, datetime.now(UTC))
        return Waiting(run.incident, run.region, run.severity, run.priority, at, mine, taken)

    async def read(self, region: str, run: str) -> View:
        """See `Feed.read`."""
        face = self._here.face(region)
        if not await self._here.shows(face, run):
            raise NotFound(f"no run `{run}` in region `{region}`")
        view = await read_view(self._here, face, run, plan=self._plans.get(run))
        self._plans[run] = view.plan
        return view

    async def decide(
        self, region: str, at: AskAt, option: str, *, reason: str, form: Mapping[str, Json], attach: Mapping[str, Path]
    ) -> Sent:
        """See `Feed.decide`."""
        return await send_decision(
            self._here.face(region),
            at.board["workflow"],
            at.ask["path"],
            option,
            person=self.person,
            reason=reason,
            form=form,
            attach=attach,
            shown=at,
        )

    async def say(self, region: str, at: AskAt, verb: str, *, reason: str, about: Mapping[str, Json]) -> Sent:
        """See `Feed.say`."""
        return await send_motion(
            self._here.face(region),
            at.board["workflow"],
            at.ask["path"],
            verb,
            person=self.person,
            reason=reason,
            about=about,
            shown=at,
        )

    async def work(self, region: str, at: AskAt, verb: str, *, item: str = "") -> Sent:
        """See `Feed.work`."""
        return await say_to_task(
            self._here.face(region),
            at.workflow,
            at.ask["path"],
            verb,
            person=self.person,
            role=None,
            item=item,
            now=datetime.now(UTC),
        )


def find_standing(ask: OpenAsk, someone: Person | None, now: datetime) -> tuple[bool, bool]:
    """Whether a task is this person's own, and whether they may fill a seat. With nobody in particular: everything."""
    if someone is None:
        return False, True
    claim = find_claim(ask, now)
    taken = (claim is not None and claim["person"] == someone.id) or ask.get("person") == someone.id
    seats = {role for slots in ask["options"].values() for slot in slots for role in slot["any_of"]}
    answered = any(one["body"]["person"] == someone.id for one in ask["answers"])
    aside = someone.id in ask["exclude"] or all(role in ask["exclude"] for role in someone.roles)
    given = any(
        said["body"]["verb"] == "delegate" and said["body"]["about"]["to"] == someone.id
        for said in ask.get("motions", ())
    )
    return taken, (bool(seats & set(someone.roles)) or given) and not answered and not aside


def _urgency(run: RunSummary) -> tuple[bool, str, str, str]:
    due = run.due_at.isoformat() if run.due_at is not None else "9999"
    return run.closed_at is not None, run.priority or "P9", due, run.incident


def board_of(view: View, workflow: str) -> Board | None:
    """The board of a run or of one of its children, as it was read."""
    if view.found.board["workflow"] == workflow:
        return view.found.board
    return view.found.children.get(workflow)
