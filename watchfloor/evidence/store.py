"""The evidence store over a directory: content-addressed objects, holds that keep them, receipts of what was deleted.

objects/<2 hex>/<62 hex>       the bytes; the name is their SHA-256
holds/by-object/<hex>/<hold>   a hold that lies on an object; while one is there, nothing here deletes it
holds/by-hold/<hold>/<hex>     the same, to list what a hold keeps
claims/<hold>/<source>         what a hold claims, and under which law (`watchfloor.evidence.terms`)
deleted/<hex>                  the address of the receipt of a deletion
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore

from schemas.json_value import Json
from watchfloor.evidence.port import (
    MAX_OBJECT,
    BadReference,
    Destroyed,
    EvidenceAltered,
    EvidenceError,
    EvidenceHeld,
    EvidenceMissing,
    EvidenceTooLarge,
    EvidenceUnavailable,
    May,
)
from watchfloor.evidence.terms import HoldTerms, read_terms
from watchfloor.signing import canonical, parse_instant, render_instant

_REF = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_HOLD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}", re.ASCII)
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_REASON = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


def _now() -> datetime:
    return datetime.now(UTC)


class EvidenceStore:
    """`watchfloor.evidence.Evidence` over a directory.

    Writes are atomic (a reader sees the whole object or none) and on the disk when they return. Every read is checked
    against the address. Holds and deletions of one object are serialised over all processes of this machine, so an
    object that is being put under a hold is not deleted at the same moment.
    """

    def __init__(self, path: Path, *, max_object: int = MAX_OBJECT, clock: Callable[[], datetime] = _now) -> None:
        """Open or make the directory, mode 0700.

        Raises:
            EvidenceUnavailable: it cannot be made or written.
        """
        self.path = path
        self.max_object = max_object
        self._clock = clock
        self._known: dict[str, tuple[str, HoldTerms]] = {}
        """Name of a claim -> the mark of the file it was read from, and what it says."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store = LocalStore(path)
        except (OSError, BaseError) as error:
            raise EvidenceUnavailable(f"the evidence store {path} cannot be opened: {error}") from error

    def put(self, content: bytes) -> str:
        """Keep the bytes and give their address. Putting the same bytes again changes nothing.

        Raises:
            EvidenceTooLarge: more than `max_object` bytes; nothing was kept.
            EvidenceAltered: other bytes stand at this address already.
        """
        if len(content) > self.max_object:
            raise EvidenceTooLarge(f"an object of {len(content)} bytes, at most {self.max_object} are kept")
        hexes = hashlib.sha256(content).hexdigest()
        ref = f"sha256:{hexes}"
        if not self._create(_object(hexes), content):
            self.get(ref)
        return ref

    def get(self, ref: str) -> bytes:
        """The bytes, checked against their address.

        Raises:
            BadReference, EvidenceMissing, EvidenceAltered, EvidenceTooLarge.
        """
        hexes = _hexes(ref)
        with _translated(ref):
            size = obstore.head(self._store, _object(hexes))["size"]
            if size > self.max_object:
                raise EvidenceTooLarge(f"`{ref}` has {size} bytes on the disk, at most {self.max_object} are read")
            content = bytes(obstore.get(self._store, _object(hexes)).bytes())
        if hashlib.sha256(content).hexdigest() != hexes:
            raise EvidenceAltered(f"what is kept as `{ref}` has other content than its address says")
        return content

    def exists(self, ref: str) -> bool:
        try:
            with _translated(ref):
                obstore.head(self._store, _object(_hexes(ref)))
        except EvidenceMissing:
            return False
        return True

    def protect(self, ref: str, hold_id: str) -> None:
        """Put an object under a hold.

        Raises:
            EvidenceMissing: what is not kept cannot be held.
            BadReference: not a reference, or not a hold's id.
        """
        hexes, hold = _hexes(ref), _hold(hold_id)
        with self._exclusive():
            if not self.exists(ref):
                raise EvidenceMissing(f"`{ref}` is not kept here, so no hold can lie on it")
            # the marker that protects comes first: a crash in between leaves too much protection, never too little
            self._create(f"holds/by-object/{hexes}/{hold}", b"")
            self._create(f"holds/by-hold/{hold}/{hexes}", b"")

    def release(self, ref: str, hold_id: str) -> None:
        """Take one hold off an object. Releasing twice changes nothing."""
        hexes, hold = _hexes(ref), _hold(hold_id)
        with self._exclusive():
            self._remove(f"holds/by-hold/{hold}/{hexes}")
            self._remove(f"holds/by-object/{hexes}/{hold}")

    def holds(self, ref: str) -> list[str]:
        """The ids of the holds that lie on an object."""
        return self._names(f"holds/by-object/{_hexes(ref)}")

    def held(self, hold_id: str) -> list[str]:
        """The references under one hold, sorted."""
        return [f"sha256:{hexes}" for hexes in self._names(f"holds/by-hold/{_hold(hold_id)}")]

    def claim(self, terms: HoldTerms) -> None:
        """Keep what a hold claims at one source; the same claim again changes nothing, a later end extends it.

        Raises:
            BadReference: not a hold's id, or not a source's name.
            EvidenceAltered: the hold has claimed something else at this source before.
        """
        name = _claim(terms.hold, terms.source)
        content = canonical(terms.as_json())
        with self._exclusive():
            if self._create(name, content) or self._read(name) == content:
                return
            if not terms.extends(self._parse(name)):
                raise EvidenceAltered(f"`{name}` holds another claim already; a hold may only be renewed")
            self._replace(name, content)

    def claims(self) -> list[HoldTerms]:
        """Every claim that stands, by hold and source.

        Raises:
            EvidenceAltered: one cannot be read; then nobody may rely on the others being all.
        """
        with _translated("claims"):
            found = sorted(
                (item["path"], f"{item['e_tag']} {item['last_modified']} {item['size']}")
                for item in obstore.list(self._store, "claims/").collect()
            )
        return [self._claim_at(name, mark) for name, mark in found]

    def drop_claim(self, hold_id: str, source: str) -> None:
        """A source was told to let go. Dropping twice changes nothing."""
        name = _claim(hold_id, source)
        with self._exclusive():
            self._remove(name)
        self._known.pop(name, None)

    def _claim_at(self, name: str, mark: str) -> HoldTerms:
        # a claim changes only when its hold is renewed, perhaps by another process: then its file has another mark
        known = self._known.get(name)
        if known is None or known[0] != mark:
            known = self._known[name] = (mark, self._parse(name))
        return known[1]

    def _parse(self, name: str) -> HoldTerms:
        try:
            return read_terms(json.loads(self._read(name)))
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceAltered(f"`{name}` is no claim of a hold any more") from error

    def _read(self, name: str) -> bytes:
        with _translated(name):
            return bytes(obstore.get(self._store, name).bytes())

    def delete(self, ref: str, reason: str) -> str:
        """Delete an object that no hold lies on; a receipt stays in its place, and its address is given.

        Args:
            ref: what to delete.
            reason: a short code (`retention_over`, `lawful_destruction`), never a text.

        Raises:
            EvidenceHeld: a hold lies on it; nothing was deleted.
            EvidenceMissing: it is not there.
            BadReference: not a reference, or the reason is not a code.
        """
        hexes = _hexes(ref)
        if _REASON.fullmatch(reason) is None:
            raise BadReference(
                f"`{reason!r}` is no code of a reason: lower-case letters, digits, `.`, `_`, `-` expected"
            )
        with self._exclusive():
            holds = self.holds(ref)
            if holds:
                raise EvidenceHeld(f"`{ref}` is under {len(holds)} hold(s) ({', '.join(holds)}); it is not deleted")
            with _translated(ref):
                size = obstore.head(self._store, _object(hexes))["size"]
            receipt = self.put(
                canonical(
                    {"v": 1, "ref": ref, "size": size, "reason": reason, "deleted_at": render_instant(self._clock())}
                )
            )
            self._create(f"deleted/{hexes}/{receipt[7:]}", b"")
            self._remove(_object(hexes))
        return receipt

    def destroy(self, refs: Sequence[str], reason: str, key: str, may: May) -> dict[str, Destroyed]:
        """Destroy copies although holds may lie on them, because `may` says so; a receipt stays for each.

        What holds claim of a destroyed copy stays written down until each hold is released, so that a call that was
        interrupted is judged by the same claims when it comes again.

        Raises:
            EvidenceMissing: one is not there, and this call has not destroyed it; nothing more is destroyed.
            BadReference: not a reference, or the reason is not a code.
        """
        if _REASON.fullmatch(reason) is None:
            raise BadReference(f"`{reason!r}` is no code of a reason")
        with self._exclusive():
            gone = self.destroyed(refs, key)
            left = [ref for ref in dict.fromkeys(refs) if ref not in gone]
            sizes: dict[str, int] = {}
            for ref in left:
                with _translated(ref):
                    sizes[ref] = obstore.head(self._store, _object(_hexes(ref)))["size"]
            said = may(gone)
            for ref in left:
                at = self._clock()
                about: dict[str, Json] = {**said[ref], "key": key}
                receipt = self.put(
                    canonical(
                        {
                            "v": 1,
                            "ref": ref,
                            "size": sizes[ref],
                            "reason": reason,
                            "deleted_at": render_instant(at),
                            **about,
                        }
                    )
                )
                self._create(f"deleted/{_hexes(ref)}/{receipt[7:]}", b"")
                self._remove(_object(_hexes(ref)))
                gone[ref] = Destroyed(receipt, sizes[ref], at, about)
        return {ref: gone[ref] for ref in dict.fromkeys(refs)}

    def destroyed(self, refs: Sequence[str], key: str) -> dict[str, Destroyed]:
        """Which of these copies a call has destroyed; one that is there again is not."""
        found: dict[str, Destroyed] = {}
        for ref in refs:
            for receipt in [] if self.exists(ref) else self.receipts(ref):
                said = json.loads(self.get(receipt))
                if said.get("key") == key:
                    found[ref] = Destroyed(receipt, said["size"], parse_instant(said["deleted_at"]), said)
        return found

    def receipts(self, ref: str) -> list[str]:
        """Addresses of the receipts of deletions of this object; it may have been put and deleted more than once."""
        return [f"sha256:{hexes}" for hexes in self._names(f"deleted/{_hexes(ref)}")]

    def _create(self, name: str, content: bytes) -> bool:
        """Write a new file and bring it to the disk; False when it is there already."""
        with _translated(name):
            try:
                obstore.put(self._store, name, content, mode="create")
            except AlreadyExistsError:
                return False
        self._sync(name)
        return True

    def _replace(self, name: str, content: bytes) -> None:
        """Write a file in the place of another: a reader sees the one or the other, whole."""
        with _translated(name):
            obstore.put(self._store, name, content, mode="overwrite")
        self._sync(name)

    def _sync(self, name: str) -> None:
        """Bring a new file to the disk, its owner's alone whatever the process's mask is."""
        target = self.path / name
        for place, mode in ((target, 0o600), (target.parent, 0o700)):
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fchmod(handle, mode)
                os.fsync(handle)
            finally:
                os.close(handle)

    def _remove(self, name: str) -> None:
        with contextlib.suppress(EvidenceMissing), _translated(name):
            obstore.delete(self._store, name)

    def _names(self, prefix: str) -> list[str]:
        with _translated(prefix):
            found = obstore.list(self._store, prefix).collect()
        return sorted(item["path"].rsplit("/", 1)[-1] for item in found)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        lock = self.path / ".lock"
        lock.touch(mode=0o600)
        with lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _object(hexes: str) -> str:
    return f"objects/{hexes[:2]}/{hexes[2:]}"


def _hexes(ref: str) -> str:
    match = _REF.fullmatch(ref) if isinstance(ref, str) else None
    if match is None:
        raise BadReference(f"{ref!r} is no reference; `sha256:` and 64 lower-case hex digits expected")
    return match[1]


def _claim(hold_id: str, source: str) -> str:
    if not isinstance(source, str) or _SOURCE.fullmatch(source) is None:
        raise BadReference(f"{source!r} is no source's name; lower-case letters, digits and `_` expected, at most 64")
    return f"claims/{_hold(hold_id)}/{source}"


def _hold(hold_id: str) -> str:
    if not isinstance(hold_id, str) or _HOLD.fullmatch(hold_id) is None:
        raise BadReference(f"{hold_id!r} is no hold's id; letters, digits, `.`, `_`, `~`, `-` expected, at most 128")
    return hold_id


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """No exception of the storage library leaves this module."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise EvidenceMissing(f"`{what}` is not kept here") from error
    except AlreadyExistsError:
        raise
    except EvidenceError:
        raise
    except (BaseError, OSError) as error:
        raise EvidenceUnavailable(f"the evidence store did not answer for `{what}`: {error}") from error
