"""Writing `people.yaml` anew from an import: what would change is known first, the file is replaced whole."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from watchfloor.identity.located import PeopleRefused
from watchfloor.identity.people import Directory, Person, load_people
from watchfloor.identity.roles import ROLES
from watchfloor.identity.writing import write_whole

HEAD = (
    "# Written by `watchfloor people import`; the next import writes it anew, so change it where it comes from.\n"
    "# Ids only: names and addresses stay in the company's own directory.\n"
)
_PLAIN = re.compile(r"[a-z][a-z0-9_-]*\Z")
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that some readers of YAML take for something else: Norwegian is `"no"`."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an import would change. `changed` has one line for each attribute of a person."""

    added: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    gone: tuple[str, ...]
    orphaned: tuple[str, ...]
    """Roles that somebody held in a region and nobody would any more, as `role in region`."""

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone)


def compare(before: Directory, after: Directory) -> Changes:
    """What differs between two directories."""
    old, new = before.people, after.people
    changed = {id_: tuple(_differences(old[id_], new[id_])) for id_ in new if id_ in old and old[id_] != new[id_]}
    orphaned = [
        f"{role} in {region}"
        for region in before.regions()
        for role in ROLES
        if before.holders(role, region) and not after.holders(role, region)
    ]
    added = tuple(id_ for id_ in new if id_ not in old)
    return Changes(added, changed, tuple(id_ for id_ in old if id_ not in new), tuple(orphaned))


def render_people(directory: Directory) -> str:
    """The file's text; the same directory gives the same text, and reading it gives the same directory.

    Raises:
        PeopleRefused: it would not.
    """
    own = f"compartments: {_list(directory.compartments)}\n" if directory.compartments else ""
    text = HEAD + own + "people:\n" + "".join(f"  {_scalar(one.id)}: {_entry(one)}\n" for one in directory)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "people.yaml"
        copy.write_text(text, encoding="utf-8")
        try:
            read = load_people(copy)
        except PeopleRefused as error:
            raise PeopleRefused(str(error).replace(str(copy), "the new people.yaml")) from error
    if read.people != directory.people:
        raise PeopleRefused("the new people.yaml: would not say the same when it is read; nothing was written")
    return text


def write_people(file: Path, directory: Directory) -> None:
    """Replace the file, whole or not at all.

    Raises:
        PeopleRefused: it cannot be written.
    """
    text = render_people(directory)
    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise PeopleRefused(f"{file}:1:1: cannot be written: {error.strerror}; nothing was changed") from error


def _differences(old: Person, new: Person) -> Iterator[str]:
    for name in (one.name for one in fields(Person)):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _entry(one: Person) -> str:
    parts = [f"roles: {_list(one.roles)}", f"entity: {_scalar(one.entity)}", f"region: {_scalar(one.region)}"]
    for name in ("contacts", "clearances", "languages"):
        values = getattr(one, name)
        if values:
            parts.append(f"{name}: {_list(values)}")
    if one.covered_person:
        parts.append("covered_person: true")
    return "{" + ", ".join(parts) + "}"


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_scalar, values)) + "]"


def _scalar(text: str) -> str:
    return text if _PLAIN.match(text) and text not in _NOT_TEXT else json.dumps(text)
