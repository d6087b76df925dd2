"""The review as one standalone page: no script, no outside resource, a policy that allows only its own style sheet."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from schemas.ledger import StoredEntry
from schemas.postmortem import DraftCall
from watchfloor.drawing import show_controls
from watchfloor.postmortem.account import Account
from watchfloor.postmortem.citations import name_chain, name_entry, number_entry
from watchfloor.postmortem.document import Document
from watchfloor.postmortem.metrics import clock_score, measure_times
from watchfloor.postmortem.page_style import PAGE_STYLE
from watchfloor.postmortem.sentences import Id, render_duration, render_time
from watchfloor.postmortem.timeline import render_inline
from watchfloor.postmortem.timeline_style import STYLE
from watchfloor.signing import parse_instant

_CITATION = re.compile(r"([A-Z]{0,2})#([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: str
    mood: str


@dataclass(frozen=True, slots=True)
class Row:
    anchor: str
    name: str
    at: str
    kind: str
    actor: str
    path: str
    hash: str


@cache
def _read_templates() -> Environment:
    return Environment(
        loader=PackageLoader("watchfloor.postmortem"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_page(account: Account, call: DraftCall, document: Document) -> str:
    """Render the review. The same account, call and document give the same bytes."""
    style = PAGE_STYLE + STYLE
    day = account.opened.at if account.opened else None
    return (
        _read_templates()
        .get_template("page.html")
        .render(
            policy=policy(style),
            style=Markup(style),  # noqa: S704 (our own constant)
            title=show_controls(call["title"]),
            incident=Id(call["incident"]).shown,
            runbook=Id(call["runbook"]).shown,
            region=Id(call["region"]).shown,
            outcome=Id(account.outcome or call["outcome"]).shown,
            figures=_figures(account),
            basis=document.basis,
            timeline=Markup(render_inline(account, call["title"])),  # noqa: S704 (the canvas escapes all text)
            body=Markup(render_body(document.body)),  # noqa: S704 (markdown-it with HTML switched off)
            entries=[
                _row(index, entry, day)
                for index, chain in enumerate((account.entries, *account.related))
                for entry in chain
            ],
        )
    )


def policy(style: str) -> str:
    """The page's content security policy: nothing but the one style sheet with this hash."""
    sha = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{sha}'; base-uri 'none'; form-action 'none'"


def render_body(markdown: str) -> str:
    """Markdown to HTML: no raw HTML, no links or pictures but the citations, which lead to the entries below."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "image", "autolink", "reference", "html_block", "html_inline"])
    parser.core.ruler.push("citations", _link_citations)
    return str(parser.render(markdown))


def _link_citations(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = [part for child in token.children for part in _split(child)]


def _split(token: Token) -> list[Token]:
    """A text token as text and links; code spans, which hold the ledger's names, are left alone."""
    if token.type != "text":
        return [token]
    parts: list[Token] = []
    end = 0
    for found in _CITATION.finditer(token.content):
        parts.append(_text(token.content[end : found.start()]))
        parts.append(Token("link_open", "a", 1, attrs={"href": f"#e{found[1]}{found[2]}", "class": "cite"}))
        parts.append(_text(found[0]))
        parts.append(Token("link_close", "a", -1))
        end = found.end()
    parts.append(_text(token.content[end:]))
    return [part for part in parts if part.type != "text" or part.content]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _figures(account: Account) -> list[Figure]:
    met, judged = clock_score(account)
    figures: list[Figure] = []
    if judged:
        figures.append(Figure("clocks met", f"{met} of {judged}", "good" if met == judged else "bad"))
    for metric in measure_times(account):
        if metric.value is not None and metric.id != "TTFC":
            figures.append(Figure(f"to {metric.name}", render_duration(metric.value), "plain"))
    silent = sum(1 for ask in account.asks if ask.silent)
    if silent:
        figures.append(Figure("questions nobody answered", str(silent), "bad"))
    return figures


def _row(chain: int, entry: StoredEntry, day: datetime | None) -> Row:
    return Row(
        anchor=f"e{name_chain(chain)}{entry['seq']}",
        name=name_entry(number_entry(chain, entry["seq"])),
        at=render_time(parse_instant(entry["at"]), day),
        kind=Id(entry["kind"]).shown,
        actor=Id(entry["actor"]).shown,
        path=Id(entry["path"]).shown,
        hash=Id(entry["hash"].removeprefix("sha256:")[:12]).shown,
    )
