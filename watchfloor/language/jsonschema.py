"""The published JSON Schema of runbooks: `python -m watchfloor.language.jsonschema` writes it, `--check` compares.

Generated from `schemas.runbook`. Steps get one `if/then` for each kind instead of `oneOf`: an editor then says what is
wrong with *this* kind of step, not that none of twelve fits.
"""

import json
import sys
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).resolve().parents[2] / "schemas" / "json" / "runbook.schema.json"


def generate() -> dict[str, Any]:
    """The schema as a JSON object (draft 2020-12)."""
    from schemas.runbook import STEP_KINDS, Runbook

    schema = Runbook.model_json_schema(by_alias=True)
    names = {model.__name__: kind for kind, model in STEP_KINDS.items()}
    schema = _replace_steps(schema, set(names))
    definitions = schema["$defs"]
    kinds = {kind: name for name, kind in names.items()}
    # an editor asks the step itself what its keys are, before any kind is chosen
    for kind, name in kinds.items():
        definitions[name]["properties"][kind].setdefault("description", definitions[name].get("description", ""))
    shown: dict[str, Any] = {}
    for name in kinds.values():
        shown |= {
            key: {"description": spec.get("description", "")} for key, spec in definitions[name]["properties"].items()
        }
    definitions["Step"] = {
        "type": "object",
        "description": "A step: an id, exactly one kind, and the common keys.",
        "required": ["id"],
        "properties": {key: spec for key, spec in shown.items() if spec["description"]},
        "anyOf": [{"required": [kind]} for kind in kinds],
        "allOf": [{"if": _is_of(kind), "then": {"$ref": f"#/$defs/{name}"}} for kind, name in kinds.items()],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Watchfloor runbook",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _is_of(kind: str) -> dict[str, Any]:
    """Beside `run`, `wait` is no kind: it says whether the other run is awaited."""
    there: dict[str, Any] = {"required": [kind]}
    return there | {"not": {"required": ["run"]}} if kind == "wait" else there


def _replace_steps(node: Any, models: set[str]) -> Any:
    """Every union of all step models becomes a reference to `Step`; titles that only repeat the key go."""
    if isinstance(node, list):
        return [_replace_steps(item, models) for item in node]
    if not isinstance(node, dict):
        return node
    union = node.get("oneOf")
    if isinstance(union, list) and {str(each.get("$ref", "")).rsplit("/", 1)[-1] for each in union} == models:
        return {"$ref": "#/$defs/Step"}
    made = {
        key: _replace_steps(value, models)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }
    if "patternProperties" in made:
        made["additionalProperties"] = False
    return _in_one_voice(_without_null(made))


def _in_one_voice(node: dict[str, Any]) -> dict[str, Any]:
    """A key that says what it is for says so in an editor whichever form its value has.

    An editor shows the description of the form that fits; what the forms say of themselves goes behind the key's own.
    """
    if not node.get("description") or not isinstance(node.get("anyOf"), list):
        return node
    said = [node["description"], *(choice.get("description", "") for choice in node["anyOf"])]
    bare = [{key: value for key, value in choice.items() if key != "description"} for choice in node["anyOf"]]
    return {**node, "description": " ".join(dict.fromkeys(each for each in said if each)), "anyOf": bare}


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """A key that may be left out may not be written as nothing."""
    if node.get("default", ...) is None:
        del node["default"]
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return node
    left = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


def render() -> str:
    return json.dumps(generate(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or with `--check` say whether the published one is current.

    Returns:
        0 when written or current, 1 when it differs, 2 on usage.
    """
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m watchfloor.language.jsonschema [--check]\n")
        return 2
    if arguments == ["--check"]:
        if PUBLISHED.exists() and PUBLISHED.read_text(encoding="utf-8") == render():
            return 0
        sys.stderr.write(f"{PUBLISHED.name} is not current; run: python -m watchfloor.language.jsonschema\n")
        return 1
    PUBLISHED.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
