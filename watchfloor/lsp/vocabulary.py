"""What may be written where: keys, words and their descriptions, from the published JSON Schema."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from watchfloor.language.jsonschema import PUBLISHED
from watchfloor.lsp.outline import Piece

Schema = dict[str, Any]
MAX_HOPS = 12
"""References that are followed in a row; the schema's own are three deep at most."""


@dataclass(frozen=True, slots=True)
class Word:
    """A key or a fixed word. `kind` tells a kind of step from other keys."""

    text: str
    doc: str
    is_kind: bool = False
    required: bool = False


class Vocabulary:
    """The schema, asked by path."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        step = self._definition("Step")
        self.kinds: dict[str, Schema] = {
            rule["if"]["required"][0]: rule["then"] for rule in step.get("allOf", []) if "if" in rule
        }

    def keys(self, path: Sequence[str | int], root: Piece) -> list[Word]:
        """The keys that a mapping at this path may have."""
        found: dict[str, Word] = {}
        for node, piece in self._at(path, root):
            written = piece.keys if piece is not None else []
            for resolved in self._resolve(node, written):
                required = set(resolved.get("required", ()))
                for key, spec in resolved.get("properties", {}).items():
                    known = found.get(key)
                    if known is None or (not known.doc and self._doc(spec)):
                        found[key] = Word(
                            key, self._doc(spec), key in self.kinds and self._is_step(node), key in required
                        )
        return list(found.values())

    def words(self, path: Sequence[str | int], root: Piece) -> list[Word]:
        """The fixed words that may stand at this path."""
        found: dict[str, Word] = {}
        for node, _ in self._at(path, root):
            for resolved in self._resolve(node, []):
                values = resolved.get("enum", [resolved["const"]] if "const" in resolved else [])
                if resolved.get("type") == "boolean":
                    values = [True, False]
                for value in values:
                    text = json.dumps(value) if isinstance(value, bool) else str(value)
                    found.setdefault(text, Word(text, self._doc(node)))
        return list(found.values())

    def describe(self, path: Sequence[str | int], root: Piece) -> str:
        """What the key at the end of a path says; empty when the schema does not say."""
        if not path:
            return ""
        key = path[-1]
        for node, piece in self._at(path[:-1], root):
            written = piece.keys if piece is not None else []
            for resolved in self._resolve(node, written):
                spec = resolved.get("properties", {}).get(key)
                doc = self._doc(spec) if spec is not None else ""
                if doc:
                    return doc
        return ""

    def _at(self, path: Sequence[str | int], root: Piece) -> list[tuple[Schema, Piece | None]]:
        """The schemas that hold at a path, each with the piece of the document that stands there."""
        nodes: list[Schema] = [self.schema]
        piece: Piece | None = root
        for part in path:
            written = piece.keys if piece is not None and piece.kind == "mapping" else []
            nodes = [below for node in nodes for below in self._below(node, part, written)]
            piece = _step(piece, part)
        return [(node, piece) for node in nodes]

    def _below(self, node: Schema, part: str | int, written: list[str]) -> Iterator[Schema]:
        for resolved in self._resolve(node, written):
            if isinstance(part, int):
                items = resolved.get("items")
                if isinstance(items, dict):
                    yield items
                continue
            properties = resolved.get("properties", {})
            if part in properties:
                yield properties[part]
                continue
            for spec in resolved.get("patternProperties", {}).values():
                if isinstance(spec, dict):
                    yield spec
            extra = resolved.get("additionalProperties")
            if isinstance(extra, dict):
                yield extra

    def _resolve(self, node: Schema, written: Sequence[str], hops: int = 0) -> Iterator[Schema]:
        """The node and what it refers to; of a step, the parts that its keys choose."""
        if hops > MAX_HOPS:
            return
        yield node
        if "$ref" in node:
            yield from self._resolve(self._definition(node["$ref"].rsplit("/", 1)[-1]), written, hops + 1)
        for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from self._resolve(choice, written, hops + 1)
        for rule in node.get("allOf", ()):
            if "if" not in rule:
                yield from self._resolve(rule, written, hops + 1)
            elif _holds(rule["if"], written):
                yield from self._resolve(rule["then"], written, hops + 1)

    def _definition(self, name: str) -> Schema:
        found: Schema = self.schema.get("$defs", {}).get(name, {})
        return found

    def _is_step(self, node: Schema) -> bool:
        return str(node.get("$ref", "")).endswith("/Step")

    def _doc(self, node: Schema) -> str:
        for resolved in self._resolve(node, []):
            if resolved.get("description"):
                return str(resolved["description"])
        return ""


def _holds(condition: Schema, written: Sequence[str]) -> bool:
    """A condition about which keys are there."""
    wanted = set(condition.get("required", ()))
    barred = set(condition.get("not", {}).get("required", ()))
    return wanted <= set(written) and not (barred and barred <= set(written))


def _step(piece: Piece | None, part: str | int) -> Piece | None:
    if piece is None:
        return None
    if isinstance(part, str):
        return piece.get(part)
    return piece.items[part] if part < len(piece.items) else None


@cache
def vocabulary() -> Vocabulary:
    """The published schema, read once."""
    return Vocabulary(json.loads(PUBLISHED.read_text(encoding="utf-8")))
