"""The doors for other systems: `/hooks/<sender>`, and `/triggers/<runbook>/<sender>`, which says what is to start.

A delivery is believed, then kept, then driven. What was kept is answered 2xx at `/hooks`, whatever became of it: a
product that is told 4xx drops the message, and some then stop sending altogether; what could not be started is ours to
see to. `/triggers` is for systems that were written for it, so it says what was wrong.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from watchfloor.client.errors import NotFound, RunbookRefused
from watchfloor.client.triggers import find_trigger
from watchfloor.gateway.driving import Driven, Driver
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.senders import Message, Sender, refuse_unknown
from watchfloor.intake.deliveries import DeliveriesUnavailable
from watchfloor.intake.delivery import Arrival, Kept
from watchfloor.signing import opaque_id

ANSWER_WITHIN = 4.0
"""Seconds after which a sender is told that its delivery is kept and no more; PagerDuty waits five."""
COUNT_EVERY = 5.0
"""Seconds between two writings of what was refused: a flood of forgeries must not become a flood of writes."""
NOBODY = ""
"""Under this name is counted what came in a name that is no sender's."""
_CONFLICTS = {"key_reused": 409, "lost": 409, "wrong_region": 404, "too_large": 413, "elsewhere": 404}
_REPEATED = {"started": "joined"}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Running:
    """A delivery that is being kept and driven for a request, and for those that bring the same meanwhile."""

    mark: str
    kept: asyncio.Future[Kept]
    task: asyncio.Task[Driven] | None = None


class HookDesk:
    """Takes the deliveries of one region.

    Durable: a delivery, once it is acknowledged. The same one is one delivery, however often it comes, and starts what
    it starts once.
    """

    def __init__(self, driver: Driver, senders: Mapping[str, Sender], *, answer_within: float = ANSWER_WITHIN) -> None:
        self._driver = driver
        self._senders = dict(senders)
        self._answer_within = answer_within
        self._under_way: dict[str, _Running] = {}
        self._uncounted: Counter[tuple[str, str]] = Counter()

    def use(self, senders: Mapping[str, Sender]) -> None:
        """From now on believe these. What was kept of one that is no more is driven all the same."""
        self._senders = dict(senders)

    async def take(self, name: str, headers: Mapping[str, str], content: bytes) -> tuple[int, dict[str, Any]]:
        """Take one delivery for whatever runbooks listen to this sender; gives status and answer.

        Raises:
            Problem: 401 not believed, 400, 415 or 422 not what this sender sends, 409 its id stood for something else
                before, 429 too many, 503 nothing was kept.
        """
        driven, repeated = await self._receive(name, headers, content, "")
        if not driven.room:
            raise _full()
        one = driven.delivery
        starts = [
            {
                **({} if each.compartment else {"runbook": each.runbook}),
                "state": _REPEATED.get(each.state, each.state) if repeated else each.state,
                **({"incident": each.incident} if each.incident else {}),
                **({"code": each.code} if each.code else {}),
                **(driven.more or {}).get(each.runbook, {}),
            }
            # which runbooks of a compartment listen is told to no other system, only what it has started there
            for each in one.outcomes
            if not each.compartment or each.state != "ignored"
        ]
        state = _REPEATED.get(one.state, one.state) if repeated else one.state
        return _status(state), {"delivery": one.id, "state": state, "starts": starts}

    async def take_for(
        self, runbook: str, name: str, headers: Mapping[str, str], content: bytes
    ) -> tuple[int, dict[str, Any]]:
        """Take one delivery for one runbook; gives status and answer.

        Raises:
            Problem: as `take`, and 404 no such runbook or trigger, 409 it contradicts an earlier one, 422 it does not
                fit.
        """
        driven, repeated = await self._receive(name, headers, content, runbook)
        one = driven.delivery
        made = next((each for each in one.outcomes if each.runbook == runbook), None)
        if one.state == "dead":
            raise self._problem_of(driven, made.code if made else "", runbook)
        if made is None or made.state in {"ignored", "reported", "waits"} or not made.incident:
            return _status(one.state), {"delivery": one.id, "state": one.state, "why": one.why}
        state = _REPEATED.get(made.state, made.state) if repeated else made.state
        more = (driven.more or {}).get(runbook, {})
        region = self._driver.face.region
        answer = {"state": state, "incident": made.incident, "region": region, "runbook": runbook, **more}
        return _status(state), {"delivery": one.id, **answer}

    async def keep_counting(self) -> None:
        """Write down what was refused, for ever."""
        while True:
            await asyncio.sleep(COUNT_EVERY)
            await self.write_counts()

    async def write_counts(self) -> None:
        """Write down what was refused until now; what cannot be written is tried again."""
        counted, self._uncounted = self._uncounted, Counter()
        for (sender, code), times in counted.items():
            try:
                await asyncio.to_thread(self._driver.deliveries.refused, sender, code, times, now=self._driver.clock())
            except DeliveriesUnavailable:
                self._uncounted[sender, code] += times

    async def _receive(self, name: str, headers: Mapping[str, str], content: bytes, target: str) -> tuple[Driven, bool]:
        """Believe, keep and drive; with whether the delivery had come before."""
        sender = self._senders.get(name)
        try:
            if sender is None:
                raise refuse_unknown()
            message = sender.take(headers, content)
            if target:
                await self._require_trigger(target, name)
            running, first = self._run(name, sender, message, len(content), target)
            kept = await asyncio.shield(running.kept)
        except Problem as problem:
            self._uncounted[name if sender is not None else NOBODY, problem.code] += 1
            raise
        assert running.task is not None
        try:
            driven = await asyncio.wait_for(asyncio.shield(running.task), self._answer_within)
        except TimeoutError:
            return Driven(kept.delivery), True
        except DeliveriesUnavailable as error:
            raise _unavailable() from error
        return driven, not (first and kept.mine)

    def _run(self, name: str, sender: Sender, message: Message, size: int, target: str) -> tuple["_Running", bool]:
        """What is under way for this delivery; begun here when nothing is."""
        face, now = self._driver.face, self._driver.clock()
        id_ = opaque_id("del", face.secret, name, target, message.id)
        mark = opaque_id("mark", face.secret, message.mark)
        running = self._under_way.get(id_)
        if running is not None and running.mark == mark:
            return running, False
        said = _said(sender, message)
        arrival = Arrival(
            id=id_,
            sender=name,
            kind=sender.kind,
            target=target,
            thread=opaque_id("thread", face.secret, name, message.thread) if message.thread else "",
            mark=mark,
            size=size,
            received_at=now,
            patience=sender.patience,
            box=self._driver.sealer.seal(id_, said),
        )
        running = _Running(mark, asyncio.get_running_loop().create_future())
        task = running.task = asyncio.create_task(self._keep_and_drive(running, arrival, said))
        self._under_way.setdefault(id_, running)
        task.add_done_callback(lambda _: self._forget(id_, running))
        return running, True

    async def _keep_and_drive(self, running: "_Running", arrival: Arrival, said: Mapping[str, Any]) -> Driven:
        """Goes on whatever becomes of the connection, and of who waits for the answer."""
        try:
            kept = await self._keep(arrival)
        except Problem as problem:
            running.kept.set_exception(problem)
            raise
        running.kept.set_result(kept)
        return await self._driver.drive(kept.delivery, said) if kept.mine else Driven(kept.delivery)

    def _forget(self, id_: str, running: "_Running") -> None:
        if self._under_way.get(id_) is running:
            del self._under_way[id_]
        task = running.task
        if task is not None and not task.cancelled() and isinstance(task.exception(), DeliveriesUnavailable):
            log.warning("a delivery is driven once more later", delivery=id_)

    async def _keep(self, arrival: Arrival) -> Kept:
        try:
            kept = await asyncio.to_thread(self._driver.deliveries.keep, arrival, now=arrival.received_at)
        except DeliveriesUnavailable as error:
            log.error("a delivery could not be kept", sender=arrival.sender)
            raise _unavailable() from error
        if kept is None:
            raise _full()
        if kept.contradicts:
            detail = "a delivery with this id came before and said something else; nothing was done"
            raise Problem(409, "id_reused", detail)
        return kept

    async def _require_trigger(self, runbook: str, name: str) -> None:
        try:
            plan, _ = await asyncio.to_thread(self._driver.plans.find, runbook)
            find_trigger(plan, name, "webhook")
        except NotFound as error:
            raise Problem(404, "not_found", "no runbook here has a webhook trigger of this name") from error
        except RunbookRefused:
            return  # it is kept as a dead letter, for it may have been meant

    def _problem_of(self, driven: Driven, code: str, runbook: str) -> Problem:
        if not driven.room:
            return _full()
        kept = f"nothing was started; it is kept as {driven.delivery.id}"
        if code == "inputs":
            fields = (driven.more or {}).get(runbook, {}).get("fields", ())
            return Problem(422, "inputs", f"the event does not fit; {kept}", fields=fields)
        if code in {"runbook_refused", "unavailable", "internal", ""}:
            return Problem(503, code or "unavailable", f"it could not be started; {kept}", retry_after=60)
        made = next((one for one in driven.delivery.outcomes if one.runbook == runbook), None)
        return Problem(_CONFLICTS.get(code, 409), code, f"{made.why if made else 'refused'}; {kept}")


def _said(sender: Sender, message: Message) -> dict[str, Any]:
    """What is needed to drive it, now or later."""
    return {
        "event": dict(message.event),
        "over_at": message.over_at,
        "ours": message.ours,
        "fact": sender.resolved_fact,
    }


def _status(state: str) -> int:
    return 202 if state in {"started", "kept", "dead"} else 200


def _full() -> Problem:
    detail = "too many deliveries of this sender wait here to be seen to; this one was not kept, send it again"
    return Problem(503, "full", detail, retry_after=60)


def _unavailable() -> Problem:
    return Problem(503, "unavailable", "the delivery could not be kept; send it again", retry_after=2)
