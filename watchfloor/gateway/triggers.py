"""Deliveries that start incidents: verified, mapped by the runbook's `triggers`, started exactly once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from schemas.incident import Limits
from schemas.plan import Plan
from watchfloor.client.errors import EngineUnavailable, InputsRefused, NotFound, Refused, RunbookRefused
from watchfloor.client.face import Face
from watchfloor.client.library import find_runbook, library_ids, plan_for_start
from watchfloor.client.orders import read_object
from watchfloor.client.runs import LIMITS, start_incident
from watchfloor.client.triggers import find_trigger, order_of
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.senders import Sender, refuse_unknown
from watchfloor.signing import digest

log = structlog.get_logger(__name__)

_CONFLICTS = {"key_reused": 409, "lost": 409, "wrong_region": 404, "too_large": 413}


class Plans:
    """Compiled plans of the shipped library, by id; compiled again when the file has changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], tuple[Plan, str]]] = {}

    def find(self, runbook: str) -> tuple[Plan, str]:
        """The plan and its digest.

        Raises:
            NotFound: no runbook of the library has this id. A path is none.
            RunbookRefused: it does not compile.
        """
        if runbook not in library_ids():
            raise NotFound(f"no runbook `{runbook[:80]}` in the library")
        stat = find_runbook(runbook).stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        known = self._known.get(runbook)
        if known is None or known[0] != mark:
            known = self._known[runbook] = (mark, plan_for_start(runbook))
        return known[1]


class TriggerDesk:
    """Takes deliveries of one region.

    Durable: the incident, once it is acknowledged. The same thing (`dedup`) never starts a second one: its id is made
    of the runbook, the source and that key, and the engine refuses the id twice.
    """

    def __init__(
        self,
        face: Face,
        senders: Mapping[str, Sender],
        *,
        plans: Plans | None = None,
        limits: Limits = LIMITS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._limits = limits
        self._face = face
        self._senders = senders
        self._plans = plans or Plans()
        self._clock = clock

    async def take(self, runbook: str, source: str, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
        """Take one delivery; gives what became of it: `started`, `joined` (it had been before), `merged`
        (an open incident is over the same content and has taken it in) or `ignored`.

        Raises:
            Problem: 401 not believed, 404 no such runbook or trigger, 409 it contradicts an earlier one, 422 it does
                not fit, 429 too many, 503 try again.
        """
        sender = self._senders.get(source)
        if sender is None:
            raise refuse_unknown()
        delivery = sender.verify(headers, content)
        try:
            answer = await self._start(runbook, source, content)
        except Problem as problem:
            log.warning(
                "delivery refused", runbook=runbook, source=source, delivery=digest(delivery), code=problem.code
            )
            raise
        log.info("delivery taken", runbook=runbook, source=source, delivery=digest(delivery), state=answer["state"])
        return answer

    async def _start(self, runbook: str, source: str, content: bytes) -> dict[str, Any]:
        now = self._clock()
        try:
            plan, plan_digest = self._plans.find(runbook)
            trigger = find_trigger(plan, source, "webhook")
            order = order_of(plan, trigger, read_object(content, name="the body"), now=now)
            if order is None:
                return {"state": "ignored", "why": "the condition of this trigger does not hold for the event"}
            started = await start_incident(self._face, plan, plan_digest, order, now=now, limits=self._limits)
        except NotFound as error:
            raise Problem(404, "not_found", "no runbook here has a webhook trigger of this name") from error
        except RunbookRefused as error:
            raise Problem(503, "runbook_refused", "the runbook does not compile; nothing was started") from error
        except InputsRefused as error:
            fields = [{"field": one.field, "expected": one.expected, "fix": one.fix} for one in error.problems[:50]]
            raise Problem(422, "inputs", "the event does not fit; nothing was started", fields=fields) from error
        except Refused as error:
            raise Problem(_CONFLICTS.get(error.type, 409), error.type, _in_words(error)) from error
        except EngineUnavailable as error:
            detail = "the engine does not answer; send the same delivery again"
            raise Problem(503, "unavailable", detail, retry_after=2) from error
        return {
            "state": "merged" if started.merged else "joined" if started.already else "started",
            "incident": started.incident,
            "region": started.region,
            "runbook": started.runbook,
            **({"closed": True} if started.forgotten else {}),
            **({"linked": list(started.linked)} if started.linked else {}),
        }


def _in_words(error: Refused) -> str:
    return {
        "key_reused": "this key started an incident before, with other content; nothing was started",
        "lost": "this key started an incident before, and it was ended from outside; somebody must look at it",
        "wrong_region": "this runbook is commanded from another region; send it to that region's gateway",
        "too_large": "the inputs are too large; send references",
    }.get(error.type, "it was refused")
