"""Nobody but the person and the wellness officer sees a person's figures, and nothing about work reads any."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.identity.people import Directory, Person
from watchfloor.wellness import Wellness
from watchfloor.wellness.sight import SightRefused, require_officer, require_sight, sum_up

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
PEOPLE = Directory({f"ops-{n}": Person(f"ops-{n}", ("ops_lead",), "example", "eu", ()) for n in range(1, 8)})
OFFICER = Person("wanda", ("wellness_officer",), "example", "eu", ())


def exposed_desk(tmp_path: Path, people: int) -> Wellness:
    desk = Wellness(tmp_path / "hr" / "wellness.sqlite")
    for number in range(1, people + 1):
        desk.begin(f"ops-{number}", "text", f"t{number}", NOW + timedelta(minutes=10), run="r", now=NOW)
    return desk


def test_a_sum_needs_five_exposed_people(tmp_path: Path) -> None:
    later = NOW + timedelta(hours=1)
    four = {one.exposure: one for one in sum_up(exposed_desk(tmp_path / "four", 4), PEOPLE, now=later)}
    assert (four["text"].minutes, four["text"].items) == (None, None)
    five = {one.exposure: one for one in sum_up(exposed_desk(tmp_path / "five", 5), PEOPLE, now=later)}
    assert (five["text"].minutes, five["text"].items) == (50.0, 5)
    assert five["csea"].minutes is None


def test_ones_own_figures_are_for_oneself_and_the_officer() -> None:
    one, other = PEOPLE.person("ops-1"), PEOPLE.person("ops-2")
    require_sight(one, "ops-1")
    require_sight(OFFICER, "ops-1")
    with pytest.raises(SightRefused):
        require_sight(other, "ops-1")
    with pytest.raises(SightRefused):
        require_officer(one)


@pytest.mark.parametrize(
    "folder",
    ["schemas", "workflows", "activities", "bench", *(f"watchfloor/{name}" for name in ("postmortem", "ledger"))],
)
def test_no_run_record_or_figure_reads_the_wellness_store(folder: str) -> None:
    readers = []
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if any(name.startswith("watchfloor.wellness") for name in names) or "wellness.sqlite" in text:
                readers.append(file.name)
    assert readers == []
