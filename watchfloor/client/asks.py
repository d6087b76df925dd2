"""Find the ask that a person means: on the incident itself or on the hold, handoff or review it started."""

import asyncio
import contextlib
from dataclasses import dataclass

from schemas.decision import OpenAsk, RefusalType
from schemas.incident import Board
from watchfloor.client.errors import Ambiguous, EngineUnavailable, NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.inbox import InboxUnavailable, StatementInbox
from watchfloor.client.permission import require_inside
from watchfloor.client.runs import board
from watchfloor.identity.people import Person

_LEFT_OUT: dict[str, object] = {
    "asks": [],
    "decided": [],
    "steps": [],
    "loops": [],
    "clocks": [],
    "facts": {},
    "measures": [],
    "children": [],
}
"""What of a board is not needed to answer an ask, so it is not remembered."""


@dataclass(frozen=True, slots=True)
class AskAt:
    """An open ask and the workflow that waits for its answer. A decision goes to that workflow, nowhere else."""

    workflow: str
    board: Board
    ask: OpenAsk


@dataclass(frozen=True, slots=True)
class Family:
    """A run with everything it started in this region. `silent` are those that did not answer, with the reason."""

    board: Board
    children: dict[str, Board]
    silent: dict[str, str]

    @property
    def asks(self) -> list[AskAt]:
        """All open asks, the most urgent first."""
        found = [
            AskAt(each["workflow"], each, ask) for each in (self.board, *self.children.values()) for ask in each["asks"]
        ]
        return sorted(found, key=lambda at: at.ask["deadline_at"] or "9999")

    @property
    def decided(self) -> list[AskAt]:
        """Gates that are decided and have had no effect yet."""
        boards = (self.board, *self.children.values())
        return [AskAt(each["workflow"], each, ask) for each in boards for ask in each.get("decided", [])]


async def family(face: Face, workflow: str) -> Family:
    """The board of a run and of its children.

    Raises:
        NotFound, EngineUnavailable: for the run itself; a child that does not answer is named in `silent`.
    """
    own = await board(face, workflow)
    names = list(dict.fromkeys(report["workflow"] for report in own["children"] if report["workflow"]))
    answers = await asyncio.gather(*(board(face, name) for name in names), return_exceptions=True)
    children: dict[str, Board] = {}
    silent: dict[str, str] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, (NotFound, EngineUnavailable)):
            silent[name] = str(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            children[name] = answer
    found = Family(own, children, silent)
    if face.inbox is not None:
        await asyncio.to_thread(_remember, face.inbox, found)
    return found


def _remember(inbox: StatementInbox, found: Family) -> None:
    """A face that cannot write here still shows everything; it then cannot be answered without a worker."""
    with contextlib.suppress(InboxUnavailable):
        asks = [{"workflow": at.workflow, "board": {**at.board, **_LEFT_OUT}, "ask": at.ask} for at in found.asks]
        inbox.remember(found.board["workflow"], asks)


async def find_ask(face: Face, run: str, step: str, someone: Person, *, decided: bool = False) -> AskAt:
    """The open ask, with `decided` also one whose decision has no effect yet; while no worker answers, as it was last
    shown here. Who may not see the run learns nothing of what waits in it."""
    try:
        found = await family(face, run)
        require_inside(face, someone, found.board)
        return pick_ask(found, step, decided=decided)
    except EngineUnavailable:
        remembered = await asyncio.to_thread(recall_ask, face, run, step)
        if remembered is None:
            raise
        return remembered


def recall_ask(face: Face, run: str, step: str) -> AskAt | None:
    """The ask as it was last shown here, for when no worker answers; the run refuses if it has changed since.

    Raises:
        Refused, Ambiguous: as `pick_ask`.
    """
    if face.inbox is None:
        return None
    try:
        shown = face.inbox.recall(run)
    except InboxUnavailable:
        return None
    asks = [AskAt(one["workflow"], one["board"], one["ask"]) for one in shown]
    fits = [at for at in asks if step in {at.ask["path"], at.ask["step"]} or at.ask["path"].endswith("/" + step)]
    if len(fits) > 1:
        raise Ambiguous(step, [at.ask["path"] for at in fits])
    return fits[0] if fits else None


def pick_ask(found: Family, step: str, *, decided: bool = False) -> AskAt:
    """The open ask named by a runtime path, a step id, or the end of a path; with `decided` also a decided gate that
    has had no effect yet.

    Raises:
        Refused: nothing of that name waits; what does is listed.
        Ambiguous: the step waits in several places (iterations of a loop); their paths are named.
    """
    asks = found.asks + (found.decided if decided else [])
    for fits in (
        [at for at in asks if at.ask["path"] == step],
        [at for at in asks if at.ask["step"] == step],
        [at for at in asks if at.ask["path"].endswith("/" + step) or at.workflow == step],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise Ambiguous(step, [at.ask["path"] for at in fits])
    waiting = ", ".join(f"`{at.ask['path']}`" for at in asks) or "nothing"
    state = found.board["state"]
    if state not in {"open", "paused"} and not asks:
        raise Refused(RefusalType.CLOSED, f"`{found.board['workflow']}` is {state}; nothing waits for a decision")
    raise Refused(RefusalType.NOT_WAITING, f"`{step}` does not wait for a decision; waiting now: {waiting}")
