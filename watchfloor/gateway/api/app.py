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
from watchfloor.gateway.api.doors import Doors
from watchfloor.gateway.api.following import add_events
from watchfloor.gateway.api.incidents import add_incidents
from watchfloor.gateway.api.processes import add_processes
from watchfloor.gateway.api.runbooks import add_runbooks
from watchfloor.gateway.api.seals import Seals
from watchfloor.gateway.api.shapes import ProblemBody
from watchfloor.gateway.api.waiting import add_waiting
from watchfloor.gateway.api.webhooks import add_webhooks
from watchfloor.gateway.indexing import Changes
from watchfloor.gateway.problems import MEDIA_TYPE, Problem, render_problem
from watchfloor.gateway.triggers import Plans
from watchfloor.intake.deliveries import Deliveries
from watchfloor.ledger import SqliteLedger

VERSION = "1"
ROOT = "/api/v1"
_ABOUT = (
    "Trigger incidents, report facts, read and follow what runs. Every refusal is an RFC 9457 problem with a stable "
    "`code`. Send `Idempotency-Key` with whatever starts or reports something: the same key does it once."
)


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
    seals: Seals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seals", Seals(self.face.secret))


def build_api(desk: ApiDesk) -> FastAPI:
    """The API over a desk, to be mounted at `ROOT`."""
    answers = {
        code: {"model": ProblemBody, "content": {MEDIA_TYPE: {}}, "description": text}
        for code, text in {
            400: "The request is not as HTTP or JSON wants it",
            401: "No valid key was shown",
            403: "The key, or its source, may not do this",
            413: "The body is larger than is taken; send references",
            422: "A field does not fit; `fields` names each",
            429: "Too many; wait as `retry-after` says",
            503: "Try again; nothing was done, or doing it again is safe",
        }.items()
    }
    app = FastAPI(
        title="Watchfloor",
        version=VERSION,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        servers=[{"url": ROOT}],
        responses=answers,  # type: ignore[arg-type]
    )
    app.add_exception_handler(Problem, render_problem)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(RequestValidationError, _render_shape)
    add_incidents(app, desk)
    add_events(app, desk)
    further = (add_waiting, add_decisions, add_clocks, add_processes, add_boards, add_runbooks)
    for add in (*further, add_deliveries, add_webhooks):
        add(app, desk)
    return app


def _render_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method"}
    detail = {404: "nothing is offered at this address", 405: "this address takes another method"}
    status = error.status_code
    return render_problem(request, Problem(status, codes.get(status, "refused"), detail.get(status, "refused")))


def _render_shape(request: Request, error: Exception) -> JSONResponse:
    """Which fields do not fit. Names of the API are told, what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    fields = []
    for one in error.errors()[:20]:
        if one["type"] == "json_invalid":
            return render_problem(request, Problem(400, "not_json", "the body is not one JSON value"))
        known = one["loc"] if one["type"] != "extra_forbidden" else one["loc"][:1]
        place = ".".join(str(part)[:40] for part in known[:3])
        fields.append({"field": place, "expected": one["msg"][:200], "fix": "see /api/v1/openapi.json"})
    return render_problem(
        request, Problem(422, "shape", "the fields named do not fit; nothing was done", fields=fields)
    )
