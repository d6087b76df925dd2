"""What a face prints about a statement that was sent: it names the step that was answered, or the run alone."""

import pytest

from watchfloor.cli.speaking import report_sent
from watchfloor.client.statements import Sent


@pytest.mark.parametrize(
    ("path", "what", "at_step", "line"),
    [
        ("triage/doubt", "`clarify` by counsel-1", True, "recorded: `clarify` by counsel-1 at triage/doubt of inc-1"),
        ("take_command", "commander-eu-1 commands", False, "recorded: commander-eu-1 commands, in inc-1"),
    ],
)
def test_a_way_to_steer_is_no_place(
    path: str, what: str, at_step: bool, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report_sent(Sent("inc-1", path, "sha256:0", True, "recorded", (), ""), what, as_json=False, at_step=at_step)
    assert capsys.readouterr().out.splitlines()[0] == line
