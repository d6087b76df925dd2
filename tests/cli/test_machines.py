"""Keys of systems on the command line: what each sees is said when it is made and listed."""

from pathlib import Path

from typer.testing import CliRunner, Result

from watchfloor.cli.main import app
from watchfloor.ledger import SqliteLedger

runner = CliRunner()
SURROUNDINGS = {"COLUMNS": "200", "TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_NAMESPACE": "eu"}
"""An engine that is never asked: keys are a file."""


def run(home: Path, *words: str) -> Result:
    return runner.invoke(app, ["--home", str(home), "machines", *words], env=SURROUNDINGS)


def make(home: Path, *words: str) -> Result:
    return run(home, "make", "mod_queue", "--region", "eu", "--scope", "incidents:read", *words)


def test_a_key_says_which_compartments_it_sees_when_it_is_made_and_when_it_is_listed(tmp_path: Path) -> None:
    (tmp_path / "eu").mkdir()
    SqliteLedger(tmp_path / "eu" / "ledger.sqlite").close()
    made = make(tmp_path, "--clearance", "terror", "--clearance", "csea")
    assert made.exit_code == 0
    assert made.stdout.startswith("wf_")
    assert "it sees incidents of csea, terror too" in made.stderr
    assert "no incident of a compartment" in make(tmp_path).stderr
    listed = run(tmp_path, "list", "--region", "eu").stdout
    assert "CLEARED" in listed
    assert {"csea", "none"} <= set(listed.split())


def test_a_key_is_not_made_for_a_compartment_that_is_none(tmp_path: Path) -> None:
    """It would see nothing there, and whoever uses it would be told that there is nothing."""
    (tmp_path / "eu").mkdir()
    SqliteLedger(tmp_path / "eu" / "ledger.sqlite").close()
    refused = make(tmp_path, "--clearance", "teror")
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "did you mean `terror`?" in refused.stderr
    assert "no machine has a key" in run(tmp_path, "list", "--region", "eu").stdout
