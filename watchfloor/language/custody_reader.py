"""Reading what leaves the run or ends it: holds, handoffs, postmortems, stops."""

from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.gate_reader import ReadCourse, read_seat, read_seats
from watchfloor.language.nodes import Node
from watchfloor.language.reading import (
    Reader,
    dotted,
    duration,
    expression,
    list_of,
    name,
    one_of,
    open_mapping,
    pairs_of,
    unique_names,
)
from watchfloor.language.report import Report


def read_hold(node: Node, report: Report) -> doc.Hold | None:
    """What is held, where, and who lets go of it."""
    keys = open_mapping(node, report, "`hold`", "hold: {basis: eu.tco.preserve, scope: {...}, sources: [...]}")
    if keys is None:
        return None
    basis = keys.take("basis", dotted, required=True, hint="the row of the clock register that demands it")
    scope = keys.take("scope", pairs_of(name, expression, "lists of what is held", at_least=1), required=True)
    sources = keys.take("sources", unique_names, required=True, hint="the custodians to freeze")
    storage = keys.take("storage", one_of("governance", "compliance"))
    release = keys.take("release", read_seats(1)) or ()
    if not keys.close() or basis is None or scope is None or sources is None:
        return None
    if not sources:
        report.add(codes.BAD_VALUE, node.span, "no custodian is named", expected="at least one in `sources`")
        return None
    return doc.Hold(basis, scope, sources, storage or "governance", release, node.span)


def read_postmortem(node: Node, report: Report) -> doc.Postmortem | None:
    """Who leads the review, and by when."""
    keys = open_mapping(node, report, "`postmortem`", "postmortem: {facilitator: postmortem_facilitator, within: 10bd}")
    if keys is None:
        return None
    facilitator = keys.take("facilitator", read_seat, required=True)
    within = keys.take("within", duration(business=True))
    if within is None and not keys.has("within"):
        keys.miss("within", "when the review is due: `within: 10bd`", codes.NO_WINDOW)
    return doc.Postmortem(facilitator, within) if keys.close() and facilitator and within else None


def read_stop(node: Node, report: Report) -> doc.Stop | None:
    """The outcome with which the run ends."""
    keys = open_mapping(node, report, "`stop`", "stop: {outcome: refused}")
    if keys is None:
        return None
    outcome = keys.take("outcome", name, required=True)
    return doc.Stop(outcome) if keys.close() and outcome else None


def read_handoff(read_fallback: ReadCourse) -> Reader[doc.Handoff]:
    """An offer to another region, and what no acceptance leads to."""

    def read(node: Node, report: Report) -> doc.Handoff | None:
        keys = open_mapping(node, report, "`handoff`", "handoff: {to: us, share: [inputs.urls], accept_within: 10m}")
        if keys is None:
            return None
        to = keys.take("to", name, required=True)
        mode = keys.take("mode", one_of("assist", "command"))
        share = keys.take("share", list_of(expression, "expressions", at_most=50), required=True, hint="what may cross")
        within = keys.take("accept_within", duration(shares=True))
        if within is None and not keys.has("accept_within"):
            keys.miss("accept_within", "how long the other region has: `accept_within: 10m`", codes.NO_WINDOW)
        seats = keys.take("from", read_seats(1)) or ()
        fallback = keys.take("fallback", read_fallback)
        if not keys.close() or to is None or share is None or within is None:
            return None
        return doc.Handoff(to, mode or "assist", share, within, seats, fallback, node.span)

    return read
