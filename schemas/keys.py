"""What a region's root key says: which key signs for the region's faces, and which no longer does.

Both travel as a `schemas.decision.Envelope` signed by the root. A run pins the root's public half and believes no key
that has no certificate under it.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

CERTIFICATE = "watchfloor.certificate.v1"
REVOCATION = "watchfloor.revocation.v1"

SIGNAL_REVOKED = "key_revoked"
"""Envelope(REVOCATION), to every workflow that takes people's statements."""

FACE = "face"
"""The purpose of a key that signs what people and systems say to runs."""


class Certificate(TypedDict):
    """The body of a `CERTIFICATE` envelope; covers statements accepted from `not_before` on and before `not_after`."""

    v: int
    kid: str
    public: str
    purpose: Literal["face"]
    region: str
    namespace: str
    not_before: str
    not_after: str


class Revocation(TypedDict):
    """The body of a `REVOCATION` envelope. No statement accepted at or after `compromised_at` under this key counts.

    `reason_ref` is `sha256:<hex>` of the reason's text, which stays in the region's evidence store.
    """

    v: int
    kid: str
    region: str
    compromised_at: str
    revoked_at: str
    reason_ref: str


class Pins(TypedDict):
    """Whom a run believes, as every start message says it. With a `root` only keys certified under it count; a run
    that was started before there were roots has none and believes `decision_keys`. `revoked` is what was revoked when
    the run started: kid -> since when."""

    decision_keys: dict[str, str]
    root: NotRequired[str]
    revoked: NotRequired[dict[str, str]]
    keyed: NotRequired[list[str]]
    """What only a security key decides (`watchfloor.signing.step_up.KEYED`); absent in a region without a sign-in of
    its own."""
    recused: NotRequired[list[str]]
    """People who stand aside from the run that starts this one, and so from this one."""
