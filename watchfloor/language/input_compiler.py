"""Compiling what an action, a runbook or a trigger's run is given: every input known, of its type, none missing."""

import re
from collections.abc import Mapping

from schemas.actions import ActionContract
from schemas.plan import TypeSpec, Value
from watchfloor.language import codes
from watchfloor.language.findings import listing, nearest
from watchfloor.language.nodes import Node, Scalar, Span, shorten
from watchfloor.language.scope import Scope
from watchfloor.language.step_compiler import StepCompiler
from watchfloor.language.type_reader import assignable, cel_type, field_type

_ADDRESS = re.compile(r"[@/:]")
"""What stands in every address and in no name."""


def action_inputs(
    at: StepCompiler, pairs: tuple[tuple[Scalar, Node], ...], contract: ActionContract, scope: Scope, span: Span
) -> dict[str, Value]:
    """An action's inputs."""
    specs = {name: field_type(spec) for name, spec in contract["inputs"].items()}
    for key, node in pairs:
        spec = contract["inputs"].get(key.value)
        if spec is not None and "names" in spec and isinstance(node, Scalar) and "${{" not in node.value:
            _check_named(at, node, spec["names"], f"`{key.value}` of `{contract['name']}`")
    return given_to(at, pairs, specs, f"`{contract['name']}`", scope, span)


def _check_named(at: StepCompiler, node: Scalar, named: str, label: str) -> None:
    """A name written out: nobody holds a role that there is not, and an address is no configured destination."""
    if named == "role":
        at.role(node)
    elif _ADDRESS.search(node.value):
        at.report.add(
            codes.INPUT_TYPE,
            node.span,
            f"{label} is the name of a configured destination, not an address",
            expected="a name as under `channels` of the bindings, such as `ops_room`",
            found=shorten(node.value, 40),
            help="bind the address to a name there, and write that name here",
        )


def given_to(
    at: StepCompiler,
    pairs: tuple[tuple[Scalar, Node], ...],
    specs: Mapping[str, TypeSpec],
    what: str,
    scope: Scope,
    span: Span,
) -> dict[str, Value]:
    """Values for inputs: what is written, and for a required one left out the run's input of the same name.

    Args:
        what: whose inputs they are, for messages.
    """
    made: dict[str, Value] = {}
    written = {key.value for key, _ in pairs}
    for key, node in pairs:
        if key.value not in specs:
            near = nearest(key.value, [each for each in specs if each not in written] or list(specs))
            at.report.add(
                codes.UNKNOWN_INPUT,
                key.span,
                f"unknown input `{key.value}` of {what}",
                expected=f"it takes: {listing(list(specs))}" if specs else "it takes none",
                help=f"did you mean `{near}`?" if near else "",
            )
            continue
        value = at.values.check(node, scope, specs[key.value], f"`{key.value}` of {what}")
        if value is not None:
            made[key.value] = value
    unknown = [key for key in written if key not in specs]
    for name, spec in specs.items():
        if name in written or spec.get("optional", False) or "default" in spec or nearest(name, unknown):
            continue
        given = _same_name(name, spec, scope)
        if given is None:
            at.report.add(
                codes.MISSING_INPUT,
                span,
                f"{what} needs `{name}`",
                expected=f"`{name}` ({cel_type(spec)})",
                help=f"add it: `with: {{{name}: …}}` (only a run input of that name is taken by itself)",
            )
        else:
            made[name] = given
    return made


def _same_name(name: str, spec: TypeSpec, scope: Scope) -> Value | None:
    variable = f"inputs.{name}"
    kind = scope.types.get(variable)
    if kind is None or scope.missing(variable) or not assignable(kind, spec):
        return None
    return {"expr": {"src": variable, "cel": variable, "vars": {variable: kind}, "type": kind}}
