"""Cursors, revisions, event ids and ETags as one key sees them: sealed, so that they say nothing but what it may know.

A revision counts every change of the region, those in compartments too; a place in a list names what lies there. Both
are sealed (AES-SIV, RFC 5297) under a key of the region, bound to the machine's key and to what they are for: the same
value gives the same text to the same key, so it can be compared, and says nothing of order or distance. ADR 0032.
"""

import hashlib
import hmac
import json
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from watchfloor.gateway.problems import Problem
from watchfloor.signing.statements import SignatureRefused, decode, encode

LONGEST = 400
"""Characters of a sealed value; longer ones are not looked at."""
_STEP = 32
"""Bytes: what is sealed is filled up to a multiple, so that a larger number is not a longer text."""


class Seals:
    """Seals values for machine keys of one region."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the region's, as for opaque ids; what is made here is under keys of its own."""
        self._cipher = AESSIV(hmac.digest(secret, b"watchfloor.api.cursor.v1", hashlib.sha512))
        self._tags = hmac.digest(secret, b"watchfloor.api.etag.v1", hashlib.sha256)

    def close(self, machine: str, purpose: str, value: Any) -> str:
        """A value, sealed for this key and purpose."""
        text = json.dumps(value, separators=(",", ":")).encode()
        filled = text.ljust(-(-len(text) // _STEP) * _STEP)
        return encode(self._cipher.encrypt(filled, [machine.encode(), purpose.encode()]))

    def open(self, machine: str, purpose: str, text: str) -> Any:
        """The inverse of `close`.

        Raises:
            Problem: 422, it was not given to this key for this purpose.
        """
        try:
            if len(text) > LONGEST:
                raise SignatureRefused("too long")
            return json.loads(self._cipher.decrypt(decode(text), [machine.encode(), purpose.encode()]))
        except (SignatureRefused, InvalidTag, ValueError) as error:
            raise Problem(
                422, "cursor", "this was not given to this key for this; begin without it", fields=()
            ) from error

    def tag(self, machine: str, content: bytes) -> str:
        """The ETag of content that is sent to this key: equal for equal content, and it says nothing else."""
        mark = hmac.new(self._tags, machine.encode() + b"\n" + content, hashlib.sha256)
        return f'"{encode(mark.digest()[:16])}"'
