"""One function for each kind of step: its part of the plan, the scope its blocks leave, names it adds.

The third value holds what the outputs and records of the step need: `item` is a loop item's CEL type, `last.…` the
outputs of a repeat's last round.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from schemas import plan as shape
from schemas.actions import ActionContract
from schemas.decision import Narrowing
from schemas.plan import Slot
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.document import Step
from watchfloor.language.findings import listing, nearest
from watchfloor.language.flow import list_ends
from watchfloor.language.input_compiler import action_inputs
from watchfloor.language.outputs import ALWAYS
from watchfloor.language.scope import NOTHING, Scope
from watchfloor.language.step_compiler import StepCompiler
from watchfloor.language.surroundings import (
    DEFAULT_AT_ONCE,
    DEFAULT_DOUBT,
    DEFAULT_RELEASE,
    DEFAULT_RETRY,
    KEEPER_OF_HOLDS,
)
from watchfloor.language.type_reader import field_type

Made: TypeAlias = tuple[dict[str, Any] | None, Scope, dict[str, Any]]


def action(at: StepCompiler, step: Step, body: doc.Action, scope: Scope, path: str) -> Made:
    from watchfloor.language import recovery_compiler as recovery

    catalog = at.given.catalog
    contract = catalog.get(body.action.value)
    if contract is None:
        near = nearest(body.action.value, catalog)
        at.report.add(
            codes.UNKNOWN_ACTION,
            body.action.span,
            f"unknown action `{body.action.value}`",
            expected=f"one of {listing(sorted(catalog), 8)}",
            help=f"did you mean `{near}`?" if near else "",
        )
        return None, scope, {}
    retry = dict(DEFAULT_RETRY)
    if body.retry is not None:
        rule = body.retry
        written = {
            "times": rule.times,
            "first": rule.first.seconds if rule.first else None,
            "factor": rule.factor,
            "up_to": rule.up_to.seconds if rule.up_to else None,
        }
        retry |= {key: value for key, value in written.items() if value is not None}
    after = scope
    approval: shape.Approval | None = None
    if body.approval is not None:
        gate = body.approval
        on_deny, after = at.course(gate.on_deny, "stop", scope, after, path, "on_deny")
        silence, after = at.silence(gate.silence, scope, after, path)
        approval = {
            "slots": at.slots(gate.seats),
            "exclude": at.excluded(gate.exclude),
            "within": at.duration(gate.within),
            "remind": [at.duration(time) for time in gate.remind],
            "on_deny": on_deny,
            "on_silence": silence,
            "show": at.shown(gate.show, scope),
        }
        if gate.break_glass is not None:
            glass, after = recovery.break_glass(at, body, gate.break_glass, gate.within, scope, after, path)
            approval["break_glass"] = glass
        if gate.blind:
            approval["blind"] = True
    made: dict[str, Any] = {
        "kind": "action",
        "action": contract["name"],
        "with_": action_inputs(at, body.with_, contract, scope, body.action.span),
        "retry": retry,
        "attempt_timeout": (body.attempt_timeout.seconds if body.attempt_timeout else None)
        or contract["attempt_timeout"],
        "effect": contract["effect"],
        "irreversible": contract["irreversible"],
        "tier": contract["tier"],
        "outputs": {name: field_type(spec) for name, spec in contract["outputs"].items()},
        "approval": approval,
        "undo": _undo(at, body, contract["undo"], scope),
        "doubt": {"ask": at.roles(body.doubt.ask), "within": body.doubt.within.seconds}
        if body.doubt
        else DEFAULT_DOUBT,
    }
    narrows = _find_narrowable(contract, body, made["with_"])
    if narrows:
        made["narrows"] = narrows
    if body.review is not None:
        made["review"], after = recovery.review(at, body, body.review, scope, after, path, "review")
    if body.expires is not None:
        made["expires"] = recovery.expiry(at, body)
    return made, after, {}


def _find_narrowable(contract: ActionContract, body: doc.Action, given: Mapping[str, Any]) -> dict[str, Narrowing]:
    """The inputs of which an approver may approve less; none at a blind gate, where it would tell what they think."""
    if body.approval is None or body.approval.blind:
        return {}
    return {name: spec["narrows"] for name, spec in contract["inputs"].items() if "narrows" in spec and name in given}


def _undo(at: StepCompiler, body: doc.Action, default: str | None, scope: Scope) -> shape.Undo | None:
    """What reverses the action: as written, else the catalogue's, taking inputs of the same name from the step."""
    from watchfloor.language.recovery_compiler import undo_word

    rule = body.undo
    if rule is not None and rule.never is not None:
        return None
    named = rule.action.value if rule is not None and rule.action is not None else default
    span = rule.span if rule is not None else body.action.span
    if named is None:
        if rule is not None:
            at.report.add(
                codes.MISSING_KEY,
                span,
                f"`{body.action.value}` has no undo of its own",
                expected="`action:`",
                help='name one, or write `undo: {never: "why it stays"}`',
            )
        return None
    contract = at.given.catalog.get(named)
    if contract is None:
        near = nearest(named, at.given.catalog)
        place = rule.action.span if rule is not None and rule.action is not None else span
        at.report.add(
            codes.UNKNOWN_ACTION,
            place,
            f"unknown action `{named}`",
            expected=f"one of {listing(sorted(at.given.catalog), 8)}",
            help=f"did you mean `{near}`?" if near else "",
        )
        return None
    written = {key.value for key, _ in rule.with_} if rule is not None else set()
    same = tuple(
        (key, node) for key, node in body.with_ if key.value in contract["inputs"] and key.value not in written
    )
    for name in rule.on if rule is not None else ():
        if not undo_word(at, body, name):
            at.fact(name)
    return {
        "action": contract["name"],
        "on": [name.value for name in rule.on] if rule is not None else [],
        "with_": action_inputs(at, (*(rule.with_ if rule is not None else ()), *same), contract, scope, span),
        "effect": contract["effect"],
        "tier": contract["tier"],
    }


def decide(at: StepCompiler, step: Step, body: doc.Decide, scope: Scope, path: str) -> Made:
    after = scope
    options: dict[str, shape.Option] = {}
    common: frozenset[str] | None = None
    chosen: list[tuple[str, frozenset[str]]] = []
    for choice in body.options:
        steps, inner = at.steps(choice.steps, scope, f"{path}/{choice.name.value}")
        options[choice.name.value] = {"also": at.slots(choice.also), "steps": steps}
        after = after.after_branch(inner, sure=False)
        chosen.append((choice.name.value, scope.keys_of(inner)))
        if not list_ends(choice.steps):
            common = inner.known if common is None else common & inner.known
    silence, after = at.silence(body.silence, scope, after, path)
    quiet = body.silence is None or body.silence.then.word == "fail" or list_ends(body.silence.then.steps)
    if common is not None and quiet:
        after = after.knowing(common)
    for name, keys in chosen:
        after = after.choosing(f"steps.{step.id.value}.option", name, keys)
    ask = at.values.text(body.ask, scope)
    if ask is None:
        return None, after, {}
    made = {
        "kind": "decide",
        "ask": ask,
        "show": at.shown(body.show, scope),
        "slots": at.slots(body.seats),
        "exclude": at.excluded(body.exclude),
        "within": at.duration(body.within),
        "remind": [at.duration(time) for time in body.remind],
        "options": options,
        "on_silence": silence,
        "order": list(options),
    }
    if body.blind:
        made["blind"] = True
    return made, after, {}


def task(at: StepCompiler, body: doc.Task, scope: Scope, path: str) -> Made:
    silence, after = at.silence(body.silence, scope, scope, path)
    for entry in body.form:
        if entry.name.value in {*ALWAYS, "by", "error"}:
            at.report.add(
                codes.ID_TAKEN,
                entry.name.span,
                f"every step has its own `{entry.name.value}`",
                expected="another name for this field",
            )
    do = at.values.text(body.do, scope)
    if do is None:
        return None, after, {}
    made: dict[str, Any] = {
        "kind": "task",
        "assignee": at.slots((body.assignee,))[0],
        "do": do,
        "show": at.shown(body.show, scope),
        "form": {entry.name.value: entry.spec for entry in body.form},
        "within": at.duration(body.within),
        "remind": [at.duration(time) for time in body.remind],
        "on_silence": silence,
    }
    if body.exposure is not None:
        made["exposure"] = body.exposure
    if body.claim_for is not None:
        made["claim_for"] = at.duration(body.claim_for)
    if body.checklist:
        made["checklist"] = [
            {"id": one.name.value, "do": one.do, "required": not one.optional} for one in body.checklist
        ]
    if body.person is not None:
        made["person"] = body.person.value
    return made, after, {}


def wait(at: StepCompiler, body: doc.Wait, scope: Scope, path: str) -> Made:
    after = scope
    until = at.expressions.check(body.until, scope, wants=("bool", "timestamp")) if body.until is not None else None
    waits = body.fact is not None or (until is not None and until.expr["type"] != "timestamp")
    if waits and body.within is None:
        at.report.add(
            codes.NO_WINDOW,
            body.span,
            "this wait may never end",
            expected="`within:`",
            help="say how long: `within: 24h`, and what then: `on_timeout: fail`",
        )
    learned = until.truths if until is not None else NOTHING
    if body.fact is not None and at.fact(body.fact):
        learned = frozenset({f"facts.{body.fact.value}"})
    on_timeout, after = at.course(body.on_timeout, "fail", scope, after, path, "on_timeout")
    if on_timeout == "fail" or (body.on_timeout is not None and list_ends(body.on_timeout.steps)):
        after = after.knowing(learned)
    made = {
        "kind": "wait",
        "for_": at.duration(body.for_) if body.for_ else None,
        "until": until.expr if until is not None else None,
        "fact": body.fact.value if body.fact else None,
        "within": at.duration(body.within) if body.within else None,
        "on_timeout": on_timeout,
    }
    return made, after, {}


def parallel(at: StepCompiler, body: doc.Parallel, scope: Scope, path: str) -> Made:
    after = scope
    branches: dict[str, list[shape.Step]] = {}
    for name, steps in body.branches:
        made, inner = at.steps(steps, scope, f"{path}/{name.value}")
        branches[name.value] = made
        after = after.after_branch(inner, sure=body.join == "all")
    return {"kind": "parallel", "branches": branches, "join": body.join}, after, {}


def for_each(at: StepCompiler, body: doc.ForEach, scope: Scope, path: str) -> Made:
    items = at.expressions.check(body.in_, scope, wants=("list",))
    if items is None:
        return None, scope, {}
    kind = items.expr["type"]
    item = kind[5:-1] if kind.startswith("list<") else "dyn"
    at.free_item(body.item, scope)
    at.bounded(body.in_)
    at.protect(body.item.value, items.expr["vars"])
    steps, _ = at.steps(body.steps, scope.declare(body.item.value, item), path)
    made = {
        "kind": "for_each",
        "item": body.item.value,
        "in_": items.expr,
        "at_once": body.at_once or DEFAULT_AT_ONCE,
        "on_item_error": body.on_item_error,
        "steps": steps,
    }
    return made, scope, {"item": item}


def choose(at: StepCompiler, body: doc.Choose, scope: Scope, path: str) -> Made:
    after = scope
    cases: list[shape.Case] = []
    common: frozenset[str] | None = None
    for number, (when, steps) in enumerate(body.cases, 1):
        checked = at.expressions.check(when, scope, wants=("bool",))
        inside = scope.knowing(checked.truths if checked else NOTHING)
        made, inner = at.steps(steps, inside, f"{path}/case{number}")
        after = after.after_branch(inner, sure=False)
        if checked is not None:
            cases.append({"when": checked.expr, "steps": made})
        if not list_ends(steps):
            common = inner.known if common is None else common & inner.known
    otherwise: list[shape.Step] | None = None
    if body.otherwise is not None:
        otherwise, inner = at.steps(body.otherwise, scope, f"{path}/otherwise")
        after = after.after_branch(inner, sure=False)
        if not list_ends(body.otherwise):
            common = inner.known if common is None else common & inner.known
        if common is not None:
            after = after.knowing(common)
    return {"kind": "choose", "cases": cases, "otherwise": otherwise}, after, {}


def repeat(at: StepCompiler, body: doc.Repeat, scope: Scope, path: str) -> Made:
    steps, inner = at.steps(body.steps, scope, path)
    last: dict[str, str] = {}
    seen = scope
    for name, kind in inner.types.items():
        if name.startswith("steps.") and name not in scope.types:
            full = "last." + name.removeprefix("steps.")
            last[full] = kind
            needs = frozenset(key.replace("steps.", "last.", 1) for key in inner.needs.get(name, NOTHING))
            seen = seen.declare(full, kind, needs - {f"last.{key.partition('.')[2]}" for key in inner.known})
    until = at.expressions.check(body.until, seen, wants=("bool",))
    exhausted, after = at.course(body.on_exhausted, "fail", scope, scope, path, "on_exhausted")
    # the body runs at least once
    after = after.knowing(frozenset(key for key in inner.known if key.startswith("facts.")))
    if until is None:
        return None, after, dict(last)
    made = {
        "kind": "repeat",
        "every": at.duration(body.every),
        "times": body.times,
        "until": until.expr,
        "on_exhausted": exhausted,
        "steps": steps,
    }
    return made, after, dict(last)


def hold(at: StepCompiler, body: doc.Hold, scope: Scope) -> Made:
    law = at.law(body.basis)
    if law is not None and (law["kind"] != "min_retention" or (law["duration"] is None and law["months"] is None)):
        at.report.add(
            codes.LAW_KIND,
            body.basis.span,
            f"`{body.basis.value}` is no floor of retention with a length",
            expected="a row of kind min_retention",
            found=law["kind"],
        )
    at.require_unrecused(KEEPER_OF_HOLDS, body.basis.span, "keep this hold")
    if not body.release:
        at.require_unrecused("legal_counsel", body.basis.span, "release this hold, which is the default of `release`")
    release: list[Slot] = at.slots(body.release) or DEFAULT_RELEASE
    if len(release) < 2:
        at.report.add(
            codes.HOLD_RELEASE,
            body.release[0].span,
            "one person alone could release this hold",
            expected="at least two seats",
            help="write `release: [legal_counsel, records_custodian]`",
        )
    held: dict[str, shape.Expr] = {}
    for name, src in body.scope:
        checked = at.expressions.check(src, scope)
        if checked is not None:
            held[name.value] = checked.expr
    if law is None:
        return None, scope, {}
    made = {
        "kind": "hold",
        "basis": body.basis.value,
        "law": law,
        "scope": held,
        "sources": [source.value for source in body.sources],
        "storage": body.storage,
        "release": release,
    }
    return made, scope, {}


def handoff(at: StepCompiler, body: doc.Handoff, scope: Scope, path: str) -> Made:
    runbook = at.given.runbook
    allowed = [region.value for region in runbook.allowed]
    if not runbook.handoff_allowed:
        at.report.add(
            codes.HANDOFF_FORBIDDEN, body.span, "this runbook says `handoff: never`", help="remove one of the two"
        )
    elif body.to.value == runbook.command.value:
        at.report.add(
            codes.HANDOFF_FORBIDDEN,
            body.to.span,
            f"`{body.to.value}` commands already",
            expected="another allowed region",
            help=f"allowed: {listing(allowed)}",
        )
    elif body.to.value not in allowed:
        near = nearest(body.to.value, allowed)
        at.report.add(
            codes.UNKNOWN_REGION,
            body.to.span,
            f"`{body.to.value}` is not among the allowed regions",
            expected=f"one of {listing(allowed)}",
            help=f"did you mean `{near}`?" if near else "",
        )
    _refuse_protected(at, body)
    fallback, after = at.course(body.fallback, "keep", scope, scope, path, "fallback")
    desk = f"{body.to.value}_desk"
    roles = [desk] if at.given.roles is None or desk in at.given.roles else []
    made = {
        "kind": "handoff",
        "to": body.to.value,
        "mode": body.mode,
        "share": at.shown(body.share, scope),
        "accept_within": at.duration(body.accept_within),
        "slots": at.slots(body.seats) or [{"any_of": [*roles, "incident_commander"]}],
        "fallback": fallback,
    }
    return made, after, {}


def _refuse_protected(at: StepCompiler, body: doc.Handoff) -> None:
    """Nothing that an input declares as protected may cross (28 CFR part 202; domain rules for regions)."""
    protected = {
        f"inputs.{entry.name.value}"
        for entry in at.given.runbook.inputs
        if entry.spec.get("data_class") == "us_protected"
    } | {f"facts.{fact.name.value}" for fact in at.given.runbook.facts if fact.spec.get("data_class") == "us_protected"}
    for scalar in body.share:
        for name in sorted(protected):
            start = scalar.value.find(name)
            follows = scalar.value[start + len(name) : start + len(name) + 1]
            if start >= 0 and not (follows.isalnum() or follows == "_"):
                at.report.add(
                    codes.PROTECTED,
                    scalar.part(start, start + len(name)),
                    f"`{name}` is of the class us_protected",
                    expected="us_public_content, aggregate, non_us",
                    help="leave it out of `share`",
                )


def postmortem(at: StepCompiler, body: doc.Postmortem, scope: Scope) -> Made:
    days = body.within.business_days
    made = {
        "kind": "postmortem",
        "facilitator": at.slots((body.facilitator,))[0],
        "within": float(body.within.seconds or 0) if days is None else _calendar_seconds(days),
        "within_text": body.within.text,
        "business_days": days,
    }
    return made, scope, {}


def _calendar_seconds(business_days: int) -> float:
    """The shortest time that holds this many business days whatever the weekday: two free days for each begun week."""
    weeks, rest = divmod(business_days, 5)
    return float((weeks * 7 + rest + (2 if rest else 0)) * 86_400)
