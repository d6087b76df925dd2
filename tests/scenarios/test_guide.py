"""The guide to scenarios is true: its example is played, its failure is shown so, its tables have every key."""

import re
from pathlib import Path

import pytest

from watchfloor.scenarios import document, run_files
from watchfloor.scenarios.report import render_outcome

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "scenarios.md").read_text()
(EXAMPLE,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
WORDS = set(re.findall(r"`([a-z_]+)`", "\n".join(line for line in GUIDE.splitlines() if line.startswith("| `"))))


def play(folder: Path, text: str) -> list[str]:
    (folder / "scenarios.yaml").write_text(text)
    return [render_outcome(one) for one in run_files([folder]).outcomes]


def test_the_example_comes_true(tmp_path: Path) -> None:
    (told,) = play(tmp_path, EXAMPLE)
    assert told.startswith("pass")


def test_a_failure_is_shown_as_the_guide_shows_it(tmp_path: Path) -> None:
    changed = EXAMPLE.replace("never: [content.delete]", "never: [content.disable]")
    (told,) = play(tmp_path, changed)
    (marked,) = [line for line in told.splitlines() if ">>>" in line]
    assert marked.split()[-3:] == ["called", "containment/remove[0]/disable", "content.disable"]
    (message,) = re.findall(r"^    - (.*)", told, re.MULTILINE)
    assert f"    - {message}\n" in GUIDE


@pytest.mark.parametrize(
    "keys", [document._SCENARIO, document._ANSWER, document._EXPECT], ids=["story", "answer", "expect"]
)
def test_every_key_stands_in_a_table(keys: set[str]) -> None:
    assert keys - WORDS == set()
