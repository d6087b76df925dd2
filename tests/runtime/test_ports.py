"""Ports: last time's, else the usual, else any; never one that is taken, never one twice."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchfloor.runtime import ports
from watchfloor.runtime.ports import choose_ports, is_free

NAMES = ["temporal", "ui", "sandbox", "smtp", "gateway-us"]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_second_start_takes_the_same_ports(tmp_path: Path) -> None:
    first = choose_ports(tmp_path, NAMES, usual=False)
    assert choose_ports(tmp_path, NAMES, usual=False) == first
    assert len(set(first.values())) == len(NAMES)
    assert all(is_free(port) for port in first.values())


def test_a_port_taken_in_the_meantime_is_replaced(tmp_path: Path, taken: int) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"temporal": taken}))
    chosen = choose_ports(tmp_path, NAMES, usual=False)
    assert chosen["temporal"] != taken
    assert json.loads((tmp_path / "ports.json").read_text()) == chosen


def test_the_usual_ports_are_taken_where_they_are_free(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    monkeypatch.setattr(ports, "USUAL", {"temporal": taken, "ui": free})
    chosen = choose_ports(tmp_path, NAMES)
    assert chosen["ui"] == free
    assert chosen["temporal"] != taken


@pytest.mark.parametrize("text", ["", "[]", '{"temporal": "7233", "ui": 99999, "sandbox": null}'])
def test_a_damaged_memory_of_ports_is_a_wish_lost_not_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert set(choose_ports(tmp_path, NAMES, usual=False)) == set(NAMES)


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_ports_are_chosen_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    assert max(choose_ports(tmp_path, NAMES, usual=False).values()) < 32_768
