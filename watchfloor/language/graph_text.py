"""A runbook as a tree of plain text, for the terminal: one line a step, what matters about it under it."""

from collections.abc import Iterator, Sequence

from schemas.plan import Plan
from watchfloor.drawing import show_controls
from watchfloor.language.graph_model import Branch, Node, build_graph

_MARKS = {
    "action": "▪",
    "gate": "◆",
    "decide": "◆",
    "task": "◆",
    "wait": "◷",
    "parallel": "⇉",
    "for_each": "↻",
    "choose": "⋔",
    "repeat": "↻",
    "hold": "▣",
    "handoff": "⇄",
    "postmortem": "▤",
    "stop": "■",
    "try": "⛨",
    "run": "↗",
}


def render_text(plan: Plan) -> str:
    """Write a plan as a tree; hidden characters in its texts are shown, so a terminal cannot be led astray."""
    graph = build_graph(plan)
    lines = [graph.title, graph.note, ""]
    for index, lane in enumerate(graph.phases):
        lines += [f"{index + 1} · {lane.label}", *_nodes(lane.nodes, "")]
    for lane in graph.tracks:
        lines += ["", f"alongside · {lane.label} ({lane.note})", *_nodes(lane.nodes, "")]
    if graph.clocks:
        lines += ["", "clocks"]
    for clock in graph.clocks:
        lines += [f"  ◷ {clock.name}: {clock.title}", *(f"      {line}" for line in clock.lines)]
    lines += ["", f"closes when {graph.close_when}" if graph.close_when else "closes when all phases are done"]
    return "\n".join(show_controls(line).rstrip() for line in lines) + "\n"


def _nodes(nodes: Sequence[Node], indent: str) -> Iterator[str]:
    for index, node in enumerate(nodes):
        yield from _node(node, indent, last=index == len(nodes) - 1)


def _node(node: Node, indent: str, *, last: bool) -> Iterator[str]:
    inner = indent + ("   " if last else "│  ")
    tag = f"  [{node.tag}]" if node.tag else ""
    kind = "" if node.kind == "action" else f"{node.kind.replace('_', ' ')} "
    code = f"  {node.code}" if node.code and node.code != node.title else ""
    yield f"{indent}{'└' if last else '├'}─ {_MARKS[node.kind]} {kind}{node.title}{code}{tag}"
    notes = [*node.lines, *([f"↩ {node.undo}"] if node.undo else [])]
    more = bool(node.body or node.beside)
    for note in notes:
        yield f"{inner}{'│' if more else ' '}    {note}"
    yield from _body(node, inner)


def _body(node: Node, indent: str) -> Iterator[str]:
    parts = len(node.beside)
    for index, inner in enumerate(node.body):
        yield from _node(inner, indent, last=not parts and index == len(node.body) - 1)
    for index, branch in enumerate(node.beside):
        last = index == parts - 1
        limb = ("└" if last else "├") + ("╌" if branch.flow == "exception" else "─")
        yield f"{indent}{limb} {branch.label}{_empty(branch)}"
        yield from _nodes(branch.nodes, indent + ("   " if last else "│  "))


def _empty(branch: Branch) -> str:
    return "" if branch.nodes else " → goes on"
