"""In time: engine time plus human windows from a clock's start to its stop fit the clock."""

from schemas.plan import Plan
from watchfloor.language import codes
from watchfloor.language.proof.durations import in_words
from watchfloor.language.proof.timing import ClockTiming, measure
from watchfloor.language.proof.ways import Way
from watchfloor.language.surroundings import Surroundings

_NAMED = 3
"""Contributions that a finding names; the table of `watchfloor timing` has them all."""


def check(given: Surroundings, plan: Plan) -> None:
    places = {clock.name.value: clock.name.span for clock in given.runbook.clocks}
    for clock in measure(plan):
        if clock.fits or not clock.exact or clock.way is None or clock.clock not in places:
            continue
        given.report.add(
            codes.IN_TIME,
            places[clock.clock],
            f"the work up to `{clock.stop}` may take {in_words(clock.way.counted)}, `{clock.law}` allows"
            f" {in_words(clock.length or 0)}",
            expected=f"{in_words(-(clock.slack or 0))} less",
            help=f"{_parts(clock, clock.way)}\n`watchfloor timing` shows the whole table; shorten windows, ladders or"
            " retries, or bound a step with `timeout:`",
        )


def _parts(clock: ClockTiming, way: Way) -> str:
    longest = sorted(way.parts, key=lambda part: -part.seconds if part.counts else 0.0)[:_NAMED]
    named = ", ".join(f"`{part.step}` {in_words(part.seconds)}" for part in longest)
    who = f"engine {in_words(way.total('engine'))}, people {in_words(way.total('people'))}"
    return f"{who}; the longest: {named}"
