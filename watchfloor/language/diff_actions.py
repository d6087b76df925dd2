"""Comparing an action with itself: what it does, its gates, what takes it back, how it is tried."""

from collections.abc import Iterator
from typing import Any

from watchfloor.language.diff_gates import approval, review
from watchfloor.language.diff_model import Pair, Verdict, render_duration, render_value
from watchfloor.language.diff_rules import LOOK, STRONGER, WEAKER, below, differs, length, members

PRESERVES = "evidence.snapshot"
EFFECTS = {"reads": 0, "restricts": 1, "discloses": 2, "reveals": 2, "destroys": 3}
"""The further, the less can be taken back."""


def compare_action(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    if old["action"] != new["action"]:
        worse = EFFECTS[new["effect"]] > EFFECTS[old["effect"]] or (new["irreversible"] and not old["irreversible"])
        said = f"does another thing, which {new['effect']}" + (
            " and cannot be taken back" if new["irreversible"] else ""
        )
        lost = old["action"] == PRESERVES
        danger = WEAKER if worse or lost else LOOK
        yield Verdict(danger, "effect.action", said, old["action"], new["action"], ("action",))
    else:
        effects = _declared(old), _declared(new)
        yield from below(differs(*effects, "effect.declared", "the catalogue declares it otherwise"), "action")
    yield from approval(pair, old["approval"], new["approval"])
    yield from review(pair, old.get("review"), new.get("review"))
    yield from _undo(old, new)
    yield from _expires(pair, old, new)
    for name in [*old["with_"], *(each for each in new["with_"] if each not in old["with_"])]:
        said = f"`{name}` is given otherwise"
        values = old["with_"].get(name), new["with_"].get(name)
        yield from below(differs(*values, "step.with", said), "with", name)
    for key in ("times", "first", "factor", "up_to"):
        said = "attempts" if key == "times" else "pauses between attempts"
        yield from below(differs(old["retry"][key], new["retry"][key], "time.retry", f"other {said}"), "retry", key)
    yield from below(
        length(pair, old["attempt_timeout"], new["attempt_timeout"], "time.attempt", "one attempt", longer=LOOK),
        "attempt_timeout",
    )
    yield from below(
        members(
            old["doubt"]["ask"],
            new["doubt"]["ask"],
            "decision.doubt",
            gone=(LOOK, "{} no longer says what became of a doubtful effect"),
            fresh=(WEAKER, "{} may now say what became of a doubtful effect"),
        ),
        "doubt",
        "ask",
    )
    doubt = length(pair, old["doubt"]["within"], new["doubt"]["within"], "decision.doubt", "the window of a doubt")
    yield from below(doubt, "doubt", "within")


def _undo(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    before, after = old["undo"], new["undo"]
    if before is None or after is None:
        if before is not None:
            yield Verdict(WEAKER, "undo.gone", "nothing takes it back any more", before["action"], "", ("undo",))
        elif after is not None:
            yield Verdict(STRONGER, "undo.gained", "it can be taken back", "", after["action"], ("undo",))
        return
    yield from below(differs(before["action"], after["action"], "undo.action", "another action takes it back"), "undo")
    gone, fresh = (WEAKER, "no longer taken back on {}"), (LOOK, "taken back by itself on {}")
    yield from below(members(before["on"], after["on"], "undo.on", gone=gone, fresh=fresh), "undo", "on")
    if before["action"] == after["action"] and before["with_"] != after["with_"]:
        # what the undo takes from the step's own inputs is said there
        inputs = before["with_"].keys() | after["with_"].keys()
        own = {key for key in inputs if before["with_"].get(key) != after["with_"].get(key)}
        if any(old["with_"].get(key) == new["with_"].get(key) for key in own):
            shown = render_value(before["with_"]), render_value(after["with_"])
            yield Verdict(LOOK, "undo.with", "it is taken back with other inputs", *shown, ("undo", "with"))


def _expires(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    before, after = old.get("expires"), new.get("expires")
    if (before is None) == (after is None):
        yield from below(length(pair, before, after, "undo.expires", "the limit of the measure"), "expires")
    elif after is None:
        shown = render_duration(pair.seconds(before, pair.old))
        yield Verdict(WEAKER, "undo.expires", "the measure no longer ends by itself", shown, "", ("expires",))
    else:
        shown = render_duration(pair.seconds(after, pair.new))
        yield Verdict(STRONGER, "undo.expires", "the measure ends by itself", "", shown, ("expires",))


def _declared(step: dict[str, Any]) -> str:
    return f"{step['effect']}, tier {step['tier']}" + (", irreversible" if step["irreversible"] else "")
