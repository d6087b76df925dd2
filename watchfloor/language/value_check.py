"""Values with `${{ }}` in them: parse the template, check it against a type, make the plan's `Value`."""

import re
from dataclasses import dataclass
from typing import cast

from schemas.json_value import Json
from schemas.plan import Expr, LiteralValue, TypeSpec, Value
from watchfloor.language import codes
from watchfloor.language.expression_check import ExpressionChecker
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, Span, kind_of, shorten
from watchfloor.language.scope import Scope
from watchfloor.language.templates import Part, Unclosed, split
from watchfloor.language.type_reader import assignable, cel_type, literal, mismatch, plain

_REFERENCE = re.compile(r"(inputs|facts|steps|last|incident)\.[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*\Z")
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|gh[pousr]_[A-Za-z0-9]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.|(?i:password|secret|api[_-]?key|token)\s*[=:]\s*\S{8,}"
)
_TEXTS = frozenset({"string", "text", "url", "ref"})


class ValueChecker:
    def __init__(self, expressions: ExpressionChecker) -> None:
        self.expressions = expressions
        self.report = expressions.report

    def check(self, node: Node, scope: Scope, spec: TypeSpec | None, label: str) -> Value | None:
        """A value against a type (any when None); None after a finding.

        Args:
            label: what the value is for, `` `url` of `content.disable` ``.
        """
        if isinstance(node, Scalar):
            return self._scalar(node, scope, spec, label)
        if isinstance(node, Sequence):
            return self._sequence(node, scope, spec, label)
        return self._mapping(node, scope, spec, label)

    def text(self, node: Scalar, scope: Scope) -> Value | None:
        """A text for people, in which expressions may stand."""
        parts = self._parts(node)
        if parts is None:
            return None
        if not any(part.is_expression for part in parts):
            return {"lit": node.value}
        made = self._text(node, parts, scope)
        return None if made is None else {"text": made}

    def _scalar(self, node: Scalar, scope: Scope, spec: TypeSpec | None, label: str) -> Value | None:
        parts = self._parts(node)
        if parts is None:
            return None
        if not any(part.is_expression for part in parts):
            return self._literal(node, scope, spec, label)
        if len(parts) == 1:
            part = parts[0]
            checked = self.expressions.check_part(part.text, self._locate(node, part), scope)
            if checked is None:
                return None
            found = checked.expr["type"]
            if spec is not None and not assignable(found, spec):
                self._wrong(node.span, label, found, cel_type(spec))
                return None
            return {"expr": checked.expr}
        if spec is not None and spec["type"] not in _TEXTS:
            self._wrong(node.span, label, "text with expressions in it", cel_type(spec), "leave one `${{ }}` alone")
            return None
        made = self._text(node, parts, scope)
        return None if made is None else {"text": made}

    def _text(self, node: Scalar, parts: list[Part], scope: Scope) -> list[str | Expr] | None:
        made: list[str | Expr] = []
        for part in parts:
            if not part.is_expression:
                made.append(part.text)
                continue
            checked = self.expressions.check_part(part.text, self._locate(node, part), scope)
            if checked is None:
                return None
            made.append(checked.expr)
        return made

    def _literal(self, node: Scalar, scope: Scope, spec: TypeSpec | None, label: str) -> Value | None:
        if node.style == "plain" and (_REFERENCE.match(node.value) or f"{node.value}" in scope.types):
            self.report.add(
                codes.LOOKS_LIKE_REFERENCE,
                node.span,
                f"`{node.value}` is taken as text here",
                help=f'for its value write "${{{{ {node.value} }}}}"; for the text put it in quotes',
            )
        if _SECRET.search(node.value):
            self.report.add(
                codes.SECRET,
                node.span,
                "this looks like a secret",
                help="secrets belong to the binding, by reference; a runbook is read by many",
            )
        wanted = None if spec is None else mismatch(node, spec)
        if wanted is not None:
            self._wrong(node.span, label, kind_of(node), wanted)
            return None
        return {"lit": plain(node) if spec is None else literal(node, spec)}

    def _sequence(self, node: Sequence, scope: Scope, spec: TypeSpec | None, label: str) -> Value | None:
        if spec is not None and spec["type"] != "list":
            self._wrong(node.span, label, "a list", cel_type(spec))
            return None
        of = spec.get("of") if spec is not None else None
        items = [self.check(item, scope, of, f"an item of {label}") for item in node.items]
        made = [item for item in items if item is not None]
        if len(made) < len(items):
            return None
        if all("lit" in item for item in made):
            return {"lit": [_literal_of(item) for item in made]}
        return {"list": made}

    def _mapping(self, node: Mapping, scope: Scope, spec: TypeSpec | None, label: str) -> Value | None:
        if spec is not None and spec["type"] != "map":
            self._wrong(node.span, label, "a mapping", cel_type(spec))
            return None
        of = spec.get("of") if spec is not None else None
        if spec is not None and (len(node.entries) > spec.get("max_items", len(node.entries))):
            self._wrong(node.span, label, f"{len(node.entries)} entries", f"at most {spec['max_items']} entries")
            return None
        entries = {key.value: self.check(value, scope, of, f"`{key.value}` of {label}") for key, value in node.entries}
        made = {key: value for key, value in entries.items() if value is not None}
        if len(made) < len(entries):
            return None
        if all("lit" in value for value in made.values()):
            return {"lit": {key: _literal_of(value) for key, value in made.items()}}
        return {"map": made}

    def _wrong(self, span: Span, label: str, found: str, wanted: str, help: str = "") -> None:
        self.report.add(
            codes.INPUT_TYPE,
            span,
            f"{label} does not take {found}",
            expected=f"expected {wanted}",
            found=found,
            help=help,
        )

    def _locate(self, node: Scalar, part: Part) -> "_Shifted":
        return _Shifted(node, part.start)

    def _parts(self, node: Scalar) -> list[Part] | None:
        """The pieces of a template; None after a finding about an opening without its close."""
        try:
            return list(split(node.value))
        except Unclosed as error:
            self.report.add(
                codes.TEMPLATE_BROKEN,
                node.part(error.start, len(node.value)),
                f"`${{{{` without its `}}}}` in `{shorten(node.value)}`",
                expected="`${{ expression }}`",
            )
            return None


@dataclass(frozen=True, slots=True)
class _Shifted:
    """Places of an expression inside a template."""

    node: Scalar
    shift: int

    def __call__(self, start: int, end: int) -> Span:
        return self.node.part(self.shift + start, self.shift + end)


def _literal_of(value: Value) -> Json:
    return cast(LiteralValue, value)["lit"]
