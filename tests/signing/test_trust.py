"""Whom a run believes: a certificate under the pinned root, within its time, for its place, not revoked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.decision import DECISION, Envelope
from schemas.keys import CERTIFICATE, REVOCATION
from watchfloor.signing import (
    KeyRevoked,
    SignatureRefused,
    SigningKey,
    Trust,
    read_revocation,
    render_instant,
    sign,
    verify_statement,
)

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
ROOT, FACE, STRANGER = (SigningKey.from_bytes(bytes([n]) * 32) for n in (1, 2, 3))
TRUST = Trust("us", "us", root=ROOT.public)
LATER = render_instant(NOW + timedelta(seconds=1))


def certificate(root: SigningKey = ROOT, **changes: Any) -> Envelope:
    body = {
        "v": 1,
        "kid": FACE.kid,
        "public": FACE.public,
        "purpose": "face",
        "region": "us",
        "namespace": "us",
        "not_before": render_instant(NOW - timedelta(days=1)),
        "not_after": render_instant(NOW + timedelta(days=1)),
    }
    return sign(CERTIFICATE, {**body, **changes}, root)


def statement(cert: Any = None, key: SigningKey = FACE) -> Envelope:
    envelope = sign(DECISION, {"option": "approve"}, key)
    envelope["cert"] = certificate() if cert is None else cert
    return envelope


def test_a_certified_key_is_believed() -> None:
    assert verify_statement(statement(), DECISION, TRUST, NOW) == {"option": "approve"}


@pytest.mark.parametrize(
    "cert",
    [
        certificate(region="eu"),
        certificate(namespace="other"),
        certificate(purpose="packets"),
        certificate(not_before=LATER),
        certificate(not_after=render_instant(NOW)),
        certificate(not_after="tomorrow"),
        certificate(kid="0" * 16),
        certificate(public=STRANGER.public),
        certificate(public=STRANGER.public, kid=STRANGER.kid),
        certificate(more="x"),
        certificate(v=2),
        certificate(region="u" * 1000),
        certificate(STRANGER),
        sign(DECISION, certificate()["body"], ROOT),
        {**certificate(), "sig": "AAAA"},
        {},
        "certificate",
        None,
    ],
)
def test_no_other_certificate_is(cert: Any) -> None:
    envelope = statement()
    envelope["cert"] = cert
    with pytest.raises(SignatureRefused):
        verify_statement(envelope, DECISION, TRUST, NOW)


def test_a_key_without_a_certificate_is_not_believed_where_a_root_is_pinned() -> None:
    bare = sign(DECISION, {"option": "approve"}, FACE)
    with pytest.raises(SignatureRefused, match="certified"):
        verify_statement(bare, DECISION, TRUST, NOW)


def test_where_no_root_is_pinned_a_certificate_counts_for_nothing() -> None:
    with pytest.raises(SignatureRefused):
        verify_statement(statement(), DECISION, Trust("us", "us", {STRANGER.kid: STRANGER.public}), NOW)
    assert verify_statement(statement(), DECISION, Trust("us", "us", {FACE.kid: FACE.public}), NOW)


def test_the_certified_key_must_be_the_one_that_signed() -> None:
    with pytest.raises(SignatureRefused):
        verify_statement(statement(key=STRANGER), DECISION, TRUST, NOW)


def test_a_revoked_key_counts_for_what_was_accepted_before_its_compromise_and_for_nothing_after() -> None:
    revoked = Trust("us", "us", root=ROOT.public, revoked={FACE.kid: render_instant(NOW)})
    assert verify_statement(statement(), DECISION, revoked, NOW - timedelta(seconds=1))
    with pytest.raises(KeyRevoked):
        verify_statement(statement(), DECISION, revoked, NOW)


def test_a_key_believed_by_itself_ends_with_its_certificate_and_by_revocation() -> None:
    """The effect of a run from before there were roots, whose statements carry no certificate."""
    own = {FACE.kid: FACE.public}
    bare = sign(DECISION, {"option": "approve"}, FACE)
    trust = Trust("us", "us", own, ROOT.public, {}, {FACE.kid: render_instant(NOW)})
    assert verify_statement(bare, DECISION, trust, NOW - timedelta(seconds=1))
    with pytest.raises(SignatureRefused, match="valid until"):
        verify_statement(bare, DECISION, trust, NOW)
    with pytest.raises(KeyRevoked):
        verify_statement(bare, DECISION, Trust("us", "us", own, revoked={FACE.kid: render_instant(NOW)}), NOW)


def revocation(root: SigningKey = ROOT, **changes: Any) -> Envelope:
    at = render_instant(NOW)
    body = {"v": 1, "kid": FACE.kid, "region": "us", "compromised_at": at, "revoked_at": at, "reason_ref": "sha256:r"}
    return sign(REVOCATION, {**body, **changes}, root)


def test_the_root_revokes() -> None:
    assert read_revocation(revocation(), ROOT.public, "us")["kid"] == FACE.kid


@pytest.mark.parametrize(
    ("said", "root", "region"),
    [
        (revocation(FACE), ROOT.public, "us"),
        (revocation(), "", "us"),
        (revocation(), ROOT.public, "eu"),
        (revocation(compromised_at="once"), ROOT.public, "us"),
        (revocation(more=1), ROOT.public, "us"),
        (revocation(v="1"), ROOT.public, "us"),
        (certificate(), ROOT.public, "us"),
        (None, ROOT.public, "us"),
    ],
)
def test_nobody_else_does(said: Any, root: str, region: str) -> None:
    with pytest.raises(SignatureRefused):
        read_revocation(said, root, region)
