"""The status that an incident owes while it is open, as often as its severity asks for.

The communications lead is reminded when none was given for so long; a status noted begins the time anew, a change of
severity counts for what is left of it. Only in incident mode: a case has no room that waits for words. The text of a
status is in the evidence store, its reference in the ledger. Durable: `state["status_duty"]`, instants absolute. Ledger
entries: `status.reminded`, `status.noted`.
"""

from datetime import datetime, timedelta

from temporalio import workflow

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import parse_instant, render_instant
from workflows.run import Run

PATH = "status"


class Cadence:
    """Keeps the status duty of one run; `find_next` and `take_due` as `workflows.ticking.tick` wants them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._policy = run.start.get("paging")

    def find_next(self) -> datetime | None:
        """When the next reminder is due; now, when the duty has just begun."""
        every = self._find_every()
        if every is None:
            return None
        duty = self._run.state.get("status_duty")
        if duty is None:
            return workflow.now()
        return parse_instant(duty.get("reminded_at", duty["since"])) + timedelta(seconds=every)

    def take_due(self, now: datetime) -> None:
        """Begin the duty, or remind of it."""
        run, every = self._run, self._find_every()
        duty = run.state.get("status_duty")
        if duty is None:
            run.state["status_duty"] = {"since": render_instant(now)}
            return
        if every is None or self._policy is None:
            return
        due_at = render_instant(parse_instant(duty["since"]) + timedelta(seconds=every))
        duty["reminded_at"] = render_instant(now)
        roles = [self._policy["status_role"]]
        run.note(
            EntryKind.STATUS_REMINDED,
            path=PATH,
            roles=list(roles),
            severity=run.state["severity"],
            since=duty["since"],
            due_at=due_at,
        )
        run.notices.send(
            "status_due", path=PATH, step="", roles=roles, deadline_at=due_at, nth=str(duty["reminded_at"])
        )

    def _find_every(self) -> float | None:
        run = self._run
        if self._policy is None or run.state["taken"].get("!mode", run.plan["mode"]) != "incident":
            return None
        times = self._policy["severities"].get(run.state["severity"])
        return times["status_every"] if times is not None else None


def note_status(run: Run, body: dict[str, Json], mark: str) -> None:
    """Write a status down; the time until the next one begins anew."""
    noted = run.state.get("status_duty", {}).get("noted", 0) + 1
    if run.start.get("paging"):
        run.state["status_duty"] = {"since": run.now, "noted": noted}
    run.journal.note(
        EntryKind.STATUS_NOTED,
        path=PATH,
        actor=str(body["person"]),
        data={
            "statement": mark,
            "role": body["role"],
            "reason_ref": body["reason_ref"],
            "severity": run.state["severity"],
        },
    )
