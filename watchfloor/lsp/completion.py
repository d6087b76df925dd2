"""What may be typed next: keys, actions and their inputs, names in expressions, roles, clocks, facts, regions."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, cast

from schemas.register import RegisterRow
from watchfloor.lsp.cursor import Cursor
from watchfloor.lsp.describing import describe_action, describe_field, describe_row, describe_type
from watchfloor.lsp.documents import Document
from watchfloor.lsp.expressions import expression_at, offers
from watchfloor.lsp.index import Index
from watchfloor.lsp.outline import Piece

ROLE_KEYS = frozenset(
    {
        "from",
        "not",
        "any_of",
        "also",
        "release",
        "escalate",
        "assignee",
        "facilitator",
        "page",
        "assign",
        "by",
        "ask",
        "role",
        "recuse",
    }
)
_WORD = re.compile(r"[\w.\-]*\Z")
Kind = Literal["key", "kind", "action", "input", "name", "function", "role", "clock", "word"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to type. `typed` letters before the cursor are replaced by `insert`."""

    label: str
    insert: str
    typed: int
    kind: Kind
    detail: str = ""
    doc: str = ""
    first: bool = False


def complete(document: Document, line: int, column: int) -> list[Suggestion]:
    """What fits at a place of the document; nothing in comments and free text."""
    cursor = document.cursor(line, column)
    if cursor is None:
        return []
    names = document.names(cursor)
    written = expression_at(cursor)
    if written is not None:
        found, typed = offers(written, cursor, names)
        return [
            Suggestion(
                each.text,
                f"{each.text}(" if each.is_function else each.text,
                typed,
                "function" if each.is_function else "name",
                each.detail,
                each.doc,
                not each.is_function,
            )
            for each in found
        ]
    if cursor.role == "key":
        return [*_keys(document, cursor, names)]
    values = [*_values(document, cursor, names)]
    return values or [*_keys(document, cursor, names)]


def _keys(document: Document, cursor: Cursor, names: Index) -> Iterator[Suggestion]:
    typed = _typed(cursor)
    taken = set(cursor.siblings)
    if cursor.key == "with":
        yield from _inputs(document, cursor, names, typed, taken)
        return
    if cursor.key == "records":
        for fact in names.facts.values():
            if fact.name not in taken:
                yield Suggestion(fact.name, f"{fact.name}: ", typed, "name", fact.about)
        return
    if cursor.keys[:1] == ("clocks",) and cursor.keys[2:] == ("pause",):
        yield from _reasons(document, names.clock_rows.get(cursor.keys[1], ""), typed, taken)
        return
    words = document.words.keys(cursor.path, cursor.root)
    if cursor.role == "value":
        # nothing stands there yet: only where the schema wants a mapping do keys fit
        taken = set()
    has_kind = any(key in document.words.kinds for key in taken)
    for word in words:
        if word.text in taken or (has_kind and word.is_kind):
            continue
        kind: Kind = "kind" if word.is_kind else "key"
        yield Suggestion(
            word.text, f"{word.text}: ", typed, kind, "required" if word.required else "", word.doc, word.required
        )


def _reasons(document: Document, use: str, typed: int, taken: set[str]) -> Iterator[Suggestion]:
    """The reasons for which a clock's law lets it stand still."""
    row = document.around.register.get(use)
    if row is not None:
        for reason in cast(RegisterRow, row).get("pause_on", ()):
            if reason not in taken:
                yield Suggestion(reason, f"{reason}: ", typed, "name", "a reason of this law", describe_row(row))


def _inputs(document: Document, cursor: Cursor, names: Index, typed: int, taken: set[str]) -> Iterator[Suggestion]:
    holder = next((piece for piece in reversed(cursor.around) if _takes_inputs(piece)), None)
    action = holder.get("action") if holder is not None else None
    used = holder.get("use") if holder is not None and action is None else None
    for declared in names.params.get(used.text, {}).values() if used is not None else ():
        if declared.name not in taken:
            yield Suggestion(declared.name, f"{declared.name}: ", typed, "input", declared.about)
    started = holder.get("run") if holder is not None and action is None else None
    for declared in document.inputs_of(started.text) if started is not None else ():
        if declared.name not in taken:
            yield Suggestion(declared.name, f"{declared.name}: ", typed, "input", declared.about)
    contract = document.around.catalog.get(action.text) if action is not None else None
    if contract is None:
        return
    for name, spec in contract["inputs"].items():
        if name not in taken:
            optional = spec.get("optional", False)
            yield Suggestion(
                name, f"{name}: ", typed, "input", describe_type(spec), describe_field(name, spec), not optional
            )


def _values(document: Document, cursor: Cursor, names: Index) -> Iterator[Suggestion]:
    keys = cursor.keys
    key = cursor.key
    typed = _typed(cursor)
    around = document.around
    if key == "action" and (len(keys) < 2 or keys[-2] != "with"):
        for contract in around.catalog.values():
            detail = f"{contract['effect']}, tier {contract['tier']}"
            yield Suggestion(contract["name"], contract["name"], typed, "action", detail, describe_action(contract))
        return
    if key == "use" and keys[:1] != ("clocks",):
        yield from _plain(names.fragments, typed, "a fragment")
        return
    if key in {"use", "basis"}:
        for law in around.register.values():
            if law["kind"] not in {"info", "retired"} if key == "use" else law["kind"] == "min_retention":
                yield Suggestion(law["id"], law["id"], typed, "clock", law["title"], describe_row(law))
        return
    if key == "run":
        yield from _plain(around.library, typed, "a runbook of the library")
        return
    if "facts" in keys[:1] and key == "from":
        yield from _plain((f"inputs.{name}" for name in names.inputs), typed, "an input")
        yield from _plain((f"steps.{name}" for name in names.steps), typed, "a step that records it")
        yield from _plain(around.roles, typed, "a role", "role")
        return
    if key in {"fact", "on_fact"} or (key == "on" and "undo" in keys):
        yield from _plain(names.facts, typed, "a fact")
        return
    if key == "of" and "inputs" not in keys[:1]:
        yield from _plain(names.clocks, typed, "a clock of this runbook", "clock")
        return
    if key in {"to", "command", "allowed"} and ("handoff" in keys or "regions" in keys):
        yield from _plain(names.regions, typed, "a region")
        return
    if key == "undo" and "try" in keys:
        yield from _plain(names.steps, typed, "a step")
        return
    if key in ROLE_KEYS and not (key == "ask" and "doubt" not in keys):
        yield from _plain(around.roles, typed, "a role", "role")
        return
    for word in document.words.words(cursor.path, cursor.root):
        yield Suggestion(word.text, word.text, typed, "word", "", word.doc)


def _plain(words: Iterable[str], typed: int, detail: str, kind: Kind = "name") -> Iterator[Suggestion]:
    for word in words:
        yield Suggestion(word, word, typed, kind, detail)


def _typed(cursor: Cursor) -> int:
    """How many letters before the cursor belong to the word that is being typed."""
    match = _WORD.search(cursor.before)
    return len(match.group()) if match is not None else 0


def _takes_inputs(piece: Piece) -> bool:
    return any(piece.get(key) is not None for key in ("action", "run", "use"))
