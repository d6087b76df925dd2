"""Pages climb until somebody has them; a status is owed as often as the severity says."""

import asyncio
import json
from typing import Any

import pytest

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import action, clock, decide, fact, handoff, plan, slot, task, wait
from watchfloor.signing import parse_instant
from workflows.spans import add_business_days

POLICY: dict[str, Any] = {
    "v": 1,
    "digest": "sha256:00",
    "severities": {
        "S0": {"acknowledge_within": 300.0, "status_every": 1800.0},
        "S1": {"acknowledge_within": 900.0, "status_every": 3600.0},
        "S2": {"acknowledge_within": 3600.0, "status_every": 14_400.0},
        "S4": {"acknowledge_within": None, "status_every": None},
    },
    "ladder": ["backup", "deputy", "incident_commander", "exec_sponsor"],
    "status_role": "comms_lead",
}
CASE = "case"
DAY = 86_400.0


def doubt(mode: str = CASE) -> Any:
    """A run that waits on counsel for a day."""
    step = decide("doubt", {"go": {}, "leave": {}}, slot("legal_counsel"), within=DAY)
    return plan(("triage", [step]), mode=mode)


def rungs(bench: Bench) -> list[tuple[str, list[str]]]:
    return [(one["kind"], one["roles"]) for one in bench.notices]


async def said(bench: Bench, kind: str, count: int = 1) -> list[dict[str, Any]]:
    """The entries of a kind once there are so many; real time, at most ten seconds."""
    for _ in range(500):
        found = [entry for entry in bench.entries if entry["kind"] == kind]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(bench.kinds())


async def ack(case: Case, role: str = "legal_counsel", page: str = "p1", **more: Any) -> dict[str, Any]:
    return await case.control("ack", role=role, reason_ref="", **{"about": {"pages": [page]}, **more})


async def test_a_page_that_nobody_acknowledges_climbs_the_ladder_rung_by_rung(bench: Bench) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await bench.skip(4 * 900 + 5)
    await case.until(lambda board: board["pages"][0]["rung"] == 4)
    assert rungs(bench) == [
        ("ask", ["legal_counsel"]),
        ("page_climbed", ["legal_counsel"]),
        ("page_climbed", ["deputy"]),
        ("page_climbed", ["incident_commander"]),
        ("page_climbed", ["exec_sponsor"]),
    ]
    assert [entry["data"]["to"] for entry in await said(bench, "page.climbed", 4)] == POLICY["ladder"]
    (sent,) = await said(bench, "page.sent")
    assert sent["data"]["roles"] == ["legal_counsel"]
    assert sent["data"]["severity"] == "S1"
    keys = [one["key"] for one in bench.notices]
    assert len(set(keys)) == len(keys)
    assert [one.get("rung", 0) for one in bench.notices] == [0, 1, 2, 3, 4]
    await case.decide("triage/doubt", "go", "lena", "legal_counsel")
    await case.outcome()


async def test_after_the_last_rung_it_is_paged_again_with_growing_waits(bench: Bench) -> None:
    case = await bench.start(doubt(), paging={**POLICY, "ladder": ["exec_sponsor"]})
    await case.ask("triage/doubt")
    await bench.skip(900 + 900 + 1800 + 3600 + 10)
    board = await case.until(lambda board: board["pages"][0]["rung"] == 4)
    assert [roles for kind, roles in rungs(bench) if kind == "page_climbed"] == [["exec_sponsor"]] * 4
    assert board["page_dues"]["p1"] > board["now"]


async def test_an_acknowledgement_stops_the_climbing_and_is_in_the_ledger(bench: Bench) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await bench.skip(905)
    await case.until(lambda board: board["pages"][0]["rung"] == 1)
    receipt = await ack(case)
    assert receipt["state"] == "recorded"
    await bench.skip(4 * 3600)
    board = await case.board()
    assert board["pages"][0]["rung"] == 1
    assert board["page_dues"] == {}
    (entry,) = await said(bench, "page.acknowledged")
    assert entry["actor"] == "carl"
    assert (entry["data"]["how"], entry["data"]["rung"], entry["data"]["statement"]) == (
        "statement",
        1,
        receipt["digest"],
    )


@pytest.mark.parametrize(
    ("role", "about", "refusal"),
    [
        ("ops_lead", {"pages": ["p1"]}, "wrong_role"),
        ("legal_counsel", {"pages": ["p9"]}, "not_waiting"),
        ("legal_counsel", {"pages": []}, "bad_value"),
        ("legal_counsel", {"pages": [1]}, "bad_value"),
        ("legal_counsel", {"pages": "p1"}, "bad_value"),
        ("legal_counsel", {"pages": ["p1"] * 101}, "bad_value"),
        ("legal_counsel", {"pages": ["p1"], "more": 1}, "bad_value"),
        ("legal_counsel", {}, "bad_value"),
    ],
)
async def test_an_acknowledgement_that_fits_no_page_is_refused(
    bench: Bench, role: str, about: dict[str, Any], refusal: str
) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    assert await case.refused("control", await case.control_statement("ack", role=role, about=about)) == refusal
    assert "acknowledged" not in (await case.board())["pages"][0]


async def test_a_page_is_acknowledged_once(bench: Bench) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await ack(case)
    again = await case.control_statement("ack", role="legal_counsel", about={"pages": ["p1"]})
    assert await case.refused("control", again) == "not_waiting"


@pytest.mark.parametrize("role", ["incident_commander", "deputy", "exec_sponsor", "pager"])
async def test_who_commands_and_the_paging_service_may_acknowledge(bench: Bench, role: str) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await ack(case, role)
    taken = (await case.board())["pages"][0]["acknowledged"]
    assert (taken["how"], taken["role"]) == ("pager" if role == "pager" else "statement", role)


async def test_a_role_it_climbed_to_may_acknowledge_it(bench: Bench) -> None:
    case = await bench.start(doubt(), paging={**POLICY, "ladder": ["ops_lead"]})
    await case.ask("triage/doubt")
    early = await case.control_statement("ack", role="ops_lead", about={"pages": ["p1"]})
    assert await case.refused("control", early) == "wrong_role"
    await bench.skip(905)
    await case.until(lambda board: board["pages"][0]["rung"] == 1)
    await ack(case, "ops_lead")


async def test_one_answer_of_two_acknowledges_what_it_is_about(bench: Bench) -> None:
    two = decide("doubt", {"go": {}}, slot("legal_counsel"), slot("policy_lead"), within=DAY)
    case = await bench.start(plan(("triage", [two]), mode=CASE), paging=POLICY)
    await case.ask("triage/doubt")
    await case.decide("triage/doubt", "go", "lena", "legal_counsel")
    await bench.skip(4 * 3600)
    board = await case.board()
    taken = board["pages"][0]["acknowledged"]
    assert (taken["how"], taken["by"]) == ("answer", "lena")
    assert [kind for kind, _ in rungs(bench)] == ["ask"]


async def test_a_claim_takes_the_page_of_its_task_until_it_is_handed_back(bench: Bench) -> None:
    case = await bench.start(plan(("one", [task("look", {}, within=DAY)]), mode=CASE), paging=POLICY)
    about = {"path": "one/look", "ask": (await case.ask("one/look"))["ask"]}
    await case.control("claim", person="ops-1", role="ops_lead", reason_ref="", about=about)
    (taken,) = await said(bench, "page.acknowledged")
    assert (taken["actor"], taken["data"]["how"]) == ("ops-1", "claim")
    await bench.skip(905)
    assert "page_climbed" not in [kind for kind, _ in rungs(bench)]
    await case.control("hand_back", person="ops-1", role="ops_lead", reason_ref="", about=about)
    board = await case.until(lambda board: [page["id"] for page in board["pages"]] == ["p2"])
    assert "acknowledged" not in board["pages"][0]
    await bench.skip(905)
    await case.until(lambda board: board["pages"][0]["rung"] == 1)
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()


async def test_a_whole_answer_settles_the_page(bench: Bench) -> None:
    later = plan(("triage", [doubt()["phases"][0]["steps"][0], wait("rest", for_=7200.0)]), mode=CASE)
    case = await bench.start(later, paging=POLICY)
    await case.decide("triage/doubt", "go", "lena", "legal_counsel")
    await case.until(lambda board: board["pages"] == [])
    (entry,) = await said(bench, "page.acknowledged")
    assert (entry["actor"], entry["data"]["how"]) == ("lena", "answer")
    assert [kind for kind, _ in rungs(bench)] == ["ask"]


async def test_silence_that_ends_a_page_that_had_climbed_is_told(bench: Bench) -> None:
    step = decide("doubt", {"go": {}}, slot("legal_counsel"), within=1000.0)
    case = await bench.start(plan(("triage", [step]), mode=CASE), paging=POLICY, failed_step_window=60.0)
    await case.outcome()
    over = [entry["data"]["how"] for entry in await said(bench, "page.acknowledged") if entry["step"] == "doubt"]
    assert over == ["over"]


async def test_a_run_without_a_policy_pages_once_and_says_nothing_more(bench: Bench) -> None:
    case = await bench.start(doubt())
    await case.ask("triage/doubt")
    await bench.skip(4 * 3600)
    board = await case.board()
    assert "pages" not in board
    assert "status_due_at" not in board
    assert [kind for kind, _ in rungs(bench)] == ["ask"]
    assert not [kind for kind in bench.kinds() if kind.startswith(("page.", "status."))]


async def test_a_level_with_no_time_never_climbs(bench: Bench) -> None:
    case = await bench.start({**doubt(), "severity": "S4"}, paging=POLICY)
    await case.ask("triage/doubt")
    await bench.skip(12 * 3600)
    board = await case.board()
    assert board["pages"][0]["rung"] == 0
    assert board["page_dues"] == {}


async def test_a_rise_of_severity_shortens_the_time_that_is_left(bench: Bench) -> None:
    step = decide("doubt", {"go": {}}, slot("legal_counsel"), within=DAY)
    facts = {"hurt": fact("system", type_="bool")}
    given = plan(("triage", [step]), mode=CASE, facts=facts, severity="S2", floors=[("has(facts.hurt)", "S0")])
    case = await bench.start(given, paging=POLICY)
    await case.ask("triage/doubt")
    await bench.skip(600)
    assert (await case.board())["pages"][0]["rung"] == 0
    await case.state_fact("hurt", True, "system")
    await case.until(lambda board: board["severity"] == "S0" and board["pages"][0]["rung"] == 1)
    await bench.skip(305)
    await case.until(lambda board: board["pages"][0]["rung"] == 2)


async def test_a_pause_of_the_run_holds_no_page_back(bench: Bench) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await case.control("pause")
    await bench.skip(905)
    await case.until(lambda board: board["paused"] and board["pages"][0]["rung"] == 1)


async def test_pages_and_their_times_survive_continue_as_new(bench: Bench) -> None:
    busy = [action(f"a{number}") for number in range(12)]
    step = decide("doubt", {"go": {}}, slot("legal_counsel"), within=DAY)
    both = plan(("triage", [step]), mode=CASE, tracks=[])
    both["phases"] = [{"name": "triage", "steps": [_parallel(step, busy)]}]
    case = await bench.start(both, paging=POLICY, continue_after=40)
    while len(bench.calls) < len(busy):
        await asyncio.sleep(0.02)
    await case.until(lambda board: board["runs"] >= 1 and board["pages"])
    before = (await case.board())["page_dues"]["p1"]
    await bench.skip(1805)
    board = await case.until(lambda board: board["pages"][0]["rung"] == 2)
    assert board["pages"][0]["id"] == "p1"
    assert board["page_dues"]["p1"] > before
    assert [one["key"] for one in bench.notices].count(bench.notices[0]["key"]) == 1
    await ack(case)
    await case.until(lambda board: "acknowledged" in board["pages"][0])


def _parallel(ask: Any, busy: list[Any]) -> Any:
    from tests.workflows.builder import parallel

    one = parallel("both", {"people": [ask], "work": busy})
    for branch, steps in (("people", [ask]), ("work", busy)):
        for step in steps:
            step["path"] = f"triage/both/{branch}/{step['id']}"
    one["path"] = "triage/both"
    return one


async def test_an_alarm_of_a_clock_climbs_and_a_breach_pages_anew(bench: Bench) -> None:
    facts = {"known": fact("system"), "gone": fact("system")}
    law = clock("hour", "facts.known", "facts.gone", warn=[1800.0], on_breach=["legal_counsel"])
    given = plan(("triage", [wait("w", fact="gone", within=DAY)]), mode=CASE, facts=facts, clocks=[law])
    case = await bench.start(given, paging=POLICY)
    await case.state_fact("known", await bench.now(), "system")
    await bench.skip(1805)
    await case.until(lambda board: [page["kind"] for page in board["pages"]] == ["clock_warning"])
    await ack(case, "incident_commander")
    await bench.skip(1800)
    board = await case.until(lambda board: [page["kind"] for page in board["pages"]] == ["clock_breach"])
    assert board["pages"][0]["id"] == "p2"
    assert "acknowledged" not in board["pages"][0]
    await bench.skip(905)
    await case.until(lambda board: board["pages"][0]["rung"] == 1)
    await case.state_fact("gone", await bench.now(), "system")
    await case.until(lambda board: board["pages"] == [])


async def test_a_breach_of_a_clock_whose_warning_nobody_took_climbs_on(bench: Bench) -> None:
    facts = {"known": fact("system"), "gone": fact("system")}
    law = clock("hour", "facts.known", "facts.gone", warn=[3000.0], on_breach=["legal_counsel"])
    given = plan(("triage", [wait("w", fact="gone", within=DAY)]), mode=CASE, facts=facts, clocks=[law])
    case = await bench.start(given, paging=POLICY)
    await case.state_fact("known", await bench.now(), "system")
    await bench.skip(3605)
    board = await case.until(lambda board: [page["kind"] for page in board["pages"]] == ["clock_breach"])
    page = board["pages"][0]
    assert page["id"] == "p1"
    assert page["told"] == ["incident_commander", "legal_counsel"]
    assert page["alerts"] == ["p1", "p1.1"]


async def test_the_action_page_climbs_until_it_is_acknowledged(bench: Bench) -> None:
    step = action("call", "page", {"role": "ops_lead", "about": "swarm"})
    case = await bench.start(plan(("triage", [step, wait("w", for_=DAY)]), mode=CASE), paging=POLICY)
    board = await case.until(lambda board: board["pages"])
    assert board["pages"][0]["alerts"] == [bench.calls[0]["key"][-16:]]
    await bench.skip(905)
    await case.until(lambda board: board["pages"][0]["rung"] == 1)
    assert rungs(bench) == [("page_climbed", ["ops_lead"])]
    await ack(case, "ops_lead")
    await bench.skip(3600)
    assert rungs(bench)[1:] == [("page_acknowledged", ["ops_lead"])]


async def test_channels_that_keep_an_alert_open_are_told_of_its_end_once(bench: Bench) -> None:
    bench.behaviour["people.notify"] = lambda call: {"delivered": ["room"], "failed": [], "follows": ["room"]}
    later = plan(("triage", [doubt()["phases"][0]["steps"][0], wait("rest", for_=7200.0)]), mode=CASE)
    case = await bench.start(later, paging=POLICY)
    await case.ask("triage/doubt")
    await bench.skip(905)
    await case.until(lambda board: board["pages"][0]["rung"] == 1)
    await ack(case)
    await case.until(lambda board: [kind for kind, _ in rungs(bench)][-1] == "page_acknowledged")
    await case.decide("triage/doubt", "go", "lena", "legal_counsel")
    await case.until(lambda board: board["pages"] == [])
    kinds = [kind for kind, _ in rungs(bench)]
    assert kinds == ["ask", "page_climbed", "page_acknowledged", "page_settled"]
    assert bench.notices[-1]["alerts"] == ["p1", "p1.1"]
    assert bench.notices[-1]["page"] == "p1"
    assert bench.notices[-1]["channels"] == ["room"]


async def test_a_page_costs_no_more_than_its_timer_until_a_rung_is_due(bench: Bench) -> None:
    lengths = []
    for more in ({}, {"paging": POLICY}):
        case = await bench.start(doubt(), **more)
        await case.decide("triage/doubt", "go", "lena", "legal_counsel")
        await case.outcome()
        # how many workflow tasks carry the same events depends on who comes first
        lengths.append([event for event in await case.events() if not event.startswith("WORKFLOW_TASK")])
    bare, paged = lengths
    for event in bare:
        paged.remove(event)
    assert sorted(paged) == ["TIMER_CANCELED", "TIMER_STARTED"]


async def test_an_offer_that_no_region_took_climbs_in_the_incident(bench: Bench) -> None:
    last = decide("doubt", {"go": {}}, slot("ops_lead"), within=DAY)
    steps = [handoff("to_eu", fallback=[action("ourselves"), last])]
    case = await bench.start(plan(("one", steps), title="Unanswered", mode=CASE), paging=POLICY, exposed_regions=["eu"])
    await case.ask("one/to_eu/fallback/doubt")
    await bench.skip(905)
    page = (await case.until(lambda board: board["pages"][0]["rung"] == 1))["pages"][0]
    assert (page["kind"], page["path"], page["roles"]) == ("handoff_unanswered", "one/to_eu", ["incident_commander"])
    await ack(case, "incident_commander", page["id"])
    await case.decide("one/to_eu/fallback/doubt", "go", "otto", "ops_lead")
    assert (await case.outcome(skipping=False))["outcome"] == "closed"


async def test_business_days_and_a_ladder_of_its_own_count_for_what_is_only_tracked(bench: Bench) -> None:
    tracked = {"acknowledge_within": None, "status_every": None, "business_days": 1, "ladder": ["backup"]}
    policy = {**POLICY, "severities": {"S1": tracked}}
    case = await bench.start(
        plan(("one", [decide("doubt", {"go": {}}, slot("ops_lead"), within=30 * DAY)]), mode=CASE), paging=policy
    )
    await case.ask("one/doubt")
    board = await case.until(lambda board: board["pages"])
    sent = parse_instant(board["pages"][0]["sent_at"])
    assert parse_instant(board["page_dues"]["p1"]) == add_business_days(sent, 1)
    await bench.skip((add_business_days(sent, 2) - sent).total_seconds() + 5)
    await case.until(lambda board: board["pages"][0]["rung"] == 2)
    assert [roles for kind, roles in rungs(bench) if kind == "page_climbed"] == [["ops_lead"], ["ops_lead"]]


async def test_a_page_names_the_people_whom_a_channel_really_told(bench: Bench) -> None:
    people = {"legal_counsel": ["lena"], "deputy": ["dora"]}
    bench.behaviour["people.notify"] = lambda call: {
        "delivered": ["desk"],
        "failed": [],
        "people": {role: people[role] for role in call["roles"] if role in people},
    }
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await case.until(lambda board: board["pages"][0].get("reached") == ["lena"])
    await bench.skip(2 * 900 + 5)
    await case.until(lambda board: board["pages"][0].get("reached") == ["lena", "dora"])


async def test_who_stands_aside_has_no_page_any_more_and_it_climbs_at_once(bench: Bench) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await ack(case, person="lena")
    await case.control("recuse", role="legal_counsel", person="lea", about={"person": "lena"})
    board = await case.until(lambda board: "acknowledged" not in board["pages"][0])
    assert board["pages"][0]["rung"] == 1
    (entry,) = await said(bench, "page.reopened")
    assert (entry["data"]["page"], entry["data"]["before"]) == ("p1", "lena")


async def test_an_incident_owes_a_status_and_one_that_is_given_begins_the_time_anew(bench: Bench) -> None:
    case = await bench.start(doubt(mode="incident"), paging={**POLICY, "ladder": ["exec_sponsor"]})
    await case.ask("triage/doubt")
    await ack(case)
    await bench.skip(3605)
    await case.until(lambda board: ("status_due", ["comms_lead"]) in rungs(bench))
    await bench.skip(1800)
    await case.control("status", role="comms_lead", person="cleo", reason_ref="sha256:77")
    due = (await case.board())["status_due_at"]
    await bench.skip(1900)
    assert rungs(bench).count(("status_due", ["comms_lead"])) == 1
    assert (await case.board())["status_due_at"] == due
    await bench.skip(1900)
    await case.until(lambda board: rungs(bench).count(("status_due", ["comms_lead"])) == 2)
    (noted,) = await said(bench, "status.noted")
    assert noted["actor"] == "cleo"
    assert noted["data"]["reason_ref"] == "sha256:77"


async def test_a_case_owes_no_status(bench: Bench) -> None:
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    await ack(case)
    await bench.skip(12 * 3600)
    assert "status_due_at" not in await case.board()
    assert [kind for kind, _ in rungs(bench)] == ["ask"]


async def test_a_status_by_somebody_else_or_without_words_is_refused(bench: Bench) -> None:
    case = await bench.start(doubt(mode="incident"), paging=POLICY)
    await case.ask("triage/doubt")
    other = await case.control_statement("status", role="ops_lead")
    assert await case.refused("control", other) == "wrong_role"
    wordless = await case.control_statement("status", role="comms_lead", reason_ref="")
    assert await case.refused("control", wordless) == "bad_value"


async def test_no_notice_holds_a_title_an_input_a_value_or_a_reason(bench: Bench) -> None:
    step = decide("doubt", {"go": {}}, slot("legal_counsel"), ask="CANARY question", show=["inputs.urls"], within=DAY)
    given = plan(("triage", [step, wait("rest", for_=10.0)]), mode="incident", title="CANARY title")
    bench.behaviour["people.notify"] = lambda call: {"delivered": ["room"], "failed": [], "follows": ["room"]}
    case = await bench.start(given, {"urls": ["CANARY-url"]}, paging=POLICY)
    await case.ask("triage/doubt")
    await bench.skip(4000)
    await ack(case, about={"pages": ["p1"]})
    await case.decide("triage/doubt", "go", "lena", "legal_counsel", reason_ref="sha256:CANARY")
    await case.outcome()
    kinds = {one["kind"] for one in bench.notices}
    assert kinds >= {"ask", "page_climbed", "page_acknowledged", "page_settled", "status_due"}
    told = [{name: value for name, value in one.items() if name != "entries"} for one in bench.notices]
    assert "CANARY" not in json.dumps(told)
