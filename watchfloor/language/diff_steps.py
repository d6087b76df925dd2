"""Comparing a step with itself: every key of its kind, and what no rule knows as a thing to look at."""

from collections.abc import Callable, Iterator
from typing import Any

from watchfloor.language import diff_kinds as kinds
from watchfloor.language.diff_actions import compare_action
from watchfloor.language.diff_blocks import is_steps
from watchfloor.language.diff_gates import COURSE, decision, task, word
from watchfloor.language.diff_model import Pair, Verdict
from watchfloor.language.diff_rules import LOOK, STRONGER, WEAKER, below, condition, differs, length, ranked

Rule = Callable[[Pair, dict[str, Any], dict[str, Any]], Iterator[Verdict]]

_PLACE = frozenset({"id", "path", "at", "kind", "outputs"})


def compare_step(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> list[Verdict]:
    """Everything that changed in a step but the steps below it, which are compared by themselves."""
    made = [*_common(pair, old, new)]
    rule, known, text = _KINDS.get(old["kind"], (_nothing, frozenset[str](), ()))
    made += rule(pair, old, new)
    seen = _PLACE | _COMMON | known
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in seen:
            written = _WRITTEN.get(key, key.rstrip("_"))
            what = "step.text" if key in text else f"step.{written}"
            made += below(differs(fold(old.get(key)), fold(new.get(key)), what, f"`{written}` has changed"), written)
    return made


def protects(step: dict[str, Any]) -> bool:
    """A step that keeps others safe by being done: a question, a hold, a copy, a check, a message, a measure."""
    match step["kind"]:
        case "decide" | "task" | "hold" | "postmortem" | "run":
            return True
        case "action":
            return bool(step["effect"] in {"reads", "restricts"})
    return False


def fold(value: Any) -> Any:
    """The value with every list of steps as one word."""
    if is_steps(value):
        return word(value)
    if isinstance(value, dict):
        return {key: fold(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [fold(inner) for inner in value]
    return value


_COMMON = frozenset({"name", "cond", "timeout", "on_error", "records", "catches"})


def _common(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    if (old["name"], new["name"]) != (old["id"], new["id"]):
        yield from below(differs(old["name"], new["name"], "step.text", "people see it under another name"), "name")
    if protects(new):
        wider, narrower = STRONGER, WEAKER
    else:
        acts = new["kind"] == "action" and new["effect"] != "reads"
        wider, narrower = (WEAKER, STRONGER) if acts else (LOOK, LOOK)
    key = "if" if new["cond"] is not None or old["cond"] is not None else "id"
    said = "the condition of this step"
    yield from below(condition(old["cond"], new["cond"], "condition.if", said, wider=wider, narrower=narrower), key)
    timeouts = length(pair, old["timeout"], new["timeout"], "time.timeout", "the step's timeout", longer=LOOK)
    yield from below(timeouts, "timeout")
    yield from below(
        ranked(word(old["on_error"]), word(new["on_error"]), COURSE, "error.on_error", "what a failure leads to"),
        "on_error",
    )
    caught = [each["on"] for each in old.get("catches") or ()], [each["on"] for each in new.get("catches") or ()]
    yield from below(differs(*caught, "error.catch", "failures are caught otherwise"), "on_error")
    for fact in [*old["records"], *(each for each in new["records"] if each not in old["records"])]:
        before, after = old["records"].get(fact), new["records"].get(fact)
        said = (
            f"records `{fact}` no longer"
            if after is None
            else f"also records `{fact}`"
            if before is None
            else f"records another value for `{fact}`"
        )
        danger = LOOK if before is None or after is None else WEAKER
        yield from below(differs(before, after, "fact.records", said, danger), "records", fact)


def _nothing(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    return iter(())


_GATE = frozenset({"slots", "exclude", "within", "remind", "show", "on_silence"})
_KINDS: dict[str, tuple[Rule, frozenset[str], tuple[str, ...]]] = {
    "action": (
        compare_action,
        frozenset(
            {
                *(
                    "action",
                    "effect",
                    "irreversible",
                    "tier",
                    "approval",
                    "review",
                    "undo",
                    "expires",
                    "with_",
                    "retry",
                ),
                # `narrows` is the contract's, and follows from `approval` and `blind`
                *("attempt_timeout", "doubt", "narrows"),
            }
        ),
        (),
    ),
    "decide": (decision, _GATE | {"options"}, ("ask",)),
    "task": (task, _GATE | {"assignee", "form", "claim_for", "checklist", "person"}, ("do",)),
    "wait": (kinds.wait, frozenset({"for_", "until", "fact", "within", "on_timeout"}), ()),
    "parallel": (kinds.parallel, frozenset({"join", "branches"}), ()),
    "for_each": (kinds.for_each, frozenset({"in_", "at_once", "on_item_error", "steps"}), ()),
    "choose": (kinds.choose, frozenset({"cases", "otherwise"}), ()),
    "repeat": (kinds.repeat, frozenset({"every", "times", "until", "on_exhausted", "steps"}), ()),
    "hold": (kinds.hold, frozenset({"basis", "law", "scope", "sources", "storage", "release"}), ()),
    "handoff": (kinds.handoff, frozenset({"to", "mode", "share", "accept_within", "slots", "fallback"}), ()),
    "postmortem": (kinds.postmortem, frozenset({"facilitator", "within", "within_text", "business_days"}), ()),
    "stop": (kinds.stop, frozenset({"outcome"}), ()),
    "try": (kinds.try_, frozenset({"undo", "handlers", "steps", "finally_"}), ()),
    "run": (kinds.run, frozenset({"runbook", "plan", "wait", "reroute"}), ()),
}
_WRITTEN = {"with_": "with", "finally_": "finally"}
