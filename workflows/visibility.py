"""Search attributes of a run: ids, roles and instants, set only when one of them has changed (one event each time)."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from watchfloor.signing import parse_instant
from workflows.board import find_state
from workflows.pressure import find_pressure
from workflows.run import Run

_SEVERITY = SearchAttributeKey.for_keyword("WatchfloorSeverity")
_PHASE = SearchAttributeKey.for_keyword("WatchfloorPhase")
_STATE = SearchAttributeKey.for_keyword("WatchfloorState")
_WAITING = SearchAttributeKey.for_keyword_list("WatchfloorWaiting")
_DUE = SearchAttributeKey.for_datetime("WatchfloorDue")
_PRESSURE = SearchAttributeKey.for_keyword("WatchfloorPressure")

Face = tuple[str, str, str, tuple[str, ...], str, str]


class Visibility:
    """Publishes what lists of runs show. The client sets the first values at start."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._is_on = run.start["limits"].get("search_attributes", True)
        self._presses = run.start["limits"].get("pressure", False)
        self._published: Face | None = None

    async def keep_published(self) -> None:
        """Run beside the walk: publish after each change, until the run comes to rest."""
        run = self._run
        while self._is_on and not run.stopped:
            await workflow.wait_condition(lambda: run.stopped or self._look("") != self._published)
            if not run.stopped:
                self.publish()

    def publish(self, closed_at: str = "") -> None:
        """Set the attributes now if any differs from what was set last."""
        seen = self._look(closed_at)
        if not self._is_on or seen == self._published:
            return
        self._published = seen
        severity, phase, state, waiting, due, pressure = seen
        updates: list[SearchAttributeUpdate] = [  # type: ignore[type-arg]
            _SEVERITY.value_set(severity),
            _PHASE.value_set(phase),
            _STATE.value_set(state),
            _WAITING.value_set(list(waiting)) if waiting else _WAITING.value_unset(),
            _DUE.value_set(parse_instant(due)) if due else _DUE.value_unset(),
        ]
        if self._presses:
            updates.append(_PRESSURE.value_set(pressure) if pressure else _PRESSURE.value_unset())
        workflow.upsert_search_attributes(updates)

    def _look(self, closed_at: str) -> Face:
        state = self._run.state
        if closed_at:
            return state["severity"], state["phase"], find_state(self._run, closed_at), (), "", ""
        asks = self._run.human.shown()
        roles = {role for ask in asks for seats in ask["options"].values() for slot in seats for role in slot["any_of"]}
        running = [clock["due_at"] for clock in state["clocks"].values() if clock["state"] == "running"]
        dues = [one for one in [*(ask["deadline_at"] for ask in asks), *running] if one]
        due = min(dues, key=_instant, default="")
        pressure = find_pressure(self._run) if self._presses else ""
        return state["severity"], state["phase"], find_state(self._run, ""), tuple(sorted(roles)), due, pressure


def _instant(text: str) -> datetime:
    return parse_instant(text)
