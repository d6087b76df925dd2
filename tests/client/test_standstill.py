"""Why a run stands still, told from its board, its plan and what the engine says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.incident import Board
from schemas.plan import Plan
from tests.cli.boards import ask, board
from watchfloor.client.library import plan_for_start
from watchfloor.client.liveness import Attempt, Liveness
from watchfloor.client.standstill import Reason, find_reasons, find_rung, list_seats, say_error, say_verdict

NOW = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
WORKING = Liveness(1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_for_start("eu-tco-removal-order")[0]


def step(path: str, kind: str, state: str = "running", detail: str = "") -> dict[str, Any]:
    name = path.rpartition("/")[2].partition("[")[0]
    return {
        "path": path,
        "step": name,
        "kind": kind,
        "name": "",
        "state": state,
        "since": "2026-11-22T03:10:00Z",
        "detail": detail,
    }


def reasons(said: Board, plan: Plan | None, live: Liveness = WORKING, *children: Board) -> list[Reason]:
    return find_reasons(said, plan, live, NOW, children)


def test_a_question_says_whose_seat_is_open_until_when_and_what_then(plan: Plan) -> None:
    ladder = [{"at": "2026-11-22T03:18:00Z", "kind": "escalate", "roles": ["exec_sponsor"]}]
    (one,) = reasons(board(asks=[ask(ladder=ladder)], steps=[step("triage/order_doubt", "decide", "waiting")]), plan)
    assert (one.kind, one.until, one.path) == ("person", "2026-11-22T03:20:00Z", "triage/order_doubt")
    assert one.who == ("legal_counsel", "exec_sponsor or deputy")
    assert "exec_sponsor paged at 03:18 UTC" in one.then
    assert one.needs_somebody


def test_who_was_paged_and_has_not_taken_it_is_told(plan: Plan) -> None:
    page: Any = {"id": "p1", "ask": ask()["ask"], "told": ["legal_counsel"], "step": "", "clock": "", "path": ""}
    waits = board(asks=[ask()], pages=[page], page_dues={"p1": "2026-11-22T03:15:00Z"})
    (one,) = reasons(waits, plan)
    assert "Nobody has acknowledged the page to legal_counsel; it climbs at 03:15 UTC" in one.do
    page["acknowledged"] = {"by": "counsel-1", "how": "statement", "role": "legal_counsel", "at": ""}
    (one,) = reasons(waits, plan)
    assert "counsel-1 acknowledged the page" in one.do


@pytest.mark.parametrize(
    ("view", "live", "kind", "words", "until"),
    [
        (
            step("triage/screen", "action"),
            Liveness(1, (Attempt("screen.imminent_threat", 3, False, "2026-11-22T03:12:30Z", "unavailable"),)),
            "retry",
            "Attempt 3 of `screen.imminent_threat` comes by itself; the last one failed: the target did not answer",
            "2026-11-22T03:12:30Z",
        ),
        (
            step("triage/screen", "action", "retrying", "again at 2026-11-22T03:40:00Z"),
            WORKING,
            "retry",
            "Another attempt of `screen.imminent_threat` comes by itself. At most 3 attempts.",
            "2026-11-22T03:40:00Z",
        ),
        (
            step("triage/screen", "action"),
            Liveness(1, (Attempt("screen.imminent_threat", 1, True, None, ""),)),
            "action",
            "`screen.imminent_threat` is under way",
            None,
        ),
        (
            step("triage/order_doubt/answer", "wait", "waiting", "until 2026-11-23T03:10:00Z"),
            WORKING,
            "fact",
            "Waits until the fact `clarification_received` is recorded",
            "2026-11-23T03:10:00Z",
        ),
        (
            step("containment/probe", "repeat", "waiting", "until 2026-11-22T03:13:00Z"),
            WORKING,
            "timer",
            "the next round",
            "2026-11-22T03:13:00Z",
        ),
    ],
)
def test_a_step_says_what_it_waits_for(
    plan: Plan, view: dict[str, Any], live: Liveness, kind: str, words: str, until: str | None
) -> None:
    (one,) = reasons(board(steps=[view]), plan, live)
    assert (one.kind, one.until) == (kind, until)
    assert words in one.what


def test_a_block_is_not_told_beside_the_step_inside_it(plan: Plan) -> None:
    views = [
        step("containment/remove", "for_each"),
        *(step(f"containment/remove[{n}]/disable", "action") for n in "012"),
    ]
    (one,) = reasons(board(steps=views), plan)
    assert one.what == "`content.disable` (3 of them) is under way."


def test_nobody_at_work_comes_before_everything_else(plan: Plan) -> None:
    said = board(
        asks=[ask()], paused={"by": "commander-eu-1", "role": "incident_commander", "at": "2026-11-22T03:11:00Z"}
    )
    found = reasons(said, plan, Liveness(0))
    assert [one.kind for one in found] == ["worker", "paused", "person"]
    assert say_verdict(said, found) == "It stands still: nobody carries it on."
    assert "commander-eu-1 as incident_commander paused it" in found[1].what


def test_that_the_engine_did_not_say_is_no_alarm(plan: Plan) -> None:
    assert reasons(board(), plan, Liveness(None)) == []


@pytest.mark.parametrize(
    ("kind", "words", "do"),
    [
        ("doubt", "not sent again until somebody says", "it happened, send it again, or give up"),
        ("failed", "screen failed: unavailable.", "try again, leave it out, or give up"),
    ],
)
def test_doubt_and_failure_say_what_can_be_done(plan: Plan, kind: str, words: str, do: str) -> None:
    asked = ask(kind=kind, path=f"triage/screen!{kind}", step="screen", title="screen failed: unavailable", action="x")
    (one,) = reasons(board(asks=[asked], steps=[step("triage/screen", "action")]), plan)
    assert one.kind == kind
    assert words in one.what
    assert do in one.do


def test_a_child_that_asks_nobody_is_waited_for_by_name(plan: Plan) -> None:
    report: Any = {
        "path": "legal_hold/hold",
        "kind": "hold",
        "workflow": "hold-a",
        "state": "freezing",
        "at": "x",
        "data": {},
    }
    said = board(children=[report], steps=[step("legal_hold/hold", "hold")])
    (one,) = reasons(said, plan)
    assert (one.kind, one.workflow) == ("child", "hold-a")
    child = board(workflow="hold-a", asks=[ask(kind="release")])
    assert [found.kind for found in reasons(said, plan, WORKING, child)] == ["person"]


def test_a_run_with_every_phase_done_says_what_closes_it(plan: Plan) -> None:
    phases = [{"name": phase["name"], "state": "done"} for phase in plan["phases"]]
    (one,) = reasons(board(phases=phases), plan)
    assert "has(facts.removal_verified) && steps.reply.ok" in one.what


def test_a_run_that_has_ended_waits_for_nothing(plan: Plan) -> None:
    said = board(state="closed", outcome="closed", asks=[ask()])
    assert reasons(said, plan, Liveness(0)) == []
    assert say_verdict(said, []) == "It has ended: closed."


def test_of_a_blind_question_only_how_many_have_answered_is_told() -> None:
    blind: Any = ask(blind=[{"any_of": ["legal_counsel"]}], answered=1)
    assert list_seats(blind) == ["1 of 1 have answered (blind)"]


def test_a_rung_that_was_taken_is_not_the_next() -> None:
    ladder = [
        {"at": "2026-11-22T03:12:00Z", "kind": "remind", "roles": ["legal_counsel"]},
        {"at": "2026-11-22T03:18:00Z", "kind": "escalate", "roles": ["exec_sponsor"]},
    ]
    asked: Any = ask(ladder=ladder, climbed=1)
    assert find_rung(asked) == ("2026-11-22T03:18:00Z", "escalate", ("exec_sponsor",))


def test_what_moves_by_itself_needs_nobody(plan: Plan) -> None:
    said = board(steps=[step("triage/screen", "action")])
    assert say_verdict(said, reasons(said, plan)) == "It moves by itself; nobody is needed now."


def test_a_failure_without_words_of_its_own_is_told_by_its_type() -> None:
    assert say_error("refused") == "the target said no"
    assert say_error("strange_thing") == "strange thing"
