"""`watchfloor oncall` and `watchfloor rota`: what a person reads, what a program reads, what is written."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app
from watchfloor.identity.people import DEVELOPMENT_PEOPLE
from watchfloor.identity.rota_file import DEVELOPMENT_ROTAS

runner = CliRunner()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    (tmp_path / "rotas.yaml").write_text(DEVELOPMENT_ROTAS.read_text())
    return tmp_path


def run(home: Path, *words: str, code: int = 0) -> str:
    done = runner.invoke(app, ["--home", str(home), *words])
    assert done.exit_code == code, done.output
    return done.output


def uncover_holidays(home: Path) -> None:
    """Nobody covers the public holidays of Ireland any more."""
    text = (home / "rotas.yaml").read_text()
    assert "holidays: {place: IE, cover: [counsel-3]}" in text
    (home / "rotas.yaml").write_text(text.replace("{place: IE, cover: [counsel-3]}", "{place: IE}"))


def test_the_picture_shows_who_is_on_call_now_and_for_fourteen_days(home: Path) -> None:
    shown = run(home, "oncall", "--region", "eu", "--role", "legal_counsel", "--at", "2026-12-20T05:00Z")
    assert shown == (
        "On call at Sun 2026-12-20 05:00Z\n"
        "  eu legal_counsel  counsel-2  until Tue 2026-12-22 08:00Z, then counsel-1\n"
        "\n"
        "                         Sun Mon Tue Wed Thu Fri Sat Sun Mon Tue Wed Thu Fri Sat\n"
        "2026-12                  20  21  22  23  24  25  26  27  28  29  30  31   1   2\n"
        "eu\n"
        "legal_counsel            AAA AAA ABB BBB BBB BCC CCC CBB BBB BAA AAA AAA ACC CAA\n"
        "  A counsel-2  B counsel-1  C counsel-3\n"
        "\n"
        "three letters a day, 8 hours each from midnight UTC; ! gap, # double booking\n"
        "\n"
        "no gap and no double booking until Sun 2027-01-03 00:00Z\n"
    )


def test_a_holiday_gap_stands_out_in_the_picture_and_is_told_in_words_with_exit_code_one(home: Path) -> None:
    uncover_holidays(home)
    shown = run(home, "oncall", "--region", "eu", "--at", "2026-12-20T05:00Z", code=1)
    assert "legal_counsel            AAA AAA ABB BBB BBB B!! !!! !BB BBB BAA AAA AAA A!! !AA\n" in shown
    where = f"{home / 'rotas.yaml'}:"
    told = shown[shown.index("  GAP  ") :]
    assert told.startswith(
        "  GAP  eu legal_counsel (rota `eu-counsel`)\n"
        "    Fri 2026-12-25 08:00Z to Sun 2026-12-27 08:00Z, 2d\n"
        "    nobody is on call: Christmas Day in IE, Saint Stephen's Day in IE, and nobody covers\n"
        f"    {where}"
    )
    assert run(home, "oncall", "--region", "us", "--at", "2026-12-20T05:00Z")


def test_during_a_gap_it_says_that_nobody_is_on_call_and_who_is_next(home: Path) -> None:
    uncover_holidays(home)
    shown = run(home, "oncall", "--role", "legal_counsel", "--region", "eu", "--at", "2026-12-25T12:00Z", code=1)
    assert "  eu legal_counsel  NOBODY, then counsel-1 from Sun 2026-12-27 08:00Z\n" in shown


def test_instants_are_told_in_utc_and_in_the_rotas_own_zone(home: Path) -> None:
    shown = run(home, "oncall", "--region", "us", "--role", "incident_commander", "--at", "2026-07-01T05:00Z")
    assert "commander-us-2  until Tue 2026-07-07 15:00Z (08:00 Los Angeles), then commander-us-1" in shown


def test_the_json_has_shifts_and_problems_for_programs(home: Path) -> None:
    uncover_holidays(home)
    found = json.loads(run(home, "oncall", "--json", "--at", "2026-12-20T05:00Z", code=1))
    assert found["ok"] is False
    assert [(one["rota"], one["on_call"]) for one in found["rotas"]][2] == ("eu-counsel", ["counsel-2"])
    first = found["problems"][0]
    assert (first["kind"], first["from"], first["to"]) == ("gap", "2026-12-25T08:00:00Z", "2026-12-27T08:00:00Z")
    assert json.loads(run(home, "oncall", "--json", "--region", "us", "--at", "2026-12-20T05:00Z"))["problems"] == []


def test_the_picture_as_svg_is_the_same_each_time_and_names_the_gap(home: Path, tmp_path: Path) -> None:
    uncover_holidays(home)
    pictures = []
    for name in ("a.svg", "b.svg"):
        run(home, "oncall", "--at", "2026-12-20T05:00Z", "--svg", str(tmp_path / name), code=1)
        pictures.append((tmp_path / name).read_text())
    assert pictures[0] == pictures[1]
    assert '<rect class="rp-gap"' in pictures[0].partition("now (05:00Z)")[0]
    assert "<title>gap: 2026-12-25 08:00Z to 2026-12-27 08:00Z</title>" in pictures[0]


def test_a_calendar_goes_out_and_comes_back(home: Path, tmp_path: Path) -> None:
    calendar = str(tmp_path / "out.ics")
    run(home, "oncall", "--at", "2026-12-20T05:00Z", "--export", calendar)
    assert "says the same" in run(home, "rota", "import", calendar, "--rota", "eu-counsel")
    uncover_holidays(home)
    before = (home / "rotas.yaml").read_text()
    shown = run(home, "rota", "import", calendar, "--rota", "eu-counsel")
    assert "+       - {from: 2026-12-25T08:00Z, to: 2026-12-27T08:00Z, person: counsel-3}\n" in shown
    assert shown.endswith("nothing was written; add --write\n")
    assert (home / "rotas.yaml").read_text() == before
    run(home, "rota", "import", calendar, "--rota", "eu-counsel", "--write")
    run(home, "oncall", "--at", "2026-12-20T05:00Z")


def test_an_override_closes_a_gap(home: Path) -> None:
    uncover_holidays(home)
    words = ["rota", "override", "eu-counsel", "counsel-3", "--from", "2026-12-25T08:00Z", "--to", "2026-12-27T08:00Z"]
    assert "nothing was written" in run(home, *words)
    assert "written; it counts at once" in run(home, *words, "--write")
    found = json.loads(run(home, "oncall", "--json", "--at", "2026-12-20T05:00Z", "--days", "10"))
    assert found["problems"] == []


def test_two_people_swap_a_shift(home: Path) -> None:
    one, other = "counsel-1@2026-12-23T08:00Z", "counsel-2@2026-12-30T08:00Z"
    run(home, "rota", "swap", "eu-counsel", one, other, "--write")
    found = json.loads(
        run(home, "oncall", "--json", "--role", "legal_counsel", "--region", "eu", "--at", "2026-12-23T09:00Z")
    )
    assert found["rotas"][0]["on_call"] == ["counsel-2"]
    assert {shift["why"] for shift in found["rotas"][0]["shifts"]} == {"turn", "holiday", "swap"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["oncall", "--role", "comms_lead"], "no rota covers comms_lead"),
        (["oncall", "--at", "tomorrow"], "expected an instant with its zone"),
        (
            ["rota", "override", "none", "counsel-3", "--from", "now", "--to", "2099-01-01T00:00Z"],
            "there is no rota `none`",
        ),
        (
            ["rota", "override", "eu-counsel", "ops-1", "--from", "now", "--to", "2099-01-01T00:00Z"],
            "who does: counsel-1, counsel-2, counsel-3",
        ),
        (
            ["rota", "override", "eu-counsel", "counsel-3", "--from", "2099-01-01T00:00Z", "--to", "2099-01-01T00:00Z"],
            "does not lie after",
        ),
        (
            ["rota", "swap", "eu-counsel", "counsel-1@2026-12-23T09:00Z", "counsel-2@2026-12-30T08:00Z"],
            "`counsel-1` has no shift of `eu-counsel` that starts at 2026-12-23T09:00Z; near it: counsel-1@2026-12-",
        ),
        (["rota", "swap", "eu-counsel", "counsel-1", "counsel-2"], "expected a shift such as"),
        (["rota", "import", "missing.ics", "--rota", "eu-counsel"], "missing.ics cannot be read"),
    ],
)
def test_wrong_usage_is_told_with_what_would_be_right(home: Path, words: list[str], told: str) -> None:
    assert told in " ".join(run(home, *words, code=2).split())


def test_without_rotas_it_says_what_that_means(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    shown = " ".join(run(tmp_path, "oncall", code=2).split())
    assert "without rotas everybody who holds a role is told" in shown


def test_a_broken_file_ends_with_code_three_and_its_place(home: Path) -> None:
    (home / "rotas.yaml").write_text("rotas: 7\n")
    assert "rotas.yaml:1:1" in run(home, "oncall", code=3)
