"""What a delivery said, sealed for as long as it may be needed once more.

AES-256-GCM under a key that is derived for one delivery from the region's payload keys; region, namespace, delivery and
key id are its associated data, so a box is opened for no other delivery. Destroying a payload key destroys what it
sealed here too.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.json_value import Json
from watchfloor.regions.keys import KeyRing

_NONCE = 12
_VERSION = b"wfd1"


class BoxUnreadable(Exception):
    """It cannot be opened here: its key is gone, it is damaged, or it belongs to another delivery."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens for one region."""

    ring: KeyRing
    region: str
    namespace: str

    def seal(self, delivery: str, said: Mapping[str, Json]) -> bytes:
        kid, nonce = self.ring.current, os.urandom(_NONCE)
        scope = self._scope(delivery, kid)
        box = AESGCM(self._key(kid, scope)).encrypt(nonce, json.dumps(said, separators=(",", ":")).encode(), scope)
        return b"\x1f".join((_VERSION, kid.encode(), nonce.hex().encode(), box))

    def open(self, delivery: str, box: bytes) -> dict[str, Json]:
        """What was sealed for this delivery.

        Raises:
            BoxUnreadable: nothing can be read.
        """
        parts = box.split(b"\x1f", 3)
        if len(parts) != 4 or parts[0] != _VERSION:
            raise BoxUnreadable("it is no box of this version")
        kid = parts[1].decode("ascii", "replace")
        if kid not in self.ring.keys:
            raise BoxUnreadable("the key it was sealed under has been destroyed")
        scope = self._scope(delivery, kid)
        try:
            plain = AESGCM(self._key(kid, scope)).decrypt(bytes.fromhex(parts[2].decode("ascii")), parts[3], scope)
            said = json.loads(plain)
        except (InvalidTag, ValueError) as error:
            raise BoxUnreadable("it does not open for this delivery") from error
        if not isinstance(said, dict):
            raise BoxUnreadable("it holds no delivery")
        return said

    def _scope(self, delivery: str, kid: str) -> bytes:
        return "\x1f".join(("delivery", self.region, self.namespace, delivery, kid)).encode()

    def _key(self, kid: str, scope: bytes) -> bytes:
        return hmac.new(self.ring.keys[kid], scope, hashlib.sha256).digest()
