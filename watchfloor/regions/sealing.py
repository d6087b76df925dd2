"""Sealing: what one region sends, only the other can open.

A fresh X25519 key for every message, HKDF-SHA256 (RFC 5869) over the shared secret with both public keys as salt,
AES-256-GCM with the routing fields as associated data. So a box put into another envelope, or an envelope with another
address written on it, does not open. Sealing hides; it proves no sender: the signature inside does.
"""

import json
import os
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.decision import Envelope
from schemas.handoff import Sealed
from schemas.json_value import Json
from watchfloor.regions.keys import SealingKey
from watchfloor.signing import SignatureRefused, canonical
from watchfloor.signing.statements import decode, encode, key_id

SEAL_VERSION = 1
MAX_SEALED = 40 * 1024
"""Bytes of canonical JSON that may be sealed: with base64url around it the message stays under a gateway's 64 kB."""
NONCE_BYTES = 12
_INFO = b"watchfloor.seal.v1"


class SealRefused(ValueError):
    """The box does not open here: made for another key, altered, or not a sealed message at all."""


def seal(
    envelope: Envelope,
    *,
    handoff: str,
    from_region: str,
    to_region: str,
    kind: Literal["packet", "answer"],
    to_public: str,
) -> Sealed:
    """Seal a signed statement to the receiver's public key.

    Raises:
        SealRefused: the statement is larger than `MAX_SEALED`, or `to_public` is no X25519 key.
    """
    content = canonical(envelope)
    if len(content) > MAX_SEALED:
        raise SealRefused(f"{len(content)} bytes, at most {MAX_SEALED} may cross; share less, or share references")
    ephemeral = X25519PrivateKey.generate()
    sealed: Sealed = {
        "v": SEAL_VERSION,
        "handoff": handoff,
        "from_region": from_region,
        "to_region": to_region,
        "kind": kind,
        "to_kid": key_id(to_public),
        "epk": encode(ephemeral.public_key().public_bytes_raw()),
        "nonce": encode(os.urandom(NONCE_BYTES)),
        "box": "",
    }
    try:
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(decode(to_public)))
    except ValueError as error:
        raise SealRefused("the receiver's public key is not an X25519 key") from error
    cipher = _cipher(shared, sealed["epk"], to_public)
    sealed["box"] = encode(cipher.encrypt(decode(sealed["nonce"]), content, _routing(sealed)))
    return sealed


def open_sealed(sealed: Sealed, key: SealingKey) -> Envelope:
    """Open what was sealed to this key. The result is still a claim: its signature has yet to be verified.

    Raises:
        SealRefused: it was not made for this key, or any bit of box or routing was changed.
    """
    if sealed["v"] != SEAL_VERSION:
        raise SealRefused(f"sealed in version {sealed['v']}, known is {SEAL_VERSION}")
    if sealed["to_kid"] != key.kid:
        raise SealRefused(f"sealed to key `{sealed['to_kid']}`, this region's is `{key.kid}`")
    try:
        epk, nonce, box = decode(sealed["epk"]), decode(sealed["nonce"]), decode(sealed["box"])
        shared = key.private.exchange(X25519PublicKey.from_public_bytes(epk))
        content = _cipher(shared, sealed["epk"], key.public).decrypt(nonce, box, _routing(sealed))
    except (InvalidTag, SignatureRefused, ValueError) as error:
        raise SealRefused("the box does not open: it was altered, or its routing was") from error
    envelope: Json = json.loads(content)
    if not isinstance(envelope, dict):
        raise SealRefused("the box holds no signed statement")
    return {
        "domain": envelope.get("domain", ""),
        "kid": envelope.get("kid", ""),
        "body": envelope.get("body", {}),
        "sig": envelope.get("sig", ""),
    }


def _routing(sealed: Sealed) -> bytes:
    names = ("v", "handoff", "from_region", "to_region", "kind", "to_kid", "epk", "nonce")
    return canonical({name: sealed[name] for name in names})  # type: ignore[literal-required]


def _cipher(shared: bytes, epk: str, to_public: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=decode(epk) + decode(to_public), info=_INFO)
    return AESGCM(derived.derive(shared))
