"""Who is asking: a machine's key, its scopes, and how often it may ask."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from watchfloor.connections.bindings import Rate
from watchfloor.connections.rates import Bucket
from watchfloor.gateway.admission import claim
from watchfloor.gateway.api.mistakes import refuse_unknown
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine, Machines

NOT_THERE = "there is no incident of this id that this key may see"
_RATE = Rate(per_second=50, burst=200)
_BEARER = HTTPBearer(auto_error=False, scheme_name="machine_key", description="`wf_…` from `watchfloor machines make`.")
_UNKNOWN = "show a valid key as `Authorization: Bearer wf_…`; `watchfloor machines make` makes one"


class Doors:
    """Lets machines in. Every refusal says the same, whether a key is unknown, expired or revoked."""

    def __init__(self, machines: Machines, *, rate: Rate = _RATE) -> None:
        self._machines = machines
        self._rate = rate
        self._buckets: dict[str, Bucket] = {}

    def asking(self, *scopes: str) -> Callable[..., Coroutine[Any, Any, Machine]]:
        """A dependency that gives the machine when its key has one of these scopes.

        Raises (when called):
            Problem: 401 no valid key, 403 without any of them, 422 a parameter that the route does not have, 429 too
                many or too many at once, 503 nobody knows.
        """

        async def admit(
            request: Request,
            shown: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER, scopes=list(scopes))],
        ) -> Machine:
            with as_problems(NOT_THERE):
                machine = await asyncio.to_thread(self._machines.find, shown.credentials) if shown else None
            if machine is None:
                raise Problem(401, "not_signed_in", _UNKNOWN, headers={"www-authenticate": 'Bearer realm="watchfloor"'})
            if not set(scopes) & set(machine.scopes):
                found, needed = (
                    ", ".join(f"`{one}`" for one in machine.scopes),
                    " or ".join(f"`{one}`" for one in scopes),
                )
                raise Problem(403, "scope", f"this key has {found}; this needs {needed}: make a key that has it")
            claim(request.scope, f"key {machine.id}")
            if self._bucket(machine.id).reserve(0.0) is None:
                raise Problem(429, "rate", "this key asks more often than it may; wait and ask again", retry_after=1)
            refuse_unknown(request)
            request.state.machine = machine
            return machine

        return admit

    def _bucket(self, id_: str) -> Bucket:
        if len(self._buckets) > 10_000:
            self._buckets.clear()
        return self._buckets.setdefault(id_, Bucket(self._rate))
