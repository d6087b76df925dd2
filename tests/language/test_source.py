"""Bytes to tree: scalars of YAML 1.2 core, places of every node, caps."""

import pytest

from watchfloor.language.nodes import Mapping, Scalar, Sequence, Span, walk
from watchfloor.language.source import MAX_DEPTH, parse


def value(text: str) -> Scalar:
    root = parse(f"key: {text}\n", path="x.yaml").root
    assert isinstance(root, Mapping)
    node = root.entries[0][1]
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    ("text", "core"),
    [
        *[
            (word, word)
            for word in ("NO", "no", "on", "off", "yes", "y", "12:30", "1:2:3", "010", "0x1F", "0o17", "1_000")
        ],
        *[(word, word) for word in ("2026-11-22", "2026-11-22T03:10:00Z", ".inf", ".nan", "+.5.5", "1e", "True?")],
        *[("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-7", -7), ("+3", 3)],
        *[("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-0.25", -0.25)],
        *[('"true"', "true"), ("'12'", "12"), ('"null"', "null")],
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, core: object) -> None:
    found = value(text).core
    assert found == core
    assert type(found) is type(core)


def test_every_node_has_its_place() -> None:
    root = parse("a: 1\nb:\n  - x\n  - {c: 'd e'}\n", path="x.yaml").root
    assert root is not None
    places = [
        (node.value, node.span.line, node.span.column, node.span.end_column)
        for node in walk(root)
        if isinstance(node, Scalar)
    ]
    assert places == [("1", 1, 4, 5), ("x", 3, 5, 6), ("d e", 4, 9, 14)]


@pytest.mark.parametrize(
    ("text", "piece", "span"),
    [
        ("key: steps.look.gone\n", "look", Span(1, 12, 16)),
        ('key: "steps.look"\n', "look", Span(1, 13, 17)),
        ("key: 'it''s look'\n", "look", Span(1, 13, 17)),
        ('key: "a\\tb \\u0041 look"\n', "look", Span(1, 19, 23)),
        ("key: |\n  first\n  then look\n", "look", Span(3, 8, 12)),
        ("é: ü look\n", "look", Span(1, 6, 10)),
    ],
)
def test_a_part_of_a_text_is_found_in_the_file(text: str, piece: str, span: Span) -> None:
    root = parse(text, path="x.yaml").root
    assert isinstance(root, Mapping)
    node = root.entries[0][1]
    assert isinstance(node, Scalar)
    start = node.value.index(piece)
    assert node.part(start, start + len(piece)) == span


def test_a_folded_text_points_at_its_first_line() -> None:
    root = parse("key: >\n  first\n  look\n", path="x.yaml").root
    assert isinstance(root, Mapping)
    node = root.entries[0][1]
    assert isinstance(node, Scalar)
    assert node.part(6, 10).line == 1


def test_windows_line_ends_are_taken() -> None:
    source = parse(b"a: 1\r\nb: 2\r\n", path="x.yaml")
    assert source.findings == ()
    assert isinstance(source.root, Mapping)


def test_the_digest_is_of_the_bytes_as_they_came() -> None:
    assert parse(b"a: 1\n", path="x").digest != parse(b"a: 1\r\n", path="x").digest


def test_the_deepest_allowed_nesting_is_read() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert parse(f"a: {deep}", path="x").findings == ()
    assert parse(f"a: [{deep}]", path="x").root is None


def test_one_forbidden_character_is_one_finding() -> None:
    assert len(parse("a: \t\t\t\n\tb: \t\n", path="x").findings) == 1


def test_reading_never_raises_on_bytes() -> None:
    for data in (
        b"\x80",
        b"\x00" * 100,
        b"%",
        b"!<",
        b"{",
        b"}",
        b"- -\n -",
        b"?\n:",
        b"\xef\xbb\xbf",
        b"---\n...\n---",
    ):
        parse(data, path="x")


def test_quoted_keys_are_the_same_keys() -> None:
    root = parse("\"a\": 1\n'b': 2\n", path="x").root
    assert isinstance(root, Mapping)
    assert [key.value for key, _ in root.entries] == ["a", "b"]


def test_lists_keep_their_order() -> None:
    root = parse("[3, 1, 2]", path="x").root
    assert isinstance(root, Sequence)
    assert [item.core for item in root.items if isinstance(item, Scalar)] == [3, 1, 2]
