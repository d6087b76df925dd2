"""Compare what happened with what was expected."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.language.findings import listing, nearest
from watchfloor.scenarios.model import Expectation
from watchfloor.scenarios.outcome import Deviation, Ending
from watchfloor.scenarios.timeline import ASK, CALL, TOLD, Event


def judge(expect: Expectation, ending: Ending) -> list[Deviation]:
    """Every expectation that was not met, in the order of the timeline; those without a place last."""
    found = [deviation for rule in _RULES for deviation in rule(expect, ending)]
    return sorted(found, key=lambda one: (one.event is None, one.event or 0))


def _outcome(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    if expect.outcome is not None and expect.outcome != ending.outcome:
        yield Deviation(f"outcome: expected `{expect.outcome}`, the run ended as `{ending.outcome}`")


def _order(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    begun = ending.timeline.begun()
    steps = [event.step for _, event in begun]
    at = _first_missing(expect.order, steps)
    if at is None:
        return
    step, after = expect.order[at], expect.order[at - 1] if at else "the start"
    if step in steps:
        place = begun[steps.index(step)][0]
        yield Deviation(f"order: `{step}` began before `{after}`, expected after it", place)
    else:
        near = nearest(step, steps)
        hint = f"; did you mean `{near}`?" if near else ""
        yield Deviation(f"order: `{step}` never began; expected after `{after}`{hint}")


def _never(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    for action in expect.never:
        for index, event in enumerate(ending.timeline.events):
            if event.kind in CALL and event.what == action:
                yield Deviation(f"never: `{action}` was called, by `{event.step}`", index)
                break


def _calls(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    for action, count in expect.calls.items():
        places = [
            index for index, event in enumerate(ending.timeline.events) if event.kind in CALL and event.what == action
        ]
        if len(places) != count:
            yield Deviation(
                f"calls: `{action}` expected {count} times, called {len(places)} times",
                places[count] if len(places) > count else None,
            )


def _clocks(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    states = {clock["name"]: clock["state"] for clock in ending.board["clocks"]}
    for name, wanted in expect.clocks.items():
        if states.get(name) != wanted:
            event = _last(ending, lambda event, name=name: event.kind.startswith("clock.") and name in event.what)  # type: ignore[misc]
            yield Deviation(f"clocks: `{name}` expected {wanted}, is {states.get(name, 'not there')}", event)


def _facts(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    known: Mapping[str, Json] = {name: state["value"] for name, state in ending.board["facts"].items()}
    for name, wanted in expect.facts.items():
        if name not in known:
            yield Deviation(f"facts: `{name}` was never recorded; expected {wanted!r}")
        elif known[name] != wanted:
            yield Deviation(f"facts: `{name}` expected {wanted!r}, is {known[name]!r}", _fact_event(ending, name))
    for name in expect.set:
        if name not in known:
            yield Deviation(f"set: `{name}` was never recorded")
    for name in expect.unset:
        if name in known:
            yield Deviation(f"unset: `{name}` was recorded: {known[name]!r}", _fact_event(ending, name))


def _undone(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    if expect.undone is None:
        return
    undone = [event.step for event in ending.timeline.events if event.kind == EntryKind.UNDONE]
    if Counter(undone) != Counter(expect.undone):
        yield Deviation(f"undone: expected {_listed(expect.undone)}; undone were {_listed(undone)}")


def _asked(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    if expect.asked is None:
        return
    # a hold and a review ask in their own time; what the run and its offers ask is the runbook's
    own = {ending.board["workflow"], *ending.timeline.aliases}
    asked = [
        (index, event.what)
        for index, event in enumerate(ending.timeline.events)
        if event.kind == ASK and event.chain in own
    ]
    names = [name for _, name in asked]
    if names == list(expect.asked):
        return
    place = next(
        (index for at, (index, name) in enumerate(asked) if at >= len(expect.asked) or expect.asked[at] != name), None
    )
    yield Deviation(f"asked: expected {_listed(expect.asked)}; people were asked {_listed(names)}", place)


def _paged(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    told = [event.what for event in ending.timeline.events if event.kind == TOLD]
    at = _first_missing(expect.paged, told)
    if at is not None:
        yield Deviation(f"paged: `{expect.paged[at]}` was not told in this order; told were {_listed(told)}")


def _ledger(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    kinds = {entry["kind"] for entry in ending.timeline.entries.values()}
    for kind in expect.ledger:
        if kind not in kinds:
            yield Deviation(f"ledger: no entry `{kind}`; there are {_listed(sorted(kinds))}")


def _severity(expect: Expectation, ending: Ending) -> Iterator[Deviation]:
    if expect.severity is not None and ending.board["severity"] != expect.severity:
        event = _last(ending, lambda event: event.kind == EntryKind.SEVERITY)
        yield Deviation(f"severity: expected {expect.severity}, is {ending.board['severity']}", event)


_RULES: tuple[Callable[[Expectation, Ending], Iterator[Deviation]], ...] = (
    _order,
    _never,
    _calls,
    _clocks,
    _facts,
    _undone,
    _asked,
    _paged,
    _ledger,
    _severity,
    _outcome,
)


def _first_missing(wanted: Sequence[str], there: Sequence[str]) -> int | None:
    """Index in `wanted` of the first that is missing when it is read as a subsequence of `there`."""
    rest = iter(there)
    return next((at for at, name in enumerate(wanted) if name not in rest), None)


def _fact_event(ending: Ending, name: str) -> int | None:
    return _last(ending, lambda event: event.kind == EntryKind.FACT and name in event.what)


def _last(ending: Ending, fits: Callable[[Event], bool]) -> int | None:
    places = [index for index, event in enumerate(ending.timeline.events) if fits(event)]
    return places[-1] if places else None


def _listed(names: Sequence[str]) -> str:
    return listing([f"`{name}`" for name in names]) if names else "none"
