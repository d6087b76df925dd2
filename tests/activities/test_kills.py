"""Kill -9 at random moments: no effect twice, none lost, and the ledger verifies."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from watchfloor.ledger import SqliteLedger
from watchfloor.ledger.verify import verify_file

EFFECTS = 60
KILLS = 8
WORKER = Path(__file__).with_name("killed_worker.py")


@pytest.mark.slow
@pytest.mark.parametrize("idempotency", ["header", "lookup", "none"])
def test_no_kill_makes_an_effect_happen_twice_or_never(tmp_path: Path, target: Any, idempotency: str) -> None:
    dice = random.Random(idempotency)
    target.reset(honours_key=idempotency == "header")
    kills, asked = 0, set[str]()
    for attempt in range(KILLS + 5):
        command = [sys.executable, str(WORKER), str(tmp_path), target.url, idempotency, str(EFFECTS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            first = worker.stdout.readline()
            killer = threading.Timer(dice.uniform(0.0, 0.25), os.kill, (worker.pid, signal.SIGKILL))
            if attempt < KILLS:
                killer.start()
            told = first + worker.stdout.read()
            killer.cancel()
        asked |= {line.split()[1] for line in told.splitlines() if line.startswith("asked ")}
        kills += worker.returncode == -signal.SIGKILL
        if worker.returncode == 0:
            break
    assert worker.returncode == 0, "the work never came to its end"
    counts = Counter(target.effects)
    wanted = {f"{number:064x}" for number in range(EFFECTS)}
    print(f"{idempotency}: {kills} kills, {EFFECTS} effects, {len(asked)} asked, {sum(counts.values())} at the target")
    assert kills >= 2
    assert max(counts.values()) == 1
    # where nobody can look, an effect may be missing only if a person was asked about it
    assert wanted - set(counts) <= {f"{int(number):064x}" for number in asked}
    assert idempotency == "none" or not asked
    with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
        ledger.export("inc-a", tmp_path / "export.jsonl")
    assert verify_file(tmp_path / "export.jsonl", {}).findings == ()
