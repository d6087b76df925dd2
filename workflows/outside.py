"""What people did outside the run, with its real time: an action or task that is not to be done again.

`record_outside` is the signed word of one person; where the step's tier wants two, it is a proposal that a second
person confirms (`workflows.outside_confirmed`), and until then the step neither acts nor counts. When the walk comes to
the step, or waits at it, it counts as done at the instant at which it was done: its outputs are those that were stated,
a restriction is a measure in force, the effect's key is noted and no call is made. `record_decision` notes what was
decided on paper; it fills no seat. Both are taken with the start too (`workflows.by_hand`), before the first step.
Ledger entries: `outside.*`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from temporalio import workflow

from schemas.decision import RefusalType
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.outside import OnPaper, Outside
from schemas.plan import ActionStep, Step, TaskStep
from watchfloor.signing import Refusal, digest, parse_instant, render_instant
from watchfloor.signing.outside import (
    MOST_OUTSIDE,
    MOST_PAPER,
    fields_of,
    find_recording,
    needs_second,
    options_of,
)
from workflows.run import Run
from workflows.state import size_of
from workflows.values import find_form_fault
from workflows.verbs import Verb

FUTURE = timedelta(minutes=1)
_SIZE = 8 * 1024
_PEOPLE = 10
_PATH = re.compile(r"[a-zA-Z0-9_/\-]+(\[(\d{1,6}|\*)\][a-zA-Z0-9_/\-]*)*")
_PERSON = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DONE_KEYS = {"path", "done_at", "by", "witnesses", "outputs"}
_DECIDED_KEYS = {"step", "option", "by", "as", "decided_at", "witnesses"}


def find_outside(run: Run, path: str) -> Outside | None:
    """What was recorded of a step by its runtime path, or by all items of the loops around it."""
    table = run.state.get("outside")
    if not table:
        return None
    return table.get(path) or table.get(re.sub(r"\[\d+\]", "[*]", path))


def waiting_asks(run: Run, path: str) -> list[str]:
    """Paths of the asks at which a step waits for people, undecided."""
    asks = run.human.asks
    return [one for one in (path, f"{path}!failed", f"{path}!doubt") if one in asks and "chosen" not in asks[one]]


def call_off(run: Run, record: str) -> None:
    """Have every step that this record is about come to rest at its next look, and void what it asks."""
    for path, halt in run.step_halts.items():
        if record not in {path, re.sub(r"\[\d+\]", "[*]", path)}:
            continue
        for at in waiting_asks(run, path):
            rounds = run.human.void(at, "it was done outside")
            run.state["loops"][f"{at}!asked" if at.endswith("!doubt") else f"{path}!round"] = rounds
        halt.stop("outside")


# -- checking -------------------------------------------------------------------------------------------------------


def _refuse_done(run: Run, body: dict[str, Json]) -> Refusal | None:
    about = body.get("about")
    fault = _find_form(about, _DONE_KEYS)
    if fault or not isinstance(about, dict):
        return Refusal(RefusalType.BAD_VALUE, fault)
    path = about["path"]
    if not isinstance(path, str) or len(path) > 512 or not _PATH.fullmatch(path):
        return Refusal(RefusalType.BAD_VALUE, "`path` is no path of a step")
    step = _find_step(run, path)
    if isinstance(step, Refusal):
        return step
    fault = _find_instant(about["done_at"], "done_at") or _find_people(about)
    if fault:
        return Refusal(RefusalType.BAD_VALUE, fault)
    outputs = about["outputs"]
    if not isinstance(outputs, dict) or size_of(outputs) > _SIZE:
        return Refusal(RefusalType.BAD_FORM, f"`outputs` is no mapping of at most {_SIZE} bytes")
    fault = find_form_fault(fields_of(step), outputs)
    if fault:
        return Refusal(RefusalType.BAD_FORM, f"`{step['id']}`: {fault}")
    if body["role"] not in find_recording(step):
        wanted = " or ".join(find_recording(step))
        return Refusal(RefusalType.WRONG_ROLE, f"that `{step['id']}` was done outside is recorded by {wanted}")
    return _refuse_late(run, path, step)


def _find_step(run: Run, path: str) -> ActionStep | TaskStep | Refusal:
    static = re.sub(r"\[[^\]]*\]", "", path)
    placed = next((one for one in run.loaded.steps.values() if one.step["path"] == static), None)
    if placed is None:
        return Refusal(RefusalType.BAD_VALUE, f"the plan has no step at `{static}`")
    step = placed.step
    if step["kind"] not in {"action", "task"}:
        return Refusal(RefusalType.BAD_VALUE, f"`{step['id']}` is a {step['kind']}; actions and tasks are done outside")
    if path.count("[") != len(placed.loops):
        return Refusal(
            RefusalType.BAD_VALUE, f"`{step['id']}` stands in {len(placed.loops)} loops; name the iterations"
        )
    kinds = {one.step["path"]: one.step["kind"] for one in run.loaded.steps.values()}
    if "[*]" in path and any(kinds.get(loop) != "for_each" for loop in placed.loops):
        return Refusal(RefusalType.BAD_VALUE, "`[*]` stands for the items of a `for_each`, not for rounds")
    return step


def _refuse_late(run: Run, path: str, step: Step) -> Refusal | None:
    """What the run has done itself, is doing, or has been told already."""
    state = run.state
    table = state.get("outside", {})
    if path in table or re.sub(r"\[\d+\]", "[*]", path) in table:
        return Refusal(RefusalType.REPEATED, f"that `{step['id']}` was done outside is recorded already")
    if len(table) >= MOST_OUTSIDE:
        return Refusal(RefusalType.BUSY, f"{MOST_OUTSIDE} things are recorded as done outside; a run takes no more")
    done = next((one for one in _prefixes(path) if one in state["results"]), "")
    if done:
        return Refusal(RefusalType.LATE, f"the run has passed `{done}` itself at {state['results'][done]['at']}")
    for running in run.running:
        if path in {running, re.sub(r"\[\d+\]", "[*]", running)} and not waiting_asks(run, running):
            return Refusal(RefusalType.BUSY, f"the run carries out `{running}` now; wait for what comes of it")
    return None


def _prefixes(path: str) -> Iterator[str]:
    for found in re.finditer(r"/|(?=\[)|$", path):
        if found.start():
            yield path[: found.start()]
    for found in re.finditer(r"\]", path):
        yield path[: found.end()]


def _refuse_decided(run: Run, body: dict[str, Json]) -> Refusal | None:
    about = body.get("about")
    fault = _find_form(about, _DECIDED_KEYS)
    if fault or not isinstance(about, dict):
        return Refusal(RefusalType.BAD_VALUE, fault)
    if not all(isinstance(about[key], str) and 0 < len(about[key]) <= 128 for key in ("step", "option", "by", "as")):
        return Refusal(RefusalType.BAD_VALUE, "`step`, `option`, `by` and `as` are short texts")
    fault = _find_instant(about["decided_at"], "decided_at") or _find_people({**about, "by": [about["by"]]})
    if fault:
        return Refusal(RefusalType.BAD_VALUE, fault)
    placed = run.loaded.steps.get(about["step"])
    options = options_of(placed.step) if placed else ()
    if about["option"] not in options:
        known = ", ".join(options) or "asks nobody"
        return Refusal(RefusalType.UNKNOWN_OPTION, f"`{about['step']}` has no such option: {known}")
    if len(run.state.get("on_paper", ())) >= MOST_PAPER:
        return Refusal(RefusalType.BUSY, f"{MOST_PAPER} decisions on paper are recorded; a run takes no more")
    return None


def _find_form(about: object, keys: set[str]) -> str:
    if not isinstance(about, dict) or set(about) != keys:
        return f"`about` of the statement holds {', '.join(sorted(keys))}"
    return ""


def _find_instant(given: object, name: str) -> str:
    try:
        at = parse_instant(given) if isinstance(given, str) else None
    except ValueError:
        at = None
    if at is None:
        return f"`{name}` is not an instant with an offset"
    return f"`{name}` lies in the future" if at > workflow.now() + FUTURE else ""


def _find_people(about: dict[str, Json]) -> str:
    for name in ("by", "witnesses"):
        people = about[name]
        if not isinstance(people, list) or len(people) > _PEOPLE:
            return f"`{name}` is a list of at most {_PEOPLE} people"
        if not all(isinstance(one, str) and _PERSON.fullmatch(one) for one in people):
            return f"`{name}` holds ids of people"
    return "" if about["by"] else "`by` names nobody"


# -- acting ---------------------------------------------------------------------------------------------------------


def _done(run: Run, body: dict[str, Json], mark: str) -> None:
    about = body["about"]
    assert isinstance(about, dict)
    path = str(about["path"])
    step = _find_step(run, path)
    assert not isinstance(step, Refusal)
    second = needs_second(step)
    record: Outside = {
        "path": path,
        "step": step["id"],
        "done_at": render_instant(parse_instant(about["done_at"])),
        "by": [str(one) for one in about["by"]],
        "witnesses": [str(one) for one in about["witnesses"]],
        "outputs": dict(about["outputs"]),
        **_said(run, body, mark),  # type: ignore[typeddict-item]
        "state": "proposed" if second else "recorded",
    }
    run.state.setdefault("outside", {})[path] = record
    note_outside(run, EntryKind.OUTSIDE_PROPOSED if second else EntryKind.OUTSIDE_DONE, record)
    call_off(run, path)
    run.stir()


def note_outside(run: Run, kind: str, record: Outside, **more: Json) -> None:
    """Write down what was done outside; both times are in the entry: when it was done, and when that was recorded."""
    data: dict[str, Json] = {
        "done_at": record["done_at"],
        "by": list(record["by"]),
        "witnesses": list(record["witnesses"]),
        "outputs_digest": digest(record["outputs"]),
        "role": record["role"],
        "statement": record["statement"],
        "reason_ref": record["reason_ref"],
        **more,
    }
    run.journal.note(kind, step=record["step"], path=record["path"], actor=record["person"], data=data)


def _decided(run: Run, body: dict[str, Json], mark: str) -> None:
    about = body["about"]
    assert isinstance(about, dict)
    record: OnPaper = {
        "step": str(about["step"]),
        "option": str(about["option"]),
        "by": str(about["by"]),
        "decided_as": str(about["as"]),
        "decided_at": render_instant(parse_instant(about["decided_at"])),
        "witnesses": [str(one) for one in about["witnesses"]],
        **_said(run, body, mark),  # type: ignore[typeddict-item]
    }
    run.state.setdefault("on_paper", []).append(record)
    data: dict[str, Json] = {key: value for key, value in record.items() if key not in {"step", "person", "at"}}
    run.journal.note(EntryKind.OUTSIDE_DECIDED, step=record["step"], actor=record["person"], data=data)


def _said(run: Run, body: dict[str, Json], mark: str) -> dict[str, str]:
    return {
        "person": str(body["person"]),
        "role": str(body["role"]),
        "at": run.now,
        "reason_ref": str(body["reason_ref"]),
        "statement": mark,
    }


OUTSIDE_VERBS: dict[str, Verb] = {
    "record_outside": Verb(_done, (), _refuse_done),
    "record_decision": Verb(_decided, (), _refuse_decided),
}
"""What is recorded of an hour in which the run could not be asked. Who may say it is each step's to know."""
