"""`watchfloor print` with no stack, no engine and no home."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app
from watchfloor.client.library import library_folder, library_ids

RUN = CliRunner()


def test_a_runbook_prints_with_nothing_else_there(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["--home", str(tmp_path / "none"), "print", "eu-tco-removal-order"])
    assert done.exit_code == 0
    assert done.stdout.startswith("# EU terrorist content removal order")
    assert not (tmp_path / "none").exists()


def test_all_of_the_library_in_both_formats(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["--home", str(tmp_path), "print", "--all", "--out", str(tmp_path / "sheets"), "--json"])
    assert done.exit_code == 0
    written = json.loads(done.stdout)
    names = {Path(one["file"]).name for one in written}
    assert names == {f"{name}.{kind}" for name in library_ids() for kind in ("md", "html")}
    assert all(Path(one["file"]).read_text().count(one["plan"]) for one in written)


def test_a_runbook_with_a_mistake_keeps_no_other_from_being_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    (shelf / "aa-broken").mkdir(parents=True)
    for shipped in library_folder().iterdir():
        (shelf / shipped.name).symlink_to(shipped)
    (shelf / "aa-broken" / "runbook.yaml").write_text("runbook: aa-broken\n")
    monkeypatch.setattr("watchfloor.client.library.library_folder", lambda: shelf)
    words = ["--home", str(tmp_path / "none"), "print", "--all", "--out", str(tmp_path / "sheets")]
    done = RUN.invoke(app, words)
    assert done.exit_code == 1
    assert "NOT PRINTED: aa-broken" in done.stderr
    assert (tmp_path / "sheets" / "eu-tco-removal-order.html").exists()
    assert not (tmp_path / "sheets" / "aa-broken.html").exists()
    told = json.loads(RUN.invoke(app, [*words, "--json"]).stdout)
    assert [one["runbook"] for one in told if one.get("refused")] == ["aa-broken"]


def test_the_files_name_says_the_format(tmp_path: Path) -> None:
    file = tmp_path / "order.html"
    done = RUN.invoke(app, ["--home", str(tmp_path), "print", "eu-tco-removal-order", "-o", str(file)])
    assert done.exit_code == 0
    assert file.read_text().startswith("<!doctype html>")


def test_a_contact_list_that_does_not_load_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "contacts.yaml").write_text("checked: never\n")
    file = tmp_path / "order.md"
    done = RUN.invoke(app, ["--home", str(tmp_path), "print", "eu-tco-removal-order", "-o", str(file)])
    assert done.exit_code == 3
    assert "contacts.yaml:1:" in done.stderr
    assert not file.exists()


def test_one_runbook_or_all_but_not_both_and_not_neither(tmp_path: Path) -> None:
    for words in (["print"], ["print", "eu-tco-removal-order", "--all"], ["print", "--all"]):
        assert RUN.invoke(app, ["--home", str(tmp_path), *words]).exit_code == 2
