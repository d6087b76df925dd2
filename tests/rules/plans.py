"""Small plans made at random, and a walker that tries every way through them, written as simply as can be."""

from collections.abc import Iterator
from itertools import count, product
from typing import Any, TypeAlias

from hypothesis import strategies as st

EXPR = {"src": "inputs.go", "cel": "inputs.go", "vars": {"inputs.go": "bool"}, "type": "bool"}
LIST = {"src": "inputs.l", "cel": "inputs.l", "vars": {"inputs.l": "list<url>"}, "type": "list<url>"}


def common(kind: str, **keys: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "cond": None,
        "timeout": None,
        "on_error": "fail",
        "records": {},
        "at": "1:1",
        "name": "",
        **keys,
    }


def gate(deny: Any, silence: Any) -> dict[str, Any]:
    return {"within": 60.0, "on_deny": deny, "on_silence": {"escalate": [], "rung": 1.0, "then": silence}}


def blocks(depth: int, size: int = 3) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(steps(depth), min_size=1, max_size=size)


def steps(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    words = st.sampled_from(["fail", "continue"])
    action = st.builds(
        lambda effect, on_error, cond: common("action", effect=effect, approval=None, on_error=on_error, cond=cond),
        st.sampled_from(["reads", "restricts", "discloses"]),
        words,
        st.sampled_from([None, EXPR]),
    )
    if depth == 0:
        return st.one_of(action, st.just(common("stop", outcome="over")))
    inner = blocks(depth - 1, 2)
    handler = st.one_of(st.just("fail"), inner)
    gated = st.builds(
        lambda effect, deny, silence, on_error: common(
            "action", effect=effect, approval=gate(deny, silence), on_error=on_error
        ),
        st.sampled_from(["restricts", "destroys"]),
        st.one_of(st.sampled_from(["stop", "fail"]), inner),
        handler,
        st.one_of(words, inner),
    )
    decide = st.builds(
        lambda yes, no, silence, on_error: common(
            "decide",
            options={"yes": {"steps": yes}, "no": {"steps": no}},
            on_silence={"then": silence},
            on_error=on_error,
        ),
        inner,
        st.just([]),
        handler,
        words,
    )
    task = st.builds(
        lambda silence, on_error: common("task", on_silence={"then": silence}, on_error=on_error), handler, words
    )
    wait = st.builds(
        lambda late: common("wait", for_=None, until=None, fact="f", within=60.0, on_timeout=late),
        st.one_of(words, inner),
    )
    repeat = st.builds(
        lambda body, out: common("repeat", steps=body, times=3, on_exhausted=out, until=EXPR, every=60.0),
        inner,
        st.one_of(words, inner),
    )
    each = st.builds(
        lambda body, error: common("for_each", steps=body, on_item_error=error, in_=LIST, item="x", at_once=1),
        inner,
        st.sampled_from(["collect", "fail"]),
    )
    choose = st.builds(
        lambda one, other: common("choose", cases=[{"when": EXPR, "steps": one}], otherwise=other),
        inner,
        st.one_of(st.none(), inner),
    )
    attempt = st.builds(
        lambda body, on, caught, last: common(
            "try", steps=body, handlers=[{"on": on, "steps": caught}], undo=[], finally_=last
        ),
        inner,
        st.sampled_from([["any"], ["silent"], ["timed_out", "exhausted"]]),
        inner,
        st.one_of(st.just([]), inner),
    )
    both = st.builds(
        lambda one, two, join: common("parallel", branches={"one": one, "two": two}, join=join),
        inner,
        inner,
        st.sampled_from(["all", "any"]),
    )
    return st.one_of(action, gated, decide, task, wait, repeat, each, choose, attempt, both)


def whole(phases: list[dict[str, Any]]) -> dict[str, Any]:
    """A plan of one phase; every step gets an id and path of its own."""
    numbers = count(1)

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(each) for each in value]
        if not isinstance(value, dict) or "src" in value:
            return value
        made = {key: name(each) for key, each in value.items()}
        if "kind" in made:
            made["id"] = made["path"] = f"s{next(numbers)}"
        return made

    return {"phases": [{"name": "main", "steps": name(phases)}], "tracks": [], "inputs": {}, "facts": {}, "clocks": {}}


Silent: TypeAlias = frozenset[str]
"""Ids of the steps at which nobody said anything, and nobody has decided since."""
NOBODY: Silent = frozenset()


def asks(step: dict[str, Any]) -> bool:
    """Whether people are asked in a step or below it."""
    if step["kind"] in {"decide", "task"} or (step["kind"] == "action" and step["approval"] is not None):
        return True
    below = [value for value in step.values() if isinstance(value, list | dict)]
    return any(asks(inner) for value in below for inner in steps_in(value))


def steps_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from steps_in(each)
    elif isinstance(value, dict) and "src" not in value:
        if "kind" in value:
            yield value
        else:
            for each in value.values():
                yield from steps_in(each)


class TooMany(Exception):
    """More ways than a test should try."""


class EveryWay:
    """Tries every way, one at a time, and keeps the actions that some way reached in silence."""

    def __init__(self, plan: dict[str, Any], limit: int = 4_000) -> None:
        self.acted: set[str] = set()
        self.taken, self.limit = 0, limit
        for _ in self.block(plan["phases"][0]["steps"], NOBODY):
            pass

    def block(self, steps: list[dict[str, Any]], silent: Silent) -> Iterator[tuple[str, Silent]]:
        if not steps:
            yield "on", silent
            return
        for word, after in self.step(steps[0], silent):
            if word == "on":
                yield from self.block(steps[1:], after)
            else:
                yield word, after

    def step(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        self.taken += 1
        if self.taken > self.limit:
            raise TooMany
        if step["cond"] is not None:
            yield "on", silent
        for word, after in getattr(self, step["kind"])(step, silent):
            if word in {"on", "stop"} or step["on_error"] == "fail":
                yield word, after
            elif step["on_error"] == "continue":
                yield "on", after
            else:
                yield from self.block(step["on_error"], after)

    def course(self, then: Any, silent: Silent, code: str) -> Iterator[tuple[str, Silent]]:
        match then:
            case "continue":
                yield "on", silent
            case "stop":
                yield "stop", silent
            case "fail":
                yield code, silent
            case _:
                yield from self.block(then, silent)

    def action(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        if step["approval"] is not None:
            yield from self.course(step["approval"]["on_deny"], silent, "denied")
            yield from self.course(step["approval"]["on_silence"]["then"], silent | {step["id"]}, "silent")
            silent = NOBODY
        if silent and step["effect"] != "reads":
            self.acted.add(step["id"])
        yield "on", silent
        yield "error", silent

    def decide(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        for option in step["options"].values():
            yield from self.block(option["steps"], NOBODY)
        yield from self.course(step["on_silence"]["then"], silent | {step["id"]}, "silent")

    def task(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        yield "on", NOBODY
        yield from self.course(step["on_silence"]["then"], silent | {step["id"]}, "silent")

    def wait(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        yield "on", silent
        yield from self.course(step["on_timeout"], silent | {step["id"]}, "timed_out")

    def repeat(self, step: dict[str, Any], silent: Silent, rounds: int = 2) -> Iterator[tuple[str, Silent]]:
        for word, after in self.block(step["steps"], silent):
            if word != "on":
                yield word, after
                continue
            yield "on", after
            if rounds > 1:
                yield from self.repeat(step, after, rounds - 1)
            yield from self.course(step["on_exhausted"], after | {step["id"]}, "exhausted")

    def for_each(self, step: dict[str, Any], silent: Silent, items: int = 2) -> Iterator[tuple[str, Silent]]:
        yield "on", silent
        if not items:
            return
        for word, after in self.block(step["steps"], silent):
            if word == "on":
                yield from self.for_each(step, after, items - 1)
            elif word == "stop":
                yield word, after
            elif step["on_item_error"] == "fail":
                yield ("error" if word == "error" else "item_failed"), after
            else:
                yield from self.for_each(step, silent, items - 1)

    def parallel(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        branches = list(step["branches"].values())
        if step["join"] == "any":
            for branch in branches:
                raced = any(asks(each) for other in branches if other is not branch for each in other)
                yield from self.block(branch, silent | {step["id"]} if raced else silent)
            return
        for ends in product(*(list(self.block(branch, silent)) for branch in branches)):
            if any(word != "on" for word, _ in ends):
                # whichever comes first: a branch may fail before another one stops the run
                yield from (end for end in ends if end[0] != "on")
            else:
                # what was open before stays open when nobody decided in any branch; what a branch leaves open is open
                kept = frozenset.intersection(*(after & silent for _, after in ends))
                yield "on", kept.union(*(after - silent for _, after in ends))

    def choose(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        yield from self.block(step["cases"][0]["steps"], silent)
        yield from self.block(step["otherwise"] or [], silent)

    def stop(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        yield "stop", silent

    def __getattr__(self, name: str) -> Any:
        if name == "try":
            return self.attempt
        raise AttributeError(name)

    def attempt(self, step: dict[str, Any], silent: Silent) -> Iterator[tuple[str, Silent]]:
        handler = step["handlers"][0]
        for word, after in self.block(step["steps"], silent):
            if word == "stop":
                yield word, after
            elif word == "on":
                yield from self.block(step["finally_"], after)
            elif word == "error" or word in handler["on"] or "any" in handler["on"]:
                # an action may fail with any type: it is taken, or not
                for last, then in self.block(handler["steps"], after):
                    if last == "on":
                        yield from self.block(step["finally_"], then)
                    else:
                        yield from self.finish(step, last, then)
                if word == "error" and "any" not in handler["on"]:
                    yield from self.finish(step, word, after)
            else:
                yield from self.finish(step, word, after)

    def finish(self, step: dict[str, Any], word: str, silent: Silent) -> Iterator[tuple[str, Silent]]:
        """`finally` runs on the way of a failure too, which then goes on."""
        if word == "stop":
            yield word, silent
            return
        for last, after in self.block(step["finally_"], silent):
            yield (word if last == "on" else last), after
