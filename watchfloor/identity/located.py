"""Reading a small YAML file as strictly as a runbook is read: plain data, and the place of everything in it.

Every scalar stays text (`no` is the word no, `7` the character): the files read here hold ids and words only.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from watchfloor.language import nodes
from watchfloor.language.findings import Finding
from watchfloor.language.source import MAX_BYTES, parse

Place: TypeAlias = tuple[str | int, ...]


class PeopleRefused(ValueError):
    """The file cannot be used; the message has one line `file:line:column: what` for each thing wrong."""


@dataclass(frozen=True, slots=True)
class LocatedTree:
    """The data, and line and column (from 1) of every key and item by its path."""

    file: Path
    tree: Any
    places: dict[Place, tuple[int, int]] = field(repr=False)

    def where(self, place: Place) -> str:
        """`file:line:column` of something, or of the nearest thing around it."""
        while place and place not in self.places:
            place = place[:-1]
        line, column = self.places.get(place, (1, 1))
        return f"{self.file}:{line}:{column}"


def read_located(file: Path) -> LocatedTree:
    """Read a file.

    Raises:
        PeopleRefused: it cannot be read, or is not strict YAML.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(16 * MAX_BYTES)  # more is refused anyway, whatever its size
    except OSError as error:
        raise PeopleRefused(
            f"{file}:1:1: cannot be read: {error.strerror}; correct the path or put it there"
        ) from error
    source = parse(raw, path=str(file))
    wrong = [_worded(file, item) for item in source.findings if item.is_error]
    if wrong or source.root is None:
        raise PeopleRefused("\n".join(wrong) or f"{file}:1:1: is empty; expected a mapping")
    places: dict[Place, tuple[int, int]] = {}
    return LocatedTree(file, _plain(source.root, (), places), places)


def _worded(file: Path, item: Finding) -> str:
    more = "".join(f"; {word}{text}" for word, text in (("expected ", item.expected), ("", item.help)) if text)
    return f"{file}:{item.line}:{item.column}: {item.message}{more}"


def _plain(node: nodes.Node, place: Place, places: dict[Place, tuple[int, int]]) -> Any:
    places.setdefault(place, (node.span.line, node.span.column))
    if isinstance(node, nodes.Mapping):
        tree = {}
        for key, value in node.entries:
            places[(*place, key.value)] = (key.span.line, key.span.column)
            tree[key.value] = _plain(value, (*place, key.value), places)
        return tree
    if isinstance(node, nodes.Sequence):
        return [_plain(item, (*place, index), places) for index, item in enumerate(node.items)]
    return node.value
