"""Pieces of runbooks, as the pages of findings and the tests write them, made whole."""

import re
from collections.abc import Collection, Mapping
from datetime import date

from activities.catalog import CATALOG
from schemas.plan import CONSTRUCTS
from watchfloor.language import Compiled, Finding, compile_text, read_register

WHOLE = {
    "runbook": "runbook: example",
    "version": "version: 1",
    "title": "title: Example",
    "owners": "owners: [ts-eu]",
    "severity": "severity: {default: S1}",
    "regions": "regions: {command: eu, allowed: [eu, us]}",
    "inputs": "inputs:\n  order_id: string\n  received_at: timestamp\n  state: {type: string, enum: [DE, FR]}\n"
    "  urls: {type: list, of: url, max_items: 100}",
    "facts": "facts:\n  order_received: {type: timestamp, from: [inputs.received_at]}\n"
    "  annulled: {type: timestamp, from: [authority_mailbox]}\n  removed: {type: timestamp, from: [pager]}",
    "phases": "phases:\n  - main:\n      - {id: first, action: notify.webhook, with: {to: desk, about: order}}",
}

ROLES = frozenset(
    {
        *("incident_commander", "deputy", "ops_lead", "csea_specialist", "policy_lead", "legal_counsel", "le_liaison"),
        *("exec_sponsor", "records_custodian", "postmortem_facilitator", "eu_desk", "us_desk"),
    }
)

REGISTER, _ = read_register(
    "clocks:\n"
    + "".join(
        f"  - {{id: {row}, title: a, legal_ref: b, owner: o, review_after: '2030-01-01'}}\n"
        for row in (
            "eu.tco.removal, kind: deadline, duration: 1h, basis: V,"
            " pause_on: [clarification_requested, force_majeure], after_pause: restart",
            "eu.tco.preserve, kind: min_retention, months: 6, basis: T",
            "eu.tco.imminent, kind: promptly, internal_slo: 30m, basis: V",
            "eu.dsa.art16, kind: promptly, internal_slo: 24h, basis: S",
        )
    ),
    path="clocks.yaml",
)

LIBRARY = {
    "threat-to-life": (
        "threat-to-life/runbook.yaml",
        b"""runbook: threat-to-life
version: 1
title: Tell the authorities that life is at risk
owners: [ts-eu]
severity: S0
regions: {command: eu, allowed: [eu]}
inputs: {order_id: string, urls: {type: list, of: url, max_items: 100, optional: true}}
facts: {told: {type: timestamp, from: [steps.call]}}
phases:
  - contact:
      - id: call
        task: {assignee: le_liaison, do: Call the authority, form: {reference: string}, within: 10m}
        records: {told: steps.call.at}
outputs:
  told_at: {type: timestamp, value: facts.told}
""",
    ),
    "broken": ("broken/runbook.yaml", b"runbook: broken\n"),
    "to-example": (
        "to-example/runbook.yaml",
        b"""runbook: to-example
version: 1
title: Starts the one it was started by
owners: [ts-eu]
severity: S2
regions: {command: eu, allowed: [eu]}
phases:
  - main:
      - {id: back, run: example, wait: false}
""",
    ),
    "in-us": (
        "in-us/runbook.yaml",
        b"""runbook: in-us
version: 1
title: Commanded by the other region
owners: [ts-us]
severity: S2
regions: {command: us, allowed: [us]}
inputs: {report: string}
phases:
  - main:
      - {id: tell, action: page, with: {role: us_desk, about: report}}
""",
    ),
}


def _running(name: str, *others: str) -> tuple[str, bytes]:
    """A runbook that does nothing but run others."""
    steps = "".join(f"      - {{id: r{number}, run: {other}, wait: false}}\n" for number, other in enumerate(others))
    return (
        f"{name}/runbook.yaml",
        f"runbook: {name}\nversion: 1\ntitle: Runs others\nowners: [ts-eu]\nseverity: S2\n"
        f"regions: {{command: eu, allowed: [eu]}}\nphases:\n  - main:\n{steps}".encode(),
    )


_WEB = [f"web-{letter}" for letter in "abcdefghijkl"]
CIRCLES = {
    "of-two": _running("of-two", "hostile"),
    "of-three": _running("of-three", "third"),
    "third": _running("third", "hostile"),
    "ring-one": _running("ring-one", "ring-two"),
    "ring-two": _running("ring-two", "ring-three"),
    "ring-three": _running("ring-three", "ring-one"),
    **{name: _running(name, *(other for other in _WEB if other != name)) for name in _WEB},
}
"""Runbooks that lead back to themselves, or to the one called `hostile`; each of a web runs every other."""

TODAY = date(2026, 11, 22)


def expand(text: str) -> str:
    """`{{a*300000}}` as so many letters."""
    return re.sub(r"\{\{(.)\*(\d+)\}\}", lambda match: match[1] * int(match[2]), text)


def embed(piece: str) -> str:
    """A whole runbook around steps or top-level keys."""
    piece = expand(piece)
    if piece.startswith("- "):
        piece = "phases:\n  - main:\n" + "\n".join(f"      {line}" for line in piece.split("\n"))
    given = {match[1] for match in re.finditer(r"^([a-z_]+):", piece, re.M)}
    return "\n".join([*(text for key, text in WHOLE.items() if key not in given), piece]) + "\n"


def compile_piece(piece: str, carried_out: Collection[str] = CONSTRUCTS) -> Compiled:
    return compile_whole(embed(piece), carried_out)


def compile_whole(
    text: str | bytes,
    carried_out: Collection[str] = CONSTRUCTS,
    library: Mapping[str, tuple[str, bytes]] = LIBRARY,
) -> Compiled:
    """Compiled as by an engine that carries out everything, unless said otherwise."""
    return compile_text(
        text,
        path="runbook.yaml",
        catalog=CATALOG,
        register=REGISTER,
        roles=ROLES,
        library=library,
        carried_out=carried_out,
    )


def findings_of(piece: str, fence: str = "yaml") -> tuple[Finding, ...]:
    """The findings about a piece as its fence says it is to be read."""
    match fence.split():
        case ["yaml", "register"]:
            return read_register(piece, path="clocks.yaml", today=TODAY)[1]
        case ["yaml", "escaped"]:
            whole = embed(
                re.sub(r"\\x([0-9a-f]{2})", r"\\udc\1", piece).encode().decode("unicode_escape", "surrogatepass")
                if piece.isascii()
                else piece
            )
            return compile_whole(whole.encode("utf-8", "surrogateescape")).findings
        case ["yaml", "older"]:
            return compile_piece(piece, frozenset()).findings
        case ["yaml", "whole"]:
            return compile_whole(piece if piece.startswith("#") else embed(piece)).findings
    return compile_piece(piece).findings
