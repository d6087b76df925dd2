"""Ed25519 statements: sign a body under a domain, verify an envelope against known keys."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.decision import Envelope
from schemas.json_value import Json
from watchfloor.signing.canonical import canonical, digest

MAX_STATEMENT = 64 * 1024
"""Bytes; a larger envelope is refused before anything is computed over it."""


class SignatureRefused(ValueError):
    """The envelope is not what its sender claims: wrong domain, unknown key, bad signature, not well formed."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its id. The id is derived from the public key, so it cannot name another key."""

    private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "SigningKey":
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    @property
    def public(self) -> str:
        return encode(self.private.public_key().public_bytes_raw())

    @property
    def kid(self) -> str:
        return key_id(self.public)


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The inverse of `encode`.

    Raises:
        SignatureRefused: not base64url, or not the one canonical spelling of these bytes.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureRefused("not base64url") from error
    if encode(raw) != text:
        raise SignatureRefused("not canonical base64url")
    return raw


def key_id(public: str) -> str:
    """The id of a public key: 16 hex characters of its SHA-256."""
    return hashlib.sha256(decode(public)).hexdigest()[:16]


def sign(domain: str, body: Mapping[str, Json], key: SigningKey) -> Envelope:
    """Sign a body. The domain and the key's id are inside the signed bytes."""
    signed = {"domain": domain, "kid": key.kid, "body": dict(body)}
    return {
        "domain": domain,
        "kid": key.kid,
        "body": dict(body),
        "sig": encode(key.private.sign(canonical(signed))),
    }


def verify(envelope: Envelope, domain: str, keys: Mapping[str, str]) -> dict[str, Json]:
    """Check an envelope and give its body.

    Args:
        envelope: as received; hostile until this returns.
        domain: the one kind of statement the caller is ready for.
        keys: key id -> public key, the keys this caller trusts for that domain.

    Raises:
        SignatureRefused: with the reason; nothing in the envelope may be used.
    """
    try:
        claimed, kid, body, sig = envelope["domain"], envelope["kid"], envelope["body"], envelope["sig"]
    except (KeyError, TypeError) as error:
        raise SignatureRefused("not a signed statement") from error
    if claimed != domain:
        raise SignatureRefused(f"signed for `{claimed}`, expected `{domain}`")
    public = keys.get(kid)
    if public is None:
        raise SignatureRefused(f"key `{kid}` is not known here")
    if key_id(public) != kid:
        raise SignatureRefused(f"key `{kid}` does not match its id")
    try:
        signed = canonical({"domain": domain, "kid": kid, "body": body})
    except (ValueError, RecursionError) as error:
        raise SignatureRefused("not canonical JSON") from error
    if len(signed) > MAX_STATEMENT:
        raise SignatureRefused(f"larger than {MAX_STATEMENT} bytes")
    try:
        Ed25519PublicKey.from_public_bytes(decode(public)).verify(decode(sig), signed)
    except InvalidSignature as error:
        raise SignatureRefused("the signature does not verify") from error
    if not isinstance(body, dict):
        raise SignatureRefused("the body is not an object")
    return dict(body)


def envelope_digest(envelope: Envelope) -> str:
    """The digest by which the ledger and the replay guard know a statement. Without the signature: one statement, one
    digest, whichever valid signature it carries."""
    return digest({"domain": envelope["domain"], "kid": envelope["kid"], "body": envelope["body"]})
