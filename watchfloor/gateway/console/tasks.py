"""What is said to a task from any page: claim it, tick an item, hand it back without a word."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from watchfloor.client.errors import ClientError, EngineUnavailable
from watchfloor.client.tasks import claim_task, hand_back_task, tick_item
from watchfloor.gateway.console.gate import Visitor, read_form, safe_path
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.problems import Problem

Word = Literal["claim", "hand-back", "tick"]


def offer_tasks(app: FastAPI, pages: Pages) -> None:
    """One address for each word; the page that it was said on comes back."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.post("/tasks/{word}/{workflow}/{path:path}")
    async def say(word: Word, workflow: str, path: str, request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        case = await pages.case(visitor, workflow)
        face, person, now = pages.desk.face, visitor.person.id, datetime.now(UTC)
        try:
            match word:
                case "claim":
                    await claim_task(face, workflow, path, person=person, signed_in=visitor.signed_in, now=now)
                case "hand-back":
                    await hand_back_task(face, workflow, path, person=person, signed_in=visitor.signed_in, now=now)
                case "tick":
                    item = said.get("item", "")
                    await tick_item(face, workflow, path, item, person=person, signed_in=visitor.signed_in, now=now)
        except EngineUnavailable as error:
            raise Problem(503, "unavailable", str(error), retry_after=5) from error
        except ClientError as error:
            raise Problem(409, "refused", str(error)) from error
        await pages.settle(case)
        return RedirectResponse(safe_path(said.get("back", "")), 303)
