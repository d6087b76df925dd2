"""The published JSON Schema of outgoing events: `python -m watchfloor.outgoing.jsonschema` writes it.

Generated from `schemas.events`; `$defs/EventData` is what an event's `dataschema` names.
"""

import json
import sys
from pathlib import Path

from schemas.events import DATA_SCHEMA, Event

PUBLISHED = Path(__file__).resolve().parents[2] / "schemas" / "json" / "event.schema.json"


def render() -> str:
    """The schema as the published file has it (draft 2020-12)."""
    schema = Event.model_json_schema()
    data = schema["$defs"]["EventData"]
    data["$id"] = DATA_SCHEMA
    for shape in (schema, data):
        # a later version may say more; a receiver that checks must not stumble over it
        shape.pop("additionalProperties")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Watchfloor event",
    }
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or with `--check` say whether the published one is current.

    Returns:
        0 when written or current, 1 when it differs, 2 on usage.
    """
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m watchfloor.outgoing.jsonschema [--check]\n")
        return 2
    if arguments == ["--check"]:
        if PUBLISHED.exists() and PUBLISHED.read_text(encoding="utf-8") == render():
            return 0
        sys.stderr.write(f"{PUBLISHED.name} is not current; run: python -m watchfloor.outgoing.jsonschema\n")
        return 1
    PUBLISHED.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
