"""The offline verifier: needs the exported file, the public ledger keys and anchors; no engine, no database.

Without an anchor it finds edits, deletions, swaps, insertions and duplicates inside a chain. A tail that was cut, an
older copy, another tail and a chain written anew from the start are found only with an anchor, and the report says so
when none was given (security.md, "Ledger tampering").
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.decision import Envelope
from schemas.ledger import Checkpoint, EntryKind
from watchfloor.ledger.chain import ALGORITHM, genesis, hash_of
from watchfloor.ledger.checkpoint import open_checkpoint
from watchfloor.ledger.port import MAX_ENTRY
from watchfloor.ledger.report import ChainSummary, Finding, Report, Tampering, Verdict
from watchfloor.signing import SignatureRefused, canonical

MAX_LINE = 2 * MAX_ENTRY

CHECKED = (
    "each entry's hash over all its fields",
    "each entry's place and its link to the one before, from the chain's beginning",
)
WITHOUT_ANCHOR = (
    "whether entries are missing at the end (a cut tail or an older copy put back): no anchor that counts was given",
    "whether the tail was replaced by another one (a fork): no anchor that counts was given",
    "whether the whole chain was written anew: no anchor that counts was given",
)


@dataclass(slots=True)
class _Chain:
    name: str
    places: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Line number and entry, in the order of the file."""

    def by_seq(self) -> dict[int, dict[str, Any]]:
        return {entry["seq"]: entry for _, entry in reversed(self.places)}


def verify_file(path: Path, keys: Mapping[str, str], anchors: Sequence[Envelope] = ()) -> Report:
    """Verify an exported ledger.

    Args:
        path: JSON lines as `Ledger.export` writes them; several chains may share a file.
        keys: key id -> public ledger key of the region.
        anchors: signed checkpoints from outside: the evidence store, the other region.

    Raises:
        OSError: the file cannot be read.
    """
    return verify_bytes(path.read_bytes(), keys, anchors)


def verify_bytes(content: bytes, keys: Mapping[str, str], anchors: Sequence[Envelope] = ()) -> Report:
    """Verify the content of an exported ledger; see `verify_file`."""
    findings: list[Finding] = []
    chains = _read(content, findings)
    trusted, refused = _trusted(anchors, keys)
    for chain in chains.values():
        _check_hashes(chain, findings)
        _check_links(chain, findings)
        _name_conflicts(chain, findings)
    for name in trusted:
        chains.setdefault(name, _Chain(name))
    summaries, unchecked = [], list[str]()
    for name, chain in sorted(chains.items()):
        mine = trusted.get(name, [])
        anchored = _check_anchors(chain, mine, findings)
        present = chain.by_seq()
        last = max(present, default=0)
        head = present[last]["hash"] if last else genesis(name)
        summaries.append(ChainSummary(name, len(chain.places), head, len(mine), anchored))
        if not mine:
            unchecked += [f"{name}: {item}" for item in WITHOUT_ANCHOR]
        elif last > anchored:
            span = f"entries {anchored + 1} to {last}" if anchored else f"all {last} entries"
            unchecked.append(
                f"{name}: {span} lie behind the last anchor that agrees; a cut or a replacement there cannot be seen"
            )
    if not chains:
        unchecked.append("whether there ever were entries: the file holds none and no anchor that counts was given")
    checked = [*CHECKED] if chains else []
    checked += [f"{name}: the head at {len(mine)} anchor(s)" for name, mine in sorted(trusted.items())]
    ordered = tuple(sorted(set(findings)))
    return Report(
        _verdict(ordered, content, summaries), ordered, tuple(summaries), tuple(checked), tuple(unchecked), refused
    )


def _verdict(findings: Sequence[Finding], content: bytes, chains: Sequence[ChainSummary]) -> Verdict:
    kinds = {finding.kind for finding in findings}
    if kinds - {Tampering.TORN, Tampering.CONFLICT}:
        unreadable = kinds == {Tampering.MALFORMED} and not any(chain.entries for chain in chains)
        return Verdict.UNREADABLE if unreadable and content else Verdict.TAMPERED
    if Tampering.CONFLICT in kinds:
        return Verdict.IN_CONFLICT
    return Verdict.TORN if kinds else Verdict.INTACT


def _read(content: bytes, findings: list[Finding]) -> dict[str, _Chain]:
    chains: dict[str, _Chain] = {}
    lines = content.split(b"\n")
    torn = lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            entry = _parse(line)
        except ValueError as error:
            findings.append(Finding(number, "", 0, Tampering.MALFORMED, str(error)))
            continue
        chains.setdefault(entry["chain"], _Chain(entry["chain"])).places.append((number, entry))
    if torn:
        message = f"the last {len(torn)} bytes are no whole line: a write that was interrupted"
        findings.append(Finding(len(lines) + 1, "", 0, Tampering.TORN, message))
    return chains


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise ValueError(f"a line of {len(line)} bytes, at most {MAX_LINE} expected")
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(entry, dict):
        raise ValueError("not an entry: a JSON object was expected")
    for name, kind in {"seq": int, "prev": str, "hash": str, "alg": str, "chain": str, "id": str}.items():
        if not isinstance(entry.get(name), kind) or isinstance(entry.get(name), bool):
            raise ValueError(f"not an entry: `{name}` is missing or not {kind.__name__}")
    try:
        spelled = canonical(entry)
    except (ValueError, RecursionError) as error:
        raise ValueError("not an entry: not canonical JSON") from error
    if spelled != line:
        raise ValueError("spelled otherwise than the ledger writes it (RFC 8785): the line was rewritten")
    return entry


def _check_hashes(chain: _Chain, findings: list[Finding]) -> None:
    for line, entry in chain.places:
        if entry["alg"] != ALGORITHM:
            message = f"algorithm `{entry['alg']}` is not one this verifier knows"
        elif hash_of(entry) != entry["hash"]:
            message = "the content does not give the hash that stands in it"
        else:
            continue
        findings.append(Finding(line, chain.name, entry["seq"], Tampering.EDITED, message))


def _check_links(chain: _Chain, findings: list[Finding]) -> None:
    def found(line: int, seq: int, kind: Tampering, message: str) -> None:
        findings.append(Finding(line, chain.name, seq, kind, message))

    seen: dict[int, str] = {}
    previous_seq, highest = 0, 0
    for line, entry in chain.places:
        seq = entry["seq"]
        if seq in seen:
            if seen[seq] == entry["hash"]:
                found(line, seq, Tampering.DUPLICATED, "the same entry stands twice")
            else:
                found(line, seq, Tampering.INSERTED, "two different entries claim this place")
        elif seq < previous_seq:
            found(line, seq, Tampering.REORDERED, f"stands after entry {previous_seq}")
        seen.setdefault(seq, entry["hash"])
        previous_seq, highest = seq, max(highest, seq)
    for first, last in _gaps(seen, highest):
        span = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        found(0, first, Tampering.CUT, f"{span} missing")
    _check_prev(chain, found)


def _name_conflicts(chain: _Chain, findings: list[Finding]) -> None:
    """Say in words what the store found when it wrote a `ledger.conflict`: which entry came twice, and with what."""
    first = {entry["id"]: entry for _, entry in reversed(chain.places)}
    for line, entry in chain.places:
        if entry.get("kind") != EntryKind.CONFLICT:
            continue
        data = entry.get("data")
        about = str(data.get("id", "")) if isinstance(data, dict) else ""
        kept, second = first.get(about), data.get("second") if isinstance(data, dict) else None
        was = f"`{kept.get('kind')}` of {kept.get('at')} (entry {kept['seq']})" if kept else "an entry that is not here"
        came = f"`{second.get('kind')}` of {second.get('at')}" if isinstance(second, dict) else "another content"
        message = (
            f"`{about}` was written twice: kept is {was}, then came {came}; "
            "the run may have been started anew after it was ended from outside, or reset: "
            "compare both, find out who did, and end the run that should not be"
        )
        findings.append(Finding(line, chain.name, entry["seq"], Tampering.CONFLICT, message))


def _check_prev(chain: _Chain, found: Any) -> None:
    """A link that does not fit, where both entries are whole in themselves, shows an edit with a repaired hash."""
    present = chain.by_seq()
    lines = {entry["seq"]: line for line, entry in reversed(chain.places)}
    for seq, entry in present.items():
        before = present.get(seq - 1)
        if seq == 1:
            wanted = genesis(chain.name)
        elif before is None:
            continue
        else:
            wanted = before["hash"]
        if entry["prev"] != wanted:
            message = "does not continue the entry before it: one of the two was exchanged"
            found(lines[seq], seq, Tampering.EDITED, message)


def _gaps(seen: Mapping[int, str], highest: int) -> Iterable[tuple[int, int]]:
    first = 0
    for seq in range(1, highest + 1):
        if seq not in seen and not first:
            first = seq
        if seq in seen and first:
            yield first, seq - 1
            first = 0


def _trusted(
    anchors: Sequence[Envelope], keys: Mapping[str, str]
) -> tuple[dict[str, list[Checkpoint]], tuple[str, ...]]:
    trusted: dict[str, list[Checkpoint]] = {}
    refused = []
    for number, envelope in enumerate(anchors, start=1):
        try:
            checkpoint = open_checkpoint(envelope, keys)
        except SignatureRefused as error:
            refused.append(f"anchor {number}: {error}")
            continue
        trusted.setdefault(checkpoint["chain"], []).append(checkpoint)
    for checkpoints in trusted.values():
        checkpoints.sort(key=lambda item: item["seq"])
    return trusted, tuple(refused)


def _check_anchors(chain: _Chain, anchors: Sequence[Checkpoint], findings: list[Finding]) -> int:
    """Compare the chain with its anchors; gives the highest `seq` that an anchor confirms."""
    present = chain.by_seq()
    last = max(present, default=0)
    lines = {entry["seq"]: line for line, entry in reversed(chain.places)}
    confirmed, heads = 0, dict[int, str]()
    for anchor in anchors:
        seq, head = anchor["seq"], anchor["head"]
        if heads.setdefault(seq, head) != head:
            message = f"two anchors name different heads: two histories were signed, the second at {anchor['at']}"
            findings.append(Finding(0, chain.name, seq, Tampering.FORKED, message))
        elif seq > last:
            message = f"{seq - last} entries or more are missing at the end: entry {seq} stood here at {anchor['at']}"
            findings.append(Finding(0, chain.name, last + 1, Tampering.CUT, message))
        elif seq not in present:
            continue  # the gap is a finding already
        elif present[seq]["hash"] == head:
            confirmed = max(confirmed, seq)
        else:
            kind = Tampering.FORKED if confirmed else Tampering.REWRITTEN
            since = f"after entry {confirmed}" if confirmed else "from the start"
            message = f"another entry stood here at {anchor['at']}: the chain was replaced {since}"
            findings.append(Finding(lines[seq], chain.name, seq, kind, message))
    return confirmed
