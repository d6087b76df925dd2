"""What `watchfloor can` prints: the answer and what to do first, the policies behind it under that."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "authorisation.md"
PAUSE = ("control", "pause", "--runbook", "eu-tco-removal-order")


def can(tmp_path: Path, person: str, *more: str) -> tuple[int, str]:
    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["--home", str(tmp_path), "can", person, *more])
    return done.exit_code, done.output


def test_a_no_says_first_what_is_wanted_and_what_to_do(tmp_path: Path) -> None:
    code, said = can(tmp_path, "ops-1", *PAUSE)
    assert code == 1
    assert [line.split()[0] for line in said.splitlines()[:4]] == ["no:", "wants", "do", "rule"]
    assert "ask the incident commander" in said.splitlines()[2]
    assert "policy `run.steer` (runs.cedar:9)" in said.splitlines()[5]


def test_what_the_guide_shows_is_what_is_printed(tmp_path: Path) -> None:
    _, said = can(tmp_path, "ops-1", *PAUSE)
    (shown,) = re.findall(r"```text\n(no: ops-1 control pause\n.*?)```", GUIDE.read_text(), re.DOTALL)
    assert said == shown


def test_policies_about_other_options_are_named_in_one_line_and_no_more(tmp_path: Path) -> None:
    _, said = can(tmp_path, "ops-1", *PAUSE)
    assert said.count("  wants  ") == 1
    assert "`hold.renew`" in said.splitlines()[-1]
    assert "\n".join(said.splitlines()[:-1]).count("hold.renew") == 0


def test_for_programs_every_reason_is_there_in_full(tmp_path: Path) -> None:
    code, said = can(tmp_path, "ops-1", *PAUSE, "--json")
    answer = json.loads(said)
    assert (code, answer["allowed"], sorted(answer)) == (1, False, ["allowed", "permits", "reasons"])
    assert len([one for one in answer["reasons"] if one.startswith("policy `")]) == 9
    assert answer["reasons"][-1].startswith("engine: ")


@pytest.mark.parametrize("option", ["clarify", "refuse"])
def test_a_yes_names_the_policy_that_permits_it(tmp_path: Path, option: str) -> None:
    asked = ("decide", "order_doubt", "--option", option, "--runbook", "eu-tco-removal-order")
    assert can(tmp_path, "counsel-1", *asked) == (
        0,
        "yes: counsel-1 decide order_doubt\n  permitted by policy `decide.seat`\n",
    )
