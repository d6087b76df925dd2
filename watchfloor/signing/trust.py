"""Whom a run and an effect believe: keys pinned by themselves, or keys certified under a pinned root. Pure.

A certificate binds a key to one purpose, one region and namespace and a span of time; whether it holds is judged at
the instant at which the run accepted the statement, which the signer cannot choose. A revoked key counts for nothing
that was accepted at or after the instant of its compromise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from schemas.decision import Envelope
from schemas.json_value import Json
from schemas.keys import CERTIFICATE, FACE, REVOCATION, Certificate, Revocation
from watchfloor.signing.canonical import parse_instant
from watchfloor.signing.statements import SignatureRefused, key_id, verify

_TEXT_LIMIT = 128
_CERTIFICATE = frozenset({"v", "kid", "public", "purpose", "region", "namespace", "not_before", "not_after"})
_REVOCATION = frozenset({"v", "kid", "region", "compromised_at", "revoked_at", "reason_ref"})


class KeyRevoked(SignatureRefused):
    """The key that signed was revoked, and the statement came at or after the instant of its compromise."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe.

    Attributes:
        keys: key id -> public key believed without a certificate.
        root: public half of the region's root; empty where none is pinned, and then certificates count for nothing.
        revoked: key id -> instant from which on it counts for nothing.
        ends: key id -> instant at which a key of `keys` stops counting, where it has one.
    """

    region: str = ""
    namespace: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    revoked: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, str] = field(default_factory=dict)


def verify_statement(envelope: Envelope, domain: str, trust: Trust, at: datetime) -> dict[str, Json]:
    """Check a statement as of the instant at which it was accepted, or would be; gives its body.

    Raises:
        KeyRevoked, SignatureRefused: nothing in the envelope may be used.
    """
    if not isinstance(envelope, dict):
        raise SignatureRefused("not a signed statement")
    kid = envelope.get("kid")
    if isinstance(kid, str) and kid in trust.revoked and at >= parse_instant(trust.revoked[kid]):
        raise KeyRevoked(f"key `{kid}` was revoked: nothing counts that it signed since {trust.revoked[kid]}")
    if not trust.root or "cert" not in envelope:
        if isinstance(kid, str) and kid in trust.ends and at >= parse_instant(trust.ends[kid]):
            raise SignatureRefused(f"key `{kid}` was valid until {trust.ends[kid]}")
        if trust.root and kid not in trust.keys:
            raise SignatureRefused("this run believes certified keys only, and no certificate came with the statement")
        return verify(envelope, domain, trust.keys)
    holder = read_certificate(envelope["cert"], trust.root)
    if (holder["region"], holder["namespace"]) != (trust.region, trust.namespace):
        raise SignatureRefused(f"key `{holder['kid']}` signs for another region or namespace")
    if not parse_instant(holder["not_before"]) <= at < parse_instant(holder["not_after"]):
        raise SignatureRefused(
            f"the certificate of key `{holder['kid']}` is valid from {holder['not_before']} to {holder['not_after']}"
        )
    return verify(envelope, domain, {holder["kid"]: holder["public"]})


def read_certificate(envelope: Envelope, root: str) -> Certificate:
    """Check a certificate against the root that must have signed it. Its span of time is the caller's to judge.

    Raises:
        SignatureRefused: it is none, or not under this root.
    """
    body = _under_root(envelope, CERTIFICATE, root, _CERTIFICATE)
    if body["purpose"] != FACE:
        raise SignatureRefused(f"a key for `{body['purpose']}` signs no statement of people")
    if key_id(str(body["public"])) != body["kid"]:
        raise SignatureRefused("the certificate's key does not match its id")
    for name in ("not_before", "not_after"):
        _instant(body, name)
    return cast(Certificate, body)


def read_revocation(envelope: Envelope, root: str, region: str) -> Revocation:
    """Check a revocation against the root that must have signed it.

    Raises:
        SignatureRefused: it is none, not under this root, or another region's.
    """
    body = _under_root(envelope, REVOCATION, root, _REVOCATION)
    if body["region"] != region:
        raise SignatureRefused("the revocation was made for another region")
    for name in ("compromised_at", "revoked_at"):
        _instant(body, name)
    return cast(Revocation, body)


def _under_root(envelope: Envelope, domain: str, root: str, fields: frozenset[str]) -> dict[str, Json]:
    if not root:
        raise SignatureRefused("no root is pinned here, so nothing can be certified or revoked")
    body = verify(envelope, domain, {key_id(root): root})
    texts = fields - {"v"}
    if set(body) != fields or body["v"] != 1:
        raise SignatureRefused("its fields are not those of version 1")
    if not all(isinstance(body[name], str) and len(cast(str, body[name])) <= _TEXT_LIMIT for name in texts):
        raise SignatureRefused("a field of it is not a short text")
    return body


def _instant(body: Mapping[str, Json], name: str) -> None:
    try:
        parse_instant(str(body[name]))
    except ValueError as error:
        raise SignatureRefused(f"its `{name}` is not an instant with an offset") from error
