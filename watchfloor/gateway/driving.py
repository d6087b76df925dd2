"""Drives kept deliveries: each runbook that listens starts its incident, or it is written down why it does not.

The same function drives a delivery that has just come in, one that a process left behind when it died, and a dead
letter that a person has driven once more. Driving one twice starts nothing twice: the id of an incident is made of the
runbook, the source and the key, and the engine takes no id twice.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from textwrap import shorten
from typing import Any

import structlog

from schemas.incident import Limits
from schemas.json_value import Json
from watchfloor.client.errors import ClientError, EngineUnavailable, InputsRefused, NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.facts import send_machine_fact
from watchfloor.client.runs import LIMITS, Started, plan_of, start_incident
from watchfloor.client.triggers import find_trigger, order_of
from watchfloor.gateway.triggers import Listener, Plans, list_listeners
from watchfloor.intake.deliveries import Deliveries, DeliveriesUnavailable
from watchfloor.intake.delivery import Delivery, Made, Outcome, State
from watchfloor.intake.sealed import BoxUnreadable, Sealer
from watchfloor.signing import opaque_id, parse_instant

EVERY = 2.0
"""Seconds between two looks for what is due."""
FORGET_EVERY = timedelta(minutes=10)
"""How often what is over is looked for and thrown away."""
LONGEST_PAUSE = timedelta(minutes=1)
MOST_AT_ONCE = 8
_BEST: tuple[State, ...] = ("dead", "started", "merged", "joined", "reported", "ignored")
_DONE = frozenset({"started", "merged", "joined", "reported"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Driven:
    """What became of a delivery in one attempt. `room` is False for a dead letter of which nothing could be kept;
    `more` is what else is known of the starts, by runbook."""

    delivery: Delivery
    room: bool = True
    more: Mapping[str, Mapping[str, Any]] | None = None


class Driver:
    """Drives the deliveries of one region.

    Durable: a delivery that was kept is driven until it is settled. May run twice: every attempt. Idempotency key: the
    order's source and key, for a reported fact the delivery and the incident. Ledger entries: those of the incidents.
    """

    def __init__(
        self,
        face: Face,
        deliveries: Deliveries,
        sealer: Sealer,
        *,
        plans: Plans | None = None,
        limits: Limits = LIMITS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.face = face
        self.deliveries = deliveries
        self.sealer = sealer
        self.plans = plans or Plans()
        self.clock = clock
        self._limits = limits

    async def drive_due(self) -> int:
        """Drive what is due; gives how many were."""
        due = await asyncio.to_thread(self.deliveries.due, now=self.clock())
        gate = asyncio.Semaphore(MOST_AT_ONCE)

        async def one(id_: str) -> None:
            async with gate:
                await self.drive_kept(id_)

        await asyncio.gather(*(one(id_) for id_ in due))
        return len(due)

    async def drive_kept(self, id_: str) -> Driven | None:
        """Drive a delivery that waits; None when somebody else is at it, or it is settled.

        Raises:
            DeliveriesUnavailable: nobody knows; it stays kept.
        """
        held = await asyncio.to_thread(self.deliveries.take, id_, now=self.clock())
        if held is None:
            return None
        delivery, box = held
        try:
            said = self.sealer.open(id_, box or b"")
        except BoxUnreadable as error:
            return await self._settle(delivery, "dead", f"what it said cannot be read: {error}", [], ())
        return await self.drive(delivery, said)

    async def drive(self, delivery: Delivery, said: Mapping[str, Any]) -> Driven:
        """Drive a delivery that this process holds; gives it as it stands afterwards.

        Raises:
            DeliveriesUnavailable: what was done could not be written down; it is driven once more later.
        """
        try:
            return await self._drive(delivery, said)
        except (DeliveriesUnavailable, asyncio.CancelledError):
            raise
        except Exception as error:  # a poisonous delivery must neither end the loop nor be tried for ever
            log.exception("a delivery could not be driven", delivery=delivery.id, sender=delivery.sender)
            return await self._wait_or_give_up(
                delivery, [], (), f"an error inside ({type(error).__name__})", "internal"
            )

    async def _drive(self, delivery: Delivery, said: Mapping[str, Any]) -> Driven:
        if said.get("ours"):
            why = "it is about an alert that Watchfloor itself has raised there"
            return await self._settle(delivery, "ignored", why, [], ())
        if said.get("over_at"):
            return await self._report(delivery, said)
        listeners = await asyncio.to_thread(self._listeners, delivery)
        if not listeners:
            why = "nothing matched: no runbook here has a webhook trigger of this name"
            return await self._settle(delivery, "ignored", why, [], ())
        done = {one.runbook: one for one in delivery.outcomes if one.state in _DONE}
        outcomes: list[Outcome] = []
        more: dict[str, Mapping[str, Any]] = {}
        for listener in listeners:
            outcome = done.get(listener.runbook)
            if outcome is None:
                outcome, more[listener.runbook] = await self._start(listener, delivery, said["event"])
            outcomes.append(outcome)
        return replace(await self._conclude(delivery, outcomes, _walls(listeners, outcomes)), more=more)

    def _listeners(self, delivery: Delivery) -> list[Listener]:
        found = list_listeners(self.plans, delivery.sender)
        return [one for one in found if delivery.target in {"", one.runbook}]

    async def _start(
        self, listener: Listener, delivery: Delivery, event: Mapping[str, Json]
    ) -> tuple[Outcome, Mapping[str, Any]]:
        plan = listener.plan
        if plan is None:
            why = "the runbook does not compile, and its text names this sender; `watchfloor lint` shows what is wrong"
            return Outcome(listener.runbook, "dead", code="runbook_refused", why=why), {}
        wall = str(plan.get("compartment", ""))

        def outcome(state: Made, code: str = "", why: str = "", incident: str = "") -> Outcome:
            return Outcome(listener.runbook, state, incident, code, why, wall)

        if plan["command"] != self.face.region and not delivery.target:
            why = f"it is commanded from `{plan['command']}`; have this sender deliver to that region's gateway too"
            return outcome("ignored", "elsewhere", why), {}
        now = self.clock()
        try:
            order = order_of(plan, find_trigger(plan, delivery.sender, "webhook"), event, now=now)
            if order is None:
                return outcome("ignored", "where", "the trigger's `where` does not hold for the event"), {}
            started = await start_incident(self.face, plan, listener.digest, order, now=now, limits=self._limits)
        except InputsRefused as error:
            return outcome("dead", "inputs", _say_fields(error)), {"fields": _list_fields(error)}
        except Refused as error:
            return outcome("dead", error.type, _IN_WORDS.get(error.type, "it was refused")), {}
        except NotFound:
            return outcome("ignored", "not_found", "its trigger is gone"), {}
        except EngineUnavailable:
            return outcome("waits", "unavailable", "the engine does not answer"), {}
        state: Made = "merged" if started.merged else "joined" if started.already else "started"
        return outcome(state, why=_WHAT[state], incident=started.incident), _more_of(started)

    async def _report(self, delivery: Delivery, said: Mapping[str, Any]) -> Driven:
        """A thing is over: the incidents that it started are told, and nothing starts."""
        fact = str(said.get("fact") or "")
        over = "it says that the thing is over, which starts nothing"
        if await asyncio.to_thread(self.deliveries.waits_before, delivery.id, delivery.sender, delivery.thread):
            return await self._wait_or_give_up(delivery, [], (), "an earlier message about the thing waits", "order")
        incidents = await asyncio.to_thread(self.deliveries.incidents_of, delivery.sender, delivery.thread)
        listeners = await asyncio.to_thread(self._listeners, delivery)
        walls = _walls(listeners, [])
        if not fact or not incidents:
            lacks = "nothing of it had started an incident here" if fact else "its sender names no `resolved_fact`"
            return await self._settle(delivery, "ignored", f"{over}; {lacks}", [], walls)
        outcomes = [await self._tell(delivery, incident, fact, said["over_at"]) for incident in incidents]
        return await self._conclude(delivery, outcomes, walls)

    async def _tell(self, delivery: Delivery, incident: str, fact: str, over_at: str) -> Outcome:
        nonce = opaque_id("over", self.face.secret, delivery.id, incident)
        runbook, wall = "", ""
        try:
            plan = await plan_of(self.face, incident)
            runbook, wall = plan["id"], str(plan.get("compartment", ""))
            await send_machine_fact(self.face, incident, fact, over_at, source=delivery.sender, nonce=nonce, at=over_at)
        except EngineUnavailable:
            return Outcome(runbook, "waits", incident, "unavailable", "no worker answered", wall)
        except Refused as error:
            why = f"the incident did not take the fact `{fact}` ({error.type})"
            return Outcome(runbook, "ignored", incident, error.type, why, wall)
        except ClientError as error:
            why = f"the fact `{fact}` could not be given ({type(error).__name__})"
            return Outcome(runbook, "ignored", incident, "fact", why, wall)
        return Outcome(runbook, "reported", incident, "", f"the fact `{fact}` was reported", wall)

    async def _conclude(self, delivery: Delivery, outcomes: list[Outcome], walls: Sequence[str]) -> Driven:
        waiting = [one for one in outcomes if one.state == "waits"]
        if waiting:
            return await self._wait_or_give_up(delivery, outcomes, walls, waiting[0].why, "unavailable")
        state: State = next((state for state in _BEST if any(one.state == state for one in outcomes)), "ignored")
        return await self._settle(delivery, state, _explain(outcomes), outcomes, walls)

    async def _wait_or_give_up(
        self, delivery: Delivery, outcomes: list[Outcome], walls: Sequence[str], why: str, code: str
    ) -> Driven:
        now = self.clock()
        if now < parse_instant(delivery.patient_until):
            done = [one for one in outcomes if one.state != "waits"]
            next_at = now + min(timedelta(seconds=2**delivery.attempts), LONGEST_PAUSE)
            await asyncio.to_thread(self.deliveries.wait, delivery.id, why, done, walls, next_at=next_at, now=now)
            return Driven(await self._again(delivery))
        given_up = f"{why}, and its sender's patience is over"
        dead = [replace(one, state="dead", why=given_up) if one.state == "waits" else one for one in outcomes] or [
            Outcome(delivery.target, "dead", code=code, why=given_up)
        ]
        return await self._settle(delivery, "dead", given_up, dead, walls)

    async def _settle(
        self, delivery: Delivery, state: State, why: str, outcomes: list[Outcome], walls: Sequence[str]
    ) -> Driven:
        room = await asyncio.to_thread(
            self.deliveries.settle, delivery.id, state, why, outcomes, walls, now=self.clock()
        )
        tell = log.warning if state == "dead" else log.info
        tell(
            "delivery settled",
            delivery=delivery.id,
            sender=delivery.sender,
            state=state,
            codes=sorted({one.code for one in outcomes if one.code}),
        )
        return Driven(await self._again(delivery), room)

    async def _again(self, delivery: Delivery) -> Delivery:
        return await asyncio.to_thread(self.deliveries.get, delivery.id) or delivery


async def keep_driving(driver: Driver) -> None:
    """Drive what is due, and forget what is over, for ever. A store that does not answer is only waited for."""
    with contextlib.suppress(Exception):  # what does not compile is said when a delivery needs it
        await asyncio.to_thread(list_listeners, driver.plans, "")
    forgotten_at = datetime.min.replace(tzinfo=UTC)
    while True:
        try:
            await driver.drive_due()
            now = driver.clock()
            if now - forgotten_at >= FORGET_EVERY:
                await asyncio.to_thread(driver.deliveries.forget, now=now)
                forgotten_at = now
        except DeliveriesUnavailable as error:
            log.warning("kept deliveries wait", error=type(error).__name__)
        await asyncio.sleep(EVERY)


def _walls(listeners: Sequence[Listener], outcomes: Sequence[Outcome]) -> list[str]:
    """Whose alone a delivery is: the compartments of the runbooks it concerned; where it concerned none, of all that
    listen, for one of them may have been meant."""
    concerned = {one.runbook for one in outcomes if one.code not in {"where", "elsewhere"}}
    among = [one for one in listeners if one.runbook in concerned] or list(listeners)
    return sorted({str(one.plan.get("compartment", "")) for one in among if one.plan is not None} - {""})


def _explain(outcomes: Sequence[Outcome]) -> str:
    """One line over all runbooks."""
    if all(one.code in {"where", "elsewhere", "not_found"} for one in outcomes):
        return "nothing matched: " + "; ".join(f"`{one.runbook}`: {one.why}" for one in outcomes[:5])
    telling = [one for one in outcomes if one.code not in {"where", "elsewhere", "not_found"}]
    return "; ".join(f"`{one.runbook}`: {one.why}" for one in telling[:5])


def _say_fields(error: InputsRefused) -> str:
    """What does not fit, by the names and words of the runbook alone: what was found may be anything."""
    said = [
        f"`{one.field[:80]}`: expected {shorten(one.expected, 90, placeholder=' …')}" for one in error.problems[:10]
    ]
    return "the event does not fit; " + "; ".join(said)


def _list_fields(error: InputsRefused) -> list[dict[str, str]]:
    return [{"field": one.field, "expected": one.expected, "fix": one.fix} for one in error.problems[:50]]


def _more_of(started: Started) -> dict[str, Any]:
    return {
        **({"closed": True} if started.forgotten else {}),
        **({"linked": list(started.linked)} if started.linked else {}),
    }


_WHAT: Mapping[str, str] = {
    "started": "it started an incident",
    "joined": "its key had started this incident before",
    "merged": "an open incident is over the same content and has taken it in",
}
_IN_WORDS = {
    "key_reused": "its key started an incident before, with other content",
    "lost": "its key started an incident before, which was ended from outside; somebody must look at that",
    "wrong_region": "this runbook is commanded from another region; send it to that region's gateway",
    "too_large": "the inputs are too large; send references",
}
