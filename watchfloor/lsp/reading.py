"""What a word means and where it was declared: hover, go to definition, the outline of the file."""

import re
from dataclasses import dataclass, field
from typing import Literal

from watchfloor.lsp.cursor import MARK, Cursor, word_at
from watchfloor.lsp.describing import (
    describe_action,
    describe_declared,
    describe_field,
    describe_path,
    describe_row,
    describe_step,
)
from watchfloor.lsp.documents import Document
from watchfloor.lsp.index import Index, StepEntry
from watchfloor.lsp.outline import Piece


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a file, from 0; `path` is None for the document itself."""

    line: int
    column: int
    length: int
    path: str | None = None


@dataclass(slots=True)
class Symbol:
    """A part of the document for the editor's outline."""

    name: str
    detail: str
    kind: Literal["section", "phase", "track", "step", "input", "fact", "clock"]
    line: int
    column: int
    children: list["Symbol"] = field(default_factory=list)


def hover(document: Document, line: int, column: int) -> tuple[str, int, int] | None:
    """Markdown about the word at a place, with the word's first and last column."""
    found = word_at(document.text, line, column)
    if found is None:
        return None
    word, start, end = found
    cursor = document.cursor(line, end)
    if cursor is None:
        return None
    text = _meaning(document, cursor, word, column - start)
    return (text, start, end) if text else None


def _meaning(document: Document, cursor: Cursor, word: str, offset: int) -> str | None:
    around, names = document.around, document.names()
    if cursor.role == "key" or _is_key(cursor, word):
        return _key_meaning(document, cursor, word)
    if word in around.catalog:
        return describe_action(around.catalog[word])
    if word in around.register:
        return describe_row(around.register[word])
    path = word.split(".")
    described = describe_path(path, names)
    if described is not None:
        return described
    if cursor.key in {"fact", "on", "on_fact"} and word in names.facts:
        return describe_declared("facts", names.facts[word])
    if cursor.key == "of" and word in names.clocks:
        row = around.register.get(names.clock_rows.get(word, ""))
        return describe_row(row) if row is not None else describe_declared("clocks", names.clocks[word])
    if cursor.key == "undo" and word in names.steps:
        return describe_step(names.steps[word])
    return document.words.describe(cursor.path, cursor.root) or None


def _is_key(cursor: Cursor, word: str) -> bool:
    return cursor.role == "value" and cursor.before.strip() == "" and cursor.key == word


def _key_meaning(document: Document, cursor: Cursor, word: str) -> str | None:
    names = document.names()
    if cursor.key == "with":
        holder = next((piece for piece in reversed(cursor.around) if piece.get("action") is not None), None)
        action = holder.get("action") if holder is not None else None
        contract = document.around.catalog.get(action.text) if action is not None else None
        if contract is not None and word in contract["inputs"]:
            return describe_field(word, contract["inputs"][word])
    if cursor.key == "records" and word in names.facts:
        return describe_declared("facts", names.facts[word])
    if cursor.path == ("clocks",) and word in names.clock_rows:
        row = document.around.register.get(names.clock_rows[word])
        if row is not None:
            return describe_row(row)
    path = (*cursor.path, word)
    said = document.words.describe(path, _unmarked(cursor))
    return f"**{word}**: {said}" if said else None


def _unmarked(cursor: Cursor) -> Piece:
    """The cursor's tree; the mark stands behind the key that is looked at, so that key is put right."""
    if cursor.around:
        for entry in cursor.around[-1].entries:
            entry.key = entry.key.replace(MARK, "")
    return cursor.root


def definition(document: Document, line: int, column: int) -> Place | None:
    """Where the name at a place was declared."""
    found = word_at(document.text, line, column)
    if found is None:
        return None
    word, _, end = found
    names = document.names()
    path = word.split(".")
    if len(path) > 1:
        place = _declared(path[0], path[1], names)
        if place is not None:
            return place
    cursor = document.cursor(line, end)
    if word in document.around.register:
        return _row(document, word)
    if cursor is None:
        return None
    if cursor.key in {"fact", "on", "on_fact", "records"}:
        return _declared("facts", word, names)
    if cursor.key == "of":
        return _declared("clocks", word, names)
    if cursor.key == "undo":
        return _declared("steps", word, names)
    return None


def _declared(section: str, name: str, names: Index) -> Place | None:
    if section in {"steps", "last"}:
        step = names.step(name)
        return Place(step.line, step.column, len(name)) if step is not None else None
    table = {"inputs": names.inputs, "facts": names.facts, "clocks": names.clocks}.get(section, {})
    declared = table.get(name)
    return Place(declared.line, declared.column, len(name)) if declared is not None else None


def _row(document: Document, row: str) -> Place | None:
    path = document.around.register_path
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n")):
        match = re.match(rf"\s*-?\s*\{{?\s*id:\s*(?P<id>{re.escape(row)})\b(?![.\w])", text)
        if match is not None:
            return Place(number, match.start("id"), len(row), str(path))
    return None


def symbols(document: Document) -> list[Symbol]:
    """The outline: inputs, facts, clocks, tracks and phases with their steps."""
    names = document.names()
    made: list[Symbol] = []
    tables: tuple[tuple[Literal["input", "fact", "clock"], str, dict[str, Symbol]], ...] = (
        ("input", "inputs", {n: Symbol(n, d.about, "input", d.line, d.column) for n, d in names.inputs.items()}),
        ("fact", "facts", {n: Symbol(n, d.about, "fact", d.line, d.column) for n, d in names.facts.items()}),
        (
            "clock",
            "clocks",
            {n: Symbol(n, names.clock_rows.get(n, ""), "clock", d.line, d.column) for n, d in names.clocks.items()},
        ),
    )
    for _, key, table in tables:
        entry = names.root.entry(key)
        if entry is not None and table:
            made.append(Symbol(key, "", "section", entry.line, entry.column, list(table.values())))
    for track in (names.root.get("alongside") or Piece("list", 0, 0)).items:
        id_ = track.get("id")
        if id_ is not None and id_.text:
            made.append(Symbol(id_.text, "track", "track", id_.line, id_.column, _below(track.get("steps"), names)))
    for phase in (names.root.get("phases") or Piece("list", 0, 0)).items:
        for entry in phase.entries:
            if entry.key:
                made.append(Symbol(entry.key, "phase", "phase", entry.line, entry.column, _below(entry.value, names)))
    return sorted(made, key=lambda symbol: symbol.line)


def _below(piece: Piece | None, names: Index) -> list[Symbol]:
    """Symbols of the nearest steps below a piece, each with its own."""
    if piece is None:
        return []
    id_ = piece.get("id")
    step = names.steps.get(id_.text) if id_ is not None else None
    if step is not None and step.piece is piece:
        return [_symbol(step, names)]
    found: list[Symbol] = []
    for entry in piece.entries:
        found += _below(entry.value, names)
    for item in piece.items:
        found += _below(item, names)
    return found


def _symbol(step: StepEntry, names: Index) -> Symbol:
    inner = [symbol for entry in step.piece.entries for symbol in _below(entry.value, names)]
    return Symbol(step.id, step.what, "step", step.line, step.column, inner)
