"""The keys of one region: made once, kept in files only its owner may read, never shared with another region.

A region's directory holds `face.ed25519` (signs people's statements), `ledger.ed25519` (signs checkpoints),
`region.ed25519` (signs packets and answers), `region.x25519` (opens what was sealed to the region), `payload.key` (the
ring that encrypts Temporal payloads) and `secret.key` (makes ids opaque). What another region needs of it is
`PublicKeys`, which holds no secret.
"""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from watchfloor.signing import SignatureRefused, SigningKey
from watchfloor.signing.statements import decode, encode, key_id

FACE, LEDGER, PACKETS = "face.ed25519", "ledger.ed25519", "region.ed25519"
SEALING, PAYLOAD, SECRET = "region.x25519", "payload.key", "secret.key"
KEY_FILES = (FACE, LEDGER, PACKETS, SEALING, PAYLOAD, SECRET)
KEY_BYTES = 32


class KeysRefused(ValueError):
    """A key file is missing, unreadable, readable by others or not what its name says."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The X25519 private key that opens what was sealed to this region."""

    private: X25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> "SealingKey":
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "SealingKey":
        return cls(X25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    @property
    def public(self) -> str:
        return encode(self.private.public_key().public_bytes_raw())

    @property
    def kid(self) -> str:
        return key_id(self.public)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Payload keys by id. New payloads are encrypted under `current`; old ones are read as long as their key is kept.

    Taking a key out of the ring is the erasure of everything that was encrypted under it.
    """

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise KeysRefused(f"the current payload key `{self.current}` is not in the ring")
        for kid, raw in self.keys.items():
            if len(raw) != KEY_BYTES:
                raise KeysRefused(f"payload key `{kid}` has {len(raw)} bytes, expected {KEY_BYTES}")

    @classmethod
    def generate(cls) -> "KeyRing":
        raw = secrets.token_bytes(KEY_BYTES)
        kid = _payload_kid(raw)
        return cls(kid, {kid: raw})

    def rotated(self) -> "KeyRing":
        """The same ring with a fresh current key."""
        fresh = KeyRing.generate()
        return KeyRing(fresh.current, {**self.keys, **fresh.keys})

    def without(self, kid: str) -> "KeyRing":
        """The ring with one key destroyed.

        Raises:
            KeysRefused: it is the current one; rotate first.
        """
        return KeyRing(self.current, {name: raw for name, raw in self.keys.items() if name != kid})


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What another region is given: key id -> public key, by purpose; several while one is being rotated."""

    packets: Mapping[str, str]
    ledger: Mapping[str, str]
    sealing: Mapping[str, str]
    """The receiver's X25519 keys; a sender uses the last one listed."""

    def to_json(self) -> dict[str, dict[str, str]]:
        return {"packets": dict(self.packets), "ledger": dict(self.ledger), "sealing": dict(self.sealing)}

    @classmethod
    def from_json(cls, document: Mapping[str, Mapping[str, str]]) -> "PublicKeys":
        """Read what `to_json` gave.

        Raises:
            KeysRefused: a purpose is missing, or a key does not match its id.
        """
        purposes = {"packets", "ledger", "sealing"}
        if set(document) != purposes:
            raise KeysRefused(f"public keys have {sorted(document)}, expected {sorted(purposes)}")
        for purpose, keys in document.items():
            for kid, public in keys.items():
                try:
                    matches = key_id(public) == kid and len(decode(public)) == KEY_BYTES
                except SignatureRefused as error:
                    raise KeysRefused(f"public key `{kid}` for {purpose} is {error}") from error
                if not matches:
                    raise KeysRefused(f"public key `{kid}` for {purpose} does not match its id")
        return cls(dict(document["packets"]), dict(document["ledger"]), dict(document["sealing"]))


@dataclass(frozen=True, slots=True)
class RegionKeys:
    """All private keys of one region. `repr` shows none of them."""

    face: SigningKey = field(repr=False)
    ledger: SigningKey = field(repr=False)
    packets: SigningKey = field(repr=False)
    sealing: SealingKey = field(repr=False)
    payload: KeyRing
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "RegionKeys":
        """Fresh keys in memory; nothing is written."""
        return cls(
            face=SigningKey.generate(),
            ledger=SigningKey.generate(),
            packets=SigningKey.generate(),
            sealing=SealingKey.generate(),
            payload=KeyRing.generate(),
            secret=secrets.token_bytes(KEY_BYTES),
        )

    @classmethod
    def create(cls, directory: Path) -> "RegionKeys":
        """Make a region's keys and write them, mode 0600 in a directory of mode 0700.

        Raises:
            KeysRefused: a key file is already there; keys are never overwritten.
        """
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        there = [name for name in KEY_FILES if (directory / name).exists()]
        if there:
            raise KeysRefused(f"{directory} already holds {', '.join(there)}; move them away to make new keys")
        keys = cls.generate()
        for name, text in keys._files().items():
            write_private(directory / name, text)
        return keys

    @classmethod
    def load(cls, directory: Path) -> "RegionKeys":
        """Read a region's keys.

        Raises:
            KeysRefused: with the file's name, what is wrong with it and how to put it right.
        """
        return cls(
            face=SigningKey.from_bytes(read_raw(directory / FACE)),
            ledger=SigningKey.from_bytes(read_raw(directory / LEDGER)),
            packets=SigningKey.from_bytes(read_raw(directory / PACKETS)),
            sealing=SealingKey.from_bytes(read_raw(directory / SEALING)),
            payload=_read_ring(directory / PAYLOAD),
            secret=read_raw(directory / SECRET),
        )

    @classmethod
    def load_or_create(cls, directory: Path) -> "RegionKeys":
        """Read the keys, or make them in a directory that holds none."""
        if any((directory / name).exists() for name in KEY_FILES):
            return cls.load(directory)
        return cls.create(directory)

    @property
    def public(self) -> PublicKeys:
        return PublicKeys(
            packets={self.packets.kid: self.packets.public},
            ledger={self.ledger.kid: self.ledger.public},
            sealing={self.sealing.kid: self.sealing.public},
        )

    @property
    def decision_keys(self) -> dict[str, str]:
        """Key id -> public key of the face: what a run pins as `decision_keys`."""
        return {self.face.kid: self.face.public}

    def _files(self) -> dict[str, str]:
        ring = {"current": self.payload.current, "keys": {kid: encode(raw) for kid, raw in self.payload.keys.items()}}
        return {
            FACE: encode(self.face.to_bytes()),
            LEDGER: encode(self.ledger.to_bytes()),
            PACKETS: encode(self.packets.to_bytes()),
            SEALING: encode(self.sealing.to_bytes()),
            PAYLOAD: json.dumps(ring, indent=1),
            SECRET: encode(self.secret),
        }


def write_private(path: Path, text: str) -> None:
    """Write a new file of mode 0600; the mode is set when it is created, so it is never readable in between."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def _payload_kid(raw: bytes) -> str:
    return hashlib.sha256(b"watchfloor.payload-kid.v1\n" + raw).hexdigest()[:16]


def _read_text(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise KeysRefused(f"{path} has mode {mode:04o}, expected 0600; run `chmod 600 {path}`")
        return path.read_text().strip()
    except OSError as error:
        raise KeysRefused(f"{path} cannot be read: {error.strerror}") from error


def read_raw(path: Path) -> bytes:
    """The key in a file.

    Raises:
        KeysRefused: missing, readable by others or no key.
    """
    try:
        raw = decode(_read_text(path))
    except SignatureRefused as error:
        raise KeysRefused(f"{path} is {error}, expected 43 characters of base64url") from error
    if len(raw) != KEY_BYTES:
        raise KeysRefused(f"{path} holds {len(raw)} bytes, expected {KEY_BYTES}")
    return raw


def _read_ring(path: Path) -> KeyRing:
    try:
        document = json.loads(_read_text(path))
        return KeyRing(document["current"], {kid: decode(text) for kid, text in document["keys"].items()})
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, SignatureRefused) as error:
        raise KeysRefused(f'{path} is not a key ring, expected {{"current": id, "keys": {{id: base64url}}}}') from error
