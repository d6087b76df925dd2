"""Compile and check: from the text an author wrote to a self-contained `Expr` of the plan."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from schemas.plan import Expr
from watchfloor.expressions.engine import MAX_DAYS, program, type_name
from watchfloor.expressions.errors import ExpressionRefused
from watchfloor.expressions.syntax import Call, Literal_, Node, Path, children, parse

FUNCTIONS = [
    "has",
    "size",
    "string",
    "int",
    "double",
    "bool",
    "timestamp",
    "duration",
    "days",
    "type",
    "dyn",
    "matches",
    "startsWith",
    "endsWith",
    "contains",
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
]
"""What an expression may call; anything else is refused before the engine sees it."""

ROOTS = ("inputs", "facts", "steps", "incident", "last", "now", "has")
"""Names that a comprehension's variable or a loop's item may not take."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reading of a name: the declared variable it resolves to, the path as written, whether inside `has()`."""

    variable: str
    path: Path
    in_has: bool


class UnknownName(ExpressionRefused):
    """A name that is not declared. `path` is what was written; `bad` the index of the first part that fits nothing."""

    def __init__(self, path: Path, bad: int) -> None:
        start = path.start if bad == 0 else path.ends[bad - 1] + 1
        super().__init__(f"unknown name `{path.text}`", start, path.ends[bad], topic="name")
        self.path = path
        self.bad = bad


def compile(src: str, variables: Mapping[str, str]) -> Expr:
    """Compile an expression against declared variables.

    Args:
        src: CEL as the author wrote it.
        variables: dotted name -> CEL type of everything that may be read here.

    Returns:
        The expression with only the variables that it uses.

    Raises:
        ExpressionRefused: syntax, types, size, a function that there is not.
        UnknownName: a name that is not declared.
    """
    return compile_tree(src, parse(src), variables)


def compile_tree(src: str, tree: Node, variables: Mapping[str, str]) -> Expr:
    """As `compile`, for an expression already parsed."""
    check_calls(tree)
    used: dict[str, str] = {}
    text = list(src)
    for reference in references(tree, variables):
        name = reference.variable
        if reference.in_has:
            used[f"has.{name}"] = "bool"
        else:
            used[name] = variables[name]
    for call in _presence(tree, variables):
        _rewrite(text, call)
    cel = "".join(text)
    kinds = {name: used[name] for name in sorted(used)}
    compiled = program(cel, tuple(kinds.items()))
    return {"src": src, "cel": cel, "vars": kinds, "type": type_name(compiled)}


def references(tree: Node, variables: Mapping[str, str]) -> Iterator[Reference]:
    """Every reading of a declared variable, left to right; names bound by `map` and the like are not among them.

    Raises:
        UnknownName: at the first name that is not declared.
    """
    yield from _references(tree, variables, frozenset(), False)


def _references(node: Node, variables: Mapping[str, str], bound: frozenset[str], in_has: bool) -> Iterator[Reference]:
    if isinstance(node, Path):
        if node.parts[0] in bound:
            return
        yield resolve(node, variables, in_has)
        return
    if isinstance(node, Call) and node.name == "has" and node.target is None:
        yield from _references(node.args[0], variables, bound, True)
        return
    if isinstance(node, Call) and node.bound is not None and node.target is not None:
        yield from _references(node.target, variables, bound, False)
        for argument in node.args[1:]:
            yield from _references(argument, variables, bound | {node.bound}, False)
        return
    for child in children(node):
        yield from _references(child, variables, bound, False)


def resolve(path: Path, variables: Mapping[str, str], in_has: bool = False) -> Reference:
    """The declared variable that a path reads: the longest one that it begins with.

    Raises:
        UnknownName: none.
    """
    for count in range(len(path.parts), 0, -1):
        name = ".".join(path.parts[:count])
        if name in variables:
            # has(a.b.c) on a map a.b asks the map; a.b itself must then be there
            return Reference(name, path, in_has and count == len(path.parts))
    bad = 0
    while bad + 1 < len(path.parts) and any(
        name.startswith(".".join(path.parts[: bad + 1]) + ".") for name in variables
    ):
        bad += 1
    raise UnknownName(path, bad)


def check_calls(tree: Node) -> None:
    """Refuse functions that there are not, durations that are not literals, bound names that hide others.

    Raises:
        ExpressionRefused: at the first.
    """
    todo: list[Node] = [tree]
    while todo:
        node = todo.pop()
        todo.extend(reversed(children(node)))
        if isinstance(node, Call):
            _check_call(node)


def _check_call(call: Call) -> None:
    where = (call.name_start, call.name_end)
    if call.name == "business_days":
        raise ExpressionRefused(
            "`business_days` cannot be used in an expression",
            *where,
            topic="business_days",
            expected='`days(n)` or `duration("90m")`',
            help="business days count in the clock register and in `postmortem: {within: 10bd}`",
        )
    if call.name not in FUNCTIONS:
        near = get_close_matches(call.name, FUNCTIONS, 1)
        raise ExpressionRefused(
            f"unknown function `{call.name}`",
            *where,
            topic="function",
            expected="one of " + ", ".join(FUNCTIONS[:10]) + " …",
            help=f"did you mean `{near[0]}`?" if near else "",
        )
    if call.bound in ROOTS:
        raise ExpressionRefused(
            f"`{call.bound}` would be hidden", *where, expected="another name", help=f"write `{call.name}(each, …)`"
        )
    if call.target is not None or call.name not in {"days", "duration"}:
        return
    argument = call.args[0] if len(call.args) == 1 else None
    value = argument.value if isinstance(argument, Literal_) else None
    if call.name == "days" and not (isinstance(value, int) and not isinstance(value, bool) and value <= MAX_DAYS):
        raise ExpressionRefused(
            "`days` takes one whole number, written out",
            call.start,
            call.end,
            topic="literal",
            expected=f"`days(n)` with n from 0 to {MAX_DAYS}",
        )
    if call.name == "duration" and not (isinstance(value, str) and _is_duration(value)):
        raise ExpressionRefused(
            "`duration` takes one duration, written out",
            call.start,
            call.end,
            topic="literal",
            expected='`duration("90m")`, in h, m, s',
            help="for days write `days(n)`",
        )


def _is_duration(text: str) -> bool:
    return re.fullmatch(r"(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?", text) is not None and text != ""


def _presence(tree: Node, variables: Mapping[str, str]) -> Iterator[Call]:
    """The `has()` calls that ask for a declared variable itself."""
    stack: list[tuple[Node, frozenset[str]]] = [(tree, frozenset())]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, Call):
            argument = node.args[0] if node.args else None
            if node.name == "has" and node.target is None and isinstance(argument, Path):
                if argument.parts[0] not in bound and argument.text in variables:
                    yield node
                continue
            if node.bound is not None:
                bound = bound | {node.bound}
        stack.extend((child, bound) for child in children(node))


def _rewrite(text: list[str], call: Call) -> None:
    """`has(facts.x)` to `has.facts.x `: the first bracket becomes a dot, the last a space; nothing moves."""
    opening = text.index("(", call.name_start)
    text[opening] = "."
    text[call.end - 1] = " "
