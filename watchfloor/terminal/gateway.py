"""Speaking to a gateway over HTTP: one origin, TLS verified, no redirect followed, every answer capped and of a known
shape.

Nothing of the engine, of a region's keys or of a home directory is needed here. The token of a session stays in memory.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from schemas.decision import RefusalType
from schemas.terminal import Said
from watchfloor.client.errors import ClientError, EngineUnavailable, NotFound, Refused, SignedOut
from watchfloor.client.face import is_loopback
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.connections.guarded import CallRefused, open_guarded_client
from watchfloor.drawing.words import show_controls

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of one answer."""
READ_SECONDS = 8.0
"""How long something that is read may take, before what is on the screen counts as stale."""
SAY_SECONDS = 40.0
"""How long the answer to something that is said may take: a run without a worker is waited for before it is kept."""
UNDER = "/console/terminal"
OWN_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""Where a gateway may be beside public addresses: in a company's own networks, over https like any other."""
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "watchfloor-terminal"}

_Shape = TypeVar("_Shape", bound=BaseModel)


class AddressRefused(ValueError):
    """The address is not one that a terminal speaks to; says what was found and what is expected."""


def read_address(text: str) -> str:
    """The origin of a gateway as a person types it.

    Raises:
        AddressRefused: it is not https (or http on this machine), or more than an origin.
    """
    expected = "expected https://HOST or https://HOST:PORT; http:// for this machine alone"
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"`{text[:80]}` is no address; {expected}") from error
    host = parts.hostname or ""
    plain = host.isascii() and bool(host) and all(one.isalnum() or one in "-.:" for one in host)
    bare = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username or parts.password)
    local = is_loopback(f"[{host}]:0" if ":" in host else f"{host}:0")
    if (
        not plain
        or not bare
        or "@" in parts.netloc
        or not (parts.scheme == "https" or (parts.scheme == "http" and local))
    ):
        raise AddressRefused(f"`{text[:80]}` is not the address of a gateway; {expected}")
    named = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{named}" + (f":{port}" if port is not None else "")
    try:
        Egress.to(origin, networks=OWN_NETWORKS)
    except EgressRefused as error:
        raise AddressRefused(f"`{host[:80]}` is not where a gateway may be; {expected}") from error
    return origin


class Gateway:
    """A connection to one gateway. `host` is what people call it by."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.host = origin.partition("://")[2]
        self.token = ""
        self._http = open_guarded_client(
            Egress.to(origin, networks=OWN_NETWORKS),
            # a little more than is read here, so that too much is said in a terminal's own words
            limit=2 * MAX_ANSWER,
            patience=SAY_SECONDS,
            tls=ssl.create_default_context() if origin.startswith("https://") else None,
            base_url=origin,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, shape: type[_Shape], *, known: str = "") -> tuple[_Shape | None, str]:
        """Read something; gives it with the mark by which it is known again, None where it is the one already known.

        Raises:
            NotFound, SignedOut, EngineUnavailable.
        """
        answer = await self._ask("GET", path, headers={"if-none-match": known} if known else {})
        if answer.status == 304 and known:
            return None, known
        return self._read(answer, shape), answer.mark

    async def post(self, path: str, said: BaseModel, shape: type[_Shape]) -> _Shape:
        """Say something.

        Raises:
            Refused: it does not count.
            NotFound, SignedOut: nothing was done.
            EngineUnavailable: it is not known whether it was.
        """
        answer = await self._ask("POST", path, content=said.model_dump_json().encode())
        return self._read(answer, shape)

    async def leave(self) -> None:
        """End the session; a gateway that does not answer ends it by itself after an hour."""
        if self.token:
            try:
                await self._ask("DELETE", "/session")
            except ClientError:
                return
            finally:
                self.token = ""

    async def _ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> "_Answer":
        given = {**_HEADERS, **(headers or {})}
        if self.token:
            given["authorization"] = f"Bearer {self.token}"
        if method == "POST":
            given["content-type"] = "application/json"
        try:
            async with (
                asyncio.timeout(READ_SECONDS if method == "GET" else SAY_SECONDS),
                self._http.stream(method, f"{UNDER}{path}", headers=given, content=content) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise EngineUnavailable(f"{self.host} sent more than {MAX_ANSWER} bytes; it was not read")
                return _Answer(response.status_code, response.headers.get("etag", "")[:80], bytes(body))
        except CallRefused as error:
            raise EngineUnavailable(f"{self.host} is not called: {error}") from error
        except (httpx2.HTTPError, TimeoutError, OSError) as error:
            harmless = method == "GET" or path.startswith("/pairings")
            doubt = "" if harmless else "; whether it counts is not known: look again before you say it again"
            raise EngineUnavailable(f"{self.host} does not answer ({_name(error)}){doubt}") from error

    def _read(self, answer: "_Answer", shape: type[_Shape]) -> _Shape:
        if answer.status >= 300:
            raise self._refusal(answer)
        try:
            return shape.model_validate_json(answer.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part)[:40] for part in first["loc"][:4]) or "the answer"
            raise EngineUnavailable(
                f"{self.host} answered in a shape that is not known here (`{where}`: {first['type']}); it may be of "
                "another version than this program"
            ) from error

    def _refusal(self, answer: "_Answer") -> ClientError:
        try:
            said = Said.model_validate_json(answer.body)
        except ValidationError:
            return EngineUnavailable(
                f"{self.host} answered {answer.status} and no word of why; is a Watchfloor console there?"
            )
        # a message may be printed before there is a screen that makes it harmless
        detail, code = show_controls(said.detail), show_controls(said.code)
        if answer.status == 401:
            return SignedOut(detail, f"watchfloor watch --gateway {self.origin}")
        if answer.status == 404:
            return NotFound(detail)
        if answer.status >= 500 or answer.status == 429:
            return EngineUnavailable(detail)
        return Refused(code, detail)


class _Answer:
    __slots__ = ("body", "mark", "status")

    def __init__(self, status: int, mark: str, body: bytes) -> None:
        self.status, self.mark, self.body = status, mark, body


def _name(error: BaseException) -> str:
    """What went wrong on the way, in a word or two; a certificate that does not hold is said as that."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not one that this machine believes"
    return {
        "ConnectError": "no connection",
        "ReadTimeout": "too slow",
        "CallTimedOut": "too slow",
        "NameUnresolved": "its name has no address",
        "TimeoutError": "too slow",
    }.get(type(error).__name__, type(error).__name__)


def needs_browser(error: ClientError) -> bool:
    """Whether something is refused only because a security key must be touched, which a browser does."""
    return isinstance(error, Refused) and error.type == RefusalType.SECURITY_KEY
