"""Outcomes for people: one line when it passed, the timeline with the first deviation marked when it did not."""

from datetime import timedelta

from watchfloor.language.findings import render_text
from watchfloor.scenarios.outcome import Ending, Outcome

_SHOWN = 120
"""Events of a timeline that are drawn; of a longer one, those around the deviation."""


def render_outcome(outcome: Outcome) -> str:
    """One scenario's result as text."""
    scenario = outcome.scenario
    mark = "pass" if outcome.passed else "FAIL"
    lines = [f"{mark}  {scenario.name}  ({outcome.seconds:.1f} s)"]
    if outcome.passed:
        return lines[0]
    lines.append(f"      {scenario.path}:{scenario.line}  {scenario.runbook}")
    lines += [f"    - {deviation.message}" for deviation in outcome.deviations]
    if outcome.findings:
        lines.append(render_text(outcome.findings))
    if outcome.ending is not None:
        first = outcome.deviations[0].event if outcome.deviations else None
        lines += render_timeline(outcome.ending, first)
    return "\n".join(lines)


def render_timeline(ending: Ending, marked: int | None) -> list[str]:
    """The timeline, one event a line, times since the start; `marked` is the index of the line to point at."""
    timeline = ending.timeline
    events = timeline.events
    middle = len(events) if marked is None else marked
    start = max(0, min(middle - _SHOWN // 2, len(events) - _SHOWN))
    lines = [f"      … {start} earlier"] if start else []
    for index, event in enumerate(events[start : start + _SHOWN], start):
        pointer = ">>>" if index == marked else "   "
        after = elapsed(event.at - timeline.started_at)
        lines.append(f"  {pointer} {after:>10}  {event.kind:<20} {event.path or '-':<34} {event.what}".rstrip())
    left = len(events) - start - _SHOWN
    if left > 0:
        lines.append(f"      … {left} later")
    pointer = ">>>" if marked is None else "   "
    lines.append(f"  {pointer} {elapsed(ending.ended_at - timeline.started_at):>10}  ended as {ending.outcome}")
    return lines


def elapsed(span: timedelta) -> str:
    """`1:02:03`, with days in front when there are any; a minus when it lies before the start."""
    seconds = round(span / timedelta(seconds=1))
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"
    return f"{sign}{days}d {text}" if days else sign + text
