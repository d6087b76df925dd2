"""Command passes by offer and acceptance: exactly one commander, every statement under the fence it names."""

from typing import Any

import pytest

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import action, approval, plan, slot


def held():
    """A run that stays open: its gate waits for a day."""
    gate = approval(slot("legal_counsel"), within=86_400.0)
    return plan(("containment", [action("remove", "content.delete", approval=gate)]))


async def say(case: Case, verb: str, person: str, role: str = "incident_commander", **about: Any) -> dict[str, Any]:
    return await case.control_statement(verb, role, person=person, about={"fence": 1, **about})


async def begin(bench: Bench) -> Case:
    """Rita asked for the run; Carl takes command of it under fence 1 and has it under fence 2."""
    case = await bench.start(held())
    await case.ask("containment/remove")
    await case.send("control", await say(case, "take_command", "carl"))
    return case


async def commander(case: Case) -> tuple[str, int]:
    found = (await case.board())["commander"]
    return found["person"], found["fence"]


async def test_command_is_taken_once(bench: Bench) -> None:
    case = await begin(bench)
    assert await commander(case) == ("carl", 2)
    assert await case.refused("control", await say(case, "take_command", "cora", fence=2)) == "not_waiting"
    assert await case.refused("control", await say(case, "take_command", "cora")) == "stale"


async def test_the_outgoing_commander_stays_accountable_until_the_offer_is_accepted(bench: Bench) -> None:
    case = await begin(bench)
    await case.send("control", await say(case, "offer_command", "carl", fence=2, to="cora", within=1800))
    board = await case.board()
    assert (board["commander"]["person"], board["command_offer"]["to"]) == ("carl", "cora")
    again = await say(case, "offer_command", "carl", fence=2, to="carla", within=1800)
    assert await case.refused("control", again) == "not_waiting"
    assert await case.refused("control", await say(case, "accept_command", "carla", fence=2)) == "wrong_role"
    assert await case.refused("control", await say(case, "accept_command", "cora", fence=1)) == "stale"
    await case.send("control", await say(case, "accept_command", "cora", fence=2))
    assert await commander(case) == ("cora", 3)
    assert "command_offer" not in await case.board()
    assert await case.refused("control", await say(case, "accept_command", "cora", fence=2)) == "stale"
    passed = [entry["data"] for entry in bench.entries if entry["kind"] == "command.passed"]
    assert [(one["person"], one["fence"], one["before"], one["how"]) for one in passed] == [
        ("carl", 2, "rita", "taken"),
        ("cora", 3, "carl", "accepted"),
    ]


async def test_only_the_commander_steers_once_somebody_commands(bench: Bench) -> None:
    case = await bench.start(held())
    await case.ask("containment/remove")
    await case.control("pause", person="cora")
    await case.control("resume", person="carla")
    await case.send("control", await say(case, "take_command", "carl"))
    assert await case.refused("control", await case.control_statement("pause", person="cora")) == "not_commander"
    assert await case.refused("control", await case.control_statement("abort", person="rita")) == "not_commander"
    await case.control("pause", person="dana", role="deputy")
    assert await case.refused("control", await case.control_statement("resume", person="cora")) == "not_commander"
    await case.control("resume", person="carl")
    await case.control("abort", person="egon", role="exec_sponsor")
    assert (await case.outcome())["outcome"] == "aborted"


@pytest.mark.parametrize("how", ["declined", "withdrawn", "silent"])
async def test_an_offer_that_is_not_accepted_returns_to_who_made_it(bench: Bench, how: str) -> None:
    case = await begin(bench)
    await case.send("control", await say(case, "offer_command", "carl", fence=2, to="cora", within=1800))
    if how == "declined":
        assert await case.refused("control", await say(case, "decline_command", "carla", fence=2)) == "wrong_role"
        await case.send("control", await say(case, "decline_command", "cora", fence=2))
    elif how == "withdrawn":
        assert await case.refused("control", await say(case, "withdraw_offer", "cora", fence=2)) == "wrong_role"
        await case.send("control", await say(case, "withdraw_offer", "carl", fence=2))
    else:
        await bench.skip(1900)
    await case.until(lambda board: "command_offer" not in board)
    assert await commander(case) == ("carl", 2)
    assert await case.refused("control", await say(case, "accept_command", "cora", fence=2)) == "not_waiting"
    await case.send("control", await say(case, "offer_command", "carl", fence=2, to="cora", within=1800))
    await case.send("control", await say(case, "accept_command", "cora", fence=2))
    assert await commander(case) == ("cora", 3)
    returned = [entry["data"] for entry in bench.entries if entry["kind"] == "command.returned"]
    assert [one["why"] for one in returned] == [how]
    told = [notice["kind"] for notice in bench.notices]
    assert told.count("command_returned") == (how != "withdrawn")


async def test_a_deputy_offers_in_the_place_of_a_commander_who_stays_silent(bench: Bench) -> None:
    case = await begin(bench)
    short = await say(case, "offer_command", "dana", "deputy", fence=2, to="cora", within=600)
    assert await case.refused("control", short) == "bad_value"
    other = await say(case, "offer_command", "cora", fence=2, to="cora", within=1800)
    assert await case.refused("control", other) == "not_commander"
    await case.send("control", await say(case, "offer_command", "dana", "deputy", fence=2, to="cora", within=1800))
    assert await case.refused("control", await say(case, "accept_command", "cora", fence=2)) == "early"
    await bench.skip(601)
    await case.send("control", await say(case, "accept_command", "cora", fence=2))
    assert await commander(case) == ("cora", 3)


async def test_one_word_of_the_commander_ends_what_was_offered_in_their_place(bench: Bench) -> None:
    case = await begin(bench)
    await case.send(
        "control", await say(case, "offer_command", "egon", "exec_sponsor", fence=2, to="cora", within=1800)
    )
    await case.send("control", await say(case, "withdraw_offer", "carl", fence=2))
    await bench.skip(601)
    assert await case.refused("control", await say(case, "accept_command", "cora", fence=2)) == "not_waiting"
    assert await commander(case) == ("carl", 2)


@pytest.mark.parametrize(
    "about",
    [
        {"to": "cora"},
        {"to": "cora", "within": 1800, "more": 1},
        {"to": "", "within": 1800},
        {"to": "x" * 65, "within": 1800},
        {"to": 7, "within": 1800},
        {"to": "cora", "within": 59},
        {"to": "cora", "within": 86_401},
        {"to": "cora", "within": True},
        {"to": "cora", "within": "1800"},
        {"to": "carl", "within": 1800},
    ],
)
async def test_a_malformed_offer_changes_nothing(bench: Bench, about: dict[str, Any]) -> None:
    case = await begin(bench)
    assert await case.refused("control", await say(case, "offer_command", "carl", fence=2, **about)) == "bad_value"
    assert "command_offer" not in await case.board()


async def test_an_offer_and_who_commands_outlive_continue_as_new(lasting: Bench) -> None:
    counsel = approval(slot("legal_counsel"), within=86_400.0)
    first, last = (action(name, "content.delete", approval=counsel) for name in ("first", "last"))
    steps = [action(f"a{n}", "content.other") for n in range(12)]
    case = await lasting.start(plan(("one", [first, *steps, last])), continue_after=30)
    await case.ask("one/first")
    await case.send("control", await say(case, "take_command", "carl"))
    await case.send("control", await say(case, "offer_command", "carl", fence=2, to="cora", within=3600))
    await case.decide("one/first", "approve", "lena", "legal_counsel")
    await case.ask("one/last")
    assert (await case.board())["runs"] > 0
    assert await case.refused("control", await case.control_statement("pause", person="cora")) == "not_commander"
    await case.send("control", await say(case, "accept_command", "cora", fence=2))
    await case.decide("one/last", "approve", "lena", "legal_counsel")
    assert (await case.outcome(skipping=False))["outcome"] == "closed"
