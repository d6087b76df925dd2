"""A small, strict YAML reader for directory files: mappings, lists and text, each with its place.

Everything is text (`no` is the word no); anchors, aliases, tags, a second document, a key written twice, nesting
beyond a handful of levels and files beyond 4 MiB are refused. It reads events, never nodes: nothing in a hostile file
can make it expand or recurse far.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

LIMIT = 4 * 1024 * 1024
DEPTH = 8

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str"
Place: TypeAlias = tuple[str | int, ...]


class PeopleRefused(ValueError):
    """The directory of people cannot be used; the message has a line `file:line:column: what, expected, fix` for each
    thing wrong."""


@dataclass(slots=True)
class LocatedTree:
    """The tree, and line and column (from 1) of every value in it by its path."""

    file: Path
    tree: Tree = ""
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def where(self, path: Place) -> str:
        """`file:line:column` of a value, or of the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        return f"{self.file}:{line}:{column}"


def read_located(file: Path) -> LocatedTree:
    """Read a file.

    Raises:
        PeopleRefused: it cannot be read or is not strict YAML.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(LIMIT + 1)
    except OSError as error:
        raise PeopleRefused(
            f"{file}:1:1: cannot be read: {error.strerror}; expected a directory of people; "
            f"`watchfloor up` puts a development one there, an operator writes the real one"
        ) from error
    if len(raw) > LIMIT:
        raise PeopleRefused(f"{file}:1:1: larger than {LIMIT} bytes; expected a directory of people")
    reader = _Reader(LocatedTree(file))
    try:
        for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise PeopleRefused(f"{file}:{place}: {error.problem}; expected YAML") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PeopleRefused(f"{file}:1:1: {error}; expected YAML in UTF-8") from error
    return reader.located


class _Reader:
    def __init__(self, located: LocatedTree) -> None:
        self.located = located
        self._stack: list[tuple[Place, dict[str, Tree] | list[Tree]]] = []
        self._key: list[str | None] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(event, "a second document", "one document in the file")
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(event, "an alias", "every value written out")
        elif isinstance(event, yaml.NodeEvent):
            self._take_node(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._stack.pop()
            self._key.pop()

    def _take_node(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None or getattr(event, "tag", None) not in {None, "!"}:
            self._refuse(event, "an anchor or a tag", "plain mappings, lists and text")
        if isinstance(event, yaml.ScalarEvent):
            if self._stack and isinstance(self._stack[-1][1], dict) and self._key[-1] is None:
                if event.value in self._stack[-1][1]:
                    self._refuse(event, f"the key `{event.value}` a second time", "each key once")
                self._key[-1] = event.value
                return
            self._put(event, event.value)
            return
        if self._stack and isinstance(self._stack[-1][1], dict) and self._key[-1] is None:
            self._refuse(event, "a key that is not text", "text before the colon")
        if len(self._stack) >= DEPTH:
            self._refuse(event, f"nesting deeper than {DEPTH}", "a list of people")
        inner: dict[str, Tree] | list[Tree] = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._put(event, inner)
        self._stack.append((path, inner))
        self._key.append(None)

    def _put(self, event: yaml.NodeEvent, value: Tree) -> Place:
        path: Place = ()
        if not self._stack:
            self.located.tree = value
        else:
            above, into = self._stack[-1]
            if isinstance(into, dict):
                key = self._key[-1] or ""
                into[key] = value
                self._key[-1] = None
                path = (*above, key)
            else:
                into.append(value)
                path = (*above, len(into) - 1)
        self.located.places[path] = _place_of(event)
        return path

    def _refuse(self, event: yaml.Event, found: str, expected: str) -> None:
        line, column = _place_of(event)
        raise PeopleRefused(f"{self.located.file}:{line}:{column}: {found}; expected {expected}")


def _place_of(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
