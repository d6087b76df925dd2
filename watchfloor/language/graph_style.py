"""Colours of the runbook picture: by what a step does to the world, never by colour alone (every card says its kind).

Contrast of text on its ground is at least 4.5 to 1 in both schemes.
"""

from watchfloor.language.graph_model import Node

LEGEND = (
    ("reads", "reads"),
    ("restricts", "restricts"),
    ("discloses", "discloses or reveals"),
    ("destroys", "destroys or ends"),
    ("human", "a person answers"),
    ("keeps", "hold, handoff, review"),
    ("flow", "order of steps"),
)

_KINDS = {
    "gate": "human",
    "decide": "human",
    "task": "human",
    "hold": "keeps",
    "handoff": "keeps",
    "postmortem": "keeps",
    "run": "keeps",
    "stop": "destroys",
}
_EFFECTS = {
    "reads": "reads",
    "restricts": "restricts",
    "discloses": "discloses",
    "reveals": "discloses",
    "destroys": "destroys",
}

_LIGHT = {
    "ground": "#ffffff",
    "lane": "#f4f6f8",
    "rim": "#d5dbe3",
    "block": "#eaeef3",
    "card": "#ffffff",
    "ink": "#18212d",
    "soft": "#4d5968",
    "edge": "#75808e",
    "reads": "#56657a",
    "restricts": "#b4500a",
    "discloses": "#7c3aad",
    "destroys": "#b3202c",
    "human": "#1b5fc1",
    "keeps": "#0b756a",
    "flow": "#75808e",
    "ask": "#edf4ff",
    "clock": "#c98a06",
    "clockink": "#7d5500",
}
_DARK = {
    "ground": "#11161d",
    "lane": "#181f28",
    "rim": "#313c4a",
    "block": "#1f2833",
    "card": "#151b23",
    "ink": "#e8edf4",
    "soft": "#a9b5c3",
    "edge": "#8493a5",
    "reads": "#9fb0c6",
    "restricts": "#f59a52",
    "discloses": "#c89bf2",
    "destroys": "#ff8089",
    "human": "#7db4ff",
    "keeps": "#4fcabb",
    "flow": "#8493a5",
    "ask": "#16263d",
    "clock": "#e0a92e",
    "clockink": "#f0c768",
}


def card_class(node: Node) -> str:
    """The class of a card: what its step does, or what kind of block it is."""
    if node.kind == "action":
        return _EFFECTS.get(node.tag.split(",")[0].split(" ")[0], "reads")
    return _KINDS.get(node.kind, "flow")


def _rules(colour: dict[str, str]) -> str:
    kinds = ("reads", "restricts", "discloses", "destroys", "human", "keeps", "flow")
    rules = [
        f".ground,.end{{fill:{colour['ground']}}}",
        f".lane{{fill:{colour['lane']};stroke:{colour['rim']}}}",
        f".block{{fill:{colour['block']};stroke:{colour['rim']}}}",
        f".card{{fill:{colour['card']};stroke:{colour['rim']}}}",
        f".card.human{{fill:{colour['ask']};stroke:{colour['human']}}}",
        f".card.destroys{{stroke:{colour['destroys']}}}",
        f".end,.chip{{stroke:{colour['edge']}}}",
        f".chip{{fill:{colour['card']}}}",
        f".head,.title,.lane-name{{fill:{colour['ink']}}}",
        f".note,.line,.code,.tag,.chip-text{{fill:{colour['soft']}}}",
        f".edge,.leader{{stroke:{colour['edge']}}}",
        f".tip{{fill:{colour['edge']}}}",
        f".undo{{fill:{colour['restricts']}}}",
        f".undo-edge{{stroke:{colour['restricts']}}}",
        f".undo-tip{{fill:{colour['restricts']}}}",
        f".clock{{fill:{colour['clock']}}}",
        f".clock-start,.clock-stop{{fill:{colour['ground']};stroke:{colour['clock']}}}",
        f".clock-name{{fill:{colour['clockink']}}}",
        f".haloed{{stroke:{colour['ground']}}}",
        f".ground{{stroke:{colour['rim']}}}",
    ]
    for kind in kinds:
        rules.append(f".strip.{kind},.kind.{kind}{{fill:{colour[kind]}}}")
    return "".join(rules)


STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:11.5px}"
    ".head{font-size:20px;font-weight:650}.note{font-size:12px}"
    ".lane-name{font-size:13px;font-weight:650}"
    ".title{font-size:13.5px;font-weight:600}"
    ".code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11px}"
    ".kind{font-size:10px;font-weight:700;letter-spacing:.06em}.tag{font-size:10.5px}"
    ".chip-text{font-size:11px;font-weight:600}.clock-name{font-size:13px;font-weight:650}"
    ".haloed{paint-order:stroke;stroke-width:4px}"
    ".edge{stroke-width:1.5;fill:none}.dashed,.chip.exception{stroke-dasharray:4 3}"
    ".leader{stroke-width:1;stroke-dasharray:1 4;stroke-linecap:round}"
    ".undo-edge{fill:none;stroke-width:1.3;stroke-dasharray:3 3}"
    ".clock-start,.clock-stop{stroke-width:2.5}"
    + _rules(_LIGHT)
    + "@media(prefers-color-scheme:dark){"
    + _rules(_DARK)
    + "}"
)
