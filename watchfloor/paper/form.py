"""The empty form of a record, made for one runbook: what may be filled in stands in it, commented out."""

from collections.abc import Iterator

from schemas.plan import Plan, Step, TypeSpec
from watchfloor.drawing import show_controls
from watchfloor.language.graph_clocks import list_steps
from watchfloor.signing.outside import fields_of, needs_second, options_of

_THEN = "2026-11-28T03:10Z"
_WHEN = "WHEN"
"""Where a time must be written. No example stands there: one that somebody forgets would be taken for what happened."""
_INSIDE = ("inputs.", "steps.", "trigger.")


def render_form(plan: Plan, digest: str) -> str:
    """The form as YAML. What it shows as comments can be uncommented and filled in; times are absolute, with a zone."""
    return "\n".join(line.rstrip() for line in _lines(plan, digest)) + "\n"


def _lines(plan: Plan, digest: str) -> Iterator[str]:
    yield f"# What was done by hand: {show_controls(plan['title'])}"
    yield "# Fill in, uncomment what happened, then: watchfloor import-by-hand FILE --as PERSON --dry-run"
    yield f"# Every {_WHEN} is a time with its offset from UTC, such as {_THEN}"
    yield "by_hand: 1"
    yield f"runbook: {plan['id']}"
    yield f"plan: {digest}"
    yield ""
    yield "# either the incident that this joins …"
    yield "# incident: inc-…"
    yield "# … or a new one: a key of your own, so that this record starts one run, however often it is taken in"
    yield 'key: ""'
    yield f"# known_at: {_WHEN}    # when it was first known; its clocks count from what is said here and in the inputs"
    yield f"# received_at: {_WHEN}"
    yield "# requester: PERSON    # who asked for it; they approve nothing in it"
    yield 'note: ""    # why by hand, in a sentence; kept in the region'
    if plan["inputs"]:
        yield "inputs:"
        yield from (_input(name, spec) for name, spec in plan["inputs"].items())
    yield ""
    told = {
        name: [one for one in spec["sources"] if not one.startswith(_INSIDE)] for name, spec in plan["facts"].items()
    }
    told = {name: sources for name, sources in told.items() if sources}
    yield "# what was observed; a fact that a role states is taken in by somebody who holds that role"
    yield "facts:"
    for name, sources in told.items():
        spec = plan["facts"][name]["type"]
        value = "" if spec["type"] == "timestamp" else f", value: {_example(spec)}"
        yield f"#  - {{fact: {name}, at: {_WHEN}, source: {' | '.join(sources)}{value}}}"
    yield ""
    yield "# what was carried out, with when and by whom; the run does not do it again"
    yield "done:"
    for step in list_steps(plan):
        if step["kind"] in {"action", "task"}:
            yield f"#  - {{{_done(plan, step)}}}{_two(step)}"
    yield ""
    yield "# what was decided on paper; a record only, it fills no seat"
    yield "decided:"
    for step in list_steps(plan):
        options = options_of(step)
        if options:
            yield f"#  - {{step: {step['id']}, option: {' | '.join(options)}, by: PERSON, as: ROLE, at: {_WHEN}}}"


def _input(name: str, spec: TypeSpec) -> str:
    """A line of `inputs`: empty where something must be given, so that nothing is taken in that nobody wrote; a comment
    where it may be left out."""
    takes = f"    # {_say(spec)}"
    if spec.get("optional") or "default" in spec:
        left_out = f", left out: {show_controls(str(spec['default']))}" if "default" in spec else ", may be left out"
        return f"#  {name}: {_blank(spec)}{takes}{left_out}"
    return f"  {name}: {_blank(spec)}{takes}"


def _blank(spec: TypeSpec) -> str:
    return {"list": "[]", "map": "{}"}.get(spec["type"], '""')


def _say(spec: TypeSpec) -> str:
    """What a value is, in a word or two."""
    if spec.get("enum"):
        return show_controls(" | ".join(map(str, spec["enum"])))
    words = {"timestamp": f"such as {_THEN}", "bool": "true | false", "int": "a whole number", "duration": "such as 5m"}
    return words.get(spec["type"], {"string": "text", "number": "a number"}.get(spec["type"], f"a {spec['type']}"))


def _done(plan: Plan, step: Step) -> str:
    parts = [f"step: {step['id']}"]
    loops = [one for one in list_steps(plan) if one["kind"] in {"for_each", "repeat"} and _is_in(one, step)]
    if loops:
        parts.append("items: [all]" if all(one["kind"] == "for_each" for one in loops) else "items: [1]")
    parts += [f"at: {_WHEN}", "by: [PERSON]", "witnesses: [PERSON]"]
    given = {
        name: spec
        for name, spec in (fields_of(step).items() if step["kind"] in {"action", "task"} else ())
        if spec["type"] != "timestamp" and not spec.get("optional") and "default" not in spec
    }
    if given:
        parts.append(f"outputs: {{{', '.join(f'{name}: {_example(spec)}' for name, spec in given.items())}}}")
    return ", ".join(parts)


def _is_in(loop: Step, step: Step) -> bool:
    inner = loop["steps"] if loop["kind"] in {"for_each", "repeat"} else []
    return any(step["path"] == one["path"] or step["path"].startswith(f"{one['path']}/") for one in inner)


def _two(step: Step) -> str:
    return "    # a second person confirms it" if needs_second(step) else ""


def _example(spec: TypeSpec) -> str:
    match spec["type"]:
        case "timestamp":
            return _WHEN
        case "list":
            return "[]"
        case "map":
            return "{}"
        # none of these is taken as it stands: what nobody has written must not count as what was seen
        case "bool":
            return "true | false"
        case "int" | "number":
            return "NUMBER"
        case "duration":
            return "5m"
        case _:
            return '""'
