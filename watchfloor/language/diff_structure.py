"""What came, what went, what moved: steps added and gone, order, blocks, and effects that were not possible before."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from watchfloor.language.diff_actions import EFFECTS, PRESERVES
from watchfloor.language.diff_blocks import CONTAINERS, Located, Matched, Rung, runs_before
from watchfloor.language.diff_children import acting, child_of
from watchfloor.language.diff_gates import describe
from watchfloor.language.diff_model import Danger, Pair, Verdict, render_value
from watchfloor.language.diff_rules import LOOK, STRONGER, WEAKER, seats
from watchfloor.language.diff_steps import protects

Found = tuple[Located | None, Located | None, Verdict]
"""The step of the old plan, that of the new one, and what is to be said."""


def compare_structure(pair: Pair, matched: Matched, old: list[Located], new: list[Located]) -> Iterator[Found]:
    """Everything about steps that comparing each with itself cannot see."""
    yield from _gone(matched)
    yield from _fresh(pair, matched)
    yield from _renamed(matched)
    yield from _moved(matched, old, new)
    yield from _order(matched)


def _gone(matched: Matched) -> Iterator[Found]:
    lost = {each.id for each in matched.gone}
    for each in matched.gone:
        if any(rung.holder in lost for rung in each.trail):
            continue  # told with the step that held it
        inside = [other for other in matched.gone if any(rung.holder == each.id for rung in other.trail)]
        judged = [_loss(other.step) for other in (each, *inside)]
        danger, said = min(judged, key=lambda pair: pair[0])
        with_ = f", with {', '.join(f'`{other.id}`' for other in inside)}" if inside else ""
        message = f"`{each.id}` is gone{with_}" + (f": {said}" if said else "")
        yield each, None, Verdict(danger, "step.gone", message, describe_step(each.step), "")


def _loss(step: dict[str, Any]) -> tuple[Danger, str]:
    match step["kind"]:
        case "decide":
            return WEAKER, "people no longer decide"
        case "task":
            return WEAKER, "nobody is asked to do it"
        case "hold":
            return WEAKER, "nothing is held"
        case "postmortem":
            return WEAKER, "nothing is reviewed"
        case "run":
            return WEAKER, "the other runbook is not started"
        case "action" if step["action"] == PRESERVES:
            return WEAKER, "nothing is preserved"
        case "action" if step["action"] == "page" or step["action"].startswith("notify."):
            return WEAKER, "nobody is told"
        case "action" if step["effect"] == "reads":
            return WEAKER, "nothing is checked"
        case "action" if step["effect"] == "restricts":
            return WEAKER, "the measure is not taken"
        case "action":
            return LOOK, f"it no longer {step['effect']}"
    return LOOK, ""


def _fresh(pair: Pair, matched: Matched) -> Iterator[Found]:
    came = {each.id for each in matched.fresh}
    before: dict[str, list[Located]] = {}
    for each in acting(pair.old):
        before.setdefault(each.step["action"], []).append(each)
    for each in matched.fresh:
        step = each.step
        if each.kind == "action" and EFFECTS[step["effect"]]:
            yield None, each, _effect(step, before.get(step["action"], []))
        elif each.kind == "handoff":
            labels = ", ".join(shown["label"] for shown in step["share"])
            danger = WEAKER if labels else LOOK
            said = f"`{each.id}` is new: {labels or 'nothing'} crosses to `{step['to']}`"
            yield None, each, Verdict(danger, "share.new", said, "", describe_step(step))
        elif each.kind == "run" and (worst := _through(pair, each, before)) is not None:
            yield None, each, worst
        elif not any(rung.holder in came for rung in each.trail):
            danger = STRONGER if each.kind in {"decide", "task", "hold", "postmortem"} else LOOK
            yield None, each, Verdict(danger, "step.new", f"`{each.id}` is new", "", describe_step(step))
    for before_, after in matched.both:
        if before_.kind == "action" and before_.step["action"] != after.step["action"]:
            effect = _effect(after.step, before.get(after.step["action"], []))
            if effect.danger is WEAKER:
                yield before_, after, effect


def _through(pair: Pair, run: Located, before: dict[str, list[Located]]) -> Verdict | None:
    """The worst that becomes possible through a runbook that is newly started; None when nothing does."""
    child = child_of(pair.new, run.step)
    steps = [each.step for each in acting(child)] if child is not None else []
    judged = [_effect(step, before.get(step["action"], [])) for step in steps if EFFECTS[step["effect"]]]
    worst = min((each for each in judged if each.danger is WEAKER), key=lambda each: each.kind, default=None)
    if worst is None:
        return None
    said = f"through the runbook `{run.step['runbook']}`: {worst.message}"
    return Verdict(WEAKER, worst.kind, said, worst.before, worst.after, ("run",))


def _effect(step: dict[str, Any], before: list[Located]) -> Verdict:
    """What a further step that acts means, given where the same action stood before."""
    action, effect = step["action"], step["effect"]
    gate = step["approval"]
    after = describe_step(step)
    if not before:
        harsh = EFFECTS[effect] > 1 or step["irreversible"]
        mild = not harsh and (gate is not None or step["undo"] is not None)
        said = f"the runbook may now run `{action}`, which {effect}" + (" for good" if step["irreversible"] else "")
        return Verdict(LOOK if mild else WEAKER, "effect.new", said, "", after, ("action",))
    gates = [each.step["approval"] for each in before]
    if None not in gates:
        if gate is None:
            said = f"`{action}` acts here without asking; everywhere else it asked"
            return Verdict(WEAKER, "effect.ungated", said, describe(gates[0]), after, ("action",))
        weaker = [[*seats(each["slots"], gate["slots"], "", "")] for each in gates]
        if all(any(verdict.danger is WEAKER for verdict in verdicts) for verdicts in weaker):
            said = f"`{action}` asks others here than everywhere else"
            return Verdict(WEAKER, "effect.gate", said, describe(gates[0]), describe(gate), ("approval",))
    return Verdict(LOOK, "step.new", f"`{step['id']}` is new: one more place that {effect}", "", after)


def _renamed(matched: Matched) -> Iterator[Found]:
    for before, after in matched.both:
        if before.id != after.id:
            said = f"`{before.id}` is called `{after.id}` now"
            yield before, after, Verdict(LOOK, "step.renamed", said, before.id, after.id, ("id",))


def _moved(matched: Matched, old: list[Located], new: list[Located]) -> Iterator[Found]:
    names = {before.id: after.id for before, after in matched.both}
    kinds = {each.id: each for each in (*old, *new)}
    lists: dict[tuple[str | None, str], list[tuple[Located, Located]]] = {}
    for before, after in matched.both:
        was = tuple((names.get(holder, holder) if holder else None, block) for holder, block in before.home)
        # what moved together with its block is told with the step that holds the block
        if was[-1] == after.home[-1]:
            lists.setdefault(after.home[-1], []).append((before, after))
        else:
            yield before, after, _judge_move(before, after, was, kinds)
    for pairs in lists.values():
        was_order = [after.id for before, after in sorted(pairs, key=lambda pair: pair[0].trail[-1].index)]
        now_order = [after.id for before, after in sorted(pairs, key=lambda pair: pair[1].trail[-1].index)]
        kept: set[str] = set()
        for block in SequenceMatcher(None, was_order, now_order, autojunk=False).get_matching_blocks():
            kept |= set(was_order[block.a : block.a + block.size])
        for before, after in pairs:
            if after.id not in kept:
                said = f"`{after.id}` runs at another point"
                yield before, after, Verdict(LOOK, "order.moved", said, *_around(before, after))


def _around(before: Located, after: Located) -> tuple[str, str]:
    return f"number {before.trail[-1].index + 1}", f"number {after.trail[-1].index + 1}"


def _judge_move(
    before: Located, after: Located, was: tuple[tuple[str | None, str], ...], kinds: dict[str, Located]
) -> Verdict:
    """A step that stands in another block: does it run less surely, or without the decision it waited for?"""
    shown = _where(before), _where(after)
    new_blocks = [rung for rung in after.trail if (rung.holder, rung.block) not in was]
    lost = [pair for pair in was if pair not in after.home]
    freed = [holder for holder, block in lost if holder and kinds[holder].kind == "decide" and "options" in block]
    acts = after.kind == "action" and EFFECTS[after.step["effect"]] > 0
    if acts and freed:
        said = f"`{after.id}` no longer waits for the decision `{freed[0]}`"
        return Verdict(WEAKER, "order.decision", said, *shown)
    if protects(after.step) and any(_maybe(rung, kinds) for rung in new_blocks):
        return Verdict(WEAKER, "order.moved", f"`{after.id}` now runs on some paths only", *shown)
    return Verdict(LOOK, "order.moved", f"`{after.id}` stands elsewhere", *shown)


def _maybe(rung: Rung, kinds: dict[str, Located]) -> bool:
    """A block that is entered on some paths only."""
    if rung.holder is None:
        return rung.block.startswith("alongside/")
    holder = kinds[rung.holder]
    return not (
        holder.kind in {"parallel", "for_each", "repeat", "try"} and rung.block.startswith(("steps", "branches"))
    )


def _where(each: Located) -> str:
    return str(each.step["path"]).rpartition("/")[0]


def _order(matched: Matched) -> Iterator[Found]:
    """What acts now runs before what stood before it: a copy, a check, a decision."""
    guards = [pair for pair in matched.both if _guards(pair[1].step)]
    acts = [pair for pair in matched.both if pair[1].kind == "action" and EFFECTS[pair[1].step["effect"]] > 0]
    for old_act, new_act in acts:
        for old_guard, new_guard in guards:
            if runs_before(old_guard, old_act) and not runs_before(new_guard, new_act):
                said = f"`{new_act.id}` no longer waits for `{new_guard.id}`, which {_why(new_guard.step)}"
                yield old_act, new_act, Verdict(WEAKER, "order.guard", said, _where(old_act), _where(new_act))


def _guards(step: dict[str, Any]) -> bool:
    if step["kind"] == "decide":
        return True
    return bool(
        step["kind"] == "action" and step["effect"] == "reads" and not step["action"].startswith(("page", "notify."))
    )


def _why(step: dict[str, Any]) -> str:
    if step["kind"] == "decide":
        return "asks people"
    return "preserves" if step["action"] == PRESERVES else "checks"


def describe_step(step: dict[str, Any]) -> str:
    """A step in a few words."""
    if step["kind"] == "action":
        gate = f", asks {describe(step['approval'])}" if step["approval"] is not None else ""
        return f"{step['action']}{gate}"
    if step["kind"] in CONTAINERS:
        return str(step["kind"])
    what = step.get("slots") or step.get("assignee") or step.get("basis") or step.get("outcome") or step.get("runbook")
    return f"{step['kind']} {render_value(what)}".strip()
