"""What people did or decided outside a run, told to it in a person's name with its real time.

Where a step stands is written as its id or its path; inside loops the items are named by number, from 1, or all at
once. What the step gives is stated too; an instant that is left out is the time at which it was done.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas.decision import RefusalType
from schemas.json_value import Json
from schemas.plan import ActionStep, Plan, Step, TaskStep
from watchfloor.client.errors import InputProblem, InputsRefused, Refused
from watchfloor.client.face import Face
from watchfloor.client.forms import from_text
from watchfloor.client.inputs import read_instant, validate_inputs
from watchfloor.client.runs import plan_of
from watchfloor.client.statements import DEV, Sent, SignIn, admit_person, send_control
from watchfloor.identity.people import Person
from watchfloor.language.graph_clocks import list_steps
from watchfloor.signing import render_instant
from watchfloor.signing.outside import fields_of, find_recording

__all__ = [
    "ALL",
    "fields_of",
    "fill_outputs",
    "find_doable",
    "find_paths",
    "find_recording",
    "find_speaking",
    "record_outside",
]

ALL = "all"


async def record_outside(
    face: Face,
    run: str,
    step: str,
    *,
    at: str,
    by: Sequence[str],
    witnesses: Sequence[str] = (),
    outputs: Mapping[str, Json] | None = None,
    items: Sequence[str] = (),
    person: str,
    role: str | None = None,
    reason: str,
    signed_in: SignIn = DEV,
    now: datetime,
) -> tuple[Sent, ...]:
    """Tell an incident that people carried out a step themselves: it is not done again.

    Args:
        step: id or path of an action or task.
        at: when it was done: an instant, `now` or `-40m`.
        by: who did it; `witnesses`: who saw it. Ids of the directory of people.
        outputs: what the step gives; text is read according to its types.
        items: of a step in a loop, the numbers of the items from 1, or `all`.

    Raises:
        Refused: by this face or the run; InputsRefused: what it gives does not fit. Nothing of what follows was sent.
        NotFound, EngineUnavailable: nothing was sent.
    """
    plan = await plan_of(face, run)
    someone = admit_person(face, person, signed_in)
    found = find_doable(plan, step)
    for one in (*by, *witnesses):
        admit_person(face, one, signed_in)
    done_at = read_past_instant(at, "at", now)
    given = fill_outputs(found, outputs or {}, done_at, now)
    speaking = role or find_speaking(found, someone)
    sent = []
    for path in find_paths(plan, found, items):
        about: dict[str, Json] = {
            "path": path,
            "done_at": done_at,
            "by": list(by),
            "witnesses": list(witnesses),
            "outputs": dict(given),
        }
        sent.append(
            await send_control(
                face,
                run,
                "record_outside",
                person=person,
                role=speaking,
                reason=reason,
                about=about,
                signed_in=signed_in,
                now=now,
            )
        )
    return tuple(sent)


def find_doable(plan: Plan, step: str) -> ActionStep | TaskStep:
    """The action or task of a plan by id or path.

    Raises:
        Refused: there is none of that name, or it is of another kind.
    """
    steps = list(list_steps(plan))
    found = next((one for one in steps if step in {one["id"], one["path"]}), None)
    doable = ", ".join(f"`{one['id']}`" for one in steps if one["kind"] in {"action", "task"})
    if found is None:
        raise Refused(RefusalType.BAD_VALUE, f"`{plan['id']}` has no step `{step[:80]}`; what can be done: {doable}")
    if found["kind"] not in {"action", "task"}:
        raise Refused(
            RefusalType.BAD_VALUE, f"`{found['id']}` is a {found['kind']}, which nobody carries out; expected {doable}"
        )
    return found


def find_paths(plan: Plan, step: Step, items: Sequence[str]) -> tuple[str, ...]:
    """The runtime paths that a record names: one without a loop, else one for each item of the innermost loop.

    Rounds of a `repeat` count from 1 in the run too; items of a `for_each` from 0.

    Raises:
        Refused: the items do not fit where the step stands.
    """
    loops = [one for one in list_steps(plan) if one["kind"] in {"for_each", "repeat"} and _holds(one, step)]
    if not loops:
        if items:
            raise Refused(RefusalType.BAD_VALUE, f"`{step['id']}` stands in no loop; leave the items out")
        return (step["path"],)
    if len(loops) > 1 and list(items) != [ALL]:
        raise Refused(RefusalType.BAD_VALUE, f"`{step['id']}` stands in {len(loops)} loops; only `all` can be named")
    kind, at = loops[-1]["kind"], loops[-1]["path"]
    if not items:
        raise Refused(RefusalType.BAD_VALUE, f"`{step['id']}` is done for each item; say for which: numbers, or `all`")
    marks = []
    for item in items:
        if item == ALL and all(one["kind"] == "for_each" for one in loops):
            marks.append("*")
        elif item.isdecimal() and 0 < int(item) <= 10_000:
            marks.append(str(int(item) - (kind == "for_each")))
        else:
            wanted = "a number from 1" if kind == "repeat" else "a number from 1, or `all`"
            raise Refused(RefusalType.BAD_VALUE, f"`{item[:20]}` names no item of `{step['id']}`; expected {wanted}")
    if marks == ["*"]:
        path = step["path"]
        for loop in reversed(loops):
            path = f"{loop['path']}[*]{path[len(loop['path']) :]}"
        return (path,)
    return tuple(f"{at}[{mark}]{step['path'][len(at) :]}" for mark in dict.fromkeys(marks))


def _holds(loop: Step, step: Step) -> bool:
    """Whether a step stands in a loop's body; what follows its exhaustion does not."""
    inner = loop["steps"] if loop["kind"] in {"for_each", "repeat"} else []
    return step["path"].startswith(f"{loop['path']}/") and any(
        step["path"] == one["path"] or step["path"].startswith(f"{one['path']}/") for one in inner
    )


def fill_outputs(
    step: ActionStep | TaskStep, given: Mapping[str, Json], done_at: str, now: datetime
) -> dict[str, Json]:
    """What the step gave, checked; an instant that is needed and left out is when it was done.

    Raises:
        InputsRefused: naming every field that does not fit.
    """
    fields = dict(fields_of(step))
    values = {name: from_text(fields.get(name), value) for name, value in given.items()}
    for name, spec in fields.items():
        if name not in values and spec["type"] == "timestamp" and not spec.get("optional"):
            values[name] = done_at
    try:
        return validate_inputs(fields, values, now=now, relative=True)
    except InputsRefused as refused:
        raise InputsRefused(
            [
                InputProblem(one.field.replace("inputs.", "outputs.", 1), one.found, one.expected, one.fix)
                for one in refused.problems
            ]
        ) from refused


def find_speaking(step: ActionStep | TaskStep, someone: Person) -> str:
    """The role in which somebody records what was done at this step; their first role where none fits, for the run to
    refuse."""
    return next((role for role in find_recording(step) if role in someone.roles), someone.roles[0])


def read_past_instant(text: str, field: str, now: datetime) -> str:
    """An instant that is not to come, `now` or `-40m`.

    Raises:
        InputsRefused: it is none.
    """
    try:
        found = read_instant(text, now)
    except (ValueError, OverflowError):
        found = None
    if found is None or found > now:
        expected = "an instant that has been, such as 2026-11-28T03:10Z, `now` or `-40m`"
        raise InputsRefused([InputProblem(field, f"`{text[:40]}`", expected, "write date, time and offset")])
    return render_instant(found)
