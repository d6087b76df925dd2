"""Comparing one thing of two plans: seats, roles, lengths, conditions, what follows; and what it does to safety."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.plan import Duration, Expr, Shown, Slot
from watchfloor.language.diff_conditions import canonical_text, relate
from watchfloor.language.diff_model import Danger, Pair, Verdict, render_duration, render_value

WEAKER, LOOK, STRONGER = Danger.WEAKER, Danger.LOOK, Danger.STRONGER


def seats(old: Sequence[Slot], new: Sequence[Slot], kind: str, what: str) -> Iterator[Verdict]:
    """Seats of a gate: fewer, or filled by roles that could not fill them before, is weaker."""
    covered, covers = _covers(new, old), _covers(old, new)
    if covered and covers:
        return
    before, after = render_value(list(old)), render_value(list(new))
    if covered:
        said = "needs more people" if len(new) > len(old) else "may be filled by fewer roles"
        yield Verdict(STRONGER, kind, f"{what} {said}", before, after)
    elif len(new) < len(old):
        yield Verdict(WEAKER, kind, f"{what} needs {len(new)} instead of {len(old)} people", before, after)
    else:
        had = {role for slot in old for role in slot["any_of"]}
        fresh = sorted({role for slot in new for role in slot["any_of"]} - had)
        said = f"`{', '.join(fresh)}` may fill a seat" if fresh else "a seat may be filled by more roles"
        yield Verdict(WEAKER, kind, f"{what}: {said}", before, after)


def _covers(strong: Sequence[Slot], weak: Sequence[Slot]) -> bool:
    """Whoever fills the strong seats has filled the weak ones: each weak seat holds a strong one of its own."""
    taken: dict[int, int] = {}

    def place(at: int, tried: set[int]) -> bool:
        for number, slot in enumerate(strong):
            if number not in tried and set(slot["any_of"]) <= set(weak[at]["any_of"]):
                tried.add(number)
                if number not in taken or place(taken[number], tried):
                    taken[number] = at
                    return True
        return False

    return all(place(at, set()) for at in range(len(weak)))


def members(
    old: Iterable[str],
    new: Iterable[str],
    kind: str,
    *,
    gone: tuple[Danger, str],
    fresh: tuple[Danger, str],
) -> Iterator[Verdict]:
    """A set of names: one verdict for those that are gone, one for those that came. `{}` in a text are the names."""
    before, after = list(old), list(new)
    lost = [each for each in before if each not in after]
    came = [each for each in after if each not in before]
    shown = render_value(before), render_value(after)
    if lost:
        yield Verdict(gone[0], kind, gone[1].format(_names(lost)), *shown)
    if came:
        yield Verdict(fresh[0], kind, fresh[1].format(_names(came)), *shown)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def length(
    pair: Pair,
    old: Duration | None,
    new: Duration | None,
    kind: str,
    what: str,
    *,
    longer: Danger = WEAKER,
    shorter: Danger = LOOK,
) -> Iterator[Verdict]:
    """A window or a pause, in seconds of the wall clock."""
    before, after = pair.seconds(old, pair.old), pair.seconds(new, pair.new)
    if before == after and (before is not None or old == new):
        return
    shown = _window(old, before), _window(new, after)
    if before is None or after is None:
        yield Verdict(LOOK, kind, f"{what} has changed", *shown)
    elif after > before:
        yield Verdict(longer, kind, f"{what} is longer", *shown)
    else:
        yield Verdict(shorter, kind, f"{what} is shorter", *shown)


def _window(written: Duration | None, seconds: float | None) -> str:
    if isinstance(written, dict):
        return f"{render_value(written)} ({render_duration(seconds)})" if seconds is not None else render_value(written)
    return render_duration(seconds)


def instants(pair: Pair, old: Sequence[Duration], new: Sequence[Duration], kind: str, what: str) -> Iterator[Verdict]:
    """Reminders and warnings: one less, or a later one, is weaker."""
    before = sorted(seconds for each in old if (seconds := pair.seconds(each, pair.old)) is not None)
    after = sorted(seconds for each in new if (seconds := pair.seconds(each, pair.new)) is not None)
    if before == after:
        return
    shown = ", ".join(map(render_duration, before)), ", ".join(map(render_duration, after))
    if len(after) < len(before):
        yield Verdict(WEAKER, kind, f"fewer {what}", *shown)
    elif all(now <= was for was, now in zip(before, after, strict=False)):
        yield Verdict(STRONGER, kind, f"more or earlier {what}", *shown)
    else:
        yield Verdict(WEAKER, kind, f"later {what}", *shown)


def shown(old: Sequence[Shown], new: Sequence[Shown], kind: str) -> Iterator[Verdict]:
    """What is put before who decides."""
    yield from members(
        [each["label"] for each in old],
        [each["label"] for each in new],
        kind,
        gone=(WEAKER, "who decides no longer sees {}"),
        fresh=(STRONGER, "who decides also sees {}"),
    )


def ranked(old: str, new: str, ranks: Mapping[str, int], kind: str, what: str) -> Iterator[Verdict]:
    """A word of a fixed set; the higher its rank, the safer."""
    if old == new:
        return
    before, after = ranks.get(old), ranks.get(new)
    danger = LOOK if before is None or after is None or before == after else WEAKER if after < before else STRONGER
    yield Verdict(danger, kind, f"{what} has changed", old, new)


def condition(
    old: Expr | None,
    new: Expr | None,
    kind: str,
    what: str,
    *,
    wider: Danger,
    narrower: Danger,
    unknown: Danger = LOOK,
) -> Iterator[Verdict]:
    """A condition, where None always holds. What it means that it holds more often, the caller says."""
    relation = relate(old, new)
    if relation == "equal":
        return
    before, after = render_value(old), render_value(new)
    danger = {"wider": wider, "narrower": narrower, "unknown": unknown}[relation]
    said = {"wider": "holds more often", "narrower": "holds less often", "unknown": "is another one"}[relation]
    yield Verdict(danger, kind, f"{what} {said}", before, after)


def differs(old: Any, new: Any, kind: str, message: str, danger: Danger = LOOK) -> Iterator[Verdict]:
    """Anything else: it is the same, or a reviewer looks at it."""
    if normal(old) != normal(new):
        yield Verdict(danger, kind, message, render_value(old), render_value(new))


def normal(value: Any) -> Any:
    """The value with every expression as it reads whatever its spaces, and every list of steps as one word."""
    if isinstance(value, dict):
        if {"src", "cel"} <= value.keys():
            return canonical_text(value["src"])
        return {key: normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    return value


def below(verdicts: Iterable[Verdict], *keys: str) -> Iterator[Verdict]:
    """The verdicts, one level deeper in the file."""
    for each in verdicts:
        yield Verdict(each.danger, each.kind, each.message, each.before, each.after, (*keys, *each.keys))
