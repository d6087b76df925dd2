"""Clocks: each has a breach action, warns before it is due, and no path closes the run while one runs unowned."""

from watchfloor.language import codes
from watchfloor.language.document import Clock
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings) -> None:
    for clock in given.runbook.clocks:
        law = given.register.get(clock.use.value)
        if law is None:
            continue
        due = law["kind"] in {"deadline", "promptly"}
        # a ceiling is breached when nothing was destroyed before its end
        if (due or law["kind"] == "max_retention") and not clock.on_breach:
            given.report.add(
                codes.NO_BREACH,
                clock.name.span,
                f"nobody hears of a breach of the clock `{clock.name.value}`",
                expected="`on_breach:`",
                help="add `on_breach: [{page: exec_sponsor}]`",
            )
        length = law["duration"] if law["duration"] is not None else law["internal_slo"]
        _check_warnings(given, clock, length)
        if due and clock.on_close is None:
            _check_close(given, clock)


def _check_warnings(given: Surroundings, clock: Clock, length: float | None) -> None:
    for warn in clock.warn:
        if warn.seconds is not None and length is not None and warn.seconds >= length:
            given.report.add(
                codes.WARN_LATE,
                warn.span,
                f"this warning comes at {warn.text}, when `{clock.use.value}` is over",
                expected=f"less than {in_words(length)}",
            )
        elif warn.of is not None and warn.share is not None and warn.share >= 1 and warn.of.value == clock.name.value:
            given.report.add(
                codes.WARN_LATE, warn.span, "this warning comes when the clock is due", expected="a share below 1"
            )


def in_words(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _check_close(given: Surroundings, clock: Clock) -> None:
    """A deadline clock without `on_close` and without `stop`; the ways are judged in `rules.closing`."""
    if clock.stop is None:
        given.report.add(
            codes.CLOCK_LEFT,
            clock.name.span,
            f"the clock `{clock.name.value}` is never stopped and belongs to nobody when the run closes",
            help="add `stop:`, or `on_close: {assign: legal_counsel}`",
        )
        return
