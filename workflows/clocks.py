"""The legal clocks of a run: facts plus law, absolute instants, one timer for all.

A clock starts when its fact is there (which may lie in the past: then what is overdue is handled at once), restarts
when a later one is, warns, breaches and keeps running, and stops on its stopping fact: `met` or `late` by that fact's
own instant. With a condition (`if`) it starts when that holds too, still from its fact's instant; with `each` there is
one per member, named `<clock>[<member>]`, or by the member's digest where the member is no plain id. A retention period
that runs out is met. It stands still for a reason of its law (`workflows.pausing`) and is renewed (`.renewing`).
Everything is derived from `state["clocks"]`; a crash, continue-as-new or a pause of the run delays no instant. Ledger
entries: `clock.started`, `.restarted`, `.warned`, `.breached`, `.stopped`, `.assigned`, and those of the two modules.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from temporalio import workflow

from schemas.incident import ClockState
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import NotifyCall, NotifyReceipt
from schemas.plan import ClockPlan, Expr
from watchfloor.signing import digest, parse_instant, render_instant
from workflows.attention import Attention
from workflows.halt import StepFailed
from workflows.pausing import look_at_pauses, settle
from workflows.renewing import ended_by_itself, look_at_renewal
from workflows.run import COMMANDER, Run
from workflows.scope import Frame
from workflows.spans import find_unknown
from workflows.standstill import find_end, move
from workflows.ticking import tick

ON = frozenset({"running", "breached", "paused"})
"""States of a clock that has begun and not stopped."""
MEMBERS = 1000
"""Clocks that one `each` may make."""
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Clocks:
    """Keeps the clocks of one run. `look` after every change, `tick` as one coroutine beside the walk."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._frame = Frame(halt=run.root)
        for name, plan in run.plan["clocks"].items():
            if not plan.get("each"):
                run.state["clocks"].setdefault(name, _fresh(name))
        self._attention = Attention(run, [one for plan in run.plan["clocks"].values() for one in _expressions(plan)])
        self._next = self._find_next()

    def look(self) -> None:
        """Start, restart and stop whatever the facts say; must not wait."""
        if not self._attention.is_due():
            return
        self._meet_members()
        for plan, clock in self._list():
            self._look_at_start(plan, clock)
            if clock["state"] in ON and plan.get("pause"):
                look_at_pauses(plan, clock, self._frame_of(plan, clock), self._find_instant, self._note)
                settle(plan, clock, workflow.now())
            if clock["state"] in ON:
                self._look_at_restart(plan, clock)
            if "renew" in plan and (clock["state"] in ON or ended_by_itself(plan, clock)):
                frame = self._frame_of(plan, clock)
                look_at_renewal(plan, clock, frame, self._find_instant, workflow.now(), self._note)
            if clock["state"] in ON:
                self._look_at_stop(plan, clock)
        self._next = self._find_next()

    async def tick(self) -> None:
        """Wait for the next due instant of all clocks and handle it, with one timer that is set anew only when that
        instant changes; until the run has come to rest. It goes on while the run drains: a clock waits for nothing."""
        await tick(self._run, lambda: self._next, self._take_due)

    def _take_due(self, now: datetime) -> None:
        self._handle_due(now)
        self._next = self._find_next()

    def assign_open(self) -> None:
        """When the run closes: every clock that still runs gets an owner, who is told."""
        run = self._run
        for name, clock in run.state["clocks"].items():
            if clock["state"] not in ON:
                continue
            role = run.plan["clocks"][clock.get("of", name)]["on_close"] or COMMANDER
            clock["state"], clock["assigned_to"] = "assigned", role
            run.note(EntryKind.CLOCK_ASSIGNED, clock=name, role=role, due_at=clock["due_at"])
            run.notices.send(
                "clock_assigned", path=f"clocks/{name}", step="", roles=[role], deadline_at=clock["due_at"], clock=name
            )

    def take_custody(self, call: NotifyCall, receipt: NotifyReceipt) -> None:
        """Somebody was told that a clock is theirs now: the record names them. Who stands aside is given none."""
        clock = self._run.state["clocks"].get(call["clock"])
        if call["kind"] != "clock_assigned" or clock is None:
            return
        told = [one for role in call["roles"] for one in receipt.get("people", {}).get(role, ())]
        keeper = next((one for one in told if one not in self._run.desk.recused), "")
        if keeper:
            clock["custodian"] = keeper
            self._run.note(
                EntryKind.CLOCK_ASSIGNED,
                clock=clock["name"],
                role=call["roles"][0],
                person=keeper,
                due_at=clock["due_at"],
            )

    def _list(self) -> list[tuple[ClockPlan, ClockState]]:
        """Every clock with what the plan says about it, in the order of the plan, members in the order they came."""
        clocks = self._run.state["clocks"]
        found: list[tuple[ClockPlan, ClockState]] = []
        for name, plan in self._run.plan["clocks"].items():
            if not plan.get("each"):
                found.append((plan, clocks[name]))
                continue
            found.extend((plan, clock) for clock in clocks.values() if clock.get("of") == name)
        return found

    def _meet_members(self) -> None:
        """One clock for each member seen so far; one that is no longer listed keeps its clock."""
        clocks = self._run.state["clocks"]
        for name, plan in self._run.plan["clocks"].items():
            each = plan.get("each")
            members = self._find_members(each["in_"]) if each else []
            for member in members:
                own = f"{name}[{_label(member)}]"
                if own not in clocks and sum(clock.get("of") == name for clock in clocks.values()) < MEMBERS:
                    clocks[own] = {**_fresh(own), "of": name, "member": member}

    def _find_members(self, expr: Expr) -> list[Json]:
        try:
            members = self._run.find_present(expr, self._frame)
        except StepFailed:
            workflow.logger.warning("a clock's members could not be read", extra={"expression": expr["src"]})
            return []
        return list(members) if isinstance(members, list) else []

    def _frame_of(self, plan: ClockPlan, clock: ClockState) -> Frame:
        each = plan.get("each")
        return self._frame.naming(each["item"], clock.get("member")) if each else self._frame

    def _find_instant(self, expr: Expr | None, frame: Frame) -> datetime | None:
        """The instant a clock's expression gives: its value, or now when it is a condition that holds."""
        if expr is None:
            return None
        try:
            value = self._run.find_present(expr, frame)
            if isinstance(value, str):
                return parse_instant(value)
        except (StepFailed, ValueError):
            workflow.logger.warning("a clock's expression failed", extra={"expression": expr["src"]})
            return None
        return workflow.now() if value is True else None

    def _look_at_start(self, plan: ClockPlan, clock: ClockState) -> None:
        started = self._find_instant(plan["start"], self._frame_of(plan, clock))
        if started is None:
            return
        cond = plan.get("cond")
        if clock["state"] == "waiting" and cond is not None and not self._run.holds(cond, self._frame_of(plan, clock)):
            return
        if clock["state"] == "waiting":
            self._set(plan, clock, started)
            self._note(EntryKind.CLOCK_STARTED, clock)
            return
        is_moved = clock["started_at"] is not None and parse_instant(clock["started_at"]) != started
        if (
            clock["state"] in ON
            and "came_from" not in clock
            and clock["restarts"] == 0
            and plan["start"]["type"] == "timestamp"
            and is_moved
        ):
            # a revised fact moves the start; counsel's word was checked when the revision was taken
            self._set(plan, clock, started)
            self._note(EntryKind.CLOCK_RESTARTED, clock, revised=True)

    def _look_at_restart(self, plan: ClockPlan, clock: ClockState) -> None:
        again = self._find_instant(plan["restart"], self._frame_of(plan, clock))
        if again is None or clock["started_at"] is None:
            return
        is_moment = plan["restart"] is not None and plan["restart"]["type"] == "timestamp"
        if (is_moment and again > parse_instant(clock["started_at"])) or (not is_moment and clock["restarts"] == 0):
            self._set(plan, clock, again)
            clock["restarts"] += 1
            self._note(EntryKind.CLOCK_RESTARTED, clock)

    def _look_at_stop(self, plan: ClockPlan, clock: ClockState) -> None:
        stopped = self._find_instant(plan["stop"], self._frame_of(plan, clock))
        if stopped is None:
            return
        if clock["started_at"] is not None and stopped < parse_instant(clock["started_at"]):
            # what was verified before the clock began again does not stop it
            return
        if clock["state"] == "paused":
            moved = find_end(plan["law"], clock, upto=stopped)
            clock["due_at"] = render_instant(moved) if moved is not None else None
        due = parse_instant(clock["due_at"]) if clock["due_at"] is not None else None
        clock["stopped_at"] = render_instant(stopped)
        clock["state"] = "met" if due is None or stopped <= due else "late"
        self._note(EntryKind.CLOCK_STOPPED, clock, state=clock["state"])

    def _set(self, plan: ClockPlan, clock: ClockState, started: datetime) -> None:
        clock["started_at"] = render_instant(started)
        clock["state"], clock["warned"] = "running", []
        unknown = find_unknown(plan["law"], started)
        if unknown is not None:
            clock["calendar_known"] = unknown
        else:
            clock.pop("calendar_known", None)
        settle(plan, clock, workflow.now())

    def _find_warnings(self, plan: ClockPlan, clock: ClockState) -> list[tuple[str, datetime]]:
        """The warnings not given yet: their mark and instant. Durations count from the clock's start."""
        if clock["started_at"] is None:
            return []
        started = parse_instant(clock["started_at"])
        found: list[tuple[str, datetime]] = []
        for warn in plan["warn"]:
            try:
                at = move(started + timedelta(seconds=self._run.find_seconds(warn)), clock)
            except StepFailed:
                continue
            if render_instant(at) not in clock["warned"]:
                found.append((render_instant(at), at))
        return sorted(found, key=lambda one: one[1])

    def _find_next(self) -> datetime | None:
        instants: list[datetime] = []
        for plan, clock in self._list():
            if clock["state"] != "running":
                continue
            instants.extend(at for _, at in self._find_warnings(plan, clock))
            if clock["due_at"] is not None:
                instants.append(parse_instant(clock["due_at"]))
        return min(instants, default=None)

    def _handle_due(self, now: datetime) -> None:
        for plan, clock in self._list():
            if clock["state"] != "running":
                continue
            due = parse_instant(clock["due_at"]) if clock["due_at"] is not None else None
            passed = [mark for mark, at in self._find_warnings(plan, clock) if at <= now]
            clock["warned"].extend(passed)
            if due is not None and due <= now:
                self._handle_end(plan, clock)
            elif passed:
                # after an outage, or with a start in the past, the latest warning says it all
                self._note(EntryKind.CLOCK_WARNED, clock)
                self._tell(clock, "clock_warning", [COMMANDER], passed[-1])

    def _handle_end(self, plan: ClockPlan, clock: ClockState) -> None:
        if plan["law"]["kind"] == "min_retention":
            clock["state"], clock["stopped_at"] = "met", clock["due_at"]
            self._note(EntryKind.CLOCK_STOPPED, clock, state="met")
            return
        clock["state"] = "breached"
        self._note(EntryKind.CLOCK_BREACHED, clock)
        roles = [page["page"] for page in plan["on_breach"]] or [COMMANDER]
        self._tell(clock, "clock_breach", roles, str(clock["due_at"]))

    def _tell(self, clock: ClockState, kind: str, roles: list[str], nth: str) -> None:
        self._run.notices.send(
            kind,  # type: ignore[arg-type]
            path=f"clocks/{clock['name']}",
            step="",
            roles=roles,
            deadline_at=clock["due_at"],
            clock=clock["name"],
            nth=f"{clock['restarts']}:{nth}",
        )

    def _note(self, kind: str, clock: ClockState, **more: Json) -> None:
        self._run.note(
            kind,
            path=f"clocks/{clock['name']}",
            clock=clock["name"],
            law=self._run.plan["clocks"][clock.get("of", clock["name"])]["law"]["id"],
            started_at=clock["started_at"],
            due_at=clock["due_at"],
            stopped_at=clock["stopped_at"],
            **({"calendar_known": clock["calendar_known"]} if "calendar_known" in clock else {}),
            **more,
        )


def _fresh(name: str) -> ClockState:
    return {
        "name": name,
        "state": "waiting",
        "started_at": None,
        "due_at": None,
        "stopped_at": None,
        "warned": [],
        "restarts": 0,
        "assigned_to": None,
    }


def _label(member: Json) -> str:
    """A member as part of a name: as it is when it is a plain id, else a few characters of its digest."""
    text = str(member) if isinstance(member, (str, int)) else ""
    return text if _PLAIN.fullmatch(text) else digest(member)[7:19]


def _expressions(plan: ClockPlan) -> Iterator[Expr | None]:
    each = plan.get("each")
    yield from (plan["start"], plan["restart"], plan["stop"], plan.get("cond"), each["in_"] if each else None)
    yield plan.get("renew")
    for rule in plan.get("pause", {}).values():
        yield from (rule["since"], rule["until"])
