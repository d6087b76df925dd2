"""From a case or a ledger entry to what the API gives."""

from schemas.ledger import StoredEntry
from watchfloor.cases import Case
from watchfloor.gateway.api.shapes import ClockView, Entry, Summary, Waiting

_RUNNING = {"running", "breached"}


def summary_of(case: Case, revision: str) -> Summary:
    """One line: how bad, where it stands, whom it waits on until when. `revision` as the asker may know it."""
    board = case.board
    waiting = [
        Waiting(
            path=ask["path"],
            step=ask["step"],
            kind=ask["kind"],
            roles=list(
                dict.fromkeys(role for seats in ask["options"].values() for slot in seats for role in slot["any_of"])
            ),
            deadline_at=ask["deadline_at"],
            on_silence=ask["on_silence"],
        )
        for ask in board["asks"]
    ]
    clocks = [
        ClockView(name=clock["name"], state=clock["state"], started_at=clock["started_at"], due_at=clock["due_at"])
        for clock in board["clocks"]
    ]
    running = [clock.due_at for clock in clocks if clock.state in _RUNNING and clock.due_at]
    dues = [*running, *(one.deadline_at for one in waiting if one.deadline_at)]
    return Summary(
        incident=case.incident,
        runbook=case.runbook,
        severity=case.severity,
        state=case.state,
        phase=board["phase"],
        outcome=board["outcome"],
        opened_at=case.opened_at,
        next_due_at=min(dues, default=None),
        waiting=waiting,
        clocks=clocks,
        revision=revision,
        url=f"/api/v1/incidents/{case.incident}",
    )


def entry_of(stored: StoredEntry) -> Entry:
    """An entry without what only the store needs."""
    return Entry(
        seq=stored["seq"],
        id=stored["id"],
        kind=stored["kind"],
        at=stored["at"],
        actor=stored["actor"],
        step=stored["step"],
        path=stored["path"],
        data=dict(stored["data"]),
        hash=stored["hash"],
        prev=stored["prev"],
    )
