"""People of a scenario answer asks that they were shown, perhaps long ago: what they sign is what they saw then."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from schemas.decision import DECISION, Decision, OpenAsk, RefusalType
from schemas.incident import UPDATE_DECIDE, Board
from schemas.json_value import Json
from watchfloor.client import Face, Refused
from watchfloor.client.forms import read_form
from watchfloor.scenarios.model import Answer
from watchfloor.signing import digest, render_instant

_VALID_FOR = timedelta(minutes=5)


async def send_answer(
    face: Face, answer: Answer, seen: OpenAsk, board: Board, *, form: Mapping[str, Json], now: datetime, nth: int
) -> None:
    """Send one person's answer to the workflow that asked, by the update that every face uses.

    Args:
        seen: the ask as the person saw it; the run decides whether it still stands.
        board: of the workflow that asked, as seen then.
        nth: counts what this person has said, so that each statement is one of its own.

    Raises:
        Refused: by the run's validator or handler.
        InputsRefused: the form does not fit.
    """
    body: Decision = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": board["workflow"],
        "plan": board["plan"],
        "path": seen["path"],
        "ask": seen["ask"],
        "option": answer.choose,
        "form": read_form(seen["form"], form, now=now),
        "person": answer.person.id,
        "role": answer.person.role,
        "entity": "scenario",
        "signed_in": "dev",
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + _VALID_FOR),
        "nonce": hashlib.sha256(f"{answer.line}:{nth}".encode()).hexdigest()[:32],
        "reason_ref": digest(answer.reason.encode()),
    }
    envelope = face.sign(DECISION, cast(dict[str, Json], body))
    try:
        await face.client.get_workflow_handle(board["workflow"]).execute_update(UPDATE_DECIDE, envelope)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        if not isinstance(cause, ApplicationError):
            raise
        raise Refused(cause.type or "refused", cause.message) from error
    except RPCError as error:
        raise Refused(RefusalType.CLOSED, f"`{board['workflow']}` takes no answers any more") from error
