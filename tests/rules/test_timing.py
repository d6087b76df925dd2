"""The worst case of a clock is what trying every way finds; a table of a shipped runbook adds up."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.rules.plans import EXPR, LIST, TooMany, common
from watchfloor.client.library import plan_for_start
from watchfloor.language.proof.durations import in_words, pauses_of
from watchfloor.language.proof.timing import measure
from watchfloor.language.proof.ways import Contribution, Way

LAW = {"id": "law", "kind": "deadline", "duration": 3600.0, "business_days": None, "months": None}
FACT = {"src": "facts.a", "cel": "facts.a", "vars": {"facts.a": "timestamp"}, "type": "timestamp"}
STOP = {"src": "facts.z", "cel": "facts.z", "vars": {"facts.z": "timestamp"}, "type": "timestamp"}
seconds = st.integers(1, 100).map(float)


def blocks(depth: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(steps(depth), min_size=1, max_size=3)


def steps(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    silence = st.builds(lambda rungs, rung: (["r"] * rungs, rung), st.integers(0, 2), seconds)
    retry = st.builds(
        lambda times, first, factor, most: {"times": times, "first": first, "factor": factor, "up_to": most},
        st.integers(1, 4),
        seconds,
        st.sampled_from([1.0, 2.0]),
        seconds,
    )
    action = st.builds(
        lambda attempt, rule, bound, cond: common(
            "action", attempt_timeout=attempt, retry=rule, approval=None, cond=cond, **{"timeout": bound}
        ),
        seconds,
        retry,
        st.one_of(st.none(), seconds),
        st.sampled_from([None, EXPR]),
    )
    pause = st.builds(
        lambda length: common("wait", for_=length, until=None, fact=None, within=None, on_timeout="fail"), seconds
    )
    if depth == 0:
        return st.one_of(action, pause)
    inner = blocks(depth - 1)
    then = st.one_of(st.just("fail"), inner)

    def quiet(ladder: tuple[list[str], float], course: Any) -> dict[str, Any]:
        return {"escalate": ladder[0], "rung": ladder[1], "then": course}

    decide = st.builds(
        lambda within, ladder, course, one, two: common(
            "decide",
            within=within,
            on_silence=quiet(ladder, course),
            options={"one": {"steps": one}, "two": {"steps": two}},
        ),
        seconds,
        silence,
        then,
        inner,
        st.just([]),
    )
    gated = st.builds(
        lambda within, ladder, course, denied, attempt: common(
            "action",
            attempt_timeout=attempt,
            retry={"times": 1, "first": 1.0, "factor": 1.0, "up_to": 1.0},
            approval={"within": within, "on_silence": quiet(ladder, course), "on_deny": denied},
        ),
        seconds,
        silence,
        then,
        st.one_of(st.sampled_from(["stop", "fail"]), inner),
        seconds,
    )
    repeat = st.builds(
        lambda body, every, times, out: common(
            "repeat", steps=body, every=every, times=times, until=EXPR, on_exhausted=out
        ),
        inner,
        seconds,
        st.integers(1, 3),
        st.one_of(st.sampled_from(["fail", "continue"]), inner),
    )
    each = st.builds(
        lambda body, width: common("for_each", steps=body, at_once=width, in_=LIST, item="x", on_item_error="collect"),
        inner,
        st.integers(1, 4),
    )
    choose = st.builds(
        lambda one, other: common("choose", cases=[{"when": EXPR, "steps": one}], otherwise=other),
        inner,
        st.one_of(st.none(), inner),
    )
    both = st.builds(
        lambda one, two, join: common("parallel", branches={"one": one, "two": two}, join=join),
        inner,
        inner,
        st.sampled_from(["all", "any"]),
    )
    return st.one_of(action, pause, decide, gated, repeat, each, choose, both)


def whole(phases: list[dict[str, Any]]) -> Any:
    last = common("action", attempt_timeout=1.0, retry={"times": 1, "first": 1.0, "factor": 1.0, "up_to": 1.0})
    last |= {"approval": None, "records": {"z": STOP}}
    named = 0

    def name(value: Any) -> Any:
        nonlocal named
        if isinstance(value, list):
            return [name(each) for each in value]
        if not isinstance(value, dict) or "src" in value:
            return value
        made = {key: name(each) for key, each in value.items()}
        if "kind" in made:
            named += 1
            made["id"] = made["path"] = f"s{named}"
        return made

    clock = {"name": "c", "law": LAW, "start": FACT, "restart": None, "stop": STOP}
    return {
        "phases": [{"name": "main", "steps": name([*phases, last])}],
        "tracks": [],
        "inputs": {"l": {"type": "list", "max_items": 5}, "a": {"type": "timestamp"}},
        "facts": {"a": {"sources": ["inputs.a"]}, "z": {"sources": ["steps.last"]}},
        "clocks": {"c": clock},
    }


class EverySum:
    """Adds up every way, one at a time; nothing of a way that ends early counts."""

    def __init__(self) -> None:
        self.taken = 0

    def block(self, steps: list[dict[str, Any]], spent: float) -> Iterator[float]:
        if not steps:
            yield spent
            return
        for after in self.step(steps[0], spent):
            yield from self.block(steps[1:], after)

    def step(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        self.taken += 1
        if self.taken > 20_000:
            raise TooMany
        if step["cond"] is not None:
            yield spent
        yield from getattr(self, step["kind"])(step, spent)

    def course(self, then: Any, spent: float) -> Iterator[float]:
        if then == "continue":
            yield spent
        elif not isinstance(then, str):
            yield from self.block(then, spent)

    def action(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        gate = step["approval"]
        if gate is not None:
            spent += self.window(gate)
            yield from self.course(gate["on_silence"]["then"], spent)
            yield from self.course(gate["on_deny"], spent)
        rule, total, pause = step["retry"], step["attempt_timeout"], step["retry"]["first"]
        for _ in range(rule["times"] - 1):
            total += min(pause, rule["up_to"]) + step["attempt_timeout"]
            pause *= rule["factor"]
        yield spent + min(total, step["timeout"] or total)

    def window(self, ask: dict[str, Any]) -> float:
        return float(ask["within"] + len(ask["on_silence"]["escalate"]) * ask["on_silence"]["rung"])

    def wait(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        yield spent + step["for_"]

    def decide(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        asked = spent + self.window(step)
        for option in step["options"].values():
            yield from self.block(option["steps"], asked)
        yield from self.course(step["on_silence"]["then"], asked)

    def repeat(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        for length in list(self.block(step["steps"], 0.0)):
            # each round may go another way; the longest of all is the longest of one, again and again
            done = spent + (step["times"] - 1) * max(length, step["every"]) + length
            yield done
            yield from self.course(step["on_exhausted"], done)

    def for_each(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        for length in list(self.block(step["steps"], 0.0)):
            yield spent + length * -(-5 // step["at_once"])

    def parallel(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        branches = [list(self.block(branch, spent)) for branch in step["branches"].values()]
        for ends in product(*branches):
            self.taken += 1
            if self.taken > 20_000:
                raise TooMany
            yield min(ends) if step["join"] == "any" else max(ends)

    def choose(self, step: dict[str, Any], spent: float) -> Iterator[float]:
        yield from self.block(step["cases"][0]["steps"], spent)
        yield from self.block(step["otherwise"] or [], spent)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(blocks(2))
def test_the_worst_case_is_the_longest_of_all_ways(phases: list[dict[str, Any]]) -> None:
    plan = whole(phases)
    try:
        longest = max(EverySum().block(plan["phases"][0]["steps"], 0.0))
    except TooMany:
        assume(False)
    (clock,) = measure(plan)
    assert clock.way is not None
    assert abs(clock.way.counted - longest) < 1e-6
    assert clock.fits is (longest <= 3600.0)


def test_the_removal_order_fits_its_hour_and_the_table_adds_up() -> None:
    plan, _ = plan_for_start("eu-tco-removal-order")
    timings = {clock.clock: clock for clock in measure(plan)}
    removal = timings["removal"]
    assert removal.way is not None
    assert removal.length == 3600
    assert removal.fits
    assert sum(part.seconds for part in removal.way.parts) == removal.way.counted
    assert removal.way.total("engine") + removal.way.total("people") == removal.way.counted
    assert [pause.step for pause in removal.pauses] == ["answer"]
    assert timings["imminent"].where == "alongside/imminent_threat"
    assert timings["imminent"].fits


def test_a_restart_leaves_only_legal_pauses_behind() -> None:
    way = Way().then(
        Contribution("look", "engine", 5.0, ""),
        Contribution("hear", "legal", 9.0, ""),
        Contribution("ask", "people", 7.0, ""),
    )
    assert way.counted == 12
    assert [part.step for part in way.restarted().parts] == ["hear"]
    assert way.restarted().counted == 0


def test_pauses_grow_up_to_their_cap() -> None:
    assert pauses_of({"times": 5, "first": 1.0, "factor": 2.0, "up_to": 3.0}) == [1.0, 2.0, 3.0, 3.0]
    assert pauses_of({"times": 1, "first": 1.0, "factor": 2.0, "up_to": 3.0}) == []


def test_durations_are_said_in_whole_units() -> None:
    assert [in_words(each) for each in (0, 45, 60, 67, 3600, 3725, 90_000)] == [
        *("0s", "45s", "1m", "1m 7s", "1h", "1h 2m 5s", "1d 1h"),
    ]
