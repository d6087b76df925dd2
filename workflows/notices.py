"""Telling people: the durable `people.notify` activity, seen from a workflow.

A notice holds ids, roles and instants only. One that reaches nobody is written down; it never fails the run.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from schemas.keys import Pins
from schemas.ledger import EntryKind
from schemas.notify import ACTIVITY_NOTIFY, FOLLOW_UPS, AboutPage, NoticeKind, NotifyCall, NotifyReceipt
from watchfloor.signing import Trust, effect_key, parse_instant
from workflows.journal import Journal

_ATTEMPT = timedelta(seconds=30)
_PATIENCE = timedelta(minutes=5)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a workflow stands and whom it believes: what every statement to it must name, and the pinned keys.

    `incident` is the id that decisions must name; for a hold or a postmortem it is the incident that placed it.
    `workflow` is the workflow's own id. `requester` is who asked for the thing, empty for a machine. `root` is the
    pinned root of the region, empty in a run from before there were roots; `revoked` grows as revocations arrive.
    """

    region: str
    namespace: str
    incident: str
    plan: str
    workflow: str
    requester: str
    decision_keys: dict[str, str]
    root: str = ""
    revoked: dict[str, str] = field(default_factory=dict)
    recused: list[str] = field(default_factory=list)
    """People who stand aside from this run; grows and shrinks with `workflows.recusal`."""

    keyed: list[str] = field(default_factory=list)
    """What only a security key decides here; fixed when the run starts."""

    def __post_init__(self) -> None:
        for at in self.revoked.values():
            parse_instant(at)  # a start message with another text is refused now, not when a statement comes

    @property
    def trust(self) -> Trust:
        """Whom this workflow believes now. Where a root is pinned, no key counts without a certificate."""
        keys = {} if self.root else self.decision_keys
        return Trust(self.region, self.namespace, keys, self.root, self.revoked)

    def pin(self, start: Pins) -> None:
        """Have a run that this one starts believe the same."""
        start["decision_keys"] = dict(self.decision_keys)
        if self.root:
            start["root"] = self.root
        if self.revoked:
            start["revoked"] = dict(self.revoked)
        if self.recused:
            start["recused"] = list(self.recused)
        if self.keyed:
            start["keyed"] = list(self.keyed)


class Listener(Protocol):
    """Who is told of every notice of a workflow: `workflows.pages.Pages`."""

    def sent(self, call: NotifyCall) -> None: ...

    def delivered(self, call: NotifyCall, receipt: NotifyReceipt) -> None: ...


class Notices:
    """Sends notices as tasks of the workflow and knows which are still under way.

    Durable: each notice is an activity, so it may reach a channel twice; channels deduplicate by its key, made of the
    path, the kind and `nth`. Ledger entries ride along.
    """

    def __init__(self, desk: Desk, journal: Journal, severity: str = "") -> None:
        self._desk = desk
        self._journal = journal
        self.severity = severity
        self.listener: Listener | None = None
        self.arrived: Callable[[NotifyCall, NotifyReceipt], None] = lambda call, receipt: None
        """Told of every notice that an activity has sent off; must not wait."""
        self._under_way: list[asyncio.Task[None]] = []

    def send(
        self,
        kind: NoticeKind,
        *,
        path: str,
        step: str,
        roles: Sequence[str],
        deadline_at: str | None = None,
        clock: str = "",
        nth: str = "",
        exposure: str = "",
        person: str = "",
        about_page: AboutPage | None = None,
    ) -> None:
        """Schedule a notice now. The activity is commanded in this workflow task; nobody waits for its end here."""
        wanted = list(dict.fromkeys(roles))
        key = effect_key(
            region=self._desk.region,
            incident=self._desk.incident,
            plan=self._desk.plan,
            path=path,
            item=[self._desk.workflow, kind, clock, nth],
            inputs={"roles": wanted, "deadline_at": deadline_at},
            action=ACTIVITY_NOTIFY,
        )
        call: NotifyCall = {
            "v": 1,
            "kind": kind,
            "region": self._desk.region,
            "workflow": self._desk.workflow,
            "incident": self._desk.incident,
            "path": path,
            "step": step,
            "roles": wanted,
            "severity": self.severity,
            "deadline_at": deadline_at,
            "clock": clock,
            "key": key,
            "entries": [],
        }
        if self._desk.recused:
            call["excluded"] = list(self._desk.recused)
        if exposure:
            call["exposure"] = exposure
        if person:
            call["person"] = person
        if about_page is not None:
            call = {**call, **about_page}
        elif self.listener is not None:
            self.listener.sent(call)
        self._under_way = [task for task in self._under_way if not task.done()]
        self._under_way.append(asyncio.create_task(self._deliver(call)))

    async def drained(self) -> None:
        """Wait until no notice is under way; before continue-as-new and before the workflow ends."""
        await workflow.wait_condition(lambda: all(task.done() for task in self._under_way))

    async def _deliver(self, call: NotifyCall) -> None:
        try:
            with self._journal.riding() as entries:
                call["entries"] = entries
                receipt: NotifyReceipt = await workflow.execute_activity(
                    ACTIVITY_NOTIFY,
                    call,
                    result_type=NotifyReceipt,
                    start_to_close_timeout=_ATTEMPT,
                    schedule_to_close_timeout=_PATIENCE,
                    retry_policy=_RETRY,
                )
            self.arrived(call, receipt)
            if self.listener is not None:
                self.listener.delivered(call, receipt)
            failed = receipt["failed"] if not receipt["delivered"] and call["kind"] not in FOLLOW_UPS else []
        except ActivityError:
            failed = ["people.notify"]
        if failed:
            self._journal.note(
                EntryKind.NOTICE_FAILED,
                step=call["step"],
                path=call["path"],
                data={"kind": call["kind"], "roles": list(call["roles"]), "channels": list(failed)},
            )
