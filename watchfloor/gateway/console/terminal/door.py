"""Who is at a terminal: the token of its header, the person behind it found anew at each request.

Nothing but the header counts here: a browser sends cookies by itself, wherever somebody leads it, and a header never.
"""

import asyncio
import secrets
from dataclasses import dataclass

from fastapi import Request

from schemas.terminal import SignedIn
from watchfloor.connections.bindings import Rate
from watchfloor.connections.rates import Bucket
from watchfloor.gateway.admission import claim
from watchfloor.gateway.console.gate import Gate, Visitor
from watchfloor.gateway.console.sessions import Session, SessionsUnavailable
from watchfloor.gateway.console.terminal.sessions import Terminal
from watchfloor.gateway.problems import Problem
from watchfloor.identity.belonging import NobodyHere
from watchfloor.signing import render_instant

ENDED = "this terminal is not signed in, or no longer: its time is over, it was idle for an hour, or it was signed out"
DOWN = "sign-in does not work at the moment; try again"
_RATE = Rate(per_second=10, burst=50)


@dataclass(frozen=True, slots=True)
class AtTerminal:
    """A person at a terminal, and its session."""

    visitor: Visitor
    terminal: Terminal
    token: str

    @property
    def signed_in(self) -> SignedIn:
        """What the terminal is told of it."""
        person = self.visitor.person
        return SignedIn(
            person=person.id,
            entity=person.entity,
            region=person.region,
            roles=list(person.roles),
            way="dev" if self.terminal.proof.way == "dev" else "oidc",
            until=render_instant(self.terminal.until),
        )


class TerminalDoor:
    """Lets terminals in."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._buckets: dict[str, Bucket] = {}

    async def admit(self, request: Request) -> AtTerminal:
        """Who asks.

        Raises:
            Problem: 401 nobody (any more), 429 too often, 503 nobody can tell.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            terminal = await asyncio.to_thread(self._gate.terminals.find, token)
            if scheme.lower() != "bearer" or terminal is None or not self._gate.keeps_log:
                raise Problem(401, "not_signed_in", ENDED)
            return AtTerminal(await self.recognise(request, terminal, token), terminal, token)
        except SessionsUnavailable as error:
            raise Problem(503, "unavailable", DOWN, retry_after=2) from error

    async def recognise(self, request: Request, terminal: Terminal, token: str) -> Visitor:
        """The person of a terminal, found anew.

        Raises:
            Problem: 401 nobody any more, 429 too often.
        """
        if self._bucket(terminal.id).reserve(0.0) is None:
            raise Problem(429, "rate", "this terminal asks more often than it may; wait and ask again", retry_after=1)
        # the token of forms is one that nobody has: no form is sent in a terminal's name
        session = Session(terminal.person, terminal.proof, secrets.token_urlsafe(32), terminal.began_at)
        try:
            visitor = self._gate.find_behind(session, request)
        except NobodyHere as nobody:
            await asyncio.to_thread(self._gate.terminals.end, token)
            raise Problem(401, nobody.code, str(nobody)) from nobody
        if visitor is None:
            raise Problem(401, "not_signed_in", ENDED)
        claim(request.scope, f"person {visitor.person.id}")
        return visitor

    def _bucket(self, id_: str) -> Bucket:
        if len(self._buckets) > 10_000:
            self._buckets.clear()
        return self._buckets.setdefault(id_, Bucket(_RATE))


def address_of(request: Request) -> str:
    """The network address that a request comes from, as the gateway sees it."""
    return request.client.host if request.client else "unknown"
