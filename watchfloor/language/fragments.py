"""Reusable steps: `{id: first, use: remove_one, with: {…}}` becomes the steps of the fragment `remove_one`.

The tree is expanded before it is read, so that everything after it sees ordinary steps. Inside a fragment `params.x`
is replaced by what `with` gives, and its own ids get the prefix of the use: the step `hide` used by `first` is
`first_hide`, for the fragment and for everybody else.
"""

import json
import re
from collections.abc import Mapping as Mapping_
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

from schemas.plan import TypeSpec
from watchfloor.language import codes
from watchfloor.language.document import Argument, Use
from watchfloor.language.findings import listing, nearest
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, Span, walk
from watchfloor.language.reading import VALUES, Keys, Reader, any_node, expression, name, open_mapping, pairs_of, wrong
from watchfloor.language.report import Report
from watchfloor.language.source import parse
from watchfloor.language.templates import Part, Unclosed, split
from watchfloor.language.type_reader import read_type

SHIPPED = Path(__file__).resolve().parents[2] / "runbooks" / "fragments"
MAX_DEPTH = 8
MAX_EXPANDED = 2_000
"""Steps that all uses of a runbook may come to."""

_EXPRESSIONS = frozenset(
    {"if", "unless", "when", "until", "in", "records", "show", "share", "scope", "key", "known_at", "start", "stop"}
)
"""Keys under which a scalar is a bare expression."""
_NOT_STEPS = frozenset({"with", "fragments", "triggers", "map"})
_READING = re.compile(
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?<![\w.])(?P<root>params|steps|last)\.(?P<name>[a-z][a-z0-9_]*)"""
)
_PATH = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*\Z")


_declared: Reader[tuple[tuple[Scalar, Node], ...]] = pairs_of(name, any_node, "fragments")


def sequence(node: Node, report: Report) -> Sequence | None:
    """A list of steps that is read where it is used."""
    if isinstance(node, Sequence) and node.items:
        return node
    wrong(node, report, "a list of steps", "begin each step with `- `")
    return None


@dataclass(frozen=True, slots=True)
class Fragment:
    name: Scalar
    params: tuple[tuple[Scalar, TypeSpec], ...]
    steps: Sequence
    shipped: bool = False
    """It comes with the product; what is found in it is shown at its use, for the author did not write it."""


def expand_fragments(root: Mapping, report: Report) -> Mapping:
    """The document with every use replaced by the fragment's steps: one of its own, else one that is shipped."""
    declared = root.get("fragments")
    shipped = _find_shipped(root)
    if declared is None and not shipped:
        return root
    own = {} if declared is None else _read(declared, report)
    if own is None:
        return root
    fragments = {**shipped, **own}
    expander = _Expander(fragments, report)
    made = expander.mapping(root, (), None)
    for fragment in own.values():
        if fragment.name.value not in expander.used:
            report.add(
                codes.UNUSED_FRAGMENT,
                fragment.name.span,
                f"no step uses the fragment `{fragment.name.value}`",
                help="use it, or remove it: what nobody uses is not checked",
            )
    return made


def _read(node: Node, report: Report) -> dict[str, Fragment] | None:
    pairs = _declared(node, report)
    if pairs is None:
        return None
    made: dict[str, Fragment] = {}
    for key, value in pairs:
        keys = open_mapping(value, report, f"the fragment `{key.value}`", f"{key.value}: {{params: {{…}}, steps: […]}}")
        if keys is None:
            continue
        params = keys.take("params", pairs_of(name, read_type, "names and types")) or ()
        steps = keys.take("steps", sequence, required=True)
        for param, spec in params:
            if spec.get("optional"):
                keys.broken = True
                report.add(
                    codes.BAD_VALUE,
                    param.span,
                    f"the parameter `{param.value}` is optional",
                    expected="a `default` instead",
                )
        if keys.close() and steps is not None:
            made[key.value] = Fragment(key, params, steps)
    return None if report.failed else made


def _find_shipped(root: Mapping) -> dict[str, Fragment]:
    """The shipped fragments that the document uses; most use none, and nothing is read for them."""
    labels = {
        label.value
        for node in walk(root)
        if isinstance(node, Mapping) and isinstance(label := node.get("use"), Scalar) and node.get("id") is not None
    }
    return {name: found for name, found in _load_shipped().items() if name in labels} if labels else {}


@cache
def _load_shipped() -> Mapping_[str, Fragment]:
    """Every fragment of the library, by its name.

    Raises:
        ValueError: one of them is not well formed.
    """
    made: dict[str, Fragment] = {}
    for path in sorted(SHIPPED.glob("*.yaml")):
        source = parse(path.read_bytes(), path=path.name)
        report = Report(path.name, list(source.lines))
        declared = source.root.get("fragments") if isinstance(source.root, Mapping) else None
        found = _read(declared, report) if declared is not None else None
        if found is None or source.findings or report.failed:
            raise ValueError(f"the shipped fragment {path.name} is not well formed")
        made |= {name: replace(fragment, shipped=True) for name, fragment in found.items()}
    return made


def _stand_at(node: Node, span: Span) -> Node:
    """A copy of a shipped node as if it stood where it is used."""
    if isinstance(node, Scalar):
        return replace(node, span=span, raw="")
    if isinstance(node, Sequence):
        return replace(node, span=span, items=tuple(_stand_at(item, span) for item in node.items))
    entries = tuple((cast(Scalar, _stand_at(key, span)), _stand_at(value, span)) for key, value in node.entries)
    return replace(node, span=span, entries=entries)


class _Expander:
    """Walks the tree and puts steps where uses stand."""

    def __init__(self, fragments: dict[str, Fragment], report: Report) -> None:
        self.fragments = fragments
        self.report = report
        self.used: set[str] = set()
        self.count = 0

    def mapping(self, node: Mapping, chain: tuple[str, ...], outer: Use | None) -> Mapping:
        entries = tuple(
            (key, value if key.value in _NOT_STEPS else self.node(value, chain, outer)) for key, value in node.entries
        )
        if all(new is old for (_, new), (_, old) in zip(entries, node.entries, strict=True)):
            return node
        made = replace(node, entries=entries)
        use = self.report.use_of(node)
        if use is not None:
            self.report.note_use(made, use)
        return made

    def node(self, node: Node, chain: tuple[str, ...], outer: Use | None) -> Node:
        if isinstance(node, Mapping):
            return self.mapping(node, chain, outer)
        if isinstance(node, Scalar):
            return node
        items: list[Node] = []
        for item in node.items:
            if isinstance(item, Mapping) and item.get("use") is not None and item.get("id") is not None:
                items += self._steps(item, chain, outer)
            else:
                items.append(self.node(item, chain, outer))
        same = len(items) == len(node.items) and all(new is old for new, old in zip(items, node.items, strict=True))
        return node if same else replace(node, items=tuple(items))

    def _steps(self, node: Mapping, chain: tuple[str, ...], outer: Use | None) -> list[Node]:
        """The steps that stand for one use; none after a finding."""
        keys = Keys(node, self.report, "this use of a fragment")
        id_ = keys.take("id", name)
        label = keys.take("use", name)
        given = keys.take("with", VALUES) or ()
        cond = keys.take("if", expression)
        if not keys.close() or id_ is None or label is None:
            return []
        fragment = self._find(label, chain)
        arguments = self._arguments(fragment, given, label) if fragment is not None else None
        if fragment is None or arguments is None:
            return []
        self.used.add(label.value)
        line = id_.span.line
        use = Use(id_.value, label.value, line, tuple(arguments), outer)
        copy = _Copy(id_.value, fragment, {each.name.value: each for each in arguments})
        steps = [copy.node(step, False) for step in fragment.steps.items]
        if fragment.shipped:
            steps = [_stand_at(step, label.span) for step in steps]
        self.count += len(steps)
        if self.count > MAX_EXPANDED:
            self.report.add(
                codes.TOO_WIDE, label.span, "too many steps come of fragments", expected=f"at most {MAX_EXPANDED}"
            )
            return []
        for step in steps:
            for inner in walk(step):
                if isinstance(inner, Mapping) and inner.get("id") is not None:
                    self.report.note_use(inner, use)
        expanded = self.node(Sequence(tuple(steps), fragment.steps.span), (*chain, label.value), use)
        assert isinstance(expanded, Sequence)
        if cond is None:
            return list(expanded.items)
        return [_only_if(id_, cond, expanded)]

    def _find(self, label: Scalar, chain: tuple[str, ...]) -> Fragment | None:
        if label.value in chain or len(chain) >= MAX_DEPTH:
            self.report.add(
                codes.ROUND,
                label.span,
                f"`{label.value}` would use itself: {' → '.join((*chain, label.value))}"
                if label.value in chain
                else f"{len(chain)} fragments within one another",
                expected="fragments that come to an end",
            )
            return None
        fragment = self.fragments.get(label.value)
        if fragment is None:
            near = nearest(label.value, self.fragments)
            self.report.add(
                codes.UNKNOWN_FRAGMENT,
                label.span,
                f"unknown fragment `{label.value}`",
                expected=f"one of {listing(list(self.fragments))}" if self.fragments else "no fragment is declared",
                help=f"did you mean `{near}`?" if near else "",
            )
        return fragment

    def _arguments(
        self, fragment: Fragment, given: tuple[tuple[Scalar, Node], ...], label: Scalar
    ) -> list[Argument] | None:
        specs = {param.value: spec for param, spec in fragment.params}
        written = {key.value: node for key, node in given}
        fine = True
        for key, _ in given:
            if key.value not in specs:
                near = nearest(key.value, specs)
                fine = False
                self.report.add(
                    codes.UNKNOWN_INPUT,
                    key.span,
                    f"unknown parameter `{key.value}` of the fragment `{label.value}`",
                    expected=f"it takes: {listing(list(specs))}" if specs else "it takes none",
                    help=f"did you mean `{near}`?" if near else "",
                )
        made: list[Argument] = []
        for param, spec in fragment.params:
            node = written.get(param.value)
            if node is not None:
                made.append(Argument(param, node, spec))
            elif "default" in spec:
                made.append(Argument(param, _default(param, spec), spec))
            elif nearest(param.value, [key for key in written if key not in specs]) is None:
                fine = False
                self.report.add(
                    codes.MISSING_INPUT,
                    label.span,
                    f"the fragment `{label.value}` needs `{param.value}`",
                    expected=f"`{param.value}` ({spec['type']})",
                    help=f"add it: `with: {{{param.value}: …}}`",
                )
        return made if fine else None


class _Copy:
    """A fragment's steps as one use makes them: parameters filled in, ids with the use's prefix."""

    def __init__(self, prefix: str, fragment: Fragment, arguments: dict[str, Argument]) -> None:
        self.prefix = prefix
        self.arguments = arguments
        self.own: set[str] = set()
        self.uses: tuple[str, ...] = ()
        for inner in walk(fragment.steps):
            id_ = inner.get("id") if isinstance(inner, Mapping) else None
            if isinstance(id_, Scalar):
                self.own.add(id_.value)
                if isinstance(inner, Mapping) and inner.get("use") is not None:
                    self.uses += (f"{id_.value}_",)

    def node(self, node: Node, bare: bool, ids: bool = False) -> Node:
        """A copy.

        Args:
            bare: a scalar here is an expression.
            ids: a scalar here is a step's id.
        """
        if isinstance(node, Scalar):
            return self._scalar(node, bare, ids)
        if isinstance(node, Sequence):
            return replace(node, items=tuple(self.node(item, bare, ids) for item in node.items))
        in_try = node.get("steps") is not None
        return replace(
            node,
            entries=tuple(
                (
                    key,
                    self.node(value, bare or key.value in _EXPRESSIONS, ids=key.value == "undo" and in_try)
                    if key.value != "id" or not isinstance(value, Scalar)
                    else replace(value, value=f"{self.prefix}_{value.value}", style="double", raw="\n"),
                )
                for key, value in node.entries
            ),
        )

    def _scalar(self, node: Scalar, bare: bool, ids: bool) -> Node:
        if ids:
            return replace(node, value=self._renamed(node.value), style="double", raw="\n")
        if "${{" not in node.value:
            return self._written(node, self._expression(node.value)) if bare else node
        try:
            parts = list(split(node.value))
        except Unclosed:
            return node  # said where the value is judged
        if len(parts) == 1 and parts[0].is_expression:
            alone = re.fullmatch(r"params\.([a-z][a-z0-9_]*)", parts[0].text)
            if alone and alone[1] in self.arguments:
                return self.arguments[alone[1]].value
        return self._written(node, "".join(self._part(part) for part in parts))

    def _part(self, part: Part) -> str:
        return "${{ " + self._expression(part.text) + " }}" if part.is_expression else part.text

    def _written(self, node: Scalar, value: str) -> Scalar:
        # what was filled in has no letters of its own in the file: findings point at the whole
        return (
            node
            if value == node.value or _same(value, node.value)
            else replace(node, value=value, style="double", raw="\n")
        )

    def _expression(self, src: str) -> str:
        return _READING.sub(self._reading, src)

    def _reading(self, match: re.Match[str]) -> str:
        root, label = match["root"], match["name"]
        if root is None:
            return match[0]
        if root == "params":
            argument = self.arguments.get(label)
            return match[0] if argument is None else _as_expression(argument.value, argument.spec)
        return f"{root}.{self._renamed(label)}"

    def _renamed(self, id_: str) -> str:
        ours = id_ in self.own or id_.startswith(self.uses or ("\0",))
        return f"{self.prefix}_{id_}" if ours else id_


def _same(made: str, written: str) -> bool:
    """Only the blanks inside `${{ }}` differ."""
    return made.replace(" ", "") == written.replace(" ", "")


def _as_expression(node: Node, spec: TypeSpec | None) -> str:
    """An argument as it stands in the middle of an expression."""
    if isinstance(node, Sequence):
        of = spec.get("of") if spec is not None else None
        return "[" + ", ".join(_as_expression(item, of) for item in node.items) + "]"
    if isinstance(node, Mapping):
        return (
            "{"
            + ", ".join(f"{json.dumps(key.value)}: {_as_expression(value, None)}" for key, value in node.entries)
            + "}"
        )
    if "${{" in node.value:
        try:
            return _joined(list(split(node.value)))
        except Unclosed:
            return json.dumps(node.value)  # the argument itself is refused where it stands
    kind = spec["type"] if spec is not None else ""
    if kind in {"timestamp", "duration"}:
        return f"{kind}({json.dumps(node.value)})"
    value = node.core if kind not in {"string", "text", "url", "ref"} else node.value
    return json.dumps(value, ensure_ascii=False)


def _joined(parts: list[Part]) -> str:
    if len(parts) == 1:
        inner = parts[0].text
        return inner if _PATH.match(inner) else f"({inner})"
    pieces = (f"string({part.text})" if part.is_expression else json.dumps(part.text) for part in parts)
    return "(" + " + ".join(pieces) + ")"


def _default(param: Scalar, spec: TypeSpec) -> Node:
    def node(value: object) -> Node:
        if isinstance(value, list):
            return Sequence(tuple(node(item) for item in value), param.span)
        if isinstance(value, dict):
            return Mapping(
                tuple((replace(param, value=str(key)), node(each)) for key, each in value.items()), param.span
            )
        text = value if isinstance(value, str) else json.dumps(value)
        if spec["type"] == "duration" and isinstance(value, int | float):
            text = f"{value:g}s"
        return Scalar(text, "double" if isinstance(value, str) else "plain", "\n", param.span)

    return node(spec.get("default"))


def _only_if(id_: Scalar, cond: Scalar, steps: Sequence) -> Mapping:
    """A use under a condition is a choice with one case, under the use's own id."""

    def key(text: str) -> Scalar:
        return Scalar(text, "plain", text, id_.span)

    case = Mapping(((key("when"), cond), (key("steps"), steps)), id_.span)
    return Mapping(((key("id"), id_), (key("choose"), Sequence((case,), id_.span))), id_.span)
