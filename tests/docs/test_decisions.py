"""The table of decision rules is true: its tests exist, its refusals are the engine's, and every refusal has a rule."""

import re
from pathlib import Path

import pytest

from schemas.decision import RefusalType
from watchfloor.signing.motions import VERBS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guides" / "decisions.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in GUIDE.partition("<!-- rules -->")[2].partition("<!-- /rules -->")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| rule", "| ---"))
]
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
REFUSALS = {value for name, value in vars(RefusalType).items() if name.isupper()}
RULES = [ROOT / "watchfloor" / "signing" / name for name in ("gates.py", "motions.py")]


def test_there_are_rules() -> None:
    assert len(ROWS) >= 20
    assert {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_rule_names_refusals_of_the_engine_and_a_test_that_exists(row: list[str]) -> None:
    _, refusals, places, test = row
    assert set(re.findall(r"`(\w+)`", refusals)) <= REFUSALS
    assert re.findall(r"`(\w+)`", refusals)
    assert set(places.split(", ")) <= {"reception", "decision", "motion", "effect"}
    for name in re.findall(r"`(\w+)`", test):
        assert re.search(rf"def {name}\(", TESTS), f"there is no {name}"


def test_every_refusal_that_the_rules_give_is_in_the_table() -> None:
    given = {name for path in RULES for name in re.findall(r"RefusalType\.([A-Z_]+)", path.read_text())}
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[1])}
    assert {getattr(RefusalType, name) for name in given} - named == set()


def test_every_verb_is_told_with_its_command() -> None:
    commands = {"question": "ask"}
    assert [verb for verb in VERBS if f"watchfloor {commands.get(verb, verb)}" not in GUIDE] == []
