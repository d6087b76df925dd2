"""Request bodies: capped while they arrive, strictly parsed, validated before anything is computed over them."""

import asyncio
import json
from collections.abc import Collection
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watchfloor.gateway.problems import Problem

MAX_BODY = 64 * 1024
BODY_TIMEOUT = 20.0
"""Seconds in which a body must have arrived."""
MAX_DEPTH = 32
MEDIA = "application/json"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_WANTED = f"the body must be one UTF-8 JSON value with unique keys, nested at most {MAX_DEPTH} deep"

_Short = Annotated[str, Field(max_length=100)]
_Model = TypeVar("_Model", bound=BaseModel)


class _Unfit(ValueError):
    """JSON, and not of the strict kind that is taken; the text says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SealedBody(_Strict):
    """A sealed packet or answer as it is posted."""

    v: Literal[1]
    handoff: Annotated[str, Field(pattern=r"^hand-[a-z0-9]{20}$")]
    from_region: _Short
    to_region: _Short
    kind: Literal["packet", "answer"]
    to_kid: _Short
    epk: _Short
    nonce: _Short
    box: Annotated[str, Field(max_length=MAX_BODY)]


class EnvelopeBody(_Strict):
    """A signed statement as it is posted."""

    domain: _Short
    kid: _Short
    body: dict[str, Any]
    sig: _Short


async def read_body(request: Request, model: type[_Model]) -> _Model:
    """Read, parse and validate a JSON body.

    Raises:
        Problem: 413 too large, 415 not JSON by its type, 400 not strict JSON, 422 not of the model's shape.
    """
    document = parse_document(await read_bytes(request))
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        # only fields of the model are named: an unknown one is the sender's own text
        known = first["loc"] if first["type"] != "extra_forbidden" else ()
        where = ".".join(str(part)[:40] for part in known[:2]) or "the body"
        raise Problem(422, "shape", f"`{where}`: {first['type'].replace('_', ' ')}") from None


def parse_document(content: bytes) -> Any:
    """A strict JSON document: UTF-8, each name once in its object, no `NaN`, nested so deep and no deeper.

    Raises:
        Problem: 400, with the place where it ceases to be JSON; nothing of it is quoted.
    """
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        _limit_depth(document, MAX_DEPTH)
    except json.JSONDecodeError as error:
        # the parser's own words: what it expected there, never what stands there
        raise Problem(400, "not_json", f"{_WANTED}; line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise Problem(400, "not_json", f"{_WANTED}; byte {error.start + 1} is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        why = f"; {error}" if isinstance(error, _Unfit) else ""
        raise Problem(400, "not_json", f"{_WANTED}{why}") from None
    return document


def want_media(request: Request, media: Collection[str]) -> None:
    """Refuse a body that says it is something else.

    Raises:
        Problem: 415; with the usual cause, for a program that says nothing of it sends a form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in media:
        why = (
            " (what came says that it is a form; with curl: -H 'Content-Type: application/json')"
            if kind in _FORMS
            else ""
        )
        raise Problem(415, "media_type", f"send the message as {' or '.join(media)}{why}")


async def read_bytes(request: Request, *, media: Collection[str] = (MEDIA,), most: int = MAX_BODY) -> bytes:
    """The body as it came, for a signature is over exactly these bytes.

    Raises:
        Problem: 413 too large, 415 none of these media types, 400 too slow.
    """
    want_media(request, media)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:12]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await _collect(request, most)
    except TimeoutError:
        raise Problem(400, "slow_body", f"the body did not arrive within {BODY_TIMEOUT:.0f} s") from None


async def _collect(request: Request, most: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise _too_large(most)
    return bytes(content)


def _too_large(most: int) -> Problem:
    return Problem(413, "too_large", f"at most {most} bytes are taken")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unfit("a key stands twice in one object")
    return found


def _no_constant(_text: str) -> Any:
    raise _Unfit("NaN and Infinity are not JSON")


def _limit_depth(value: Any, left: int) -> None:
    if left == 0:
        raise _Unfit("it is nested deeper")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _limit_depth(part, left - 1)
