"""People of a scenario answer and say other things; the real engine judges them."""

from pathlib import Path

from typer.testing import CliRunner

from watchfloor.cli.main import app

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks" / "four-eyes-deletion"


def test_a_person_either_chooses_or_says(tmp_path: Path) -> None:
    (tmp_path / "runbook.yaml").write_text((FOLDER / "runbook.yaml").read_text())
    story = (FOLDER / "scenarios.yaml").read_text().replace("say: abstain", "say: abstain, choose: approve")
    (tmp_path / "scenarios.yaml").write_text(story)
    result = CliRunner().invoke(app, ["test", str(tmp_path)])
    assert result.exit_code != 0
    assert "either chooses an option" in result.output
