"""Tasks are claimed by one person at a time, handed back without a reason, and lapse by themselves."""

from typing import Any

from schemas.ledger import EntryKind
from tests.workflows.bench import Bench, Case
from tests.workflows.builder import plan, task
from watchfloor.signing import ask_digest

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


async def test_a_claim_is_carried_over_continue_as_new(lasting: Bench) -> None:
    case = await lasting.start(_one(claim_for=3000.0, within=6000.0), continue_after=20)
    turns = 0
    while not (await case.board())["runs"]:
        await say(case, "claim", "ops-1")
        turns += 1
        assert turns < 40
    assert await refused(case, "claim", "ops-2") == "claimed"
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    assert (await case.outcome())["outcome"] == "closed"


CHECKLIST = [
    {"id": "number", "do": "Check the number", "required": True},
    {"id": "filed", "do": "File it", "required": True},
    {"id": "copy", "do": "Send a copy", "required": False},
]


async def test_a_task_is_done_only_when_every_item_that_is_needed_is_ticked(bench: Bench) -> None:
    case = await bench.start(_one(checklist=CHECKLIST))
    assert await case.refused_decision(PATH, "done", "ops-1", "ops_lead") == "unticked"
    await say(case, "tick", "ops-1", item="number")
    board = await case.board()
    assert next(step["detail"] for step in board["steps"] if step["path"] == PATH).startswith("1 of 2 ticked")
    assert await case.refused_decision(PATH, "done", "ops-1", "ops_lead") == "unticked"
    assert await refused(case, "tick", "ops-1", item="number") == "repeated"
    assert await refused(case, "tick", "ops-1", item="nothing") == "unknown_option"
    assert await refused(case, "tick", "ops-1", "legal_counsel", item="filed") == "wrong_role"
    assert await refused(case, "tick", "ops-1") == "bad_value"
    await say(case, "tick", "ops-2", item="filed")
    ticks = (await case.ask(PATH))["ticks"]
    assert {name: one["by"] for name, one in ticks.items()} == {"number": "ops-1", "filed": "ops-2"}
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    assert (await case.outcome())["outcome"] == "closed"
    ticked = [entry for entry in bench.entries if entry["kind"] == EntryKind.TASK_TICKED]
    assert [(entry["actor"], entry["data"]["item"]) for entry in ticked] == [("ops-1", "number"), ("ops-2", "filed")]


async def test_who_has_not_claimed_a_claimed_task_ticks_nothing_and_ticks_stay_when_it_changes_hands(
    bench: Bench,
) -> None:
    case = await bench.start(_one(checklist=CHECKLIST))
    await say(case, "claim", "ops-1")
    await say(case, "tick", "ops-1", item="number")
    assert await refused(case, "tick", "ops-2", item="filed") == "claimed"
    await say(case, "hand_back", "ops-1")
    await say(case, "tick", "ops-2", item="filed")
    await case.decide(PATH, "done", "ops-2", "ops_lead")
    await case.outcome()


async def test_the_checklist_is_part_of_what_a_person_signs_for(bench: Bench) -> None:
    place = {"region": "eu", "namespace": "default", "incident": "inc-a", "plan": "x"}
    case = await bench.start(_one(checklist=CHECKLIST))
    ask: Any = await case.ask(PATH)
    assert ask_digest(ask, **place) != ask_digest({**ask, "checklist": CHECKLIST[:1]}, **place)
    for item in ("number", "filed"):
        await say(case, "tick", "ops-1", item=item)
    await case.decide(PATH, "done", "ops-1", "ops_lead")
    await case.outcome()


async def test_a_named_person_does_it_and_nobody_else_but_the_commander(bench: Bench) -> None:
    bench.people.add("ops-1")
    case = await bench.start(_one(person="ops-1"))
    assert (await case.ask(PATH))["person"] == "ops-1"
    assert await refused(case, "claim", "ops-2") == "claimed"
    assert await case.refused_decision(PATH, "done", "ops-2", "ops_lead") == "claimed"
    await say(case, "claim", "ops-1")
    await case.decide(PATH, "done", "carl", "incident_commander")
    await case.outcome()


async def test_a_named_person_hands_back_and_it_is_open_to_the_role(bench: Bench) -> None:
    bench.people.add("ops-1")
    case = await bench.start(_one(person="ops-1"))
    assert await refused(case, "hand_back", "ops-2") == "not_waiting"
    await say(case, "hand_back", "ops-1")
    await say(case, "claim", "ops-2")
    await case.decide(PATH, "done", "ops-2", "ops_lead")
    await case.outcome()
    assert [call["kind"] for call in bench.notices] == ["ask", "reassigned"]


async def test_a_person_who_is_not_there_leaves_the_task_to_the_role(bench: Bench) -> None:
    case = await bench.start(_one(person="ops-9"))
    assert "person" not in await case.ask(PATH)
    await case.decide(PATH, "done", "ops-2", "ops_lead")
    await case.outcome()
    assert bench.kinds().count(EntryKind.TASK_FELL_BACK) == 1
