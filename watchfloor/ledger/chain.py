"""The hash chain: what an entry's hash covers, and what an entry must look like. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from schemas.ledger import ENTRY_VERSION, Entry, EntryKind, StoredEntry
from watchfloor.ledger.port import MAX_ENTRY, EntryRefused
from watchfloor.signing import canonical, digest, parse_instant

GENESIS = "watchfloor.ledger.v1"
ALGORITHM = "sha256"

_TEXTS = ("id", "chain", "kind", "at", "actor", "step", "path")
_FIELDS = frozenset({*_TEXTS, "v", "data"})
_NOT_EMPTY = ("id", "chain", "kind", "actor")


def genesis(chain: str) -> str:
    """What the first entry of a chain has as `prev`: bound to the chain's name, so no chain continues another."""
    return digest({"domain": GENESIS, "chain": chain})


def seal(entry: Entry, *, seq: int, prev: str, recorded_at: str) -> StoredEntry:
    """Give an entry its place in the chain."""
    stored = cast(
        StoredEntry, {**entry, "seq": seq, "prev": prev, "alg": ALGORITHM, "recorded_at": recorded_at, "hash": ""}
    )
    stored["hash"] = hash_of(stored)
    return stored


def hash_of(stored: Mapping[str, Any]) -> str:
    """`sha256:` over the RFC 8785 bytes of every field but `hash` itself, version and algorithm included."""
    return digest({name: value for name, value in stored.items() if name != "hash"})


def bare(stored: StoredEntry) -> Entry:
    """The entry as its writer handed it in."""
    return cast(Entry, {name: value for name, value in stored.items() if name in _FIELDS})


def same(there: Entry, again: Entry) -> bool:
    """Whether an entry handed in again is the one that is there: all but its instant.

    A workflow task that is lost after it wrote (the worker was killed) is carried out anew a little later, so the same
    entry comes again with a later instant. The first one counts.
    """
    return {**there, "at": ""} == {**again, "at": ""}


def check(entry: Mapping[str, Any]) -> Entry:
    """Refuse what is not an entry, before anything is written.

    Raises:
        EntryRefused: names the field and what it should have been.
    """
    if set(entry) != _FIELDS:
        missing, extra = sorted(_FIELDS - set(entry)), sorted(set(entry) - _FIELDS)
        raise EntryRefused(f"an entry has exactly {len(_FIELDS)} fields; missing: {missing}, unknown: {extra}")
    if entry["v"] != ENTRY_VERSION or isinstance(entry["v"], bool):
        raise EntryRefused(f"entry version {entry['v']!r} found, {ENTRY_VERSION} expected")
    for name in _TEXTS:
        if not isinstance(entry[name], str):
            raise EntryRefused(f"`{name}` of an entry is {type(entry[name]).__name__}, text expected")
    for name in _NOT_EMPTY:
        if not entry[name]:
            raise EntryRefused(f"`{name}` of an entry is empty")
    try:
        parse_instant(entry["at"])
    except ValueError as error:
        raise EntryRefused(f"`at` of entry `{entry['id']}` is no instant: {error}") from error
    if not isinstance(entry["data"], dict):
        raise EntryRefused(f"`data` of entry `{entry['id']}` is {type(entry['data']).__name__}, object expected")
    try:
        size = len(canonical(dict(entry)))
    except (ValueError, RecursionError) as error:
        raise EntryRefused(f"entry `{entry['id']}` is not canonical JSON: {error}") from error
    if size > MAX_ENTRY:
        raise EntryRefused(f"entry `{entry['id']}` has {size} bytes, at most {MAX_ENTRY} expected; use a reference")
    return cast(Entry, entry)


def conflict_entry(first: StoredEntry, second: Entry) -> Entry:
    """What the store writes when an id comes again with other content: nothing is lost, nothing is replaced."""
    content = digest(dict(second))
    data = {"id": second["id"], "kept": digest(dict(bare(first))), "second": dict(second)}
    if len(canonical(dict(second))) > MAX_ENTRY // 2:
        data["second"] = content
    return {
        "v": ENTRY_VERSION,
        "id": f"{second['id']}:conflict:{content[7:23]}",
        "chain": second["chain"],
        "kind": EntryKind.CONFLICT,
        "at": second["at"],
        "actor": "ledger",
        "step": second["step"],
        "path": second["path"],
        "data": data,
    }
