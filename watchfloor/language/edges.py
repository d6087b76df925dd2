"""Compiling a runbook's edges: what starts it, what runs beside it, what it gives back."""

from typing import cast

from schemas.plan import Expr, ExprValue, OutputSpec, Track, TriggerSpec, TypeSpec, Value
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.input_compiler import given_to
from watchfloor.language.nodes import Scalar, Span
from watchfloor.language.scope import NOTHING, Scope
from watchfloor.language.step_compiler import StepCompiler
from watchfloor.language.type_reader import assignable, cel_type

_MARKS: tuple[TypeSpec, ...] = ({"type": "string"}, {"type": "list", "of": {"type": "string"}})
ALWAYS_TRUE: Expr = {"src": "true", "cel": "true", "vars": {}, "type": "bool"}


def compile_track(compiler: StepCompiler, track: doc.Track, scope: Scope) -> tuple[Track, Scope] | None:
    """A track and the scope its steps leave.

    Args:
        scope: what it may see. One that outlives the incident sees inputs and facts only.
    """
    when: Expr | None
    made: Track = {"id": track.id.value, "when": ALWAYS_TRUE, "steps": []}
    inner = scope
    if track.when is not None:
        checked = compiler.expressions.check(track.when, scope, wants=("bool",))
        when = checked.expr if checked is not None else None
        inner = scope.knowing(checked.truths) if checked is not None else scope
    elif track.on_fact is not None:
        when = _recorded(compiler, track.on_fact, scope)
        made["on_fact"], made["each"] = track.on_fact.value, track.each
        inner = scope.knowing(frozenset({f"facts.{track.on_fact.value}"}))
        fact = compiler.facts.get(track.on_fact.value)
        if fact is not None:
            inner = inner.declare("fact", cel_type(fact.spec))
            compiler.protect("fact", [f"facts.{track.on_fact.value}"])
    else:
        assert track.watch is not None
        start = compiler.expressions.check(track.watch.start, scope, wants=("timestamp",), may_be_absent=True)
        when = ALWAYS_TRUE if start is not None else None
        if start is not None:
            every, length = track.watch.every.seconds or 0.0, track.watch.length.seconds or 0.0
            made["watch"] = {"start": start.expr, "every": every, "length": length}
            inner = scope.knowing(frozenset(name for name in start.expr["vars"] if name.count(".") == 1))
    if track.detached:
        made["detached"] = True
    made["steps"], after = compiler.steps(track.steps, inner, f"alongside/{track.id.value}")
    if when is None:
        return None
    made["when"] = when
    return made, after


def _recorded(compiler: StepCompiler, name: Scalar, scope: Scope) -> Expr | None:
    """`has(facts.x)` for a declared fact."""
    if not compiler.fact(name):
        return None
    src = f"has(facts.{name.value})"
    checked = compiler.expressions.check_part(src, lambda start, end: name.span, scope, wants=("bool",))
    return checked.expr if checked is not None else None


def compile_outputs(compiler: StepCompiler, scope: Scope) -> dict[str, OutputSpec]:
    """What the runbook gives to one that runs it. Absence is ordinary: a run may end before it has the value."""
    made: dict[str, OutputSpec] = {}
    for output in compiler.given.runbook.outputs:
        checked = compiler.expressions.check(output.value, scope, may_be_absent=True)
        if checked is None:
            continue
        if not assignable(checked.expr["type"], output.spec):
            compiler.report.add(
                codes.WRONG_RESULT,
                output.value.part(0, len(output.value.value)),
                f"the output `{output.name.value}` cannot hold {checked.expr['type']}",
                expected=f"expected {cel_type(output.spec)}",
            )
            continue
        made[output.name.value] = {"type": output.spec, "value": checked.expr}
    return made


def compile_triggers(compiler: StepCompiler) -> list[TriggerSpec]:
    """What may start the runbook; each gives every required input, or leaves it to the person who starts it."""
    made: list[TriggerSpec] = []
    names: dict[tuple[str, str], int] = {}
    for trigger in compiler.given.runbook.triggers:
        known = (trigger.kind, trigger.source.value)
        if known in names:
            compiler.report.add(
                codes.DUPLICATE_ID,
                trigger.source.span,
                f"a second `{trigger.kind}: {trigger.source.value}`",
                expected=f"a source that no other trigger has; the first is on line {names[known]}",
            )
        names.setdefault(known, trigger.source.span.line)
        made.append(_trigger(compiler, trigger))
    return made


def _trigger(compiler: StepCompiler, trigger: doc.Trigger) -> TriggerSpec:
    scope = Scope().declare("now", "timestamp")
    if trigger.kind == "webhook":
        scope = scope.declare("event", "map<string,dyn>")
    elif trigger.kind == "schedule":
        scope = scope.declare("event.at", "timestamp")
    inputs = {field.name.value: field.spec for field in compiler.given.runbook.inputs}
    # a person who starts it by hand fills in what the trigger does not say
    wanted = (
        {name: spec for name, spec in inputs.items() if name in {key.value for key, _ in trigger.map}}
        if trigger.kind == "manual"
        else inputs
    )
    where = compiler.expressions.check(trigger.where, scope, wants=("bool",)) if trigger.where is not None else None
    made: TriggerSpec = {
        "kind": trigger.kind,
        "source": trigger.source.value,
        "where": where.expr if where is not None else None,
        "map": given_to(
            compiler, trigger.map, wanted or inputs, f"this `{trigger.kind}` trigger", scope, _place(trigger)
        )
        if trigger.map or trigger.kind != "manual"
        else {},
        "dedup": _dedup(compiler, trigger.dedup, scope),
        "every": trigger.every.seconds if trigger.every is not None else None,
    }
    # what arrives under one key may be known by another: these see the inputs too, so that a person's order has them
    for name, spec in inputs.items():
        optional = spec.get("optional", False) and "default" not in spec
        scope = scope.declare(f"inputs.{name}", cel_type(spec), frozenset({f"inputs.{name}"}) if optional else NOTHING)
    known_at = None if trigger.known_at is None else _instant(compiler, trigger.known_at, scope)
    content, account = (
        None if src is None else _marks(compiler, src, scope, label)
        for src, label in ((trigger.content, "`content`"), (trigger.account, "`account`"))
    )
    if content is not None:
        made["content"] = content
    if account is not None:
        made["account"] = account
    if known_at is not None:
        made["known_at"] = known_at
    return made


def _instant(compiler: StepCompiler, src: Scalar, scope: Scope) -> Value | None:
    return compiler.values.check(src, scope, {"type": "timestamp"}, "`known_at`")


def _marks(compiler: StepCompiler, src: Scalar, scope: Scope, label: str) -> Value | None:
    """A text or a list of texts."""
    value = compiler.values.check(src, scope, None, label)
    expr = cast(ExprValue, value).get("expr") if value is not None else None
    if expr is None or any(assignable(expr["type"], each) for each in _MARKS):
        return value
    expected = "a text such as a hash or an opaque id, or a list of them"
    message = f"{label} does not take {expr['type']}"
    compiler.report.add(codes.INPUT_TYPE, src.span, message, expected=expected)
    return None


def _place(trigger: doc.Trigger) -> Span:
    return trigger.source.span


def _dedup(compiler: StepCompiler, dedup: Scalar | None, scope: Scope) -> Value | None:
    return None if dedup is None else compiler.values.check(dedup, scope, {"type": "string"}, "`dedup`")
