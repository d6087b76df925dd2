"""Reading types: `timestamp`, or `{type: list, of: url, max_items: 1000}`; and checking literals against them."""

import re
import warnings
from typing import Any

from schemas.actions import FieldSpec
from schemas.plan import TypeSpec
from watchfloor.language import codes
from watchfloor.language.document import Field
from watchfloor.language.findings import listing, nearest
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, shorten
from watchfloor.language.reading import (
    MAX_TEXT,
    Keys,
    any_node,
    boolean,
    integer,
    name,
    number,
    one_of,
    pairs_of,
    wrong,
)
from watchfloor.language.report import Report

TYPES = ("string", "text", "int", "number", "bool", "timestamp", "duration", "url", "ref", "list", "map")
MAX_ITEMS = 2_000
DATA_CLASSES = (
    "us_protected",
    "us_public_content",
    "us_interop",
    "aggregate",
    "non_us",
    "operational",
    "public_content",
    "internal",
)
"""The classes of the shipped `residency.yaml`; a test holds the two against each other."""
_SCALARS = tuple(each for each in TYPES if each not in {"list", "map"})
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_CEL = {"int": "int", "number": "double", "bool": "bool", "timestamp": "timestamp", "duration": "duration"}


def read_type(node: Node, report: Report) -> TypeSpec | None:
    """A type in its short or long form."""
    if isinstance(node, Scalar):
        kind = one_of(*TYPES)(node, report)
        if kind == "list":
            report.add(
                codes.MISSING_KEY, node.span, "a list needs `of`", help="write `{type: list, of: url, max_items: 1000}`"
            )
            return None
        return None if kind is None else {"type": kind}
    if not isinstance(node, Mapping):
        wrong(node, report, "a type such as `string` or `{type: list, of: url}`")
        return None
    keys = Keys(node, report, "this type")
    kind = keys.take("type", one_of(*TYPES), required=True)
    spec: dict[str, Any] = {"type": kind}
    _take(keys, spec, "optional", boolean)
    _take(keys, spec, "data_class", one_of(*DATA_CLASSES))
    if kind in {"string", "text", "ref", "url"}:
        _take(keys, spec, "pattern", _pattern)
        _take(keys, spec, "max_length", integer(1, MAX_TEXT * 4))
    if kind in {"string", "int"}:
        _take(keys, spec, "enum", _enum)
    if kind in {"int", "number"}:
        _take(keys, spec, "min", number(-1e15, 1e15))
        _take(keys, spec, "max", number(-1e15, 1e15))
    if kind in {"list", "map"}:
        _take(keys, spec, "of", _read_member, required=kind == "list")
        _take(keys, spec, "min_items", integer(0, MAX_ITEMS))
        _take(keys, spec, "max_items", integer(1, MAX_ITEMS, codes.TOO_WIDE))
    default: Any = keys.take("default", any_node)
    if not keys.close():
        return None
    for low, high in (("min", "max"), ("min_items", "max_items")):
        if spec.get(low, 0) > spec.get(high, float("inf")):
            report.add(codes.CONTRADICTION, node.span, f"`{low}` is larger than `{high}`")
            return None
    made: TypeSpec = spec  # type: ignore[assignment]
    if default is not None and not _default(default, made, report):
        return None
    return made


def _read_member(node: Node, report: Report) -> TypeSpec | None:
    """The type of a list's items or a map's values: each is there, so nothing about absence can be said of it."""
    spec = read_type(node, report)
    if spec is None:
        return None
    for word in ("optional", "default"):
        if word in spec:
            key = next(key for key, _ in node.entries if key.value == word) if isinstance(node, Mapping) else None
            report.add(
                codes.CONTRADICTION,
                key.span if key else node.span,
                f"an item is there or it is not, so it has no `{word}`",
                help="say it of the list",
            )
            return None
    return spec


def _take(keys: Keys, spec: dict[str, Any], key: str, read: Any, *, required: bool = False) -> None:
    value = keys.take(key, read, required=required)
    if value is not None:
        spec[key] = value


MAX_PATTERN = 200
MAX_PATTERN_WORK = 20_000_000
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
_QUANTIFIER = re.compile(r"[*+]|\{(?P<low>[0-9]*),?(?P<high>[0-9]*)\}")


def _pattern(node: Node, report: Report) -> str | None:
    """A regular expression that cannot take long: it is matched by a backtracking engine inside the run."""
    if not isinstance(node, Scalar) or not isinstance(node.core, str):
        wrong(node, report, "a regular expression in quotes")
        return None
    if len(node.value) > MAX_PATTERN or _work(node.value) > MAX_PATTERN_WORK:
        report.add(
            codes.BAD_VALUE,
            node.span,
            "a pattern that may take very long",
            expected=f"up to {MAX_PATTERN} characters, no repeated group, no `(?`, no back reference, few repetitions",
        )
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(node.value)
    except (re.error, FutureWarning) as error:
        report.add(codes.BAD_VALUE, node.span, "not a regular expression", expected=str(error))
        return None
    return node.value


def _work(pattern: str) -> float:
    """An upper bound of the steps a backtracking match takes: the product of what each repetition may try."""
    if re.search(r"\\[1-9]|\(\?", pattern):
        return float("inf")
    bare = _ATOM.sub("a", pattern)
    if re.search(r"\)[*+{]", bare):
        return float("inf")
    work = 1.0
    for match in _QUANTIFIER.finditer(bare):
        fixed = match["low"] and "," not in match.group()
        work *= 1 if fixed else int(match["high"]) if match["high"] else MAX_TEXT
    return work


def _enum(node: Node, report: Report) -> list[Any] | None:
    if not isinstance(node, Sequence) or not node.items:
        wrong(node, report, "a list of values")
        return None
    values: list[Any] = []
    for item in node.items:
        if not isinstance(item, Scalar) or not isinstance(item.core, str | int) or isinstance(item.core, bool):
            wrong(item, report, "text or a whole number")
            return None
        if item.core in values:
            report.add(codes.DUPLICATE_ID, item.span, f"`{item.value}` stands twice in this list")
            return None
        values.append(item.core)
    return values


def _default(node: Node, spec: TypeSpec, report: Report) -> bool:
    wanted = mismatch(node, spec)
    if wanted is not None:
        report.add(codes.BAD_DEFAULT, node.span, "this default does not fit its type", expected=wanted)
        return False
    spec["default"] = literal(node, spec)
    return True


def read_fields(node: Node, report: Report) -> tuple[Field, ...] | None:
    """A mapping of names to types."""
    pairs = pairs_of(name, read_type, "names and types")(node, report)
    return None if pairs is None else tuple(Field(key, spec, key.span) for key, spec in pairs)


def plain(node: Node) -> Any:
    """A literal as JSON."""
    if isinstance(node, Scalar):
        return node.core
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.entries}


def literal(node: Node, spec: TypeSpec) -> Any:
    """A literal that fits its type as the plan holds it: durations in seconds, numbers as numbers, else as written."""
    if spec["type"] == "duration" and isinstance(node, Scalar):
        return seconds(node.value)
    if spec["type"] == "list" and isinstance(node, Sequence):
        of: TypeSpec = spec.get("of") or {"type": "text"}
        return [literal(item, of) for item in node.items]
    if spec["type"] == "map" and isinstance(node, Mapping):
        values: TypeSpec | None = spec.get("of")
        return {key.value: literal(value, values) if values else plain(value) for key, value in node.entries}
    if spec["type"] in {"timestamp", "string", "text", "url", "ref"} and isinstance(node, Scalar):
        return node.value
    return plain(node)


def seconds(written: str) -> float:
    """`15m` as seconds."""
    return float(written[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[written[-1]]


def field_type(field: FieldSpec) -> TypeSpec:
    """The type of an action's input or output; also for the spelling `list<url>`."""
    kind, of = field["type"], field.get("of")
    if kind.startswith("list<"):
        kind, of = "list", kind[5:-1]
    made: TypeSpec = {"type": kind}
    if of is not None:
        made["of"] = {"type": of}
    if "enum" in field:
        made["enum"] = list(field["enum"])
    if "pattern" in field:
        made["pattern"] = field["pattern"]
    if "optional" in field:
        made["optional"] = field["optional"]
    if "data_class" in field:
        made["data_class"] = field["data_class"]
    return made


def assignable(found: str, spec: TypeSpec) -> bool:
    """Whether a value of a CEL type can stand where a type is expected."""
    return _fits(found, cel_type(spec))


def _fits(found: str, wanted: str) -> bool:
    if "dyn" in (found, wanted) or found == wanted or (found == "int" and wanted == "double"):
        return True
    if found.startswith("list<") and wanted.startswith("list<"):
        return _fits(found[5:-1], wanted[5:-1])
    return found.startswith("map<string,") and wanted.startswith("map<string,")


def mismatch(node: Node, spec: TypeSpec) -> str | None:
    """What a literal should be under a type; None when it fits."""
    kind = spec["type"]
    if kind == "map":
        return _map_mismatch(node, spec)
    if kind == "list":
        if not isinstance(node, Sequence):
            return "a list"
        if len(node.items) > spec.get("max_items", MAX_ITEMS):
            return f"at most {spec.get('max_items', MAX_ITEMS)} items"
        of: TypeSpec = spec.get("of") or {"type": "text"}
        return next((wanted for item in node.items if (wanted := mismatch(item, of)) is not None), None)
    if not isinstance(node, Scalar):
        return f"a value of type {kind}"
    return _scalar_mismatch(node, spec, kind)


def _map_mismatch(node: Node, spec: TypeSpec) -> str | None:
    if not isinstance(node, Mapping):
        return "a mapping"
    low, high = spec.get("min_items", 0), spec.get("max_items", MAX_ITEMS)
    if not low <= len(node.entries) <= high:
        return f"{low} to {high} entries"
    of = spec.get("of")
    if of is None:
        return None
    return next((wanted for _, value in node.entries if (wanted := mismatch(value, of)) is not None), None)


def _scalar_mismatch(node: Scalar, spec: TypeSpec, kind: str) -> str | None:
    value = node.core
    match kind:
        case "bool":
            return None if isinstance(value, bool) else "true or false"
        case "int" | "number":
            allowed = int if kind == "int" else (int, float)
            if isinstance(value, bool) or not isinstance(value, allowed):
                return "a whole number" if kind == "int" else "a number"
            if value not in spec.get("enum", [value]):
                return "one of " + listing([str(each) for each in spec["enum"]])
            if not spec.get("min", value) <= value <= spec.get("max", value):
                return "a number in range of `min` and `max`"
            return None
        case "timestamp":
            return None if _INSTANT.match(node.value) else "an instant such as 2026-11-22T03:10:00Z"
        case "duration":
            return None if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?(s|m|h|d)", node.value) else "a duration such as 15m"
    if not isinstance(value, str):
        return "text (in quotes)"
    if kind == "url" and not re.match(r"https?://[^\s/@?#]+(?=[/?#]|$)", value):
        return "a URL such as https://example.test/v/1, without user or password"
    known = spec.get("enum")
    if known is not None and value not in known:
        near = nearest(value, [str(each) for each in known])
        return "one of " + listing([str(each) for each in known]) + (f" (did you mean `{near}`?)" if near else "")
    pattern = spec.get("pattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return f"text that matches {shorten(pattern, 60)}"
    return f"at most {spec['max_length']} characters" if len(value) > spec.get("max_length", len(value)) else None


def cel_type(spec: TypeSpec) -> str:
    """The CEL type that expressions see."""
    if spec["type"] == "list":
        of = spec.get("of")
        return f"list<{cel_type(of) if of else 'dyn'}>"
    if spec["type"] == "map":
        return "map<string,dyn>"
    return _CEL.get(spec["type"], "string")
