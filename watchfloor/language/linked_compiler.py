"""Compiling `run`: the other runbook is compiled too, its inputs are checked, its plan is packed into this one."""

from collections.abc import Iterator
from typing import cast

from schemas.json_value import Json
from schemas.plan import EachRun, Expr, Plan, TypeSpec, Value
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.findings import listing, nearest
from watchfloor.language.input_compiler import given_to
from watchfloor.language.kind_compilers import Made
from watchfloor.language.scope import Scope
from watchfloor.language.step_compiler import StepCompiler
from watchfloor.language.surroundings import DEFAULT_AT_ONCE
from watchfloor.signing import pack


def run(at: StepCompiler, step: doc.Step, body: doc.Run, scope: Scope) -> Made:
    child = _child(at, body)
    inner, each, item = _each(at, body, scope)
    key = at.expressions.check(body.key, inner, wants=("string",)) if body.key is not None else None
    known = at.expressions.check(body.known_at, inner, wants=("timestamp",)) if body.known_at is not None else None
    if child is None or (body.each is not None and each is None):
        return None, scope, {}
    plan_digest, packed = pack(cast(Json, child))
    given = given_to(at, body.with_, child["inputs"], f"the runbook `{child['id']}`", inner, body.span)
    expressions = [*_expressions(given), *([key.expr] if key else []), *([known.expr] if known else [])]
    _check_region(at, body, child, expressions)
    at.given.library[plan_digest] = packed
    outputs: dict[str, TypeSpec] = {}
    if body.wait is not False and not body.reroute:
        # the other run may end before it has its outputs, so none of them is sure
        outputs = {name: _optional(spec["type"]) for name, spec in child.get("outputs", {}).items()}
    at.child_outputs[step.id.value] = outputs
    made = {
        "kind": "run",
        "runbook": child["id"],
        "plan": plan_digest,
        "with_": given,
        "wait": body.wait is not False and not body.reroute,
        "each": each,
        "key": key.expr if key else None,
        "known_at": known.expr if known else None,
        "reroute": body.reroute,
        "outputs": outputs,
    }
    return made, scope, {"item": item}


def _optional(spec: TypeSpec) -> TypeSpec:
    made = spec.copy()
    made["optional"] = True
    return made


def _each(at: StepCompiler, body: doc.Run, scope: Scope) -> tuple[Scope, EachRun | None, str]:
    """The scope in which the run's values are read, the plan's `each`, the CEL type of a member."""
    if body.each is None:
        return scope, None, "dyn"
    items = at.expressions.check(body.each.in_, scope, wants=("list",))
    if items is None:
        return scope.declare(body.each.item.value, "dyn"), None, "dyn"
    at.bounded(body.each.in_)
    kind = items.expr["type"]
    item = kind[5:-1] if kind.startswith("list<") else "dyn"
    at.free_item(body.each.item, scope)
    at.protect(body.each.item.value, items.expr["vars"])
    each: EachRun = {
        "item": body.each.item.value,
        "in_": items.expr,
        "at_once": body.each.at_once or DEFAULT_AT_ONCE,
    }
    return scope.declare(body.each.item.value, item), each, item


def _child(at: StepCompiler, body: doc.Run) -> Plan | None:
    """The other runbook's plan; None after a finding."""
    name = body.runbook.value
    own = at.given.runbook.id.value
    found = at.given.runbooks.child(name, own)
    match found.trouble:
        case "unknown":
            known = at.given.runbooks.names()
            near = nearest(name, known)
            at.report.add(
                codes.UNKNOWN_RUNBOOK,
                body.runbook.span,
                f"no runbook `{name}` in the library",
                expected=f"one of {listing(known, 8)}" if known else "the library has none",
                help=f"did you mean `{near}`?" if near else "",
            )
        case "cycle":
            at.report.add(
                codes.ROUND,
                body.runbook.span,
                found.findings[0].message
                if found.findings
                else f"`{name}` would start itself again: {' → '.join(found.chain)}",
                expected="runs that come to an end",
                help="let one of them end instead",
            )
        case "deep":
            at.report.add(
                codes.TOO_DEEP, body.runbook.span, f"{len(found.chain)} runs within one another", expected="at most 6"
            )
        case "wrong":
            first = next(each for each in found.findings if each.is_error)
            at.report.add(
                codes.CHILD_WRONG,
                body.runbook.span,
                f"`{name}` has findings of its own",
                expected=f"{first.path}:{first.line}:{first.column}: {first.message}",
                help=f"run `watchfloor lint` on `{name}` first",
            )
    return found.plan


def _check_region(at: StepCompiler, body: doc.Run, child: Plan, expressions: list[Expr]) -> None:
    """What goes to a run that another region commands leaves this one."""
    there, here = child["command"], at.given.runbook.command.value
    if there == here:
        return
    allowed = [region.value for region in at.given.runbook.allowed]
    if there not in allowed:
        at.report.add(
            codes.UNKNOWN_REGION,
            body.runbook.span,
            f"`{child['id']}` is commanded by `{there}`, which is not among the allowed regions",
            expected=f"one of {listing(allowed)}",
        )
    for expr in expressions:
        for variable in sorted(expr["vars"]):
            if at.is_protected(variable.removeprefix("has.")):
                at.report.add(
                    codes.PROTECTED,
                    body.span,
                    f"`{variable}` is of the class us_protected, and `{child['id']}` runs in `{there}`",
                    expected="us_public_content, aggregate, non_us",
                    help="leave it out of `with`",
                )


def _expressions(given: dict[str, Value]) -> Iterator[Expr]:
    for value in given.values():
        yield from expressions_of(value)


def expressions_of(value: Value) -> Iterator[Expr]:
    """Every expression in a value."""
    parts = cast(dict[str, object], value)
    match parts:
        case {"expr": expr}:
            yield cast(Expr, expr)
        case {"text": list(pieces)}:
            yield from (cast(Expr, piece) for piece in pieces if isinstance(piece, dict))
        case {"list": list(items)}:
            for item in items:
                yield from expressions_of(cast(Value, item))
        case {"map": dict(entries)}:
            for entry in entries.values():
                yield from expressions_of(cast(Value, entry))
