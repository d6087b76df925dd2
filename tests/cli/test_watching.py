"""Off a terminal, watching gives one line for each thing that is new, and none twice."""

from tests.cli.boards import ask, board, clock, view
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
