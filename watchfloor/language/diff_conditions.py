"""Does one condition hold more often than another? Decided for what conditions are made of: `&&`, `||`, `!`, and
comparisons of one thing with a number or a text. Everything else counts as one thing that holds or does not."""

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Literal, TypeAlias

from schemas.plan import Expr
from watchfloor.expressions.errors import ExpressionRefused
from watchfloor.expressions.syntax import Call, Group, Index, Literal_, Node, Operation, Path, Select, parse

Relation: TypeAlias = Literal["equal", "wider", "narrower", "unknown"]
_Value: TypeAlias = bool | float | str
_World: TypeAlias = dict[str, _Value]

MOST_WORLDS = 4096
"""Beyond this many cases the relation is unknown."""
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_OTHER = "\x00other"


def relate(old: Expr | None, new: Expr | None) -> Relation:
    """How the new condition compares: `wider` when it holds whenever the old one did, and more; None always holds."""
    if old is None or new is None:
        return "equal" if old is new else "narrower" if old is None else "wider"
    try:
        before, after = parse(old["src"]), parse(new["src"])
    except ExpressionRefused:
        return "equal" if old["src"] == new["src"] else "unknown"
    if canonical(before) == canonical(after):
        return "equal"
    worlds = _worlds(before, after)
    if worlds is None:
        return "unknown"
    outcomes = [(_holds(before, world), _holds(after, world)) for world in worlds]
    grows, shrinks = (False, True) in outcomes, (True, False) in outcomes
    if grows and shrinks:
        return "unknown"
    return "wider" if grows else "narrower" if shrinks else "equal"


def canonical(node: Node) -> str:
    """An expression as text that does not depend on how it was spaced or bracketed."""
    match node:
        case Literal_():
            return f"{type(node.value).__name__}:{node.value!r}"
        case Path():
            return node.text
        case Select():
            return f"{canonical(node.operand)}.{node.field}"
        case Index():
            return f"{canonical(node.operand)}[{canonical(node.index)}]"
        case Call():
            target = f"{canonical(node.target)}." if node.target is not None else ""
            return f"{target}{node.name}({node.bound or ''};{', '.join(map(canonical, node.args))})"
        case Operation():
            return f"({node.op} {' '.join(map(canonical, node.operands))})"
        case Group():
            return f"{node.kind}[{', '.join(map(canonical, node.items))}]"


def canonical_text(src: str) -> str:
    """`canonical` of an expression's text; the text itself when it cannot be read."""
    try:
        return canonical(parse(src))
    except ExpressionRefused:
        return src


def _worlds(*trees: Node) -> list[_World] | None:
    """Every case that the conditions can tell apart; None when there are too many."""
    seen: dict[str, set[_Value]] = {}
    for tree in trees:
        for name, value in _atoms(tree):
            seen.setdefault(name, set()).add(value)
    domains = {name: _domain(values) for name, values in seen.items()}
    count = 1
    for domain in domains.values():
        count *= len(domain)
        if count > MOST_WORLDS:
            return None
    return [dict(zip(domains, values, strict=True)) for values in product(*domains.values())]


def _domain(values: set[_Value]) -> list[_Value]:
    """One value for each way a thing can compare with the literals it is compared with."""
    numbers = sorted(value for value in values if isinstance(value, float))
    texts = sorted(value for value in values if isinstance(value, str))
    made: list[_Value] = []
    if numbers:
        between = [(low + high) / 2 for low, high in pairwise(numbers)]
        made += [numbers[0] - 1, *numbers, *between, numbers[-1] + 1]
    if texts:
        made += [*texts, _OTHER]
    return made or [True, False]


def _atoms(node: Node) -> Iterator[tuple[str, _Value]]:
    if isinstance(node, Operation) and node.op in {"&&", "||", "!"}:
        for operand in node.operands:
            yield from _atoms(operand)
        return
    compared = _comparison(node)
    if compared is not None:
        yield compared[0], compared[2]
    elif not (isinstance(node, Literal_) and isinstance(node.value, bool)):
        yield canonical(node), True


def _comparison(node: Node) -> tuple[str, str, float | str] | None:
    """A thing, an operator, and the number or text it is compared with."""
    if not isinstance(node, Operation) or node.op not in _MIRRORED:
        return None
    left, right = node.operands
    op = node.op
    if isinstance(left, Literal_):
        left, right, op = right, left, _MIRRORED[op]
    if isinstance(left, Literal_) or not isinstance(right, Literal_):
        return None
    value = right.value
    if isinstance(value, str):
        return (canonical(left), op, value) if op in {"==", "!="} else None
    if isinstance(value, bool) or value is None:
        return None
    return canonical(left), op, float(value)


def _holds(node: Node, world: _World) -> bool:
    if isinstance(node, Operation) and node.op == "&&":
        return _holds(node.operands[0], world) and _holds(node.operands[1], world)
    if isinstance(node, Operation) and node.op == "||":
        return _holds(node.operands[0], world) or _holds(node.operands[1], world)
    if isinstance(node, Operation) and node.op == "!":
        return not _holds(node.operands[0], world)
    if isinstance(node, Literal_) and isinstance(node.value, bool):
        return node.value
    compared = _comparison(node)
    if compared is None:
        return bool(world[canonical(node)])
    name, op, value = compared
    actual = world[name]
    if op in {"==", "!="}:
        return (actual == value) == (op == "==")
    if not isinstance(actual, float) or not isinstance(value, float):
        return False
    return {"<": actual < value, "<=": actual <= value, ">": actual > value, ">=": actual >= value}[op]
