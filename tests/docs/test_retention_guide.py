"""The examples of the guide to retention: each case as it is written, asked as it is written, says what is printed."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "retention.md"
CASES = dict(re.findall(r"```yaml\n# (\S+\.yaml)\n(.*?)```", GUIDE.read_text(), re.DOTALL))
ASKED = re.findall(
    r"```console\nwatchfloor (retention explain .*?)\n```\n\n```text\n(.*?)```", GUIDE.read_text(), re.DOTALL
)


def test_every_case_is_asked() -> None:
    assert {command.split()[2] for command, _ in ASKED} == set(CASES)


@pytest.mark.parametrize(("command", "printed"), ASKED, ids=[command for command, _ in ASKED])
def test_the_printed_reasoning_is_what_the_command_says(
    command: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in CASES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command.split())
    assert (result.exit_code, result.stdout) == (0, printed)
