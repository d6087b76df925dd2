"""What the verifier found: an ordered, typed report that says as plainly what it could not check."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    INTACT = "intact"
    """Nothing wrong was found; `Report.unchecked` says what nobody could have found with what was given."""
    TORN = "torn tail"
    """The last line was not written to its end, as a crash leaves it; everything before it is whole."""
    IN_CONFLICT = "in conflict"
    """Every entry is as the ledger wrote it, and the ledger wrote down that one id was given two contents."""
    TAMPERED = "tampered"
    UNREADABLE = "unreadable"


class Tampering(StrEnum):
    EDITED = "edited"
    CUT = "cut"
    REORDERED = "reordered"
    DUPLICATED = "duplicated"
    INSERTED = "inserted"
    FORKED = "forked"
    REWRITTEN = "rewritten"
    MALFORMED = "malformed"
    TORN = "torn tail"
    CONFLICT = "conflict"
    """Not tampering with the file: two histories were written to one chain, and the ledger kept both."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong. `line` is the file's line (0: the file as a whole), `seq` the place in the chain."""

    line: int
    chain: str
    seq: int
    kind: Tampering
    message: str


@dataclass(frozen=True, slots=True)
class ChainSummary:
    """One chain as found. `anchored_to` is the highest `seq` that a valid anchor confirms, 0 without one."""

    chain: str
    entries: int
    head: str
    anchors: int
    anchored_to: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one verification."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    chains: tuple[ChainSummary, ...]
    checked: tuple[str, ...]
    unchecked: tuple[str, ...]
    refused_anchors: tuple[str, ...]
    """Anchors that were given but count for nothing, and why."""

    @property
    def ok(self) -> bool:
        """True when nothing was tampered with as far as could be checked. A torn tail is a crash, not an attack."""
        return self.verdict in {Verdict.INTACT, Verdict.TORN}

    def kinds(self) -> frozenset[Tampering]:
        return frozenset(finding.kind for finding in self.findings)

    def lines(self) -> list[str]:
        """The report in words, for a person."""
        text = [f"ledger: {self.verdict}"]
        text += [
            f"  {chain.chain}: {chain.entries} entries, head {chain.head[:23]}…, "
            + (f"anchored up to {chain.anchored_to}" if chain.anchored_to else "no anchor")
            for chain in self.chains
        ]
        text += [f"  {item.kind}: line {item.line}, entry {item.seq}: {item.message}" for item in self.findings]
        text += [f"  anchor not counted: {reason}" for reason in self.refused_anchors]
        text += [f"  checked: {item}" for item in self.checked]
        text += [f"  NOT checked: {item}" for item in self.unchecked]
        return text
