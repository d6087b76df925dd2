"""`watchfloor timing` prints the worst case of each clock, for people and for programs."""

import json

from typer.testing import CliRunner

from watchfloor.cli.main import app


def test_the_table_names_every_contribution_and_what_is_left() -> None:
    result = CliRunner().invoke(app, ["timing", "eu-tco-removal-order"])
    assert result.exit_code == 0, result.output
    for words in ("order_doubt", "worst case", "legal pause: answer", "fits: 1m 45s left", "asks the commander"):
        assert words in result.output


def test_json_holds_engine_people_and_legal_pauses_apart() -> None:
    result = CliRunner().invoke(app, ["timing", "eu-tco-removal-order", "--json"])
    removal = json.loads(result.stdout)["clocks"][0]
    assert removal["engine"] + removal["people"] == removal["worst_case"]
    assert removal["slack"] == removal["length"] - removal["worst_case"]
    assert removal["fits"] is True
    assert [pause["step"] for pause in removal["legal_pauses"]] == ["answer"]
    assert sum(part["seconds"] for part in removal["contributions"]) == removal["worst_case"]


def test_an_unknown_runbook_is_named() -> None:
    assert CliRunner().invoke(app, ["timing", "no-such-runbook"]).exit_code != 0
