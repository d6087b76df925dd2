"""The region's root and what it has said: certificates of face keys, revocations. Files beside the region's keys.

`root.pub` is what runs pin. `root.ed25519` signs certificates and revocations and may be kept elsewhere: everything
else works without it. `certificates/<kid>.json` holds one certificate each and is never changed; `revocations.jsonl`
is only appended to, each line on the disk before anybody is told, and read anew whenever somebody is to be believed.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from schemas.decision import Envelope
from schemas.json_value import Json
from schemas.keys import CERTIFICATE, REVOCATION, Certificate, Pins, Revocation
from watchfloor.regions.keys import FACE as FACE_FILE
from watchfloor.regions.keys import KEY_BYTES, KeysRefused, read_raw, write_private
from watchfloor.signing import SignatureRefused, SigningKey, Trust, parse_instant, read_revocation, render_instant, sign
from watchfloor.signing.statements import decode, encode
from watchfloor.signing.trust import read_certificate

ROOT, ROOT_PUBLIC = "root.ed25519", "root.pub"
ISSUED, REVOKED = "certificates", "revocations.jsonl"

VALID_FOR = timedelta(days=365)
"""How long a face key is certified for when nobody says otherwise."""
BEFORE = timedelta(minutes=2)
"""How far before now a fresh certificate begins: a worker's clock may be behind."""


@dataclass(frozen=True, slots=True)
class KeyBook:
    """The public side of one region's keys, read from the disk each time it is asked.

    `keyed` is what only a person's security key decides in runs that start from now on.
    """

    directory: Path
    region: str
    namespace: str
    keyed: tuple[str, ...] = ()

    def root(self) -> str:
        """The root's public half; empty where the region has none yet.

        Raises:
            KeysRefused: the file is no public key.
        """
        path = self.directory / ROOT_PUBLIC
        if not path.exists():
            return ""
        text = _read(path).strip()
        try:
            if len(decode(text)) != KEY_BYTES:
                raise SignatureRefused("of another length")
        except SignatureRefused as error:
            raise KeysRefused(f"{path} is {error}, expected 43 characters of base64url") from error
        return text

    def certificates(self) -> dict[str, tuple[Certificate, Envelope]]:
        """Key id -> what its certificate says, and the certificate; the one that ends last comes last.

        Raises:
            KeysRefused: a file there is no certificate under the root.
        """
        root, found = self.root(), []
        for path in sorted((self.directory / ISSUED).glob("*.json")):
            try:
                envelope = cast(Envelope, json.loads(_read(path)))
                found.append((read_certificate(envelope, root), envelope))
            except (json.JSONDecodeError, SignatureRefused) as error:
                raise KeysRefused(f"{path} is no certificate of this region: {error}") from error
        found.sort(key=lambda one: parse_instant(one[0]["not_after"]))
        return {body["kid"]: (body, envelope) for body, envelope in found}

    def certificate(self, kid: str) -> Envelope | None:
        """The certificate of one key; None where it has none."""
        found = self.certificates().get(kid)
        return found[1] if found else None

    def usable(self, kid: str, now: datetime) -> Envelope | None:
        """The certificate under which a face key signs now; None where the region has no root.

        Raises:
            KeysRefused: it has none, it has ended, or the key was revoked; nothing it signed would count.
        """
        if not self.root():
            return None
        fix = "make a new key with `watchfloor keys rotate`, and start again what still uses the old one"
        if kid in self.revoked():
            raise KeysRefused(f"the face key `{kid}` was revoked; {fix}")
        body, envelope = self.certificates().get(kid, (None, None))
        if body is None:
            raise KeysRefused(f"the face key `{kid}` has no certificate under the region's root; {fix}")
        if now >= parse_instant(body["not_after"]):
            raise KeysRefused(f"the certificate of the face key `{kid}` ended at {body['not_after']}; {fix}")
        return envelope

    def revocations(self) -> dict[str, tuple[Revocation, Envelope]]:
        """Key id -> its revocation; of two the one with the earlier compromise.

        Raises:
            KeysRefused: a line is none. Then nobody is believed, for what it said is not known.
        """
        path, root = self.directory / REVOKED, self.root()
        if not path.exists():
            return {}
        found: dict[str, tuple[Revocation, Envelope]] = {}
        for number, line in enumerate(_read(path).splitlines(), start=1):
            try:
                envelope = cast(Envelope, json.loads(line))
                body = read_revocation(envelope, root, self.region)
            except (json.JSONDecodeError, SignatureRefused) as error:
                raise KeysRefused(f"{path}:{number} is no revocation of this region: {error}") from error
            known = found.get(body["kid"])
            if known is None or parse_instant(body["compromised_at"]) < parse_instant(known[0]["compromised_at"]):
                found[body["kid"]] = (body, envelope)
        return found

    def revoked(self) -> dict[str, str]:
        """Key id -> instant from which on nothing under it counts."""
        return {kid: body["compromised_at"] for kid, (body, _) in self.revocations().items()}

    def trust(self, keys: Mapping[str, str]) -> Trust:
        """Whom an effect believes now: keys under the root, and those of this region by themselves, each until its
        certificate ends, because runs from before there were roots carry no certificates.

        Args:
            keys: the region's own keys, key id -> public key.
        """
        issued = self.certificates()
        return Trust(
            self.region,
            self.namespace,
            {**{kid: body["public"] for kid, (body, _) in issued.items()}, **keys},
            self.root(),
            self.revoked(),
            {kid: body["not_after"] for kid, (body, _) in issued.items()},
        )

    def pin(self, start: Pins) -> None:
        """Have a run that starts now believe the root, and nothing that was revoked before, and ask for security keys.

        Raises:
            KeysRefused: what was revoked cannot be read.
        """
        root, revoked = self.root(), self.revoked()
        if root:
            start["root"] = root
        if revoked:
            start["revoked"] = revoked
        if self.keyed:
            start["keyed"] = list(self.keyed)


def establish_root(book: KeyBook, face: SigningKey, now: datetime | None = None) -> None:
    """Give a region without a root one, and its face key a certificate under it. Changes nothing that is there.

    Raises:
        KeysRefused: a file is there and cannot be used.
    """
    directory = book.directory
    if not (directory / ROOT_PUBLIC).exists():
        if not (directory / ROOT).exists():
            write_private(directory / ROOT, _text_of(SigningKey.generate()))
        root = read_root(directory / ROOT)
        _write_whole(directory / ROOT_PUBLIC, root.public + "\n")
    if book.certificate(face.kid) is None and (directory / ROOT).exists():
        certify(book, face, read_root(directory / ROOT), now=now)


def read_root(path: Path) -> SigningKey:
    """The private root in a file.

    Raises:
        KeysRefused: it is missing, readable by others or no key.
    """
    return SigningKey.from_bytes(read_raw(path))


def certify(
    book: KeyBook,
    key: SigningKey,
    root: SigningKey,
    *,
    valid_for: timedelta = VALID_FOR,
    now: datetime | None = None,
) -> Certificate:
    """Certify a face key; the certificate is on the disk when this returns.

    Raises:
        KeysRefused: the root is not this region's.
    """
    _require_root(book, root)
    now = now or datetime.now(UTC)
    body: Certificate = {
        "v": 1,
        "kid": key.kid,
        "public": key.public,
        "purpose": "face",
        "region": book.region,
        "namespace": book.namespace,
        "not_before": render_instant(now - BEFORE),
        "not_after": render_instant(now + valid_for),
    }
    folder = book.directory / ISSUED
    folder.mkdir(mode=0o700, exist_ok=True)
    envelope = sign(CERTIFICATE, cast(dict[str, Json], body), root)
    _write_whole(folder / f"{key.kid}.json", json.dumps(envelope, indent=1) + "\n")
    return body


def rotate(
    book: KeyBook, root: SigningKey, *, valid_for: timedelta = VALID_FOR, now: datetime | None = None
) -> Certificate:
    """Make a new face key with a certificate and put it in the place of the old one, whose private half is gone then.

    A crash in between leaves the old key in use.

    Raises:
        KeysRefused: the root is not this region's.
    """
    key = SigningKey.generate()
    body = certify(book, key, root, valid_for=valid_for, now=now)
    fresh = book.directory / f"{FACE_FILE}.{key.kid}"
    write_private(fresh, _text_of(key))
    fresh.replace(book.directory / FACE_FILE)
    _sync(book.directory)
    return body


def revoke(
    book: KeyBook,
    kid: str,
    root: SigningKey,
    *,
    compromised_at: datetime,
    reason_ref: str,
    now: datetime | None = None,
) -> Envelope:
    """Revoke a key; on the disk, and read by every effect from then on, when this returns.

    Raises:
        KeysRefused: the root is not this region's, or what is written already cannot be read.
    """
    _require_root(book, root)
    book.revocations()
    body: Revocation = {
        "v": 1,
        "kid": kid,
        "region": book.region,
        "compromised_at": render_instant(compromised_at),
        "revoked_at": render_instant(now or datetime.now(UTC)),
        "reason_ref": reason_ref,
    }
    envelope = sign(REVOCATION, cast(dict[str, Json], body), root)
    path = book.directory / REVOKED
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        file.write(json.dumps(envelope) + "\n")
        file.flush()
        os.fsync(file.fileno())
    _sync(book.directory)
    return envelope


def _require_root(book: KeyBook, root: SigningKey) -> None:
    if root.public != book.root():
        raise KeysRefused(
            f"this is not the root of region `{book.region}`: its id is {root.kid}, and runs pin another; "
            f"expected the private half of {book.directory / ROOT_PUBLIC}"
        )


def _text_of(key: SigningKey) -> str:
    return encode(key.to_bytes())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysRefused(f"{path} cannot be read: {type(error).__name__}") from error


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
