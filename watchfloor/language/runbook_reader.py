"""Reading a runbook: the keys of the document and what stands under them, but for the steps."""

from dataclasses import dataclass, replace
from typing import Literal

from schemas.plan import TypeSpec
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.document import Runbook
from watchfloor.language.fragments import expand_fragments
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, Span
from watchfloor.language.reading import (
    Keys,
    any_node,
    boolean,
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
from watchfloor.language.run_reader import read_member
from watchfloor.language.step_reader import some_steps
from watchfloor.language.trigger_reader import read_trigger
from watchfloor.language.type_reader import read_fields, read_type

SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
LATER = {
    "outputs": ("outputs", "record facts; another run is given inputs"),
    "triggers": ("triggers", "start it with `watchfloor start` or through the gateway"),
}
LATER_TRACK = {
    "on_fact": ("track.on_fact", "fire once when it is there: `when: has(facts.x)`"),
    "each": ("track.on_fact", "fire once when it is there: `when: has(facts.x)`"),
    "from": ("track.watch", "watch with `repeat:` in a track that fires once"),
    "every": ("track.watch", "watch with `repeat:` in a track that fires once"),
    "for": ("track.watch", "watch with `repeat:` in a track that fires once"),
    "detached": ("track.detached", "let a `task` hand the watch to a person"),
}
LATER_CLOCK = {
    "each": ("clock.each", "declare one clock for each fact that starts it"),
    "if": ("clock.if", "let the fact that starts it be recorded under that condition"),
    "pause": ("clock.pause", "let the law's reason restart the clock"),
    "renew": ("clock.renew", "declare a second clock that the renewal starts"),
}
DIMENSIONS = {
    "imminence": "I",
    "harm": "H",
    "vulnerability": "V",
    "reach": "R",
    "clock": "C",
    "exposure": "E",
}
"""The six dimensions of severity by their long names (domain model, 3.1); the letters may be written too."""
_EXAMPLE_REGIONS = "regions: {command: eu, allowed: [eu, us]}"


def read_runbook(root: Node, report: Report) -> Runbook | None:
    """The document, or None after its form was found wanting."""
    keys = open_mapping(root, report, "the runbook", "runbook: my-runbook")
    if keys is None:
        return None
    keys = Keys(expand_fragments(keys.node, report), report, keys.what)
    keys.later(LATER)
    id_ = keys.take("runbook", runbook_id, required=True, hint="the runbook's id: `runbook: eu-tco-removal-order`")
    version = keys.take("version", integer(1, 1_000_000), required=True)
    title = keys.take("title", text, required=True)
    owners = keys.take("owners", list_of(text, "teams", at_least=1), required=True, hint="`owners: [team]`")
    harm = keys.take("harm", name)
    mode = keys.take("mode", _mode) or _Mode("incident", None)
    severity = keys.take("severity", _severity, required=True, hint="`severity: {default: S1}`")
    compartment = keys.take("compartment", name)
    regions = keys.take("regions", _regions, required=True, hint=f"`{_EXAMPLE_REGIONS}`")
    handoff = keys.take("handoff", one_of("never"))
    recuse = keys.take("recuse", unique_names) or ()
    jurisdictions = keys.take("jurisdictions", _jurisdictions) or ()
    triggers = keys.take("triggers", list_of(read_trigger, "triggers", at_most=20)) or ()
    inputs = keys.take("inputs", read_fields) or ()
    facts = keys.take("facts", pairs_of(name, _fact, "facts")) or ()
    clocks = keys.take("clocks", pairs_of(name, _clock, "clocks")) or ()
    tracks = keys.take("alongside", list_of(_track, "tracks", at_most=50)) or ()
    phases = keys.take("phases", list_of(_phase, "phases", at_least=1, at_most=50), required=True)
    close_when = keys.take("close_when", expression)
    outputs = keys.take("outputs", pairs_of(name, _output, "outputs")) or ()
    keys.take("fragments", any_node)
    if not keys.close() or not (id_ and version and title and owners and severity and regions and phases):
        return None
    return Runbook(
        id=id_,
        version=version,
        title=title,
        owners=owners,
        harm=harm.value if harm else "",
        mode=mode.default,
        compartment=compartment.value if compartment else "",
        severity=severity.default,
        floors=severity.floors,
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
        score=severity.score,
        unverified=severity.unverified,
        mode_when=mode.when,
        outputs=tuple(doc.Output(key, spec, value) for key, (spec, value) in outputs),
        triggers=triggers,
        recuse=recuse,
        jurisdictions=jurisdictions,
    )


@dataclass(frozen=True, slots=True)
class _Mode:
    default: Literal["incident", "case"]
    when: Scalar | None


def _mode(node: Node, report: Report) -> _Mode | None:
    modes = one_of("incident", "case")
    if not isinstance(node, Mapping):
        mode = modes(node, report)
        return None if mode is None else _Mode(mode, None)
    keys = Keys(node, report, "`mode`")
    keys.later({"incident_when": ("mode.incident_when", "start it as an incident: `mode: incident`")})
    mode = keys.take("default", modes, required=True)
    when = keys.take("incident_when", expression)
    if mode == "incident" and when is not None:
        report.add(
            codes.CONTRADICTION,
            when.span,
            "it is an incident from the start",
            help="write `default: case`, or leave it",
        )
        return None
    return _Mode(mode, when) if keys.close() and mode is not None else None


@dataclass(frozen=True, slots=True)
class _Severity:
    default: str
    floors: tuple[tuple[Scalar, str], ...] = ()
    score: tuple[tuple[Scalar, Scalar], ...] = ()
    unverified: Scalar | None = None


def _severity(node: Node, report: Report) -> _Severity | None:
    level = one_of(*SEVERITIES)
    if isinstance(node, Scalar):
        plain = level(node, report)
        return None if plain is None else _Severity(plain)
    keys = open_mapping(node, report, "`severity`", "severity: {default: S1}")
    if keys is None:
        return None
    keys.later({"score": ("severity.score", "write conditions: `floors: [{when: …, at_least: S1}]`")})
    default = keys.take("default", level, required=True)
    floors = keys.take("floors", list_of(_floor, "floors", at_most=20)) or ()
    score = keys.take("score", _score) or ()
    unverified = keys.take("unverified", expression)
    return _Severity(default, floors, score, unverified) if keys.close() and default is not None else None


JURISDICTION_ROLES = ("uploader", "viewer", "victim", "order_issuer", "data_location")


def _jurisdictions(node: Node, report: Report) -> tuple[tuple[Scalar, Scalar], ...] | None:
    """Each role at most once, with an expression."""
    keys = open_mapping(node, report, "`jurisdictions`", "jurisdictions: {uploader: inputs.country}")
    if keys is None:
        return None
    made: list[tuple[Scalar, Scalar]] = []
    for role in JURISDICTION_ROLES:
        src = keys.take(role, expression)
        if src is not None:
            made.append((_key_of(keys.node, role), src))
    return tuple(made) if keys.close() else None


def _score(node: Node, report: Report) -> tuple[tuple[Scalar, Scalar], ...] | None:
    """All six dimensions, each once, by its long name or its letter."""
    keys = open_mapping(node, report, "`score`", "score: {imminence: …, harm: …, vulnerability: …, …}")
    if keys is None:
        return None
    made: list[tuple[Scalar, Scalar]] = []
    for long, letter in DIMENSIONS.items():
        if keys.has(long) and keys.has(letter):
            keys.broken = True
            report.add(codes.CONTRADICTION, _key(keys.node, letter), f"`{letter}` is `{long}`, which stands here too")
        src = keys.take(letter, expression) if keys.has(letter) else keys.take(long, expression, required=True)
        if src is not None:
            said = letter if keys.has(letter) else long
            made.append((replace(_key_of(keys.node, said), value=letter), src))
    keys.known = [*DIMENSIONS, *DIMENSIONS.values()]
    return tuple(made) if keys.close() else None


def _key_of(node: Mapping, name_: str) -> Scalar:
    return next(key for key, _ in node.entries if key.value == name_)


def _key(node: Mapping, name_: str) -> Span:
    return _key_of(node, name_).span


def _output(node: Node, report: Report) -> tuple[TypeSpec, Scalar] | None:
    keys = open_mapping(node, report, "an output", "removed: {type: int, value: size(steps.remove.succeeded)}")
    if keys is None:
        return None
    spec = keys.take("type", read_type, required=True)
    value = keys.take("value", expression, required=True, hint="what it is when the run closes")
    return (spec, value) if keys.close() and spec is not None and value is not None else None


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
    each = keys.take("each", read_member)
    cond = keys.take("if", expression)
    pause = keys.take("pause", pairs_of(name, _pause, "reasons", at_least=1)) or ()
    renew = keys.take("renew", expression)
    if not keys.close() or use is None or start is None:
        return None
    return doc.Clock(use, use, start, restart, stop, warn, breach, close, each, cond, pause, renew)


def _pause(node: Node, report: Report) -> doc.Pause | None:
    keys = open_mapping(node, report, "a pause", "force_majeure: {from: facts.outage_began, until: facts.outage_ended}")
    if keys is None:
        return None
    since = keys.take("from", expression, required=True, hint="the fact with which the reason began")
    until = keys.take(
        "until", expression, required=True, hint="the fact with which it was gone; no clock sleeps for good"
    )
    return doc.Pause(since, until) if keys.close() and since and until else None


def _named_clock(key: Scalar, clock: doc.Clock) -> doc.Clock:
    return replace(clock, name=key)


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
    when = keys.take("when", expression)
    on_fact = keys.take("on_fact", name)
    each = keys.take("each", boolean) or False
    start = keys.take("from", expression)
    every = keys.take("every", duration())
    length = keys.take("for", duration())
    detached = keys.take("detached", boolean) or False
    steps = keys.take("steps", some_steps, required=True)
    _how_it_fires(keys)
    watch = doc.Watch(start, every, length) if start and every and length else None
    if not keys.close() or id_ is None or steps is None:
        return None
    if watch is not None and watch.length.seconds and (watch.every.seconds or 0) > watch.length.seconds:
        report.add(
            codes.CONTRADICTION,
            watch.every.span,
            f"it would look every {watch.every.text} for {watch.length.text}",
            expected=f"at most {watch.length.text}",
        )
        return None
    return doc.Track(id_, when, steps, on_fact, each, watch, detached)


def _how_it_fires(keys: Keys) -> None:
    """One of `when`, `on_fact`, and `from` with `every` and `for`."""
    if keys.refused:
        return
    said = [key.value for key, _ in keys.node.entries if key.value in {"when", "on_fact", "from"}]
    if len(said) > 1:
        keys.broken = True
        keys.report.add(
            codes.CONTRADICTION, _key(keys.node, said[1]), f"`{said[1]}` and `{said[0]}` exclude each other"
        )
    elif not said:
        keys.miss("when", "a condition, `on_fact: a_fact`, or `from:` with `every:` and `for:`")
    if keys.has("each") and not keys.has("on_fact"):
        keys.miss("on_fact", "`each` counts the recordings of a fact")
    for other in ("every", "for"):
        if keys.has("from") and not keys.has(other):
            keys.miss(other, "a watch has an interval and an end: `from: facts.x, every: 6h, for: 7d`")
        elif keys.has(other) and not keys.has("from"):
            keys.miss("from", "the instant a watch begins at")


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
