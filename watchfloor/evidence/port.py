"""What the rest of the product may ask of an evidence store, and how a store refuses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.json_value import Json
from watchfloor.evidence.terms import HoldTerms

MAX_OBJECT = 64 * 1024 * 1024
"""Bytes of one object unless a store is opened with another cap."""


class EvidenceError(Exception):
    """Root of what an evidence store raises."""


class EvidenceUnavailable(EvidenceError):
    """The store could not be reached or written; the same call may succeed later."""


class EvidenceMissing(EvidenceError):
    """Nothing is kept under this reference."""


class EvidenceAltered(EvidenceError):
    """What is kept under this reference no longer has the content that its address names."""


class EvidenceTooLarge(EvidenceError):
    """The object is larger than the store takes."""


class EvidenceHeld(EvidenceError):
    """The object is under a hold; this program does not delete it."""


class BadReference(EvidenceError, ValueError):
    """Not `sha256:` and 64 lower-case hex digits, or not a hold's id."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """One copy that was lawfully destroyed. `about` is what its receipt says beside that."""

    receipt: str
    size: int
    at: datetime
    about: Mapping[str, Json]


May = Callable[[Mapping[str, Destroyed]], Mapping[str, Mapping[str, Json]]]
"""Asked while nobody else can place or take a hold: given the copies that the same call has destroyed before, it says
for each of the others what its receipt is to say, or raises and nothing more is destroyed."""


class Evidence(Protocol):
    """Objects by content address `sha256:<hex>`. What is kept is never changed; what is held is never deleted."""

    def put(self, content: bytes) -> str:
        """Keep the bytes and give their address. Putting the same bytes again changes nothing."""
        ...

    def get(self, ref: str) -> bytes:
        """The bytes, checked against their address.

        Raises:
            EvidenceMissing, EvidenceAltered, BadReference.
        """
        ...

    def exists(self, ref: str) -> bool: ...

    def protect(self, ref: str, hold_id: str) -> None:
        """Put an object under a hold; several holds may lie on one object.

        Raises:
            EvidenceMissing: what is not kept cannot be held.
        """
        ...

    def release(self, ref: str, hold_id: str) -> None:
        """Take one hold off an object; it stays while another lies on it. Releasing twice changes nothing."""
        ...

    def holds(self, ref: str) -> list[str]:
        """The ids of the holds that lie on an object."""
        ...

    def held(self, hold_id: str) -> list[str]:
        """The references under one hold, sorted."""
        ...

    def claim(self, terms: HoldTerms) -> None:
        """Keep what a hold claims at one source; the same claim again changes nothing, a later end extends it.

        Raises:
            BadReference: not a hold's id, or not a source's name.
        """
        ...

    def claims(self) -> list[HoldTerms]:
        """Every claim that stands, by hold and source."""
        ...

    def drop_claim(self, hold_id: str, source: str) -> None:
        """A source was told to let go. Dropping twice changes nothing."""
        ...

    def delete(self, ref: str, reason: str) -> str:
        """Delete an object that no hold lies on and give the address of the receipt that stays in its place.

        Raises:
            EvidenceHeld, EvidenceMissing.
        """
        ...

    def destroy(self, refs: Sequence[str], reason: str, key: str, may: May) -> dict[str, Destroyed]:
        """Destroy copies although holds may lie on them, because `may` says so; a receipt stays for each.

        Args:
            key: names the call; what it has destroyed before is found again and not destroyed twice.

        Raises:
            EvidenceMissing: one is not there, and this call has not destroyed it; nothing more is destroyed.
        """
        ...

    def destroyed(self, refs: Sequence[str], key: str) -> dict[str, Destroyed]:
        """Which of these copies a call has destroyed."""
        ...
