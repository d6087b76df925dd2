"""Doubtful effects and failed steps by number: what became of them, said for one or for many at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.client.asks import AskAt
from watchfloor.client.attempts import Attempts, find_attempts, find_step_path
from watchfloor.client.errors import ClientError, Refused
from watchfloor.client.face import Face
from watchfloor.client.loop_items import say_place
from watchfloor.client.standstill import find_step, say_error
from watchfloor.client.statements import Sent, send_decision
from watchfloor.gateway.console.ask_view import Value, list_values
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.views import is_mine
from watchfloor.signing import digest

MOST = 200
"""Troubles that are answered at once; each is a signed statement of its own."""
KINDS = ("doubt", "failed")
_UNREAD: Mapping[str, Attempts] = {}
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One doubt or failure. `number` is how the page counts it; `item` which item of a loop, as people count; `inputs`
    what was to be done to what, as far as the ledger tells."""

    number: int
    kind: str
    workflow: str
    path: str
    ask: str
    step: str
    item: str
    inputs: tuple[Value, ...]
    what: str
    deadline_at: str | None
    options: tuple[str, ...]
    roles: tuple[str, ...]
    mine: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of one answer: sent, or why not."""

    where: str
    sent: Sent | None
    told: str = ""


def read_attempts(face: Face, boards: Sequence[Board]) -> dict[str, Attempts]:
    """What was announced where something is doubtful or has failed, by run."""
    return {
        board["workflow"]: find_attempts(
            face.ledger_path, board["workflow"], [ask["path"] for ask in board["asks"] if ask["kind"] in KINDS]
        )
        for board in boards
        if any(ask["kind"] in KINDS for ask in board["asks"])
    }


def list_troubles(
    boards: Sequence[Board], plan: Plan | None, visitor: Visitor, attempts: Mapping[str, Attempts] = _UNREAD
) -> dict[str, list[Trouble]]:
    """Doubts and failures that wait, by kind, numbered from 1 in an order that stays.

    Args:
        attempts: run -> what was announced there.
    """
    found: dict[str, list[Trouble]] = {}
    for kind in KINDS:
        asks = [(board, ask) for board in boards for ask in board["asks"] if ask["kind"] == kind]
        asks.sort(key=lambda one: (one[0]["workflow"], _natural(one[1]["path"])))
        found[kind] = [
            _draw(number, board, ask, plan, visitor, attempts.get(board["workflow"], Attempts()))
            for number, (board, ask) in enumerate(asks, 1)
        ]
    return found


def _draw(number: int, board: Board, ask: OpenAsk, plan: Plan | None, visitor: Visitor, attempts: Attempts) -> Trouble:
    error = next((str(one["value"]) for one in ask["shown"] if one["label"] == "error"), "")
    what = f"`{ask['action']}`: did it get there?" if ask["kind"] == "doubt" else f"failed: {say_error(error)}"
    attempt = attempts.by_path.get(find_step_path(ask["path"]))
    return Trouble(
        number=number,
        kind=ask["kind"],
        workflow=board["workflow"],
        path=ask["path"],
        ask=ask["ask"],
        step=ask["step"],
        item=say_place(plan, board, ask["path"]),
        inputs=tuple(list_values(ask, (attempt and attempt.inputs) or {}, {})),
        what=what,
        deadline_at=ask["deadline_at"],
        options=tuple(ask["options"]),
        roles=tuple(
            dict.fromkeys(role for slots in ask["options"].values() for slot in slots for role in slot["any_of"])
        ),
        mine=is_mine(ask, visitor.person),
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """The one action of a step. What only `reads` announces nothing."""

    action: str
    reads: bool


def find_tried(plan: Plan | None, ask: OpenAsk) -> Tried | None:
    """What a step that failed was to do; None where it is no action, or the plan cannot be read."""
    step = find_step(plan, ask["step"])
    if ask["kind"] != "failed" or ask["path"].endswith("!undo!failed") or step is None or step["kind"] != "action":
        return None
    return Tried(str(step["action"]), step["effect"] == "reads")


def _natural(path: str) -> tuple[object, ...]:
    """`a[2]` before `a[10]`."""
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", path))


def read_numbers(text: str, most: int) -> list[int]:
    """`1, 3, 5-9` as numbers in their order, each once.

    Raises:
        Refused: it is none, or names one that is not there.
    """
    found: dict[int, None] = {}
    for part in text.replace(",", " ").split():
        match = _RANGE.fullmatch(part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= low <= high <= most:
            raise Refused(
                "bad_value", f"`{part[:20]}` is no number of this list; expected such as `1, 3, 5-9` up to {most}"
            )
        found.update(dict.fromkeys(range(low, high + 1)))
    return list(found)


async def resolve(
    face: Face, visitor: Visitor, boards: Sequence[Board], said: Mapping[str, str], picked: Sequence[str]
) -> list[Resolved]:
    """Answer every trouble that the form names; whoever calls has seen that the list is the one that was shown.

    Args:
        said: `kind`, `option`, `reason`, and `numbers` as typed.
        picked: the numbers that were marked.

    Raises:
        Refused: nothing is named, or too many; nothing was sent.
    """
    troubles = list_troubles(boards, None, visitor).get(said.get("kind", ""), [])
    wanted = list(
        dict.fromkeys(
            [*read_numbers(" ".join(picked), len(troubles)), *read_numbers(said.get("numbers", ""), len(troubles))]
        )
    )
    if not wanted:
        raise Refused("bad_value", "nothing is chosen: mark at least one, or write its number")
    if len(wanted) > MOST:
        raise Refused("bad_value", f"{len(wanted)} are chosen; at most {MOST} at once")
    asks = {
        (board["workflow"], ask["path"]): AskAt(board["workflow"], board, ask)
        for board in boards
        for ask in board["asks"]
    }
    places = [troubles[number - 1] for number in wanted]
    return [await _answer(face, visitor, asks[one.workflow, one.path], one.number, said) for one in places]


def mark_troubles(boards: Sequence[Board], kind: str, visitor: Visitor) -> str:
    """What a form about troubles of one kind was made over: each of them, in its order."""
    return digest([[one.workflow, one.path, one.ask] for one in list_troubles(boards, None, visitor).get(kind, [])])


async def _answer(face: Face, visitor: Visitor, at: AskAt, number: int, said: Mapping[str, str]) -> Resolved:
    try:
        sent = await send_decision(
            face,
            at.workflow,
            at.ask["path"],
            said.get("option", ""),
            person=visitor.person.id,
            reason=said.get("reason", ""),
            signed_in=visitor.signed_in,
            shown=at,
        )
    except ClientError as error:
        return Resolved(f"{number}", None, str(error))
    return Resolved(f"{number}", sent)
