"""Gather what `show` and `watch` put on the screen."""

import asyncio
from typing import TYPE_CHECKING

from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.cli.board_view import View, decide_command
from watchfloor.client.asks import family
from watchfloor.client.attempts import gather_attempts
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.motions import read_text
from watchfloor.client.runs import board, plan_of
from watchfloor.signing.standing import find_questions

PROPOSED = frozenset({"severity", "dismissal", "outside"})
"""Kinds of ask that somebody has opened with a reason of their own."""

if TYPE_CHECKING:
    from watchfloor.cli.faces import Here


async def read_view(here: "Here", face: Face, run: str, *, plan: Plan | None = None) -> View:
    """The boards of a run, of what it started, and of the receiving side of its handoffs where that is in reach.

    Raises:
        NotFound, EngineUnavailable: for the run itself.
    """
    found = await family(face, run)
    if plan is None and found.board["kind"] == "incident":
        plan = await plan_of(face, run)
    abroad: dict[str, Board] = {}
    for report in found.board["children"]:
        if report["kind"] != "handoff":
            continue
        incoming = incoming_id(report["workflow"])
        for other in here.faces.values():
            if other.region != face.region and await here.shows(other, incoming):
                try:
                    abroad[report["workflow"]] = await board(other, incoming)
                except (NotFound, EngineUnavailable):
                    continue
    refs = {str(body["reason_ref"]) for at in found.asks for said in find_questions(at.ask).values() for body in said}
    # whoever agrees to a proposal must read why it was made
    for at in found.asks:
        if at.ask["kind"] in PROPOSED:
            refs |= {str(one["value"]) for one in at.ask["shown"] if one["label"] == "reason"}
    texts = {ref: await asyncio.to_thread(read_text, face, ref) for ref in sorted(refs)}
    attempts = await asyncio.to_thread(gather_attempts, face.ledger_path, found.asks)
    return View(found, plan, abroad, texts, attempts)


def incoming_id(handoff: str) -> str:
    """The id of the receiving side's process."""
    return "in-" + handoff.partition("-")[2]


def view_as_json(view: View) -> dict[str, Json]:
    """What `show --json` prints: the boards as they are, and for each ask the command that answers it."""
    return {
        "board": view.found.board,
        "children": view.found.children,
        "silent": view.found.silent,
        "abroad": view.abroad,
        "texts": view.texts,
        "attempts": [
            {
                "run": run,
                "path": path,
                "action": one.action,
                "inputs": dict(one.inputs) if one.inputs is not None else None,
                "inputs_digest": one.digest,
                "at": one.at,
                "number": one.number,
            }
            for (run, path), one in view.attempts.items()
        ],
        "commands": {at.ask["path"]: decide_command(at) for at in view.found.asks},
    }
