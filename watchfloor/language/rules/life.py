"""Life first: from the fact that life is at risk to contact with the authorities nothing else comes in between.

Facts of that kind are those for which a floor raises the severity to S0, and those that start a clock of a law about
danger to life. Judged are the tracks that fire on one, and, where no track tells the authorities, the phases from the
step that records it on. Every way is walked: cases, branches, loops, `try`, runs of other runbooks. Sources: Regulation
(EU) 2021/784 Art. 14(5), Regulation (EU) 2022/2065 Art. 18.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from schemas.plan import Plan, Step, Track
from watchfloor.language import codes
from watchfloor.language.proof.children import child_of
from watchfloor.language.proof.durations import attempts_of, in_words
from watchfloor.language.proof.walk import blocks_of, every_step, facts_in
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings

LIFE_LAWS = frozenset({"eu.tco.imminent", "eu.dsa.art18", "us.cybertip.imminent"})
LIAISON = "le_liaison"
LONGEST = 600.0
"""Seconds from the fact to the contact, at worst."""
_IN_THE_WAY = {
    "hold": "places a hold",
    "parallel": "waits for its branches to join",
    "for_each": "waits for all items",
    "repeat": "waits for its rounds",
    "wait": "waits",
    "decide": "asks for a decision",
    "task": "gives somebody else a task",
    "handoff": "offers a handoff",
    "stop": "ends the run",
    "run": "waits for another runbook",
}


class _Delay(NamedTuple):
    """What is in the way of the contact: the step of the judged runbook, and what it does."""

    step: Step
    problem: str


class _Late(NamedTuple):
    """The contact comes too late: the step at which the time is over, and the seconds until then."""

    step: Step
    seconds: float


_Fault = _Delay | _Late


def check(given: Surroundings, plan: Plan) -> None:
    facts = _life_facts(plan)
    _check_contact(given, plan)
    judge = _Judge(plan)
    told = False
    for track in plan["tracks"]:
        if _fires_on(track) & facts and judge.leads_to_contact(track["steps"]):
            told = True
            _report(given, judge.fault_of(track["steps"], 0.0))
    phases = [step for phase in plan["phases"] for step in phase["steps"]]
    if not told:
        for start, step in enumerate(phases):
            known = any(set(inner["records"]) & facts for inner in every_step([step]))
            if known and judge.leads_to_contact(phases[start + 1 :]):
                _report(given, judge.fault_of(phases[start + 1 :], 0.0))
                return


def _check_contact(given: Surroundings, plan: Plan) -> None:
    """A clock of a law about danger to life runs until the authorities know; somebody must tell them."""
    judge = _Judge(plan)
    roots = [[step for phase in plan["phases"] for step in phase["steps"]], *(one["steps"] for one in plan["tracks"])]
    if any(judge.leads_to_contact(steps) for steps in roots):
        return
    for clock in given.runbook.clocks:
        if clock.use.value in LIFE_LAWS:
            given.report.add(
                codes.LIFE_FIRST,
                clock.name.span,
                f"the clock `{clock.name.value}` runs until the authorities know, and no step tells them",
                expected=f"an `authority.…` action, or a page or task to `{LIAISON}`",
                help=f"add a track on the fact that starts it, with `task: {{assignee: {LIAISON}, …}}`",
            )
            return


def _life_facts(plan: Plan) -> set[str]:
    facts: set[str] = set()
    for floor in plan["floors"]:
        if floor["at_least"] == "S0":
            facts |= facts_in(floor["when"]["vars"])
    for clock in plan["clocks"].values():
        if clock["law"]["id"] in LIFE_LAWS:
            facts |= facts_in(clock["start"]["vars"])
    return facts


def _fires_on(track: Track) -> set[str]:
    fact = track.get("on_fact")
    return {fact} if fact else facts_in(track["when"]["vars"])


def _report(given: Surroundings, fault: _Fault | None) -> None:
    places = Places(given)
    if isinstance(fault, _Delay):
        given.report.add(
            codes.LIFE_FIRST,
            places.step(fault.step),
            f"`{fault.step['id']}` {fault.problem} before the authorities are told that life is at risk",
            expected=f"the contact first: an `authority.…` action, or a page or task to `{LIAISON}`",
            help=f"move it after the contact, or write first: `action: page, with: {{role: {LIAISON}, …}}`",
        )
    elif fault is not None:
        given.report.add(
            codes.LIFE_FIRST,
            places.step(fault.step),
            f"the authorities may hear after {in_words(fault.seconds)} that life is at risk",
            expected=f"at most {in_words(LONGEST)} from the fact to the contact",
            help="fewer or shorter attempts: `retry: {times: 3}`, `attempt_timeout: 15s`",
        )


class _Judge:
    """Walks from the fact to the contact. A way is the seconds it has taken so far, None once the contact is made."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def leads_to_contact(self, steps: Sequence[Step]) -> bool:
        return any(self._tells(step) for step in every_step(steps))

    def fault_of(self, steps: Sequence[Step], spent: float) -> _Fault | None:
        """The first thing in the way on any way through these steps."""
        found = self._walk(steps, spent)
        return found if isinstance(found, tuple) else None

    def _walk(self, steps: Sequence[Step], spent: float) -> "_Fault | float | None":
        left: _Fault | float | None = spent
        for step in steps:
            if not isinstance(left, float):
                return left
            left = self._step(step, left)
        return left

    def _step(self, step: Step, spent: float) -> "_Fault | float | None":
        whole: Any = step
        if not any(self._tells(each) for each in every_step([step])):
            return self._passing(step, spent)
        if contacts(step):
            return self._contact(step, spent)
        match whole["kind"]:
            case "choose":
                ways = [case["steps"] for case in whole["cases"]] + [whole["otherwise"] or []]
                return self._all(whole, ways, spent)
            case "parallel":
                # the branches begin at once, so one that tells them without delay is enough
                return self._best(whole["branches"].values(), spent)
            case "try":
                return self._all(whole, [whole["steps"]], spent)
            case "for_each" | "repeat":
                return self._all(whole, [whole["steps"]], spent)
            case "run":
                return self._run(whole, spent)
        return _Delay(step, _IN_THE_WAY.get(step["kind"], "comes"))

    def _passing(self, step: Step, spent: float) -> "_Fault | float | None":
        """A step that tells nobody."""
        if step["kind"] == "action":
            if step["approval"] is not None:
                return _Delay(step, "waits for an approval")
            if step["action"] == "page" or step["action"].startswith("notify."):
                return _Delay(step, "tells somebody else")
            spent += attempts_of(step)[0]
            return _Late(step, spent) if spent > LONGEST else spent
        if step["kind"] == "run" and not step["wait"]:
            return spent
        if step["kind"] in {"choose", "try"}:
            ways = [block.steps for block in blocks_of(step)]
            return self._all(step, [*ways, []], spent)
        problem = _IN_THE_WAY.get(step["kind"])
        return _Delay(step, problem) if problem is not None else spent

    def _contact(self, step: Step, spent: float) -> "_Fault | None":
        if step["cond"] is not None:
            return _Delay(step, "may be left out by its condition")
        if step["kind"] == "action":
            if step["approval"] is not None:
                return _Delay(step, "waits for an approval")
            spent += attempts_of(step)[0]
            if spent > LONGEST:
                return _Late(step, spent)
        return None

    def _all(self, step: Any, ways: Sequence[Sequence[Step]], spent: float) -> "_Fault | float | None":
        """Every way counts: the first fault, else the longest that has not told them yet."""
        left = [self._walk(way, spent) for way in ways]
        if step["cond"] is not None:
            left.append(spent)
        for one in left:
            if isinstance(one, tuple):
                return one
        return max((one for one in left if isinstance(one, float)), default=None)

    def _best(self, ways: "Sequence[Sequence[Step]] | Any", spent: float) -> "_Fault | None":
        left = [self._walk(way, spent) for way in ways if self.leads_to_contact(way)]
        return None if any(one is None for one in left) else next(one for one in left if isinstance(one, tuple))

    def _run(self, step: Any, spent: float) -> "_Fault | float | None":
        """Another runbook that tells them; what is in the way there is said of the step that runs it."""
        child = child_of(self.plan, step)
        if step["cond"] is not None or child is None:
            return _Delay(step, "may be left out by its condition")
        inner = _Judge(child)
        found = inner.fault_of([each for phase in child["phases"] for each in phase["steps"]], spent)
        if isinstance(found, _Delay):
            return _Delay(step, f"runs `{step['runbook']}`, where `{found.step['id']}` {found.problem},")
        return _Late(step, found.seconds) if found is not None else None

    def _tells(self, step: Step) -> bool:
        if step["kind"] == "run":
            child = child_of(self.plan, step)
            return child is not None and _Judge(child).leads_to_contact(
                [each for phase in child["phases"] for each in phase["steps"]]
            )
        return contacts(step)


def contacts(step: Step) -> bool:
    """Whether a step reaches the authorities, or the person whose office that is."""
    if step["kind"] == "task":
        return LIAISON in step["assignee"]["any_of"]
    if step["kind"] == "action":
        return step["action"].startswith("authority.") or (step["action"] == "page" and LIAISON in _paged(step))
    return False


def _paged(step: Any) -> Iterator[object]:
    role = step["with_"].get("role")
    if role is not None and "lit" in role:
        yield role["lit"]
