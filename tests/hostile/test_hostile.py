"""Every hostile file is refused by the finding that was meant for it, at its place, in little time and memory."""

import json
import subprocess
import sys
import time

import pytest

from tests.hostile.generate import FILES, HERE, HOSTILE
from tests.language.embedding import compile_whole

EXPECTED = json.loads((HERE / "expected.json").read_text())


def test_the_committed_files_are_the_generated_ones() -> None:
    assert {path.name: path.read_bytes() for path in FILES.glob("*.yaml")} == {
        name: data for name, (data, _, _) in HOSTILE.items()
    }
    assert {name: {"code": code, "line": line} for name, (_, code, line) in HOSTILE.items()} == EXPECTED


def test_there_are_at_least_forty() -> None:
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_hostile_file_is_refused_at_its_place(name: str) -> None:
    started = time.perf_counter()
    compiled = compile_whole((FILES / name).read_bytes())
    assert time.perf_counter() - started < 2
    assert compiled.plan is None
    assert compiled.digest == ""
    errors = [finding for finding in compiled.findings if finding.is_error]
    wanted = EXPECTED[name]
    assert (errors[0].code, errors[0].line) == (wanted["code"], wanted["line"])


def test_deep_nesting_does_not_crash_the_process() -> None:
    """PyYAML's composer dies of a segmentation fault here; in a process of its own so that a crash is seen."""
    program = (
        "from watchfloor.language.source import parse\n"
        "for text in ('[' * 250000, '{a: ' * 60000, '- ' * 120000, '? ' * 120000, '[[]: ' * 50000):\n"
        "    assert parse(text, path='x').root is None\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n")
