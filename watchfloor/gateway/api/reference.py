"""The reference for people: the OpenAPI document as one page without a script, which prints."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from json import dumps
from typing import Any

from fastapi import FastAPI, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from watchfloor.gateway.api.document import TAGS, describe

ROOT = "/api/v1"
_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"}
_KEY = '-H "Authorization: Bearer $WATCHFLOOR_KEY"'


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter or field: what it may be, and whether it must be there; `shape` names what it is made of."""

    name: str
    place: str
    type: str
    shape: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an address."""

    status: str
    about: str
    media: str
    shape: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One address as the page shows it."""

    anchor: str
    method: str
    path: str
    name: str
    about: str
    scopes: tuple[str, ...]
    parameters: tuple[Row, ...]
    body: str
    curl: str
    good: tuple[Answer, ...]
    refusals: tuple[Answer, ...]


def add_reference(app: FastAPI) -> None:
    """Offer the page and its style sheet."""
    templates = Environment(
        loader=PackageLoader("watchfloor.gateway.api"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )

    @cache
    def page() -> str:
        document = describe(app)
        operations = list(_operations(document))
        groups = [(name, about, [one for tag, one in operations if tag == name]) for name, about in TAGS]
        return templates.get_template("reference.html").render(
            about=document["info"]["description"].split("\n\n"),
            groups=groups,
            shapes=list(_shapes(document)),
            root=ROOT,
        )

    style = resources.files(__package__).joinpath("templates/reference.css").read_bytes()

    @app.get("/", include_in_schema=False)
    async def reference() -> Response:
        return Response(page(), media_type="text/html", headers=_HEADERS)

    @app.get("/reference.css", include_in_schema=False)
    async def sheet() -> Response:
        return Response(style, media_type="text/css")


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            answers = [_answer(status, answer) for status, answer in one["responses"].items()]
            body = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield (
                one["tags"][0],
                Operation(
                    anchor=one["operationId"],
                    method=method.upper(),
                    path=path,
                    name=one["summary"],
                    about=one.get("description", ""),
                    scopes=tuple(scope for way in one["security"] for scopes in way.values() for scope in scopes),
                    parameters=tuple(
                        _row(part["name"], part["in"], part["schema"], part["required"], part.get("description", ""))
                        for part in one.get("parameters", ())
                    ),
                    body=_name_of(body.get("schema", {})),
                    curl=_curl(method, path, one, body.get("example")),
                    good=tuple(answer for answer in answers if answer.status < "4"),
                    refusals=tuple(answer for answer in answers if answer.status >= "4"),
                ),
            )


def _answer(status: str, answer: Mapping[str, Any]) -> Answer:
    contents: dict[str, dict[str, Any]] = answer.get("content", {})
    media = next(iter(contents), "")
    content = contents.get(media, {})
    example = dumps(content["example"], indent=2) if "example" in content and status < "4" else ""
    about = answer.get("description", "")
    told = " ".join(f"`{name}`: {one['description']}" for name, one in answer.get("headers", {}).items())
    return Answer(
        status, f"{about}. {told}".strip() if told else about, media, _name_of(content.get("schema", {})), example
    )


def _curl(method: str, path: str, one: Mapping[str, Any], example: Any) -> str:
    address = f'"$WATCHFLOOR{ROOT}{path}"'.replace("{", "$").replace("}", "")
    for name in ("incident", "hold", "handoff", "delivery", "runbook"):
        address = address.replace(f"${name}", f"${name.upper()}")
    stream = "-sN" if "text/event-stream" in one["responses"].get("200", {}).get("content", {}) else "-s"
    lines = [f"curl {stream} {address} {_KEY}"]
    if method == "post":
        lines += [
            '  -H "Idempotency-Key: ORDER-17" -H "Content-Type: application/json"',
            f"  -d {shlex.quote(dumps(example))}",
        ]
    return " \\\n".join(lines)


def _shapes(document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Row]]]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        required = schema.get("required", ())
        rows = [
            _row(field, "", one, field in required, one.get("description", ""))
            for field, one in schema.get("properties", {}).items()
        ]
        yield name, schema.get("description", ""), rows


def _row(name: str, place: str, schema: Mapping[str, Any], required: bool, about: str) -> Row:
    return Row(name, place, _say_type(schema), _name_of(schema), required, about)


def _name_of(schema: Mapping[str, Any]) -> str:
    """The shape that a schema is made of, its own or that of its items; empty when it is of none with a name."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    parts = [*schema.get("anyOf", ()), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    return next(filter(None, map(_name_of, parts)), "")


def _say_type(schema: Mapping[str, Any]) -> str:
    """A type in words: `text, at most 80 characters`, `list of Waiting`, `one of open, closed`."""
    if "anyOf" in schema:
        return " or ".join("nothing" if one.get("type") == "null" else _say_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return _name_of(schema)
    if "enum" in schema or "const" in schema:
        return f"one of {', '.join(map(str, schema.get('enum', [schema.get('const')])))}"
    if schema.get("type") == "array":
        inner = _say_type(schema["items"]) if schema.get("items") else "anything"
        return f"list of {inner}{_say_bounds(schema)}"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "object"}
    kind = str(schema.get("type", ""))
    return f"{names.get(kind, kind or 'any JSON')}{_say_bounds(schema)}"


def _say_bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minItems": "at least {} items",
        "maxItems": "at most {} items",
        "pattern": "like {}",
    }
    said = [text.format(schema[key]) for key, text in words.items() if key in schema]
    if schema.get("default") not in (None, ""):
        said.append(f"left out: {dumps(schema['default'])}")
    return "".join(f", {one}" for one in said)
