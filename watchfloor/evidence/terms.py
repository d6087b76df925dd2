"""What a hold claims, kept beside the evidence: which things it names and what law it rests on, until it is released.

claims/<hold>/<source>   one claim of a hold at one source, RFC 8785 bytes

A deletion anywhere asks here first (`activities.retention`). Names are kept as digests only: they are found by those
who know them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.json_value import Json
from watchfloor.signing import parse_instant, render_instant


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """One standing claim of a hold at one source.

    `kind` is `floor` for a statutory minimum, `litigation` for any other hold; `until` is None where no end is set.
    """

    hold: str
    source: str
    kind: str
    row: str
    title: str
    law: str
    since: datetime
    until: datetime | None
    names: frozenset[str]
    """`name_digest` of everything in the scope."""

    def extends(self, before: "HoldTerms") -> bool:
        """Whether this is the same claim with a later end: what a renewal makes of it."""
        if before.until is None or self.until is None or self.until <= before.until:
            return False
        return replace(self, until=before.until) == before

    def as_json(self) -> dict[str, Json]:
        return {
            "v": 1,
            "hold": self.hold,
            "source": self.source,
            "kind": self.kind,
            "row": self.row,
            "title": self.title,
            "law": self.law,
            "since": render_instant(self.since),
            "until": render_instant(self.until) if self.until else "",
            "names": sorted(self.names),
        }


def read_terms(document: Mapping[str, Json]) -> HoldTerms:
    """The claim that a document says.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    names = document["names"]
    if not isinstance(names, list):
        raise TypeError("`names` is no list")
    until = str(document["until"])
    return HoldTerms(
        hold=str(document["hold"]),
        source=str(document["source"]),
        kind=str(document["kind"]),
        row=str(document["row"]),
        title=str(document["title"]),
        law=str(document["law"]),
        since=parse_instant(str(document["since"])),
        until=parse_instant(until) if until else None,
        names=frozenset(str(name) for name in names),
    )


def name_digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def digest_names(scope: Json) -> frozenset[str]:
    """The digest of every text in a scope, however deep: each names one thing that is held."""
    return frozenset(name_digest(name) for name in _texts(scope))


def _texts(scope: Json) -> Iterable[str]:
    if isinstance(scope, str):
        yield scope
    elif isinstance(scope, list):
        for part in scope:
            yield from _texts(part)
    elif isinstance(scope, dict):
        for part in scope.values():
            yield from _texts(part)
