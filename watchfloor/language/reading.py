"""Reading one value of the tree: keys of a mapping, names, numbers, durations, lists.

Every reader gives the value, or None after it has reported the one finding that explains why.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from watchfloor.expressions import ROOTS
from watchfloor.expressions.syntax import RESERVED
from watchfloor.language import accidents, codes
from watchfloor.language.document import Time
from watchfloor.language.findings import listing, nearest
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, Span, kind_of, shorten
from watchfloor.language.report import Report

T = TypeVar("T")
Reader = Callable[[Node, Report], T | None]

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
RUNBOOK_ID = re.compile(r"[a-z][a-z0-9-]{1,63}\Z")
DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\Z")
_DURATION = re.compile(r"(?P<count>[0-9]{1,6}(?:\.[0-9]{1,3})?)(?P<unit>s|m|h|d|bd)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_TEXT = 4_000


class Keys:
    """The keys of one mapping, taken one by one; what is left over is unknown."""

    def __init__(self, node: Mapping, report: Report, what: str) -> None:
        self.node = node
        self.report = report
        self.what = what
        self.known: list[str] = []
        self.refused: set[str] = set()
        self.missed: list[tuple[str, str, codes.Code]] = []
        self.broken = False

    def has(self, name: str) -> bool:
        return self.node.get(name) is not None

    def take(self, name: str, read: Reader[T], *, required: bool = False, hint: str = "") -> T | None:
        """The value of a key; None when it is absent (a finding when it was required) or wrong."""
        self.known.append(name)
        if name in self.refused:
            return None
        node = self.node.get(name)
        if node is None:
            if required:
                self.miss(name, hint)
            return None
        value = read(node, self.report)
        self.broken = self.broken or value is None
        return value

    def miss(self, name: str, hint: str = "", code: codes.Code = codes.MISSING_KEY) -> None:
        """A required key is absent; said when the mapping is closed, unless a misspelt one explains it."""
        self.broken = True
        self.missed.append((name, hint, code))

    def later(self, meanwhile: dict[str, tuple[str, str]]) -> None:
        """Refuse by name the keys whose construct this engine does not carry out.

        Args:
            meanwhile: key -> the construct (`schemas.plan.CONSTRUCTS`) and what to use until it is carried out.
        """
        for key, _ in self.node.entries:
            construct, instead = meanwhile.get(key.value, ("", ""))
            if construct and construct not in self.report.carried_out:
                self.refuse(key, instead)

    def refuse(self, key: Scalar, instead: str) -> None:
        """A key of the language that this engine does not carry out."""
        self.refused.add(key.value)
        self.broken = True
        self.report.add(
            codes.NOT_CARRIED_OUT,
            key.span,
            f"`{key.value}` is not carried out by this engine yet",
            help=instead,
        )

    def exclude(self, one: str, other: str, help: str) -> None:
        """Two keys that cannot stand together; said at the first."""
        self.broken = True
        span = next(key.span for key, _ in self.node.entries if key.value == one)
        self.report.add(codes.CONTRADICTION, span, f"`{one}` and `{other}` exclude each other", help=help)

    def close(self) -> bool:
        """Report the keys nobody took. True when all was well with this mapping."""
        unknown = [key for key, _ in self.node.entries if key.value not in self.known and key.value not in self.refused]
        for key in unknown:
            self.broken = True
            near = nearest(key.value, [each for each in self.known if not self.has(each)] or self.known)
            self.report.add(
                codes.UNKNOWN_KEY,
                key.span,
                f"unknown key `{shorten(key.value)}` in {self.what}",
                expected=f"one of {listing(self.known, 30)}",
                help=f"did you mean `{near}`?" if near else "",
            )
        for name, hint, code in self.missed:
            if nearest(name, [key.value for key in unknown]) is None:
                self.report.add(code, self.node.span, f"{self.what} needs `{name}`", expected=f"`{name}:`", help=hint)
        return not self.broken


def open_mapping(node: Node, report: Report, what: str, example: str = "") -> Keys | None:
    """The keys of a mapping, or a finding that something else stands there."""
    if isinstance(node, Mapping):
        return Keys(node, report, what)
    wrong(node, report, "a mapping", f"write `{example}`" if example else "")
    return None


def wrong(node: Node, report: Report, expected: str, help: str = "") -> None:
    report.add(
        codes.WRONG_SHAPE,
        node.span,
        f"{kind_of(node)} stands here",
        expected=f"expected {expected}",
        found=kind_of(node),
        help=help,
    )


def text(node: Node, report: Report) -> str | None:
    """Plain text that is shown as it stands."""
    scalar = words(node, report)
    if scalar is None:
        return None
    at = scalar.value.find("${{")
    if at >= 0:
        report.add(
            codes.TEMPLATE_PLACE,
            scalar.part(at, len(scalar.value)),
            "`${{ }}` is not evaluated here",
            expected="plain text",
            help="expressions stand in `with`, `ask` and `do`",
        )
        return None
    return scalar.value


def words(node: Node, report: Report) -> Scalar | None:
    """Text in which `${{ }}` may stand."""
    if not isinstance(node, Scalar) or not isinstance(node.core, str) or node.value == "":
        help = f'write "{node.value}"' if isinstance(node, Scalar) and node.value else ""
        wrong(node, report, "text", help)
        return None
    if len(node.value) > MAX_TEXT:
        report.add(
            codes.BAD_VALUE, node.span, f"a text of {len(node.value)} characters", expected=f"at most {MAX_TEXT}"
        )
        return None
    return node


def expression(node: Node, report: Report) -> Scalar | None:
    """A bare expression; checked later."""
    if not isinstance(node, Scalar) or not node.value.strip():
        corrected = accidents.correct_template(report.line(node.span.line)) if isinstance(node, Mapping) else None
        wrong(node, report, "an expression", f"quote it: {corrected}" if corrected else "")
        return None
    inner = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", node.value, re.S)
    if inner or "${{" in node.value:
        report.add(
            codes.TEMPLATE_PLACE,
            node.span,
            "this key is an expression already",
            expected="the expression without `${{` and `}}`",
            help=f"write `{inner[1].strip()}`" if inner else "leave out `${{` and `}}`",
        )
        return None
    return node


def _matching(pattern: re.Pattern[str], expected: str) -> Reader[Scalar]:
    def read(node: Node, report: Report) -> Scalar | None:
        if not isinstance(node, Scalar):
            wrong(node, report, expected)
            return None
        if not pattern.match(node.value):
            near = re.sub(r"[^a-z0-9_]+", "_", node.value.lower()).strip("_")
            report.add(
                codes.BAD_NAME,
                node.span,
                f"`{shorten(node.value)}` is not a name",
                expected=expected,
                help=f"write `{near}`" if near and pattern.match(near) else "",
            )
            return None
        return node

    return read


name = _matching(NAME, "a name of a-z, 0-9 and `_` that begins with a letter")
runbook_id = _matching(RUNBOOK_ID, "a name of a-z, 0-9 and `-` that begins with a letter")
dotted = _matching(DOTTED, "a name of a-z, 0-9 and `_`, parts joined by dots")


def free_name(node: Node, report: Report) -> Scalar | None:
    """A name that an expression may use as a variable."""
    scalar = name(node, report)
    if scalar is not None and (scalar.value in ROOTS or scalar.value in RESERVED or scalar.value in {"true", "false"}):
        report.add(
            codes.ID_TAKEN,
            scalar.span,
            f"`{scalar.value}` means something else in expressions",
            expected="another name",
            help=f"write `{scalar.value}_item`",
        )
        return None
    return scalar


def boolean(node: Node, report: Report) -> bool | None:
    if isinstance(node, Scalar) and isinstance(node.core, bool):
        return node.core
    meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
    help = ""
    if isinstance(node, Scalar) and node.value.lower() in meant:
        help = f"`{node.value}` is text in YAML 1.2; write `{meant[node.value.lower()]}`"
    wrong(node, report, "true or false", help)
    return None


def integer(low: int, high: int, code: codes.Code = codes.BAD_VALUE) -> Reader[int]:
    def read(node: Node, report: Report) -> int | None:
        value = node.core if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int):
            wrong(node, report, f"a whole number from {low} to {high}")
            return None
        if not low <= value <= high:
            report.add(code, node.span, f"{value} is out of range", expected=f"from {low} to {high}")
            return None
        return value

    return read


def number(low: float, high: float) -> Reader[float]:
    def read(node: Node, report: Report) -> float | None:
        value = node.core if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            wrong(node, report, "a number")
            return None
        if not low <= value <= high:
            report.add(codes.BAD_VALUE, node.span, f"{value} is out of range", expected=f"from {low:g} to {high:g}")
            return None
        return float(value)

    return read


def one_of(*known: str) -> Reader[Any]:
    def read(node: Node, report: Report) -> str | None:
        if isinstance(node, Scalar) and node.value in known:
            return node.value
        if not isinstance(node, Scalar):
            wrong(node, report, "one of " + ", ".join(known))
            return None
        near = nearest(node.value, known)
        report.add(
            codes.BAD_VALUE,
            node.span,
            f"`{shorten(node.value)}` is not known here",
            expected=f"one of {listing(known)}",
            help=f"did you mean `{near}`?" if near else "",
        )
        return None

    return read


def list_of(read_item: Reader[T], what: str, *, at_least: int = 0, at_most: int = 500) -> Reader[tuple[T, ...]]:
    def read(node: Node, report: Report) -> tuple[T, ...] | None:
        if not isinstance(node, Sequence):
            help = f"write `[{node.value}]`" if isinstance(node, Scalar) and node.value else ""
            wrong(node, report, f"a list of {what}", help)
            return None
        if len(node.items) < at_least:
            report.add(codes.BAD_VALUE, node.span, "the list is too short", expected=f"at least {at_least} {what}")
            return None
        if len(node.items) > at_most:
            report.add(codes.TOO_WIDE, node.span, f"a list of {len(node.items)}", expected=f"at most {at_most} {what}")
            return None
        items = [read_item(item, report) for item in node.items]
        return None if any(item is None for item in items) else tuple(item for item in items if item is not None)

    return read


def unique_names(node: Node, report: Report) -> tuple[Scalar, ...] | None:
    """A list of names, none twice."""
    found = list_of(name, "names")(node, report)
    for place, each in enumerate(found or ()):
        if any(before.value == each.value for before in (found or ())[:place]):
            report.add(codes.DUPLICATE_ID, each.span, f"`{each.value}` stands twice in this list")
            return None
    return found


def pairs_of(
    read_key: Reader[Scalar], read_value: Reader[T], what: str, *, at_least: int = 0
) -> Reader[tuple[tuple[Scalar, T], ...]]:
    def read(node: Node, report: Report) -> tuple[tuple[Scalar, T], ...] | None:
        if not isinstance(node, Mapping):
            wrong(node, report, f"a mapping of {what}")
            return None
        if len(node.entries) < at_least:
            report.add(codes.BAD_VALUE, node.span, "the mapping is too short", expected=f"at least {at_least} {what}")
            return None
        found: list[tuple[Scalar, T]] = []
        broken = False
        for key, value in node.entries:
            named, entry = read_key(key, report), read_value(value, report)
            if named is None or entry is None:
                broken = True
            else:
                found.append((named, entry))
        return None if broken else tuple(found)

    return read


def _any_node(node: Node, report: Report) -> Node | None:
    return node


any_node: Reader[Node] = _any_node
"""Whatever stands there; looked at later."""

VALUES: Reader[tuple[tuple[Scalar, Node], ...]] = pairs_of(name, any_node, "inputs")
"""What stands under `with`: names and values that are judged against their types later."""


def duration(*, shares: bool = False, business: bool = False) -> Reader[Time]:
    """`30s`, `15m`, `4h`, `7d`; where allowed `10bd` or `{share: 0.15, of: removal}`."""

    def read(node: Node, report: Report) -> Time | None:
        if isinstance(node, Mapping) and shares:
            return _share(node, report)
        if not isinstance(node, Scalar):
            wrong(node, report, "a duration such as 15m", "" if shares else "a share of a clock is not possible here")
            return None
        match = _DURATION.match(node.value)
        if match is None:
            report.add(
                codes.BAD_DURATION,
                node.span,
                f"`{shorten(node.value)}` is not a duration",
                expected="30s, 15m, 4h, 7d" + (" or 10bd" if business else ""),
                help=_advise_duration(node.value),
            )
            return None
        count, unit = float(match["count"]), match["unit"]
        if unit == "bd":
            return _business(node, count, business, report)
        seconds = count * _SECONDS[unit]
        if not 0 < seconds <= 3660 * 86400:
            report.add(
                codes.BAD_DURATION, node.span, f"`{node.value}` is out of range", expected="over 0 and up to 3660d"
            )
            return None
        return Time(node.value, node.span, seconds=seconds)

    return read


def _business(node: Scalar, count: float, allowed: bool, report: Report) -> Time | None:
    if not allowed:
        report.add(
            codes.BUSINESS_DAYS,
            node.span,
            f"`{node.value}` counts business days, which only a calendar can",
            expected="30s, 15m, 4h, 7d",
            help="business days are possible in the clock register and in `postmortem: {within: 10bd}`",
        )
        return None
    if not count.is_integer() or not 1 <= count <= 260:
        report.add(codes.BAD_DURATION, node.span, f"`{node.value}` is out of range", expected="from 1bd to 260bd")
        return None
    return Time(node.value, node.span, business_days=int(count))


def _share(node: Mapping, report: Report) -> Time | None:
    keys = Keys(node, report, "a share of a clock")
    share = keys.take("share", number(0.001, 1.0), required=True)
    of = keys.take("of", name, required=True)
    if not keys.close() or share is None or of is None:
        return None
    return Time(f"{share:g} of {of.value}", Span(of.span.line, of.span.column, of.span.end_column), share=share, of=of)


def _advise_duration(written: str) -> str:
    folded = written.strip().lower()
    if folded.isdigit():
        return f"with its unit: `{folded}s` or `{folded}m`"
    words_ = re.fullmatch(r"([0-9]+)\s*(sec|second|min|minute|hour|hr|day|business day)s?", folded)
    if words_:
        unit = {"b": "bd", "s": "s", "m": "m", "h": "h", "d": "d"}[words_[2][0]]
        return f"write `{words_[1]}{unit}`"
    iso = re.fullmatch(r"p(?:([0-9]+)d)?t?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", folded)
    both = re.fullmatch(r"(?:([0-9]+)d)?\s*(?:([0-9]+)h)?\s*(?:([0-9]+)m)?\s*(?:([0-9]+)s)?", folded)
    parts = iso or both
    if parts and any(parts.groups()):
        seconds = sum(int(each or 0) * unit for each, unit in zip(parts.groups(), (86400, 3600, 60, 1), strict=True))
        for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
            if seconds and seconds % length == 0:
                return f"write `{seconds // length}{unit}`"
    return ""
