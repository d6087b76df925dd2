"""What is alike is one line: cards, reasons, steps under way. And what a form takes by choosing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.boards import ask, board
from watchfloor.client.standstill import Reason
from watchfloor.gateway.console.alike import gather_cards, gather_reasons, gather_steps, say_items
from watchfloor.gateway.console.ask_view import list_choices, takes_form
from watchfloor.gateway.console.views import draw_ask, say_ids, say_prose, say_title
from watchfloor.identity.people import Person

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
SOMEBODY = Person("ops-1", ("ops_lead",), "example-ie", "eu", ("pager",))


def card(kind: str, number: int, **changes: Any) -> Any:
    asked = ask(path=f"containment/remove[{number}]/disable!{kind}", kind=kind, step="disable", title="disable")
    return replace(draw_ask(board(asks=[asked]), asked, SOMEBODY, NOW), **changes)


def test_doubts_of_one_step_are_one_card_that_leads_to_all_of_them() -> None:
    decision = card("decide", 9)
    cards = gather_cards([card("doubt", 0), decision, card("doubt", 1), card("failed", 2), card("doubt", 3)])
    assert [(one.kind, one.count) for one in cards] == [("doubt", 3), ("decide", 1), ("failed", 1)]
    assert cards[0].url == f"/console/incidents/{decision.workflow}/act#doubt"
    assert cards[1] == decision
    assert cards[2].url.endswith("!failed")


def test_questions_and_other_runs_are_never_put_together() -> None:
    same = [card("decide", 0), card("decide", 1), card("doubt", 0), card("doubt", 0, workflow="inc-other")]
    assert [one.count for one in gather_cards(same)] == [1, 1, 1, 1]


def test_reasons_that_say_the_same_are_told_once() -> None:
    one = Reason("doubt", "disable", "Nobody knows", "Look", workflow="inc-a", path="x[0]/disable!doubt")
    other = replace(one, what="Somebody knows")
    held = gather_reasons(
        [one, replace(one, path="x[1]/disable!doubt"), other, Reason("timer", "wait", "It waits", "")]
    )
    assert [(each.reason.what, each.count) for each in held] == [
        ("Nobody knows", 2),
        ("Somebody knows", 1),
        ("It waits", 1),
    ]
    assert held[0].url == "/console/incidents/inc-a/act#doubt"
    assert held[1].url == "/console/asks/inc-a/x[0]/disable!doubt"
    assert held[2].url == ""


def test_steps_of_a_loop_that_do_the_same_are_one_line() -> None:
    def step(number: int, state: str) -> Any:
        return {
            "path": f"a/remove[{number}]/disable",
            "step": "disable",
            "state": state,
            "detail": f"until 2026-11-28T03:00:0{number}.5Z",
            "since": "",
        }

    doing = gather_steps([step(1, "waiting"), step(0, "waiting"), step(2, "running"), step(5, "waiting")], None)
    assert [(one.step["state"], one.items) for one in doing] == [("waiting", "items 0-1 and 5"), ("running", "item 2")]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([], ""),
        ([3], "item 3"),
        ([2, 1, 2, 3], "items 1-3"),
        ([1, 3, 5], "items 1, 3 and 5"),
        (list(range(1, 60, 2)), "30 items"),
    ],
)
def test_items_are_said_as_spans(numbers: list[int], said: str) -> None:
    assert say_items(numbers) == said


def test_a_gate_without_words_of_its_own_is_called_by_what_it_lets_through() -> None:
    assert say_title(ask(kind="approval", step="erase", title="erase", action="content.delete")) == (
        "Approve `content.delete`?"
    )
    assert say_title(ask(kind="approval", step="erase", title="delete for good")) == "Delete for good"
    assert say_title(ask(kind="handoff", title="eu offers: a removal order")) == "eu offers: a removal order"


def test_who_takes_an_offer_chooses_and_who_declines_it_fills_in_nothing() -> None:
    offer = ask(kind="handoff", options={"accept": [], "decline": []})
    due = [{"name": "removal", "due_at": "2026-11-28T04:00:00.000001Z"}, {"name": "preserve", "due_at": None}]
    chosen = list_choices(board(clocks=due), offer)
    assert chosen["nearest_deadline"] == [("2026-11-28T04:00:00.000001Z", "removal")]
    assert [value for value, _ in chosen["severity"]] == ["S0", "S1", "S2", "S3", "S4"]
    assert takes_form(offer, "accept")
    assert not takes_form(offer, "decline")
    task = ask(kind="task")
    assert list_choices(board(), task) == {}
    assert takes_form(task, "done")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("of INC-ABCDEFGH now", 'of <span class="id">INC-ABCDEFGH</span> now'),
        ("HOLD-8A6B60E2", '<span class="id">HOLD-8A6B60E2</span>'),
        ("hand-50d207431407ca2ba238:3", '<span class="id">hand-50d207431407ca2ba238</span>:3'),
        ("a one-hour order, in-time", "a one-hour order, in-time"),
        ("<b>INC-ABCDEFGH</b>", '&lt;b&gt;<span class="id">INC-ABCDEFGH</span>&lt;/b&gt;'),
        ('"><img src=x onerror=alert(1)>', "&#34;&gt;&lt;img src=x onerror=alert(1)&gt;"),
    ],
)
def test_names_and_ids_are_kept_whole_and_everything_is_escaped(text: str, said: str) -> None:
    assert str(say_ids(text)) == said
    assert str(say_prose(text, NOW)) == said


def test_names_ids_code_and_instants_stand_in_one_sentence() -> None:
    said = say_prose("`erase` of INC-ABCDEFGH until 2026-11-28T03:00:00Z & more", NOW)
    assert str(said) == (
        '<code>erase</code> of <span class="id">INC-ABCDEFGH</span> until '
        '<time datetime="2026-11-28T03:00:00Z" data-local>03:00 UTC</time> &amp; more'
    )


def test_a_failed_step_is_called_in_words() -> None:
    assert say_title(ask(kind="failed", title="order_doubt failed: timed_out")) == "Order doubt failed: timed out"


def test_a_doubt_is_asked_in_one_short_question() -> None:
    assert say_title(ask(kind="doubt", action="content.disable", title="did it? look")) == (
        "Did `content.disable` take effect?"
    )
