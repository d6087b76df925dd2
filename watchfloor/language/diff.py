"""Two runbooks compared by meaning: what a reviewer must know, the dangerous first.

Not lines but plans are compared, so that order of keys, comments and layout say nothing. A change is *weaker* when
people are asked less, later or not at all, when more can happen or less can be taken back, when more is shared, when a
clock gives more time or tells fewer people; *stronger* when it is the other way round; and *look* when that cannot be
decided here.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from schemas.plan import Plan
from watchfloor.language.diff_blocks import locate, match
from watchfloor.language.diff_children import child_of
from watchfloor.language.diff_document import compare_document
from watchfloor.language.diff_model import WORDS, Change, Danger, Pair, Place, Places, Verdict
from watchfloor.language.diff_steps import compare_step
from watchfloor.language.diff_structure import compare_structure
from watchfloor.language.nodes import Node


def compare(old: Plan, new: Plan, *, old_root: Node | None = None, new_root: Node | None = None) -> tuple[Change, ...]:
    """Every change from one plan to the other, the dangerous first.

    Args:
        old, new: compiled plans.
        old_root, new_root: the trees they were compiled from, for places of keys; without them a change has the place
            of its step, or the file's first line.
    """
    before, after = Places.of(old_root), Places.of(new_root)
    was, now = locate(old), locate(new)
    matched = match(was, now)
    renamed = {left.id: right.id for left, right in matched.both if left.id != right.id}
    if renamed:
        # what only follows a step's new name is no change
        old = _follow(old, renamed)
        was = locate(old)
        matched = match(was, now)
    pair = Pair(old, new)
    found: list[Change] = []
    for verdict in compare_document(pair):
        places = before.top(*verdict.keys), after.top(*verdict.keys)
        subject = ".".join(verdict.keys[:2])
        found.append(_change(verdict, subject, *places))
    for left, right in matched.both:
        for verdict in compare_step(pair, left.step, right.step):
            places = before.step(left.step["at"], verdict.keys), after.step(right.step["at"], verdict.keys)
            found.append(_change(verdict, right.step["path"], *places))
        found += _through(pair, left.step, right.step, before, after)
    for gone, came, verdict in compare_structure(pair, matched, was, now):
        here = came or gone
        assert here is not None
        old_at = before.step(gone.step["at"], ("id",)) if gone is not None else None
        new_at = after.step(came.step["at"], verdict.keys or ("id",)) if came is not None else None
        found.append(_change(verdict, here.step["path"], old_at, new_at))
    if found and old["version"] == new["version"] and old["id"] == new["id"]:
        found.append(
            Change(
                Danger.LOOK,
                "step.version",
                "version",
                f"the runbook changed, and is still version {new['version']}",
                str(old["version"]),
                str(new["version"]),
                before.top("version"),
                after.top("version"),
            )
        )
    return tuple(sorted(dict.fromkeys(found), key=lambda change: change.rank))


def _through(
    pair: Pair, left: dict[str, Any], right: dict[str, Any], before: Places, after: Places
) -> Iterator[Change]:
    """What changed in the runbook that a step starts, at the place of that step."""
    was, now = child_of(pair.old, left), child_of(pair.new, right)
    if was is None or now is None or left["plan"] == right["plan"]:
        return
    places = before.step(left["at"], ("run",)), after.step(right["at"], ("run",))
    for change in compare(was, now):
        subject = f"{right['path']} > {right['runbook']}: {change.subject}"
        yield replace(change, subject=subject, old_at=places[0], new_at=places[1])


def _follow(plan: Plan, renamed: dict[str, str]) -> Plan:
    """The plan with every reference to a renamed step under its new name; the steps keep their own."""
    pattern = re.compile(rf"\b((?:has\.)?(?:steps|last)\.)({'|'.join(map(re.escape, renamed))})\b")

    def follow(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda found: found[1] + renamed[found[2]], value)
        if isinstance(value, dict):
            return {key: follow(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [follow(inner) for inner in value]
        return value

    made: Plan = follow(plan)
    return made


def weakens(changes: tuple[Change, ...]) -> bool:
    """True when any change weakened safety."""
    return any(change.danger is Danger.WEAKER for change in changes)


def _change(verdict: Verdict, subject: str, old_at: Place | None, new_at: Place | None) -> Change:
    return Change(verdict.danger, verdict.kind, subject, verdict.message, verdict.before, verdict.after, old_at, new_at)


def as_dict(change: Change, old_path: str, new_path: str) -> dict[str, Any]:
    """A change for programs."""
    return {
        "danger": WORDS[change.danger],
        "kind": change.kind,
        "subject": change.subject,
        "message": change.message,
        "before": change.before,
        "after": change.after,
        "old": _as_place(change.old_at, old_path),
        "new": _as_place(change.new_at, new_path),
    }


def _as_place(place: Place | None, path: str) -> dict[str, Any] | None:
    return None if place is None else {"path": path, "line": place.line, "column": place.column}


_HEADS = {
    Danger.WEAKER: "WEAKER: safety was reduced",
    Danger.LOOK: "LOOK: a person must judge these",
    Danger.STRONGER: "STRONGER",
}


def render_text(changes: tuple[Change, ...], old_path: str, new_path: str) -> str:
    """Changes for people: a section for each danger, places in both files, and a last line that counts."""
    lines: list[str] = []
    for danger in Danger:
        of_it = [change for change in changes if change.danger is danger]
        if not of_it:
            continue
        lines += [f"{_HEADS[danger]} ({len(of_it)})", ""]
        for change in of_it:
            lines += _draw(change, old_path, new_path)
        lines.append("")
    counts = [sum(change.danger is danger for change in changes) for danger in Danger]
    if not changes:
        return "the same in meaning: nothing changed"
    verdict = "safety was weakened" if counts[0] else "safety was not weakened"
    return "\n".join([*lines, f"{counts[0]} weaker, {counts[1]} to look at, {counts[2]} stronger: {verdict}"])


def _draw(change: Change, old_path: str, new_path: str) -> list[str]:
    lines = [f"  {change.subject}: {change.message}  [{change.kind}]"]
    for sign, text, place, path in (
        ("-", change.before, change.old_at, old_path),
        ("+", change.after, change.new_at, new_path),
    ):
        if place is not None:
            lines.append(f"    {sign} {_short(text) or '(nothing)'}")
            lines.append(f"      {path}:{place.line}:{place.column}")
    return lines


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else f"{flat[:159]}…"
