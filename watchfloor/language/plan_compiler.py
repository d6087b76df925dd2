"""From the document to the plan: names and types first, then the rules, then the plan if nothing is wrong."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from schemas.actions import ActionContract
from schemas.incident import ENGINE
from schemas.plan import (
    PLAN_FORMAT,
    ClockEach,
    ClockLaw,
    ClockPlan,
    Expr,
    FactSpec,
    Floor,
    Phase,
    Plan,
    Track,
    TypeSpec,
)
from schemas.register import RegisterRow
from watchfloor.expressions import CEL
from watchfloor.language import codes
from watchfloor.language.clock_rights import compile_pauses, compile_renewal
from watchfloor.language.document import Clock, Fact, Runbook
from watchfloor.language.edges import compile_outputs, compile_track, compile_triggers
from watchfloor.language.library import Runbooks
from watchfloor.language.map import StepMap
from watchfloor.language.report import Report
from watchfloor.language.rules import check_plan, check_rules
from watchfloor.language.scope import NOTHING, Scope
from watchfloor.language.step_compiler import StepCompiler
from watchfloor.language.surroundings import Surroundings
from watchfloor.language.type_reader import assignable, cel_type

LANGUAGE = 1
"""Version of the language; part of a plan."""

INCIDENT = {
    "id": "string",
    "region": "string",
    "runbook": "string",
    "version": "int",
    "title": "string",
    "harm": "string",
    "mode": "string",
    "compartment": "string",
    "severity": "string",
    "phase": "string",
    "opened_at": "timestamp",
    "requester": "string",
    "commander": "string",
    "commanding_region": "string",
    "source": "string",
    "received_at": "timestamp",
    "known_at": "timestamp",
}
"""What expressions see of the incident itself."""


def build_plan(
    runbook: Runbook,
    report: Report,
    *,
    catalog: Mapping[str, ActionContract],
    register: Mapping[str, ClockLaw],
    roles: Collection[str] | None,
    runbooks: Runbooks,
    source_digest: str,
) -> Plan | None:
    """The plan, or None when the report holds an error."""
    given = Surroundings(runbook, report, catalog, register, None if roles is None else frozenset(roles), runbooks)
    steps = StepMap(runbook)
    _check_names(runbook, steps, report)
    compiler = StepCompiler(given, steps)
    start = outer_scope(runbook)
    phases, after = _phases(compiler, start)
    tracks = _tracks(compiler, start, after)
    everything = after
    for _, inner in tracks:
        everything = everything.after_branch(inner, sure=False)
    close_when = (
        compiler.expressions.check(runbook.close_when, everything, wants=("bool",)) if runbook.close_when else None
    )
    floors: list[Floor] = []
    for when, least in runbook.floors:
        checked = compiler.expressions.check(when, start, wants=("bool",))
        if checked is not None:
            floors.append({"when": checked.expr, "at_least": least})
    clocks = {
        clock.name.value: made for clock in runbook.clocks if (made := _clock(compiler, clock, start)) is not None
    }
    compiler.roles(runbook.recuse)
    extras = _extras(compiler, start, everything)
    facts = {fact.name.value: _fact(compiler, fact) for fact in runbook.facts}
    check_rules(given)
    if report.failed:
        return None
    plan: Plan = {
        "format": PLAN_FORMAT,
        "language": LANGUAGE,
        "engine": ENGINE,
        "cel": CEL,
        "id": runbook.id.value,
        "version": runbook.version,
        "title": runbook.title,
        "source_digest": source_digest,
        "owners": list(runbook.owners),
        "harm": runbook.harm,
        "mode": runbook.mode,
        "compartment": runbook.compartment,
        "command": runbook.command.value,
        "allowed_regions": [region.value for region in runbook.allowed],
        "handoff_allowed": runbook.handoff_allowed,
        "severity": runbook.severity,
        "floors": floors,
        "inputs": {field.name.value: field.spec for field in runbook.inputs},
        "facts": facts,
        "clocks": clocks,
        "tracks": [track for track, _ in tracks],
        "phases": phases,
        "close_when": close_when.expr if close_when is not None else None,
        "step_outputs": given.step_outputs,
    }
    plan.update(extras)  # type: ignore[typeddict-item]
    if given.library:
        plan["library"] = given.library
    check_plan(given, plan)
    return None if report.failed else plan


def _extras(compiler: StepCompiler, start: Scope, everything: Scope) -> dict[str, Any]:
    """Keys that a plan has only where the runbook says something about them."""
    runbook = compiler.given.runbook
    made: dict[str, Any] = {}
    if runbook.score:
        checked = {
            letter.value: compiler.expressions.check(src, start, wants=("int",), may_be_absent=True)
            for letter, src in runbook.score
        }
        made["score"] = {letter: each.expr for letter, each in checked.items() if each is not None}
    if runbook.jurisdictions:
        made["jurisdictions"] = _jurisdictions(compiler, start)
    if runbook.unverified is not None:
        doubt = compiler.expressions.check(runbook.unverified, start, wants=("bool",))
        if doubt is not None:
            made["unverified"] = doubt.expr
    if runbook.mode_when is not None:
        when = compiler.expressions.check(runbook.mode_when, start, wants=("bool",))
        made["mode_when"] = when.expr if when is not None else None
    if runbook.outputs:
        made["outputs"] = compile_outputs(compiler, everything)
    if runbook.triggers:
        made["triggers"] = compile_triggers(compiler)
    return made


def _jurisdictions(compiler: StepCompiler, scope: Scope) -> dict[str, Expr]:
    """Each a text or a list of them over inputs and facts; what they hold is as protected as what they read."""
    made: dict[str, Expr] = {}
    for role, src in compiler.given.runbook.jurisdictions:
        checked = compiler.expressions.check(src, scope, may_be_absent=True)
        if checked is None:
            continue
        kind, wanted = checked.expr["type"], ({"type": "string"}, {"type": "list", "of": {"type": "string"}})
        if not any(assignable(kind, cast(TypeSpec, each)) for each in wanted):
            compiler.report.add(
                codes.INPUT_TYPE,
                src.span,
                f"`{role.value}` does not take {kind}",
                expected="expected a text such as a country, or a list of them",
            )
            continue
        held_back = [name for name in checked.expr["vars"] if compiler.is_protected(name.removeprefix("has."))]
        if held_back:
            compiler.report.add(
                codes.PROTECTED,
                src.span,
                f"`{held_back[0]}` is of the class us_protected, and jurisdictions stand on the board",
                help="give the country alone, as an input of another class",
            )
            continue
        itself = [name for name in checked.expr["vars"] if name.startswith("incident.")]
        if itself:
            compiler.report.add(
                codes.UNKNOWN_NAME,
                src.span,
                f"`{role.value}` reads `{itself[0]}`",
                expected="inputs and facts: where something is does not follow from the incident",
            )
            continue
        made[role.value] = checked.expr
    return made


def outer_scope(runbook: Runbook) -> Scope:
    """What every step of a runbook can read: the run's inputs, facts, the incident, `now`."""
    scope = Scope().declare("now", "timestamp")
    for name, kind in INCIDENT.items():
        scope = scope.declare(f"incident.{name}", kind)
    if runbook.jurisdictions:
        scope = scope.declare("incident.jurisdictions", "list<string>")
        for role, _ in runbook.jurisdictions:
            name = f"incident.jurisdiction_of.{role.value}"
            scope = scope.declare(name, "list<string>", frozenset({name}))
    given: set[str] = set()
    for field in runbook.inputs:
        name = f"inputs.{field.name.value}"
        spec = field.spec
        optional = spec.get("optional", False) and "default" not in spec
        values = tuple(str(each) for each in spec.get("enum", ())) if spec["type"] == "string" else ()
        scope = scope.declare(name, cel_type(spec), frozenset({name}) if optional else NOTHING, values)
        if not optional:
            given.add(name)
    for fact in runbook.facts:
        name = f"facts.{fact.name.value}"
        scope = scope.declare(name, cel_type(fact.spec), frozenset({name}))
        scope = scope.declare(f"{name}.at", "timestamp", frozenset({name}))
        if any(source.value in given or source.value.startswith("trigger.") for source in fact.sources):
            # recorded when the run starts
            scope = scope.knowing(frozenset({name}))
    return scope


def _phases(compiler: StepCompiler, scope: Scope) -> tuple[list[Phase], Scope]:
    phases: list[Phase] = []
    seen: dict[str, int] = {}
    for phase in compiler.given.runbook.phases:
        name = phase.name.value
        seen[name] = seen.get(name, 0) + 1
        path = name if seen[name] == 1 else f"{name}~{seen[name]}"
        made, scope = compiler.steps(phase.steps, scope, path)
        phases.append({"name": name, "steps": made})
    return phases, scope


def _tracks(compiler: StepCompiler, start: Scope, phases: Scope) -> list[tuple[Track, Scope]]:
    """A track sees what the phases gave, but nothing of it is sure: it may fire at any time."""
    tracks: list[tuple[Track, Scope]] = []
    scope = start.after_branch(phases, sure=False)
    for track in compiler.given.runbook.tracks:
        made = compile_track(compiler, track, start if track.detached else scope)
        if made is not None:
            tracks.append(made)
    return tracks


def _clock(compiler: StepCompiler, clock: Clock, scope: Scope) -> ClockPlan | None:
    law = compiler.law(clock.use)
    each: ClockEach | None = None
    if clock.each is not None:
        items = compiler.expressions.check(clock.each.in_, scope, wants=("list",), may_be_absent=True)
        compiler.bounded(clock.each.in_)
        kind = items.expr["type"] if items is not None else ""
        item = clock.each.item.value
        scope = scope.declare(item, kind[5:-1] if kind.startswith("list<") else "dyn")
        each = {"item": item, "in_": items.expr} if items is not None else None
    cond = compiler.expressions.check(clock.cond, scope, wants=("bool",)) if clock.cond else None
    instants = ("timestamp",)
    start = compiler.expressions.check(clock.start, scope, wants=instants, may_be_absent=True)
    restart = (
        compiler.expressions.check(clock.restart, scope, wants=instants, may_be_absent=True) if clock.restart else None
    )
    stop = compiler.expressions.check(clock.stop, scope, wants=instants, may_be_absent=True) if clock.stop else None
    on_breach = compiler.roles(clock.on_breach)
    on_close = compiler.role(clock.on_close) if clock.on_close else None
    if clock.on_close:
        compiler.require_unrecused(clock.on_close.value, clock.on_close.span, "own this clock")
    warn = [compiler.duration(time) for time in clock.warn]
    pause, renew = compile_pauses(compiler, clock, scope), compile_renewal(compiler, clock, scope)
    if law is None or start is None:
        return None
    row = cast(RegisterRow, compiler.given.register[law["id"]])
    made: ClockPlan = {
        "name": clock.name.value,
        "law": law,
        "start": start.expr,
        "restart": restart.expr if restart is not None else None,
        "stop": stop.expr if stop is not None else None,
        "warn": warn,
        "on_breach": [{"page": role} for role in on_breach],
        "on_close": on_close,
    }
    if each is not None:
        made["each"] = each
    if cond is not None:
        made["cond"] = cond.expr
    if pause:
        made["pause"] = pause
        if row.get("after_pause") == "restart":
            made["after_pause"] = "restart"
    if renew is not None:
        made["renew"] = renew
    return made


def _fact(compiler: StepCompiler, fact: Fact) -> FactSpec:
    revise = None
    if fact.revise_by is not None:
        revise = {"by": compiler.roles(fact.revise_by), "reason": "required"}
    return {"type": fact.spec, "sources": [source.value for source in fact.sources], "revise": revise}


def _check_names(runbook: Runbook, steps: StepMap, report: Report) -> None:
    for step in steps.twice:
        first = steps.ids[step.id.value].step
        report.add(
            codes.DUPLICATE_ID,
            step.id.span,
            f"a second step `{step.id.value}`",
            expected=f"an id that no other step has; the first is on line {first.span.line}",
        )
    tracks: dict[str, int] = {}
    for track in runbook.tracks:
        line = tracks.setdefault(track.id.value, track.id.span.line)
        if line != track.id.span.line:
            report.add(
                codes.DUPLICATE_ID,
                track.id.span,
                f"a second track `{track.id.value}`",
                expected=f"an id that no other track has; the first is on line {line}",
            )
    for phase in runbook.phases:
        if phase.name.value == "alongside":
            report.add(
                codes.ID_TAKEN, phase.name.span, "`alongside` is the place of the tracks", expected="another name"
            )
