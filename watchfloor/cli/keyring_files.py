"""The face keys of the regions below a home directory, as their files say; no engine is needed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.decision import Envelope
from schemas.keys import Certificate
from watchfloor.client.errors import Ambiguous, NotFound, Refused
from watchfloor.client.inputs import validate_value
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.certificates import ROOT, KeyBook, read_root, revoke, rotate
from watchfloor.regions.keys import KeysRefused, RegionKeys
from watchfloor.runtime.settings import find_home
from watchfloor.signing import SigningKey, parse_instant
from watchfloor.signing.statements import key_id


@dataclass(frozen=True, slots=True)
class RegionKeyring:
    """One region's keys below the home directory."""

    region: str
    folder: Path
    book: KeyBook

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def has_root(self) -> bool:
        return (self.book.directory / ROOT).exists()

    @property
    def root_kid(self) -> str:
        root = self.book.root()
        return key_id(root) if root else ""

    def face_kid(self) -> str:
        return RegionKeys.load(self.book.directory).face.kid

    def ledger(self) -> SqliteLedger:
        return SqliteLedger(self.ledger_path)

    def root(self, file: Path | None) -> SigningKey:
        """The private root, from the file named or from beside the keys.

        Raises:
            KeysRefused: it is not there.
        """
        if file is None and not self.has_root:
            raise KeysRefused(
                f"the private root of region `{self.region}` is not in {self.book.directory}; name its file with --root"
            )
        return read_root(file or self.book.directory / ROOT)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One face key. `state` is in_use, verifies, early, ended or revoked."""

    region: str
    kid: str
    not_before: str
    not_after: str
    state: str
    revoked_since: str | None

    @property
    def in_words(self) -> str:
        return {
            "in_use": "in use",
            "verifies": "replaced; what it signed verifies until its end",
            "early": "not valid yet",
            "ended": "ended",
            "revoked": f"REVOKED: nothing counts since {self.revoked_since}",
        }[self.state]


@dataclass(frozen=True, slots=True)
class Revoked:
    """What was written: the message for the runs, since when, and the key that signs instead (empty: as before)."""

    envelope: Envelope
    since: str
    new_kid: str


def keyrings(home: Path | None, region: str | None) -> list[RegionKeyring]:
    """The regions that have keys here.

    Raises:
        NotFound: none has.
    """
    root = find_home(home)
    found = [
        RegionKeyring(path.parent.name, path.parent, _book(path, path.parent.name))
        for path in sorted(root.glob("*/keys"))
        if path.is_dir() and region in {None, path.parent.name}
    ]
    if not found:
        raise NotFound(f"no keys below {root}; name the home directory with --home, or run `watchfloor up` first")
    return found


def one_keyring(home: Path | None, region: str | None) -> RegionKeyring:
    """The one region meant.

    Raises:
        NotFound, Ambiguous: none, or more than one; a key belongs to one region.
    """
    found = keyrings(home, region)
    if len(found) > 1:
        raise Ambiguous("--region left out", [ring.region for ring in found])
    return found[0]


def find_keyring(home: Path | None, region: str | None, kid: str) -> RegionKeyring:
    """The region that certified a key.

    Raises:
        NotFound: none here did.
    """
    for ring in keyrings(home, region):
        if kid in ring.book.certificates():
            return ring
    raise NotFound(f"no region here has certified a key `{kid}`; `watchfloor keys list` shows them")


def list_all(ring: RegionKeyring, now: datetime | None = None) -> list[KeyRow]:
    """Every key that was ever certified, the one that ends last at the end.

    Raises:
        KeysRefused: a file cannot be read.
    """
    now, face, revoked = now or datetime.now(UTC), ring.face_kid(), ring.book.revoked()
    rows: list[KeyRow] = []
    for kid, (body, _) in ring.book.certificates().items():
        if kid in revoked:
            state = "revoked"
        elif now >= parse_instant(body["not_after"]):
            state = "ended"
        elif now < parse_instant(body["not_before"]):
            state = "early"
        else:
            state = "in_use" if kid == face else "verifies"
        rows.append(KeyRow(ring.region, kid, body["not_before"], body["not_after"], state, revoked.get(kid)))
    return rows


def rotate_in(ring: RegionKeyring, root: Path | None, valid_for: timedelta) -> Certificate:
    """Make a new face key for a region.

    Raises:
        KeysRefused: there is no root, or it is another region's.
    """
    return rotate(ring.book, ring.root(root), valid_for=valid_for)


def revoke_in(ring: RegionKeyring, kid: str, root: Path | None, *, since: str, reason: str) -> Revoked:
    """Write a revocation down; if the key is in use, make another first. One that is already there is given again,
    unless an earlier instant is named.

    Raises:
        KeysRefused: there is no root, or it is another region's.
        InputsRefused: `since` is no instant.
        Refused: it has no reason, or lies in the future.
    """
    from watchfloor.evidence import EvidenceStore

    now = datetime.now(UTC)
    text = str(validate_value({"type": "timestamp"}, since, field="since", now=now, relative=True))
    if parse_instant(text) > now:
        raise Refused("late", f"`--since {since}` lies in the future; a key counts until then, so revoke it then")
    if not reason.strip():
        raise Refused(Refused.NO_REASON, "a revocation needs a reason; say why in a sentence (--reason)")
    known = ring.book.revocations().get(kid)
    if known is not None and parse_instant(known[0]["compromised_at"]) <= parse_instant(text):
        return Revoked(known[1], known[0]["compromised_at"], "")
    private = ring.root(root)
    fresh = rotate(ring.book, private)["kid"] if kid == ring.face_kid() else ""
    reference = EvidenceStore(ring.folder / "evidence").put(reason.strip().encode())
    envelope = revoke(ring.book, kid, private, compromised_at=parse_instant(text), reason_ref=reference, now=now)
    return Revoked(envelope, text, fresh)


def _book(directory: Path, region: str) -> KeyBook:
    """With the namespace that the region's certificates name; the region's id where there is none yet."""
    issued = KeyBook(directory, region, region).certificates()
    namespace = next((body["namespace"] for body, _ in reversed(list(issued.values()))), region)
    return KeyBook(directory, region, namespace)
