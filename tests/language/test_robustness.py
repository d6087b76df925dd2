"""Whatever stands in the file: findings, never an exception, and soon."""

import random
import string
import time
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.language.embedding import compile_whole, embed
from tests.language.test_pages import examples
from watchfloor.language import TABLE, render_json, render_text
from watchfloor.language.step_reader import KINDS

EXAMPLE = Path(__file__).with_name("example.yaml").read_text()
SETTINGS = settings(max_examples=120, deadline=2000, suppress_health_check=list(HealthCheck), derandomize=True)

KEYS = [
    *KINDS,
    *("id", "name", "if", "unless", "timeout", "on_error", "records", "with", "retry", "approval", "undo", "steps"),
    *("from", "within", "on_deny", "on_silence", "then", "escalate", "options", "ask", "do", "assignee", "form", "in"),
    *(
        "item",
        "at_once",
        "every",
        "times",
        "until",
        "on_exhausted",
        "for",
        "fact",
        "branches",
        "join",
        "when",
        "otherwise",
    ),
    *(
        "runbook",
        "version",
        "title",
        "owners",
        "severity",
        "regions",
        "inputs",
        "facts",
        "clocks",
        "alongside",
        "phases",
    ),
    *("type", "of", "max_items", "default", "enum", "pattern", "use", "start", "stop", "warn", "on_breach", "share"),
]
WORDS = [
    *(
        "fail",
        "stop",
        "continue",
        "never",
        "15m",
        "10bd",
        "S1",
        "eu",
        "us",
        "url",
        "list",
        "inputs.urls",
        "facts.annulled",
    ),
    *(
        "has(facts.annulled)",
        "${{ inputs.state }}",
        "${{",
        "steps.first.ok",
        "content.delete",
        "legal_counsel",
        "!",
        "NO",
    ),
    *("1 +", "last.x", "'", '"', "a b", "x" * 300, "\u00fc", "true", "0", "-1", "1e9", "eu.tco.removal"),
]
SCALARS = st.one_of(
    st.sampled_from(WORDS), st.integers(-5, 3000), st.booleans(), st.none(), st.text(string.printable, max_size=12)
)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=25,
)


def judge(text: str | bytes) -> None:
    compiled = compile_whole(text)
    assert (compiled.plan is None) == any(finding.is_error for finding in compiled.findings)
    assert list(compiled.findings) == sorted(compiled.findings)
    for finding in compiled.findings:
        assert finding.code in TABLE
        assert finding.line >= 1
        assert finding.end_column > finding.column >= 1
        assert finding.message
    render_text(compiled.findings)
    render_json(compiled.findings)


@SETTINGS
@given(st.binary(max_size=400))
def test_any_bytes_give_findings(data: bytes) -> None:
    judge(data)


@SETTINGS
@given(st.text(max_size=400))
def test_any_text_gives_findings(text: str) -> None:
    judge(text.encode("utf-8", "surrogatepass"))


@SETTINGS
@given(TREES)
def test_any_tree_as_steps_gives_findings(tree: Any) -> None:
    judge(embed("phases: " + yaml.safe_dump([{"main": [tree]}], default_flow_style=True)))


@SETTINGS
@given(st.dictionaries(st.sampled_from(KEYS), TREES, max_size=5))
def test_any_tree_as_a_document_gives_findings(tree: dict[str, Any]) -> None:
    judge(yaml.safe_dump(tree))


PIECES = st.sampled_from(
    [*WORDS, "&&", "||", "(", ")", "?", ":", ".", "[", "]", "has", "size", "==", "now", "1.0", ","]
)


@SETTINGS
@given(PIECES | st.text(string.printable, max_size=30), st.integers(0, 10**9))
def test_any_expression_gives_findings(piece: str, seed: int) -> None:
    chance = random.Random(seed)
    words = [piece, *(chance.choice([*WORDS, "&&", "(", ")", "==", "?", ":"]) for _ in range(chance.randint(0, 6)))]
    src = " ".join(words).replace("\n", " ")
    judge(embed("close_when: " + yaml.safe_dump(src, default_style='"', width=10**9)))


def test_the_example_with_any_one_change_gives_findings() -> None:
    """Characters removed, doubled and replaced; lines removed, doubled, swapped; seeded."""
    chance = random.Random(20261122)
    lines = EXAMPLE.split("\n")
    started = time.perf_counter()
    for _ in range(300):
        changed = list(lines)
        at = chance.randrange(len(changed))
        match chance.randrange(6):
            case 0:
                del changed[at]
            case 1:
                changed.insert(at, changed[at])
            case 2:
                other = chance.randrange(len(changed))
                changed[at], changed[other] = changed[other], changed[at]
            case 3:
                changed[at] = "  " + changed[at]
            case _:
                line = changed[at] or " "
                place = chance.randrange(len(line))
                changed[at] = (
                    line[:place] + chance.choice("{}[]:,'\"!#&*|>%@`? xA0.") + line[place + chance.randrange(2) :]
                )
        judge("\n".join(changed))
    assert time.perf_counter() - started < 30


def test_findings_are_the_same_every_time() -> None:
    for code in sorted(TABLE):
        piece, fence = examples(code)["Problematic"]
        if fence == "yaml":
            once, twice = (render_text(compile_whole(embed(piece)).findings) for _ in range(2))
            assert once == twice
