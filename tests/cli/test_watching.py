"""Off a terminal, watching gives one line for each thing that is new, and none twice."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.boards import ask, board, clock, view
from watchfloor.cli.main import app
from watchfloor.cli.watching import changes


def test_the_first_look_says_what_is_there() -> None:
    lines = list(changes(None, view(board(asks=[ask()], clocks=[clock()]))))
    told = [line.split(" ", 1)[1] for line in lines]
    assert told[0].startswith("inc-abcdefghijklmnopqrst is open (S1")
    assert "phase triage" in told
    assert "clock removal running, due 2026-11-22T03:30:00Z" in told
    assert any(line.startswith("waits: triage/order_doubt until") and "watchfloor decide" in line for line in told)


def test_nothing_new_gives_no_line() -> None:
    same = view(board(asks=[ask()], clocks=[clock()]))
    assert list(changes(same, same)) == []


def test_each_change_is_one_line() -> None:
    before = view(board(asks=[ask()], clocks=[clock()]))
    step = {
        "path": "triage/screen",
        "step": "screen",
        "kind": "action",
        "name": "",
        "state": "done",
        "since": "2026-11-22T03:10:00Z",
        "detail": "",
    }
    inside = {**step, "path": "containment/remove[3]/disable"}
    after = view(
        board(
            clocks=[clock(state="met")],
            phase="containment",
            severity="S0",
            steps=[step, inside, {**inside, "state": "failed", "detail": "refused"}],
            loops=[{"path": "containment/remove", "step": "remove", "done": 3, "failed": 0, "total": 40}],
            state="closed",
            outcome="stopped_early",
        )
    )
    assert [line.split(" ", 1)[1] for line in changes(before, after)] == [
        "inc-abcdefghijklmnopqrst is closed: stopped_early (S0, EU terrorist content removal order (one hour))",
        "severity is now S0",
        "phase containment",
        "step triage/screen done",
        "step containment/remove[3]/disable failed: refused",
        "loop containment/remove: 3 of 40 done, 0 failed",
        "clock removal met, due 2026-11-22T03:30:00Z",
        "answered or over: triage/order_doubt",
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--gateway", "http://watchfloor.example.com"], "is not the address of a gateway"),
        (["--gateway", "https://watchfloor.example.com"], "this is no terminal"),
        (["--gateway", "https://watchfloor.example.com", "--as", "counsel-1"], "leave out --as"),
        (["--gateway", "https://watchfloor.example.com", "inc-4fkq"], "leave out an ID"),
        (["--gateway", "https://watchfloor.example.com", "--region", "eu"], "leave out --region"),
        (["--gateway", "https://watchfloor.example.com", "--json"], "leave out --json"),
    ],
)
def test_a_gateway_that_makes_no_sense_is_wrong_usage_and_nothing_is_asked(typed: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["watch", *typed], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_what_is_typed_counts_before_a_gateway_of_the_environment(tmp_path: Path) -> None:
    """With an ID it is this machine's stack that is asked, which is not there."""
    given = {"WATCHFLOOR_GATEWAY": "https://watchfloor.example.com", "COLUMNS": "200"}
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "watch", "inc-4fkq"], env=given)
    assert result.exit_code == 3
    assert "no region is named and no stack runs" in " ".join(result.output.split())
    alone = CliRunner().invoke(app, ["--home", str(tmp_path), "watch"], env=given)
    assert "this is no terminal" in " ".join(alone.output.replace("│", " ").split())
