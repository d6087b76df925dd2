"""A person stands aside while the run goes on: they decide nothing any more, and what they had said is asked again."""

import asyncio
from typing import Any

import pytest

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import action, approval, clock, decide, fact, library_of, plan, run, slot, task
from tests.workflows.test_revocation import until_noted
from tests.workflows.test_run_step import decisions_of
from workflows.addresses import child_id

GATE = "containment/remove"


def gated():
    gate = approval(slot("legal_counsel"), slot("exec_sponsor"), within=86_400.0)
    return plan(("containment", [action("remove", "content.delete", approval=gate)]))


async def say(case: Case, verb: str, about: Any, person: str, role: str) -> dict[str, Any]:
    return await case.control_statement(verb, role, person=person, about={"person": about})


async def begin(bench: Bench) -> Case:
    case = await bench.start(gated())
    await case.ask(GATE)
    return case


async def test_they_decide_and_steer_no_more_and_what_they_said_is_asked_again(bench: Bench) -> None:
    case = await begin(bench)
    await case.decide(GATE, "approve", "egon", "exec_sponsor")
    await case.send("control", await say(case, "recuse", "egon", "carl", "incident_commander"))
    assert (await case.ask(GATE))["answers"] == []
    assert (await case.board())["recused"] == ["egon"]
    assert await case.refused_decision(GATE, "approve", "egon", "exec_sponsor") == "excluded"
    assert await case.refused("control", await case.control_statement("pause", "exec_sponsor", person="egon")) == (
        "excluded"
    )
    await case.decide(GATE, "approve", "lena", "legal_counsel")
    await case.decide(GATE, "approve", "erna", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    call = bench.calls[0]
    assert [one["body"]["person"] for one in call["grant"]["decisions"]] == ["lena", "erna"]
    assert call["recused"] == ["egon"]
    voided = next(entry["data"] for entry in bench.entries if entry["kind"] == "decision.voided")
    assert (voided["persons"], voided["why"]) == (["egon"], "excluded")
    later = [notice for notice in bench.notices if "excluded" in notice]
    assert [(notice["kind"], notice["excluded"]) for notice in later] == [("ask", ["egon"])]


async def test_an_approval_that_has_not_acted_yet_does_not_act_on_their_word(bench: Bench) -> None:
    case = await begin(bench)
    await case.control("pause")
    await case.decide(GATE, "approve", "lena", "legal_counsel")
    await case.decide(GATE, "approve", "egon", "exec_sponsor")
    await case.send("control", await say(case, "recuse", "egon", "lena", "legal_counsel"))
    await case.control("resume")
    ask = await case.ask(GATE)
    assert [one["body"]["person"] for one in ask["answers"]] == ["lena"]
    assert bench.calls == []
    await case.decide(GATE, "approve", "erna", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"


async def test_a_commander_who_stands_aside_commands_no_more(bench: Bench) -> None:
    case = await begin(bench)
    take = await case.control_statement("take_command", person="carl", about={"fence": 1})
    await case.send("control", take)
    other = await say(case, "recuse", "egon", "cora", "incident_commander")
    assert await case.refused("control", other) == "not_commander"
    await case.send("control", await say(case, "recuse", "carl", "lena", "legal_counsel"))
    assert (await case.board())["commander"]["person"] == ""
    fence = (await case.board())["commander"]["fence"]
    again = await case.control_statement("take_command", person="carl", about={"fence": fence})
    assert await case.refused("control", again) == "excluded"
    await case.send("control", await case.control_statement("take_command", person="cora", about={"fence": fence}))
    assert (await case.board())["commander"]["person"] == "cora"


async def test_back_in_needs_counsel_or_two_people(bench: Bench) -> None:
    case = await begin(bench)
    for person in ("egon", "otto"):
        await case.send("control", await say(case, "recuse", person, "lena", "legal_counsel"))
    await case.send("control", await say(case, "unrecuse", "egon", "lena", "legal_counsel"))
    assert (await case.board())["recused"] == ["otto"]
    await case.send("control", await say(case, "unrecuse", "otto", "dana", "deputy"))
    assert (await case.board())["recused"] == ["otto"]
    twice = await say(case, "unrecuse", "otto", "dana", "deputy")
    assert await case.refused("control", twice) == "repeated"
    own = await say(case, "unrecuse", "otto", "otto", "exec_sponsor")
    assert await case.refused("control", own) == "excluded"
    await case.send("control", await say(case, "unrecuse", "otto", "carl", "incident_commander"))
    assert "recused" not in await case.board()
    await case.decide(GATE, "approve", "egon", "exec_sponsor")


async def test_a_task_that_they_had_taken_is_free_again(bench: Bench) -> None:
    case = await bench.start(plan(("one", [task("call", {}, within=86_400.0)])))
    about = {"path": "one/call", "ask": (await case.ask("one/call"))["ask"]}
    claim = await case.control_statement("claim", "ops_lead", person="otto", about=about)
    await case.send("control", claim)
    await case.until(lambda board: board["asks"][0].get("claim"))
    await case.send("control", await say(case, "recuse", "otto", "lena", "legal_counsel"))
    board = await case.until(lambda board: not board["asks"][0].get("claim"))
    assert board["recused"] == ["otto"]
    again = await case.control_statement("claim", "ops_lead", person="otto", about=about)
    assert await case.refused("control", again) == "excluded"


@pytest.mark.parametrize(
    "about", [None, {}, {"person": ""}, {"person": 7}, {"person": "x" * 65}, {"person": "a", "b": 1}]
)
async def test_a_malformed_one_changes_nothing(bench: Bench, about: Any) -> None:
    case = await begin(bench)
    said = await case.control_statement("recuse", "legal_counsel", person="lena", about=about)
    assert await case.refused("control", said) == "bad_value"
    assert "recused" not in await case.board()


async def test_it_outlives_continue_as_new_and_only_those_who_may_say_so(lasting: Bench) -> None:
    counsel = approval(slot("legal_counsel"), within=86_400.0)
    first, last = (action(name, "content.delete", approval=counsel) for name in ("first", "last"))
    steps = [action(f"a{n}", "content.other") for n in range(12)]
    case = await lasting.start(plan(("one", [first, *steps, last])), continue_after=30)
    await case.ask("one/first")
    assert await case.refused("control", await say(case, "recuse", "egon", "otto", "ops_lead")) == "wrong_role"
    await case.send("control", await say(case, "recuse", "lea", "lena", "legal_counsel"))
    await until_noted(lasting, "person.recused")
    await case.decide("one/first", "approve", "lena", "legal_counsel")
    await case.ask("one/last")
    assert (await case.board())["runs"] > 0
    assert await case.refused_decision("one/last", "approve", "lea", "legal_counsel") == "excluded"
    await case.decide("one/last", "approve", "lena", "legal_counsel")
    assert (await case.outcome(skipping=False))["outcome"] == "closed"


def family():
    """A run that starts one that starts one; the last two wait for people."""
    youngest = plan(("c", [decide("pick", {"go": {}}, slot("exec_sponsor"))]), id="youngest", inputs={})
    other = plan(
        ("c", [run("deeper", youngest, wait=False), decide("pick", {"go": {}}, slot("exec_sponsor"))]),
        id="other",
        inputs={},
        library=library_of(youngest),
    )
    oldest = plan(
        ("p", [run("go", other, wait=False), decide("pick", {"go": {}}, slot("exec_sponsor"))]),
        library=library_of(other),
    )
    return oldest, other, youngest


async def test_they_stand_aside_from_every_run_below_that_is_open_already(bench: Bench) -> None:
    oldest, other, youngest = family()
    case = await bench.start(oldest)
    await case.ask("p/pick")
    child = child_id("inc", case.handle.id, "p/go")
    below = [(child, other), (child_id("inc", child, "c/deeper"), youngest)]
    runs = [decisions_of(case, written, incident) for incident, written in below]
    for one in runs:
        await one.ask("c/pick")
    command = await runs[1].control_statement("take_command", person="carl", about={"fence": 1})
    await runs[1].send("control", command)
    for person in ("egon", "carl"):
        await case.send("control", await say(case, "recuse", person, "lena", "legal_counsel"))
    for one in runs:
        await one.until(lambda board: board.get("recused") == ["egon", "carl"])
        assert await one.refused_decision("c/pick", "go", "egon", "exec_sponsor") == "excluded"
    assert (await runs[1].board())["commander"]["person"] == "", "they command no run below either"
    await case.send("control", await say(case, "unrecuse", "egon", "lena", "legal_counsel"))
    for one in runs:
        await one.until(lambda board: board.get("recused") == ["carl"])
        await one.decide("c/pick", "go", "egon", "exec_sponsor")


async def test_a_run_started_later_writes_down_from_the_beginning_who_stands_aside(bench: Bench) -> None:
    child = plan(("c", [decide("pick", {"go": {}}, slot("exec_sponsor"))]), id="other", inputs={})
    case = await bench.start(
        plan(
            ("p", [decide("first", {"go": {}}, slot("exec_sponsor")), run("go", child, wait=False)]),
            library=library_of(child),
        )
    )
    await case.ask("p/first")
    await case.send("control", await say(case, "recuse", "egon", "lena", "legal_counsel"))
    await case.decide("p/first", "go", "erna", "exec_sponsor")
    started = child_id("inc", case.handle.id, "p/go")
    await decisions_of(case, child, started).ask("c/pick")

    def noted() -> list[Any]:
        return [
            one["data"]["person"] for one in bench.entries if (one["chain"], one["kind"]) == (started, "person.recused")
        ]

    # written by an activity of its own, which the question does not wait for
    async with asyncio.timeout(20):
        while not noted():
            await asyncio.sleep(0.02)
    assert noted() == ["egon"]


async def test_a_clock_that_outlives_the_incident_is_given_to_a_person_who_does_not_stand_aside(bench: Bench) -> None:
    people = {"records_custodian": ["kai", "kim"]}
    bench.behaviour["people.notify"] = lambda call: {"delivered": ["desk"], "failed": [], "people": people}
    running = clock("due", "facts.seen", on_close="records_custodian")
    facts = {"seen": fact("desk")}
    case = await bench.start(
        plan(("p", [decide("pick", {"go": {}}, slot("exec_sponsor"))]), clocks=[running], facts=facts)
    )
    await case.state_fact("seen", await bench.now(), "desk")
    await case.until(lambda board: board["clocks"][0]["state"] == "running")
    await case.send("control", await say(case, "recuse", "kai", "lena", "legal_counsel"))
    await case.decide("p/pick", "go", "erna", "exec_sponsor")
    (left,) = (await case.outcome(skipping=False))["clocks"]
    assert (left["assigned_to"], left["custodian"]) == ("records_custodian", "kim")
    told = [one["excluded"] for one in bench.notices if one["kind"] == "clock_assigned"]
    assert told == [["kai"]]
    named = [one["data"].get("person", "") for one in bench.entries if one["kind"] == "clock.assigned"]
    assert named == ["", "kim"]
