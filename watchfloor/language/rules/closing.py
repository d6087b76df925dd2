"""Each way that closes the run stops every deadline clock, or the clock says who owns it then (`on_close`)."""

from collections.abc import Iterator

from schemas.plan import ClockPlan, Plan
from watchfloor.language import codes
from watchfloor.language.proof.paths import Paths, State
from watchfloor.language.proof.walk import facts_in, steps_of
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings, plan: Plan, paths: Paths) -> None:
    open_clocks = [clock for clock in plan["clocks"].values() if _due(clock) and clock["on_close"] is None]
    if not open_clocks:
        return
    places = {clock.name.value: clock.name.span for clock in given.runbook.clocks}
    lines = {step["id"]: step["at"].partition(":")[0] for step in steps_of(plan)}
    for clock in open_clocks:
        for step in _leaving(plan, clock, paths):
            where = f"stop at `{step}`" if step else "come to its end"
            given.report.add(
                codes.CLOCK_LEFT,
                places[clock["name"]],
                f"the run may {where} while the clock `{clock['name']}` runs",
                expected=f"`{step}` is on line {lines[step]}" if step else "a step on every way that records its stop",
                help="say who owns it then: `on_close: {assign: legal_counsel}`",
            )
            break


def _due(clock: ClockPlan) -> bool:
    return clock["law"]["kind"] in {"deadline", "promptly"} and clock["stop"] is not None


def _leaving(plan: Plan, clock: ClockPlan, paths: Paths) -> Iterator[str]:
    """Ids of the steps at which some way closes the run with this clock running; empty for the end of the phases."""
    stops = facts_in(clock["stop"]["vars"]) if clock["stop"] is not None else set()
    starts = facts_in(clock["start"]["vars"])
    close_when = plan["close_when"]
    waited_for = facts_in(close_when["vars"]) if close_when is not None else set()
    outside = {name for name in stops if any(not each.startswith("steps.") for each in plan["facts"][name]["sources"])}
    for root, ends in paths.ends.items():
        for step, state in ends:
            if not step and (root or stops & waited_for or outside):
                # a track's end closes nothing; a run that waits for the fact before it closes has stopped the clock
                continue
            if not state.recorded & stops and _may_run(plan, starts, state):
                yield step


def _may_run(plan: Plan, starts: set[str], state: State) -> bool:
    """Whether a clock may have been started on some way to here."""
    for name in starts:
        sources = plan["facts"][name]["sources"]
        if name in state.begun or any(not source.startswith("steps.") for source in sources):
            return True
    return not starts
