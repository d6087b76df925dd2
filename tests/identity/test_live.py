"""A new person or rota needs no restart; a broken file takes nobody's phone away."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from tests.identity.rotas_text import ROLE, WEEK, at, people, rotas_of
from watchfloor.identity.live import LiveDirectory, live_rotas
from watchfloor.identity.people import Directory, PeopleRefused
from watchfloor.identity.reached import Reached
from watchfloor.identity.reaching import reach, reach_backup
from watchfloor.identity.rotas import NO_ROTAS, Rotas

ANN = "people:\n  ann: {roles: [legal_counsel], entity: e, region: eu, contacts: [desk_a]}\n"
BOB = "  bob: {roles: [legal_counsel], entity: e, region: eu, contacts: [desk_b]}\n"
INSTANT = at("01-08 12:00")


def resolve(rotas: Rotas, directory: Directory, when: datetime = INSTANT) -> Reached:
    return reach(ROLE, "eu", when, rotas=rotas, people=directory)


def test_who_is_on_call_is_reached_and_nobody_else(tmp_path: Path) -> None:
    rotas = rotas_of(tmp_path, WEEK)
    assert resolve(rotas, people("ann", "bob")) == Reached(ROLE, ("ann",), ("desk_a",), "on_call", {"ann": ("desk_a",)})
    later = resolve(rotas, people("ann", "bob"), INSTANT + timedelta(weeks=1))
    assert (later.people, later.destinations) == (("bob",), ("desk_b",))


def test_without_a_rota_everybody_who_holds_the_role_is_reached() -> None:
    found = resolve(NO_ROTAS, people("ann", "bob"))
    assert (found.people, found.how, found.fell_back) == (("ann", "bob"), "no_rota", False)


def test_in_a_gap_everybody_who_holds_the_role_is_reached_and_it_is_said(tmp_path: Path) -> None:
    found = resolve(rotas_of(tmp_path, WEEK), people("ann", "bob"), at("01-01 00:00"))
    assert (found.people, found.how, found.fell_back) == (("ann", "bob"), "nobody_on_call", True)


@pytest.mark.parametrize("left", ["gone", "other role", "no contacts"])
def test_somebody_on_call_who_cannot_be_reached_is_a_gap(tmp_path: Path, left: str) -> None:
    text = {
        "gone": "people:\n" + BOB,
        "other role": ANN.replace("legal_counsel", "deputy") + BOB,
        "no contacts": ANN.replace("[desk_a]", "[]") + BOB,
    }[left]
    (tmp_path / "people.yaml").write_text(text)
    found = resolve(rotas_of(tmp_path, WEEK), LiveDirectory(tmp_path / "people.yaml", "eu"))
    assert (found.destinations, found.fell_back) == (("desk_b",), True)


def test_the_backup_is_everybody_else_who_holds_the_role(tmp_path: Path) -> None:
    everybody = people("ann", "bob")
    on_call = reach_backup(ROLE, "eu", INSTANT, rotas=rotas_of(tmp_path, WEEK), people=everybody)
    assert (on_call.people, on_call.destinations) == (("bob",), ("desk_b",))
    alone = reach_backup(ROLE, "eu", INSTANT, rotas=NO_ROTAS, people=everybody)
    assert alone.people == ("ann", "bob")


def test_a_role_that_nobody_holds_reaches_nobody() -> None:
    found = reach("exec_sponsor", "eu", INSTANT, rotas=NO_ROTAS, people=people("ann"))
    assert (found.people, found.destinations, found.how) == ((), (), "nobody")


def test_a_new_person_is_there_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(ANN)
    directory = LiveDirectory(file, "eu")
    assert directory.find("bob") is None
    file.write_text(ANN + BOB)
    assert [one.id for one in directory.holders(ROLE, "eu")] == ["ann", "bob"]
    assert len(directory) == 2
    file.write_text("people:\n" + BOB)
    assert directory.find("ann") is None


def test_a_file_that_is_replaced_with_another_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(ANN)
    directory = LiveDirectory(file, "eu")
    stamp = file.stat().st_mtime_ns
    other = tmp_path / "new.yaml"
    other.write_text(ANN.replace("ann", "amy"))
    os.utime(other, ns=(stamp, stamp))
    other.replace(file)
    assert directory.find("amy") is not None


@pytest.mark.parametrize("broken", ["people: {}\n", "people: [", "", None])
def test_a_broken_or_missing_new_file_leaves_the_last_good_one_in_use_and_is_said_once(
    tmp_path: Path, broken: str | None
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(ANN)
    directory = LiveDirectory(file, "eu")
    with structlog.testing.capture_logs() as logs:
        file.unlink() if broken is None else file.write_text(broken)
        assert directory.find("ann") is not None
        assert directory.find("ann") is not None
        assert "people.yaml:" in directory.trouble
        assert [one["event"] for one in logs] == ["file refused, the last good one stays in use"]
        file.write_text(ANN + BOB)
        assert directory.find("bob") is not None
        assert directory.trouble == ""


def test_a_directory_that_this_process_cannot_use_is_refused_like_a_broken_one(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(ANN)
    directory = LiveDirectory(file, "eu")

    def check(found: Directory) -> None:
        if any("carrier_pigeon" in one.contacts for one in found):
            raise PeopleRefused(f"{file}:1:1: carrier_pigeon is no channel")

    directory.require(check)
    file.write_text(ANN + BOB.replace("desk_b", "carrier_pigeon"))
    assert directory.find("bob") is None
    assert "carrier_pigeon" in directory.trouble


def test_rotas_come_change_and_go_while_they_are_used(tmp_path: Path) -> None:
    file = tmp_path / "rotas.yaml"
    rotas = live_rotas(file, "eu")
    assert rotas.now() == NO_ROTAS
    rotas_of(tmp_path, WEEK)
    assert resolve(rotas.now(), people("ann", "bob")).people == ("ann",)
    rotas_of(tmp_path, WEEK.replace("[ann, bob]", "[bob, ann]"))
    assert resolve(rotas.now(), people("ann", "bob")).people == ("bob",)
    file.write_text("rotas: 7\n")
    assert resolve(rotas.now(), people("ann", "bob")).people == ("bob",)
    assert "rotas.yaml:1:" in rotas.trouble
    file.unlink()
    assert resolve(rotas.now(), people("ann", "bob")).how == "no_rota"


def test_a_broken_file_at_the_start_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rotas.yaml").write_text("rotas: 7\n")
    with pytest.raises(PeopleRefused, match=r"rotas.yaml:1:"):
        live_rotas(tmp_path / "rotas.yaml", "eu")
    with pytest.raises(PeopleRefused, match="cannot be read"):
        LiveDirectory(tmp_path / "people.yaml", "eu")
