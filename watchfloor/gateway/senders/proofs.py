"""The ways in which senders prove who they are. Everything is compared in constant time."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from watchfloor.gateway.problems import Problem

SHORTEST = 16
"""Characters that a shared secret has at least."""
MOST_BITS = 8192
LEAST_BITS = 2048
_STANDARD = ("webhook-id", "webhook-timestamp", "webhook-signature")


class SecretRefused(ValueError):
    """A secret or key of a sender cannot be used; the message never repeats it."""


def refused() -> Problem:
    """One answer to whoever is not believed, whether the name, the signature or its age is wrong."""
    return Problem(
        401,
        "signature",
        "no sender of this name has sent these bytes: an unknown name, a wrong or missing signature or token, or one "
        "that is too old; docs/guides/webhooks.md says what each kind of sender must send",
    )


class Signature:
    """Standard Webhooks: HMAC-SHA256 over id, timestamp and body; five minutes of replay window.

    Source: the specification of Standard Webhooks and its own Python library, which does the work [V library].
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        try:
            self._webhooks = [Webhook(secret) for secret in secrets]
        except (ValueError, RuntimeError) as error:
            raise SecretRefused("it is no secret of Standard Webhooks, which is `whsec_` and base64") from error

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        signed = {name: headers.get(name, "") for name in _STANDARD}
        if not signed["webhook-id"] or not any(self._holds(one, content, signed) for one in self._webhooks):
            raise refused()

    @staticmethod
    def _holds(webhook: Webhook, content: bytes, signed: dict[str, str]) -> bool:
        try:
            webhook.verify(content, signed)
        except (WebhookVerificationError, ValueError):
            return False
        return True


class Token:
    """A bearer token (RFC 6750), or with a user the password of basic auth (RFC 7617)."""

    def __init__(self, secrets: Sequence[str], user: str | None = None) -> None:
        if any(len(secret) < SHORTEST for secret in secrets):
            raise SecretRefused(f"it has fewer than {SHORTEST} characters")
        self._scheme = "bearer" if user is None else "basic"
        given = [secret.encode() if user is None else f"{user}:{secret}".encode() for secret in secrets]
        self._known = [hashlib.sha256(one).digest() for one in given]

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != self._scheme or not self._is_known(given.strip()):
            raise refused()

    def _is_known(self, given: str) -> bool:
        try:
            shown = given.encode() if self._scheme == "bearer" else base64.b64decode(given, validate=True)
        except ValueError:
            return False
        mark = hashlib.sha256(shown).digest()
        # every one is compared, so that the time it takes does not tell which of them it was
        return sum(hmac.compare_digest(mark, one) for one in self._known) > 0


class PublicKey:
    """RSASSA-PKCS1-v1_5 with SHA-256 over the body's bytes, base64 in a header."""

    def __init__(self, keys: Sequence[str], header: str) -> None:
        self._header = header
        self._keys = [_read_key(pem) for pem in keys]

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        try:
            signature = base64.b64decode(headers.get(self._header, ""), validate=True)
        except ValueError:
            raise refused() from None
        if not any(self._holds(key, signature, content) for key in self._keys):
            raise refused()

    @staticmethod
    def _holds(key: RSAPublicKey, signature: bytes, content: bytes) -> bool:
        try:
            key.verify(signature, content, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


def _read_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SecretRefused("it is no public key in PEM") from error
    if not isinstance(key, RSAPublicKey) or not LEAST_BITS <= key.key_size <= MOST_BITS:
        raise SecretRefused(f"it is no RSA key of {LEAST_BITS} to {MOST_BITS} bits")
    return key
