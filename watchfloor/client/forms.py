"""The typed form of a task, filled in from text (`--form k=v`) or from JSON."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.client.errors import InputProblem, InputsRefused
from watchfloor.client.inputs import validate_inputs

_EXAMPLES = {"--form": "informed_at=now", "--attach": "receipt=./receipt.pdf", "--output": "receipt=DE-77"}
_AS_JSON = {"int", "number", "bool", "list", "map"}


def read_form(fields: Mapping[str, Json], given: Mapping[str, Json], *, now: datetime) -> dict[str, Json]:
    """Check a form against its declaration; `now` and `-5m` are taken as timestamps.

    Args:
        fields: `OpenAsk.form`: field name to `TypeSpec`.
        given: values; text is read as JSON where the type is not text.

    Raises:
        InputsRefused: naming every field that does not fit.
    """
    declared = cast("dict[str, TypeSpec]", dict(fields))
    values = {name: from_text(declared.get(name), value) for name, value in given.items()}
    try:
        return validate_inputs(declared, values, now=now, relative=True)
    except InputsRefused as refused:
        raise InputsRefused(
            [
                InputProblem(problem.field.replace("inputs.", "form.", 1), problem.found, problem.expected, problem.fix)
                for problem in refused.problems
            ]
        ) from refused


def parse_pairs(pairs: Sequence[str], option: str = "--form") -> dict[str, Json]:
    """`["informed_at=now", "count=3"]` as a mapping of text.

    Raises:
        InputsRefused: a pair has no `=`, or a name comes twice.
    """
    parsed: dict[str, Json] = {}
    problems: list[InputProblem] = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            problems.append(
                InputProblem(option, f"`{pair[:60]}`", "name=value", f"write for example {_EXAMPLES[option]}")
            )
        elif name in parsed:
            problems.append(InputProblem(f"form.{name}", "two values", "one value", "give it once"))
        else:
            parsed[name] = value
    if problems:
        raise InputsRefused(problems)
    return parsed


def from_text(spec: TypeSpec | None, value: Json) -> Json:
    """Text as a value of the declared type: read as JSON where the type is not text; left alone where it is no JSON."""
    if spec is None or spec["type"] not in _AS_JSON or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
