"""Parse to plan, fuzzed: whatever is done to runbooks that are in order, the answer is a plan or findings.

Two ways: bytes are cut, doubled, moved and mixed; trees lose, swap, rename and gain parts, so that what comes out is
still YAML and reaches the compiler. `make test` runs a few hundred; the slow ones run some ten thousand.
"""

import copy
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.generate import HOSTILE
from tests.language.embedding import compile_whole
from watchfloor.client.library import library_folder, library_ids
from watchfloor.language import TABLE, render_json, render_text
from watchfloor.language.source import parse
from watchfloor.scenarios.reader import plain
from watchfloor.signing import canonical, digest

TESTS = Path(__file__).resolve().parents[1]
SEEDS = [
    (TESTS / "language" / "example.yaml").read_bytes(),
    *((library_folder() / name / "runbook.yaml").read_bytes() for name in library_ids()),
]
PIECES = [
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"\n",
        b"  ",
        b"'",
        b'"',
        b"#",
        b"&a ",
        b"*a",
        b"!",
        b"!!str ",
        b"| ",
        b"> ",
    ),
    *(b"${{", b"}}", b"steps.", b"last.", b"has(", b")", b"\x00", b"\xff", b"\xe2\x80\xae", b"\t", b"\r", b"~", b"..."),
    *(b"---\n", b"<<: ", b"? ", b"1e999", b"-1h", b"0x", b"999999d", b"null", b"true", b"never", b"fail", b"continue"),
]
LEAVES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        10**30,
        1.5,
        float("nan"),
        float("inf"),
        "",
        " ",
        "a",
        "A b",
        "ü",
        "x" * 300,
        [],
        {},
        [[]],
    ),
    *("never", "fail", "stop", "continue", "undo", "15m", "0s", "-1h", "10bd", "1e9", "S0", "eu", "mars", "${{", "}}"),
    *(
        "inputs.urls",
        "facts.removal_verified",
        "steps.look.ok",
        "last.look.all_gone",
        "has(facts.x)",
        "now",
        "1 +",
        "!a",
    ),
    *("content.delete", "legal_counsel", "requester", "../a", "a/b", "a!b", "eu.tco.removal", "${{ inputs.urls }}"),
]
TREES = [plain(root) for seed in SEEDS if (root := parse(seed, path="seed").root) is not None]
"""Read by the YAML of runbooks: `on` is a word there."""
QUICK = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))


def judge(data: bytes) -> None:
    compiled = compile_whole(data)
    errors = [finding for finding in compiled.findings if finding.is_error]
    assert (compiled.plan is None) == bool(errors)
    assert list(compiled.findings) == sorted(compiled.findings)
    for finding in compiled.findings:
        assert finding.code in TABLE
        assert finding.line >= 1
        assert finding.end_column > finding.column >= 1
    render_text(compiled.findings)
    render_json(compiled.findings)
    if compiled.plan is not None:
        canonical(compiled.plan)
        assert compiled.digest == digest(compiled.plan) == compile_whole(data).digest


def mix(chance: random.Random) -> bytes:
    """A seed, or a hostile file, with a few accidents."""
    data = bytearray(chance.choice(SEEDS) if chance.random() < 0.8 else chance.choice([*HOSTILE.values()])[0][:4000])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        upto = min(len(data), at + chance.choice([1, 2, 5, 20, 80]))
        match chance.randrange(6):
            case 0:
                del data[at:upto]
            case 1:
                data[at:at] = chance.choice(PIECES)
            case 2:
                data[at:at] = data[at:upto] * chance.choice([1, 2, 30])
            case 3:
                elsewhere = chance.randrange(len(data) + 1)
                moved = bytes(data[at:upto])
                del data[at:upto]
                data[elsewhere:elsewhere] = moved
            case 4 if at < len(data):
                data[at] = chance.randrange(256)
            case _:
                other = chance.choice(SEEDS)
                begin = chance.randrange(len(other))
                data[at:upto] = other[begin : begin + chance.choice([5, 40, 200])]
    return bytes(data)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container of a tree with every key or index of it."""
    found: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo:
        node = todo.pop()
        keys: Any = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            todo.append(node[key])
    return found


def regrow(chance: random.Random) -> bytes:
    """A seed's tree with parts taken away, put in, renamed, or put where another part was."""
    tree = copy.deepcopy(chance.choice(TREES))
    for _ in range(chance.randint(1, 5)):
        every = places(tree)
        if not every:
            break
        node, key = chance.choice(every)
        other, name = chance.choice(every)
        match chance.randrange(6):
            case 0:
                del node[key]
            case 1:
                node[key] = copy.deepcopy(chance.choice(LEAVES))
            case 2:
                node[key] = copy.deepcopy(other[name])
            case 3 if isinstance(node, list):
                node.insert(chance.randrange(len(node) + 1), copy.deepcopy(other[name]))
            case 4 if isinstance(node, dict) and isinstance(other, dict):
                node[name] = node.pop(key)
            case _ if isinstance(node, dict):
                node[chance.choice([name, "if", "with", "timeout", "steps", "on_error"])] = copy.deepcopy(other[name])
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


@QUICK
@given(st.randoms(use_true_random=False))
def test_mixed_bytes_give_a_plan_or_findings(chance: random.Random) -> None:
    judge(mix(chance))


@QUICK
@given(st.randoms(use_true_random=False))
def test_regrown_trees_give_a_plan_or_findings(chance: random.Random) -> None:
    judge(regrow(chance))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@LONG
@given(st.integers(0, 2**63))
def test_mixed_bytes_give_a_plan_or_findings_for_long(seed: int) -> None:
    judge(mix(random.Random(seed)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@LONG
@given(st.integers(0, 2**63))
def test_regrown_trees_give_a_plan_or_findings_for_long(seed: int) -> None:
    judge(regrow(random.Random(seed)))


def test_the_seeds_are_in_order_and_the_fuzz_reaches_the_compiler() -> None:
    """A share of what comes out still compiles, and much of the rest is refused for its meaning, not for its form."""
    assert all(compile_whole(seed).plan is not None for seed in SEEDS)
    codes = [[one.code for one in compile_whole(regrow(random.Random(n))).findings if one.is_error] for n in range(60)]
    assert any(not each for each in codes)
    assert len({code for each in codes for code in each if code >= "WF120"}) >= 8
