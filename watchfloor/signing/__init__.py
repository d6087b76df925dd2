"""Canonical bytes, digests, signatures. Pure: no clock, no randomness but in key creation, no I/O.

Workflows use this package inside the sandbox, so everything here must give the same bytes on every replay.
"""

from watchfloor.signing.canonical import (
    canonical,
    digest,
    effect_key,
    opaque_id,
    parse_instant,
    render_instant,
)
from watchfloor.signing.gates import (
    Refusal,
    action_digest,
    ask_digest,
    bind_grant,
    calls_digest,
    in_words,
    open_slots,
    refuse_decision,
    refuse_grant,
)
from watchfloor.signing.motions import refuse_motion, take_motion
from watchfloor.signing.names import neutral_name
from watchfloor.signing.packing import pack
from watchfloor.signing.priority import find_priority, press
from watchfloor.signing.statements import SignatureRefused, SigningKey, envelope_digest, sign, verify
from watchfloor.signing.trust import KeyRevoked, Trust, read_revocation, verify_statement

__all__ = [
    "KeyRevoked",
    "Refusal",
    "SignatureRefused",
    "SigningKey",
    "Trust",
    "action_digest",
    "ask_digest",
    "bind_grant",
    "calls_digest",
    "canonical",
    "digest",
    "effect_key",
    "envelope_digest",
    "find_priority",
    "in_words",
    "neutral_name",
    "opaque_id",
    "open_slots",
    "pack",
    "parse_instant",
    "press",
    "read_revocation",
    "refuse_decision",
    "refuse_grant",
    "refuse_motion",
    "render_instant",
    "sign",
    "take_motion",
    "verify",
    "verify_statement",
]
