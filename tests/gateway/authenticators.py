"""A security key in software, which does what a real one does, or lies as a test tells it to."""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass(slots=True)
class Authenticator:
    """One key. `verifies` is whether it asks for a PIN; `count` is its counter; None for one that counts nothing."""

    origin: str
    verifies: bool = True
    count: int | None = 0
    framed: bool = False
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def make(self, options: dict[str, Any], *, host: str | None = None) -> str:
        """Answer `navigator.credentials.create`."""
        numbers = self.private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = b"\0" * 16 + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(public)
        data = self._data(host or options["rp"]["id"], ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options["challenge"])
        return self._answer({"clientDataJSON": _b64(said), "attestationObject": _b64(attestation)})

    def touch(self, options: dict[str, Any], *, host: str | None = None) -> str:
        """Answer `navigator.credentials.get`."""
        if self.count is not None:
            self.count += 1
        data = self._data(host or options["rpId"], 0)
        said = self._said("webauthn.get", options["challenge"])
        signature = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {"clientDataJSON": _b64(said), "authenticatorData": _b64(data), "signature": _b64(signature)}
        )

    def _data(self, host: str, more: int) -> bytes:
        flags = PRESENT | (VERIFIED if self.verifies else 0) | more
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count or 0)

    def _said(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.framed}
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, str]) -> str:
        id_ = _b64(self.id)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})


def verify_alone(kept: dict[str, Any]) -> None:
    """What an auditor does with a kept assertion and nothing else."""
    over, nonce = kept["over"].encode(), base64url_to_bytes(kept["nonce"])
    said = json.loads(base64url_to_bytes(kept["client_data"]))
    challenge = hashlib.sha256(b"watchfloor.challenge.v1\0" + nonce + over).digest()
    assert said["challenge"] == _b64(challenge)
    assert said["origin"] == kept["origin"]
    public = cbor2.loads(base64url_to_bytes(kept["public_key"]))
    key = ec.EllipticCurvePublicNumbers(
        int.from_bytes(public[-2]), int.from_bytes(public[-3]), ec.SECP256R1()
    ).public_key()
    data = base64url_to_bytes(kept["authenticator_data"])
    signed = data + hashlib.sha256(base64url_to_bytes(kept["client_data"])).digest()
    key.verify(base64url_to_bytes(kept["signature"]), signed, ec.ECDSA(hashes.SHA256()))
    assert data[:32] == hashlib.sha256(kept["rp_id"].encode()).digest()
    assert data[32] & VERIFIED


def _b64(raw: bytes) -> str:
    return bytes_to_base64url(raw)
