"""`diff` reads files, the library and git; its exit code says whether safety was weakened."""

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app

RUNBOOK = Path(__file__).resolve().parents[1] / "diff" / "base.yaml"
WEAKER = ("release: [legal_counsel, records_custodian]", "release: [{any_of: [legal_counsel, ops_lead]}, deputy]")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    text = RUNBOOK.read_text()
    assert WEAKER[0] in text
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(text)
    new.write_text(text.replace(*WEAKER))
    return old, new


def run(*words: object) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["diff", *map(str, words)])
    return answer.exit_code, answer.stdout, answer.stderr


def test_a_weakening_is_exit_code_one_and_the_other_way_round_is_not(files: tuple[Path, Path]) -> None:
    old, new = files
    code, out, _ = run(old, new)
    assert code == 1
    assert "legal_hold/hold: the release of the hold" in out
    assert run(new, old)[0] == 1, "a seat of others is never called stronger"
    assert run(old, new, "--exit-zero")[0] == 0
    assert run(old, old) == (0, "the same in meaning: nothing changed\n", "")


def test_json_has_both_places(files: tuple[Path, Path]) -> None:
    code, out, _ = run(*files, "--json")
    document = json.loads(out)
    assert (code, document["weakened"]) == (1, True)
    first = document["changes"][0]
    assert (first["danger"], first["kind"]) == ("weaker", "hold.release")
    assert first["old"]["line"] == first["new"]["line"]
    assert first["new"]["path"] == document["new"]


def test_a_revision_of_git_is_compared(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = files
    folder = old.parent
    (folder / "book").mkdir()
    (folder / "book" / "runbook.yaml").write_text(old.read_text())
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.test"]
    for words in (["init", "-q"], ["add", "book"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    monkeypatch.chdir(folder)
    assert run("HEAD:book/runbook.yaml", old)[0] == 0
    assert run("HEAD:book", new)[0] == 1
    monkeypatch.chdir(folder / "book")
    assert run("HEAD:runbook.yaml", old)[0] == 0
    for name in ("HEAD:nothing.yaml", "nowhere:runbook.yaml", "--output=x:runbook.yaml"):
        code, _, err = run("--", name, old)
        assert code == 2
        assert "git" in err


def test_a_runbook_with_errors_is_not_compared(files: tuple[Path, Path]) -> None:
    old, new = files
    new.write_text("runbook: broken\n")
    code, _, err = run(old, new)
    assert code == 1
    assert "new.yaml:1" in err


def test_nothing_of_that_name() -> None:
    assert run("nowhere", "eu-tco-removal-order")[0] == 2
