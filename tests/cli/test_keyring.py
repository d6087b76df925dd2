"""`watchfloor keys`: what is on the disk, and what the commands make of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.ledger import Entry
from watchfloor.cli.keyring_files import keyrings, list_all, revoke_in
from watchfloor.cli.main import app
from watchfloor.client.errors import Refused
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.certificates import ROOT
from watchfloor.regions.keys import KeysRefused
from watchfloor.runtime import doctor_home
from watchfloor.runtime.provision import provision


@pytest.fixture
def home(tmp_path: Path) -> Path:
    provision(tmp_path, "us")
    return tmp_path


def run(home: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["--home", str(home), *arguments])


def test_rotation_without_an_engine_needs_anyway_and_the_list_shows_both(home: Path) -> None:
    old = keyrings(home, "us")[0].face_kid()
    refused = run(home, "keys", "rotate", "--region", "us")
    assert refused.exit_code == 3
    assert keyrings(home, "us")[0].face_kid() == old
    rotated = run(home, "keys", "rotate", "--region", "us", "--days", "30", "--anyway", "--json")
    fresh = json.loads(rotated.output)["kid"]
    rows = json.loads(run(home, "keys", "list", "--json").output)
    assert rows["roots"][0]["private_half_here"] is True
    assert {row["kid"]: row["state"] for row in rows["keys"]} == {old: "verifies", fresh: "in_use"}


def test_a_key_belongs_to_one_region_which_must_be_named(home: Path) -> None:
    provision(home, "eu")
    assert run(home, "keys", "rotate", "--anyway").exit_code == 2
    assert run(home, "keys", "decisions", "0" * 16).exit_code == 2


def test_revoking_the_key_in_use_makes_another_and_is_done_once(home: Path) -> None:
    ring = keyrings(home, "us")[0]
    old = ring.face_kid()
    done = revoke_in(ring, old, None, since="-2h", reason="laptop stolen")
    assert ring.face_kid() == done.new_kid != old
    assert {row.kid: row.state for row in list_all(ring)} == {old: "revoked", done.new_kid: "in_use"}
    again = revoke_in(ring, old, None, since="now", reason="laptop stolen")
    assert (again.envelope, again.new_kid) == (done.envelope, "")
    earlier = revoke_in(ring, old, None, since="-3h", reason="seen earlier")
    assert earlier.since < done.since
    assert ring.book.revoked() == {old: earlier.since}


def test_a_revocation_needs_a_reason_the_root_and_no_future(home: Path, tmp_path: Path) -> None:
    ring = keyrings(home, "us")[0]
    kid = ring.face_kid()
    with pytest.raises(Refused):
        revoke_in(ring, kid, None, since="now", reason=" ")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    with pytest.raises(Refused):
        revoke_in(ring, kid, None, since=later, reason="x")
    (ring.book.directory / ROOT).rename(tmp_path / "away")
    with pytest.raises(KeysRefused, match="--root"):
        revoke_in(ring, kid, None, since="now", reason="x")
    assert ring.face_kid() == kid
    assert revoke_in(ring, kid, tmp_path / "away", since="now", reason="x").new_kid


def entry(n: int, kind: str, at: datetime, chain: str = "inc-a", **data: Any) -> Entry:
    return {
        "v": 1,
        "id": f"{chain}:{n}",
        "chain": chain,
        "kind": kind,
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "actor": "lena",
        "step": "erase",
        "path": "containment/erase",
        "data": data,
    }


def test_everything_said_under_a_key_is_listed_before_and_after_its_compromise(home: Path) -> None:
    ring = keyrings(home, "us")[0]
    kid, now = ring.face_kid(), datetime.now(UTC)
    early, late = now - timedelta(hours=5), now - timedelta(hours=1)
    with SqliteLedger(ring.ledger_path) as ledger:
        ledger.append(
            [
                entry(1, "decision.recorded", early, kid=kid, option="approve", role="legal_counsel", statement="d1"),
                entry(2, "decision.recorded", late, kid="other", option="approve", role="x", statement="d2"),
                entry(3, "decision.recorded", late, kid=kid, option="deny", role="legal_counsel", statement="d3"),
                entry(4, "key.revoked", late, kid=kid, since="2020-01-01T00:00:00Z"),
                entry(5, "decision.voided", late, kid=kid, persons=["lena"], statements=["d3"]),
                entry(1, "fact.recorded", late, "inc-b", kid=kid, fact="annulled", role="", statement="d4"),
            ]
        )
    revoke_in(ring, kid, None, since="-2h", reason="laptop stolen")
    found = json.loads(run(home, "keys", "decisions", kid, "--json").output)
    assert [(one["chain"], one["what"], one["suspect"], one["void"]) for one in found] == [
        ("inc-a", "approve", True, False),
        ("inc-a", "deny", True, True),
        ("inc-b", "annulled", True, False),
    ]
    shown = run(home, "keys", "decisions", kid)
    assert "3 statements" in shown.output
    assert "VOID" in shown.output


def test_the_doctor_warns_of_a_certificate_that_ends_soon_and_of_a_revoked_key(home: Path) -> None:
    directory, now = home / "us", datetime.now(UTC)
    assert doctor_home.face_certificate(directory).level == "ok"
    soon = doctor_home.face_certificate(directory, now + timedelta(days=360))
    assert (soon.level, soon.fix) == ("warn", "watchfloor keys rotate --region us")
    assert doctor_home.face_certificate(directory, now + timedelta(days=366)).level == "fail"
    ring = keyrings(home, "us")[0]
    face = ring.book.directory / "face.ed25519"
    kept = face.read_text()
    revoke_in(ring, ring.face_kid(), None, since="now", reason="laptop stolen")
    assert doctor_home.face_certificate(directory).level == "ok"
    face.write_text(kept)
    assert doctor_home.face_certificate(directory).level == "fail"
