"""People of a scenario speak to asks that they were shown, perhaps long ago: what they sign is what they saw then."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from schemas.decision import DECISION, MOTION, OpenAsk, RefusalType
from schemas.incident import UPDATE_DECIDE, Board
from schemas.json_value import Json
from watchfloor.client import Face, Refused
from watchfloor.client.forms import read_form
from watchfloor.client.motions import find_question, name_holders
from watchfloor.client.runs import board as read_board
from watchfloor.scenarios.model import Answer
from watchfloor.signing import digest, render_instant
from watchfloor.signing.standing import ABSTAIN, ANSWER

_VALID_FOR = timedelta(minutes=5)


async def send_answer(
    face: Face, answer: Answer, seen: OpenAsk, board: Board, *, form: Mapping[str, Json], now: datetime, nth: int
) -> None:
    """Send what one person answers or says to the workflow that asked, by the update that every face uses.

    Args:
        seen: the ask as the person saw it; the run decides whether it still stands.
        board: of the workflow that asked, as seen then.
        nth: counts what this person has said, so that each statement is one of its own.

    Raises:
        Refused: by the run's validator or handler.
        InputsRefused: the form does not fit.
    """
    common = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": board["workflow"],
        "plan": board["plan"],
        "path": seen["path"],
        "ask": seen["ask"],
        "person": answer.person.id,
        "role": answer.person.role,
        "entity": "scenario",
        "signed_in": "dev",
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + _VALID_FOR),
        "nonce": hashlib.sha256(f"{answer.line}:{nth}".encode()).hexdigest()[:32],
        "reason_ref": digest(answer.reason.encode()),
    }
    body: dict[str, Json]
    if answer.say:
        about = name_holders(face, seen) if answer.say == ABSTAIN else dict(answer.about)
        if answer.say == ANSWER:
            # the question came after they were shown the ask
            now_open = (await read_board(face, board["workflow"]))["asks"]
            about["question"] = find_question(next((one for one in now_open if one["path"] == seen["path"]), seen))
        body = {**common, "verb": answer.say, "about": dict(about)}
    else:
        body = {**common, "option": answer.choose, "form": read_form(seen["form"], form, now=now)}
        body |= {"on_behalf_of": answer.behalf} if answer.behalf else {}
    envelope = face.sign(MOTION if answer.say else DECISION, body)
    try:
        await face.client.get_workflow_handle(board["workflow"]).execute_update(UPDATE_DECIDE, envelope)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        if not isinstance(cause, ApplicationError):
            raise
        raise Refused(cause.type or "refused", cause.message) from error
    except RPCError as error:
        raise Refused(RefusalType.CLOSED, f"`{board['workflow']}` takes no answers any more") from error
