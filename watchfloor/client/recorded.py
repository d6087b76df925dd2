"""A run as policies see it, from the ledger alone: for whoever reads records while no engine runs.

Who stands aside from a run, and which compartment it is in, stand in the run's own chain, or in the chain of the
incident that it belongs to.
"""

from dataclasses import dataclass, replace

from schemas.ledger import EntryKind
from watchfloor.authorisation import Authority, Question, Resource, Verdict
from watchfloor.identity.people import Person
from watchfloor.ledger import SqliteLedger

_KINDS = {"inc": "incident", "hold": "hold", "hand": "handoff", "in": "incoming", "post": "postmortem"}
_KINDS |= {"del": "delivery", "desk": "delivery"}


@dataclass(frozen=True, slots=True)
class Reader:
    """A person of one region who reads its records, and the policies that say which."""

    person: Person
    authority: Authority
    on_this_machine: bool

    def judge(self, verb: str, of: Resource) -> Verdict:
        """Ask the policies whether the person may `view` or `export` a run."""
        return self.authority.judge(Question(self.person, verb, of, on_this_machine=self.on_this_machine))


def about_records(ledger: SqliteLedger, chain: str, region: str) -> list[Resource]:
    """What a chain is about, once for each wall that it stands behind: a delivery may concern several compartments.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    about = about_record(ledger, chain, region)
    if about.kind != "delivery":
        return [about]
    walls = {
        str(wall)
        for entry in ledger.read(chain)
        if isinstance(named := entry["data"].get("compartments"), list)
        for wall in named
    }
    return [replace(about, compartment=wall) for wall in sorted(walls)] or [about]


def about_record(ledger: SqliteLedger, chain: str, region: str) -> Resource:
    """What a chain says about its run.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    said = _read(ledger, chain)
    above = _read(ledger, said.incident) if said.incident not in {"", chain} else _Said()
    return Resource(
        id=chain,
        kind=_KINDS.get(chain.partition("-")[0], "incident"),
        runbook=said.runbook or above.runbook,
        region=region,
        severity=said.severity or above.severity,
        compartment=said.compartment or above.compartment,
        requester=said.requester or above.requester,
        excluded=tuple(dict.fromkeys([*said.aside, *above.aside])),
    )


@dataclass(slots=True)
class _Said:
    incident: str = ""
    runbook: str = ""
    requester: str = ""
    severity: str = ""
    compartment: str = ""
    aside: tuple[str, ...] = ()


def _read(ledger: SqliteLedger, chain: str) -> _Said:
    said = _Said()
    for entry in ledger.read(chain):
        data, kind = entry["data"], entry["kind"]
        if kind == EntryKind.OPENED:
            said.runbook, said.requester = str(data.get("runbook", "")), str(data.get("requester", ""))
            said.compartment = str(data.get("compartment", ""))
        elif kind == EntryKind.SEVERITY:
            said.severity = str(data.get("severity", said.severity))
        elif kind == EntryKind.RECUSED:
            said.aside = (*said.aside, str(data["person"]))
        elif kind == EntryKind.UNRECUSED and data.get("done", True):
            said.aside = tuple(one for one in said.aside if one != data["person"])
        if not said.incident and isinstance(data.get("incident"), str) and not chain.startswith("inc-"):
            said.incident = str(data["incident"])
    return said
