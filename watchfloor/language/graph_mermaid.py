"""A runbook as a Mermaid flowchart, for pages that draw Mermaid themselves (GitHub, GitLab, many wikis).

The text holds only identifiers of our own making; everything an author wrote stands inside quoted labels in which
each character that Mermaid, HTML or a directive could take for its own is written as an entity (`#34;`).
"""

from dataclasses import dataclass, field

from schemas.plan import Plan
from watchfloor.drawing import show_controls
from watchfloor.language.graph_model import Branch, Lane, Node, build_graph
from watchfloor.language.graph_style import card_class

_PLAIN = frozenset(" .,-_/+()!?=|·→↩…'")
_MAX_LABEL = 160

_SHAPES = {
    "gate": ("{{", "}}"),
    "decide": ("{{", "}}"),
    "task": ("[/", "/]"),
    "wait": ("([", "])"),
    "hold": ("[(", ")]"),
    "stop": ("((", "))"),
    "handoff": ("[[", "]]"),
    "postmortem": ("[[", "]]"),
    "run": ("[[", "]]"),
}
_CLASSES = (
    "  classDef reads fill:#f4f6f8,stroke:#56657a,color:#18212d",
    "  classDef restricts fill:#fff1e6,stroke:#b4500a,color:#18212d",
    "  classDef discloses fill:#f6eefc,stroke:#7c3aad,color:#18212d",
    "  classDef destroys fill:#fdecee,stroke:#b3202c,color:#18212d",
    "  classDef human fill:#edf4ff,stroke:#1b5fc1,color:#18212d",
    "  classDef keeps fill:#e8f6f4,stroke:#0b756a,color:#18212d",
    "  classDef flow fill:#ffffff,stroke:#75808e,color:#18212d",
    "  classDef clock fill:#fdf3d9,stroke:#a56f00,color:#18212d",
)


@dataclass(slots=True)
class _Chart:
    lines: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def name(self, key: str) -> str:
        return self.ids.setdefault(key, f"n{len(self.ids) + 1}")

    def link(self, tails: list[tuple[str, str]], head: str) -> None:
        for tail, arrow in tails:
            self.lines.append(f"  {tail} {arrow} {head}")


def render_mermaid(plan: Plan) -> str:
    """Write a plan as a Mermaid flowchart; the same plan gives the same bytes. Valid for whatever its texts hold."""
    graph = build_graph(plan)
    chart = _Chart(["flowchart TB"])
    tails = [("begin", "-->")]
    chart.lines.append(f'  begin(["{_label(graph.title)}<br/>{_label(graph.note)}"])')
    for index, lane in enumerate(graph.phases):
        tails = _lane(chart, lane, f"p{index + 1}", tails)
    close = f"closes when {graph.close_when}" if graph.close_when else "closes when all phases are done"
    chart.lines.append(f'  done(["{_label(close)}"])')
    chart.link(tails, "done")
    for index, lane in enumerate(graph.tracks):
        _lane(chart, lane, f"t{index + 1}", [])
    for index, clock in enumerate(graph.clocks):
        name = f"c{index + 1}"
        text = "<br/>".join(_label(line) for line in (clock.name, clock.title, *clock.lines))
        chart.lines.append(f'  {name}[/"{text}"\\]:::clock')
        start = chart.ids.get(clock.start_key, "begin")
        chart.lines.append(f"  {start} -. starts .-> {name}")
        if clock.stop_key in chart.ids:
            chart.lines.append(f"  {name} -. stopped by .-> {chart.ids[clock.stop_key]}")
    return "\n".join([*chart.lines, *_CLASSES]) + "\n"


def _lane(chart: _Chart, lane: Lane, name: str, tails: list[tuple[str, str]]) -> list[tuple[str, str]]:
    label = _label(lane.label) + (f" · {_label(lane.note)}" if lane.note else "")
    chart.lines.append(f'  subgraph {name}["{label}"]')
    outside = len(chart.lines)
    ends = _nodes(chart, lane.nodes, [])
    chart.lines.append("  end")
    if lane.nodes and tails:
        first = chart.ids[lane.nodes[0].key]
        chart.lines[outside - 1 : outside - 1] = [f"  {tail} {arrow} {first}" for tail, arrow in tails]
    return ends if lane.nodes else tails


def _nodes(chart: _Chart, nodes: tuple[Node, ...], tails: list[tuple[str, str]]) -> list[tuple[str, str]]:
    for node in nodes:
        name = chart.name(node.key)
        left, right = _SHAPES.get(node.kind, ("[", "]"))
        chart.lines.append(f'  {name}{left}"{_text(node)}"{right}:::{card_class(node)}')
        chart.link(tails, name)
        tails = _inside(chart, node, name)
    return tails


def _inside(chart: _Chart, node: Node, name: str) -> list[tuple[str, str]]:
    if node.ends:
        return []
    tails: list[tuple[str, str]] = []
    if node.body:
        for tail, arrow in _nodes(chart, node.body, [(name, "-->")]):
            chart.lines.append(f"  {tail} {_onto(arrow, 'again')} {name}")
        tails.append((name, '-->|"done"|'))
    for branch in node.beside:
        tails += _nodes(chart, branch.nodes, [(name, _arrow(branch))])
    return tails or [(name, "-->")]


def _arrow(branch: Branch) -> str:
    return f'{"-.->" if branch.flow == "exception" else "-->"}|"{_label(branch.label)}"|'


def _onto(arrow: str, word: str) -> str:
    return arrow if "|" in arrow else f'-.->|"{word}"|'


def _text(node: Node) -> str:
    kind = node.kind.replace("_", " ")
    head = f"{kind} · {node.tag}" if node.tag else kind
    code = [node.code] if node.code and node.code != node.title else []
    undo = [f"↩ {node.undo}"] if node.undo else []
    first, *rest = (node.title, head, *code, *node.lines, *undo)
    return f"<b>{_label(first)}</b>" + "".join(f"<br/>{_label(line)}" for line in rest)


def _label(text: str) -> str:
    """Text as it may stand in a quoted label: letters, digits and a few marks plain, all else as entities."""
    shown = show_controls(text)
    if len(shown) > _MAX_LABEL:
        shown = shown[: _MAX_LABEL - 1] + "…"
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in shown)
