"""Decisions that need a security key: which they are, and what a statement must carry then. Pure.

The face asks the person's own key for an assertion (WebAuthn) over exactly what is decided, verifies it, keeps it whole
in the region's evidence store, and says in what it signs that it did: which key, over what, when, and where the
assertion is kept. The run holds that against the ask, and the activity of the effect holds it against the grant again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from watchfloor.signing.canonical import digest, parse_instant

HOLD_RELEASE, DISCLOSURE, BOUNDARY_TRANSFER, REVEAL = "hold_release", "disclosure", "boundary_transfer", "reveal"
KEYED = (HOLD_RELEASE, DISCLOSURE, BOUNDARY_TRANSFER, REVEAL)
"""What needs a security key in a region whose people sign in by their company's provider."""
STEP_UP = ("credential", "over", "at", "assertion")
VALID_FOR = timedelta(minutes=5)
"""How long before the statement the key may have been touched."""
_SKEW = timedelta(seconds=10)
_TEXT = 200
_METHODS = 10

_EFFECTS = {"discloses": DISCLOSURE, "reveals": REVEAL}


def find_keyed(keyed: Collection[str], *, kind: str, effect: str, options: Collection[str]) -> list[str]:
    """The options of an ask that need a security key.

    Breaking the glass is not among them: it exists where life is at risk, and who has lost a key must be able to act.

    Args:
        keyed: what needs one in this run, of `KEYED`.
        effect: of the gated action; empty where there is none.
    """
    wanted = []
    if kind == "release" and HOLD_RELEASE in keyed:
        wanted = ["release"]
    elif kind == "handoff" and BOUNDARY_TRANSFER in keyed:
        wanted = ["accept"]
    elif kind == "approval" and _EFFECTS.get(effect) in keyed:
        wanted = ["approve"]
    return [option for option in wanted if option in options]


def step_up_digest(ask: str, option: str, person: str) -> str:
    """What a security key is touched for: this option of exactly this ask, by this person."""
    return digest({"domain": "watchfloor.step-up.v1", "ask": ask, "option": option, "person": person})


def find_key_fault(keyed: Sequence[str], body: Mapping[str, Any]) -> str:
    """What speaks against a decision whose option needs a security key; empty when it was touched for this.

    Development sign-in, which exists on loopback alone and is marked in every statement, needs none.
    """
    option = str(body["option"])
    if option not in keyed or body["signed_in"] == "dev":
        return ""
    said = body.get("step_up")
    if body["signed_in"] != "webauthn" or said is None:
        return (
            f"`{option}` needs your security key, touched for this very answer; decide in the console with your key, "
            "or have another person decide who has theirs"
        )
    malformed = find_sign_in_fault(body)
    if malformed:
        return malformed
    if said["over"] != step_up_digest(body["ask"], option, body["person"]):
        return "the security key was touched for something else; decide again"
    touched, issued = parse_instant(said["at"]), parse_instant(body["issued_at"])
    if not issued - VALID_FOR <= touched <= issued + _SKEW:
        return "the security key was touched too long ago; decide again"
    return ""


WAYS = ("dev", "oidc", "webauthn")
"""How somebody may have signed in, as faces say it (`watchfloor.client.sign_in`)."""
SIGN_IN = ("signed_in", "amr")
"""What a statement says of it, and an entry about the statement repeats."""


def find_control_fault(body: Mapping[str, Any]) -> str:
    """What is malformed in what a control statement says of how its person signed in; at development sign-in it says
    nothing."""
    if not any(name in body for name in SIGN_IN):
        return ""
    if body.get("signed_in") not in WAYS:
        return f"`signed_in` of the statement is none of {', '.join(WAYS)}"
    return find_sign_in_fault(body)


def find_sign_in_fault(body: Mapping[str, Any]) -> str:
    """What is malformed in what a statement says of how its person signed in; empty when nothing is."""
    methods = body.get("amr", [])
    if not isinstance(methods, list) or len(methods) > _METHODS or not all(_is_short(one) for one in methods):
        return "`amr` of the statement is no list of a few short texts"
    said = body.get("step_up")
    if said is None and "step_up" not in body:
        return ""
    if not isinstance(said, dict) or set(said) != set(STEP_UP) or not all(_is_short(one) for one in said.values()):
        return f"`step_up` of the statement does not hold exactly {', '.join(STEP_UP)} as short texts"
    try:
        parse_instant(said["at"])
    except ValueError:
        return "`step_up.at` of the statement is not an instant with an offset"
    return ""


def _is_short(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _TEXT
