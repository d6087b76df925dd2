"""The demo as a newcomer runs it: the whole of it, against a real server."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_carries_an_incident_through_all_phases_and_leaves_nothing_running(tmp_path: Path) -> None:
    began = time.monotonic()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("WATCHFLOOR_", "TEMPORAL_"))}
    command = [Path(sys.executable).with_name("watchfloor"), "--home", tmp_path / "home", "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["passed"]
    assert {check["name"] for check in result["checks"]} >= {"handoff accepted", "legal hold active", "review written"}
    assert time.monotonic() - began < 90
    assert not (tmp_path / "home" / "stack.json").exists()
