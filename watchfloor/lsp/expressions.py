"""Names inside expressions: which keys hold one, what may be written next."""

import re
from dataclasses import dataclass

from watchfloor.expressions import FUNCTIONS
from watchfloor.language.plan_compiler import INCIDENT
from watchfloor.lsp.cursor import Cursor
from watchfloor.lsp.index import LOOPS, Index, StepEntry

BARE = frozenset(
    {"if", "unless", "when", "until", "in", "start", "restart", "stop", "renew", "close_when", "key", "known_at"}
)
"""Keys that take an expression bare."""
HOLDERS = frozenset({"records", "show", "share", "scope"})
"""Keys whose values or items are expressions."""
_TAIL = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]?\w*\Z")
_HAS = "has"


@dataclass(frozen=True, slots=True)
class Offer:
    """One name that may come next."""

    text: str
    detail: str
    doc: str = ""
    is_function: bool = False


def expression_at(cursor: Cursor) -> str | None:
    """The expression up to the cursor; None when none stands there."""
    if cursor.role != "value":
        return None
    opened = cursor.before.rfind("${{")
    if opened >= 0 and "}}" not in cursor.before[opened:]:
        return cursor.before[opened + 3 :]
    keys = cursor.keys
    bare = bool(keys) and (
        (keys[-1] in BARE and not (keys[-1] == "stop" and "clocks" not in keys))
        or (len(keys) > 1 and keys[-2] in HOLDERS and not isinstance(cursor.path[-1], int))
        or (keys[-1] in HOLDERS and isinstance(cursor.path[-1], int))
    )
    return cursor.before.lstrip("\"'") if bare else None


def offers(written: str, cursor: Cursor, names: Index) -> tuple[list[Offer], int]:
    """What may come next, and how many letters of it are typed already."""
    match = _TAIL.search(written)
    tail = match.group() if match else ""
    root, *rest = tail.split(".")
    typed = len(rest[-1]) if rest else len(root)
    if not rest:
        return _roots(cursor, names), typed
    if root == "inputs" and len(rest) == 1:
        return [Offer(each.name, each.about) for each in names.inputs.values()], typed
    if root == "facts" and len(rest) == 1:
        return [Offer(each.name, each.about) for each in names.facts.values()], typed
    if root == "facts" and len(rest) == 2:
        return [Offer("at", "timestamp", "when it was observed")], typed
    if root == "incident" and len(rest) == 1:
        return [Offer(name, kind) for name, kind in INCIDENT.items()], typed
    if root == "params" and len(rest) == 1:
        return [Offer(each.name, each.about) for each in names.params.get(_fragment(cursor), {}).values()], typed
    if root in {"steps", "last"}:
        visible = visible_steps(cursor, names, last=root == "last")
        if len(rest) == 1:
            return [Offer(each.id, each.what) for each in visible], typed
        step = next((each for each in visible if each.id == rest[0]), _steps_here(cursor, names).get(rest[0]))
        if step is not None and len(rest) == 2:
            return [Offer(name, kind, doc) for name, (kind, doc) in step.outputs.items()], typed
    return [], typed


def visible_steps(cursor: Cursor, names: Index, *, last: bool = False) -> list[StepEntry]:
    """The steps whose outputs can be read at the cursor: written above it, in no loop that the cursor is not in.

    With `last`: the steps of the loop whose `until` or `records` is being written.
    """
    here = _step_ids(cursor)
    steps = _steps_here(cursor, names)
    if last:
        return [each for each in steps.values() if each.loops and each.loops[-1] == (here[-1] if here else "")]
    own = here[-1] if here else ""
    loops = {id_ for id_ in here if id_ in steps and steps[id_].kind in LOOPS}
    records = "records" in cursor.keys
    track = _track(cursor)
    return [
        each
        for each in steps.values()
        if each.kind != "use"
        and each.track in {"", track}
        and (each.runs_at < (cursor.line, cursor.column) or (bool(track) and each.track != track))
        and (each.id not in here or (records and each.id == own))
        and set(each.loops) <= loops
    ]


def _steps_here(cursor: Cursor, names: Index) -> dict[str, StepEntry]:
    """The steps that share names with the cursor: those of its fragment, else those of the runbook."""
    fragment = _fragment(cursor)
    return names.fragments.get(fragment, {}) if fragment else names.steps


def _fragment(cursor: Cursor) -> str:
    keys = cursor.keys
    return keys[1] if keys[:1] == ("fragments",) and len(keys) > 1 else ""


def _track(cursor: Cursor) -> str:
    """The track the cursor is in; empty in the phases. A track sees what the phases gave, wherever they stand."""
    id_ = cursor.around[1].get("id") if cursor.keys[:1] == ("alongside",) and len(cursor.around) > 1 else None
    return id_.text if id_ is not None else ""


def _step_ids(cursor: Cursor) -> list[str]:
    return [id_.text for piece in cursor.around if (id_ := piece.get("id")) is not None]


def _roots(cursor: Cursor, names: Index) -> list[Offer]:
    found = [
        Offer("inputs", "the run's inputs"),
        Offer("facts", "what is known"),
        Offer("steps", "outputs of steps"),
        Offer("incident", "the run itself"),
        Offer("now", "timestamp"),
    ]
    if _fragment(cursor):
        found.append(Offer("params", "what a use of the fragment gives"))
    here = _steps_here(cursor, names)
    for id_ in _step_ids(cursor):
        step = here.get(id_)
        loop = step.piece.get("for_each") if step is not None else None
        item = loop.get("item") if loop is not None else None
        if item is not None:
            found.append(Offer(item.text, "the item of the loop"))
    if "repeat" in cursor.keys or "records" in cursor.keys:
        found.append(Offer("last", "outputs of the round just done"))
    functions = sorted({_HAS, *FUNCTIONS})
    return found + [Offer(name, "function", is_function=True) for name in functions]
