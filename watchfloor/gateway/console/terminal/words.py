"""What is said from a terminal: signed by the gateway as what a form of the console says, over what was shown."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from schemas.terminal import Answer, Receipt, Remark, Work
from watchfloor.cases import Case
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import ClientError, EngineUnavailable, InputsRefused, NotFound, Refused
from watchfloor.client.keyed import needs_key
from watchfloor.client.motions import send_motion
from watchfloor.client.statements import Sent, send_decision
from watchfloor.client.tasks import claim_task, hand_back_task, tick_item
from watchfloor.gateway.console.ask_view import takes_form
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.terminal.looks import find_reference
from watchfloor.gateway.console.views import find_seat
from watchfloor.gateway.problems import Problem
from watchfloor.identity.people import Person

CHANGED = "what is asked here has changed since you were shown it; nothing was sent"
GONE = "nothing waits here any more: it was decided, or its time ran out; nothing was sent"
KEYED = (
    "`{option}` needs your security key, touched for this one decision, and a terminal has none; nothing was sent. "
    "Decide it in the console, in a browser"
)


async def answer(pages: Pages, visitor: Visitor, said: Answer) -> Receipt:
    """Answer a question as it was shown.

    Raises:
        Problem: 404 it is not there for this person, 409 refused, 422 the form does not fit, 503 nothing is known.
    """

    async def send(at: AskAt) -> Sent:
        if needs_key(pages.desk.face, visitor.person, at.board, at.ask, said.option, visitor.signed_in):
            raise Refused(RefusalType.SECURITY_KEY, KEYED.format(option=said.option))
        form: dict[str, Json] = {name: text for name, text in said.form.items() if text}
        return await send_decision(
            pages.desk.face,
            at.workflow,
            at.ask["path"],
            said.option,
            person=visitor.person.id,
            role=find_role(at.ask, visitor.person, said.option),
            reason=said.reason,
            form=form if takes_form(at.ask, said.option) else {},
            signed_in=visitor.signed_in,
            shown=at,
        )

    return await _say(pages, visitor, said, send)


async def speak(pages: Pages, visitor: Visitor, said: Remark) -> Receipt:
    """Say something else at a question as it was shown.

    Raises:
        Problem: as `answer`.
    """

    async def send(at: AskAt) -> Sent:
        about: dict[str, Json] = {}
        if said.verb == "delegate":
            about = {"to": said.to.strip()}
        elif said.verb == "narrow":
            to = {name: [find_reference(at.ask, one) for one in texts] for name, texts in said.inputs.items()}
            about = {"to": dict(to), "leave_out": [find_reference(at.ask, one) for one in said.leave_out]}
        return await send_motion(
            pages.desk.face,
            at.workflow,
            at.ask["path"],
            said.verb,
            person=visitor.person.id,
            reason=said.reason,
            about=about,
            signed_in=visitor.signed_in,
            shown=at,
        )

    return await _say(pages, visitor, said, send)


async def work(pages: Pages, visitor: Visitor, said: Work) -> Receipt:
    """Claim a task, hand it back, tick an item.

    Raises:
        Problem: as `answer`.
    """

    async def send(at: AskAt) -> Sent:
        face, person, how, now = pages.desk.face, visitor.person.id, visitor.signed_in, datetime.now(UTC)
        path = at.ask["path"]
        if said.verb == "claim":
            return await claim_task(face, at.workflow, path, person=person, signed_in=how, now=now)
        if said.verb == "hand_back":
            return await hand_back_task(face, at.workflow, path, person=person, signed_in=how, now=now)
        return await tick_item(face, at.workflow, path, said.item, person=person, signed_in=how, now=now)

    return await _say(pages, visitor, said, send)


async def _say(
    pages: Pages, visitor: Visitor, said: Answer | Remark | Work, send: Callable[[AskAt], Awaitable[Sent]]
) -> Receipt:
    case = await pages.case(visitor, said.workflow)
    try:
        at = await _find(pages, case, said)
        sent = await send(at)
    except Refused as error:
        raise Problem(409, error.type, error.message) from error
    except InputsRefused as error:
        raise Problem(422, "inputs", str(error)) from error
    except NotFound as error:
        raise Problem(404, "not_found", "there is nothing of this id that you may see") from error
    except EngineUnavailable as error:
        raise Problem(503, "unavailable", str(error), retry_after=5) from error
    except ClientError as error:
        raise Problem(409, "refused", str(error)) from error
    if sent.recorded:
        await pages.settle(case)
    return Receipt(
        v=1,
        workflow=sent.workflow,
        path=sent.path,
        digest=sent.digest,
        recorded=sent.recorded,
        state=sent.state,
        waiting_for=list(sent.waiting_for),
        reason_ref=sent.reason_ref,
        note=sent.note,
    )


async def _find(pages: Pages, case: Case, said: Answer | Remark | Work) -> AskAt:
    """The question as the run has it now, if it is the one that was shown.

    Raises:
        Refused: it is another one, or waits no more.
    """
    at = await pages.ask_now(case.incident, said.path, case.board)
    if at is None:
        raise Refused(RefusalType.NOT_WAITING, GONE)
    if at.ask["ask"] != said.ask:
        raise Refused(RefusalType.CHANGED, CHANGED)
    return at


def find_role(ask: OpenAsk, person: Person, option: str) -> str | None:
    """The role in which the console's form would send this answer; None leaves it to the face."""
    seat = find_seat(ask, person)
    wanted = {role for slot in ask["options"].get(option, ()) for role in slot["any_of"]}
    return seat if seat in wanted else None
