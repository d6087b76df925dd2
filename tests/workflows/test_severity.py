"""Severity: what facts give, what people say, who must agree; and how an incident is dismissed or declared."""

from typing import Any

import pytest

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import clock, decide, expr, fact, plan, slot
from watchfloor.identity.roles import ROLES

DAY = 86400.0
FACTS = {name: fact("desk") for name in ("live", "child", "hoax", "seen")}


async def held(bench: Bench, **more: Any) -> Case:
    """A run that stays open until somebody answers `stay`; its inputs are the score's dimensions."""
    stay = decide("stay", {"go": {"steps": []}}, slot("ops_lead"), within=DAY)
    given = {"facts": FACTS, "floors": [("has(facts.live)", "S0"), ("has(facts.child)", "S1")], **more}
    return await bench.start(plan(("triage", [stay]), **given))


async def level(case: Case, wanted: str) -> dict[str, Any]:
    return await case.until(lambda board: board["severity"] == wanted)


async def propose(case: Case, to: str, **more: Any) -> dict[str, Any]:
    await case.control("propose_severity", about={"level": to}, **more)
    return await case.ask("!severity")


async def let_go(case: Case) -> None:
    await case.decide("triage/stay", "go", "olga", "ops_lead")
    await case.outcome(skipping=False)


def told(bench: Bench, kind: str) -> list[dict[str, Any]]:
    return [entry["data"] for entry in bench.entries if entry["kind"] == kind]


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_anybody_with_a_role_raises_severity_alone_and_at_once(bench: Bench, role: str) -> None:
    case = await held(bench, severity="S3")
    await case.control("raise_severity", role=role, about={"level": "S1"})
    await level(case, "S1")
    await let_go(case)
    (set_,) = [one for one in told(bench, "severity.set") if one.get("cause")]
    assert (set_["cause"], set_["before"], set_["by"], set_["role"]) == ("raised", "S3", ["carl"], role)
    assert set_["reason_ref"] == "sha256:00"


@pytest.mark.parametrize(
    ("verb", "about", "why"),
    [
        ("raise_severity", {"level": "S1"}, "bad_value"),
        ("raise_severity", {"level": "S3"}, "bad_value"),
        ("raise_severity", {"level": "S9"}, "bad_value"),
        ("raise_severity", {"level": ["S0"]}, "bad_value"),
        ("raise_severity", {}, "bad_value"),
        ("raise_severity", {"level": "S0", "quietly": True}, "bad_value"),
        ("propose_severity", {"level": "S0"}, "bad_value"),
        ("propose_severity", {"level": "S1"}, "bad_value"),
        ("propose_dismissal", {"level": "S1"}, "bad_value"),
        ("declare_incident", {}, "not_waiting"),
    ],
)
async def test_what_makes_no_sense_is_refused(bench: Bench, verb: str, about: dict[str, Any], why: str) -> None:
    case = await held(bench, severity="S1")
    await level(case, "S1")
    assert await case.refused("control", await case.control_statement(verb, about=about)) == why
    assert await case.refused("control", await case.control_statement(verb, about=about, reason_ref="")) == "bad_value"
    await let_go(case)


async def test_lowering_needs_the_commander_and_one_other_person(bench: Bench) -> None:
    case = await held(bench, severity="S1")
    ask = await propose(case, "S3")
    assert ask["options"]["lower"][0] == {"any_of": ["incident_commander"]}
    await case.decide("!severity", "lower", "carl", "incident_commander")
    assert (await case.board())["severity"] == "S1"
    assert await case.refused_decision("!severity", "lower", "carl", "deputy") in {"repeated", "wrong_role", "excluded"}
    assert await case.refused_decision("!severity", "lower", "olga", "ops_lead") == "wrong_role"
    await case.decide("!severity", "lower", "dora", "deputy")
    await level(case, "S3")
    await let_go(case)
    assert told(bench, "severity.set")[-1]["by"] == ["carl", "dora"]
    assert told(bench, "triage.proposed")[0]["level"] == "S3"


async def test_a_no_and_silence_keep_it_and_a_second_proposal_waits_for_the_first(bench: Bench) -> None:
    case = await held(bench, severity="S1")
    await propose(case, "S2")
    again = await case.control_statement("propose_severity", about={"level": "S3"})
    assert await case.refused("control", again) == "not_waiting"
    await case.decide("!severity", "keep", "dora", "deputy")
    await case.until(lambda board: all(ask["path"] != "!severity" for ask in board["asks"]))
    await propose(case, "S3")
    await bench.skip(1801)
    board = await case.until(lambda board: all(ask["path"] != "!severity" for ask in board["asks"]))
    assert board["severity"] == "S1"
    # an open proposal does not hold the run up; it is void with the run's end
    await propose(case, "S4")
    await let_go(case)
    assert bench.kinds().count("decision.silent") == 1
    assert [one["void"] for one in told(bench, "decision.settled") if one.get("void")] == [True]


@pytest.mark.parametrize("role", ["legal_counsel", "deputy"])
@pytest.mark.parametrize("verb", ["propose_severity", "propose_dismissal"])
async def test_a_life_safety_floor_is_cleared_only_by_the_commander_and_counsel(
    bench: Bench, role: str, verb: str
) -> None:
    case = await held(bench, severity="S2")
    await case.state_fact("live", await bench.now(), "desk")
    await level(case, "S0")
    about = {"level": "S2"} if verb == "propose_severity" else {}
    await case.control(verb, about=about)
    path, option = ("!severity", "lower") if about else ("!dismissal", "dismiss")
    await case.decide(path, option, "carl", "incident_commander")
    if role == "deputy":
        assert await case.refused_decision(path, option, "dora", role) == "wrong_role"
        assert (await case.board())["severity"] == "S0"
        await let_go(case)
        return
    await case.decide(path, option, "lena", role)
    if about:
        await level(case, "S2")
        await let_go(case)
    else:
        assert (await case.outcome(skipping=False))["outcome"] == "dismissed"


async def test_what_two_people_lowered_stands_until_the_facts_say_something_they_did_not_know(bench: Bench) -> None:
    case = await held(bench, severity="S2")
    await case.state_fact("child", await bench.now(), "desk")
    await level(case, "S1")
    await propose(case, "S3")
    await case.decide("!severity", "lower", "carl", "incident_commander")
    await case.decide("!severity", "lower", "dora", "deputy")
    await level(case, "S3")
    # a fact that no floor speaks of leaves it; the floor they knew holds still
    await case.state_fact("seen", await bench.now(), "desk")
    assert (await case.board())["severity"] == "S3"
    await case.state_fact("live", await bench.now(), "desk")
    await level(case, "S0")
    await let_go(case)
    assert told(bench, "severity.set")[-1]["cause"] == "new fact"


async def test_a_proposal_is_asked_anew_when_a_life_safety_floor_appears_meanwhile(bench: Bench) -> None:
    case = await held(bench, severity="S2")
    first = await propose(case, "S4")
    await case.decide("!severity", "lower", "carl", "incident_commander")
    stale = await case.statement("!severity", "lower", "dora", "deputy", ask=first["ask"])
    await case.state_fact("live", await bench.now(), "desk")
    await level(case, "S0")
    assert await case.refused("decide", stale) in {"changed", "wrong_role"}
    board = await case.until(lambda board: any(ask.get("round") == 1 for ask in board["asks"]))
    (ask,) = [ask for ask in board["asks"] if ask["path"] == "!severity"]
    assert ask["options"]["lower"] == [{"any_of": ["incident_commander"]}, {"any_of": ["legal_counsel"]}]
    assert ask["answers"] == []
    await let_go(case)


@pytest.mark.parametrize(("dimension", "found"), [(5, "S1"), (1, "S1")])
async def test_low_confidence_never_lowers_what_is_grave(bench: Bench, dimension: int, found: str) -> None:
    """The score falls from S1 to less when `seen` comes; while `unverified` holds the level stays."""
    score = {name: expr("has(facts.seen) ? 1 : 3", {"facts.seen": "timestamp"}) for name in "IHVRCE"}
    doubt = expr("!has(facts.hoax)")
    case = await held(bench, severity="S4", score=score, unverified=doubt)
    board = await level(case, "S1")
    assert board["tags"] == ["unverified"]
    await case.state_fact("seen", await bench.now(), "desk")
    assert (await case.board())["severity"] == found
    await case.state_fact("hoax", await bench.now(), "desk")
    board = await level(case, "S3")
    assert "tags" not in board
    await let_go(case)


@pytest.mark.parametrize("role", ["incident_commander", "deputy"])
async def test_what_is_less_grave_is_dismissed_by_one_person(bench: Bench, role: str) -> None:
    running = clock("due", "facts.seen", on_close="records_custodian")
    case = await held(bench, severity="S2", clocks=[running])
    await case.state_fact("seen", await bench.now(), "desk")
    await case.until(lambda board: board["clocks"][0]["state"] == "running")
    await case.control("propose_dismissal", role=role)
    result = await case.outcome(skipping=False)
    assert result["outcome"] == "dismissed"
    assert result["clocks"][0]["state"] == "assigned"
    assert result["clocks"][0]["assigned_to"] == "records_custodian"
    (dismissed,) = told(bench, "incident.dismissed")
    assert (dismissed["by"], dismissed["severity"], dismissed["measures"]) == (["carl"], "S2", [])


async def test_somebody_else_proposes_and_the_commander_dismisses(bench: Bench) -> None:
    case = await held(bench, severity="S3")
    await case.control("propose_dismissal", role="ops_lead", person="olga")
    ask = await case.ask("!dismissal")
    assert ask["options"]["dismiss"] == [{"any_of": ["incident_commander", "deputy"]}]
    await case.decide("!dismissal", "dismiss", "carl", "incident_commander")
    assert (await case.outcome(skipping=False))["outcome"] == "dismissed"


async def test_what_becomes_grave_while_its_dismissal_waits_needs_two_people(bench: Bench) -> None:
    case = await held(bench, severity="S3")
    await case.control("propose_dismissal", role="ops_lead", person="olga")
    await case.ask("!dismissal")
    await case.control("raise_severity", role="csea_specialist", about={"level": "S1"})
    board = await case.until(lambda board: any(ask.get("round") == 1 for ask in board["asks"]))
    (ask,) = [ask for ask in board["asks"] if ask["path"] == "!dismissal"]
    assert len(ask["options"]["dismiss"]) == 2
    await case.decide("!dismissal", "dismiss", "carl", "incident_commander")
    assert (await case.board())["state"] == "open"
    await case.decide("!dismissal", "keep", "dora", "deputy")
    await case.until(lambda board: all(ask["path"] != "!dismissal" for ask in board["asks"]))
    await let_go(case)


async def test_a_proposal_survives_continue_as_new(bench: Bench) -> None:
    stay = decide("stay", {"go": {"steps": []}}, slot("ops_lead"), within=DAY)
    case = await bench.start(plan(("triage", [stay]), severity="S1", facts=FACTS), continue_after=40)
    await propose(case, "S3")
    runs = 0
    for number in range(60):
        await case.handle.signal("related", {"incident": f"inc-{number:020d}", "by": "account"})
        runs = (await case.board())["runs"]
        if runs:
            break
        await bench.skip(1)
    assert runs, "it never continued"
    await case.decide("!severity", "lower", "carl", "incident_commander")
    await case.decide("!severity", "lower", "dora", "deputy")
    await level(case, "S3")
    await case.decide("triage/stay", "go", "olga", "ops_lead")
    await case.outcome(skipping=False)


async def test_a_case_is_declared_an_incident_by_anybody_once(bench: Bench) -> None:
    case = await held(bench, severity="S3", mode="case")
    assert (await case.board())["mode"] == "case"
    await case.control("declare_incident", role="data_analyst", person="anna")
    assert (await case.board())["mode"] == "incident"
    assert await case.refused("control", await case.control_statement("declare_incident")) == "not_waiting"
    await let_go(case)
    assert len(told(bench, "incident.declared")) == 1
