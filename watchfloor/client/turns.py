"""What a person takes next: of the tasks that wait for them the most urgent, without those that are for others now.

Nothing is claimed by looking. What somebody does not take, is capped for or rests from is left out, and why is for
that person alone. Whoever had least of what a task exposes to is proposed for it first; how much work anybody has done
is no part of it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from watchfloor.authorisation import Question
from watchfloor.client.asks import AskAt, Family, family
from watchfloor.client.errors import ClientError
from watchfloor.client.exposure import mark_of
from watchfloor.client.face import Face
from watchfloor.client.permission import about_run, ask_question
from watchfloor.client.runs import list_incidents
from watchfloor.client.statements import DEV, SignIn, admit_person
from watchfloor.client.tasks import seats_of_task
from watchfloor.identity.people import Person
from watchfloor.identity.reaching import reach, reach_backup
from watchfloor.signing import find_priority, parse_instant
from watchfloor.signing.tasks import end_of_claim, find_claim
from watchfloor.wellness import Wellness, WellnessUnavailable
from watchfloor.wellness.asking import propose
from watchfloor.wellness.desk import task_mark
from watchfloor.wellness.rules import BETWEEN_SHIFTS

MOST_RUNS = 1000
"""Incidents that are looked through, the latest first."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that somebody may take. `why` is in words, for them."""

    workflow: str
    step: str
    path: str
    exposure: str
    """Empty where nothing is known to expose."""
    priority: str
    deadline_at: str | None
    named: bool
    """Meant for this person and nobody else."""
    first: bool
    """Whether they are proposed for it before others; True where nothing exposes."""
    why: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task that is for others now. `why` is for the person who asked alone."""

    workflow: str
    step: str
    path: str
    exposure: str
    why: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person may take, the most urgent first. `claimed` they have already; `silent` runs did not answer."""

    person: str
    tasks: tuple[Waiting, ...]
    left_out: tuple[LeftOut, ...]
    claimed: tuple[str, ...]
    silent: tuple[str, ...]


async def find_turn(face: Face, person: str, *, signed_in: SignIn = DEV, now: datetime | None = None) -> Turn:
    """Look through the open incidents of the region for tasks that this person may do.

    By priority, then the nearest deadline, then by what was asked first.

    Raises:
        Refused: nobody has this id, or development sign-in was tried beyond this machine.
        EngineUnavailable: the engine does not say which incidents are open.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    runs = [run.incident for run in await list_incidents(face, limit=MOST_RUNS) if run.closed_at is None]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(run: str) -> Family | None:
        async with gate:
            try:
                return await family(face, run)
            except ClientError:
                return None

    answers = await asyncio.gather(*(look(run) for run in runs))
    tasks: list[tuple[str, str, str, Waiting]] = []
    left_out: list[LeftOut] = []
    claimed: list[str] = []
    for found in answers:
        for at in found.asks if found is not None else ():
            if not is_for(face, at, someone, signed_in, now):
                continue
            claim = find_claim(at.ask, now)
            if claim is not None:
                claimed += [f"{at.workflow} {at.ask['path']}"] if claim["person"] == someone.id else []
                continue
            board = found.board if found is not None else at.board
            priority = find_priority(board["severity"], board.get("pressure", ""), now)
            one = await asyncio.to_thread(weigh, face, at, someone, priority, now)
            if isinstance(one, LeftOut):
                left_out.append(one)
            else:
                tasks.append((priority, one.deadline_at or "9999", at.ask["asked_at"], one))
    tasks.sort(key=lambda each: (*each[:3], each[3].workflow, each[3].path))
    left_out.sort(key=lambda each: (each.workflow, each.path))
    silent = tuple(run for run, found in zip(runs, answers, strict=True) if found is None)
    return Turn(someone.id, tuple(each[3] for each in tasks), tuple(left_out), tuple(sorted(claimed)), silent)


def is_for(
    face: Face,
    at: AskAt,
    someone: Person,
    signed_in: SignIn,
    now: datetime,
    allows: Callable[[Question], bool] | None = None,
) -> bool:
    """Whether a person may see a task and take it, by the policies and by whom the run asks.

    Args:
        allows: answers for the policies, where a face remembers what they said; the face's own when left out.
    """
    allows = allows or (lambda question: face.authority.judge(question).allowed)
    ask = at.ask
    if ask["kind"] != "task" or ask.get("person", someone.id) != someone.id:
        return False
    if ask["deadline_at"] is not None and now >= parse_instant(ask["deadline_at"]):
        return False
    run = about_run(at.board)
    return any(
        allows(ask_question(face, someone, "view", run, role, "", signed_in))
        and allows(ask_question(face, someone, "control", run, role, "claim", signed_in))
        for role in seats_of_task(ask)
        if role in someone.roles
    )


def weigh(face: Face, at: AskAt, someone: Person, priority: str, now: datetime) -> Waiting | LeftOut:
    """Whether a person is asked to take a task now, whether before others, and why in words for them. Reads the
    wellness file."""
    exposure = at.ask.get("exposure", "")
    named = "person" in at.ask
    first, why = True, "" if named else "whoever holds the role may take it"
    if exposure and face.wellness is not None:
        try:
            allowed, first, why = _propose(face, face.wellness, at, someone, now)
        except WellnessUnavailable:
            allowed, why = False, "nobody can say now whether you may take it: the wellness file cannot be read"
        if not allowed:
            return LeftOut(at.workflow, at.ask["step"], at.ask["path"], exposure, why)
    return Waiting(
        workflow=at.workflow,
        step=at.ask["step"],
        path=at.ask["path"],
        exposure=exposure,
        priority=priority,
        deadline_at=at.ask["deadline_at"],
        named=named,
        first=first or named,
        why="; ".join(one for one in ("it is meant for you" if named else "", why) if one),
    )


def _propose(face: Face, desk: Wellness, at: AskAt, someone: Person, now: datetime) -> tuple[bool, bool, str]:
    """Whether a person is asked for a task that exposes, whether before others, and why in words for them."""
    exposure, roles, rotas = at.ask["exposure"], seats_of_task(at.ask), desk.rotas()
    length = end_of_claim(at.ask, now) - now
    verdict = desk.takes(someone.id, exposure, run=task_mark(at.workflow), task=mark_of(at), length=length, now=now)
    reached = [reach(role, face.region, now, rotas=rotas, people=face.people) for role in roles]
    on_call = propose(desk, exposure, dict.fromkeys(one for each in reached for one in each.people), now=now)
    if not verdict.allowed:
        beside = [reach_backup(role, face.region, now, rotas=rotas, people=face.people) for role in roles]
        others = {one for each in beside for one in each.people} | set(on_call)
        lenient = verdict.code == BETWEEN_SHIFTS and desk.caps.between is not None and not desk.caps.between.refuses
        alone = not propose(desk, exposure, sorted(others - {someone.id}), now=now)
        if lenient and alone:
            return True, False, f"{verdict.words}; nobody else takes it now"
        return False, False, verdict.words
    if on_call and on_call[0] == someone.id:
        return True, True, f"of those on call who take `{exposure}`, nobody had less of it; you are proposed first"
    if someone.id in on_call:
        said = f"somebody else on call is proposed first: they had no more of `{exposure}` than you"
        return True, False, f"{said}; you may take it all the same"
    if on_call:
        return True, False, "somebody on call is asked before you; you may take it all the same"
    return True, True, f"nobody on call takes `{exposure}` now; you do"
