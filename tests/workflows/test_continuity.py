"""Continue-as-new, outages, pause and abort: nothing is lost, doubled, or decided by itself."""

import asyncio

from temporalio.exceptions import ApplicationError

from tests.workflows.bench import Bench, idle_bench
from tests.workflows.builder import (
    action,
    clock,
    decide,
    fact,
    for_each,
    parallel,
    plan,
    repeat,
    retry,
    silence,
    slot,
    wait,
)
from watchfloor.signing import parse_instant, refuse_decision

ITEM = {"url": "${{ url }}"}
COUNSEL = slot("legal_counsel")
MANY = [f"https://example.test/v/{number}" for number in range(30)]


async def test_continuing_in_the_middle_of_a_loop_does_each_item_once(lasting: Bench) -> None:
    steps = [
        action("snapshot", "evidence.snapshot", ITEM),
        action("disable", "content.disable", ITEM, effect="restricts"),
    ]
    case = await lasting.start(
        plan(
            (
                "containment",
                [for_each("remove", steps, at_once=3), action("end", "z", {"ok": "${{ steps.remove.succeeded }}"})],
            )
        ),
        {"urls": MANY},
        continue_after=40,
    )
    assert (await case.outcome())["outcome"] == "closed"
    board = await case.board()
    assert board["runs"] >= 2
    paths = lasting.done()
    assert len(paths) == len(set(paths)) == 61
    assert lasting.calls[-1]["inputs"]["ok"] == MANY
    assert len(board["measures"]) == 30
    ids = [entry["id"] for entry in lasting.entries]
    assert len(ids) == len(set(ids))
    assert lasting.kinds().count("incident.opened") == 1
    assert lasting.kinds().count("incident.continued") == board["runs"]


async def test_a_large_state_is_carried_packed_and_whole(lasting: Bench) -> None:
    note = "x" * 9_000
    steps = [action(f"s{number}", with_={"n": number}) for number in range(40)]
    lasting.behaviour["content.probe"] = lambda call: {"note": note, "n": call["inputs"]["n"]}
    last = action("end", "z", {"first": "${{ steps.s0.n }}", "last": "${{ steps.s39.n }}"})
    case = await lasting.start(plan(("one", [*steps, last])), continue_after=200)
    assert (await case.outcome())["outcome"] == "closed"
    assert (await case.board())["runs"] == 1
    assert lasting.calls[-1]["inputs"] == {"first": 0, "last": 39}
    assert len(lasting.done()) == 41
    history = await lasting.client.get_workflow_handle(case.handle.id).fetch_history()
    payload = history.events[0].workflow_execution_started_event_attributes.input.payloads[0].data
    assert len(payload) < 100_000


async def test_continuing_with_an_open_decision_notifies_nobody_again(lasting: Bench) -> None:
    options = {"go": {"steps": [action("did", "x")]}}
    case = await lasting.start(
        plan(("one", [decide("pick", options, COUNSEL, slot("exec_sponsor"), within=7200.0)])), continue_after=60
    )
    first = await case.ask("one/pick")
    statement = await case.statement("one/pick", "go", "lena", "legal_counsel")
    await case.send("decide", statement)
    # no query while it continues: the test server loses one that meets a run just ending, and then stops skipping time
    run_id = (await case.handle.describe()).run_id
    for _ in range(60):
        await case.handle.signal("decide_later", {"noise": 1})
        await asyncio.sleep(0.05)
        if (await case.handle.describe()).run_id != run_id:
            break
    await asyncio.sleep(0.2)
    board = await case.until(lambda one: one["runs"] == 1)
    assert [ask["ask"] for ask in board["asks"]] == [first["ask"]]
    assert board["asks"][0]["deadline_at"] == first["deadline_at"]
    assert await case.refused("decide", statement) == "repeated"
    await case.decide("one/pick", "go", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    assert lasting.done() == ["one/pick/go/did"]
    assert [notice["kind"] for notice in lasting.notices] == ["ask"]


async def test_continuing_inside_a_parallel_block_keeps_each_branch(bench: Bench) -> None:
    branches = {
        "loop": [for_each("all", [action("snap", "evidence.snapshot", ITEM)], at_once=2)],
        "pause": [wait("hours", for_=7200.0), action("after", "x")],
        "person": [decide("pick", {"go": {"steps": [action("did", "y")]}}, COUNSEL, on_silence=silence(then=[]))],
        "round": [repeat("probe", "last.look.n >= 4", [action("look")], times=9, every=30.0)],
    }
    rounds = iter(range(1, 20))
    bench.behaviour["content.probe"] = lambda call: {"n": next(rounds)}
    began = await bench.now()
    case = await bench.start(plan(("one", [parallel("all_", branches)])), {"urls": MANY}, continue_after=40)
    assert (await case.outcome())["outcome"] == "closed"
    assert (await case.board())["runs"] >= 1
    assert len(bench.done("evidence.snapshot")) == len(set(bench.done("evidence.snapshot"))) == 30
    assert bench.done("content.probe") == [f"one/all_/round/probe[{number}]/look" for number in (1, 2, 3, 4)]
    assert bench.done("x") == ["one/all_/pause/after"]
    assert bench.done("y") == []
    assert bench.kinds().count("decision.silent") == 1
    assert began < await bench.now()


async def test_clocks_and_facts_survive_continuing(bench: Bench) -> None:
    case = await bench.start(
        plan(
            (
                "one",
                [for_each("all", [action("snap", "evidence.snapshot", ITEM)], at_once=2), wait("long", for_=5400.0)],
            ),
            facts={"came": fact("inputs.came")},
            clocks=[clock("removal", "facts.came", warn=[1800.0], on_breach=["exec_sponsor"])],
        ),
        {"urls": MANY, "came": await bench.now()},
        continue_after=40,
    )
    await case.outcome()
    board = await case.board()
    assert board["runs"] >= 1
    kinds = [notice["kind"] for notice in bench.notices]
    assert kinds == ["clock_warning", "clock_breach", "clock_assigned"]
    assert board["clocks"][0]["state"] == "assigned"
    assert bench.kinds().count("fact.recorded") == 1


async def test_a_decision_after_an_outage_across_the_deadline_does_not_count() -> None:
    """Nobody is there while the deadline passes; the decision that was waiting is judged by the absolute instant."""
    async with idle_bench() as bench:
        options = {"go": {"steps": [action("did", "x")]}}
        async with bench.worker(max_cached_workflows=0):
            case = await bench.start(
                plan(("one", [decide("pick", options, COUNSEL, on_silence=silence(then=[action("safe", "y")]))]))
            )
            statement = await case.statement("one/pick", "go", "lena", "legal_counsel")
            await case.settled()
        await bench.skip(601)
        await case.handle.signal("decide_later", statement)
        async with bench.worker(max_cached_workflows=0):
            await case.outcome()
            assert bench.done() == ["one/pick/on_silence/safe"]
            refused = next(entry for entry in bench.entries if entry["kind"] == "decision.refused")
            assert refused["data"]["why"] == "late"
            await bench.replay()


async def test_a_decision_sent_in_time_counts_after_an_outage_within_the_window() -> None:
    async with idle_bench() as bench:
        async with bench.worker(max_cached_workflows=0):
            case = await bench.start(plan(("one", [decide("pick", {"go": {"steps": [action("did", "x")]}}, COUNSEL)])))
            statement = await case.statement("one/pick", "go", "lena", "legal_counsel")
            await case.settled()
        await case.handle.signal("decide_later", statement)
        async with bench.worker(max_cached_workflows=0):
            await case.outcome()
            assert bench.done() == ["one/pick/go/did"]


async def test_a_paused_run_schedules_nothing_but_hears_everything(bench: Bench) -> None:
    case = await bench.start(
        plan(
            ("one", [decide("pick", {"go": {"steps": [action("did", "x")]}}, COUNSEL)]),
            facts={"came": fact("inputs.came"), "seen": fact("mailbox")},
            clocks=[clock("removal", "facts.came", warn=[60.0])],
        ),
        {"came": await bench.now()},
    )
    statement = await case.statement("one/pick", "go", "lena", "legal_counsel")
    await case.control("pause")
    assert (await case.board())["state"] == "paused"
    assert await case.refused("control", await case.control_statement("pause")) == "paused"
    assert (await case.send("decide", statement))["state"] == "complete"
    await case.state_fact("seen", await bench.now(), "mailbox")
    await bench.skip(90)
    assert bench.calls == []
    assert "clock_warning" in [notice["kind"] for notice in bench.notices]
    assert "seen" in (await case.board())["facts"]
    await case.control("resume")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["one/pick/go/did"]
    assert [kind for kind in bench.kinds() if kind.startswith("run.")] == ["run.paused", "run.resumed"]


async def test_an_abort_stops_the_walk_and_keeps_measures_and_clocks_owned(bench: Bench) -> None:
    steps = [
        action("disable", "content.disable", effect="restricts"),
        wait("long", for_=7200.0),
        action("never", "x"),
    ]
    case = await bench.start(
        plan(
            ("one", steps),
            facts={"came": fact("inputs.came")},
            clocks=[clock("removal", "facts.came", on_close="records_custodian")],
        ),
        {"came": await bench.now()},
    )
    await case.until(lambda board: board["measures"])
    await case.control("abort")
    result = await case.outcome()
    assert result["outcome"] == "aborted"
    assert result["open_measures"] == 1
    assert (result["clocks"][0]["state"], result["clocks"][0]["assigned_to"]) == ("assigned", "records_custodian")
    assert bench.done("x") == []
    assert [notice["kind"] for notice in bench.notices] == ["clock_assigned"]
    assert (await case.board())["state"] == "aborted"


async def test_an_abort_voids_open_asks(bench: Bench) -> None:
    case = await bench.start(plan(("one", [decide("pick", {"go": {}}, COUNSEL)])))
    await case.ask("one/pick")
    await case.control("abort")
    await case.outcome()
    assert (await case.board())["asks"] == []
    settled = next(entry for entry in bench.entries if entry["kind"] == "decision.settled")
    assert settled["data"]["void"] is True


async def test_who_may_not_control_is_refused(bench: Bench) -> None:
    case = await bench.start(plan(("one", [decide("pick", {"go": {}}, COUNSEL)])))
    await case.ask("one/pick")
    assert await case.refused("control", await case.control_statement("abort", role="ops_lead")) == "wrong_role"
    assert await case.refused("control", await case.control_statement("abort", reason_ref="")) == "bad_value"
    assert await case.refused("control", await case.control_statement("resume")) == "not_waiting"
    assert await case.refused("control", await case.control_statement("explode")) == "unknown_option"
    used = await case.control_statement("pause")
    await case.send("control", used)
    await case.control("resume")
    assert await case.refused("control", used) == "repeated"


async def test_a_ledger_that_is_down_holds_the_closing_not_the_steps(bench: Bench) -> None:
    bench.ledger_refusals = 3
    case = await bench.start(plan(("one", [action("a"), action("b")])))
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.ledger_refusals == 0
    assert bench.done() == ["one/a", "one/b"]
    numbers = [int(entry["id"].rpartition(":")[2]) for entry in bench.entries]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_an_abort_cancels_an_action_that_is_being_retried(bench: Bench) -> None:
    def unavailable(call: dict) -> None:
        raise ApplicationError("later", type="unavailable")

    bench.behaviour["content.probe"] = unavailable
    slow = retry(times=1000, first=50, factor=1, up_to=50)
    case = await bench.start(plan(("one", [action("stuck", retry=slow, timeout=36_000.0)])))
    await case.until(lambda _: bench.calls)
    began = parse_instant(await bench.now())
    await case.control("abort")
    result = await case.outcome()
    assert result["outcome"] == "aborted"
    assert (parse_instant(result["closed_at"]) - began).total_seconds() < 600


async def test_a_decision_at_the_very_deadline_is_late_and_one_before_it_counts(bench: Bench) -> None:
    from datetime import timedelta

    case = await bench.start(plan(("one", [decide("pick", {"go": {}}, COUNSEL, within=600.0, on_error="continue")])))
    ask = await case.ask("one/pick")
    deadline = parse_instant(ask["deadline_at"])
    body = {"expires_at": "2999-01-01T00:00:00Z", "issued_at": ask["asked_at"]}
    decision = (await case.statement("one/pick", "go", "lena", "legal_counsel", ask=ask["ask"], **body))["body"]
    at_once = {"requester": "rita", "now": deadline - timedelta(microseconds=1)}
    assert refuse_decision(ask, decision, **at_once) is None
    assert refuse_decision(ask, decision, **{**at_once, "now": deadline}).type == "late"


async def test_a_cancellation_through_temporal_still_closes_in_order(bench: Bench) -> None:
    case = await bench.start(
        plan(
            ("one", [action("disable", "content.disable", effect="restricts"), decide("pick", {"go": {}}, COUNSEL)]),
            facts={"came": fact("inputs.came")},
            clocks=[clock("removal", "facts.came")],
        ),
        {"came": await bench.now()},
    )
    await case.ask("one/pick")
    await case.handle.cancel()
    result = await case.outcome()
    assert (result["outcome"], result["open_measures"], result["clocks"][0]["state"]) == ("aborted", 1, "assigned")
    assert bench.kinds()[-1] == "incident.closed"


async def test_another_worker_draws_the_same_board_from_the_history() -> None:
    """Replay compares commands only; the board shows that the state is the same too."""
    async with idle_bench() as bench:
        bench.behaviour["content.probe"] = lambda call: {"all_gone": len(bench.done("content.probe")) == 2}
        steps = [
            for_each("remove", [action("disable", "content.disable", ITEM, effect="restricts")], at_once=2),
            repeat("probe", "last.look.all_gone", [action("look")]),
            parallel("race", {"a": [wait("long", for_=7200.0)], "b": [action("quick", "x")]}, join="any"),
            decide("pick", {"go": {}}, COUNSEL),
        ]
        async with bench.worker(max_cached_workflows=0):
            case = await bench.start(
                plan(("one", steps), facts={"came": fact("inputs.came")}, clocks=[clock("removal", "facts.came")]),
                {"came": await bench.now()},
            )
            await bench.skip(61)
            await case.ask("one/pick")
            await case.settled()
            first = await case.board()
        async with bench.worker(max_cached_workflows=0):
            assert await case.board() == first
            await bench.replay()
