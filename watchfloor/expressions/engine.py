"""The CEL engine behind the port: types, environments, compiled programs.

Google's C++ engine through `cel-expr-python`. Variables are declared with their whole dotted name
(`steps.look.all_gone`), so an undeclared one is an error of the compiler. Presence is not part of a declared name:
`has(facts.x)` is rewritten to the boolean variable `has.facts.x`, of the same length, so that places agree.

Bounds: expression length and nesting (`syntax`), 10,000 iterations (the engine), lists of `MAX_LIST` items (the engine
copies a list for each item that `map` and `filter` add: 2,000 items cost about 0.1 s, 9,000 cost 4 s).
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from watchfloor.expressions.errors import ExpressionRefused

CEL = 1
"""Version of what an expression means here: grammar, functions, absence, conversions. Part of a plan."""

MAX_LIST = 2_000
"""Items of a list that an expression may see."""
MAX_DAYS = 3_660

_DAYS = cel.FunctionDecl(
    "days",
    [
        cel.Overload(
            "days_int",
            return_type=cel.Type.DURATION,
            parameters=[cel.Type.INT],
            impl=lambda count: timedelta(days=max(-MAX_DAYS, min(MAX_DAYS, count))),
        )
    ],
)


@lru_cache(maxsize=256)
def _type(name: str) -> Any:
    return cel.Type(name)


@lru_cache(maxsize=512)  # a compiled expression holds about 0.1 MB
def program(text: str, variables: tuple[tuple[str, str], ...]) -> Any:
    """The compiled expression.

    Args:
        text: after `has` was rewritten.
        variables: sorted pairs of name and CEL type.

    Raises:
        ExpressionRefused: the engine's checker says no; the place is the engine's.
    """
    env = cel.NewEnv(variables={name: _type(kind) for name, kind in variables}, functions=[_DAYS])
    try:
        return env.compile(text)
    except RuntimeError as error:
        raise _explain(text, str(error)) from None


def type_name(compiled: Any) -> str:
    """The result type of a compiled expression in the spelling of `Expr.type`: `list<map<string,dyn>>`."""
    return normalise(compiled.return_type().name())


def normalise(name: str) -> str:
    return name.lower().replace(" ", "").replace("null_type", "null")


_SYMBOLS = {"_?_:_": "? :", "_[_]": "[ ]", "@in": "in", "!_": "!", "-_": "-"}


def _explain(text: str, raw: str) -> ExpressionRefused:
    """The engine's first complaint in our words and with its place. The wording steers nothing but the reader."""
    first = raw.split("\n", 1)[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: <input>:")
    line, _, rest = first.partition(":")
    column, _, message = rest.partition(": ")
    if not (line.isdigit() and column.isdigit()):
        return ExpressionRefused("the expression cannot be compiled", 0, len(text), help=first)
    lines = text.split("\n")
    start = sum(len(each) + 1 for each in lines[: int(line) - 1]) + max(0, int(column) - 1)
    message = message.removesuffix(" [INVALID_ARGUMENT]").strip()
    overload = message.partition("found no matching overload for '")[2]
    if overload:
        operator, _, operands = overload.partition("' applied to '")
        operator = _SYMBOLS.get(operator, operator.strip("_"))
        kinds = operands.rstrip("'").strip("()")
        return ExpressionRefused(
            f"`{operator}` does not fit {kinds.replace(', ', ' and ')}",
            start,
            min(len(text), start + max(1, len(operator) if operator.isidentifier() or operator in text else 1)),
            topic="types",
            help=_advise(kinds),
        )
    words = message.replace("'", "`") or "not an expression"
    return ExpressionRefused(words, start, min(len(text), start + 1), topic="types")


def _advise(kinds: str) -> str:
    operands = set(kinds.split(", "))
    if operands == {"int", "double"}:
        return "a `number` is compared and computed with a decimal point: write `3.0`, not `3`"
    if operands == {"string", "int"}:
        return 'text is compared with text: write `"3"`, or give the field the type int'
    if "timestamp" in operands and ("int" in operands or "string" in operands):
        return 'add or compare durations: `duration("90m")`, `days(3)`'
    return ""
