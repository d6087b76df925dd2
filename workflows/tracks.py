"""Tracks beside the phases: each fires once, at no event, when its condition becomes true; and severity floors."""

from collections.abc import Callable

from temporalio import workflow

from schemas.ledger import EntryKind
from schemas.plan import Track
from workflows.attention import Attention
from workflows.halt import Unwound
from workflows.run import Run
from workflows.scope import Frame


class Tracks:
    """Fires tracks and walks them beside the phases. Which have fired is in the state; their steps' results too."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._frame = Frame(halt=run.root)
        self._walking: set[str] = set()
        self._attention = Attention(run, [track["when"] for track in run.plan["tracks"]])

    def look(self) -> None:
        """Fire whatever became due, walk again whatever had fired before; must not wait."""
        run = self._run
        if run.root.reason or not self._attention.is_due():
            return
        for track in run.plan["tracks"]:
            if track["id"] in self._walking:
                continue
            if track["id"] not in run.state["tracks"]:
                if not run.holds(track["when"], self._frame):
                    continue
                run.state["tracks"].append(track["id"])
                run.note(EntryKind.TRACK, path=f"alongside/{track['id']}", track=track["id"])
            self._walking.add(track["id"])
            run.spawn(self._walk(track))

    async def _walk(self, track: Track) -> None:
        try:
            await self._run.walk(self._frame, track["steps"])
        except Unwound:
            workflow.logger.debug("track came to rest", extra={"track": track["id"]})


class Floors:
    """Raises the severity to what the plan's floors demand; never lowers it."""

    def __init__(self, run: Run, on_change: Callable[[], None]) -> None:
        self._run = run
        self._frame = Frame(halt=run.root)
        self._on_change = on_change
        self._attention = Attention(run, [floor["when"] for floor in run.plan["floors"]])

    def look(self) -> None:
        """Look at the floors; `S0` is the most severe."""
        if not self._attention.is_due():
            return
        run, wanted = self._run, self._run.state["severity"] or self._run.plan["severity"]
        for floor in run.plan["floors"]:
            if floor["at_least"] < wanted and run.holds(floor["when"], self._frame):
                wanted = floor["at_least"]
        if wanted != run.state["severity"]:
            before, run.state["severity"] = run.state["severity"], wanted
            run.notices.severity = wanted
            run.note(EntryKind.SEVERITY, severity=wanted, before=before)
            self._on_change()
