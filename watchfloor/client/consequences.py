"""What happens if one approves, denies or stays silent: read from the plan, never guessed. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.decision import OpenAsk
from schemas.plan import Plan

_TOLD = 6
"""Steps that one line names."""
_DONE = {
    "retry": "the step is tried again",
    "skip": "the step is left out and the run goes on",
    "give_up": "the run ends as failed",
    "happened": "it counts as done",
    "resend": "it is sent again under the same key",
    "accept": "this region takes it over",
    "decline": "it stays where it is",
    "release": "the hold ends; deletion is possible again",
    "done": "the run goes on with what you report",
}


def find_step(plan: Plan | None, step: str) -> Mapping[str, Any] | None:
    """The step of a plan by its id, wherever it stands."""
    if plan is None:
        return None
    return _search({"phases": plan["phases"], "tracks": plan["tracks"]}, step)


def list_consequences(plan: Plan | None, ask: OpenAsk) -> list[tuple[str, str]]:
    """Each option with what follows from it, then silence."""
    step = find_step(plan, ask["step"])
    lines = [(option, _follows(step, ask, option)) for option in ask["options"]]
    return [*lines, ("silence", ask["on_silence"])]


def say_undo(plan: Plan | None, ask: OpenAsk) -> str:
    """What takes the gated action back; empty where nothing is gated."""
    step = find_step(plan, ask["step"])
    if step is None or not ask["action"]:
        return ""
    undo = step.get("undo")
    if undo is None:
        return "nothing takes it back: it is final" if step.get("irreversible") else "nothing takes it back by itself"
    when = f", by itself on {', '.join(undo['on'])}" if undo["on"] else ""
    return f"`{undo['action']}` takes it back{when}"


def _follows(step: Mapping[str, Any] | None, ask: OpenAsk, option: str) -> str:
    if option in _DONE and ask["kind"] not in {"approval", "review", "decide"}:
        return _DONE[option]
    if step is None:
        return "the run goes on as the runbook says"
    if ask["kind"] == "decide":
        return _say_steps(step["options"].get(option, {}).get("steps", []))
    approval = step.get("approval") or {}
    if ask["kind"] == "approval" and option in {"approve", "break_glass"}:
        effect = {"destroys": "destroys", "discloses": "discloses", "restricts": "restricts"}.get(
            step["effect"], "is done"
        )
        review = "; reviewed afterwards" if option == "break_glass" else ""
        return f"`{ask['action']}` {effect} exactly what is listed here, once{review}"
    if ask["kind"] == "approval":
        return _say_denial(approval.get("on_deny", "stop"))
    if ask["kind"] == "review":
        return "it stays as it is" if option == "approve" else _say_review(step)
    return "the run goes on as the runbook says"


def _say_denial(written: Any) -> str:
    if written == "stop":
        return "the action is not done and the run ends as denied"
    if written == "fail":
        return "the action is not done and the step fails"
    return f"the action is not done; {_say_steps(written)}"


def _say_review(step: Mapping[str, Any]) -> str:
    rule = step.get("review") or (step.get("approval") or {}).get("break_glass", {}).get("review") or {}
    written = rule.get("on_deny", "keep")
    if written == "undo":
        return "it is taken back"
    return "it stays as it is" if written == "keep" else _say_steps(written)


def _say_steps(steps: Sequence[Mapping[str, Any]]) -> str:
    if not steps:
        return "the run goes on"
    named = [_say_step(step) for step in steps[:_TOLD]]
    return "then " + ", ".join(named) + (" …" if len(steps) > _TOLD else "")


def _say_step(step: Mapping[str, Any]) -> str:
    if step["kind"] == "action":
        return f"{step['action']}"
    if step["kind"] == "stop":
        return f"the run ends as {step['outcome']}"
    return f"{step['id']} ({step['kind']})"


def _search(value: object, step: str) -> Mapping[str, Any] | None:
    if isinstance(value, dict):
        if value.get("id") == step and "kind" in value:
            return value
        parts: Sequence[object] = list(value.values())
    elif isinstance(value, list):
        parts = value
    else:
        return None
    for part in parts:
        found = _search(part, step)
        if found is not None:
            return found
    return None
