"""How a face knows who somebody is. It travels in what is signed in their name, and policies are asked with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from schemas.decision import StepUp
from watchfloor.identity.people import Person

Way = Literal["dev", "oidc", "webauthn"]
MAX_METHODS = 10
"""Methods of authentication that are kept of one sign-in."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in, as it stands behind one request.

    `way` is `dev` (nobody proved anything, loopback only), `oidc` (the company's provider vouches for them) or
    `webauthn` (that, and a security key was touched for this very answer). `methods` is what the provider says of how
    they proved it (`amr`, RFC 8176). `person` is who they are by the groups of that sign-in; None leaves it to the
    directory.
    """

    way: Way
    methods: tuple[str, ...] = ()
    person: Person | None = None
    step_up: StepUp | None = None
    """What a security key was touched for, where `way` is `webauthn`."""

    def with_key(self, step_up: StepUp) -> "SignIn":
        """The same sign-in, with a security key touched for one answer."""
        return replace(self, way="webauthn", step_up=step_up)


DEV = SignIn("dev")
"""Development sign-in."""


def methods_of(claims: Mapping[str, object]) -> tuple[str, ...]:
    """The methods that a provider names in `amr`; what is no short plain word is left out."""
    named = claims.get("amr")
    if not isinstance(named, list):
        return ()
    texts = [one for one in named if isinstance(one, str)]
    plain = [one for one in texts if 0 < len(one) <= 32 and one.isascii() and one.isprintable()]
    return tuple(dict.fromkeys(plain))[:MAX_METHODS]
