"""The list of attacks is true: every row names tests, and each of them exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guides" / "attacks.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in GUIDE.partition("<!-- attacks -->")[2].partition("<!-- /attacks -->")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| attack", "| ---"))
]
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
NAMED = (
    "CSRF",
    "IDOR across compartments",
    "forged webhook",
    "replayed webhook",
    "SSRF by redirect",
    "resolves to loopback",
    "stored script in a title",
    "stored script in a reason",
    "open redirect",
    "oversize",
    "slow body",
    "header injection",
    "session fixation",
)
"""What has to be tried, whatever else is."""


def test_every_attack_that_has_to_be_tried_has_a_row() -> None:
    attacks = " ".join(row[0] for row in ROWS)
    assert [one for one in NAMED if one not in attacks] == []


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_an_attack_names_tests_that_exist(row: list[str]) -> None:
    _, _, outcome, tests = row
    assert outcome
    names = re.findall(r"`(\w+)`", tests)
    assert names
    for name in names:
        assert re.search(rf"def {name}\(", TESTS), f"there is no {name}"
