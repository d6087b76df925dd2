"""People of a scenario answer and say other things; the real engine judges them."""

from pathlib import Path

from typer.testing import CliRunner

from watchfloor.cli.main import app

RUNBOOKS = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks"
FOLDER = RUNBOOKS / "four-eyes-deletion"


def test_a_person_either_chooses_or_says(tmp_path: Path) -> None:
    (tmp_path / "runbook.yaml").write_text((FOLDER / "runbook.yaml").read_text())
    story = (FOLDER / "scenarios.yaml").read_text().replace("say: abstain", "say: abstain, choose: approve")
    (tmp_path / "scenarios.yaml").write_text(story)
    result = CliRunner().invoke(app, ["test", str(tmp_path)])
    assert result.exit_code != 0
    assert "either chooses an option" in result.output


def test_people_approve_less_and_the_rest_is_never_done() -> None:
    """The stubs refuse every call but those over what was left."""
    result = CliRunner().invoke(app, ["test", str(RUNBOOKS / "narrowed-removal")])
    assert result.exit_code == 0, result.output
    assert "2 passed" in result.output


def test_a_narrowing_says_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "runbook.yaml").write_text((RUNBOOKS / "narrowed-removal" / "runbook.yaml").read_text())
    story = (RUNBOOKS / "narrowed-removal" / "scenarios.yaml").read_text().replace("to: {scope: DE}, ", "")
    (tmp_path / "scenarios.yaml").write_text(story)
    result = CliRunner().invoke(app, ["test", str(tmp_path)])
    assert result.exit_code != 0
    assert "what is left?" in result.output
