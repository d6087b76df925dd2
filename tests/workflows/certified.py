"""A region's root and its face keys, as a run that pins the root meets them."""

from typing import Any

from schemas.keys import CERTIFICATE, REVOCATION
from watchfloor.signing import SigningKey, sign

ROOT = SigningKey.from_bytes(bytes([101]) * 32)
FIRST, SECOND, UNCERTIFIED = (SigningKey.from_bytes(bytes([n]) * 32) for n in (102, 103, 104))


def certificate(key: SigningKey, namespace: str, root: SigningKey = ROOT, **changes: Any) -> dict[str, Any]:
    body = {
        "v": 1,
        "kid": key.kid,
        "public": key.public,
        "purpose": "face",
        "region": "us",
        "namespace": namespace,
        "not_before": "2020-01-01T00:00:00Z",
        "not_after": "2999-01-01T00:00:00Z",
        **changes,
    }
    return dict(sign(CERTIFICATE, body, root))


def revocation(key: SigningKey, compromised_at: str, root: SigningKey = ROOT, **changes: Any) -> dict[str, Any]:
    body = {
        "v": 1,
        "kid": key.kid,
        "region": "us",
        "compromised_at": compromised_at,
        "revoked_at": compromised_at,
        "reason_ref": "sha256:00",
        **changes,
    }
    return dict(sign(REVOCATION, body, root))
