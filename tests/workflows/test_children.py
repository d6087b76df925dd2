"""Hold, handoff and postmortem: processes of their own, reports, command, the closing word."""

import pytest

from tests.workflows.bench import URLS, Bench
from tests.workflows.builder import action, decide, fact, handoff, hold, plan, postmortem, slot
from workflows.addresses import child_id

COUNSEL = slot("legal_counsel")


async def test_a_hold_is_done_when_its_freeze_is_proved(bench: Bench) -> None:
    case = await bench.start(plan(("legal_hold", [hold("hold"), action("end", "z", {"id": "${{ steps.hold.hold }}"})])))
    assert (await case.outcome())["outcome"] == "closed"
    wanted = child_id("hold", case.handle.id, "legal_hold/hold")
    assert bench.calls[0]["inputs"] == {"id": wanted}
    board = await case.board()
    assert [(child["workflow"], child["state"]) for child in board["children"]] == [(wanted, "verified")]


async def test_a_hold_that_cannot_be_proved_fails_the_step_and_retry_places_another(bench: Bench) -> None:
    case = await bench.start(plan(("legal_hold", [hold("hold", sources=["broken_store"])])))
    await bench.skip(10)
    ask = await case.ask("legal_hold/hold!failed")
    assert ask["shown"][0]["value"] == "hold_failed"
    await case.decide("legal_hold/hold!failed", "retry", "carl", "incident_commander")
    await bench.skip(10)
    board = await case.until(lambda one: len(one["children"]) == 2 and one["asks"])
    assert len({child["workflow"] for child in board["children"]}) == 2


@pytest.mark.parametrize(("mode", "commander", "fence"), [("assist", "rita", 1), ("command", "eva", 2)])
async def test_command_passes_only_with_an_accepted_command_handoff(
    bench: Bench, mode: str, commander: str, fence: int
) -> None:
    facts = {"came": {**fact("inputs.came"), "type": {"type": "timestamp", "data_class": "public"}}}
    share = ("inputs.urls", "facts.came")
    case = await bench.start(
        plan(("assist", [handoff("to_eu", share, mode=mode)]), facts=facts), {"came": await bench.now()}
    )
    assert (await case.outcome())["outcome"] == "closed"
    board = await case.board()
    assert (board["commander"]["person"], board["commander"]["fence"]) == (commander, fence)
    assert bench.kinds().count("command.passed") == fence - 1
    child = bench.client.get_workflow_handle(child_id("hand", case.handle.id, "assist/to_eu"))
    packet = await child.result()
    assert packet["mode"] == mode
    assert [(one["label"], one["data_class"]) for one in packet["shared"]] == [
        ("inputs.urls", ""),
        ("facts.came", "public"),
    ]
    assert packet["shared"][0]["value"] == URLS


async def test_a_handoff_gives_who_accepted(bench: Bench) -> None:
    case = await bench.start(
        plan(
            (
                "one",
                [handoff("to_eu"), action("end", "z", {"by": "${{ steps.to_eu.by }}"}, cond="steps.to_eu.accepted")],
            )
        )
    )
    await case.outcome()
    assert bench.calls[0]["inputs"] == {"by": "eva"}


@pytest.mark.parametrize(("title", "state"), [("Declined", "denied"), ("Nobody home", "silent")])
async def test_a_handoff_that_nobody_takes_walks_its_fallback(bench: Bench, title: str, state: str) -> None:
    case = await bench.start(
        plan(("one", [handoff("to_eu", fallback=[action("ourselves")]), action("end", "z")]), title=title)
    )
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["one/to_eu/fallback/ourselves", "one/end"]
    steps = {step["path"]: step["state"] for step in (await case.board())["steps"]}
    assert steps["one/to_eu"] == state


async def test_a_handoff_to_a_region_without_gateway_fails_at_once(bench: Bench) -> None:
    case = await bench.start(plan(("one", [handoff("to_eu")])), exposed_regions=["us"])
    assert (await case.ask("one/to_eu!failed"))["shown"][0]["value"] == "no_region"


async def test_a_review_is_started_and_told_of_the_closing(bench: Bench) -> None:
    case = await bench.start(plan(("one", [postmortem("review"), action("end", "z")])))
    result = await case.outcome()
    told = await bench.client.get_workflow_handle(child_id("post", case.handle.id, "one/review")).result()
    assert (told["outcome"], told["closed_at"]) == ("closed", result["closed_at"])
    assert set(told["phase_times"]["one"]) == {"entered_at", "left_at"}


async def test_a_forged_report_is_not_taken(bench: Bench) -> None:
    case = await bench.start(plan(("one", [decide("pick", {"go": {}}, COUNSEL)])))
    await case.ask("one/pick")
    data = {"mode": "command", "person": "mallory", "region": "eu", "fence": 1}
    forged = {"path": "one/pick", "kind": "handoff", "workflow": "hand-x", "state": "accepted", "at": "", "data": data}
    for report in (forged, "nonsense", None, 7, {"path": 1}, {**forged, "data": None}):
        await case.handle.signal("report", report)
    await case.decide("one/pick", "go", "lena", "legal_counsel")
    await case.outcome()
    board = await case.board()
    assert board["commander"]["person"] == "rita"
    assert board["children"] == []


async def test_an_old_report_sent_again_changes_nothing(bench: Bench) -> None:
    steps = [hold("hold"), handoff("to_eu", mode="command"), decide("pick", {"go": {}}, COUNSEL)]
    case = await bench.start(plan(("one", steps)))
    await bench.skip(30)
    await case.ask("one/pick")
    before = {child["kind"]: child for child in (await case.board())["children"]}
    assert {child["state"] for child in before.values()} == {"verified", "accepted"}
    earlier = {**before["hold"], "state": "failed", "at": "2001-01-01T00:00:00Z"}
    undated = {**before["hold"], "state": "failed", "at": ""}
    again = {**before["handoff"], "at": await bench.now()}
    unfenced = {**again, "data": {key: value for key, value in again["data"].items() if key != "fence"}}
    for report in (earlier, undated, again, unfenced, {**again, "state": "declined"}):
        await case.handle.signal("report", report)
    board = await case.board()
    assert {child["kind"]: child for child in board["children"]} == before
    assert (board["commander"]["person"], board["commander"]["fence"]) == ("eva", 2)
    assert bench.kinds().count("command.passed") == 1
    await case.decide("one/pick", "go", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"


async def test_children_survive_continuing_while_the_step_waits(lasting: Bench) -> None:
    from tests.workflows.builder import for_each, parallel

    item = {"url": "${{ url }}"}
    branches = {
        "loop": [for_each("all", [action("snap", "evidence.snapshot", item)], at_once=2)],
        "hold": [hold("hold")],
    }
    urls = [f"https://example.test/v/{number}" for number in range(30)]
    case = await lasting.start(plan(("one", [parallel("both", branches)])), {"urls": urls}, continue_after=40)
    assert (await case.outcome())["outcome"] == "closed"
    board = await case.board()
    assert board["runs"] >= 1
    assert [child["state"] for child in board["children"]] == ["verified"]


@pytest.mark.parametrize("compartment", ["terror", ""])
async def test_the_compartment_is_on_the_board_and_goes_along_to_hold_handoff_and_review(
    bench: Bench, compartment: str
) -> None:
    steps = [hold("hold"), handoff("to_eu"), postmortem("review")]
    case = await bench.start(
        plan(("all", steps), compartment=compartment), **({"compartment": compartment} if compartment else {})
    )
    assert (await case.outcome())["outcome"] == "closed"
    assert (await case.board()).get("compartment") == (compartment or None)
    children = ("hold", "all/hold"), ("hand", "all/to_eu"), ("post", "all/review")
    for kind, path in children:
        handle = bench.client.get_workflow_handle(child_id(kind, case.handle.id, path))
        first = await anext(handle.fetch_history_events(page_size=1))
        (start,) = await bench.client.data_converter.decode(
            first.workflow_execution_started_event_attributes.input.payloads
        )
        assert start.get("compartment") == (compartment or None), kind
