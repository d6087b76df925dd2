"""What the sandbox answered survives kill -9; what it was told to break stays broken as often as told."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from watchfloor.sandbox.gate import Latency
from watchfloor.sandbox.store import KeyConflict, Store


def test_effects_faults_and_journal_survive_kill_9(running: Any, url: str, key: dict[str, str]) -> None:
    body = {"url": url, "scope": "eu"}
    with httpx2.Client(base_url=running.url, trust_env=False) as platform:
        first = platform.post("/items/disable", json=body, headers=key).json()
        platform.post("/_sandbox/faults", json=[{"match": {"path": "/pager"}, "status": 503, "times": 1}])
        calls = platform.get("/_sandbox/journal").json()["calls"]
    running.kill()
    running.start()
    with httpx2.Client(base_url=running.url, trust_env=False) as platform:
        assert platform.post("/items/disable", json=body, headers=key).json() == first
        assert platform.get("/_sandbox/effects").json()["counts"][url] == {"items/disable": 1}
        assert platform.get("/_sandbox/journal").json()["calls"][: len(calls)] == calls
        page = {"Idempotency-Key": key["Idempotency-Key"] + "-page"}
        statuses = [platform.post("/pager", json={"about": "x"}, headers=page).status_code for _ in range(2)]
        assert statuses == [503, 200]


def test_a_change_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def change_and_fail() -> None:
        with store.transaction():
            store.put("item", "a", {"x": 1})
            store.remember("key-1", "items/disable", "a", "d", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert store.get("item", "a") is None
    assert store.recall("key-1", "items/disable", "d") is None
    store.close()


def test_a_key_is_bound_to_its_action_and_body(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.remember("key-1", "items/disable", "a", "digest-1", {"ok": True})
    assert store.recall("key-1", "items/disable", "digest-1") == {"ok": True}
    for action, digest in (("items/disable", "digest-2"), ("items/restore", "digest-1")):
        with pytest.raises(KeyConflict):
            store.recall("key-1", action, digest)
    store.close()


def test_a_call_cut_short_by_a_crash_stays_in_the_journal_without_a_status(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open_call("POST", "/items/disable", "key-1", "a", "d")
    store.close()
    again = Store(tmp_path)
    assert [(call["path"], call["status"]) for call in again.journal()] == [("/items/disable", None)]
    again.close()


def test_latency_is_seeded_and_has_a_floor_and_an_end() -> None:
    first, second, other = (Latency(4.0, seed) for seed in (1, 1, 2))
    values = [first.seconds() for _ in range(200)]
    assert values == [second.seconds() for _ in range(200)]
    assert values != [other.seconds() for _ in range(200)]
    assert 0.004 <= min(values) < max(values) <= 0.028
    assert Latency(0.0, 1).seconds() == 0.0


def test_the_sandbox_imports_nothing_of_the_product() -> None:
    code = (
        "import sys, watchfloor.sandbox.__main__;"
        "print([m for m in sys.modules if m.split('.')[0] in {'schemas', 'workflows', 'activities', 'temporalio'}"
        " or m.startswith('watchfloor.') and not m.startswith('watchfloor.sandbox')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_port_in_use_is_said_plainly(running: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "watchfloor.sandbox", "--port", "1", "--smtp-port", str(running.smtp_port)),
            *("--state", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "the sandbox platform cannot start" in done.stderr
