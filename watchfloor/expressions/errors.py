"""What can go wrong with an expression.

    ExpressionError (ValueError)
    ├── ExpressionRefused     at compile time: syntax, names, types, size; knows where
    └── EvaluationFailed      at run time: a value is absent or of another type, division by zero, budget spent

Messages depend on the expression and its values only, so a replay says the same words.
"""

from typing import Literal, TypeAlias

Topic: TypeAlias = Literal["syntax", "function", "business_days", "literal", "name", "types"]


class ExpressionError(ValueError):
    """An expression cannot be compiled or evaluated. Its message needs no context to be understood."""


class ExpressionRefused(ExpressionError):
    """The expression is not one.

    Attributes:
        start, end: offsets (code points) into the expression; `start == end` at its end.
        topic: what kind of mistake it is; decide on this, never on the text.
        expected, help: may be empty.
    """

    def __init__(
        self, message: str, start: int, end: int, *, topic: Topic = "syntax", expected: str = "", help: str = ""
    ) -> None:
        super().__init__(message)
        self.topic = topic
        self.start = start
        self.end = end
        self.expected = expected
        self.help = help


class EvaluationFailed(ExpressionError):
    """The expression has no value for these data.

    Attributes:
        src: the expression as the author wrote it.
        absent: the variables it needs that have no value now, in order; empty when something else went wrong. A caller
            for whom absence is ordinary (a clock that has not started, a fact not recorded yet) looks at this, never
            at the text.
    """

    def __init__(self, src: str, reason: str, absent: tuple[str, ...] = ()) -> None:
        super().__init__(f"`{src}` {reason}")
        self.src = src
        self.absent = absent
