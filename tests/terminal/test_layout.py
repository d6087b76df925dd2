"""The console with boards made up for it: every screen by keyboard alone, at 80x24, stale, hostile, without colour."""

import re
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from schemas.plan import Plan
from tests.cli.boards import board
from tests.terminal.fakes import (
    DIGEST,
    FIRST,
    NOW,
    SECOND,
    THIRD,
    FakeFeed,
    busy_board,
    console,
    gate,
    lose,
    summary,
    task,
)
from watchfloor.client.attempts import Attempt
from watchfloor.client.errors import Refused
from watchfloor.client.library import plan_for_start
from watchfloor.terminal.app import WatchConsole
from watchfloor.terminal.board_pane import BoardPane
from watchfloor.terminal.decide_pane import DecidePane
from watchfloor.terminal.incident_pane import IncidentPane
from watchfloor.terminal.my_watch import MyWatch

ORDER_PLAN: Plan = plan_for_start("eu-tco-removal-order")[0]


def text_of(app: WatchConsole) -> list[str]:
    """What stands on the screen, line by line."""
    width, height = app.size
    lines = [strip.text for strip in app.screen._compositor.render_strips()]
    assert len(lines) == height
    assert all(len(line.rstrip()) <= width for line in lines)
    return lines


def seen(app: WatchConsole) -> str:
    return "\n".join(text_of(app))


async def type_in(pilot: Pilot[None], words: str) -> None:
    for letter in words:
        await pilot.press({" ": "space", "-": "minus", ".": "full_stop", "=": "equals_sign"}.get(letter, letter))


async def settle(pilot: Pilot[None]) -> None:
    """Let a look and what it draws come to an end."""
    looks = [one for one in pilot.app.workers if one.group == "look"]
    if looks:
        await pilot.app.workers.wait_for_complete(looks)
    await pilot.pause()


async def test_my_watch_has_what_waits_on_me_the_soonest_first_with_what_silence_does() -> None:
    app = console(FakeFeed(plan=ORDER_PLAN))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, MyWatch)
        text = seen(app)
        assert "WAITS ON ME (3)" in text
        places = [text.index(words) for words in ("Tell the authority", "The order fails", "content.delete before")]
        assert places == sorted(places)
        assert "4m 56s left" in text
        assert text.count("if nobody answers: exec_sponsor is paged") == 3
        assert "commander-eu-1 commands" in text
        assert "DEVELOPMENT SIGN-IN: nobody proved who they are" in text


async def test_a_task_that_i_have_stands_before_what_i_could_take() -> None:
    own = task(claim={"person": "counsel-1", "role": "legal_counsel", "at": "", "until": "2026-11-22T04:00:00Z"})
    app = console(FakeFeed(boards={FIRST: busy_board(asks=[gate(), own])}))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        text = seen(app)
        assert text.index("MY OPEN TASKS (1)") < text.index("YOURS") < text.index("WAITS ON ME (1)")


async def test_nothing_that_waits_is_said_in_words() -> None:
    app = console(FakeFeed(boards={FIRST: busy_board(asks=[])}))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Nothing waits on you" in seen(app)


RUNS = (
    summary(FIRST),
    summary(SECOND, severity="S2", priority="P2", phase="triage", waiting=(), region="us"),
    summary(THIRD, severity="S0", state="paused", waiting=("incident_commander",)),
)


async def test_the_board_filters_by_every_word_and_forgets_the_filter_with_escape() -> None:
    app = console(FakeFeed(runs=RUNS))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await pilot.pause()
        assert isinstance(app.screen, BoardPane)
        assert all(name in seen(app) for name in ("INC-AAAAAAAA", "INC-BBBBBBBB", "INC-CCCCCCCC"))
        await pilot.press("slash")
        await type_in(pilot, "s0 paused")
        await pilot.press("enter")
        await pilot.pause()
        text = seen(app)
        assert "1 of 3 incidents" in text
        assert "INC-CCCCCCCC" in text
        assert "INC-AAAAAAAA" not in text
        await pilot.press("escape")
        await pilot.pause()
        assert "3 of 3 incidents" in seen(app)


async def test_an_incident_answers_the_five_questions() -> None:
    app = console(FakeFeed(plan=ORDER_PLAN))
    async with app.run_test(size=(80, 60)) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await settle(pilot)
        assert isinstance(app.screen, IncidentPane)
        text = seen(app)
        for answer in (
            "S1 · ",  # how bad
            "✓ triage/screen",  # what was done
            "40 × content.disable",
            "● containment/probe",  # what runs
            "4m 56s left",  # until when
            "if nobody answers",  # on silence
            "BREACHED, 2m 4s over",  # clocks
            "17m 56s left, due 03:30:00Z",
            "law: Regulation (EU) 2021/784 Art. 3(3)",
        ):
            assert answer in text
        assert "watchfloor decide" not in text, "here one decides with a key"


async def to_gate(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await pilot.press("down", "down", "enter")
    await settle(pilot)
    assert isinstance(pilot.app.screen, DecidePane)


@pytest.mark.parametrize(
    ("kind", "title"), [("doubt", "WHAT MAY HAVE HAPPENED"), ("failed", "WHAT WAS TRIED"), ("review", "WHAT WAS DONE")]
)
async def test_what_has_happened_is_not_told_as_what_will(kind: str, title: str) -> None:
    asked = gate(kind=kind, path=f"containment/erase!{kind}", options={"happened": [{"any_of": ["legal_counsel"]}]})
    attempt = Attempt("content.delete", {"url": "https://example.test/v/7\x1b[2J"}, DIGEST, "2026-11-22T03:09:00Z", 2)
    attempts = {} if kind == "review" else {(FIRST, asked["path"]): attempt}
    app = console(FakeFeed({FIRST: busy_board(asks=[asked])}, attempts=attempts))
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        text = seen(app)
    assert title in text
    assert "EXACTLY WHAT WILL HAPPEN" not in text
    if attempts:
        assert "url: https://example.test/v/7‹U+001B›[2J" in text
        assert "written down as about to be sent at 03:09:00Z, 2 times by now" in text


async def test_a_doubt_whose_announcement_cannot_be_read_says_so() -> None:
    asked = gate(kind="doubt", path="containment/erase!doubt", options={"happened": [{"any_of": ["legal_counsel"]}]})
    app = console(FakeFeed({FIRST: busy_board(asks=[asked])}))
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "content.delete; with what cannot be read from the ledger" in seen(app)


async def test_an_erasure_is_signed_only_over_what_was_shown_with_a_reason_and_the_word_typed() -> None:
    feed = FakeFeed()
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_gate(pilot)
        text = seen(app)
        assert "EXACTLY WHAT WILL HAPPEN" in text
        assert "urls: 3 in all" in text
        assert "1.3  https://example.test/v/2" in text
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "still needed: Why" in seen(app)
        await type_in(pilot, "seen by two")
        await pilot.press("enter")
        await pilot.pause()
        assert "Type `approve` to sign it" in seen(app)
        await pilot.press("enter")
        await type_in(pilot, "yes")
        await pilot.press("enter")
        await pilot.pause()
        assert "found `yes`; nothing was sent" in seen(app)
        assert feed.sent == []
        await pilot.press("backspace", "backspace", "backspace")
        await type_in(pilot, "approve")
        await pilot.press("enter")
        await pilot.pause()
        text = seen(app)
        assert "RECORDED: `approve` at containment/erase" in text
        assert "still needed: incident_commander" in text
        assert DIGEST in text
        assert [(one["option"], one["reason"], one["ask"]) for one in feed.sent] == [
            ("approve", "seen by two", gate()["ask"])
        ]
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, MyWatch)


async def test_a_no_wants_a_reason_and_no_typed_word() -> None:
    feed = FakeFeed()
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_gate(pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        await type_in(pilot, "wrong")
        await pilot.press("enter")
        await pilot.pause()
        assert "Type `" not in seen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert [one["option"] for one in feed.sent] == ["deny"]


async def test_what_changed_meanwhile_cannot_be_signed_before_one_has_looked_again() -> None:
    feed = FakeFeed()
    app = console(feed)
    changed = "sha256:" + "b" * 64
    async with app.run_test(size=(80, 24)) as pilot:
        await to_gate(pilot)
        feed.boards[FIRST] = busy_board(asks=[gate(ask=changed, inputs={"urls": ["https://example.test/v/9"]})])
        app.look()
        await settle(pilot)
        text = seen(app)
        assert "CHANGED since you were shown it" in text
        assert "https://example.test/v/9" not in text, "what is shown stays what was shown"
        await pilot.press("enter")
        await pilot.pause()
        assert feed.sent == []
        assert isinstance(app.screen, DecidePane)
        await pilot.press("r")
        await settle(pilot)
        assert "https://example.test/v/9" in seen(app)
        await pilot.press("enter")
        await pilot.pause()
        await type_in(pilot, "ok")
        await pilot.press("enter")
        await type_in(pilot, "approve")
        await pilot.press("enter")
        await pilot.pause()
        assert [one["ask"] for one in feed.sent] == [changed]


async def test_a_change_while_the_last_look_is_open_sends_nothing() -> None:
    feed = FakeFeed()
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_gate(pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        await type_in(pilot, "no")
        await pilot.press("enter")
        await pilot.pause()
        feed.boards[FIRST] = busy_board(asks=[gate(ask="sha256:" + "b" * 64)])
        app.look()
        await settle(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "Nothing was sent" in seen(app)
        assert feed.sent == []


async def test_what_the_run_refuses_is_told_and_a_change_there_means_looking_again() -> None:
    feed = FakeFeed(refuses=Refused("changed", "the order has changed since you were shown it\x1b[2J"))
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_gate(pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        await type_in(pilot, "no")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        text = seen(app)
        assert "DOES NOT COUNT (changed)" in text
        assert "‹U+001B›" in text
        await pilot.press("escape")
        await pilot.pause()
        assert "nothing can be signed" in seen(app)


async def test_every_other_word_is_said_from_the_same_list() -> None:
    feed = FakeFeed(
        boards={FIRST: busy_board(asks=[gate(narrows={"inputs": {"urls": {"by": "items"}}, "item": None})])}
    )
    app = console(feed)
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        for steps, typed in (
            (2, ["", "https://example.test/v/1", "old"]),
            (3, ["counsel-2", "off shift"]),
            (4, ["a friend"]),
            (5, ["which page"]),
        ):
            await pilot.press(*["down"] * steps, "enter")
            await pilot.pause()
            for words in typed:
                for letter in words:
                    pilot.app.screen.focused.insert_text_at_cursor(letter)  # type: ignore[union-attr]
                await pilot.press("enter")
                await pilot.pause()
            assert "RECORDED" in seen(app)
            await pilot.press("escape")
            await settle(pilot)
            await pilot.press("enter")
            await settle(pilot)
        assert [(one["verb"], one["about"]) for one in feed.sent] == [
            ("narrow", {"to": {}, "leave_out": ["https://example.test/v/1"]}),
            ("delegate", {"to": "counsel-2"}),
            ("abstain", {}),
            ("question", {}),
        ]


async def test_a_task_is_ticked_and_reported_with_its_form() -> None:
    feed = FakeFeed(boards={FIRST: busy_board(asks=[task()])})
    app = console(feed)
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert feed.sent[0]["verb"] == "tick"
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await pilot.pause()
        await type_in(pilot, "now")
        await pilot.press("enter", "enter")
        await type_in(pilot, "by phone")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert (feed.sent[1]["option"], feed.sent[1]["form"]) == ("done", {"informed_at": "now"})


async def test_a_lost_connection_is_shown_with_since_when_and_recovers_by_itself() -> None:
    feed = FakeFeed()
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        feed.fails = lose()
        app._clock = lambda: NOW.replace(minute=13)
        app.look()
        await settle(pilot)
        text = seen(app)
        assert "STALE: no answer since 03:12:04Z (1m ago)" in text
        assert "The order fails its checks" in text, "what was read stays"
        feed.fails, feed.read_at = None, NOW.replace(minute=13)
        app.look()
        await settle(pilot)
        assert "STALE" not in seen(app)


async def test_before_the_first_answer_it_says_why_there_is_nothing() -> None:
    app = console(FakeFeed(fails=lose()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "NO ANSWER YET: no Temporal server answers" in seen(app)


async def test_somebody_who_looks_as_nobody_decides_nothing() -> None:
    feed = FakeFeed(someone=None)
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "Start again with --as PERSON" in seen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert feed.sent == []


HOSTILE = "\x1b[2J\x1b]0;gone\x07 \u202eeslaf\u202c [red]x[/red] \u0007"


async def test_no_hidden_character_of_a_board_reaches_the_terminal() -> None:
    hurt = {
        "title": HOSTILE,
        "step": f"erase{HOSTILE}",
        "path": f"containment/{HOSTILE}",
        "on_silence": HOSTILE,
        "inputs": {HOSTILE: [HOSTILE, HOSTILE]},
        "shown": [{"label": HOSTILE, "value": HOSTILE}],
        "exclude": [HOSTILE],
    }
    own = busy_board(
        title=HOSTILE, asks=[gate(**hurt)], runbook=HOSTILE, phase=HOSTILE, region=HOSTILE, facts={HOSTILE: FACT}
    )
    runs = [summary(FIRST, phase="a\x1b[2J", waiting=("b\x1b[2J",), runbook="\x1b")]
    app = console(FakeFeed(boards={FIRST: own}, runs=runs, someone=None))
    async with app.run_test(size=(100, 60)) as pilot:
        await settle(pilot)
        screens = [seen(app)]
        for key in ("enter", "escape", "i", "escape", "2"):
            await pilot.press(key)
            await settle(pilot)
            screens.append(seen(app))
        for text in screens:
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert "‹U+001B›" in screens[0]
        assert "[red]x[/red]" in screens[0], "no text is taken for markup"


FACT = {
    "value": HOSTILE,
    "at": "2026-11-22T02:30:00Z",
    "recorded_at": "2026-11-22T03:09:00Z",
    "source": HOSTILE,
    "by": HOSTILE,
    "revisions": [],
}


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 60)])
async def test_every_screen_fits(size: tuple[int, int]) -> None:
    app = console(FakeFeed(plan=ORDER_PLAN, runs=RUNS))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for keys in (["2"], ["enter"], ["enter"], ["enter"], ["escape"], ["question_mark"], ["escape"], ["1"]):
            await pilot.press(*keys)
            await settle(pilot)
            lines = text_of(app)
            assert any("Watchfloor" in line for line in lines)


async def test_what_is_chosen_is_marked_without_any_colour() -> None:
    app = console(FakeFeed())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for _ in range(3):
            marked = [line for line in text_of(app) if "▶" in line]
            assert len(marked) == 1
            await pilot.press("down")
            await pilot.pause()


async def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def texts(app: WatchConsole) -> list[str]:
        return text_of(app)

    found = []
    for no_color in (False, True):
        if no_color:
            monkeypatch.setenv("NO_COLOR", "1")
        app = console(FakeFeed(plan=ORDER_PLAN))
        assert app.no_color is no_color
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            found.append(texts(app))
    assert found[0] == found[1]


async def test_keys_do_not_leave_a_window_that_has_words_in_it() -> None:
    app = console(FakeFeed())
    async with app.run_test(size=(80, 24)) as pilot:
        await to_gate(pilot)
        await pilot.press("enter")
        await pilot.pause()
        await type_in(pilot, "12q")
        assert app.screen.query_one(Input).value == "12q"


async def test_an_incident_that_is_not_there_any_more_closes_its_screen() -> None:
    feed = FakeFeed()
    app = console(feed)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await settle(pilot)
        feed.boards.clear()
        app.look()
        await settle(pilot)
        assert isinstance(app.screen, MyWatch)


def test_a_plain_board_is_left_as_it_is() -> None:
    from watchfloor.terminal.shown import make_harmless

    assert make_harmless(board()) == board()
    view_ = replace(summary(FIRST), phase="x")
    assert make_harmless(view_.waiting) == view_.waiting
