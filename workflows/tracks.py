"""What runs beside the phases: tracks.

A track fires once, at no event, when its condition becomes true; with `on_fact` and `each` at every recording of the
fact (`alongside/<id>[n]`, counted from 1), the recorded value under the name `fact`. A watch walks its steps when its
start is there, then every `every` seconds until `length` seconds after its start; what was missed is not made up for.
All of them stop when the run does, but for detached ones, which are runs of their own (`workflows.detached`). Which
have fired, the rounds and their instants are in the state.
"""

from datetime import timedelta

from temporalio import workflow

from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Expr, Track, Watch
from watchfloor.signing import parse_instant, render_instant
from workflows.attention import Attention
from workflows.detached import start_detached
from workflows.halt import StepFailed, Unwound
from workflows.run import Run
from workflows.scope import Frame
from workflows.state import forget_below


class Tracks:
    """Fires tracks and walks them beside the phases."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._frame = Frame(halt=run.root)
        self._walking: set[str] = set()
        tracks = run.plan["tracks"]
        watches = [watch["start"] for watch in (track.get("watch") for track in tracks) if watch]
        facts: list[Expr | None] = [*(track["when"] for track in tracks), *watches]
        self._attention = Attention(run, facts)

    def look(self) -> None:
        """Fire whatever became due, walk again whatever had fired before; must not wait."""
        run = self._run
        if run.root.reason or not self._attention.is_due():
            return
        for track in run.plan["tracks"]:
            for mark, frame in self._list_firings(track):
                if mark in self._walking:
                    continue
                if mark not in run.state["tracks"]:
                    run.state["tracks"].append(mark)
                    run.note(EntryKind.TRACK, path=f"alongside/{mark}", track=track["id"])
                self._walking.add(mark)
                run.spawn(self._walk(track, mark, frame))

    def _list_firings(self, track: Track) -> list[tuple[str, Frame]]:
        """Every firing so far or now: its mark and where it stands."""
        run, id_ = self._run, track["id"]
        name, watch = track.get("on_fact"), track.get("watch")
        if watch:
            is_there = id_ in run.state["tracks"] or self._find_start(watch) is not None
            return [(id_, self._frame)] if is_there else []
        fact = run.state["facts"].get(name) if name else None
        if name and fact is not None and track.get("each"):
            values: list[Json] = [*(one["value"] for one in fact["revisions"]), fact["value"]]
            static = f"alongside/{id_}"
            return [
                (f"{id_}[{nth}]", self._frame.looping(static, f"{static}[{nth}]").naming("fact", value))
                for nth, value in enumerate(values, 1)
            ]
        if id_ not in run.state["tracks"] and not run.holds(track["when"], self._frame):
            return []
        if name and fact is not None:
            first = fact["revisions"][0]["value"] if fact["revisions"] else fact["value"]
            return [(id_, self._frame.naming("fact", first))]
        return [(id_, self._frame)]

    def _find_start(self, watch: Watch) -> str | None:
        try:
            start = self._run.find_present(watch["start"], self._frame)
        except StepFailed:
            return None
        return start if isinstance(start, str) else None

    async def _walk(self, track: Track, mark: str, frame: Frame) -> None:
        watch = track.get("watch")
        try:
            if track.get("detached"):
                await start_detached(self._run, track, mark, frame)
            elif watch:
                await self._keep_watch(track, watch)
            else:
                await self._run.walk(frame, track["steps"])
        except Unwound:
            workflow.logger.debug("track came to rest", extra={"track": track["id"]})
        except StepFailed as failure:
            self._run.note(EntryKind.STEP_FAILED, path=f"alongside/{mark}", code=failure.code)

    async def _keep_watch(self, track: Track, watch: Watch) -> None:
        run, at = self._run, f"alongside/{track['id']}"
        deadlines, loops = run.state["deadlines"], run.state["loops"]
        if f"{at}!end" not in deadlines:
            start = parse_instant(self._find_start(watch) or run.now)
            deadlines[f"{at}!end"] = render_instant(start + timedelta(seconds=watch["length"]))
            deadlines[f"{at}!next"] = render_instant(max(start, workflow.now()))
            loops[at] = 1
        end = parse_instant(deadlines[f"{at}!end"])
        while (due := parse_instant(deadlines[f"{at}!next"])) <= end:
            await run.wait(self._frame.halt, lambda: False, due)
            await run.admit(self._frame.halt)
            round_ = f"{at}[{loops[at]}]"
            await run.walk(self._frame.looping(at, round_), track["steps"])
            forget_below(run.state, f"{round_}/")
            run.human.forget_below(f"{round_}/")
            loops[at] += 1
            # counted from the start, so that rounds do not drift; those that were missed are not made up for
            start, every = end - timedelta(seconds=watch["length"]), timedelta(seconds=watch["every"])
            passed = (workflow.now() - start) // every
            deadlines[f"{at}!next"] = render_instant(start + (passed + 1) * every)
