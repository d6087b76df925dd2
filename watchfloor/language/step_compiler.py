"""Compiling steps: names and types checked in the scope where each step stands, the plan's steps made of them.

The walk goes in the order of running. Each step is checked in the scope of what ran before it and leaves a scope with
its own outputs; blocks merge what their branches leave.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas import plan as shape
from schemas.plan import ClockLaw, Duration, Expr, Slot, TypeSpec
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.document import Course, OnSilence, Seat, Step, Time
from watchfloor.language.expression_check import Checked, ExpressionChecker
from watchfloor.language.findings import listing, nearest
from watchfloor.language.flow import may_lack_outputs
from watchfloor.language.map import StepMap
from watchfloor.language.nodes import Scalar, Span
from watchfloor.language.outputs import ALWAYS, cel_of, is_optional, outputs_of
from watchfloor.language.register import NO_CLOCK, law_of
from watchfloor.language.scope import NOTHING, Scope
from watchfloor.language.surroundings import DEFAULT_RUNG, Surroundings
from watchfloor.language.type_reader import assignable, cel_type
from watchfloor.language.value_check import ValueChecker


class StepCompiler:
    """Compiles lists of steps; one for a runbook."""

    def __init__(self, given: Surroundings, steps: StepMap) -> None:
        self.given = given
        self.report = given.report
        self.expressions = ExpressionChecker(given.report, steps)
        self.values = ValueChecker(self.expressions)
        self.facts = {fact.name.value: fact for fact in given.runbook.facts}
        self.clocks = {clock.name.value: clock for clock in given.runbook.clocks}
        self.child_outputs: dict[str, dict[str, TypeSpec]] = {}
        self._protected = {
            name
            for kind, fields in (("inputs", given.runbook.inputs), ("facts", given.runbook.facts))
            for each in fields
            if each.spec.get("data_class") == "us_protected"
            for name in (f"{kind}.{each.name.value}", f"{kind}.{each.name.value}.at")
        }
        self._uses: dict[int, bool] = {}

    def steps(self, steps: tuple[Step, ...], scope: Scope, path: str) -> tuple[list[shape.Step], Scope]:
        """Compile a list of steps.

        Returns:
            The plan's steps and the scope after the last.
        """
        made: list[shape.Step] = []
        for step in steps:
            compiled, scope = self.step(step, scope, path)
            if compiled is not None:
                made.append(compiled)
        return made, scope

    def step(self, step: Step, scope: Scope, parent: str) -> tuple[shape.Step | None, Scope]:
        """One step; a step of a fragment says who uses it, and is silent where an argument was wrong already."""
        if step.use is None:
            return self._step(step, scope, parent)
        if self._arguments(step.use, scope):
            with self.report.inside_use(step.use):
                return self._step(step, scope, parent)
        with self.report.muted():
            return self._step(step, scope, parent)

    def _arguments(self, use: doc.Use, scope: Scope) -> bool:
        """Whether the arguments fit the fragment's parameters; judged once, in the scope of the first step."""
        if id(use) not in self._uses:
            fine = True
            for each in use.arguments:
                label = f"`{each.name.value}` of the fragment `{use.fragment}`"
                fine = self.values.check(each.value, scope, each.spec, label) is not None and fine
            self._uses[id(use)] = fine and (use.outer is None or self._uses.get(id(use.outer), True))
        return self._uses[id(use)]

    def _step(self, step: Step, scope: Scope, parent: str) -> tuple[shape.Step | None, Scope]:
        path = f"{parent}/{step.id.value}"
        guard = self._condition(step, scope)
        inner = scope
        text: str | None = None
        if step.cond is not None:
            text = ("!" if step.negated else "") + step.cond.value.strip()
            inner = scope.under(text).knowing(guard.truths if guard else NOTHING)
        common: dict[str, Any] = {
            "id": step.id.value,
            "path": path,
            "at": f"{step.span.line}:{step.span.column}",
            "name": step.name,
            "cond": guard.expr if guard else None,
            "timeout": step.timeout.seconds if step.timeout else None,
        }
        body, after, extra = self._body(step, inner, path)
        common["on_error"], after = self.course(step.on_error, "fail", inner, after, path, "on_error")
        if step.catches:
            from watchfloor.language import recovery_compiler as recovery

            common["catches"], after = recovery.catches(self, step.catches, inner, after, path)
        own = self._own(step, extra)
        own_scope = self._declare(step, inner, own, NOTHING)
        for name, kind in extra.items():
            if name.startswith("last."):
                own_scope = own_scope.declare(name, kind[0] if isinstance(kind, tuple) else kind)
        recorded = self._records(step, own_scope, after)
        common["records"] = {name: expr for name, (expr, _) in recorded.items()}
        left = self._leave(step, scope, after, own, text, recorded)
        if body is None:
            return None, left
        return {**common, **body}, left  # type: ignore[return-value]

    def is_protected(self, variable: str) -> bool:
        """Whether a variable holds what must not leave the region: declared so, or the member of a list that is."""
        return variable in self._protected or variable.split(".", maxsplit=1)[0] in self._protected

    def protect(self, variable: str, sources: Iterable[str]) -> None:
        """A loop's item is of the class of the list it comes from."""
        protected = any(self.is_protected(source) for source in sources)
        (self._protected.add if protected else self._protected.discard)(variable)

    def _condition(self, step: Step, scope: Scope) -> Checked | None:
        if step.cond is None:
            return None
        return self.expressions.check(step.cond, scope, wants=("bool",), negated=step.negated)

    def _own(self, step: Step, extra: Mapping[str, Any]) -> dict[str, TypeSpec | str]:
        own = outputs_of(step, self.given.catalog, str(extra.get("item", "dyn")))
        own |= self.child_outputs.get(step.id.value, {})
        for name, kind in own.items():
            if not isinstance(kind, str) and kind.get("data_class") == "us_protected":
                self._protected.add(f"steps.{step.id.value}.{name}")
        self.given.step_outputs[step.id.value] = {
            **{name: cel_of(kind) for name, kind in own.items()},
            **ALWAYS,
        }
        return own

    def _declare(self, step: Step, scope: Scope, own: Mapping[str, TypeSpec | str], needs: frozenset[str]) -> Scope:
        prefix = f"steps.{step.id.value}"
        types = {f"{prefix}.{name}": kind for name, kind in ALWAYS.items()}
        wanted: dict[str, frozenset[str]] = {}
        for name, kind in own.items():
            full = f"{prefix}.{name}"
            types[full] = cel_of(kind)
            keys = needs | ({full} if is_optional(kind) else NOTHING)
            if keys:
                wanted[full] = keys
        made = scope.declare_all(types, wanted)
        if isinstance(step.body, doc.Decide):
            made = made.declare(
                f"{prefix}.option", "string", needs, tuple(choice.name.value for choice in step.body.options)
            )
        return made

    def _leave(
        self,
        step: Step,
        before: Scope,
        after: Scope,
        own: Mapping[str, TypeSpec | str],
        guard: str | None,
        recorded: Mapping[str, tuple[Expr, bool]],
    ) -> Scope:
        """The scope after a step: what its block left, its own outputs, the facts it recorded."""
        ran = f"steps.{step.id.value}"
        recovers = may_lack_outputs(step)
        sure = guard is None and not recovers
        facts = frozenset(f"facts.{name}" for name, (_, certain) in recorded.items() if certain)
        if isinstance(step.body, doc.Repeat) and step.body.on_exhausted.word == "continue":
            facts = NOTHING
        if guard is None:
            left = before.after_branch(after, sure=not recovers, ran=ran)
        else:
            left = before.after_branch(after, sure=False, ran=ran)
        left = self._declare(step, left, own, NOTHING if sure else frozenset({ran}))
        if sure:
            left = left.knowing(facts)
        elif guard is not None and not recovers:
            left = left.guarding(guard, before.keys_of(after) | facts | {ran})
        return left

    def _records(self, step: Step, scope: Scope, after: Scope) -> dict[str, tuple[Expr, bool]]:
        """The facts a step records: expression, and whether it is sure to have a value."""
        made: dict[str, tuple[Expr, bool]] = {}
        seen = scope.knowing(after.known)
        for name, src in step.records:
            fact = self.facts.get(name.value)
            if fact is None:
                self._unknown_fact(name)
                continue
            if f"steps.{step.id.value}" not in {source.value for source in fact.sources}:
                self.report.add(
                    codes.RECORD,
                    name.span,
                    f"step `{step.id.value}` may not record the fact `{name.value}`",
                    expected="its sources are: " + ", ".join(source.value for source in fact.sources),
                    help=f"add `steps.{step.id.value}` to `from` of the fact",
                )
                continue
            checked = self.expressions.check(src, seen, may_be_absent=True)
            if checked is None:
                continue
            if not assignable(checked.expr["type"], fact.spec):
                self.report.add(
                    codes.RECORD,
                    src.part(0, len(src.value)),
                    f"the fact `{name.value}` cannot hold {checked.expr['type']}",
                    expected=f"expected {cel_type(fact.spec)}",
                )
                continue
            certain = not any(seen.missing(each) for each in checked.expr["vars"] if not each.startswith("has."))
            made[name.value] = (checked.expr, certain)
        return made

    # what every kind needs

    def role(self, scalar: Scalar) -> str:
        known = self.given.roles
        if known is not None and scalar.value not in known:
            near = nearest(scalar.value, sorted(known))
            self.report.add(
                codes.UNKNOWN_ROLE,
                scalar.span,
                f"unknown role `{scalar.value}`",
                expected=f"one of {listing(sorted(known))}",
                help=f"did you mean `{near}`?" if near else "",
            )
        return scalar.value

    def roles(self, scalars: tuple[Scalar, ...]) -> list[str]:
        return [self.role(scalar) for scalar in scalars]

    def excluded(self, written: tuple[Scalar, ...]) -> list[str]:
        """Who may not answer: whom `not` names here, and whom the run's `recuse` names everywhere."""
        here = self.roles(written)
        return here + [each.value for each in self.given.runbook.recuse if each.value not in here]

    def require_unrecused(self, role: str, span: Span, does: str) -> None:
        """A role that is given something to keep or to let go of is none that the run's `recuse` names."""
        if role in {each.value for each in self.given.runbook.recuse}:
            self.report.add(
                codes.SEATS,
                span,
                f"`{role}` cannot {does}: `recuse` names it",
                expected="a role that is not recused",
            )

    def slots(self, seats: tuple[Seat, ...]) -> list[Slot]:
        """Seats without the roles that the run's `recuse` names."""
        recused = {each.value for each in self.given.runbook.recuse}
        made: list[Slot] = []
        for seat in seats:
            roles = self.roles(seat.roles)
            left = [role for role in roles if role not in recused]
            if not left:
                self.report.add(
                    codes.SEATS,
                    seat.span,
                    f"nobody may fill this seat: `recuse` names {listing(roles)}",
                    expected="a role that is not recused",
                )
            made.append({"any_of": left or roles})
        return made

    def duration(self, time: Time) -> Duration:
        """Seconds, or a share of a declared clock whose length is known."""
        if time.of is None:
            return float(time.seconds or 0)
        clock = self.clocks.get(time.of.value)
        if clock is None:
            near = nearest(time.of.value, self.clocks)
            self.report.add(
                codes.UNKNOWN_CLOCK,
                time.of.span,
                f"unknown clock `{time.of.value}`",
                expected=f"one of {listing(list(self.clocks))}" if self.clocks else "no clock is declared",
                help=f"did you mean `{near}`?" if near else "",
            )
            return 0.0
        law = self.given.register.get(clock.use.value)
        if law is not None and law["duration"] is None and law["internal_slo"] is None:
            self.report.add(
                codes.NO_LENGTH,
                time.of.span,
                f"the clock `{time.of.value}` has no length in seconds, so it has no shares",
                expected="a clock with `duration` or `internal_slo`",
            )
        return {"share": float(time.share or 0), "of": time.of.value}

    def shown(self, scalars: tuple[Scalar, ...], scope: Scope) -> list[shape.Shown]:
        made: list[shape.Shown] = []
        for scalar in scalars:
            checked = self.expressions.check(scalar, scope)
            if checked is not None:
                made.append({"label": scalar.value.strip(), "value": checked.expr})
        return made

    def silence(self, silence: OnSilence | None, scope: Scope, after: Scope, path: str) -> tuple[shape.Silence, Scope]:
        if silence is None:
            return {"escalate": [], "rung": DEFAULT_RUNG, "then": "fail"}, after
        then, after = self.course(silence.then, "fail", scope, after, path, "on_silence")
        rung = silence.rung.seconds if silence.rung and silence.rung.seconds else DEFAULT_RUNG
        return {"escalate": self.roles(silence.escalate), "rung": rung, "then": then}, after

    def course(
        self, course: Course | None, default: str, scope: Scope, after: Scope, path: str, block: str
    ) -> tuple[Any, Scope]:
        """A word, or compiled steps whose names the scope after sees as conditional."""
        if course is None:
            return default, after
        if course.word is not None:
            return course.word, after
        made, inner = self.steps(course.steps, scope, f"{path}/{block}")
        return made, after.after_branch(inner, sure=False)

    def fact(self, name: Scalar) -> bool:
        if name.value in self.facts:
            return True
        self._unknown_fact(name)
        return False

    def _unknown_fact(self, name: Scalar) -> None:
        near = nearest(name.value, self.facts)
        self.report.add(
            codes.UNKNOWN_FACT,
            name.span,
            f"unknown fact `{name.value}`",
            expected=f"one of {listing(list(self.facts))}" if self.facts else "no fact is declared",
            help=f"did you mean `{near}`?" if near else f"declare `{name.value}` under `facts:`",
        )

    # one method for each kind; gives the body, the scope its blocks leave, names for outputs and records

    def _body(self, step: Step, scope: Scope, path: str) -> tuple[dict[str, Any] | None, Scope, dict[str, Any]]:
        from watchfloor.language import kind_compilers as kinds
        from watchfloor.language import linked_compiler as linked
        from watchfloor.language import recovery_compiler as recovery

        body = step.body
        match body:
            case doc.Action():
                return kinds.action(self, step, body, scope, path)
            case doc.Decide():
                return kinds.decide(self, step, body, scope, path)
            case doc.Task():
                return kinds.task(self, body, scope, path)
            case doc.Wait():
                return kinds.wait(self, body, scope, path)
            case doc.Parallel():
                return kinds.parallel(self, body, scope, path)
            case doc.ForEach():
                return kinds.for_each(self, body, scope, path)
            case doc.Choose():
                return kinds.choose(self, body, scope, path)
            case doc.Repeat():
                return kinds.repeat(self, body, scope, path)
            case doc.Hold():
                return kinds.hold(self, body, scope)
            case doc.Handoff():
                return kinds.handoff(self, body, scope, path)
            case doc.Postmortem():
                return kinds.postmortem(self, body, scope)
            case doc.Try():
                return recovery.try_(self, body, scope, path)
            case doc.Run():
                return linked.run(self, step, body, scope)
            case doc.Stop():
                return {"kind": "stop", "outcome": body.outcome.value}, scope, {}

    def bounded(self, in_: Scalar) -> None:
        """A list from the run's inputs must say how long it may be; everything else is bounded by what made it."""
        for field_ in self.given.runbook.inputs:
            written = f"inputs.{field_.name.value}"
            if (
                in_.value.strip().startswith(written)
                and field_.spec["type"] == "list"
                and "max_items" not in field_.spec
            ):
                rest = in_.value.strip()[len(written) :]
                if not rest or not (rest[0].isalnum() or rest[0] == "_"):
                    self.report.add(
                        codes.UNBOUNDED,
                        in_.part(0, len(in_.value)),
                        f"`{written}` may be of any length",
                        expected="a list with `max_items`",
                        help=f"declare it: `{field_.name.value}: {{type: list, of: …, max_items: 1000}}`",
                    )

    def free_item(self, item: Scalar, scope: Scope) -> None:
        if item.value in scope.types:
            self.report.add(
                codes.ID_TAKEN,
                item.span,
                f"`{item.value}` is the item of an outer loop",
                expected="another name",
            )

    def law(self, scalar: Scalar) -> ClockLaw | None:
        """What the plan holds of a row of the register; None, with a finding, when no clock can come of it."""
        law = self.given.register.get(scalar.value)
        if law is None:
            near = nearest(scalar.value, self.given.register)
            known = sorted(self.given.register)
            self.report.add(
                codes.UNKNOWN_LAW,
                scalar.span,
                f"`{scalar.value}` is not in the clock register",
                expected=f"one of {listing(known, 8)}",
                help=f"did you mean `{near}`?" if near else "add a row to runbooks/clocks.yaml",
            )
            return None
        if law["kind"] in NO_CLOCK:
            why = "a condition or threshold, no clock" if law["kind"] == "info" else "history; its law is superseded"
            self.report.add(
                codes.LAW_KIND,
                scalar.span,
                f"`{scalar.value}` is {why}",
                expected="a row that sets a time",
                found=law["kind"],
            )
            return None
        return law_of(law)
