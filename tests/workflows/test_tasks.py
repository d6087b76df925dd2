"""Tasks are claimed by one person at a time, handed back without a reason, and lapse by themselves."""

from typing import Any

from schemas.ledger import EntryKind
from tests.workflows.bench import Bench, Case
from tests.workflows.builder import plan, task

PATH = "one/look"


def _one(**more: Any) -> Any:
    return plan(("one", [task("look", {}, **more)]))


async def _about(case: Case) -> dict[str, Any]:
    return {"path": PATH, "ask": (await case.ask(PATH))["ask"]}


async def say(case: Case, verb: str, person: str, role: str = "ops_lead", **more: Any) -> dict[str, Any]:
    about = {**await _about(case), **more}
    return await case.control(verb, person=person, role=role, reason_ref="", about=about)


async def refused(case: Case, verb: str, person: str, role: str = "ops_lead", **more: Any) -> str:
    about = {**await _about(case), **more}
    return await case.refused(
        "control", await case.control_statement(verb, person=person, role=role, reason_ref="", about=about)
    )


async def test_one_person_has_a_task_and_the_others_are_told_who(bench: Bench) -> None:
    case = await bench.start(_one(claim_for=120.0))
    await say(case, "claim", "ops-1")
    claim = (await case.ask(PATH))["claim"]
    assert (claim["person"], claim["role"]) == ("ops-1", "ops_lead")
    assert await refused(case, "claim", "ops-2") == "claimed"
    assert await case.refused_decision(PATH, "done", "ops-2", "ops_lead") == "claimed"
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    assert (await case.outcome())["outcome"] == "closed"
    claimed = [entry for entry in bench.entries if entry["kind"] == EntryKind.TASK_CLAIMED]
    assert [(entry["actor"], entry["data"]["role"]) for entry in claimed] == [("ops-1", "ops_lead")]


async def test_the_commander_reports_a_task_that_somebody_else_has_and_no_other(bench: Bench) -> None:
    case = await bench.start(_one())
    assert await case.refused_decision(PATH, "done", "carl", "incident_commander") == "wrong_role"
    await say(case, "claim", "ops-1")
    assert await case.refused_decision(PATH, "done", "dora", "deputy") == "wrong_role"
    await case.decide(PATH, "done", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"


async def test_a_claim_lapses_and_the_task_is_free_for_others(bench: Bench) -> None:
    case = await bench.start(_one(claim_for=120.0))
    await say(case, "claim", "ops-1")
    await bench.skip(121)
    await case.until(lambda board: board["asks"] and "claim" not in board["asks"][0])
    await say(case, "claim", "ops-2")
    await case.decide(PATH, "done", "ops-2", "ops_lead")
    await case.outcome()
    assert bench.kinds().count(EntryKind.TASK_LAPSED) == 1
    assert [(call["kind"], call["roles"]) for call in bench.notices] == [
        ("ask", ["ops_lead"]),
        ("reassigned", ["ops_lead"]),
    ]


async def test_a_claim_begins_anew_when_its_holder_claims_again(bench: Bench) -> None:
    case = await bench.start(_one(claim_for=120.0))
    await say(case, "claim", "ops-1")
    await bench.skip(60)
    await say(case, "claim", "ops-1")
    await bench.skip(90)
    assert await refused(case, "claim", "ops-2") == "claimed"
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    await case.outcome()
    assert EntryKind.TASK_LAPSED not in bench.kinds()


async def test_a_task_handed_back_asks_the_others_and_climbs_after_five_minutes(bench: Bench) -> None:
    case = await bench.start(_one(exposure="graphic"))
    await say(case, "claim", "ops-1")
    assert await refused(case, "hand_back", "ops-2") == "claimed"
    await say(case, "hand_back", "ops-1")
    assert "claim" not in await case.ask(PATH)
    await bench.skip(299)
    assert "escalate" not in [call["kind"] for call in bench.notices]
    await bench.skip(2)
    await case.until(lambda _: "escalate" in [call["kind"] for call in bench.notices])
    climbed = next(call for call in bench.notices if call["kind"] == "escalate")
    assert climbed["roles"] == ["incident_commander", "wellness_officer"]
    await case.decide(PATH, "done", "ops-2", "ops_lead")
    await case.outcome()


async def test_a_task_taken_again_in_time_does_not_climb(bench: Bench) -> None:
    case = await bench.start(_one(exposure="graphic"))
    await say(case, "claim", "ops-1")
    await say(case, "hand_back", "ops-1")
    await say(case, "claim", "ops-2")
    await bench.skip(301)
    await case.decide(PATH, "done", "ops-2", "ops_lead")
    await case.outcome()
    assert "escalate" not in [call["kind"] for call in bench.notices]


async def test_who_hands_back_in_whose_place_leaves_the_same_entry(bench: Bench) -> None:
    case = await bench.start(_one())
    for person, role in (("ops-1", "ops_lead"), ("carl", "incident_commander"), ("wanda", "wellness_officer")):
        await say(case, "claim", "ops-1")
        await say(case, "hand_back", person, role)
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    await case.outcome()
    back = [entry for entry in bench.entries if entry["kind"] == EntryKind.TASK_REASSIGNED]
    assert [sorted(entry["data"]) for entry in back] == [["ask", "role", "statement"]] * 3


async def test_what_does_not_fit_a_task_is_refused(bench: Bench) -> None:
    case = await bench.start(_one())
    assert await refused(case, "claim", "carl", "legal_counsel") == "wrong_role"
    assert await refused(case, "hand_back", "ops-1") == "not_waiting"
    assert await refused(case, "claim", "ops-1", path="one/other") == "not_waiting"
    assert await refused(case, "claim", "ops-1", ask="sha256:00") == "changed"
    assert await refused(case, "claim", "ops-1", more="x") == "bad_value"
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    await case.outcome()


async def test_a_claim_is_carried_over_continue_as_new(bench: Bench) -> None:
    case = await bench.start(_one(claim_for=3000.0, within=6000.0), continue_after=20)
    turns = 0
    while not (await case.board())["runs"]:
        await say(case, "claim", "ops-1")
        turns += 1
        assert turns < 40
    assert await refused(case, "claim", "ops-2") == "claimed"
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    assert (await case.outcome())["outcome"] == "closed"
