"""Blocks: for_each, repeat, parallel, choose, wait; what they give and what they leave in the state."""

import pytest
from temporalio.exceptions import ApplicationError

from tests.workflows.bench import URLS, Bench
from tests.workflows.builder import action, choose, decide, for_each, parallel, plan, repeat, slot, wait

ITEM = {"url": "${{ url }}"}


def per_item(**more):
    return for_each(
        "remove",
        [action("snapshot", "evidence.snapshot", ITEM), action("disable", "content.disable", ITEM)],
        **more,
    )


def fail_for(urls: list[str], times: int = 10**6):
    left = dict.fromkeys(urls, times)

    def behave(call: dict) -> dict:
        if left.get(call["inputs"]["url"], 0) > 0:
            left[call["inputs"]["url"]] -= 1
            raise ApplicationError("no", type="refused")
        return {"disabled_at": "2026-11-22T00:00:00Z"}

    return behave


async def test_each_item_runs_its_steps_in_order_under_its_own_key(bench: Bench) -> None:
    case = await bench.start(plan(("containment", [per_item(at_once=2)])))
    await case.outcome()
    for index in range(4):
        own = [path for path in bench.done() if f"[{index}]" in path]
        assert own == [f"containment/remove[{index}]/snapshot", f"containment/remove[{index}]/disable"]
    assert len({call["key"] for call in bench.calls}) == 8
    board = await case.board()
    assert board["loops"] == [
        {"path": "containment/remove", "step": "remove", "done": 4, "failed": 0, "total": 4, "running": 0}
    ]
    assert [step["path"] for step in board["steps"]] == ["containment/remove"]


async def test_at_once_bounds_what_runs_side_by_side(bench: Bench) -> None:
    import asyncio

    now, most = 0, 0

    async def slowly(call: dict) -> dict:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return {}

    bench.behaviour["evidence.snapshot"] = slowly
    urls = [f"https://example.test/v/{number}" for number in range(9)]
    case = await bench.start(
        plan(("one", [for_each("all", [action("snap", "evidence.snapshot", ITEM)], at_once=3)])), {"urls": urls}
    )
    await case.outcome()
    assert most == 3


async def test_collect_goes_on_and_tells_what_failed(bench: Bench) -> None:
    bench.behaviour["content.disable"] = fail_for(URLS[1:2])
    case = await bench.start(
        plan(
            (
                "containment",
                [
                    per_item(),
                    action("tell", "x", {"ok": "${{ steps.remove.succeeded }}", "bad": "${{ steps.remove.failed }}"}),
                    action("rows", "y", {"rows": "${{ steps.remove.results }}", "n": "${{ steps.remove.total }}"}),
                ],
            )
        )
    )
    assert (await case.outcome())["outcome"] == "closed"
    tell, rows = bench.calls[-2:]
    assert tell["inputs"] == {"ok": [URLS[0], URLS[2], URLS[3]], "bad": [URLS[1]]}
    assert rows["inputs"]["n"] == 4
    assert [row["ok"] for row in rows["inputs"]["rows"]] == [True, False, True, True]
    assert rows["inputs"]["rows"][1]["error"] == "refused"
    assert rows["inputs"]["rows"][0]["disable"]["disabled_at"] == "2026-11-22T00:00:00Z"


async def test_fail_stops_and_retry_does_only_what_failed(bench: Bench) -> None:
    bench.behaviour["content.disable"] = fail_for(URLS[1:2], times=1)
    case = await bench.start(plan(("containment", [per_item(on_item_error="fail", at_once=1)])))
    ask = await case.ask("containment/remove!failed")
    assert ask["shown"][0]["value"] == "item_failed"
    assert len(bench.calls) == 4
    await case.decide("containment/remove!failed", "retry", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done()[4:] == [
        "containment/remove[1]/disable",
        "containment/remove[2]/snapshot",
        "containment/remove[2]/disable",
        "containment/remove[3]/snapshot",
        "containment/remove[3]/disable",
    ]


async def test_a_loops_inner_steps_are_not_seen_from_outside(bench: Bench) -> None:
    case = await bench.start(
        plan(("one", [per_item(), action("peek", cond="has(steps.disable.ok)"), action("end", "z")]))
    )
    await case.outcome()
    assert bench.done()[-1] == "one/end"
    assert "one/peek" not in bench.done()


async def test_an_empty_list_does_nothing(bench: Bench) -> None:
    case = await bench.start(
        plan(("one", [per_item(), action("end", "z", {"n": "${{ steps.remove.total }}"})])), {"urls": []}
    )
    await case.outcome()
    assert [call["inputs"] for call in bench.calls] == [{"n": 0}]


async def test_repeat_runs_at_once_then_every_minute_until_it_holds(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"all_gone": len(bench.calls) == 3, "n": len(bench.calls)}
    case = await bench.start(
        plan(
            ("one", [repeat("probe", "last.look.all_gone", [action("look")], times=5, every=60.0)]),
            ("two", [action("end", "z", {"rounds": "${{ steps.probe.rounds }}"})]),
        )
    )
    await case.outcome()
    assert bench.done() == ["one/probe[1]/look", "one/probe[2]/look", "one/probe[3]/look", "two/end"]
    assert bench.calls[-1]["inputs"] == {"rounds": 3}
    assert (await case.events()).count("TIMER_FIRED") == 2


async def test_a_round_sees_the_one_before(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"all_gone": len(bench.calls) == 3, "n": len(bench.calls)}
    look = action("look", with_={"before": "${{ has(last.look.n) ? last.look.n : 0 }}"})
    case = await bench.start(plan(("one", [repeat("probe", "last.look.all_gone", [look], times=5)])))
    await case.outcome()
    assert [call["inputs"]["before"] for call in bench.calls] == [0, 1, 2]


async def test_records_of_repeat_see_the_last_round_only_when_it_held(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {
        "all_gone": len(bench.calls) == 2,
        "seen_at": "2026-11-22T00:00:00Z",
    }
    fields = {"records": {"verified": "last.look.seen_at"}, "times": 2}
    facts = {"verified": {"type": {"type": "timestamp"}, "sources": ["steps.probe"], "revise": None}}
    held = await bench.start(
        plan(("one", [repeat("probe", "last.look.all_gone", [action("look")], **fields)]), facts=facts)
    )
    await held.outcome()
    assert "verified" in (await held.board())["facts"]
    bench.behaviour["content.probe"] = lambda call: {"all_gone": False, "seen_at": "2026-11-22T00:00:00Z"}
    used_up = await bench.start(
        plan(
            ("one", [repeat("probe", "last.look.all_gone", [action("look")], on_exhausted="continue", **fields)]),
            facts=facts,
        )
    )
    await used_up.outcome()
    assert (await used_up.board())["facts"] == {}


async def test_exhaustion_takes_its_written_path(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"all_gone": False}
    by_hand = [action("by_hand", "z")]
    case = await bench.start(
        plan(("one", [repeat("probe", "last.look.all_gone", [action("look")], times=2, on_exhausted=by_hand)]))
    )
    await case.outcome()
    assert bench.done() == ["one/probe[1]/look", "one/probe[2]/look", "one/probe/on_exhausted/by_hand"]


async def test_rounds_after_a_retry_have_keys_of_their_own(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"all_gone": len(bench.calls) > 2}
    case = await bench.start(plan(("one", [repeat("probe", "last.look.all_gone", [action("look")], times=2)])))
    await bench.skip(61)
    await case.decide("one/probe!failed", "retry", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"
    assert len({call["key"] for call in bench.calls}) == len(bench.calls) == 3


async def test_parallel_all_waits_for_each_branch(bench: Bench) -> None:
    branches = {"a": [wait("pause", for_=60.0), action("late")], "b": [action("early", "x")]}
    case = await bench.start(plan(("one", [parallel("both", branches), action("end", "z")])))
    await case.outcome()
    assert bench.done() == ["one/both/b/early", "one/both/a/late", "one/end"]


async def test_parallel_any_stops_the_rest_and_says_so(bench: Bench) -> None:
    branches = {"slow": [wait("pause", for_=7200.0), action("late")], "quick": [action("early", "x")]}
    case = await bench.start(plan(("one", [parallel("race", branches, join="any"), action("end", "z")])))
    await case.outcome()
    assert bench.done() == ["one/race/quick/early", "one/end"]
    taken = next(entry for entry in bench.entries if entry["kind"] == "branch.taken")
    assert taken["data"] == {"taken": "quick", "cancelled": ["slow"]}


async def test_parallel_any_survives_a_failing_branch(bench: Bench) -> None:
    bench.behaviour["x"] = fail_for([])
    bench.behaviour["bad"] = _refuse
    branches = {"bad": [action("fails", "bad")], "good": [wait("pause", for_=60.0), action("works")]}
    case = await bench.start(plan(("one", [parallel("race", branches, join="any"), action("end", "z")])))
    await case.outcome()
    assert bench.done() == ["one/race/bad/fails", "one/race/good/works", "one/end"]


async def test_parallel_any_fails_when_every_branch_fails(bench: Bench) -> None:
    bench.behaviour["bad"] = _refuse
    branches = {"a": [action("one_", "bad")], "b": [action("two_", "bad")]}
    case = await bench.start(plan(("one", [parallel("race", branches, join="any")])))
    assert (await case.ask("one/race!failed"))["shown"][0]["value"] == "refused"


@pytest.mark.parametrize(("n", "path"), [(1, "case1/first"), (2, "case2/second"), (3, "otherwise/third")])
async def test_choose_takes_the_first_case_that_holds(bench: Bench, n: int, path: str) -> None:
    cases = [("inputs.n == 1", [action("first")]), ("inputs.n <= 2", [action("second")])]
    case = await bench.start(plan(("one", [choose("which", cases, [action("third")])])), {"n": n})
    await case.outcome()
    assert bench.done() == [f"one/which/{path}"]


async def test_wait_for_a_fact_until_it_comes(bench: Bench) -> None:
    facts = {"answer": {"type": {"type": "timestamp"}, "sources": ["mailbox"], "revise": None}}
    case = await bench.start(plan(("one", [wait("answer", fact="answer", within=3600.0), action("end")]), facts=facts))
    await case.until(lambda board: board["steps"])
    await case.state_fact("answer", await bench.now(), "mailbox")
    await case.outcome()
    assert bench.done() == ["one/end"]


@pytest.mark.parametrize("on_timeout", ["continue", [action("path", "x")]])
async def test_a_wait_that_times_out_takes_its_path(bench: Bench, on_timeout: object) -> None:
    facts = {"answer": {"type": {"type": "timestamp"}, "sources": ["mailbox"], "revise": None}}
    steps = [
        wait("answer", fact="answer", within=3600.0, on_timeout=on_timeout),
        action("end", "z", cond="steps.answer.timed_out"),
    ]
    case = await bench.start(plan(("one", steps), facts=facts))
    await case.outcome()
    assert bench.done("z") == ["one/end"]
    assert bench.done("x") == ([] if on_timeout == "continue" else ["one/answer/on_timeout/path"])


async def test_wait_until_an_instant_and_until_a_condition(bench: Bench) -> None:
    steps = [
        wait("instant", until="facts.due"),
        wait("passed", until="now > facts.later", within=7200.0),
        action("end"),
    ]
    facts = {
        "due": {"type": {"type": "timestamp"}, "sources": ["inputs.due"], "revise": None},
        "later": {"type": {"type": "timestamp"}, "sources": ["inputs.later"], "revise": None},
    }
    from datetime import timedelta

    from watchfloor.signing import parse_instant, render_instant

    start = parse_instant(await bench.now())
    due, later = (render_instant(start + timedelta(hours=h)) for h in (1, 2))
    case = await bench.start(plan(("one", steps), facts=facts), {"due": due, "later": later})
    await case.outcome()
    assert parse_instant(await bench.now()) > start + timedelta(hours=2)
    assert bench.done() == ["one/end"]


async def test_a_repeated_phase_name_is_told_apart(bench: Bench) -> None:
    case = await bench.start(plan(("triage", [action("a")]), ("triage", [action("b")])))
    await case.outcome()
    assert bench.done() == ["triage/a", "triage~2/b"]


async def test_asks_inside_a_loop_are_addressed_by_item(bench: Bench) -> None:
    pick = decide("pick", {"go": {"steps": [action("did", "x", ITEM)]}}, slot("ops_lead"))
    case = await bench.start(plan(("one", [for_each("each", [pick], at_once=4)])))
    for index in range(4):
        await case.decide(f"one/each[{index}]/pick", "go", "olga", "ops_lead")
    await case.outcome()
    assert sorted(bench.done()) == [f"one/each[{index}]/pick/go/did" for index in range(4)]


def _refuse(call: dict) -> None:
    raise ApplicationError("no", type="refused")
