"""A small builder of plans for tests of the engine, independent of the compiler of the language."""

from typing import Any

from schemas.incident import ENGINE
from schemas.plan import PLAN_FORMAT, Plan
from watchfloor.expressions import CEL, compile
from watchfloor.expressions.syntax import Path, parse, walk
from watchfloor.signing import pack

Json = Any


def expr(src: str, types: dict[str, str] | None = None) -> dict[str, Any]:
    """Compile an expression, guessing the types of what it reads where none is given."""
    known = types or {}
    names = {node.text for node in walk(parse(src)) if isinstance(node, Path)}
    return dict(compile(src, {name: known.get(name, _guess(name)) for name in names}))


def _guess(name: str) -> str:
    last = name.rpartition(".")[2]
    if name == "now" or last == "at" or last.endswith("_at") or name.startswith("facts."):
        return "timestamp"
    return "bool" if last in {"ok", "all_gone", "timed_out"} else "dyn"


def value(given: Json) -> dict[str, Any]:
    """A plan's value: text in `${{ }}` is an expression, all else a literal."""
    if isinstance(given, str) and given.startswith("${{"):
        return {"expr": expr(given.removeprefix("${{").removesuffix("}}").strip())}
    return {"lit": given}


def _common(id_: str, kind: str, more: dict[str, Any]) -> dict[str, Any]:
    cond = more.pop("cond", None)
    records = more.pop("records", {})
    return {
        "id": id_,
        "path": "",
        "at": "1:1",
        "name": "",
        "cond": expr(cond) if cond else None,
        "timeout": more.pop("timeout", None),
        "on_error": more.pop("on_error", "fail"),
        "records": {name: expr(src) for name, src in records.items()},
        "catches": [{"on": on, "steps": steps} for on, steps in more.pop("catches", ())],
        "kind": kind,
        **more,
    }


def slot(*roles: str) -> dict[str, list[str]]:
    return {"any_of": list(roles)}


def silence(*escalate: str, rung: float = 60, then: Any = "fail") -> dict[str, Any]:
    return {"escalate": list(escalate), "rung": rung, "then": then}


def retry(times: int = 3, first: float = 1, factor: float = 2, up_to: float = 10) -> dict[str, Any]:
    return {"times": times, "first": first, "factor": factor, "up_to": up_to}


def action(id_: str, name: str = "content.probe", with_: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    fields = {
        "action": name,
        "with_": {key: value(one) for key, one in (with_ or {}).items()},
        "retry": more.pop("retry", retry()),
        "attempt_timeout": more.pop("attempt_timeout", 30.0),
        "effect": more.pop("effect", "reads"),
        "irreversible": False,
        "tier": more.pop("tier", "0"),
        "outputs": {},
        "approval": more.pop("approval", None),
        "undo": more.pop("undo", None),
        "doubt": more.pop("doubt", {"ask": ["ops_lead"], "within": 3600.0}),
    }
    return _common(id_, "action", {**fields, **more})


def approval(*slots: dict[str, Any], on_deny: Any = "fail", show: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "slots": list(slots),
        "exclude": more.get("exclude", []),
        "within": more.get("within", 600.0),
        "remind": more.get("remind", []),
        "on_deny": on_deny,
        "on_silence": more.get("on_silence", silence()),
        "show": [{"label": src, "value": expr(src)} for src in show],
        "break_glass": more.get("break_glass"),
    }


def review(*slots: dict[str, Any], on_deny: Any = "undo", **more: Any) -> dict[str, Any]:
    return {
        "slots": list(slots),
        "exclude": more.get("exclude", []),
        "within": more.get("within", 600.0),
        "on_deny": on_deny,
        "escalate": more.get("escalate", []),
        "rung": 60.0,
    }


def break_glass(by: str, when: str, of: dict[str, Any], after: float = 300.0) -> dict[str, Any]:
    return {"by": slot(by), "after": after, "when": expr(when), "review": of}


def undo(name: str, on: list[str], with_: dict[str, Any]) -> dict[str, Any]:
    values = {key: value(one) for key, one in with_.items()}
    return {"action": name, "on": on, "with_": values, "effect": "restricts", "tier": "1"}


def decide(id_: str, options: dict[str, Any], *slots: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = {
        "ask": value(more.pop("ask", "What now?")),
        "show": [{"label": src, "value": expr(src)} for src in more.pop("show", ())],
        "slots": list(slots),
        "exclude": more.pop("exclude", []),
        "within": more.pop("within", 600.0),
        "remind": more.pop("remind", []),
        "options": {
            name: {"also": one.get("also", []), "steps": one.get("steps", [])} for name, one in options.items()
        },
        "on_silence": more.pop("on_silence", silence()),
    }
    return _common(id_, "decide", {**fields, **more})


def task(id_: str, form: dict[str, Any], assignee: str = "ops_lead", **more: Any) -> dict[str, Any]:
    fields = {
        "assignee": slot(assignee),
        "do": value("Do it, then report"),
        "show": [],
        "form": form,
        "within": more.pop("within", 600.0),
        "remind": more.pop("remind", []),
        "on_silence": more.pop("on_silence", silence()),
    }
    return _common(id_, "task", {**fields, **more})


def wait(id_: str, **more: Any) -> dict[str, Any]:
    until = more.pop("until", None)
    fields = {
        "for_": more.pop("for_", None),
        "until": expr(until) if until else None,
        "fact": more.pop("fact", None),
        "within": more.pop("within", None),
        "on_timeout": more.pop("on_timeout", "fail"),
    }
    return _common(id_, "wait", {**fields, **more})


def parallel(id_: str, branches: dict[str, list[Any]], join: str = "all", **more: Any) -> dict[str, Any]:
    return _common(id_, "parallel", {"branches": branches, "join": join, **more})


def for_each(id_: str, steps: list[Any], in_: str = "inputs.urls", **more: Any) -> dict[str, Any]:
    fields = {
        "item": more.pop("item", "url"),
        "in_": expr(in_),
        "at_once": more.pop("at_once", 5),
        "on_item_error": more.pop("on_item_error", "collect"),
        "steps": steps,
    }
    return _common(id_, "for_each", {**fields, **more})


def choose(id_: str, cases: list[tuple[str, list[Any]]], otherwise: list[Any] | None = None) -> dict[str, Any]:
    written = [{"when": expr(when), "steps": steps} for when, steps in cases]
    return _common(id_, "choose", {"cases": written, "otherwise": otherwise})


def repeat(id_: str, until: str, steps: list[Any], **more: Any) -> dict[str, Any]:
    fields = {
        "every": more.pop("every", 60.0),
        "times": more.pop("times", 3),
        "until": expr(until),
        "on_exhausted": more.pop("on_exhausted", "fail"),
        "steps": steps,
    }
    return _common(id_, "repeat", {**fields, **more})


def try_(id_: str, steps: list[Any], *handlers: tuple[list[str], list[Any]], **more: Any) -> dict[str, Any]:
    fields = {
        "steps": steps,
        "handlers": [{"on": on, "steps": caught} for on, caught in handlers],
        "undo": more.pop("undo", []),
        "finally_": more.pop("finally_", []),
    }
    return _common(id_, "try", {**fields, **more})


def run(id_: str, of: Any, **more: Any) -> dict[str, Any]:
    """A step that runs another plan; `library_of` gathers what such steps need."""
    each = more.pop("each", None)
    fields = {
        "runbook": of["id"],
        "plan": pack(of)[0],
        "with_": {key: value(one) for key, one in more.pop("with_", {}).items()},
        "wait": more.pop("wait", True),
        "each": {"item": "url", "in_": expr(each), "at_once": 3} if each else None,
        "key": expr(more.pop("key")) if "key" in more else None,
        "known_at": expr(more.pop("known_at")) if "known_at" in more else None,
        "reroute": more.pop("reroute", False),
        "outputs": {name: one["type"] for name, one in of.get("outputs", {}).items()},
    }
    return _common(id_, "run", {**fields, **more})


def library_of(*plans: Any) -> dict[str, str]:
    return dict(pack(one) for one in plans)


def output(src: str, type_: str = "string") -> dict[str, Any]:
    return {"type": {"type": type_}, "value": expr(src)}


def stop(id_: str, outcome: str, **more: Any) -> dict[str, Any]:
    return _common(id_, "stop", {"outcome": outcome, **more})


def law(**more: Any) -> dict[str, Any]:
    row = {
        "id": "test.law",
        "kind": "deadline",
        "title": "A deadline",
        "legal_ref": "none",
        "duration": 3600.0,
        "business_days": None,
        "months": None,
        "internal_slo": None,
        "basis": "V",
        "owner": "test",
        "review_after": "2027-01-01",
        "holidays": [],
    }
    return {**row, **more}


def hold(id_: str, **more: Any) -> dict[str, Any]:
    fields = {
        "basis": "test.law",
        "law": law(kind="min_retention"),
        "scope": {"urls": expr("inputs.urls")},
        "sources": ["content_store"],
        "storage": "governance",
        "release": [slot("legal_counsel"), slot("exec_sponsor")],
    }
    return _common(id_, "hold", {**fields, **more})


def handoff(id_: str, share: tuple[str, ...] = ("inputs.urls",), **more: Any) -> dict[str, Any]:
    fields = {
        "to": "eu",
        "mode": "assist",
        "share": [{"label": src, "value": expr(src)} for src in share],
        "accept_within": 600.0,
        "slots": [slot("eu_desk")],
        "fallback": "keep",
    }
    return _common(id_, "handoff", {**fields, **more})


def postmortem(id_: str) -> dict[str, Any]:
    fields = {
        "facilitator": slot("postmortem_facilitator"),
        "within": 864000.0,
        "within_text": "10bd",
        "business_days": 10,
    }
    return _common(id_, "postmortem", fields)


def clock(name: str, start: str, stop_: str | None = None, **more: Any) -> dict[str, Any]:
    restart = more.pop("restart", None)
    rights: dict[str, Any] = {}
    if "pause" in more:
        rights["pause"] = {
            reason: {"since": expr(since), "until": expr(until)} for reason, (since, until) in more["pause"].items()
        }
    if "renew" in more:
        rights["renew"] = expr(more["renew"])
    if "after_pause" in more:
        rights["after_pause"] = more["after_pause"]
    return {
        **rights,
        "name": name,
        "law": more.pop("law", law()),
        "start": expr(start),
        "restart": expr(restart) if restart else None,
        "stop": expr(stop_) if stop_ else None,
        "warn": more.pop("warn", []),
        "on_breach": [{"page": role} for role in more.pop("on_breach", ["exec_sponsor"])],
        "on_close": more.pop("on_close", None),
        "each": {"item": more["each"][0], "in_": expr(more["each"][1])} if "each" in more else None,
        "cond": expr(more["cond"]) if "cond" in more else None,
    }


def fact(*sources: str, type_: str = "timestamp", revise: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": {"type": type_}, "sources": list(sources), "revise": revise}


def track(id_: str, when: str, steps: list[Any], **more: Any) -> dict[str, Any]:
    watch = more.pop("watch", None)
    made = {"id": id_, "when": expr(when), "steps": steps, **more}
    return {**made, "watch": {**watch, "start": expr(watch["start"])}} if watch else made


def plan(*phases: tuple[str, list[Any]], **more: Any) -> Plan:
    """A whole plan; steps get their static paths here."""
    tracks = more.pop("tracks", [])
    close_when = more.pop("close_when", None)
    seen: dict[str, int] = {}
    for name, steps in phases:
        seen[name] = seen.get(name, 0) + 1
        _place(steps, name if seen[name] == 1 else f"{name}~{seen[name]}")
    for one in tracks:
        _place(one["steps"], f"alongside/{one['id']}")
    return {
        "format": PLAN_FORMAT,
        "language": 1,
        "engine": ENGINE,
        "cel": CEL,
        "id": "test-runbook",
        "version": 1,
        "title": "A test",
        "source_digest": "",
        "owners": ["ts"],
        "harm": "test",
        "mode": "incident",
        "compartment": "",
        "command": "us",
        "allowed_regions": ["us", "eu"],
        "handoff_allowed": True,
        "severity": "S1",
        "floors": [{"when": expr(when), "at_least": least} for when, least in more.pop("floors", [])],
        "inputs": more.pop("inputs", {"urls": {"type": "list"}}),
        "facts": more.pop("facts", {}),
        "clocks": {one["name"]: one for one in more.pop("clocks", [])},
        "tracks": tracks,
        "phases": [{"name": name, "steps": steps} for name, steps in phases],
        "close_when": expr(close_when) if close_when else None,
        "step_outputs": {},
        **more,
    }


def _place(steps: list[Any], prefix: str) -> None:
    for step in steps:
        path = step["path"] = f"{prefix}/{step['id']}"
        for name in ("on_error", "on_timeout", "on_exhausted", "fallback"):
            if isinstance(step.get(name), list):
                _place(step[name], f"{path}/{name}")
        gate = step.get("approval")
        glass = gate.get("break_glass") if gate else None
        for name, one in (("review", step.get("review")), ("break_glass", glass and glass["review"])):
            if one and isinstance(one["on_deny"], list):
                _place(one["on_deny"], f"{path}/{name}")
        if gate and isinstance(gate["on_deny"], list):
            _place(gate["on_deny"], f"{path}/on_deny")
        for silent in (gate and gate["on_silence"], step.get("on_silence")):
            if silent and isinstance(silent["then"], list):
                _place(silent["then"], f"{path}/on_silence")
        if step["kind"] in {"for_each", "repeat", "try"}:
            _place(step["steps"], path)
        for name, catches in (("on_error", step["catches"]), ("catch", step.get("handlers", ()))):
            for number, catch in enumerate(catches, 1):
                _place(catch["steps"], f"{path}/{name}{number}")
        _place(step.get("finally_", []), f"{path}/finally")
        for table in (step.get("options", {}), step.get("branches", {})):
            for name, one in table.items():
                _place(one["steps"] if isinstance(one, dict) else one, f"{path}/{name}")
        for number, case in enumerate(step.get("cases", ()), 1):
            _place(case["steps"], f"{path}/case{number}")
        if step.get("otherwise"):
            _place(step["otherwise"], f"{path}/otherwise")
