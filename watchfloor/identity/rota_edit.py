"""Changing `rotas.yaml` by program: lines are added, nothing else is touched, comments stay.

The new text is read again and must say exactly what the old one said with the addition; otherwise nothing is written.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from watchfloor.identity.located import LocatedTree, PeopleRefused, read_located
from watchfloor.identity.rota_file import MAX_CHANGES, load_rotas
from watchfloor.identity.rotas import Override, Rota, Rotas, Swap
from watchfloor.identity.writing import write_whole

Key: TypeAlias = Literal["overrides", "swaps"]
Change: TypeAlias = Override | Swap


def with_changes(file: Path, name: str, changes: Sequence[Change]) -> str:
    """The file's text with overrides and swaps added to a rota, behind those that are there.

    Raises:
        PeopleRefused: the file does not load, has no such rota, or is laid out so that lines cannot be added.
    """
    before = load_rotas(file)
    rota = before.find(name)
    if rota is None:
        there = ", ".join(one.name for one in before.rotas) or "none"
        raise PeopleRefused(f"{file}:1:1: there is no rota `{name}`; there are: {there}")
    text = file.read_text(encoding="utf-8")
    groups: dict[Key, list[Change]] = {"overrides": [], "swaps": []}
    for change in changes:
        groups["overrides" if isinstance(change, Override) else "swaps"].append(change)
    for key, group in groups.items():
        if group:
            if len(getattr(rota, key)) + len(group) > MAX_CHANGES:
                raise PeopleRefused(f"{before.where(rota.place)}: has {MAX_CHANGES} {key} at most; remove old ones")
            text = _insert(text, file, name, key, [_line(one) for one in group])
    _require_only(text, file, before, rota, changes)
    return text


def write_changes(file: Path, name: str, changes: Sequence[Change]) -> None:
    """Add overrides and swaps to a rota, whole or not at all.

    Raises:
        PeopleRefused: as `with_changes`, or the file cannot be written.
    """
    text = with_changes(file, name, changes)
    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise PeopleRefused(f"{file}:1:1: cannot be written: {error.strerror}; nothing was changed") from error


def render_instant(at: datetime) -> str:
    """`2026-12-24T08:00Z`, with seconds only where there are any."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at.second else f"{at:%Y-%m-%dT%H:%MZ}"


def _line(change: Change) -> str:
    if isinstance(change, Override):
        instead = f", instead_of: {change.instead_of}" if change.instead_of else ""
        return (
            f"{{from: {render_instant(change.start_at)}, to: {render_instant(change.end_at)}, "
            f"person: {change.person}{instead}}}"
        )
    one, other = (
        f"{{person: {given.person}, at: {render_instant(given.start_at)}}}" for given in (change.one, change.other)
    )
    return f"{{one: {one}, other: {other}}}"


def _insert(text: str, file: Path, name: str, key: Key, added: Sequence[str]) -> str:
    located = _located(text, file)
    lines = text.split("\n")
    rota_line, rota_column = located.places[("rotas", name)]
    entries = located.tree["rotas"][name]
    first = next(iter(entries))
    inner = located.places[("rotas", name, first)][1]
    if located.places[("rotas", name, first)][0] == rota_line:
        raise PeopleRefused(f"{located.where(('rotas', name))}: is written in one line; break it into lines first")
    here = located.places.get(("rotas", name, key))
    if here is None:
        indent = " " * (inner - 1)
        end = _end_of(lines, rota_line, rota_column)
        block = [f"{indent}{key}:", *(f"{indent}  - {one}" for one in added)]
        return "\n".join([*lines[:end], *block, *lines[end:]])
    if not entries[key]:
        raise PeopleRefused(f"{located.where(('rotas', name, key))}: is an empty list; remove the line first")
    item_line, _ = located.places[("rotas", name, key, 0)]
    dash = lines[item_line - 1].find("-")
    if item_line == here[0] or dash < 0 or lines[item_line - 1][:dash].strip():
        raise PeopleRefused(f"{located.where(('rotas', name, key))}: is written in one line; put one item on each line")
    last_line, _ = located.places[("rotas", name, key, len(entries[key]) - 1)]
    end = _end_of(lines, last_line, dash + 1)
    return "\n".join([*lines[:end], *(f"{' ' * dash}- {one}" for one in added), *lines[end:]])


def _end_of(lines: Sequence[str], start: int, column: int) -> int:
    """How many lines there are up to the end of what begins on a line (from 1) at a column (from 1): what is indented
    more deeply belongs to it; blank lines and comments after it do not."""
    end = start
    for number in range(start, len(lines)):
        line = lines[number]
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        if len(line) - len(line.lstrip(" ")) < column:
            break
        end = number + 1
    return end


def _located(text: str, file: Path) -> LocatedTree:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        copy.write_text(text, encoding="utf-8")
        return read_located(copy)


def _require_only(text: str, file: Path, before: Rotas, rota: Rota, changes: Sequence[Change]) -> None:
    """That the new text says what the old one said, and the changes, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        copy.write_text(text, encoding="utf-8")
        try:
            after = load_rotas(copy)
        except PeopleRefused as error:
            raise PeopleRefused(str(error).replace(str(copy), str(file))) from error
    wanted = replace(
        rota,
        overrides=(*rota.overrides, *(one for one in changes if isinstance(one, Override))),
        swaps=(*rota.swaps, *(one for one in changes if isinstance(one, Swap))),
    )
    expected = tuple(wanted if one.name == rota.name else one for one in before.rotas)
    if after.rotas != expected:
        raise PeopleRefused(
            f"{before.where(rota.place)}: the file is laid out so that lines cannot be added safely; nothing was "
            "written; add the override by hand"
        )
