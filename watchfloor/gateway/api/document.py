"""The OpenAPI document: what the routes say of themselves, and what no route can say by itself.

That is: how the addresses belong together, which scope opens each, how a refusal looks, what an order and its answer
look like.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from watchfloor.gateway.problems import MEDIA_TYPE, TITLES

ABOUT: Final = "\n\n".join(
    (
        "Trigger incidents, report facts, read and follow what runs. People answer what is asked in the console; a "
        "machine never does.",
        "Show a key as `Authorization: Bearer wf_…`. `watchfloor machines make NAME --region REGION --scope SCOPE` "
        "makes one; an incident of a compartment exists only for keys made with its `--clearance`.",
        "Send `Idempotency-Key` with whatever starts or reports something: the same key does it once, so after a "
        "broken connection send the same again.",
        "Every refusal is an RFC 9457 problem with a stable `code`; `fields` says for each thing that does not fit "
        "what does, and how to mend it. A parameter that an address does not have is refused.",
        "A list gives `next`, the `cursor` of the page after, null on the last. Most answers have an `ETag`: with "
        "`If-None-Match` what you know already is 304. Instants are RFC 3339 in UTC. `revision`, `next` and event ids "
        "are sealed to your key: give them back and read nothing into them.",
    )
)
TAGS: Final[tuple[tuple[str, str], ...]] = (
    ("start", "Start an incident, report a fact. Both want an `Idempotency-Key`, and a repeat does nothing twice."),
    ("incidents", "What runs: one line of each, the whole board of one, what waits, who decided, which clocks run."),
    ("region", "What presses in the whole region, the nearest deadline first."),
    ("dashboards", "Boards in bulk, and streams of what changes."),
    ("holds and handoffs", "Legal holds, and what is handed between regions."),
    ("library", "Runbooks: what each takes, and what lint finds in it."),
    ("deliveries", "What other systems sent here, and what they were told."),
)
"""How the addresses are grouped, in the order in which somebody new reads them."""
ROUTES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "post /incidents": ("start", "Start an incident"),
        "post /incidents/{incident}/facts": ("start", "Report a fact"),
        "get /incidents": ("incidents", "List incidents"),
        "get /incidents/{incident}": ("incidents", "Read the board of an incident"),
        "get /incidents/{incident}/summary": ("incidents", "Read one line of the list"),
        "get /incidents/{incident}/asks": ("incidents", "List what waits on people, of one incident"),
        "get /incidents/{incident}/decisions": ("incidents", "List who decided what"),
        "get /incidents/{incident}/clocks": ("incidents", "List the clocks of one incident"),
        "get /incidents/{incident}/timeline": ("incidents", "Page through the ledger of an incident"),
        "get /incidents/{incident}/events": ("incidents", "Follow the ledger of an incident"),
        "get /incidents/{incident}/ledger": ("incidents", "Export the ledger of an incident"),
        "get /asks": ("region", "List every open question"),
        "get /tasks": ("region", "List every open task"),
        "get /clocks": ("region", "List every clock that runs"),
        "get /events": ("dashboards", "Follow every incident"),
        "get /boards": ("dashboards", "Read many boards"),
        "get /boards/lines": ("dashboards", "Read every board as lines"),
        "get /holds": ("holds and handoffs", "List legal holds"),
        "get /holds/{hold}": ("holds and handoffs", "Read a legal hold"),
        "get /handoffs": ("holds and handoffs", "List handoffs"),
        "get /handoffs/{handoff}": ("holds and handoffs", "Read a handoff"),
        "get /runbooks": ("library", "List runbooks"),
        "get /runbooks/{runbook}": ("library", "Read what a runbook takes"),
        "get /runbooks/{runbook}/findings": ("library", "List what lint finds in a runbook"),
        "get /deliveries": ("deliveries", "List what other systems delivered"),
        "get /deliveries/{delivery}": ("deliveries", "Read a delivery"),
        "get /webhooks/deliveries": ("deliveries", "List what other systems were told"),
    }
)
"""Each address with its group and its name."""
_REFUSALS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        400: ("not_json", "The body is not strict JSON, or did not arrive in time"),
        401: ("not_signed_in", "No valid key was shown; unknown, expired and revoked ones are told the same"),
        403: ("scope", "The key, or its source, may not do this"),
        404: ("not_found", "There is none, or it is not this key's to see"),
        409: ("key_reused", "The message contradicts what stands"),
        410: ("closed", "The incident has ended"),
        413: ("too_large", "The body is larger than is taken; send references"),
        415: ("media_type", "The body does not say that it is JSON"),
        422: (
            "shape",
            "A field, a header or a parameter does not fit; `fields` names each, with what fits and how to mend it",
        ),
        429: ("rate", "This key asks too often; wait as `Retry-After` says"),
        503: ("unavailable", "Send the same again when `Retry-After` says; nothing is done twice"),
    }
)
_ORDER: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "runbook": "eu-tco-removal-order",
        "inputs": {
            "order_id": "DE-2026-0117",
            "received_at": "2026-11-22T02:55:00Z",
            "issuing_state": "DE",
            "urls": ["https://video.example/v/001"],
        },
    }
)
_ID: Final = "inc-2e3skr2hpw3drh6qvdti"
_STARTED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "state": "started",
        "incident": _ID,
        "region": "eu",
        "runbook": "eu-tco-removal-order",
        "url": f"/api/v1/incidents/{_ID}",
        "closed": False,
    }
)
_EXAMPLES: Final[Mapping[str, tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]]] = MappingProxyType(
    {
        "post /incidents": (_ORDER, {"202": _STARTED, "200": {**_STARTED, "state": "joined"}}),
        "post /incidents/{incident}/facts": (
            {"fact": "clarification_received", "value": "2026-11-22T03:20:00Z"},
            {
                "200": {
                    "state": "recorded",
                    "incident": _ID,
                    "fact": "clarification_received",
                    "digest": "sha256:3b81d89feba82758bc89aa3af4ee248a1fdcee234e72707cf8045eb9ec61923a",
                }
            },
        ),
    }
)
"""Body, and answers by their status."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of the API's routes; made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=app.servers,
            tags=[{"name": name, "description": text} for name, text in TAGS],
        )
        for path, methods in made["paths"].items():
            for method, operation in methods.items():
                _complete(f"{method} {path}", operation)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(route: str, operation: dict[str, Any]) -> None:
    tag, name = ROUTES[route]
    operation["tags"], operation["summary"] = [tag], name
    # one scope is enough, so each is a way of its own
    operation["security"] = [
        {scheme: [scope]} for way in operation["security"] for scheme, scopes in way.items() for scope in scopes
    ]
    answers: dict[str, Any] = operation["responses"]
    for status, answer in answers.items():
        if int(status) in _REFUSALS:
            answers[status] = _refusal(int(status))
        elif status == "304":
            answer["headers"] = {"ETag": _header("The one that you gave.")}
        elif "304" in answers:
            answer["headers"] = {"ETag": _header("Give it as `If-None-Match`: what you know already is 304.")}
        if answer.get("description") in {"Successful Response", "OK"}:
            answer["description"] = (
                "The same as before: this key had started it" if status == "200" and "202" in answers else name
            )
    operation["responses"] = dict(sorted(answers.items()))
    if route == "post /incidents":
        for status in ("200", "202"):
            answers[status]["headers"] = {"Location": _header("Where the incident is found.")}
    body, said = _EXAMPLES.get(route, ({}, {}))
    if body:
        operation["requestBody"]["content"]["application/json"]["example"] = dict(body)
    for status, example in said.items():
        answers[status]["content"]["application/json"]["example"] = dict(example)


def _refusal(status: int) -> dict[str, Any]:
    code, text = _REFUSALS[status]
    example = {
        "type": f"urn:watchfloor:problem:{code}",
        "title": TITLES[status],
        "status": status,
        "code": code,
        "detail": text,
    }
    if status == 422:
        example["fields"] = [
            {"field": "inputs.issuing_state", "expected": "one of `AT`, `BE`, `DE`", "fix": "use one of these"}
        ]
    headers = {401: {"WWW-Authenticate": _header("`Bearer`: show a key.")}}
    later = {"Retry-After": _header("Seconds to wait.", "integer")}
    answer: dict[str, Any] = {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}, "example": example}},
    }
    if found := headers.get(status, later if status in {429, 503} else None):
        answer["headers"] = found
    return answer


def _header(description: str, type_: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": type_}}
