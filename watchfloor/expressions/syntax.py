"""The shape of a CEL expression: tokens and tree, each with its place.

The CEL engine checks types and evaluates, but gives neither a tree nor more than a line of text on errors. The
compiler needs the tree: which names are read, what `has()` guards, which literals stand where. The grammar is that of
the CEL language definition (github.com/google/cel-spec, doc/langdef.md, "Syntax") without message construction,
leading dots, byte strings and unsigned literals, which a runbook has no use for.
"""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from watchfloor.expressions.errors import ExpressionRefused

MAX_LENGTH = 4_000
"""Code points of one expression."""
MAX_NESTING = 24
"""Brackets, calls and unary chains inside each other; the engine's own parser stops at 32."""

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\f]+|//[^\n]*)
  | (?P<string>[rR]?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'))
  | (?P<number>(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][0-9a-fA-F]+|\d+))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<op>&&|\|\||<=|>=|==|!=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: Literal["string", "number", "name", "op", "end"]
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal_:
    """A string, number, bool or null. `value` is the Python value."""

    value: str | int | float | bool | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Path:
    """Names joined by dots, as far as they go: `steps.look.all_gone`. `ends[i]` is where part i ends."""

    parts: tuple[str, ...]
    start: int
    ends: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.ends[-1]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Select:
    operand: "Node"
    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Index:
    operand: "Node"
    index: "Node"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, a method (`target` set), `has` or a macro that binds `bound`."""

    name: str
    target: "Node | None"
    args: tuple["Node", ...]
    start: int
    end: int
    name_start: int
    name_end: int
    bound: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A unary, binary or ternary (`?:`) operation."""

    op: str
    operands: tuple["Node", ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Group:
    """A list or map literal; a map's keys and values alternate."""

    kind: Literal["list", "map"]
    items: tuple["Node", ...]
    start: int
    end: int


Node: TypeAlias = Literal_ | Path | Select | Index | Call | Operation | Group


def tokenise(src: str) -> list[Token]:
    """Cut an expression into tokens; the last is `end`.

    Raises:
        ExpressionRefused: too long, a character that no expression has, an unclosed string.
    """
    if len(src) > MAX_LENGTH:
        raise ExpressionRefused(
            f"expression of {len(src)} characters", 0, len(src), expected=f"at most {MAX_LENGTH} characters"
        )
    tokens: list[Token] = []
    at = 0
    while at < len(src):
        match = _TOKEN.match(src, at)
        if match is None:
            if src[at] in "\"'":
                raise ExpressionRefused("a string that is not closed", at, len(src), expected=f"a closing {src[at]}")
            raise ExpressionRefused(f"`{src[at]}` has no meaning in an expression", at, at + 1, help=_advise(src, at))
        kind = match.lastgroup
        if kind in {"string", "number", "name", "op"}:
            tokens.append(Token(kind, match.group(), at, match.end()))  # type: ignore[arg-type]
        at = match.end()
    tokens.append(Token("end", "", len(src), len(src)))
    return tokens


def parse(src: str) -> Node:
    """The tree of an expression.

    Raises:
        ExpressionRefused: with the place.
    """
    parser = _Parser(tokenise(src))
    node = parser.ternary(0)
    rest = parser.peek
    if rest.kind != "end":
        raise _surprise(rest, "an operator or the end")
    return node


def walk(node: Node) -> "list[Node]":
    """The node and all below it, parents first."""
    found: list[Node] = []
    todo: list[Node] = [node]
    while todo:
        current = todo.pop()
        found.append(current)
        todo.extend(reversed(children(current)))
    return found


def children(node: Node) -> "tuple[Node, ...]":
    match node:
        case Literal_() | Path():
            return ()
        case Select():
            return (node.operand,)
        case Index():
            return (node.operand, node.index)
        case Call():
            return (node.target, *node.args) if node.target is not None else node.args
        case Operation():
            return node.operands
        case Group():
            return node.items


def _advise(src: str, at: int) -> str:
    pair = src[at : at + 2]
    if src[at] == "=":
        return "compare with `==`"
    if src[at] in "&|":
        return f"write `{src[at] * 2}`"
    if src[at] in "“”‘’":
        return "use straight quotes"
    if pair == "${" or src[at] == "$":
        return "this key is an expression already: leave out `${{` and `}}`"
    return ""


def _surprise(token: Token, expected: str) -> ExpressionRefused:
    found = "the expression ends too early" if token.kind == "end" else f"unexpected `{token.text}`"
    help = ""
    if token.text in {"and", "or", "not", "AND", "OR", "NOT"}:
        help = {"and": "write `&&`", "or": "write `||`", "not": "write `!`"}[token.text.lower()]
    return ExpressionRefused(found, token.start, token.end, expected=expected, help=help)


_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def peek(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, text: str) -> Token:
        if self.peek.text != text or self.peek.kind != "op":
            raise _surprise(self.peek, f"`{text}`")
        return self.take()

    def is_op(self, *texts: str) -> bool:
        token = self.peek
        return token.text in texts and (token.kind == "op" or (token.text == "in" and token.kind == "name"))

    def deeper(self, depth: int) -> int:
        if depth >= MAX_NESTING:
            raise ExpressionRefused(
                "expression nested too deeply", self.peek.start, self.peek.end, expected=f"at most {MAX_NESTING} levels"
            )
        return depth + 1

    def ternary(self, depth: int) -> Node:
        condition = self.binary(0, depth)
        if not self.is_op("?"):
            return condition
        self.take()
        depth = self.deeper(depth)
        yes = self.binary(0, depth)
        self.expect(":")
        no = self.ternary(depth)
        return Operation("?:", (condition, yes, no), condition.start, no.end)

    def binary(self, level: int, depth: int) -> Node:
        if level == len(_LEVELS):
            return self.unary(depth)
        left = self.binary(level + 1, depth)
        length = 0
        while self.is_op(*_LEVELS[level]):
            op = self.take().text
            right = self.binary(level + 1, depth)
            left = Operation(op, (left, right), left.start, right.end)
            # logical chains are balanced by the engine; the others nest one level for each operator
            length += level >= 2
            if length > MAX_NESTING:
                self.deeper(MAX_NESTING)
        return left

    def unary(self, depth: int) -> Node:
        if self.is_op("!", "-"):
            token = self.take()
            operand = self.unary(self.deeper(depth))
            return Operation(token.text, (operand,), token.start, operand.end)
        return self.member(depth)

    def member(self, depth: int) -> Node:
        node = self.primary(depth)
        steps = 0
        while self.is_op(".", "["):
            steps += 1
            if steps > MAX_NESTING:
                self.deeper(MAX_NESTING)
            if self.take().text == "[":
                index = self.ternary(self.deeper(depth))
                node = Index(node, index, node.start, self.expect("]").end)
                continue
            name = self.take()
            if name.kind != "name":
                raise _surprise(name, "a name")
            if self.is_op("("):
                node = self.call(name, node, depth)
            elif isinstance(node, Path):
                node = Path((*node.parts, name.text), node.start, (*node.ends, name.end))
            else:
                node = Select(node, name.text, node.start, name.end)
        return node

    def call(self, name: Token, target: Node | None, depth: int) -> Node:
        self.expect("(")
        depth = self.deeper(depth)
        args = self.items(")", depth)
        end = self.expect(")").end
        start = name.start if target is None else target.start
        bound = None
        if target is not None and name.text in MACROS:
            if not args or not isinstance(args[0], Path) or len(args[0].parts) != 1 or len(args) not in (2, 3):
                raise ExpressionRefused(
                    f"`{name.text}` needs a name and an expression",
                    name.start,
                    end,
                    expected=f"`{name.text}(x, …)`",
                )
            bound = args[0].text
        elif name.text == "has" and target is None and (len(args) != 1 or not isinstance(args[0], Path | Select)):
            raise ExpressionRefused("`has` needs one name", name.start, end, expected="`has(facts.x)`")
        return Call(name.text, target, tuple(args), start, end, name.start, name.end, bound)

    def items(self, closing: str, depth: int) -> list[Node]:
        items: list[Node] = []
        while not self.is_op(closing):
            items.append(self.ternary(depth))
            if not self.is_op(","):
                break
            self.take()
        return items

    def primary(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "string":
            return Literal_(_unquote(token), token.start, token.end)
        if token.kind == "number":
            return Literal_(_number(token), token.start, token.end)
        if token.kind == "name":
            if token.text in {"true", "false", "null"}:
                return Literal_({"true": True, "false": False, "null": None}[token.text], token.start, token.end)
            if token.text in RESERVED:
                raise ExpressionRefused(f"`{token.text}` is reserved", token.start, token.end, expected="a name")
            if self.is_op("("):
                return self.call(token, None, depth)
            if self.peek.kind == "name" and self.peek.text in {"and", "or", "not", "is"}:
                raise _surprise(self.peek, "an operator")
            return Path((token.text,), token.start, (token.end,))
        if token.kind == "op" and token.text == "(":
            inner = self.ternary(self.deeper(depth))
            self.expect(")")
            return inner
        if token.kind == "op" and token.text == "[":
            items = self.items("]", self.deeper(depth))
            return Group("list", tuple(items), token.start, self.expect("]").end)
        if token.kind == "op" and token.text == "{":
            return self.mapping(token, self.deeper(depth))
        raise _surprise(token, "a name, a value or `(`")

    def mapping(self, opening: Token, depth: int) -> Node:
        items: list[Node] = []
        while not self.is_op("}"):
            items.append(self.ternary(depth))
            self.expect(":")
            items.append(self.ternary(depth))
            if not self.is_op(","):
                break
            self.take()
        return Group("map", tuple(items), opening.start, self.expect("}").end)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _unquote(token: Token) -> str:
    text = token.text
    raw = text[0] in "rR"
    body = text[1:] if raw else text
    quote = 3 if body[:3] in {'"""', "'''"} else 1
    inner = body[quote:-quote]
    if raw or "\\" not in inner:
        return inner

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "xXuU":
            return chr(min(int(code[1:], 16), 0x10FFFF))
        if code[0].isdigit():
            return chr(int(code, 8))
        return _ESCAPES.get(code, code)

    return re.sub(
        r"\\(x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)",
        replace,
        inner,
        flags=re.S,
    )


def _number(token: Token) -> int | float:
    text = token.text
    if text[:2] in {"0x", "0X"}:
        return int(text, 16)
    return int(text) if text.isdigit() else float(text)
