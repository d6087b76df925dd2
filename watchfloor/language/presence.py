"""Absence: which readings of an expression may find nothing, knowing what `has()` guards.

`&&` and `||` take no side's value that does not matter, in whichever order they stand, so a guard on either side
protects the other; `?:` protects the side that its condition chooses.
"""

from collections.abc import Iterator

from watchfloor.expressions.compilation import resolve
from watchfloor.expressions.syntax import Call, Literal_, Node, Operation, Path, children
from watchfloor.language.scope import NOTHING, Scope


def unguarded(tree: Node, scope: Scope) -> Iterator[tuple[Path, str, str]]:
    """Readings that may find nothing: the path, the variable, the first key it needs."""
    yield from _visit(tree, scope, NOTHING, frozenset())


def truths(tree: Node, scope: Scope) -> frozenset[str]:
    """Presence keys that hold when the expression is true."""
    if isinstance(tree, Operation):
        if tree.op == "&&":
            return truths(tree.operands[0], scope) | truths(tree.operands[1], scope)
        if tree.op == "||":
            return truths(tree.operands[0], scope) & truths(tree.operands[1], scope)
        if tree.op == "!":
            return falsities(tree.operands[0], scope)
        if tree.op == "==":
            return _equal(tree, scope)
        return NOTHING
    if isinstance(tree, Call) and tree.name == "has" and tree.target is None and isinstance(tree.args[0], Path):
        return _present(tree.args[0], scope)
    if isinstance(tree, Path) and len(tree.parts) == 3 and tree.parts[0] == "steps" and tree.parts[2] == "ok":
        # a step that is ok ran and has its outputs, but for the optional ones
        return frozenset({".".join(tree.parts[:2])})
    return NOTHING


def falsities(tree: Node, scope: Scope) -> frozenset[str]:
    """Presence keys that hold when the expression is false."""
    if isinstance(tree, Operation):
        if tree.op == "||":
            return falsities(tree.operands[0], scope) | falsities(tree.operands[1], scope)
        if tree.op == "&&":
            return falsities(tree.operands[0], scope) & falsities(tree.operands[1], scope)
        if tree.op == "!":
            return truths(tree.operands[0], scope)
    return NOTHING


def _equal(tree: Operation, scope: Scope) -> frozenset[str]:
    left, right = tree.operands
    if isinstance(left, Literal_):
        left, right = right, left
    if isinstance(left, Path) and isinstance(right, Literal_) and isinstance(right.value, str):
        return scope.chosen.get((left.text, right.value), NOTHING) | scope.needs.get(left.text, NOTHING)
    return NOTHING


def _present(path: Path, scope: Scope) -> frozenset[str]:
    reference = resolve(path, scope.types, True)
    return scope.needs.get(reference.variable, NOTHING) if reference.in_has else NOTHING


def _visit(node: Node, scope: Scope, extra: frozenset[str], bound: frozenset[str]) -> Iterator[tuple[Path, str, str]]:
    if isinstance(node, Path):
        if node.parts[0] not in bound:
            reference = resolve(node, scope.types)
            missing = scope.missing(reference.variable, extra)
            if missing:
                yield node, reference.variable, min(missing, key=lambda key: (key.count("."), key))
        return
    if isinstance(node, Operation) and node.op in {"&&", "||"}:
        learn = truths if node.op == "&&" else falsities
        left, right = node.operands
        yield from _visit(left, scope, extra | learn(right, scope), bound)
        yield from _visit(right, scope, extra | learn(left, scope), bound)
        return
    if isinstance(node, Operation) and node.op == "?:":
        condition, yes, no = node.operands
        yield from _visit(condition, scope, extra, bound)
        yield from _visit(yes, scope, extra | truths(condition, scope), bound)
        yield from _visit(no, scope, extra | falsities(condition, scope), bound)
        return
    if isinstance(node, Call) and node.name == "has" and node.target is None:
        argument = node.args[0]
        if (
            isinstance(argument, Path)
            and argument.parts[0] not in bound
            and resolve(argument, scope.types, True).in_has
        ):
            return
        yield from (each for child in children(argument) for each in _visit(child, scope, extra, bound))
        if isinstance(argument, Path):
            yield from _visit(argument, scope, extra, bound)
        return
    if isinstance(node, Call) and node.bound is not None and node.target is not None:
        yield from _visit(node.target, scope, extra, bound)
        for argument in node.args[1:]:
            yield from _visit(argument, scope, extra, bound | {node.bound})
        return
    for child in children(node):
        yield from _visit(child, scope, extra, bound)
