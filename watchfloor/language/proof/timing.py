"""Whether the work fits the clock: the worst case from each clock's start to its stop.

The worst case is the longest of all written ways on which every step comes to its end: an action succeeds at its last
attempt, a person answers at the end of the ladder, a loop needs all its rounds. Steps of `on_silence`, `on_timeout`,
`on_exhausted`, `on_deny`, `on_error` are ways too. A step that fails and says nothing about it leaves the written ways:
the commander is asked, and that time is no part of the table. Conditions are taken as independent of each other. What
stops a clock from outside cannot be measured; a wait for the fact that restarts a clock, or ends a pause of it, is a
legal pause.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from schemas.plan import ClockPlan, Plan, Step, Track
from watchfloor.language.proof.children import child_of
from watchfloor.language.proof.durations import (
    FREEZE,
    GRACE,
    attempts_of,
    in_words,
    length_of,
    rounds_of,
    seconds_of,
    window_of,
)
from watchfloor.language.proof.lists import bound_of
from watchfloor.language.proof.walk import every_step, facts_in, roots_of, steps_of
from watchfloor.language.proof.ways import Contribution, Progress, Way, Who, quickest, worst


@dataclass(frozen=True, slots=True)
class ClockTiming:
    """The worst case of one clock. Seconds.

    Attributes:
        way: None when no step of the plan stops the clock.
        exact: False when the start comes from outside at a time the plan does not say; `way` is then measured from the
            earliest possible start.
        where: the track that stops it, empty for the phases.
        pauses: waits of the plan that restart the clock; they run against nobody.
    """

    clock: str
    law: str
    start: str
    stop: str
    length: float | None
    way: Way | None
    exact: bool
    where: str
    pauses: tuple[Contribution, ...] = ()

    @property
    def slack(self) -> float | None:
        return None if self.length is None or self.way is None else self.length - self.way.counted

    @property
    def fits(self) -> bool:
        return self.slack is None or self.slack >= 0


def measure(plan: Plan) -> list[ClockTiming]:
    """The worst case of every clock that is due, in the order of the plan."""
    return [_measure(plan, clock) for clock in plan["clocks"].values() if clock["law"]["kind"] in _DUE]


_DUE = {"deadline", "promptly"}


def _measure(plan: Plan, clock: ClockPlan) -> ClockTiming:
    starts, stop = facts_in(clock["start"]["vars"]), clock["stop"]
    stops = facts_in(stop["vars"]) if stop is not None else set()
    restarts = facts_in(clock["restart"]["vars"]) if clock["restart"] is not None else set()
    pauses = {name for rule in clock.get("pause", {}).values() for name in facts_in(rule["until"]["vars"])}
    if clock.get("after_pause") == "restart":
        restarts |= pauses
    found: list[tuple[Way, bool, str]] = []
    for name, steps in roots_of(plan):
        if not any(set(step["records"]) & stops for step in every_step(steps)):
            continue
        begun, exact = _begin(plan, name, steps, starts)
        way = Walker(plan, starts, stops, restarts, frozenset(pauses - restarts)).walk(steps, begun).stopped
        if way is not None:
            found.append((way, exact, name))
    # a track and the phases may both stop it: the sooner of the two does
    chosen = min(found, key=lambda one: one[0].counted, default=None)
    return ClockTiming(
        clock=clock["name"],
        law=clock["law"]["id"],
        start=clock["start"]["src"],
        stop=stop["src"] if stop is not None else "",
        length=length_of(clock["law"]),
        way=chosen[0] if chosen else None,
        exact=chosen[1] if chosen else True,
        where=chosen[2] if chosen else "",
        pauses=tuple(_legal_pauses(plan, restarts | pauses, restarts)),
    )


def _legal_pauses(plan: Plan, waited: set[str], restarts: set[str]) -> Iterator[Contribution]:
    for step in steps_of(plan):
        if step["kind"] == "wait" and step["fact"] in waited and step["within"] is not None:
            yield _pause(step["id"], seconds_of(step["within"], plan), step["fact"], step["fact"] in restarts)


def _pause(step: str, seconds: float, fact: str | None, is_restart: bool) -> Contribution:
    how = "starts anew" if is_restart else "stands still and goes on"
    return Contribution(step, "legal", seconds, f"the clock {how} with `{fact}`")


def _begin(plan: Plan, root: str, steps: Sequence[Step], starts: set[str]) -> tuple[Progress, bool]:
    """Where the clock stands when a root begins, and whether that is certain."""
    running = Progress(running=Way())
    track = next((one for one in plan["tracks"] if f"alongside/{one['id']}" == root), None)
    if track is not None:
        return running, bool(_fires_on(track) & starts)
    sources = {source for name in starts for source in plan["facts"][name]["sources"] if name in plan["facts"]}
    if not starts or any(source.startswith("inputs.") for source in sources):
        return running, True
    inside = list(every_step(steps))
    if any(set(step["records"]) & starts for step in inside) or any(_waited(step) in starts for step in inside):
        return Progress(idle=True), True
    return running, False


def _fires_on(track: Track) -> set[str]:
    on_fact = track.get("on_fact")
    return {on_fact} if on_fact else facts_in(track["when"]["vars"])


def _waited(step: Step) -> str | None:
    return step["fact"] if step["kind"] == "wait" else None


class Walker:
    """Carries `Progress` through lists of steps."""

    def __init__(
        self, plan: Plan, starts: set[str], stops: set[str], restarts: set[str], pauses: frozenset[str] = frozenset()
    ) -> None:
        self.plan = plan
        self.starts, self.stops, self.restarts, self.pauses = starts, stops, restarts, pauses

    def walk(self, steps: Sequence[Step], at: Progress) -> Progress:
        for step in steps:
            at = self.step(step, at)
        return at

    def step(self, step: Step, at: Progress) -> Progress:
        if not at.arrives:
            return at
        carry: Callable[[Any, Progress], tuple[Progress, Progress]] = getattr(self, f"_{step['kind']}")
        done, aside = carry(step, at)
        bound = step["timeout"] if step["kind"] != "action" else None
        if bound is not None:
            done, aside = _cap(step["id"], at, done, bound), _cap(step["id"], at, aside, bound)
        gone_wrong = self._after_failure(step, done)
        left = self._recorded(step, done).merged(aside, gone_wrong)
        return left.merged(at) if step["cond"] is not None else left

    def _recorded(self, step: Step, at: Progress) -> Progress:
        """The facts that a step records when it is done start and stop the clock."""
        names = set(step["records"])
        if names & self.starts and at.idle:
            # what a step may leave out need not have started it
            optional = any(_may_be_absent(step["records"][name]["vars"]) for name in names & self.starts)
            at = Progress(optional, worst((at.running, Way())), at.stopped)
        if names & self.stops and at.running is not None:
            at = Progress(at.idle, None, worst((at.stopped, at.running)))
        return at

    def _after_failure(self, step: Step, at: Progress) -> Progress:
        """A failure costs what success may cost; what the runbook then says is carried out."""
        whole: Any = step
        nothing = Progress()
        left = [self.walk(catch["steps"], at) for catch in whole.get("catches", ())]
        if step["on_error"] == "continue":
            left.append(at)
        elif not isinstance(step["on_error"], str):
            left.append(self.walk(step["on_error"], at))
        return nothing.merged(*left)

    def _add(self, step: Step, at: Progress, who: Who, seconds: float, why: str) -> Progress:
        return at.after(Contribution(step["id"], who, seconds, why))

    def _course(self, course: str | Sequence[Step], at: Progress) -> Progress:
        """`continue` and `keep` go on; other words leave the written ways or end the run."""
        if isinstance(course, str):
            return at if course in {"continue", "keep"} else at.ended()
        return self.walk(course, at)

    # one method for each kind: the way on which the step is done, and the ways that go past it

    def _action(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        seconds, words = attempts_of(step)
        gate, aside = step["approval"], Progress()
        if gate is not None:
            asked = self._add(step, at, "people", *window_of(gate["within"], gate["on_silence"], self.plan))
            aside = self._course(gate["on_deny"], asked).merged(self._course(gate["on_silence"]["then"], asked))
            at = asked
        return self._add(step, at, "engine", seconds, words), aside

    def _decide(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        asked = self._add(step, at, "people", *window_of(step["within"], step["on_silence"], self.plan))
        options = [self.walk(option["steps"], asked) for option in step["options"].values()]
        return Progress().merged(*options), self._course(step["on_silence"]["then"], asked)

    def _task(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        asked = self._add(step, at, "people", *window_of(step["within"], step["on_silence"], self.plan))
        return asked, self._course(step["on_silence"]["then"], asked)

    def _wait(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        if step["for_"] is not None:
            seconds = seconds_of(step["for_"], self.plan)
            return self._add(step, at, "engine", seconds, f"waits {in_words(seconds)}"), Progress()
        if step["within"] is None:
            unsaid = f"`{step['id']}` waits until an instant that the plan does not fix"
            return replace(at, running=at.running.without(unsaid) if at.running else None), Progress()
        seconds = seconds_of(step["within"], self.plan)
        what = f"`{step['fact']}` from outside" if step["fact"] else "a condition"
        waited = self._add(step, at, "people", seconds, f"waits for {what}, at most {in_words(seconds)}")
        aside = self._course(step["on_timeout"], waited)
        if step["fact"] in self.restarts and at.running is not None:
            pause = _pause(step["id"], seconds, step["fact"], True)
            return replace(at, running=at.running.then(pause).restarted()), aside
        if step["fact"] in self.pauses and at.running is not None:
            pause = _pause(step["id"], seconds, step["fact"], False)
            return replace(at, running=at.running.then(pause)), aside
        if step["fact"] in self.starts:
            return Progress(False, worst((waited.running, Way())), waited.stopped), aside
        return waited, aside

    def _parallel(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        ends = [self.walk(steps, at) for steps in step["branches"].values()]
        stopping = [end for end in ends if not end.arrives and end.stopped is not None]
        stopped = worst(end.stopped for end in ends)
        if step["join"] == "any":
            running = quickest([end.running for end in ends if end.running is not None])
        else:
            running = None if stopping else worst(end.running for end in ends)
            if at.idle and running is not None:
                # started in one branch, the clock also runs while the others are waited for
                beside = [self.walk(steps, Progress(running=Way())).running for steps in step["branches"].values()]
                running = worst((running, *beside))
        return Progress(any(end.idle for end in ends), running, stopped), Progress()

    def _for_each(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        rounds, words = rounds_of(step, self.plan)
        one = self.walk(step["steps"], Progress(running=Way()))
        body = worst((one.running, one.stopped)) or Way()
        way = body.repeated(rounds or 1, words)
        if rounds is None:
            way = way.without(f"`{step['id']}` runs over a list of a length the plan does not bound")
        inner = self.walk(step["steps"], at) if at.idle else Progress()
        if one.stopped is not None:
            return Progress(at.idle, None, worst((at.stopped, at.via(way).running))), Progress()
        begun = worst((at.via(way).running, inner.running))
        return Progress(at.idle, begun, at.stopped), Progress()

    def _repeat(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        every, times = seconds_of(step["every"], self.plan), step["times"]
        one = self.walk(step["steps"], Progress(running=Way()))
        body = worst((one.running, one.stopped)) or Way()
        way = body.repeated(times, f"{times} rounds")
        idle = max(0.0, every - body.counted) * (times - 1)
        way = way.then(Contribution(step["id"], "engine", idle, f"rounds every {in_words(every)}"))
        after = at.via(way)
        if at.idle:
            after = replace(after, running=worst((after.running, self.walk(step["steps"], at).running)))
        if one.stopped is not None:
            after = Progress(at.idle, None, worst((at.stopped, after.running)))
        return after, self._course(step["on_exhausted"], after)

    def _choose(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        ways = [self.walk(case["steps"], at) for case in step["cases"]]
        ways.append(self.walk(step["otherwise"], at) if step["otherwise"] is not None else at)
        return Progress().merged(*ways), Progress()

    def _hold(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        return self._add(step, at, "engine", FREEZE, "freeze and its proof at each custodian"), Progress()

    def _handoff(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        seconds = seconds_of(step["accept_within"], self.plan)
        offered = self._add(step, at, "people", seconds, f"the offer stands {in_words(seconds)}")
        gone = self._add(step, offered, "engine", GRACE, "a handoff process that gives no sign")
        return offered, self._course(step["fallback"], gone)

    def _postmortem(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        return at, Progress()

    def _stop(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        return at.ended(), Progress()

    def _try(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        done = self.walk(step["steps"], at)
        # a body that fails at its very end has cost what it may cost
        failed = at.merged(*self._prefixes(step["steps"], at)) if step["handlers"] else Progress()
        caught = [self.walk(handler["steps"], failed) for handler in step["handlers"]]
        return self.walk(step["finally_"], done), self.walk(step["finally_"], Progress().merged(*caught))

    def _prefixes(self, steps: Sequence[Step], at: Progress) -> list[Progress]:
        """Where the clock stands when the first, the second … step of a body fails: it has cost its time and recorded
        nothing."""
        found: list[Progress] = []
        for step in steps:
            found.append(self.step({**step, "records": {}}, at))  # type: ignore[arg-type]
            at = self.step(step, at)
        return found

    def _run(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        if step["reroute"]:
            return at.ended(), Progress()
        if not step["wait"] or at.running is None:
            return at, Progress()
        if step["timeout"] is not None:
            seconds = step["timeout"]
            return self._add(step, at, "engine", seconds, f"another runbook, at most {in_words(seconds)}"), Progress()
        child = child_of(self.plan, step)
        if child is None:
            unsaid = f"`{step['id']}` waits for a runbook that is not at hand"
            return replace(at, running=at.running.without(unsaid)), Progress()
        way = whole_of(child)
        if step["each"] is not None:
            items = bound_of(step["each"]["in_"], self.plan)
            if items is None:
                way = way.without(f"`{step['id']}` runs once for each of a list that the plan does not bound")
            way = way.repeated(ceil((items or 1) / step["each"]["at_once"]), f"{items} items")
        who: Who
        for who in ("engine", "people"):
            at = self._add(step, at, who, way.total(who), f"`{step['runbook']}`, its own worst case")
        for unsaid in way.unknown:
            at = replace(at, running=at.running.without(unsaid)) if at.running is not None else at
        return at, Progress()


class _Whole(Walker):
    """Remembers how long the ways are that end a run."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, set(), set(), set())
        self.ends: list[Way] = []

    def _stop(self, step: Any, at: Progress) -> tuple[Progress, Progress]:
        if at.running is not None:
            self.ends.append(at.running)
        return super()._stop(step, at)


def whole_of(plan: Plan) -> Way:
    """The worst way through the phases of a runbook, from its start to its closing, however it ends."""
    walker = _Whole(plan)
    left = walker.walk([step for phase in plan["phases"] for step in phase["steps"]], Progress(running=Way())).running
    way = worst([left, *walker.ends]) or Way()
    if plan["close_when"] is not None:
        way = way.without(f"`{plan['id']}` closes when {plan['close_when']['src']}")
    return way


def _may_be_absent(names: dict[str, str]) -> bool:
    """Steps record what is present; only an expression of the run itself is always there."""
    return any(name.startswith(("steps.", "last.", "has.")) for name in names)


def _cap(step: str, before: Progress, after: Progress, bound: float) -> Progress:
    """A step's own `timeout` bounds whatever happens inside it."""
    if before.running is None or after.running is None:
        return after
    if after.running.counted - before.running.counted <= bound:
        return after
    return replace(
        after, running=before.running.then(Contribution(step, "engine", bound, f"timeout {in_words(bound)}"))
    )
