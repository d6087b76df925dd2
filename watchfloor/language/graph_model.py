"""What a picture of a runbook shows: a tree of nodes, made from a compiled plan, in the words people read.

The three renderings (`graph_svg`, `graph_mermaid`, `graph_text`) draw this model and nothing else, so that they say
the same. Every step of the plan is one node; an approval is a node of its own before the action it guards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from schemas.json_value import Json
from schemas.plan import ActionStep, Catch, Plan, RunStep, Silence, Slot, Step, Track, Value
from watchfloor.drawing import join_words, render_span
from watchfloor.language.graph_clocks import Clock, in_words, place_clocks

NodeKind = Literal[
    "action",
    "gate",
    "decide",
    "task",
    "wait",
    "parallel",
    "for_each",
    "choose",
    "repeat",
    "hold",
    "handoff",
    "postmortem",
    "stop",
    "try",
    "run",
]
Flow = Literal["always", "chosen", "exception"]


@dataclass(frozen=True, slots=True)
class Branch:
    """Steps inside a node. `exception` branches are taken on silence, refusal, error, timeout or exhaustion."""

    label: str
    flow: Flow
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One box: `tag` beside its kind (`restricts · tier 0`), `title`, then lines from most to least important.

    `code` is set in monospace; `undo` says what reverses the step. `ends` is true where nothing follows.
    """

    key: str
    kind: NodeKind
    title: str
    tag: str
    code: str
    lines: tuple[str, ...]
    undo: str
    beside: tuple[Branch, ...] = ()
    body: tuple["Node", ...] = ()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """A phase, or a track beside the phases."""

    label: str
    note: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    title: str
    note: str
    phases: tuple[Lane, ...]
    tracks: tuple[Lane, ...]
    clocks: tuple[Clock, ...]
    close_when: str


def build_graph(plan: Plan) -> Graph:
    """Make the model of one plan. Pure; the order of everything is the order in which the author wrote it."""
    return Graph(
        title=plan["title"],
        note=f"{plan['id']} v{plan['version']} · severity {plan['severity']} · command {plan['command']}",
        phases=tuple(Lane(phase["name"], "", _nodes(phase["steps"])) for phase in plan["phases"]),
        tracks=tuple(Lane(track["id"], _fires(track), _nodes(track["steps"])) for track in plan["tracks"]),
        clocks=place_clocks(plan),
        close_when=plan["close_when"]["src"] if plan["close_when"] else "",
    )


def _fires(track: Track) -> str:
    watch, fact = track.get("watch"), track.get("on_fact")
    if watch:
        words = f"from {watch['start']['src']}, every {render_span(watch['every'])} for {render_span(watch['length'])}"
    elif fact:
        words = f"{'each time' if track.get('each') else 'when'} {fact} is recorded"
    else:
        words = f"when {track['when']['src']}"
    return f"{words}; outlives the incident" if track.get("detached") else words


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node, outer before inner, in the order written."""
    for node in nodes:
        yield node
        yield from walk(node.body)
        for branch in node.beside:
            yield from walk(branch.nodes)


def write_value(value: Value) -> str:
    """A value as its author wrote it, expressions in `${}`."""
    written: Mapping[str, Json] = value
    match written:
        case {"lit": literal}:
            return str(literal)
        case {"expr": expr}:
            return f"${{{expr['src']}}}"
        case {"text": parts}:
            return "".join(part if isinstance(part, str) else f"${{{part['src']}}}" for part in parts)
        case {"list": items}:
            return join_words([write_value(item) for item in items])
        case _:
            return join_words([f"{name}: {write_value(item)}" for name, item in written["map"].items()])


def write_seats(slots: Sequence[Slot]) -> str:
    """`incident_commander + legal_counsel or deputy`: one part for each person who is needed."""
    return " + ".join(" or ".join(slot["any_of"]) for slot in slots)


def _silence(silence: Silence) -> str:
    ladder = f"pages {join_words(silence['escalate'], 'then')}, " if silence["escalate"] else ""
    return f"silence: {ladder}then {'fails' if silence['then'] == 'fail' else 'the steps shown'}"


def _outcome(word: str, handler: str | list[Step]) -> Branch | None:
    if isinstance(handler, str):
        return None
    return Branch(word, "exception", _nodes(handler))


def _nodes(steps: Sequence[Step]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for step in steps:
        if step["kind"] == "action" and step["approval"] is not None:
            nodes.append(_gate(step))
        nodes.append(_node(step))
    return tuple(nodes)


def _gate(step: Step) -> Node:
    approval = step["approval"] if step["kind"] == "action" else None
    if approval is None:
        raise ValueError(f"`{step['id']}` has no approval to draw")
    lines = [f"within {in_words(approval['within'])}, never the requester"]
    if approval["exclude"]:
        lines.append(f"not {join_words(approval['exclude'], 'or')}")
    lines.append(_silence(approval["on_silence"]))
    if isinstance(approval["on_deny"], str):
        lines.append("denied: the run stops" if approval["on_deny"] == "stop" else "denied: the step fails")
    glass = approval.get("break_glass")
    if glass:
        who = " or ".join(glass["by"]["any_of"])
        lines.append(f"after {render_span(glass['after'])} of silence {who} may act if {glass['when']['src']}")
    handlers = (_outcome("denied", approval["on_deny"]), _outcome("silence", approval["on_silence"]["then"]))
    return Node(
        key=f"{step['path']}?",
        kind="gate",
        title=write_seats(approval["slots"]),
        tag=f"before {step['id']}",
        code="",
        lines=tuple(lines),
        undo="",
        beside=_way_through("approved", tuple(branch for branch in handlers if branch)),
    )


def _node(step: Step) -> Node:
    node = _by_kind(step)
    extra: list[str] = []
    if step["cond"]:
        extra.append(f"only if {step['cond']['src']}")
    tail = [f"records {fact}" for fact in step["records"]]
    if step["timeout"] is not None:
        tail.append(f"gives up after {render_span(step['timeout'])}")
    if step["on_error"] == "continue":
        tail.append("an error does not stop the run")
    caught = tuple(_caught(catch) for catch in step.get("catches", ()))
    failed = _outcome("error", step["on_error"])
    beside = (*node.beside, *caught, *((failed,) if failed else ()))
    return replace(
        node,
        lines=(*extra, *node.lines, *tail),
        beside=beside if node.body else _way_through(_GOOD.get(node.kind, "done"), beside),
    )


def _caught(catch: Catch) -> Branch:
    words = "any error" if "any" in catch["on"] else join_words(catch["on"], "or").replace("_", " ")
    return Branch(words, "exception", _nodes(catch["steps"]))


_GOOD = {"wait": "in time", "handoff": "accepted"}


def _way_through(word: str, branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """Beside exceptions alone, the way that is taken when all goes well is drawn too."""
    if branches and all(branch.flow == "exception" for branch in branches):
        return (Branch(word, "always", ()), *branches)
    return branches


def _by_kind(step: Step) -> Node:
    plain = Node(step["path"], step["kind"], step["name"] or step["id"], "", "", (), "")
    match step["kind"]:
        case "action":
            effect = step["effect"] + (", irreversible" if step["irreversible"] else "")
            undo = step["undo"]
            on = f" on {join_words(undo['on'], 'or')}" if undo and undo["on"] else ""
            tag = "reads" if effect == "reads" else f"{effect} · tier {step['tier']}"
            after = _afterwards(step)
            return replace(
                plain, tag=tag, code=step["action"], lines=after, undo=f"{undo['action']}{on}" if undo else ""
            )
        case "decide":
            lines = [f"asks {write_seats(step['slots'])}, within {in_words(step['within'])}"]
            if step["exclude"]:
                lines.append(f"not {join_words(step['exclude'], 'or')}")
            lines.append(_silence(step["on_silence"]))
            silent = _outcome("silence", step["on_silence"]["then"])
            options = [
                Branch(
                    name + (f", also {write_seats(option['also'])}" if option["also"] else ""),
                    "chosen",
                    _nodes(option["steps"]),
                )
                for name, option in step["options"].items()
            ]
            title = _title(step, step["ask"])
            return replace(
                plain,
                title=title,
                tag=step["id"],
                lines=tuple(lines),
                beside=(*options, *((silent,) if silent else ())),
            )
        case "task":
            lines = [
                f"{' or '.join(step['assignee']['any_of'])} reports within {in_words(step['within'])}",
                _silence(step["on_silence"]),
            ]
            if step["form"]:
                lines.append(f"form: {', '.join(step['form'])}")
            silent = _outcome("silence", step["on_silence"]["then"])
            return replace(
                plain,
                title=_title(step, step["do"]),
                tag=step["id"],
                lines=tuple(lines),
                beside=(silent,) if silent else (),
            )
        case "wait":
            late = _outcome("timeout", step["on_timeout"])
            return replace(plain, lines=_awaited(step), beside=(late,) if late else ())
        case "parallel":
            tag = "until all are done" if step["join"] == "all" else "until the first is done"
            branches = tuple(Branch(name, "always", _nodes(steps)) for name, steps in step["branches"].items())
            return replace(plain, tag=tag, beside=branches)
        case "for_each":
            errors = "goes on when one fails" if step["on_item_error"] == "collect" else "stops when one fails"
            return replace(
                plain,
                tag=f"{step['at_once']} at once",
                code=f"{step['item']} in {step['in_']['src']}",
                lines=(errors,),
                body=_nodes(step["steps"]),
            )
        case "choose":
            cases = [Branch(f"when {case['when']['src']}", "chosen", _nodes(case["steps"])) for case in step["cases"]]
            rest = Branch("otherwise", "chosen", _nodes(step["otherwise"] or []))
            return replace(plain, tag="the first that holds", beside=(*cases, rest))
        case "repeat":
            spent = _outcome("exhausted", step["on_exhausted"])
            end = "" if spent else f"; exhausted: {'fails' if step['on_exhausted'] == 'fail' else 'goes on'}"
            return replace(
                plain,
                tag=f"up to {step['times']} times",
                code=f"until {step['until']['src']}",
                lines=(f"every {in_words(step['every'])}{end}",),
                body=_nodes(step["steps"]),
                beside=(spent,) if spent else (),
            )
        case "hold":
            return replace(
                plain,
                tag=f"{step['storage']} storage",
                code=step["basis"],
                lines=(
                    f"freezes {', '.join(step['scope'])} at {join_words(step['sources'])},"
                    " proved by a refused deletion",
                    f"released by {write_seats(step['release'])}",
                ),
            )
        case "handoff":
            back = _outcome("not accepted", step["fallback"])
            lines = [f"accepted by {write_seats(step['slots'])} within {in_words(step['accept_within'])}"]
            lines.append(f"shares {', '.join(shown['label'] for shown in step['share'])}")
            if not back:
                lines.append(f"not accepted: {'stays here' if step['fallback'] == 'keep' else 'fails'}")
            return replace(
                plain,
                tag=f"{step['mode']} · to {step['to']}",
                lines=tuple(lines),
                beside=(back,) if back else (),
            )
        case "postmortem":
            who = " or ".join(step["facilitator"]["any_of"])
            return replace(plain, lines=(f"{who}, within {step['within_text']} of closing",))
        case "try":
            handlers = [_caught(catch) for catch in step["handlers"]]
            finally_ = [Branch("in any case", "always", _nodes(step["finally_"]))] if step["finally_"] else []
            takes_back = f"takes back {join_words(list(reversed(step['undo'])), 'then')}" if step["undo"] else ""
            return replace(plain, body=_nodes(step["steps"]), beside=(*handlers, *finally_), undo=takes_back)
        case "run":
            return _linked(step, plain)
        case "stop":
            return replace(plain, tag="ends the run", code=f"outcome: {step['outcome']}", ends=True)


def _afterwards(step: ActionStep) -> tuple[str, ...]:
    """What follows when the action is done: its review, its end."""
    lines: list[str] = []
    review, expires = step.get("review"), step.get("expires")
    if review:
        denied = {"undo": "a no takes it back", "keep": "a no keeps it"}.get(str(review["on_deny"]), "a no: steps")
        lines.append(f"reviewed by {write_seats(review['slots'])} within {in_words(review['within'])}, {denied}")
    if expires is not None:
        lines.append(f"ends by itself after {in_words(expires)}")
    return tuple(lines)


def _linked(step: RunStep, plain: Node) -> Node:
    """Another runbook: a card that names it and what goes to it; its own picture shows the rest."""
    lines = [f"gives it {', '.join(sorted(step['with_']))}"] if step["with_"] else []
    if step["each"]:
        lines.append(f"one for each {step['each']['item']} in {step['each']['in_']['src']}")
    if step["key"]:
        lines.append(f"one run for each {step['key']['src']}")
    if step["known_at"]:
        lines.append(f"known since {step['known_at']['src']}")
    how = "takes the incident over" if step["reroute"] else "is awaited" if step["wait"] else "goes on beside"
    return replace(plain, tag=f"another run, {how}", code=step["runbook"], lines=tuple(lines), ends=step["reroute"])


def _title(step: Step, words: Value) -> str:
    """A name of its own, else what people are asked; a step that was given no name is named like its id."""
    return step["name"] if step["name"] not in {"", step["id"]} else write_value(words)


def _awaited(step: Step) -> tuple[str, ...]:
    if step["kind"] != "wait":
        raise ValueError(f"`{step['id']}` does not wait")
    if step["for_"] is not None:
        what = f"for {in_words(step['for_'])}"
    elif step["fact"] is not None:
        what = f"for the fact {step['fact']}"
    else:
        what = f"until {step['until']['src'] if step['until'] else ''}"
    lines = [what]
    if step["within"] is not None:
        end = {"fail": "fails", "continue": "goes on"}.get(str(step["on_timeout"]), "the steps shown")
        lines.append(f"at most {in_words(step['within'])}, then {end}")
    return tuple(lines)
