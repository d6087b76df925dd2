"""The record of the guide, taken in on a real stack: nothing is done twice, what was in time is in time."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.e2e.floor import Floor
from watchfloor.cli.main import app

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "outage.md"


async def test_the_record_of_the_guide_is_taken_in_once_and_its_clock_is_met(floor: Floor, tmp_path: Path) -> None:
    found = re.search(r"^```yaml\n(# record\.yaml.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    file = tmp_path / "record.yaml"
    day = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    file.write_text(found[1].replace("2026-11-28", day))

    async def take(*more: str) -> str:
        words = ["--home", str(floor.stack.home), "import-by-hand", str(file), "--as", "commander-eu-1", *more]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "nothing was sent; 5 of 5 would be new" in await take("--dry-run")
    assert "5 recorded, 0 known already" in await take()
    incident = re.search(r"inc-[a-z0-9]+", await take("--json"))
    assert incident is not None
    board = await floor.closed(incident[0], patience=120)
    clocks = {clock["name"]: clock for clock in board["clocks"]}
    assert (clocks["removal"]["state"], clocks["removal"]["stopped_at"]) == ("met", f"{day}T04:40:00Z")
    assert clocks["removal"]["warned"] == []
    urls = set(re.findall(r"https://[^\s\"\],]+", found[1]))
    assert urls
    assert not urls & set(await floor.effects("items/disable"))
    steps = {step["path"]: step["state"] for step in board["steps"]}
    assert steps["containment/reply"] == "done", "what was not recorded is done by the run"
    assert "0 recorded, 5 known already" in await take()
