"""What a law grants a clock beside its length: to stand still for named reasons, to be renewed. Nothing else may."""

from typing import cast

from schemas.plan import ClockPause, Expr
from schemas.register import RegisterRow
from watchfloor.language import codes
from watchfloor.language.document import Clock
from watchfloor.language.findings import listing, nearest
from watchfloor.language.nodes import Scalar
from watchfloor.language.scope import Scope
from watchfloor.language.step_compiler import StepCompiler


def compile_pauses(compiler: StepCompiler, clock: Clock, scope: Scope) -> dict[str, ClockPause]:
    """The reasons for which a clock stands still; a finding for each that its row does not name."""
    row = _row(compiler, clock)
    made: dict[str, ClockPause] = {}
    for reason, pause in clock.pause:
        known = row.get("pause_on", []) if row is not None else [reason.value]
        if reason.value not in known:
            near = nearest(reason.value, known)
            compiler.report.add(
                codes.NOT_IN_LAW,
                reason.span,
                f"`{clock.use.value}` does not stand still for `{reason.value}`",
                expected=f"one of {listing(known)}" if known else "no pause: its row has no `pause_on`",
                help=f"did you mean `{near}`?" if near else "",
            )
        since, until = _instant(compiler, pause.since, scope), _instant(compiler, pause.until, scope)
        if since is not None and until is not None:
            made[reason.value] = {"since": since, "until": until}
    return made


def compile_renewal(compiler: StepCompiler, clock: Clock, scope: Scope) -> Expr | None:
    """The instant of a renewal; a finding when the row does not allow one."""
    if clock.renew is None:
        return None
    row = _row(compiler, clock)
    if row is not None and "renew" not in row:
        compiler.report.add(
            codes.NOT_IN_LAW,
            clock.renew.span,
            f"`{clock.use.value}` is not renewed",
            expected="no renewal: its row has no `renew`",
        )
    return _instant(compiler, clock.renew, scope)


def _row(compiler: StepCompiler, clock: Clock) -> RegisterRow | None:
    return cast(RegisterRow | None, compiler.given.register.get(clock.use.value))


def _instant(compiler: StepCompiler, source: Scalar, scope: Scope) -> Expr | None:
    """An instant that a fact gives: only what is recorded, by a source that is declared, moves a deadline."""
    checked = compiler.expressions.check(source, scope, wants=("timestamp",), may_be_absent=True)
    if checked is None:
        return None
    read = [name.removeprefix("has.") for name in checked.expr["vars"]]
    if not read or not all(name.startswith("facts.") for name in read):
        compiler.report.add(
            codes.NOT_IN_LAW,
            source.span,
            f"`{source.value}` is no recorded fact",
            expected="an instant of a fact, such as `facts.clarification_requested`",
        )
        return None
    return checked.expr
