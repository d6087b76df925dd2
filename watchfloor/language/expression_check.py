"""Checking one expression in its scope, and making the plan's `Expr` of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from schemas.plan import Expr
from watchfloor.expressions import ExpressionRefused, UnknownName, compile_tree, references
from watchfloor.expressions.errors import Topic
from watchfloor.expressions.syntax import Group, Literal_, Node, Operation, Path, parse, walk
from watchfloor.language import accidents, codes
from watchfloor.language.findings import listing, nearest
from watchfloor.language.map import StepMap
from watchfloor.language.nodes import Scalar, Span
from watchfloor.language.presence import falsities, truths, unguarded
from watchfloor.language.report import Report
from watchfloor.language.scope import Scope, describe_need

Locate = Callable[[int, int], Span]

_CODES: dict[Topic, codes.Code] = {
    "syntax": codes.SYNTAX,
    "function": codes.SYNTAX,
    "literal": codes.SYNTAX,
    "business_days": codes.BUSINESS_DAYS,
    "name": codes.UNKNOWN_NAME,
    "types": codes.TYPES,
}
_WORDS = {"bool": "true or false", "timestamp": "an instant", "string": "text", "int": "a whole number"}


@dataclass(frozen=True, slots=True)
class Checked:
    """A compiled expression and what follows from its being true."""

    expr: Expr
    truths: frozenset[str]


class ExpressionChecker:
    """Checks expressions against scopes; knows where every step stands, for messages."""

    def __init__(self, report: Report, steps: StepMap) -> None:
        self.report = report
        self.steps = steps

    def check(
        self,
        scalar: Scalar,
        scope: Scope,
        *,
        wants: tuple[str, ...] = (),
        negated: bool = False,
        may_be_absent: bool = False,
    ) -> Checked | None:
        """Check a bare expression.

        Args:
            wants: CEL types it may have; any when empty. `dyn` always passes, `list` stands for any list.
            negated: it stands under `unless`.
            may_be_absent: absence is ordinary here (a clock's start, a fact to record).
        """
        return self.check_part(
            scalar.value, scalar.part, scope, wants=wants, negated=negated, may_be_absent=may_be_absent, scalar=scalar
        )

    def check_part(
        self,
        src: str,
        locate: Locate,
        scope: Scope,
        *,
        wants: tuple[str, ...] = (),
        negated: bool = False,
        may_be_absent: bool = False,
        scalar: Scalar | None = None,
    ) -> Checked | None:
        try:
            tree = parse(src)
            if self._beyond(tree, scope, locate):
                return None
            expr = compile_tree(src, tree, scope.types)
        except UnknownName as error:
            self._unknown(error, locate, scope)
            return None
        except ExpressionRefused as error:
            self._refused(error, locate, scalar)
            return None
        if not self._result(expr["type"], wants, locate, len(src)):
            return None
        if self._impossible(tree, scope, locate):
            return None
        if not may_be_absent:
            for path, variable, key in unguarded(tree, scope):
                self._absent(path, variable, key, locate)
                return None
        learned = falsities(tree, scope) if negated else truths(tree, scope)
        if negated:
            expr = compile_tree(f"!({src})", parse(f"!({src})"), scope.types)
        return Checked(expr, learned)

    def _refused(self, error: ExpressionRefused, locate: Locate, scalar: Scalar | None) -> None:
        span = locate(error.start, error.end)
        if scalar is not None and scalar.style == "plain":
            line = self.report.line(scalar.span.line)
            rest = line[scalar.span.end_column - 1 :]
            corrected = accidents.correct_comment(line) if re.match(r"\s+#", rest) else None
            if corrected:
                self.report.add(
                    codes.CUT_BY_YAML,
                    Span(span.line, scalar.span.end_column, scalar.span.end_column + len(rest.rstrip())),
                    "` #` begins a comment, so the expression is cut here",
                    help=f"quote it: {corrected}",
                )
                return
        self.report.add(_CODES[error.topic], span, str(error), expected=error.expected, help=error.help)

    def _result(self, found: str, wants: tuple[str, ...], locate: Locate, length: int) -> bool:
        if not wants or found == "dyn" or found in wants or ("list" in wants and found.startswith("list<")):
            return True
        words = " or ".join(_WORDS.get(want, f"a {want}") for want in wants)
        self.report.add(
            codes.WRONG_RESULT,
            locate(0, length),
            f"this expression gives {found}",
            expected=f"expected {words}",
            found=found,
            help='compare it: `== "…"`, `> 0`, `has(…)`' if wants == ("bool",) else "",
        )
        return False

    def _beyond(self, tree: Node, scope: Scope, locate: Locate) -> bool:
        """A name that goes on after a value that has no parts: `facts.seen.when`."""
        for reference in references(tree, scope.types):
            path, kind = reference.path, scope.types[reference.variable]
            count = reference.variable.count(".") + 1
            if len(path.parts) > count and not kind.startswith(("map<", "dyn")):
                parts = [name.removeprefix(f"{reference.variable}.") for name in scope.types]
                near = nearest(path.parts[count], parts)
                self.report.add(
                    codes.UNKNOWN_NAME,
                    locate(path.ends[count - 1] + 1, path.ends[count]),
                    f"`{reference.variable}` has no `{path.parts[count]}`",
                    expected=f"it is of type {kind}",
                    help=f"did you mean `{near}`?" if near else "",
                )
                return True
        return False

    def _impossible(self, tree: Node, scope: Scope, locate: Locate) -> bool:
        """A comparison with a text that the variable never has."""
        for node in walk(tree):
            if not isinstance(node, Operation) or node.op not in {"==", "!=", "in"}:
                continue
            left, right = node.operands
            literals = [each for each in (left, right) if isinstance(each, Literal_)]
            if node.op == "in" and isinstance(right, Group) and right.kind == "list":
                literals = [each for each in right.items if isinstance(each, Literal_)]
            paths = [each for each in (left, right) if isinstance(each, Path) and each.text in scope.values]
            for path in paths:
                known = scope.values[path.text]
                for literal in literals:
                    if isinstance(literal.value, str) and literal.value not in known:
                        near = nearest(literal.value, known)
                        self.report.add(
                            codes.NEVER_EQUAL,
                            locate(literal.start, literal.end),
                            f"`{path.text}` is never `{literal.value}`",
                            expected=f"one of {listing(known)}",
                            help=f"did you mean `{near}`?" if near else "",
                        )
                        return True
        return False

    def _absent(self, path: Path, variable: str, key: str, locate: Locate) -> None:
        self.report.add(
            codes.MAY_BE_ABSENT,
            locate(path.start, path.end),
            f"`{path.text}` may be absent",
            expected=describe_need(key),
            help=f"guard it: `has({variable}) && …`, or `if: has({variable})` on the step",
        )

    def _unknown(self, error: UnknownName, locate: Locate, scope: Scope) -> None:
        path, bad = error.path, error.bad
        span = locate(error.start, error.end)
        root = path.parts[0]
        known_last = any(name.startswith("last.") for name in scope.types)
        if len(path.parts) > 1 and (root == "steps" or (root == "last" and known_last)):
            self._unknown_step(path, scope, locate)
            return
        if root in {"inputs", "facts", "incident"} and len(path.parts) > 1 and bad == 0:
            span = locate(path.ends[0] + 1, path.ends[1])
        if root in {"inputs", "facts", "incident"} and len(path.parts) > 1:
            known = sorted({name.split(".")[1] for name in scope.types if name.startswith(f"{root}.")})
            if root == "facts" and path.parts[1] in known:
                known = ["at"]
                self._say_unknown(
                    path.parts[-1], known, span, f"`{'.'.join(path.parts[:2])}` has no `{path.parts[-1]}`"
                )
                return
            what = {"inputs": "input", "facts": "fact", "incident": "property of the incident"}[root]
            self._say_unknown(path.parts[1], known, span, f"unknown {what} `{path.parts[1]}`")
            return
        if root == "last":
            self.report.add(codes.UNKNOWN_NAME, span, "`last` is known only in `until` and `records` of a `repeat`")
            return
        roots = sorted({name.split(".")[0] for name in scope.types if not name.startswith(("has.",))})
        if len(path.parts) == 1 and root in {"inputs", "facts", "steps", "incident"}:
            self._say_unknown(root, [], span, f"`{root}` alone is not a value", f"`{root}.<name>`")
            return
        wrong_root = self._find_root(path.text, scope)
        self._say_unknown(root, roots, span, f"unknown name `{path.text}`", help=wrong_root)

    def _say_unknown(
        self, word: str, known: list[str], span: Span, message: str, expected: str = "", help: str = ""
    ) -> None:
        near = nearest(word, known)
        self.report.add(
            codes.UNKNOWN_NAME,
            span,
            message,
            expected=expected or (f"one of {listing(known)}" if known else "none is declared"),
            found=word,
            help=help or (f"did you mean `{near}`?" if near else ""),
        )

    def _find_root(self, written: str, scope: Scope) -> str:
        """`order_id` where `inputs.order_id` was meant."""
        for root in ("inputs", "facts", "steps", "incident"):
            if f"{root}.{written}" in scope.types:
                return f"did you mean `{root}.{written}`?"
        return ""

    def _unknown_step(self, path: Path, scope: Scope, locate: Locate) -> None:
        root, step = path.parts[0], path.parts[1]
        outputs = sorted(name.split(".", 2)[2] for name in scope.types if name.startswith(f"{root}.{step}."))
        if outputs:
            if len(path.parts) == 2:
                self._say_unknown(
                    step,
                    [],
                    locate(path.start, path.end),
                    f"`{path.text}` is a step, not a value",
                    "one of its outputs: " + listing(outputs),
                )
                return
            word = path.parts[2]
            near = nearest(word, outputs)
            self.report.add(
                codes.UNKNOWN_OUTPUT,
                locate(path.ends[1] + 1, path.ends[2]),
                f"unknown output `{word}` of step `{step}`",
                expected=f"{self.steps.what(step)} gives: {listing(outputs, 16)}",
                found=word,
                help=f"did you mean `{near}`?" if near else "",
            )
            return
        place = locate(path.ends[0] + 1, path.ends[1])
        if step in self.steps.ids:
            message, help = self.steps.why_hidden(step)
            self.report.add(codes.NOT_VISIBLE, place, message, help=help)
            return
        visible = sorted({name.split(".")[1] for name in scope.types if name.startswith(f"{root}.")})
        near = nearest(step, visible)
        self.report.add(
            codes.UNKNOWN_NAME,
            place,
            f"unknown step `{step}`",
            expected=f"one of {listing(visible)}" if visible else "no step ran before",
            found=step,
            help=f"did you mean `{near}`?" if near else "",
        )
