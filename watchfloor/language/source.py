"""From bytes to a located tree: strict YAML 1.2 core, capped while it streams.

Only PyYAML's C *event* reader is used. Its composer and loader recurse in C and crash the process on 30 kB of nested
brackets; events come one at a time, so depth and size are refused at the event that exceeds them (measured: 250 kB of
`[` is refused after 67 events, in 2 ms). libyaml's quadratic depth bookkeeping is therefore never reached either.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from watchfloor.language import accidents, codes
from watchfloor.language.findings import Finding
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, Span, Style, walk
from watchfloor.language.report import Report

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_NODES = 40_000

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff\t]"
)
_WORDS = {
    "\t": ("a tab", "indent and separate with spaces"),
    "\x00": ("a NUL character", "remove it; the file may be damaged or UTF-16"),
    "\ufeff": ("a byte order mark", "save the file as UTF-8 without BOM"),
    "\r": ("a carriage return", "end lines with LF (or CR LF)"),
    "\u2028": ("a line separator (U+2028)", "end lines with LF"),
    "\u2029": ("a paragraph separator (U+2029)", "end lines with LF"),
}
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_NOT_TEXT_ELSEWHERE = re.compile(
    r"(yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?|[-+]?0[0-9_]+|0x[0-9a-fA-F]+|0o[0-7]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)\Z"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read. `root` is None when it could not be read; `findings` say why."""

    path: str
    text: str
    digest: str
    root: Node | None
    findings: tuple[Finding, ...]

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


class _Stop(Exception):
    """Reading cannot go on; the finding is in the report."""


def parse(text: str | bytes, *, path: str) -> Source:
    """Read a document. Never raises: what is wrong is in `findings`."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    decoded, report = _decode(data, path)
    if decoded is None:
        return Source(path, "", digest, None, report.findings())
    builder = _Builder(decoded, report)
    root = builder.build()
    return Source(path, decoded, digest, root, report.findings())


def _decode(data: bytes, path: str) -> tuple[str | None, Report]:
    if len(data) > MAX_BYTES:
        report = Report(path, [])
        report.add(
            codes.TOO_LARGE, Span(1, 1, 2), f"the file has {len(data)} bytes", expected=f"at most {MAX_BYTES} bytes"
        )
        return None, report
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        report = Report(path, data.decode("utf-8", "replace").split("\n"))
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        report.add(
            codes.NOT_UTF8,
            Span(line, column, column + 1),
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            expected="UTF-8 without BOM",
        )
        return None, report
    text = text.replace("\r\n", "\n")
    report = Report(path, text.split("\n"))
    _refuse_characters(text, report)
    return (None if report.failed else text), report


def _refuse_characters(text: str, report: Report) -> None:
    for match in _FORBIDDEN.finditer(text):
        found, help = _WORDS.get(match.group(), (f"the invisible or control character U+{ord(match.group()):04X}", ""))
        start = text.rfind("\n", 0, match.start()) + 1
        line, column = text.count("\n", 0, match.start()) + 1, match.start() - start + 1
        report.add(
            codes.FORBIDDEN_CHARACTER,
            Span(line, column, column + 1),
            f"{found} stands here",
            expected="visible characters and spaces",
            help=help or "remove it",
        )
        # one is enough: a file with one of them usually has many
        return


class _Builder:
    """Events to nodes, with caps. Recursion is bounded by `MAX_DEPTH`."""

    def __init__(self, text: str, report: Report) -> None:
        self.text = text
        self.report = report
        self.nodes = 0
        self.depth = 0
        self.events: Iterator[Any] = iter(())
        self.flow = 0

    def build(self) -> Node | None:
        try:
            self.events = yaml.parse(self.text, Loader=yaml.CSafeLoader)
            root = self.document()
        except yaml.MarkedYAMLError as error:
            self.refuse(error)
            return None
        except yaml.reader.ReaderError:
            self.report.add(
                codes.FORBIDDEN_CHARACTER, Span(1, 1, 2), "a character that YAML does not allow stands here"
            )
            return None
        except _Stop:
            return None
        if root is not None:
            self.warn(root)
        return root

    def document(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if event.version or event.tags:
                    self.stop(codes.SEVERAL_DOCUMENTS, _at(event.start_mark), "a YAML directive stands here")
                if documents > 1:
                    self.stop(
                        codes.SEVERAL_DOCUMENTS,
                        _at(event.start_mark, 3),
                        "a second document begins here",
                        help="one file, one runbook: put it in a file of its own",
                    )
            elif isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            else:
                root = self.node(event)
        if root is None or (isinstance(root, Scalar) and root.core is None):
            self.report.add(codes.EMPTY, Span(1, 1, 2), "the file is empty", expected="a mapping")
            return None
        return root

    def node(self, event: Any) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.stop(codes.TOO_LARGE, _at(event.start_mark), f"more than {MAX_NODES} values")
        if isinstance(event, yaml.AliasEvent):
            self.stop_alias(event, "*")
        if event.anchor is not None:
            self.stop_alias(event, "&")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if event.tag is not None:
            self.refuse_tag(event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.stop(
                codes.TOO_DEEP, _at(event.start_mark), "nested too deeply here", expected=f"at most {MAX_DEPTH} levels"
            )
        self.flow += bool(event.flow_style)
        in_flow = self.flow > 0
        node = (
            self.sequence(event, in_flow)
            if isinstance(event, yaml.SequenceStartEvent)
            else self.mapping(event, in_flow)
        )
        self.flow -= bool(event.flow_style)
        self.depth -= 1
        return node

    def scalar(self, event: Any) -> Scalar:
        if event.tag is not None:
            self.refuse_tag(event)
        style = _STYLES.get(event.style, "plain")
        raw = self.text[event.start_mark.index : event.end_mark.index]
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        width = len(raw.split("\n", 1)[0].rstrip()) or 1
        span = Span(line, column, column + width)
        hidden = _FORBIDDEN.search(event.value.replace("\t", " ")) if style == "double" else None
        if hidden is not None:
            self.report.add(
                codes.FORBIDDEN_CHARACTER,
                span,
                f"an escape stands for the invisible or control character U+{ord(hidden.group()):04X}",
                expected="visible characters and spaces",
            )
        return Scalar(event.value, style, raw, span, self.flow > 0)

    def sequence(self, start: Any, in_flow: bool) -> Sequence:
        items: list[Node] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event))
        return Sequence(tuple(items), self.span(start), in_flow)

    def mapping(self, start: Any, in_flow: bool) -> Mapping:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                if isinstance(event, yaml.AliasEvent):
                    self.stop_alias(event, "*")
                self.stop_key(event)
            key = self.node(event)
            assert isinstance(key, Scalar)
            value = self.node(next(self.events))
            self.check_key(key, value, seen)
            if key.value not in seen:
                entries.append((key, value))
                seen[key.value] = key.span.line
        return Mapping(tuple(entries), self.span(start), in_flow)

    def check_key(self, key: Scalar, value: Node, seen: dict[str, int]) -> None:
        if key.value == "<<" and key.style == "plain":
            self.report.add(
                codes.MERGE_KEY, key.span, "`<<` would merge another mapping", help="write the keys out where they hold"
            )
        if key.value in seen:
            self.report.add(
                codes.DUPLICATE_KEY,
                key.span,
                f"`{key.value}` stands twice in this mapping",
                expected=f"first on line {seen[key.value]}",
                help="keep one of the two",
            )
        elif (
            key.in_flow and isinstance(value, Scalar) and not value.raw and key.value.count(")") > key.value.count("(")
        ):
            corrected = accidents.correct_comma(self.report.line(key.span.line))
            self.stop(
                codes.CUT_BY_YAML,
                key.span,
                "a comma inside braces ends an unquoted value, so the expression is cut here",
                help=f"quote it: {corrected}" if corrected else "put the expression in quotes",
            )

    def span(self, start: Any) -> Span:
        line, column = start.start_mark.line + 1, start.start_mark.column + 1
        rest = self.report.line(line)[column - 1 :]
        return Span(line, column, column + (1 if start.flow_style else max(1, len(rest.rstrip()))))

    def stop(self, code: codes.Code, span: Span, message: str, *, expected: str = "", help: str = "") -> None:
        self.report.add(code, span, message, expected=expected, help=help)
        raise _Stop

    def stop_alias(self, event: Any, sign: str) -> None:
        word = "alias" if sign == "*" else "anchor"
        span = _at(event.start_mark, 1 + len(event.anchor))
        line = self.report.line(span.line)
        corrected = re.sub(r"(:\s+)([*&].*)$", lambda match: match[1] + accidents.quoted(match[2]), line).strip()
        self.stop(
            codes.ALIAS,
            span,
            f"`{sign}{event.anchor}` is a YAML {word}",
            expected="the value written out",
            help=f"if it is text, quote it: {corrected}" if corrected != line.strip() else "",
        )

    def stop_key(self, event: Any) -> None:
        span = _at(event.start_mark)
        corrected = accidents.correct_template(self.report.line(span.line))
        if corrected:
            self.stop(
                codes.CUT_BY_YAML,
                span,
                "`${{` outside quotes begins a mapping here",
                help=f"quote it: {corrected}",
            )
        self.stop(codes.KEY_NOT_TEXT, span, "a list or mapping stands where a key must", expected="plain text")

    def refuse_tag(self, event: Any) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        found = re.match(r"\S+", self.report.line(line)[column - 1 :])
        tag = found.group().rstrip(",") if found else str(event.tag)
        corrected = accidents.correct_tag(self.report.line(line))
        self.stop(
            codes.TAG,
            Span(line, column, column + len(tag)),
            f"`{tag}` is read as a YAML tag because it begins with `!`",
            expected="text in quotes",
            help=f"quote it: {corrected}" if corrected else "leave the tag out",
        )

    def refuse(self, error: Any) -> None:
        """A syntax error of the YAML parser, or the accident behind it."""
        mark = error.problem_mark or error.context_mark
        for candidate in (error.problem_mark, error.context_mark):
            if candidate is None:
                continue
            accident = accidents.correct_line(self.report.line(candidate.line + 1))
            if accident:
                reason, corrected = accident
                self.report.add(codes.CUT_BY_YAML, _at(candidate), reason, help=f"quote it: {corrected}")
                return
        if error.context_mark is not None and not "".join(self.report.lines[mark.line :]).strip():
            # the file ended inside something: show where that began
            mark = error.context_mark
        span = _at(mark)
        problem = (error.problem or "cannot be read").replace("did not find expected", "there should be")
        where = f", {error.context} that begins on line {error.context_mark.line + 1}" if error.context_mark else ""
        self.report.add(
            codes.NOT_YAML,
            span,
            f"not YAML{where}: {problem}".replace("<document start>", "the end of the document"),
            help="check indentation, brackets and quotes on this line and the one before",
        )

    def warn(self, root: Node) -> None:
        for node in walk(root):
            if isinstance(node, Scalar) and node.style == "plain" and _NOT_TEXT_ELSEWHERE.match(node.value):
                self.report.add(
                    codes.AMBIGUOUS,
                    node.span,
                    f"`{node.value}` is text here, but a bool, number or date to other YAML readers",
                    help=f'write "{node.value}"',
                )


def _at(mark: Any, width: int = 1) -> Span:
    return Span(mark.line + 1, mark.column + 1, mark.column + 1 + width)
