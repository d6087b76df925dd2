"""Expressions: CEL, typed, terminating, without side effects. Compile and check; evaluate. Nothing else.

The engine behind the port is Google's; nothing outside this package knows it. Pure: usable inside the workflow
sandbox when this package and `cel_expr_python` are passed through.
"""

from watchfloor.expressions.compilation import FUNCTIONS, ROOTS, UnknownName, compile, compile_tree, references
from watchfloor.expressions.engine import CEL, MAX_LIST
from watchfloor.expressions.errors import EvaluationFailed, ExpressionError, ExpressionRefused
from watchfloor.expressions.evaluation import MISSING, Lookup, Missing, as_text, evaluate, render

__all__ = [
    "CEL",
    "FUNCTIONS",
    "MAX_LIST",
    "MISSING",
    "ROOTS",
    "EvaluationFailed",
    "ExpressionError",
    "ExpressionRefused",
    "Lookup",
    "Missing",
    "UnknownName",
    "as_text",
    "compile",
    "compile_tree",
    "evaluate",
    "references",
    "render",
]
