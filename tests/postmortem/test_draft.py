"""The drafted review: golden, deterministic, every sentence cited, deaf to what its texts would like it to do."""

import copy
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from schemas.ledger import StoredEntry
from schemas.postmortem import DraftCall
from tests.postmortem.conftest import Story
from watchfloor.postmortem import draft
from watchfloor.postmortem.page import policy, render_body

NASTY = (
    "</code><script>alert(1)</script>`` | [x](javascript:alert(1)) <img src=x onerror=alert(1)> "
    "![i](https://evil.test/i) &lt; {{ 7*7 }} {% raw %} #999 [#1] \u202egnp.exe\u0007\n# head\n- item\n\n| a | b |"
)
CITED = re.compile(r"\[[A-Z]?#\d+[^\]]*\]")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


def read_tags(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


def spoil(entries: list[StoredEntry]) -> list[StoredEntry]:
    """Every text that a ledger entry holds becomes hostile; kinds, numbers and instants stay."""

    def spoiled(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoiled(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [spoiled(inner) for inner in value]
        keeps = key in {"kind", "effect", "resolved"} or key.endswith("_at")
        return value if not isinstance(value, str) or keeps else f"{value}{NASTY}"

    hostile = copy.deepcopy(entries)
    for entry in hostile:
        entry["data"] = spoiled(entry["data"])
        entry["actor"] += NASTY
        entry["step"] += NASTY
        entry["path"] += NASTY
        entry["hash"] += NASTY
    return hostile


@pytest.fixture
def hostile(order: list[StoredEntry], night: list[StoredEntry], call: DraftCall) -> list[tuple[str, str, str]]:
    call["title"] = call["runbook"] = call["outcome"] = call["plan"] = NASTY
    drafts = [draft(spoil(entries), call) for entries in (order, night)]
    return [(one.markdown, one.html, one.timeline) for one in drafts]


def test_the_review_is_the_golden_one(
    order: list[StoredEntry],
    chains: list[list[StoredEntry]],
    night: list[StoredEntry],
    call: DraftCall,
    golden: Callable[[str, str], None],
) -> None:
    made = draft(order, call, chains)
    golden("removal-order.md", made.markdown)
    golden("removal-order.html", made.html)
    golden("removal-order.svg", made.timeline)
    call["outcome"] = "failed"
    bad = draft(night, call)
    golden("bad-night.md", bad.markdown)
    golden("bad-night.svg", bad.timeline)


def test_the_same_ledger_gives_the_same_bytes(
    order: list[StoredEntry], chains: list[list[StoredEntry]], call: DraftCall
) -> None:
    assert draft(order, call, chains) == draft(copy.deepcopy(order), copy.deepcopy(call), copy.deepcopy(chains))


def test_every_sentence_of_the_story_cites_an_entry_that_exists(
    order: list[StoredEntry], chains: list[list[StoredEntry]], night: list[StoredEntry], call: DraftCall
) -> None:
    for entries, related in ((order, chains), (night, [])):
        text = draft(entries, call, related).markdown
        story = text[text.index("## At a glance") : text.index("## For the facilitator")]
        lines = [line for line in story.splitlines() if line.startswith(("- ", "| ", "Nothing", "No ", "Clocks "))]
        told = [line for line in lines if "---" not in line and not _is_heading(line, story)]
        assert len(told) > 20
        for line in told:
            assert CITED.search(line), line
        sizes = {"": len(entries), **{name: len(chain) for name, chain in zip("AB", related, strict=False)}}
        for chain, number in re.findall(r"(?<![`\w])([A-Z]?)#(\d+)", story):
            assert 1 <= int(number) <= sizes[chain]


def _is_heading(line: str, text: str) -> bool:
    return f"{line}\n| ---" in text


def test_citations_lead_to_the_entry_in_the_page(
    order: list[StoredEntry], chains: list[list[StoredEntry]], call: DraftCall
) -> None:
    page = draft(order, call, chains).html
    targets = set(re.findall(r'<tr id="(e[A-Z]?\d+)">', page))
    links = set(re.findall(r'href="#(e[A-Z]?\d+)"', page))
    assert {"e1", "eA1", "eB2"} <= links
    assert links <= targets


def test_facts_values_and_forms_are_never_told(story: Story, call: DraftCall) -> None:
    fact = {"fact": "seen", "value": "a-value-not-to-be-read", "source": "mailbox"}
    story.note(
        0, "incident.opened", {"received_at": "2026-11-22T03:00:00Z", "inputs": {"x": "an-input-not-to-be-read"}}
    )
    story.note(1, "fact.recorded", fact, path="facts")
    made = draft(story.entries, call)
    for text in (made.markdown, made.html, made.timeline, str(made.metrics)):
        assert "not-to-be-read" not in text


def test_hostile_texts_add_nothing_to_the_page(
    hostile: list[tuple[str, str, str]], order: list[StoredEntry], call: DraftCall
) -> None:
    calm = read_tags(draft(order, call).html)
    for _, page, _ in hostile:
        found = read_tags(page)
        assert found.tags <= calm.tags
        names = {name for name, _ in found.attributes}
        assert names <= {name for name, _ in calm.attributes}
        assert not names & {"style", "src", "onerror", "onclick"}
        hrefs = {value or "" for name, value in found.attributes if name == "href"}
        assert all(re.fullmatch(r"#e[A-Z]?\d+", href) for href in hrefs)
        assert "\u202e" not in page
        assert "\u0007" not in page
        assert "49" not in re.findall(r"Runbook.*", page)


def test_hostile_texts_stay_one_line_of_the_markdown_and_make_no_markup(hostile: list[tuple[str, str, str]]) -> None:
    for text, _, _ in hostile:
        html = read_tags(render_body(text))
        assert html.tags <= {
            *("h1", "h2", "h3", "p", "ul", "li", "ol", "strong", "code", "a"),
            *("table", "thead", "tbody", "tr", "th", "td"),
        }
        assert not re.search(r"^# head", text, re.M)
        assert not re.search(r"^\| a \| b", text, re.M)
        tables = [line for line in text.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {4, 6, 7, 8, 9}


def test_hostile_texts_add_nothing_to_the_timeline(
    hostile: list[tuple[str, str, str]], order: list[StoredEntry], call: DraftCall
) -> None:
    calm = {element.tag for element in ElementTree.fromstring(draft(order, call).timeline).iter()}
    for _, _, timeline in hostile:
        tree = ElementTree.fromstring(timeline)
        assert {element.tag for element in tree.iter()} <= calm
        names = {name for element in tree.iter() for name in element.attrib}
        assert not names & {"href", "style", "id", "onload", "onclick"}


def test_the_page_allows_only_its_own_style_sheet(order: list[StoredEntry], call: DraftCall) -> None:
    page = draft(order, call).html
    styles = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert len(styles) == 1
    assert policy(styles[0]).replace("'", "&#39;") in page
    assert "unsafe" not in page
    assert not re.search(r'(src|href)="(?!#e)', page)
    assert "<script" not in page


def test_an_empty_ledger_is_not_a_story(call: DraftCall) -> None:
    with pytest.raises(ValueError, match="nothing to draft from"):
        draft([], call)


def test_a_review_of_one_entry_is_still_a_review(story: Story, call: DraftCall) -> None:
    story.note(0, "incident.opened", {})
    made = draft(story.entries, call)
    assert "Nothing was done to the outside world" in made.markdown
    ElementTree.fromstring(made.timeline)
