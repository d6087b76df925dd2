"""Actions, clocks, inputs, facts and steps as Markdown, for hovers and the side panel of completions."""

from typing import cast

from schemas.actions import ActionContract, FieldSpec
from schemas.plan import ClockLaw
from schemas.register import RegisterRow
from watchfloor.drawing import render_span
from watchfloor.language.diff_laws import describe_law
from watchfloor.lsp.index import Declared, Index, StepEntry

BASIS = {
    "V": "seen in the law's own text or an official copy",
    "S": "seen in a secondary source",
    "T": "reported, not seen in readable form",
    "P": "our own choice",
}
KINDS = {
    "deadline": "a deadline of the law",
    "promptly": "the law gives no number; the time is our own objective",
    "min_retention": "to be kept at least so long",
    "max_retention": "to be kept at most so long",
    "info": "a condition or threshold, no clock",
    "retired": "history, no clock of today",
}


def describe_action(contract: ActionContract) -> str:
    """Effect, tier, inputs, outputs, undo."""
    lasting = "cannot be taken back" if contract["irreversible"] else "can be taken back"
    undo = f"`{contract['undo']}`" if contract["undo"] else "none in the catalogue"
    effect = f"**{contract['effect']}**, tier {contract['tier']}"
    lines = [f"**{contract['name']}**: {contract['doc']}", "", f"- effect: {effect}" + _lasting(contract, lasting)]
    if contract["effect"] != "reads":
        lines.append(f"- undo: {undo}")
    lines += ["", "Inputs:", *(_fields(contract["inputs"]) or ["- none"])]
    lines += ["", "Outputs:", *(_fields(contract["outputs"]) or ["- none"])]
    return "\n".join(lines)


def _lasting(contract: ActionContract, lasting: str) -> str:
    return "" if contract["effect"] == "reads" else f"; {lasting}"


def _fields(fields: dict[str, FieldSpec]) -> list[str]:
    return [f"- `{name}` {describe_type(spec)}{_says(spec)}" for name, spec in fields.items()]


def _says(spec: FieldSpec) -> str:
    less = " (an approver may narrow it)" if "narrows" in spec else ""
    return (f": {spec['doc']}" if "doc" in spec else "") + less


def describe_type(spec: FieldSpec) -> str:
    """`list<url>`, `string, optional`."""
    kind = f"{spec['type']}<{spec['of']}>" if "of" in spec else spec["type"]
    return f"{kind}, optional" if spec.get("optional", False) else kind


def describe_field(name: str, spec: FieldSpec) -> str:
    """An input of an action."""
    return f"`{name}` {describe_type(spec)}{_says(spec)}"


def describe_row(law: ClockLaw) -> str:
    """A row of the clock register: the law, the mark, who owns it, when it is looked at again."""
    row = cast(RegisterRow, law)
    lines = [
        f"**{describe_law(law)}**: {law['title']}",
        "",
        f"- law: {law['legal_ref']}",
        f"- kind: {law['kind']}, {KINDS[law['kind']]}",
        f"- mark: {law['basis']}, {BASIS[law['basis']]}",
        f"- owner: {law['owner']}, review after {law['review_after']}",
    ]
    if "trigger" in row:
        lines.append(f"- starts with: {row['trigger']}")
    if "pause_on" in row:
        then = "begins anew" if row.get("after_pause") == "restart" else "goes on"
        lines.append(f"- stands still for {', '.join(row['pause_on'])}, then {then}")
    if "renew" in row:
        lines.append(f"- renewed by {render_span(row['renew']['add'])}, at most {row['renew']['max']} times")
    lines += [f"- mind [{trap['basis']}]: {trap['says']}" for trap in row.get("traps", ())]
    return "\n".join(lines)


def describe_declared(section: str, declared: Declared) -> str:
    """An input, a fact or a clock of this runbook."""
    return f"**{section}.{declared.name}** (line {declared.line + 1})\n\n`{declared.about}`"


def describe_step(step: StepEntry) -> str:
    """A step: what it is and what it gives."""
    track = f" of the track `{step.track}`" if step.track else ""
    lines = [f"**steps.{step.id}**: `{step.what or 'step'}`{track} (line {step.line + 1})", ""]
    lines += [f"- `{name}` {kind}" + (f": {doc}" if doc else "") for name, (kind, doc) in step.outputs.items()]
    return "\n".join(lines)


def describe_path(path: list[str], names: Index) -> str | None:
    """What a dotted name of an expression is: `inputs.x`, `facts.x.at`, `steps.x.y`."""
    if len(path) < 2:
        return None
    root, name = path[:2]
    if root == "inputs" and name in names.inputs:
        return describe_declared("inputs", names.inputs[name])
    if root == "facts" and name in names.facts:
        return describe_declared("facts", names.facts[name])
    step = names.step(name) if root in {"steps", "last"} else None
    if step is not None:
        if len(path) > 2 and path[2] in step.outputs:
            kind, doc = step.outputs[path[2]]
            says = f": {doc}" if doc else ""
            return f"**{root}.{name}.{path[2]}** {kind}{says}\n\nan output of `{step.what}`"
        return describe_step(step)
    return None
