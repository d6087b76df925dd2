"""What a half-typed runbook declares: inputs, facts, clocks, regions, steps and what each step gives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from schemas.actions import ActionContract
from watchfloor.language.outputs import ALWAYS
from watchfloor.lsp.outline import Entry, Piece

PER_ITEM = {"results": "list", "succeeded": "list", "failed": "list", "total": "int"}
KIND_OUTPUTS: dict[str, dict[str, str]] = {
    "decide": {"option": "string", "by": "string"},
    "task": {"by": "string"},
    "wait": {"timed_out": "bool"},
    "for_each": PER_ITEM,
    "repeat": {"rounds": "int"},
    "hold": {"hold": "string", "verified": "bool"},
    "handoff": {"accepted": "bool", "by": "string", "workflow": "string"},
    "postmortem": {"workflow": "string"},
    "run": {"workflow": "string"},
}
LOOPS = ("for_each", "repeat")
DEEPEST = 4
"""Fragments within fragments that are followed."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A name with its place and what is known about it."""

    name: str
    line: int
    column: int
    about: str


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step, as far as it is typed.

    `loops` are the ids of the loops around it; `outputs` map a name to its type and a sentence. `runs_at` is where it
    stands among the others: for a fragment's step, where the fragment is used.
    """

    id: str
    line: int
    column: int
    kind: str
    what: str
    piece: Piece
    loops: tuple[str, ...]
    outputs: Mapping[str, tuple[str, str]]
    track: str
    runs_at: tuple[int, int]


@dataclass(slots=True)
class Index:
    """Everything by name, in the order of the file."""

    root: Piece
    inputs: dict[str, Declared] = field(default_factory=dict)
    facts: dict[str, Declared] = field(default_factory=dict)
    clocks: dict[str, Declared] = field(default_factory=dict)
    clock_rows: dict[str, str] = field(default_factory=dict)
    steps: dict[str, StepEntry] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    fragments: dict[str, dict[str, StepEntry]] = field(default_factory=dict)
    params: dict[str, dict[str, Declared]] = field(default_factory=dict)

    def step(self, name: str) -> StepEntry | None:
        """The step of a name, in the runbook or in one of its fragments."""
        found = (steps[name] for steps in (self.steps, *self.fragments.values()) if name in steps)
        return next(found, None)


def index(root: Piece, catalog: Mapping[str, ActionContract], kinds: tuple[str, ...]) -> Index:
    """Read what is declared.

    Args:
        root: the outline.
        catalog: the actions, for what steps give.
        kinds: the keys that name a step's kind.
    """
    made = Index(root)
    for section, into in (("inputs", made.inputs), ("facts", made.facts), ("clocks", made.clocks)):
        into.update(_declared(root.get(section)))
    for entry in _entries(root.get("clocks")):
        used = entry.value.get("use") if entry.value is not None else None
        if used is not None:
            made.clock_rows[entry.key] = used.text
    for entry in _entries(root.get("fragments")):
        body = entry.value or Piece("mapping", entry.line, entry.column)
        made.params[entry.key] = _declared(body.get("params"))
        made.fragments[entry.key] = {}
        _steps(body.get("steps"), (), "", made.fragments[entry.key], catalog, kinds)
    regions = root.get("regions")
    allowed = regions.get("allowed") if regions is not None else None
    made.regions = [item.text for item in allowed.items] if allowed is not None else []
    for track in (root.get("alongside") or Piece("list", 0, 0)).items:
        named = track.get("id")
        _steps(track.get("steps"), (), named.text if named is not None else "", made.steps, catalog, kinds)
    for phase in (root.get("phases") or Piece("list", 0, 0)).items:
        for entry in phase.entries:
            _steps(entry.value, (), "", made.steps, catalog, kinds)
    _expand(made)
    return made


def _declared(piece: Piece | None) -> dict[str, Declared]:
    return {entry.key: Declared(entry.key, entry.line, entry.column, _about(entry.value)) for entry in _entries(piece)}


def _expand(made: Index) -> None:
    """Put the steps of a fragment where it is used: `<use>_<step>`. Fragments within fragments likewise."""
    todo = [step for step in made.steps.values() if step.kind == "use"]
    for _ in range(DEEPEST):
        fresh: list[StepEntry] = []
        for use in todo:
            fragment = use.piece.get("use")
            for inner in made.fragments.get(fragment.text if fragment is not None else "", {}).values():
                name = f"{use.id}_{inner.id}"
                loops = (*use.loops, *(f"{use.id}_{loop}" for loop in inner.loops))
                placed = replace(inner, id=name, loops=loops, track=use.track, runs_at=use.runs_at)
                if name not in made.steps:
                    made.steps[name] = placed
                    fresh.append(placed)
        todo = [step for step in fresh if step.kind == "use"]


def _entries(piece: Piece | None) -> list[Entry]:
    return [entry for entry in piece.entries if entry.typed] if piece is not None else []


def _about(piece: Piece | None) -> str:
    """A declaration in a line: `timestamp`, `{type: list, of: url}`."""
    if piece is None:
        return ""
    if piece.kind == "text":
        return piece.text
    if piece.kind == "list":
        return "[" + ", ".join(_about(item) for item in piece.items) + "]"
    return ", ".join(f"{entry.key}: {_about(entry.value)}" for entry in piece.entries)


def _steps(
    piece: Piece | None,
    loops: tuple[str, ...],
    track: str,
    into: dict[str, StepEntry],
    catalog: Mapping[str, ActionContract],
    kinds: tuple[str, ...],
) -> None:
    for holder in _with_id(piece):
        id_ = holder.get("id")
        assert id_ is not None
        # the schema's order counts: beside `run`, `wait` is a key and no kind
        kind = next((kind for kind in kinds if kind in holder.keys), "")
        action = holder.get("action")
        what = action.text if action is not None else kind
        given = PER_ITEM if kind == "run" and "each" in holder.keys else KIND_OUTPUTS.get(kind, {})
        outputs = {name: (type_, "") for name, type_ in given.items()}
        if kind == "run" and "each" not in holder.keys and not _goes_on(holder):
            outputs["outcome"] = ("string", "how the other run ended")
        if action is not None and action.text in catalog:
            specs = catalog[action.text]["outputs"]
            outputs |= {name: (spec["type"], spec.get("doc", "")) for name, spec in specs.items()}
        outputs |= {entry.key: (_about(entry.value), "") for entry in _form(holder)}
        outputs |= {name: (type_, "") for name, type_ in ALWAYS.items()}
        here = (id_.line, id_.column)
        if id_.text not in into:
            into[id_.text] = StepEntry(id_.text, *here, kind, what, holder, loops, outputs, track, here)
        inner = (*loops, id_.text) if kind in LOOPS else loops
        for entry in holder.entries:
            body = inner if entry.key == "steps" else loops
            _steps(entry.value, body, track, into, catalog, kinds)


def _goes_on(step: Piece) -> bool:
    """A `run` that is not waited for."""
    wait, reroute = step.get("wait"), step.get("reroute")
    return (wait is not None and wait.text == "false") or (reroute is not None and reroute.text == "true")


def _form(step: Piece) -> list[Entry]:
    task = step.get("task")
    return _entries(task.get("form")) if task is not None else []


def _with_id(piece: Piece | None) -> Iterator[Piece]:
    """The nearest mappings with an `id`, below lists and mappings that have none."""
    if piece is None or piece.kind == "text":
        return
    id_ = piece.get("id")
    if piece.kind == "mapping" and id_ is not None and id_.kind == "text" and id_.text:
        yield piece
        return
    for entry in piece.entries:
        yield from _with_id(entry.value)
    for item in piece.items:
        yield from _with_id(item)
