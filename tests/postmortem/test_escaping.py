"""Markdown escaping: names in code spans and free text render as exactly what they are."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from watchfloor.drawing import show_controls
from watchfloor.postmortem.citations import cite, number_entry
from watchfloor.postmortem.escaping import code, escape_text, open_templates

PARSER = MarkdownIt("commonmark").enable("table")


@given(st.text(max_size=80))
def test_free_text_renders_as_itself_and_as_nothing_else(text: str) -> None:
    rendered = PARSER.render(f"before {escape_text(text)} after").strip()
    assert re.fullmatch(r"<p>[^<>]*</p>", rendered)
    shown = " ".join(f"before {show_controls(text).strip()} after".split(" "))
    assert html.unescape(rendered[3:-4]) == shown


@given(st.text(max_size=80))
def test_a_name_is_one_code_span_even_in_a_table(text: str) -> None:
    rendered = PARSER.render(f"| a | b |\n| --- | --- |\n| {code(text)} | x |\n")
    assert rendered.count("<td>") == 2
    assert rendered.count("<code>") == 1
    assert "<td>x</td>" in rendered


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("legal_counsel", "legal\\_counsel"),
        ("Removal order (one hour)", "Removal order (one hour)"),
        ("https://evil.test", "https\\://evil.test"),
        ("www.evil.test", "www\\.evil.test"),
        ("1. item", "1\\. item"),
        ("- item", "\\- item"),
        ("mail@evil.test", "mail\\@evil.test"),
    ],
)
def test_only_what_could_be_taken_for_markup_is_escaped(text: str, escaped: str) -> None:
    assert escape_text(text) == escaped


def test_a_template_escapes_what_nobody_marked_as_markdown() -> None:
    template = open_templates().from_string("{{ plain }} {{ marked }}")
    assert template.render(plain="*a*", marked=code("b")) == "\\*a\\* `b`"


def test_a_template_refuses_a_name_it_was_not_given() -> None:
    with pytest.raises(Exception, match="'missing' is undefined"):
        open_templates().from_string("{{ missing }}").render()


@pytest.mark.parametrize(
    ("numbers", "cited"),
    [
        ([12], "[#12]"),
        ([9, 3], "[#3, #9]"),
        ([4, 5, 6, 7], "[#4–#7]"),
        ([1, number_entry(1, 3), number_entry(2, 1)], "[#1, A#3, B#1]"),
        ([1, 3, 5, 7, 9, 11], "[#1 … #11, 6 entries]"),
    ],
)
def test_citations_are_short_and_sorted(numbers: list[int], cited: str) -> None:
    assert cite(numbers) == cited
