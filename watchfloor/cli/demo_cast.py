"""The people and systems of the demo. They look at boards and answer through the same client as everybody else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from schemas.incident import Board
from schemas.json_value import Json
from watchfloor.cli.demo_script import Script, ScriptedAnswer, ScriptedFact
from watchfloor.cli.views import incoming_id
from watchfloor.client.asks import family
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.facts import send_fact
from watchfloor.client.runs import board
from watchfloor.client.statements import Sent, send_decision

LOOK_EVERY = 0.4
"""Seconds between two looks at a board."""


@dataclass(slots=True)
class Cast:
    """Plays a script against one incident until it is cancelled or everything has been said."""

    faces: dict[str, Face]
    home: str
    incident: str
    script: Script
    tell: Callable[[str, str], None]
    """Called with a region and a line: what somebody says, before the run has judged it."""

    async def play(self) -> None:
        """Run all parts side by side."""
        async with asyncio.TaskGroup() as group:
            for answer in self.script.answers:
                group.create_task(self._answer(answer))
            for fact in self.script.facts:
                group.create_task(self._report(fact))

    async def _answer(self, part: ScriptedAnswer) -> None:
        face = self.faces[part.region]
        while True:
            for run in await self._runs(part.region):
                try:
                    found = await family(face, run)
                except (NotFound, EngineUnavailable):
                    continue
                if any(part.step in {at.ask["step"], at.ask["path"]} for at in found.asks):
                    await asyncio.sleep(part.after)
                    self.tell(part.region, f"{part.person} ({part.role}) says `{part.choose}`: {part.reason}")
                    await self._judged(part.region, self._saying(part, run, found.board))
                    return
            await asyncio.sleep(LOOK_EVERY)

    def _saying(self, part: ScriptedAnswer, run: str, seen: Board) -> Callable[[], Awaitable[Sent]]:
        return lambda: send_decision(
            self.faces[part.region],
            run,
            part.step,
            part.choose,
            person=part.person,
            role=part.role,
            reason=part.reason,
            form=read_back(seen, part.next_action) if part.next_action else None,
        )

    async def _report(self, part: ScriptedFact) -> None:
        face = self.faces[part.region]
        while True:
            if await self._waits(face, part.when):
                break
            await asyncio.sleep(LOOK_EVERY)
        await asyncio.sleep(part.after)
        self.tell(part.region, f"{part.source} reports `{part.fact}` (entered by {part.person})")
        await self._judged(
            part.region,
            lambda: send_fact(
                face,
                self.incident,
                part.fact,
                part.value,
                source=part.source,
                person=part.person,
                role=part.role,
                reason="reported as it came in",
            ),
        )

    async def _waits(self, face: Face, step: str) -> bool:
        try:
            now = await board(face, self.incident)
        except EngineUnavailable:
            return False
        asked = any(ask["step"] == step for ask in now["asks"])
        return asked or any(view["step"] == step and view["state"] in {"waiting", "running"} for view in now["steps"])

    async def _runs(self, region: str) -> list[str]:
        """The incident itself where it runs; elsewhere the receiving side of its handoffs."""
        if region == self.home:
            return [self.incident]
        try:
            here = await board(self.faces[self.home], self.incident)
        except EngineUnavailable:
            return []
        return [incoming_id(report["workflow"]) for report in here["children"] if report["kind"] == "handoff"]

    async def _judged(self, region: str, say: Callable[[], Awaitable[Sent]]) -> None:
        """Say it, as often as it takes until the run has heard it; said twice, it counts once."""
        while True:
            try:
                sent = await say()
            except Refused as refusal:
                self.tell(region, f"refused ({refusal.type}): {refusal.message}")
                return
            except EngineUnavailable as error:
                self.tell(region, f"not heard, said again: {error}")
                await asyncio.sleep(LOOK_EVERY)
                continue
            if not sent.recorded:
                self.tell(region, "sent, not yet recorded")
            return


def read_back(offered: Board, next_action: str) -> dict[str, Json]:
    """What a receiver reads back of a packet: severity and nearest deadline as the board shows them."""
    due = [
        clock["due_at"] for clock in offered["clocks"] if clock["due_at"] and clock["state"] in {"running", "breached"}
    ]
    form: dict[str, Json] = {"severity": offered["severity"], "next_action": next_action}
    if due:
        form["nearest_deadline"] = min(due)
    return form
