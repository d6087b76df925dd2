"""The shelf gives runbooks by their id alone; a runbook is a regular file."""

import os
from pathlib import Path

import pytest

from watchfloor.client.errors import NotFound
from watchfloor.client.library import Shelf, compile_runbook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shelf" / "one").mkdir(parents=True)
    (tmp_path / "shelf" / "one" / "runbook.yaml").write_text("one", encoding="utf-8")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "runbook.yaml").write_text("secret", encoding="utf-8")
    return tmp_path


def test_a_runbook_is_found_by_its_id(folder: Path) -> None:
    assert Shelf(folder / "shelf")["one"][1] == b"one"


@pytest.mark.parametrize("name", ["../secret", "..", ".", "", "one/../../secret", "one\n", "one\0", "ONE", "x" * 70])
def test_what_is_no_id_is_joined_to_no_path(folder: Path, name: str) -> None:
    shelf = Shelf(folder / "shelf")
    assert name not in shelf
    with pytest.raises(KeyError):
        shelf[name]
    assert str(folder / "secret") not in shelf


def test_a_pipe_is_no_runbook(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "runbook.yaml")
    for path in (tmp_path / "runbook.yaml", tmp_path, Path("/dev/zero")):
        with pytest.raises(NotFound, match="no regular file"):
            compile_runbook(path)
