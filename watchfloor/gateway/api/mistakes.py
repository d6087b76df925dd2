"""What somebody got wrong in a request, told so that it can be mended without the guide.

Names of the API are told, what was sent is not repeated: it may be what should not be in a log.
"""

import difflib
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from watchfloor.client.library import library_ids
from watchfloor.gateway.bodies import MEDIA, parse_document, want_media
from watchfloor.gateway.problems import Problem, render_problem
from watchfloor.identity.roles import ROLES

REFERENCE = "/api/v1/"
"""Where every address is described, for people."""
MOST_FIELDS = 20
_NAMED = 40
"""Characters of a name that are told."""
_HEADERS = {
    "Idempotency-Key": (
        "a header `Idempotency-Key`: your own id of this order or fact, 1 to 200 visible ASCII characters",
        "send `Idempotency-Key: ORDER-17`; the same key does it once, so a repeat is safe",
    ),
    "Last-Event-ID": (
        "the `id` of the last event you have seen, as this stream gave it",
        "give back what the stream gave, or leave the header out",
    ),
}
_PATHS = {
    "incident": ("the whole id of an incident, `inc-` and 20 characters", "take it from `incident` of an answer"),
    "hold": ("the whole id of a hold, `hold-` and 20 characters", "take it from `hold` of an answer"),
    "handoff": ("the whole id of a handoff, `hand-` or `in-` and 20 characters", "take it from `handoff` of an answer"),
    "delivery": ("the whole id of a delivery, `del-` and 20 characters", "take it from `delivery` of an answer"),
}


class StrictRoute(APIRoute):
    """A route that takes JSON and nothing else: no form, no name that stands twice, no `NaN`, nothing nested for ever;
    and no parameter in the address that it does not know, for one that is mistyped would choose everything."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler over a request that is read strictly."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_strictly(request: Request) -> Response:
            return await handle(await _read(request))

        return handle_strictly


class _Read(Request):
    """A request whose body has been read and parsed."""

    document: Any = None

    async def json(self) -> Any:
        return self.document


async def _read(request: Request) -> Request:
    read = _Read(request.scope, request.receive)
    content = await read.body()  # capped and timed where it arrives
    if content:
        want_media(request, (MEDIA,))
        read.document = parse_document(content)
    return read


def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the route of a request does not have.

    Raises:
        Problem: 422, with the nearest that it has.
    """
    known = sorted(_parameters(request.scope["route"].dependant))
    wrong = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if wrong:
        fields = [
            {"field": "query", "expected": _one_of(known, "no parameter"), "fix": _nearest(name, known)}
            for name in wrong[:MOST_FIELDS]
        ]
        detail = "the address has a parameter that is not known here; nothing was done"
        raise Problem(422, "shape", detail, fields=fields)


def render_mistakes(request: Request, error: Exception) -> JSONResponse:
    """Which fields do not fit, what was expected of each, and how to mend it."""
    assert isinstance(error, RequestValidationError)
    fields = [_explain(one, request) for one in error.errors()[:MOST_FIELDS]]
    detail = "the fields named do not fit; nothing was done"
    return render_problem(request, Problem(422, "shape", detail, fields=fields))


def name_missing(runbook: str) -> str:
    """The sentence for a runbook that the library does not have, with the nearest that it has."""
    near = difflib.get_close_matches(runbook[:80], library_ids(), n=1)
    hint = f"did you mean `{near[0]}`?" if near else "`GET /api/v1/runbooks` lists them"
    return f"no runbook of this id in the library; {hint}"


def want_role(role: str) -> str:
    """A role, as a filter names it; empty for all.

    Raises:
        Problem: 422, there is none of this name.
    """
    if role and role not in ROLES:
        field = {"field": "query.role", "expected": _one_of(sorted(ROLES), ""), "fix": _nearest(role, ROLES)}
        raise Problem(422, "shape", "there is no such role; nothing was done", fields=[field])
    return role


def _parameters(dependant: Dependant) -> set[str]:
    own = {str(one.alias) for one in dependant.query_params}
    return own.union(*(_parameters(one) for one in dependant.dependencies))


def _explain(one: Any, request: Request) -> dict[str, str]:
    place, kind = tuple(one["loc"]), str(one["type"])
    if place[0] == "header" and place[-1] in _HEADERS:
        expected, fix = _HEADERS[str(place[-1])]
    elif place[0] == "path" and place[-1] in _PATHS:
        expected, fix = _PATHS[str(place[-1])]
    elif kind == "extra_forbidden":
        known = _body_fields(request)
        # the name is the sender's own text: it is not told, what it may have been meant for is
        return {"field": "body", "expected": _one_of(known, "no field"), "fix": _nearest(str(place[-1]), known)}
    elif kind == "missing":
        expected, fix = "a value", f"send this field; {REFERENCE} describes it"
    elif kind in {"model_attributes_type", "model_type", "dict_type"}:
        expected, fix = "a JSON object, `{…}`", f"{REFERENCE} has an example"
    else:
        # pydantic's own sentence: what it expects, and never the value
        expected, fix = str(one["msg"]).removeprefix("Input should be ")[:200], f"{REFERENCE} describes it"
    return {"field": ".".join(str(part)[:_NAMED] for part in place[:3]), "expected": expected, "fix": fix}


def _body_fields(request: Request) -> list[str]:
    body = request.scope["route"].body_field
    model = body.field_info.annotation if body is not None else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _one_of(known: Collection[str], none: str) -> str:
    return f"only {', '.join(f'`{name}`' for name in known)}" if known else none


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:80], list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else "leave it out"
