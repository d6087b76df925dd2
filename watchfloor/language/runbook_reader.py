"""Reading a runbook: the keys of the document and what stands under them, but for the steps."""

from typing import Literal

from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.document import Runbook
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence
from watchfloor.language.reading import (
    Keys,
    dotted,
    duration,
    expression,
    integer,
    list_of,
    name,
    one_of,
    open_mapping,
    pairs_of,
    runbook_id,
    text,
    unique_names,
    wrong,
)
from watchfloor.language.report import Report
from watchfloor.language.step_reader import some_steps
from watchfloor.language.type_reader import read_fields, read_type

SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
LATER = {"recuse": "exclude people where they are asked: `not: [role]`"}
LATER_TRACK = {
    "on_fact": "fire once when it is there: `when: has(facts.x)`",
    "each": "fire once when it is there: `when: has(facts.x)`",
    "from": "watch with `repeat:` in a track that fires once",
    "every": "watch with `repeat:` in a track that fires once",
    "for": "watch with `repeat:` in a track that fires once",
    "detached": "let a `task` hand the watch to a person",
}
LATER_CLOCK = {
    "each": "declare one clock for each fact that starts it",
    "if": "let the fact that starts it be recorded under that condition",
}
_EXAMPLE_REGIONS = "regions: {command: eu, allowed: [eu, us]}"


def read_runbook(root: Node, report: Report) -> Runbook | None:
    """The document, or None after its form was found wanting."""
    keys = open_mapping(root, report, "the runbook", "runbook: my-runbook")
    if keys is None:
        return None
    keys.later(LATER)
    id_ = keys.take("runbook", runbook_id, required=True, hint="the runbook's id: `runbook: eu-tco-removal-order`")
    version = keys.take("version", integer(1, 1_000_000), required=True)
    title = keys.take("title", text, required=True)
    owners = keys.take("owners", list_of(text, "teams", at_least=1), required=True, hint="`owners: [team]`")
    harm = keys.take("harm", name)
    mode: Literal["incident", "case"] | None = keys.take("mode", _mode)
    severity = keys.take("severity", _severity, required=True, hint="`severity: {default: S1}`")
    compartment = keys.take("compartment", name)
    regions = keys.take("regions", _regions, required=True, hint=f"`{_EXAMPLE_REGIONS}`")
    handoff = keys.take("handoff", one_of("never"))
    inputs = keys.take("inputs", read_fields) or ()
    facts = keys.take("facts", pairs_of(name, _fact, "facts")) or ()
    clocks = keys.take("clocks", pairs_of(name, _clock, "clocks")) or ()
    tracks = keys.take("alongside", list_of(_track, "tracks", at_most=50)) or ()
    phases = keys.take("phases", list_of(_phase, "phases", at_least=1, at_most=50), required=True)
    close_when = keys.take("close_when", expression)
    if not keys.close() or not (id_ and version and title and owners and severity and regions and phases):
        return None
    return Runbook(
        id=id_,
        version=version,
        title=title,
        owners=owners,
        harm=harm.value if harm else "",
        mode=mode if mode is not None else "incident",
        compartment=compartment.value if compartment else "",
        severity=severity[0],
        floors=severity[1],
        command=regions[0],
        allowed=regions[1],
        handoff_allowed=handoff is None,
        inputs=inputs,
        facts=tuple(_named_fact(key, fact) for key, fact in facts),
        clocks=tuple(_named_clock(key, clock) for key, clock in clocks),
        tracks=tracks,
        phases=phases,
        close_when=close_when,
        span=keys.node.span,
    )


def _mode(node: Node, report: Report) -> Literal["incident", "case"] | None:
    modes = one_of("incident", "case")
    if not isinstance(node, Mapping):
        mode = modes(node, report)
    else:
        keys = Keys(node, report, "`mode`")
        mode = keys.take("default", modes, required=True)
        keys.close()
    return None if mode is None else "case" if mode == "case" else "incident"


def _severity(node: Node, report: Report) -> tuple[str, tuple[tuple[Scalar, str], ...]] | None:
    level = one_of(*SEVERITIES)
    if isinstance(node, Scalar):
        plain = level(node, report)
        return None if plain is None else (plain, ())
    keys = open_mapping(node, report, "`severity`", "severity: {default: S1}")
    if keys is None:
        return None
    default = keys.take("default", level, required=True)
    floors = keys.take("floors", list_of(_floor, "floors", at_most=20)) or ()
    return (default, floors) if keys.close() and default is not None else None


def _floor(node: Node, report: Report) -> tuple[Scalar, str] | None:
    keys = open_mapping(node, report, "this floor", "- {when: has(facts.x), at_least: S0}")
    if keys is None:
        return None
    when = keys.take("when", expression, required=True)
    least = keys.take("at_least", one_of(*SEVERITIES), required=True)
    return (when, least) if keys.close() and when and least else None


def _regions(node: Node, report: Report) -> tuple[Scalar, tuple[Scalar, ...]] | None:
    keys = open_mapping(node, report, "`regions`", _EXAMPLE_REGIONS)
    if keys is None:
        return None
    command = keys.take("command", name, required=True)
    allowed = keys.take("allowed", unique_names, required=True)
    if not keys.close() or command is None or allowed is None:
        return None
    if command.value not in {region.value for region in allowed}:
        report.add(
            codes.UNKNOWN_REGION,
            command.span,
            f"`{command.value}` commands but is not among the allowed regions",
            expected="one of " + ", ".join(region.value for region in allowed),
        )
        return None
    return command, allowed


def _fact(node: Node, report: Report) -> doc.Fact | None:
    keys = open_mapping(node, report, "a fact", "order_received: {type: timestamp, from: [inputs.received_at]}")
    if keys is None:
        return None
    spec = keys.take("type", read_type, required=True)
    sources = keys.take("from", list_of(dotted, "sources", at_least=1), required=True, hint="who may set it")
    revise = keys.take("revise", _revise)
    if not keys.close() or spec is None or sources is None:
        return None
    return doc.Fact(sources[0], spec, sources, revise, node.span)


def _named_fact(key: Scalar, fact: doc.Fact) -> doc.Fact:
    return doc.Fact(key, fact.spec, fact.sources, fact.revise_by, key.span)


def _revise(node: Node, report: Report) -> tuple[Scalar, ...] | None:
    keys = open_mapping(node, report, "`revise`", "revise: {by: [legal_counsel], reason: required}")
    if keys is None:
        return None
    by = keys.take("by", unique_names, required=True)
    reason = keys.take("reason", one_of("required"))
    del reason  # a reason is always required; the key may say so for the reader
    if not keys.close() or by is None:
        return None
    if not by:
        report.add(codes.BAD_VALUE, node.span, "nobody may revise it", expected="roles, or no `revise` at all")
        return None
    return by


def _clock(node: Node, report: Report) -> doc.Clock | None:
    keys = open_mapping(node, report, "a clock", "removal: {use: eu.tco.removal, start: facts.order_received}")
    if keys is None:
        return None
    keys.later(LATER_CLOCK)
    use = keys.take("use", dotted, required=True, hint="the row of the clock register")
    start = keys.take("start", expression, required=True, hint="the fact that starts it")
    restart = keys.take("restart", expression)
    stop = keys.take("stop", expression)
    warn = keys.take("warn", list_of(duration(shares=True), "durations", at_most=20)) or ()
    breach = keys.take("on_breach", list_of(_page, "pages", at_most=20)) or ()
    close = keys.take("on_close", _assign)
    if not keys.close() or use is None or start is None:
        return None
    return doc.Clock(use, use, start, restart, stop, warn, breach, close)


def _named_clock(key: Scalar, clock: doc.Clock) -> doc.Clock:
    return doc.Clock(
        key, clock.use, clock.start, clock.restart, clock.stop, clock.warn, clock.on_breach, clock.on_close
    )


def _page(node: Node, report: Report) -> Scalar | None:
    keys = open_mapping(node, report, "a breach action", "{page: exec_sponsor}")
    if keys is None:
        return None
    role = keys.take("page", name, required=True)
    return role if keys.close() else None


def _assign(node: Node, report: Report) -> Scalar | None:
    keys = open_mapping(node, report, "`on_close`", "on_close: {assign: records_custodian}")
    if keys is None:
        return None
    role = keys.take("assign", name, required=True)
    return role if keys.close() else None


def _track(node: Node, report: Report) -> doc.Track | None:
    keys = open_mapping(node, report, "a track", "- {id: a_track, when: has(facts.x), steps: [...]}")
    if keys is None:
        return None
    keys.later(LATER_TRACK)
    id_ = keys.take("id", name, required=True)
    when = None if keys.refused else keys.take("when", expression, required=True)
    keys.known.append("when")
    steps = keys.take("steps", some_steps, required=True)
    return doc.Track(id_, when, steps) if keys.close() and id_ and when and steps else None


def _phase(node: Node, report: Report) -> doc.Phase | None:
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        help = "begin each phase with `- ` and indent its steps" if isinstance(node, Mapping) else ""
        wrong(node, report, "one phase: its name and its steps", help)
        return None
    key, steps_node = node.entries[0]
    label = name(key, report)
    if not isinstance(steps_node, Sequence):
        wrong(steps_node, report, "a list of steps", "begin each step with `- `")
        return None
    steps = some_steps(steps_node, report)
    return doc.Phase(label, steps) if label and steps else None
