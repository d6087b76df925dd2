"""The queue of a person: of all tasks that wait, which is theirs to take next, and taking it.

Ordered like `watchfloor next` (priority, nearest deadline, asked first), but over boards that a face has at hand, so
that thousands of waiting cases cost one look. Who takes a task is decided by its run alone: of two people who press at
once one is told that it is somebody else's, and goes on to the next.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.decision import RefusalType
from schemas.incident import Board
from watchfloor.authorisation import Question
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import NotFound, Refused
from watchfloor.client.exposure import EXPOSURE
from watchfloor.client.face import Face
from watchfloor.client.statements import DEV, Sent, SignIn
from watchfloor.client.tasks import claim_task, seats_of_task
from watchfloor.client.turns import LeftOut, Waiting, is_for, weigh
from watchfloor.identity.people import Person
from watchfloor.signing import find_priority
from watchfloor.signing.tasks import end_of_claim, find_claim
from watchfloor.wellness import WellnessUnavailable

MOST_TRIED = 10
"""Tasks tried in one press: whoever loses that many races is told so."""
MOST_WEIGHED = 400
"""Different kinds of task asked about at the wellness file for one page."""
GONE = frozenset(
    {
        RefusalType.CLAIMED,
        RefusalType.NOT_WAITING,
        RefusalType.CHANGED,
        RefusalType.LATE,
        RefusalType.CLOSED,
        RefusalType.PAUSED,
    }
)
"""Refusals that say: this one is no longer to be had."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A task in the queue, with the board of the incident that it belongs to."""

    at: AskAt
    root: Board
    priority: str

    @property
    def key(self) -> str:
        """Names the task on a page: the process that asks and the path there."""
        return f"{self.at.workflow}/{self.at.ask['path']}"

    @property
    def exposure(self) -> str:
        return self.at.ask.get("exposure", "")

    @property
    def is_case(self) -> bool:
        """Whether it is one item of a queue, and no incident."""
        return self.root.get("mode", "incident") == "case"


@dataclass(frozen=True, slots=True)
class Queue:
    """What a person may take, the most urgent first, and what they have. Counts only; nothing of it is kept."""

    waiting: tuple[Queued, ...]
    mine: tuple[Queued, ...]


@dataclass(frozen=True, slots=True)
class Picked:
    """The head of a queue, weighed against what the person takes. `left_out` counts, by class, what is for others."""

    tasks: tuple[tuple[Queued, Waiting], ...]
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that is this person's now."""

    task: Queued
    sent: Sent


def list_queue(
    face: Face,
    someone: Person,
    boards: Iterable[Board],
    *,
    allows: Callable[[Question], bool] | None = None,
    signed_in: SignIn = DEV,
    now: datetime,
) -> Queue:
    """The tasks on these boards that this person may take, and those that they have.

    Args:
        boards: every board that the person may see, incidents with what they started.
        allows: answers for the policies, where a face remembers what they said.
    """
    known = list(boards)
    roots = {str(report["workflow"]): board for board in known for report in board["children"]}
    waiting: list[Queued] = []
    mine: list[Queued] = []
    for board in known:
        root = roots.get(board["workflow"], board)
        for ask in board["asks"]:
            at = AskAt(board["workflow"], board, ask)
            if ask["kind"] != "task":
                continue
            claim = find_claim(ask, now)
            if claim is not None and claim["person"] != someone.id:
                continue
            priority = find_priority(root["severity"], root.get("pressure", ""), now)
            if claim is not None or ask.get("person") == someone.id:
                mine.append(Queued(at, root, priority))
            elif is_for(face, at, someone, signed_in, now, allows):
                waiting.append(Queued(at, root, priority))
    return Queue(tuple(sorted(waiting, key=_order)), tuple(sorted(mine, key=_order)))


def pick(face: Face, someone: Person, waiting: Iterable[Queued], most: int, *, now: datetime) -> Picked:
    """The first tasks of a queue that this person is asked to take now. Reads the wellness file, so not on a loop."""
    resting = _rests(face, someone, now)
    said: dict[tuple[object, ...], Waiting | LeftOut] = {}
    found: list[tuple[Queued, Waiting]] = []
    left_out: dict[str, int] = {}
    for one in waiting:
        kind = _kind(one, resting=resting, now=now)
        if kind not in said:
            if len(said) >= MOST_WEIGHED:
                break
            said[kind] = weigh(face, one.at, someone, one.priority, now)
        verdict = said[kind]
        if isinstance(verdict, LeftOut):
            left_out[one.exposure] = left_out.get(one.exposure, 0) + 1
        elif len(found) < most:
            found.append((one, verdict))
    return Picked(tuple(found), left_out)


async def claim_next(
    face: Face,
    someone: Person,
    tasks: Sequence[Queued],
    *,
    exposure: str,
    signed_in: SignIn = DEV,
    now: datetime,
) -> Claimed | None:
    """Claim the first of these tasks that is still to be had; None when none was.

    Args:
        tasks: in order, each one that the person is asked to take.
        exposure: the class that the person was shown; what exposes to another is not taken in its place.

    Raises:
        Refused: this person may not have it, and no other would be had either.
        EngineUnavailable: nobody answers; nothing was taken.
    """
    fitting = [one for one in tasks if one.exposure in {"", exposure}]
    for one in fitting[:MOST_TRIED]:
        path = one.at.ask["path"]
        try:
            sent = await claim_task(face, one.at.workflow, path, person=someone.id, signed_in=signed_in, now=now)
        except NotFound:
            continue
        except Refused as error:
            if error.type not in GONE and error.type != EXPOSURE:
                raise
            continue
        return Claimed(one, sent)
    return None


async def pick_apart(face: Face, someone: Person, waiting: Sequence[Queued], most: int, *, now: datetime) -> Picked:
    """`pick` for callers on a loop."""
    return await asyncio.to_thread(pick, face, someone, waiting, most, now=now)


def _rests(face: Face, someone: Person, now: datetime) -> bool:
    try:
        return face.wellness is not None and face.wellness.rest_of(someone.id, now=now) is not None
    except WellnessUnavailable:
        return False  # weighing says so for each task that exposes


def _order(one: Queued) -> tuple[str, str, str, str, str]:
    ask = one.at.ask
    return one.priority, ask["deadline_at"] or "9999", ask["asked_at"], one.at.workflow, ask["path"]


def _kind(one: Queued, *, resting: bool, now: datetime) -> tuple[object, ...]:
    """What a person's answer depends on: the class, how long a claim would last, whom it is for. Who rests may go on
    in one incident alone, so then it depends on that too."""
    length: timedelta = end_of_claim(one.at.ask, now) - now
    return one.exposure, round(length.total_seconds()), tuple(seats_of_task(one.at.ask)), one.at.workflow * resting
