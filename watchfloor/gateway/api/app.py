"""The application under `/api/v1`: its document, its edge, its routes."""

from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from schemas.incident import Limits
from watchfloor.cases import CaseIndex
from watchfloor.client.face import Face
from watchfloor.client.runs import LIMITS
from watchfloor.gateway.admission import Admission
from watchfloor.gateway.api.boards import add_boards
from watchfloor.gateway.api.clocks import add_clocks
from watchfloor.gateway.api.decisions import add_decisions
from watchfloor.gateway.api.deliveries import add_deliveries
from watchfloor.gateway.api.document import ABOUT, describe
from watchfloor.gateway.api.doors import Doors
from watchfloor.gateway.api.following import add_events
from watchfloor.gateway.api.fresh import Fresh
from watchfloor.gateway.api.incidents import add_incidents
from watchfloor.gateway.api.mistakes import REFERENCE, StrictRoute, render_mistakes
from watchfloor.gateway.api.processes import add_processes
from watchfloor.gateway.api.reference import add_reference
from watchfloor.gateway.api.runbooks import add_runbooks
from watchfloor.gateway.api.seals import Seals
from watchfloor.gateway.api.shapes import ProblemBody
from watchfloor.gateway.api.waiting import add_waiting
from watchfloor.gateway.api.webhooks import add_webhooks
from watchfloor.gateway.indexing import Changes
from watchfloor.gateway.problems import Problem, render_http, render_problem
from watchfloor.gateway.triggers import Plans
from watchfloor.intake.deliveries import Deliveries
from watchfloor.ledger import SqliteLedger

VERSION = "1"
ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class ApiDesk:
    """What the API of one region works with."""

    face: Face
    index: CaseIndex
    changes: Changes
    ledger: SqliteLedger
    doors: Doors
    plans: Plans = field(default_factory=Plans)
    limits: Limits = field(default_factory=lambda: LIMITS)
    quiet: float = 15.0
    """Seconds after which an event stream says that it is still there."""
    deliveries: Deliveries | None = None
    """What other systems delivered to this gateway; without it, it takes no deliveries."""
    webhooks_path: Path | None = None
    """Where the book of webhooks out is."""
    admission: Admission = field(default_factory=Admission)
    """How many incidents are started at once."""
    fresh: Fresh = field(default_factory=Fresh)
    seals: Seals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seals", Seals(self.face.secret))


def build_api(desk: ApiDesk) -> FastAPI:
    """The API over a desk, to be mounted at `ROOT`."""
    answers: dict[int | str, dict[str, object]] = {
        status: {"model": ProblemBody} for status in (400, 401, 403, 413, 422, 429, 503)
    }
    app = FastAPI(
        title="Watchfloor",
        version=VERSION,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        servers=[{"url": ROOT}],
        responses=answers,
        redirect_slashes=False,
    )
    app.add_exception_handler(Problem, render_problem)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(RequestValidationError, render_mistakes)
    app.router.route_class = StrictRoute
    add_incidents(app, desk)
    add_events(app, desk)
    further = (add_waiting, add_decisions, add_clocks, add_processes, add_boards, add_runbooks)
    for add in (*further, add_deliveries, add_webhooks):
        add(app, desk)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    add_reference(app)
    return app


def _render_http(request: Request, error: Exception) -> JSONResponse:
    return render_http(request, error, hint=f"; {REFERENCE} says what is")
