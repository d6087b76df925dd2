"""Mermaid and terminal renderings: complete, deterministic, and nothing in a label escapes it."""

import re
from collections.abc import Callable

from schemas.plan import Plan
from watchfloor.language.graph_mermaid import render_mermaid
from watchfloor.language.graph_text import render_text

NODE = r'n\d+(?:\{\{|\[/|\(\[|\[\(|\(\(|\[\[|\[)"[^"]*"(?:\}\}|/\]|\]\)|\)\]|\)\)|\]\]|\]):::[a-z]+'
LINE = re.compile(
    rf'flowchart TB|  (?:begin|done)\(\["[^"]*"\]\)|  {NODE}|  subgraph [pt]\d+\["[^"]*"\]|  end'
    r'|  (?:begin|n\d+) (?:-->|-\.->)(?:\|"[^"]*"\|)? (?:done|n\d+)'
    r'|  c\d+\[/"[^"]*"\\\]:::clock|  (?:begin|n\d+) -\. starts \.-> c\d+|  c\d+ -\. stopped by \.-> n\d+'
    r"|  classDef [a-z]+ [a-z0-9#:,]+"
)


def test_the_texts_are_the_golden_ones(order: Plan, golden: Callable[[str, str], None]) -> None:
    golden("removal-order.mmd", render_mermaid(order))
    golden("removal-order.txt", render_text(order))


def test_every_line_of_mermaid_is_of_a_known_form_whatever_the_texts_hold(
    order: Plan, forty: Plan, nasty: Plan
) -> None:
    for plan in (order, forty, nasty):
        for line in render_mermaid(plan).splitlines():
            assert LINE.fullmatch(line), line


def test_hostile_labels_hold_only_plain_characters_entities_and_our_own_breaks(nasty: Plan) -> None:
    for label in re.findall(r'"([^"]*)"', render_mermaid(nasty)):
        bare = re.sub(r"#\d+;|<br/>|</?b>", "", label)
        assert not re.search(r"[<>&#;%{}`\[\]:\\]", bare), label


def test_every_link_joins_nodes_that_exist(order: Plan) -> None:
    chart = render_mermaid(order)
    known = set(re.findall(r"^  ([a-z]+\d*)(?=[\[({])", chart, re.M))
    links = re.findall(r"^  (\w+) (?:-->|-\.->|-\. \w+(?: by)? \.->)(?:\|[^|]*\|)? (\w+)$", chart, re.M)
    assert len(links) > 20
    assert {end for link in links for end in link} <= known
    reached = {head for _, head in links}
    assert {name for name in known if name.startswith("n")} - reached == {"n23"}, "only the track stands apart"


def test_the_tree_shows_steps_in_the_order_written(order: Plan) -> None:
    tree = render_text(order)
    places = [tree.index(word) for word in ("▪ screen", "decide The order", "└─ ■ stop refused", "for each remove")]
    assert places == sorted(places)


def test_the_tree_cannot_lead_a_terminal_astray(nasty: Plan) -> None:
    tree = render_text(nasty)
    assert "\x07" not in tree
    assert "\u202e" not in tree
    assert "‹U+0007›" in tree


def test_texts_are_deterministic(order: Plan) -> None:
    assert render_mermaid(order) == render_mermaid(order)
    assert render_text(order) == render_text(order)
