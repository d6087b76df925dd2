"""Machine keys: shown once, kept as a hash, limited in what they may do and for how long."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.identity.machines import LONGEST, MachineRefused, Machines

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path / "machines.sqlite")


def test_a_key_is_found_until_it_expires(machines: Machines) -> None:
    made, token = machines.make("mod_queue", ["incidents:read"], valid_for=DAY, now=NOW)
    found = machines.find(token, now=NOW + DAY - timedelta(seconds=1))
    assert found is not None
    assert (found.id, found.name, found.scopes) == (made.id, "mod_queue", ("incidents:read",))
    assert machines.find(token, now=NOW + DAY) is None


def test_the_store_holds_no_secret_and_is_its_owners_alone(machines: Machines, tmp_path: Path) -> None:
    _, token = machines.make("mod_queue", ["incidents:read"], valid_for=DAY, now=NOW)
    file = tmp_path / "machines.sqlite"
    assert token.split("_", 2)[2].encode() not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_the_last_use_is_noted_to_the_minute(machines: Machines) -> None:
    _, token = machines.make("mod_queue", ["incidents:read"], valid_for=DAY, now=NOW)
    for seconds in (1, 30, 61, 90):
        machines.find(token, now=NOW + timedelta(seconds=seconds))
    (kept,) = machines.list()
    assert kept.used_at == NOW + timedelta(seconds=61)


def test_a_revoked_key_stays_listed_and_opens_nothing(machines: Machines) -> None:
    made, token = machines.make("mod_queue", ["incidents:read"], valid_for=DAY, now=NOW)
    assert machines.revoke(made.id, now=NOW)
    assert machines.find(token, now=NOW) is None
    assert [one.state(NOW) for one in machines.list()] == ["revoked"]
    assert not machines.revoke(made.id, now=NOW)


@pytest.mark.parametrize(
    ("name", "scopes", "valid_for"),
    [
        ("Mod Queue", ["incidents:read"], DAY),
        ("mod_queue", [], DAY),
        ("mod_queue", ["decisions:make"], DAY),
        ("mod_queue", ["incidents:read"], LONGEST + DAY),
        ("mod_queue", ["incidents:read"], timedelta(0)),
    ],
)
def test_what_cannot_be_a_key_is_not_made(
    machines: Machines, name: str, scopes: list[str], valid_for: timedelta
) -> None:
    with pytest.raises(MachineRefused):
        machines.make(name, scopes, valid_for=valid_for)
    assert machines.list() == []
