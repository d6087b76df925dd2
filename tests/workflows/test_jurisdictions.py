"""Where people and data are: from inputs and facts, on the board, in conditions; and what deadlines say of priority."""

from typing import Any

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import action, clock, decide, expr, fact, law, plan, slot

DAY = 86400.0


async def held(bench: Bench, *steps: Any, **more: Any) -> Case:
    stay = decide("stay", {"go": {"steps": []}}, slot("ops_lead"), within=DAY)
    inputs = more.pop("inputs", {})
    return await bench.start(plan(("triage", [*steps, stay]), **more), inputs, pressure=False)


async def let_go(case: Case) -> None:
    await case.decide("triage/stay", "go", "olga", "ops_lead")
    await case.outcome(skipping=False)


async def test_where_it_is_follows_inputs_and_facts_and_conditions_read_it(bench: Bench) -> None:
    where = {
        "uploader": expr("inputs.country", {"inputs.country": "string"}),
        "viewer": expr("facts.seen_in", {"facts.seen_in": "dyn"}),
        "victim": expr("inputs.nowhere", {"inputs.nowhere": "string"}),
    }
    german = clock("german", "facts.came", cond='"DE" in incident.jurisdictions')
    german["cond"] = expr('"DE" in incident.jurisdictions', {"incident.jurisdictions": "list<string>"})
    french = {**clock("french", "facts.came"), "name": "french"}
    french["cond"] = expr('"FR" in incident.jurisdictions', {"incident.jurisdictions": "list<string>"})
    case = await held(
        bench,
        action("tell", with_={"to": "${{ incident.jurisdiction_of.uploader }}"}),
        jurisdictions=where,
        clocks=[german, french],
        facts={"seen_in": fact("desk", type_="list"), "came": fact("desk")},
        inputs={"country": "DE"},
    )
    board = await case.until(lambda one: one["asks"])
    assert board["jurisdictions"] == {"uploader": ["DE"]}
    assert bench.calls[0]["inputs"] == {"to": ["DE"]}
    await case.state_fact("came", await bench.now(), "desk")
    states = {clock["name"]: clock["state"] for clock in (await case.board())["clocks"]}
    assert states == {"german": "running", "french": "waiting"}
    await case.state_fact("seen_in", ["FR", "DE", "FR"], "desk")
    board = await case.until(lambda one: len(one["jurisdictions"]) == 2)
    assert board["jurisdictions"] == {"uploader": ["DE"], "viewer": ["FR", "DE"]}
    states = {clock["name"]: clock["state"] for clock in board["clocks"]}
    assert states == {"german": "running", "french": "running"}
    await let_go(case)


async def test_a_deadline_of_the_law_presses_and_an_objective_of_ours_does_not(bench: Bench) -> None:
    hard = clock("hard", "facts.came", law=law(duration=3600.0))
    ours = clock("ours", "facts.came", law=law(kind="promptly", duration=None, internal_slo=60.0))
    case = await held(bench, severity="S3", clocks=[ours], facts={"came": fact("desk")})
    await case.state_fact("came", await bench.now(), "desk")
    board = await case.until(lambda one: one["clocks"][0]["state"] == "running")
    assert (board["priority"], "pressure" in board) == ("P3", False)
    await let_go(case)
    case = await held(bench, severity="S3", clocks=[hard, ours], facts={"came": fact("desk")})
    began = await bench.now()
    await case.state_fact("came", began, "desk")
    board = await case.until(lambda one: one.get("pressure"))
    assert board["priority"] == "P3"
    await bench.skip(46 * 60)
    # a fact later: the engine's own time has come to be within the last quarter
    await case.control("pause")
    assert (await case.board())["priority"] == "P0"
    await case.control("resume")
    await let_go(case)
    assert "priority" not in await case.board()
