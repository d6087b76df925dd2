"""Where the clocks of a plan start and stop in its graph, and what is said about them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.plan import ClockLaw, Duration, Expr, Plan, Step
from watchfloor.drawing import join_words, render_span


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock. A key names the node at which it starts or stops; empty: before the first step, or not by a step."""

    name: str
    title: str
    start: str
    stop: str
    start_key: str
    stop_key: str
    lines: tuple[str, ...]


def in_words(duration: Duration) -> str:
    """`10m`, or `15% of removal`."""
    if isinstance(duration, dict):
        return f"{duration['share'] * 100:g}% of {duration['of']}"
    return render_span(duration)


def place_clocks(plan: Plan) -> tuple[Clock, ...]:
    """The clocks in the order written, each with the nodes at which it starts and stops."""
    recorded = _recorded_at(plan)
    clocks: list[Clock] = []
    for name, clock in plan["clocks"].items():
        law = clock["law"]
        lines = [f"starts: {clock['start']['src']}"]
        if clock["restart"]:
            lines.append(f"restarts: {clock['restart']['src']}")
        for reason, rule in clock.get("pause", {}).items():
            lines.append(f"stands still ({reason}): {rule['since']['src']} to {rule['until']['src']}")
        if "renew" in clock:
            lines.append(f"renewed: {clock['renew']['src']}")
        if clock["warn"]:
            lines.append(f"warns at {', '.join(in_words(warn) for warn in clock['warn'])}")
        if clock["on_breach"]:
            lines.append(f"breach pages {join_words([page['page'] for page in clock['on_breach']])}")
        if clock["stop"]:
            lines.append(f"stops: {clock['stop']['src']}")
        if clock["on_close"]:
            lines.append(f"open at close: {clock['on_close']}")
        clocks.append(
            Clock(
                name=name,
                title=f"{_length(law)} · {law['id']}",
                start=clock["start"]["src"],
                stop=clock["stop"]["src"] if clock["stop"] else "",
                start_key=_place(clock["start"], recorded),
                stop_key=_place(clock["stop"], recorded),
                lines=tuple(lines),
            )
        )
    return tuple(clocks)


def _length(law: ClockLaw) -> str:
    if law["duration"] is not None:
        return render_span(law["duration"])
    if law["business_days"] is not None:
        return f"{law['business_days']} business days"
    if law["months"] is not None:
        return f"{law['months']} months"
    if law["internal_slo"] is not None:
        return f"promptly; ours {render_span(law['internal_slo'])}"
    return "promptly"


def _place(expr: Expr | None, recorded: Mapping[str, str]) -> str:
    """The key of the last step that a variable of the expression comes from, or nothing."""
    if expr is None:
        return ""
    keys = [recorded[name] for name in (_source(variable) for variable in expr["vars"]) if name in recorded]
    return keys[-1] if keys else ""


def _source(variable: str) -> str:
    """`facts.x` of `has.facts.x` and `facts.x.at`; `steps.<id>` of `steps.<id>.ok`."""
    parts = variable.removeprefix("has.").split(".")
    return ".".join(parts[:2])


def _recorded_at(plan: Plan) -> dict[str, str]:
    """Where facts and outputs come from: `facts.x` and `steps.<id>` -> key of the step."""
    found: dict[str, str] = {}
    for step in list_steps(plan):
        found[f"steps.{step['id']}"] = step["path"]
    for step in list_steps(plan):
        for name in step["records"]:
            # the first in the order written is the way that is taken when all goes well
            found.setdefault(f"facts.{name}", step["path"])
    for name, fact in plan["facts"].items():
        for source in fact["sources"]:
            if source in found:
                found.setdefault(f"facts.{name}", found[source])
    return found


def list_steps(plan: Plan) -> Iterator[Step]:
    """Every step of a plan, outer before inner, in the order written."""
    for phase in plan["phases"]:
        yield from _deep(phase["steps"])
    for track in plan["tracks"]:
        yield from _deep(track["steps"])


def _deep(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for inner in _inner(step):
            yield from _deep(inner)


def _inner(step: Step) -> Iterator[Sequence[Step]]:
    match step["kind"]:
        case "parallel":
            yield from step["branches"].values()
        case "for_each" | "repeat":
            yield step["steps"]
        case "try":
            yield step["steps"]
            yield from (catch["steps"] for catch in step["handlers"])
            yield step["finally_"]
        case "choose":
            yield from (case["steps"] for case in step["cases"])
            yield step["otherwise"] or []
        case "decide":
            yield from (option["steps"] for option in step["options"].values())
        case _:
            pass
    yield from (steps for steps in _handlers(step) if not isinstance(steps, str))


def _handlers(step: Step) -> Iterator[str | Sequence[Step]]:
    yield step["on_error"]
    yield from (catch["steps"] for catch in step.get("catches", ()))
    match step["kind"]:
        case "action" if step["approval"] is not None:
            yield step["approval"]["on_deny"]
            yield step["approval"]["on_silence"]["then"]
        case "decide" | "task":
            yield step["on_silence"]["then"]
        case "wait":
            yield step["on_timeout"]
        case "repeat":
            yield step["on_exhausted"]
        case "handoff":
            yield step["fallback"]
        case _:
            pass
