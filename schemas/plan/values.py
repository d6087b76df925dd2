"""Values of a plan: expressions, literals, texts and lists of them; their types; durations."""

from typing import NotRequired

from typing_extensions import TypedDict

from schemas.json_value import Json


class Expr(TypedDict):
    """One CEL expression, self-contained.

    `cel` is `src` with every `has(path)` rewritten to the boolean variable `has.path` (same length, so positions
    agree). `vars` maps each variable the expression mentions to its CEL type; only these are supplied at evaluation.
    Variable names are dotted paths: `inputs.x`, `facts.x`, `facts.x.at`, `steps.<id>.<output>`, `incident.x`, `now`,
    `last.<id>.<output>`, a loop item (`url`) or its field (`url.ref`), and `has.<any of these>`.
    """

    src: str
    cel: str
    vars: dict[str, str]
    type: str


class LiteralValue(TypedDict):
    lit: Json


class ExprValue(TypedDict):
    expr: Expr


class TextValue(TypedDict):
    """Text with expressions in it: the parts are joined, each expression's value rendered as text."""

    text: list[str | Expr]


class ListValue(TypedDict):
    list: "list[Value]"


class MapValue(TypedDict):
    map: "dict[str, Value]"


Value = LiteralValue | ExprValue | TextValue | ListValue | MapValue


class ShareOfClock(TypedDict):
    """A duration that is a share of a clock's length: `{share: 0.15, of: removal}`."""

    share: float
    of: str


Duration = float | ShareOfClock


class TypeSpec(TypedDict):
    """The type of an input, a fact or a form field.

    `type` is one of string, text, int, number, bool, timestamp, duration, url, ref, list, map.
    """

    type: str
    of: NotRequired["TypeSpec"]
    enum: NotRequired[list[Json]]
    pattern: NotRequired[str]
    min: NotRequired[float]
    max: NotRequired[float]
    min_items: NotRequired[int]
    max_items: NotRequired[int]
    max_length: NotRequired[int]
    default: NotRequired[Json]
    optional: NotRequired[bool]
    data_class: NotRequired[str]
    attachment: NotRequired[bool]
    """A form field that holds the reference of something in the region's evidence store (type `ref`)."""
