"""`watchfloor clocks`: the register as a table, what is to be reviewed, and how a due instant comes about."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.language.embedding import embed
from watchfloor.cli.main import app


def run(*words: str, command: str = "clocks") -> tuple[int, str]:
    answer = CliRunner().invoke(app, [*command.split(), *words])
    return answer.exit_code, answer.output


def test_the_table_gives_each_row_its_time_mark_owner_and_review() -> None:
    code, out = run("list", "--as-of", "2026-11-28")
    assert code == 0
    assert "us.takeitdown                   48h             V legal-us         2027-05-01\n" in out
    assert "us.cybertip.report              ours 4h         V legal-us         2027-05-01\n" in out
    assert "eu.tco.preserve                 keep 6 months   T legal-eu         2027-05-01\n" in out
    assert "us.state.breach.ca              30d calendar    S privacy-us       2027-05-01\n" in out
    assert "de.netzdg                       was 24h         S legal-eu         2027-05-01\n" in out
    assert max(map(len, out.splitlines())) <= 90
    assert out.endswith("T reported, P our own choice\n")


def test_rows_are_chosen_by_owner_and_by_their_review() -> None:
    code, out = run("list", "--owner", "legal-in", "--overdue", "--as-of", "2027-02-21", "--json")
    assert code == 0
    rows = json.loads(out)["rows"]
    assert {row["owner"] for row in rows} == {"legal-in"}
    assert len(rows) == 5
    assert run("list", "--overdue", "--as-of", "2026-11-28")[1] == "no row of the register\n"
    code, out = run("list", "--owner", "nobody")
    assert code == 2
    assert "the owners are dpo-eu, legal-au" in out


def test_what_comes_due_is_listed_and_what_is_over_is_a_finding() -> None:
    assert run("due", "--as-of", "2026-11-28", "--within", "80") == (0, "no row of the register\n")
    code, out = run("due", "--as-of", "2026-11-28", "--within", "90")
    assert code == 0
    assert out.count("2027-02-20\n") == 5
    code, out = run("due", "--as-of", "2027-03-01", "--owner", "legal-in")
    assert code == 1
    assert out.count("OVERDUE") == 5


def test_an_hour_is_explained_in_one_step() -> None:
    code, out = run("explain", "eu.tco.removal", "--start", "2026-11-22T03:10:00Z")
    assert code == 0
    assert "  pauses     clarification_requested, force_majeure; then it begins anew\n" in out
    assert out.endswith("  2. 1 h on the wall clock\n  3. due: Sun 2026-11-22 04:10:00Z\n")


def test_calendar_days_name_the_midnight_and_the_change_of_clocks() -> None:
    _, out = run("explain", "us.state.breach.ca", "--start", "2027-02-20T09:00:00-08:00")
    assert "30 calendar days later is Mon 2027-03-22" in out
    assert "the clocks there change meanwhile, from UTC-08:00 to UTC-07:00" in out
    assert out.endswith("due: Tue 2027-03-23 07:00:00Z\n")


def test_business_days_name_each_day_that_is_left_out() -> None:
    place = ("--place", "DE-BY", "--zone", "Europe/Berlin")
    code, out = run("explain", "ours.postmortem", "--start", "2026-12-21T12:00:00Z", *place)
    assert code == 0
    for named in (
        "Fri 2026-12-25: Christmas Day (DE-BY)",
        "Wed 2027-01-06: Epiphany (DE-BY)",
        "Sun 2027-01-03: weekend",
    ):
        assert f"left out: {named}" in out
    assert out.endswith("due: Thu 2027-01-07 23:00:00Z\n")
    _, plain = run("explain", "ours.postmortem", "--start", "2026-12-21T12:00:00Z")
    assert "Christmas" not in plain
    assert plain.endswith("due: Mon 2027-01-04 12:00:00Z\n")


def test_a_start_beyond_the_calendar_asks_for_a_check_by_hand() -> None:
    _, out = run("explain", "us.state.breach.ca", "--start", "2031-02-20T09:00:00Z")
    assert "check by hand: offsets and holidays are known to 2030-12-31 only" in out


def test_the_reckoning_as_data() -> None:
    code, out = run("explain", "us.takeitdown", "--start", "2026-11-22T03:10:00+01:00", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["row"]["owner"] == "legal-us"
    assert told["reckoning"]["due_at"] == "2026-11-24T02:10:00Z"
    assert json.loads(run("explain", "us.takeitdown", "--json")[1])["reckoning"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("eu.tco.remov",), "did you mean `eu.tco.removal`?"),
        (("eu.tco.removal", "--start", "noon"), "no instant"),
        (("eu.tco.removal", "--start", "2026-11-22T03:10:00"), "no instant"),
        (("eu.tco.removal", "--start", "9999-12-31T00:00:00Z"), "out of range"),
        (("eu.tco.removal", "--place", "DE", "--zone", "Europe/Berlin"), "not counted in business days"),
        (("ours.postmortem", "--place", "DE"), "go together"),
        (("ours.postmortem", "--place", "QQ", "--zone", "Europe/Berlin"), "country `QQ`"),
        (("ours.postmortem", "--place", "DE", "--zone", "Mars/Base"), "no time zone"),
        (("eu.tco.removal", "--register", "/nowhere/clocks.yaml"), "cannot read"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(words: tuple[str, ...], says: str) -> None:
    code, out = run("explain", *words)
    assert code == 2
    assert says in " ".join(out.replace("│", " ").split())


def test_another_register_is_read_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "clocks.yaml"
    file.write_text(
        "clocks:\n  - {id: our.own, kind: deadline, title: Ours, legal_ref: none, duration: 2h, basis: P, owner: us,"
        " review_after: '2027-01-01'}\n"
    )
    assert "our.own" in run("list", "--register", str(file))[1]
    file.write_text(file.read_text().replace("basis: P", "basis: Q"))
    code, out = run("list", "--register", str(file))
    assert code == 2
    assert "WF123" in out


def test_lint_warns_of_rows_past_their_review_that_are_in_use() -> None:
    code, out = run("eu-tco-removal-order", "--as-of", "2027-05-01", command="lint")
    assert (code, out) == (0, "1 runbook: nothing to say\n")
    code, out = run("eu-tco-removal-order", "--as-of", "2027-05-02", command="lint")
    assert code == 0
    assert out.count("warning[WF409]") == 3
    assert "`eu.tco.removal` was to be reviewed by 2027-05-01" in out
    assert "its owner is legal-eu" in out
    assert run("eu-tco-removal-order", "--as-of", "2027-05-02", "--strict", command="lint")[0] == 1
    assert run("--as-of", "2027-02-21", command="lint")[1].count("warning[WF409]") == 5


def test_lint_warns_a_year_before_a_calendar_ends_and_only_of_rows_that_are_used(tmp_path: Path) -> None:
    assert "WF413" not in run("--as-of", "2029-05-01", command="lint")[1]
    assert run("--as-of", "2030-06-01", command="lint")[1].count("warning[WF413]") == 7
    assert "WF413" not in run("eu-tco-removal-order", "--as-of", "2030-06-01", command="lint")[1]
    text = embed(
        "clocks:\n  notice: {use: us.state.breach.ca, start: facts.order_received, stop: facts.removed,"
        " on_breach: [{page: exec_sponsor}], on_close: {assign: legal_counsel}}\n"
    )
    (tmp_path / "runbook.yaml").write_text(text)
    code, out = run(str(tmp_path), "--as-of", "2030-06-01", command="lint")
    assert (code, out.count("warning[WF413]")) == (0, 1), out
    assert "`us.state.breach.ca` counts by a calendar that is known to 2030-12-31" in out
