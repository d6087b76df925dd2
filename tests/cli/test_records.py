"""The ledger is verified against anchors that the other region keeps; reviews are found by incident."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from activities.postmortem import MARKDOWN, PAGE
from schemas.ledger import CHECKPOINT, Checkpoint, Entry
from watchfloor.cli.main import app
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys
from watchfloor.signing import sign

INCIDENT = "inc-abcdefghijklmnopqrst"
REVIEW = "post-0123456789abcdef0123"


def entry(chain: str, n: int, **data: Any) -> Entry:
    return {
        "v": 1,
        "id": f"{chain}:{n}",
        "chain": chain,
        "kind": "phase.entered",
        "at": f"2026-11-22T03:10:{n:02d}Z",
        "actor": "engine",
        "step": "",
        "path": "",
        "data": data,
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two regions; the ledger of `eu` has five entries, of which `us` keeps a checkpoint."""
    for region in ("eu", "us"):
        (tmp_path / region).mkdir()
        RegionKeys.create(tmp_path / region / "keys")
        SqliteLedger(tmp_path / region / "ledger.sqlite").close()
    with SqliteLedger(tmp_path / "eu" / "ledger.sqlite") as ledger:
        ledger.append([entry(INCIDENT, n) for n in range(5)])
        ledger.append([entry(REVIEW, 1, incident=INCIDENT)])
        head = ledger.head(INCIDENT)
    assert head is not None
    body: Checkpoint = {
        "v": 1,
        "region": "eu",
        "chain": INCIDENT,
        "seq": head["seq"],
        "head": head["hash"],
        "at": "2026-11-22T03:11:00Z",
    }
    envelope = sign(CHECKPOINT, dict(body), RegionKeys.load(tmp_path / "eu" / "keys").ledger)
    kept = tmp_path / "us" / "anchors" / "eu" / f"{INCIDENT}.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(envelope) + "\n")
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["--home", str(home), *words])
    return answer.exit_code, answer.output


def test_an_anchor_of_the_other_region_is_used(home: Path) -> None:
    code, out = run(home, "ledger", "verify", "abcd")
    assert code == 0
    assert f"{INCIDENT}: 5 entries" in out
    assert "anchored up to 5" in out


def test_a_ledger_put_back_to_an_older_copy_is_found_by_the_anchor(home: Path) -> None:
    (home / "eu" / "ledger.sqlite").unlink()
    with SqliteLedger(home / "eu" / "ledger.sqlite") as ledger:
        ledger.append([entry(INCIDENT, n) for n in range(3)])
    code, out = run(home, "ledger", "verify", INCIDENT, "--json")
    assert code == 1
    report = json.loads(out)[0]
    assert report["ok"] is False
    assert report["verdict"] == "tampered"


def test_an_edited_export_is_found_without_an_anchor(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "incident.jsonl"
    assert run(home, "ledger", "export", INCIDENT, "-o", str(file))[0] == 0
    assert run(home, "ledger", "verify", str(file))[0] == 0
    file.write_text(file.read_text().replace('"actor":"engine"', '"actor":"person"', 1))
    code, out = run(home, "ledger", "verify", str(file))
    assert code == 1
    assert "edited: line 1" in out


def test_an_export_is_verified_elsewhere_with_handed_out_keys_and_anchors(home: Path, tmp_path: Path) -> None:
    file, keys = tmp_path / "incident.jsonl", tmp_path / "eu.public.json"
    run(home, "ledger", "export", INCIDENT, "-o", str(file))
    keys.write_text(json.dumps(RegionKeys.load(home / "eu" / "keys").public.to_json()))
    anchor = home / "us" / "anchors" / "eu" / f"{INCIDENT}.jsonl"
    elsewhere = tmp_path / "elsewhere"
    code, out = run(elsewhere, "ledger", "verify", str(file), "--keys", str(keys), "--anchor", str(anchor))
    assert code == 0
    assert "anchored up to 5" in out
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    assert run(elsewhere, "ledger", "verify", str(file), "--keys", str(keys), "--anchor", str(anchor))[0] == 1


def test_a_file_that_is_no_anchor_is_wrong_usage(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"head": "sha256:0"}')
    assert run(home, "ledger", "verify", "--anchor", str(bad))[0] == 2


def test_a_review_is_found_by_its_incident_or_its_own_id(home: Path) -> None:
    folder = home / "eu" / "postmortems" / INCIDENT
    assert run(home, "postmortem", INCIDENT)[0] == 2
    folder.mkdir(parents=True)
    (folder / MARKDOWN).write_text("# A review\n")
    (folder / PAGE).write_text("<!doctype html>\n")
    for words in ([], [INCIDENT], ["abcd"], [REVIEW]):
        code, out = run(home, "postmortem", *words)
        assert (code, out.strip()) == (0, "# A review")
    assert run(home, "postmortem", "--path")[1].strip() == str(folder)
