"""The screen answers, in 80 columns, what waits on whom until when, and gives the command to type."""

import io
import shlex
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from rich.console import Console

from schemas.plan import Plan
from tests.cli.boards import DIGEST, ask, board, clock, view
from watchfloor.cli.board_view import View, render_view
from watchfloor.cli.main import app
from watchfloor.client.asks import Family
from watchfloor.client.attempts import Attempt

NOW = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))


def screen(shown: View, *, local: Any = UTC) -> str:
    console = Console(file=io.StringIO(), width=80, highlight=False, markup=False, emoji=False)
    console.print(render_view(shown, now=NOW, local=local))
    return cast(io.StringIO, console.file).getvalue()


def law(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "deadline",
        "legal_ref": "Reg. 2021/784 Art. 3(3)",
        "duration": 3600,
        "business_days": None,
        "months": None,
        "basis": "V",
        **changes,
    }


def plan(**laws: dict[str, Any]) -> Plan:
    clocks = {name: {"law": each, "start": {"src": "facts.order_received"}} for name, each in laws.items()}
    return cast(Plan, {"clocks": clocks})


def test_an_ask_says_who_until_when_and_what_silence_does() -> None:
    text = screen(view(board(asks=[ask()])))
    flat = " ".join(text.split())
    assert "The order fails its checks. What now?" in flat
    assert "clarify: legal_counsel; refuse: legal_counsel and exec_sponsor or deputy" in flat
    assert "until 03:20:00Z, 8m left" in flat
    assert "if nobody answers: exec_sponsor is paged, then the step fails" in flat
    assert "shown: steps.authenticate.failures = signature_page_missing" in flat


def test_local_time_stands_beside_utc_where_it_differs() -> None:
    assert "until 03:20:00Z (04:20 local)" in screen(view(board(asks=[ask()])), local=BERLIN)


@pytest.mark.parametrize(
    "asked",
    [
        ask(),
        ask(path="containment/remove[3]/disable!failed", step="", kind="failed", options={"retry": [], "skip": []}),
        ask(kind="task", options={"done": []}, form={"informed_at": {"type": "timestamp"}}),
        ask(
            kind="handoff",
            options={"accept": [], "decline": []},
            form={"severity": {"type": "string", "optional": True}},
        ),
    ],
)
def test_the_command_given_can_be_pasted_and_is_understood(asked: dict[str, Any]) -> None:
    text = screen(view(board(asks=[asked])))
    start = text.index("watchfloor decide")
    command = text[start : text.index('--reason "…"', start) + len('--reason "…"')].replace("\\\n", " ")
    words = shlex.split(command)
    import typer.main

    root: Any = typer.main.get_command(app)
    parsed = root.commands["decide"].make_context("decide", words[2:])
    assert parsed.params["step"] in {asked["step"], asked["path"]}
    assert parsed.params["option"].split("|") == list(asked["options"])
    assert parsed.params["run"] == "inc-abcdefgh"


def test_the_remaining_time_counts_from_this_moment_not_from_the_boards() -> None:
    """The run's own clock stands still while it waits for a person."""
    text = screen(view(board(clocks=[clock()], now="2026-11-22T03:09:30Z"), plan=plan(removal=law())))
    assert "18m left, due 03:30:00Z" in text


def test_a_clock_says_whether_the_law_or_we_set_it() -> None:
    laws = {
        "removal": law(),
        "imminent": law(duration=None, legal_ref="Art. 14(5)"),
        "ours": law(basis="P", legal_ref="policy 7"),
        "unsure": law(basis="T"),
    }
    text = " ".join(screen(view(board(clocks=[clock(name) for name in laws]), plan=plan(**laws))).split())
    assert "law: Reg. 2021/784 Art. 3(3)" in text
    assert "our objective (the law gives no number): Art. 14(5)" in text
    assert "our objective: policy 7" in text
    assert "reading not verified" in text


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (clock(), "██████████████░░░░░░ 18m left"),
        (clock(state="breached", due_at="2026-11-22T03:00:00Z"), "BREACHED, 12m over"),
        (clock(state="met", stopped_at="2026-11-22T03:11:00Z"), "✓ met with 19m to spare"),
        (clock(state="late", stopped_at="2026-11-22T03:31:00Z"), "✗ stopped late 1m after it was due"),
        (clock(state="assigned", assigned_to="records_custodian"), "now owned by records_custodian"),
        (
            clock(
                state="paused",
                pauses=[{"reason": "clarification_requested", "since": "2026-11-22T03:05:00Z", "until": None}],
            ),
            "‖ PAUSED since 03:05:00Z, 25m left stands still for: clarification requested",
        ),
        (
            clock(
                pauses=[
                    {
                        "reason": "force_majeure",
                        "since": "2026-11-22T02:40:00Z",
                        "until": "2026-11-22T02:50:00Z",
                    }
                ]
            ),
            "stood still 10m (force majeure)",
        ),
        (clock(renewals=[{"at": "2026-11-22T03:00:00Z", "granted": True}]), "renewed once"),
        (clock(renewals=[{"at": "2026-11-22T03:00:00Z", "granted": False}]), "a renewal did not count"),
        (clock(calendar_known="2030-12-31"), "CHECK BY HAND: holidays are known to 2030-12-31 only"),
        (clock(calendar_known="2024-01-01"), "CHECK BY HAND: holidays are known from 2024-01-01 only"),
        (clock("removal[DE]", of="removal", member="DE"), "law: Reg. 2021/784"),
        (clock(state="waiting", started_at=None, due_at=None), "not started; waits for facts.order_received"),
    ],
)
def test_a_clock_in_each_state(state: dict[str, Any], told: str) -> None:
    text = " ".join(screen(view(board(clocks=[state]), plan=plan(removal=law()))).split())
    assert told in text


def test_measures_are_folded_and_say_what_takes_them_back() -> None:
    measures = [
        {
            "key": str(n),
            "step": "disable",
            "path": f"containment/remove[{n}]/disable",
            "action": "content.disable",
            "inputs": {},
            "undo": "content.restore",
            "on": ["order_annulled"],
            "in_force_since": "2026-11-22T03:10:00Z",
            "undone_at": "2026-11-22T03:11:00Z" if n == 0 else None,
        }
        for n in range(40)
    ]
    text = " ".join(screen(view(board(measures=measures))).split())
    assert (
        "39 × content.disable (step disable) since 03:10:00Z; content.restore takes it back on `order_annulled`" in text
    )
    assert "1 × content.disable taken back" in text


def test_nothing_of_the_run_can_move_the_cursor_or_reorder_the_line() -> None:
    hostile = "\x1b[2Jcleared \u202etxet"
    text = screen(view(board(title=hostile, asks=[ask(title=hostile, shown=[{"label": "x", "value": hostile}])])))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_what_a_step_waits_for_is_said_by_the_clock() -> None:
    step: Any = {"path": "a/b", "step": "b", "kind": "action", "name": "", "state": "waiting"}
    step |= {"since": "2026-11-22T03:10:00Z", "detail": "waits on ops_lead until 2026-11-22T03:59:53.677350Z"}
    assert "waits on ops_lead until 03:59:53Z" in " ".join(screen(view(board(steps=[step]))).split())


def test_the_whole_screen_fits_eighty_columns() -> None:
    own = board(
        asks=[ask(shown=[{"label": "inputs.urls", "value": [f"https://video.example/{n:060d}" for n in range(9)]}])],
        clocks=[clock(warned=["2026-11-22T02:45:00Z", "2026-11-22T03:00:00Z"], restarts=2)],
        steps=[
            {
                "path": "containment/remove[3]/disable",
                "step": "disable",
                "kind": "action",
                "name": "",
                "state": "retrying",
                "since": "2026-11-22T03:10:00Z",
                "detail": "unavailable, status 503, attempt 2 of 6, next try in 2 s",
            }
        ],
        loops=[{"path": "containment/remove", "step": "remove", "done": 3, "failed": 1, "total": 40, "running": 20}],
        children=[
            {
                "path": "legal_hold/hold",
                "kind": "hold",
                "workflow": "hold-0123456789abcdef0123",
                "state": "verified",
                "at": "2026-11-22T03:11:00Z",
                "data": {"sources": ["content_store", "live_store"], "expires_at": "2027-05-22T03:11:00Z"},
            }
        ],
        paused={"person": "commander-eu-1", "at": "2026-11-22T03:11:00Z"},
    )
    text = screen(view(own, plan=plan(removal=law())))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "PAUSED by commander-eu-1" in text
    assert "3 of 40 done, 1 failed, 20 under way" in " ".join(text.split())


def test_a_child_that_does_not_answer_is_said_so() -> None:
    silent = View(Family(board(), {}, {"hold-0123456789abcdef0123": "no worker answered"}), None)
    assert "hold-0123456789abcdef0123 does not answer" in " ".join(screen(silent).split())


def test_an_ask_of_the_other_region_is_shown_with_its_own_id() -> None:
    incoming = board(
        kind="incoming", workflow="in-0123456789abcdef0123", region="us", asks=[ask(path="accept", step="accept")]
    )
    shown = view(board(), plan=None)
    text = screen(View(shown.found, None, {"hand-0123456789abcdef0123": incoming}))
    assert "watchfloor decide in-01234567 accept" in text


def test_digests_are_shortened() -> None:
    text = screen(view(board(asks=[ask(shown=[{"label": "draft", "value": DIGEST}])])))
    assert DIGEST not in text
    assert DIGEST[:19] in text


def said(verb: str, person: str, role: str, **more: Any) -> dict[str, Any]:
    body = {"verb": verb, "person": person, "role": role, "about": {}, "reason_ref": DIGEST, **more}
    return {"domain": "watchfloor.motion.v1", "kid": "k", "body": body, "sig": ""}


def test_what_was_said_beside_answers_stands_at_the_ask() -> None:
    motions = [
        said("question", "counsel-1", "legal_counsel"),
        said("abstain", "counsel-2", "legal_counsel"),
        said("delegate", "exec-1", "exec_sponsor", about={"to": "desk-1"}),
        said("withdraw", "counsel-1", "legal_counsel"),
    ]
    given = {"person": "desk-1", "role": "exec_sponsor", "option": "refuse", "on_behalf_of": "exec-1"}
    asked = ask(motions=motions, answers=[{"body": given}])
    shown = view(board(asks=[asked]))
    flat = " ".join(screen(View(shown.found, None, {}, {DIGEST: "which page?\x1b[2J"})).split())
    assert "question 1, counsel-1 as legal_counsel: which page?" in flat
    assert "\x1b" not in flat
    assert 'watchfloor answer inc-abcdefgh order_doubt "…" --as PERSON' in flat
    assert "abstained: counsel-2 as legal_counsel" in flat
    assert "given away: the seat of exec-1 as exec_sponsor, to desk-1" in flat
    assert "taken back: what counsel-1 as legal_counsel had said" in flat
    assert "answered: desk-1 as exec_sponsor on behalf of exec-1: refuse" in flat
    assert "its text is not here" in " ".join(screen(shown).split())


@pytest.mark.parametrize(("kind", "head"), [("doubt", "may have happened"), ("failed", "was tried")])
def test_a_doubt_and_a_failure_name_what_was_attempted(kind: str, head: str) -> None:
    asked = ask(kind=kind, path=f"containment/disable!{kind}", action="content.disable", shown=[])
    shown = view(board(asks=[asked]))
    place = (shown.found.board["workflow"], asked["path"])
    flat = " ".join(screen(shown).split())
    assert f"{head}: content.disable; with what cannot be read from the ledger here and now" in flat
    assert "approves" not in flat
    attempt = Attempt("content.disable", {"urls": [f"u{n}" for n in range(9)]}, DIGEST, "2026-11-22T03:09:00Z", 3)
    flat = " ".join(screen(View(shown.found, None, attempts={place: attempt})).split())
    assert f"{head}: content.disable: urls = u0, u1, u2, u3, u4, u5, … 9 in all" in flat
    assert "written down as about to be sent at 03:09:00Z, 3 times by now" in flat
    large = Attempt("content.disable", None, DIGEST, "2026-11-22T03:09:00Z", 1)
    flat = " ".join(screen(View(shown.found, None, attempts={place: large})).split())
    assert f"inputs too large to stand here, {DIGEST[:19]}…" in flat


def test_a_decided_gate_without_effect_says_how_it_is_taken_back() -> None:
    decided = ask(chosen="approve", kind="approval", answers=[{"body": {"person": "counsel-1"}}])
    flat = " ".join(screen(view(board(decided=[decided]))).split())
    assert "approve by counsel-1; not begun yet" in flat
    assert "watchfloor withdraw inc-abcdefgh order_doubt --as PERSON" in flat


def test_a_blind_ask_says_how_many_have_answered() -> None:
    seats = [{"any_of": ["legal_counsel"]}, {"any_of": ["exec_sponsor"]}]
    flat = " ".join(screen(view(board(asks=[ask(blind=seats, answered=1)]))).split())
    assert "blind: 1 of 2 answered; what they said is shown when all have" in flat


def test_what_was_left_out_of_an_ask_stands_beside_what_is_left_with_the_command_for_more() -> None:
    by = {"person": "counsel-1", "role": "legal_counsel"}
    less = {
        "original": {"failures": ["stamp", "page\x1b[2J", "name"], "scope": "global"},
        "to": {"failures": ["stamp", "name"], "scope": "eu"},
        "by": [by, by],
    }
    narrows = {"scope": {"by": "scope", "inside": {"global": ["eu"]}}, "failures": {"by": "items"}}
    inputs = {"failures": ["stamp", "name"], "scope": "eu"}
    asked = ask(
        kind="approval",
        action="content.disable",
        inputs=inputs,
        narrowed=less,
        narrows={"inputs": narrows, "item": None},
    )
    text = screen(view(board(asks=[asked])))
    flat = " ".join(text.split())
    assert "LEFT OUT by counsel-1 as legal_counsel: failures: 1 of 3: page" in flat
    assert "LEFT OUT by counsel-1 as legal_counsel: scope: global was asked, eu is left" in flat
    assert "\x1b" not in flat
    assert "can be narrowed: failures" in flat
    assert 'watchfloor narrow inc-abcdefgh order_doubt --to failures=… --as PERSON --reason "…"' in flat
    assert "can be narrowed" not in screen(view(board(asks=[ask()])))


def test_pages_name_whom_they_reached_and_those_of_what_the_incident_started_stand_beside_them() -> None:
    page: Any = {
        "id": "p1", "kind": "ask", "path": "triage/doubt", "step": "doubt", "clock": "", "ask": "", "rung": 0,
        "roles": ["legal_counsel"], "told": ["legal_counsel"], "alerts": ["p1"], "sent_at": "2026-11-22T03:10:00Z",
        "rung_at": "2026-11-22T03:10:00Z", "deadline_at": None, "reached": ["counsel-1", "counsel-2"],
    }  # fmt: skip
    hold = board(kind="hold", workflow="hold-7q2mabcdefghijklmnop", pages=[{**page, "step": "hold", "reached": []}])
    shown = " ".join(screen(view(board(pages=[page]), hold)).split())
    assert "legal_counsel (reached counsel-1 and counsel-2); nobody has acknowledged it" in shown
    assert shown.count("nobody has acknowledged it") == 2
    assert "watchfloor ack hold-7q2m" in shown
