"""`try` and typed failures: what is caught, what is taken back, what is done in any case."""

import pytest
from temporalio.exceptions import ApplicationError

from tests.workflows.bench import Bench
from tests.workflows.builder import (
    action,
    decide,
    for_each,
    parallel,
    plan,
    repeat,
    retry,
    silence,
    slot,
    stop,
    try_,
    undo,
    wait,
)
from workflows.failures import find_catch, find_type

COUNSEL = slot("legal_counsel")
ONCE = retry(times=1)


def fail(code: str):
    def behave(call: dict) -> None:
        raise ApplicationError("no", type=code, non_retryable=True)

    return behave


def restrict(id_: str, **more):
    back = undo("content.restore", [], {"url": id_})
    return action(id_, "content.disable", {"url": id_}, effect="restricts", undo=back, **more)


@pytest.mark.parametrize(
    ("code", "word"),
    [("refused", "refused"), ("ledger_unavailable", "unavailable"), ("item_failed", "failed"), ("any", "failed")],
)
def test_every_code_has_a_word(code: str, word: str) -> None:
    assert find_type(code) == word
    assert find_catch([{"on": ["timed_out"], "steps": []}, {"on": ["any"], "steps": []}], code) == []
    assert find_catch([{"on": ["timed_out"], "steps": []}], code) is None


@pytest.mark.parametrize(("code", "taken"), [("refused", 1), ("unavailable", 2)])
async def test_a_failure_takes_the_first_catch_that_names_it(bench: Bench, code: str, taken: int) -> None:
    bench.behaviour["x"] = fail(code)
    catches = [(["refused", "denied"], [action("one")]), (["any"], [action("two")])]
    case = await bench.start(
        plan(("p", [action("act", "x", retry=ONCE, catches=catches), action("end", "z", cond="!steps.act.ok")]))
    )
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done()[1:] == [f"p/act/on_error{taken}/{'one' if taken == 1 else 'two'}", "p/end"]


async def test_what_no_catch_names_falls_to_on_error(bench: Bench) -> None:
    bench.behaviour["x"] = fail("bad_input")
    case = await bench.start(
        plan(
            (
                "p",
                [
                    action("act", "x", catches=[(["refused"], [action("never")])], on_error="continue"),
                    action("again", "x", catches=[(["refused"], [action("never2")])]),
                ],
            )
        )
    )
    assert (await case.ask("p/again!failed"))["shown"][0]["value"] == "bad_input"
    assert bench.done() == ["p/act", "p/again"]


async def test_human_silence_denial_timeout_and_exhaustion_are_types_of_failure(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"all_gone": False}
    steps = [
        decide("quiet", {"go": {}}, COUNSEL, on_silence=silence(), catches=[(["silent"], [action("a", "z")])]),
        wait("late", for_=7200.0, timeout=60.0, catches=[(["timed_out"], [action("b", "z")])]),
        repeat("probe", "last.look.all_gone", [action("look")], times=2, catches=[(["exhausted"], [action("c", "z")])]),
    ]
    case = await bench.start(plan(("p", steps)))
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done("z") == ["p/quiet/on_error1/a", "p/late/on_error1/b", "p/probe/on_error1/c"]


async def test_a_body_that_succeeds_passes_the_handlers_and_does_finally(bench: Bench) -> None:
    body = [restrict("disable"), action("ok")]
    case = await bench.start(
        plan(
            (
                "p",
                [
                    try_("t", body, (["any"], [action("caught")]), undo=["disable"], finally_=[action("last")]),
                    action("end", "z", cond="steps.t.ok"),
                ],
            )
        )
    )
    assert (await case.outcome())["open_measures"] == 1
    assert bench.done() == ["p/t/disable", "p/t/ok", "p/t/finally/last", "p/end"]


async def test_a_failed_body_is_taken_back_in_reverse_then_handled_then_finished(bench: Bench) -> None:
    bench.behaviour["x"] = fail("refused")
    body = [restrict("a"), restrict("b"), restrict("kept"), action("broken", "x"), action("never")]
    step = try_("t", body, (["refused"], [action("caught")]), undo=["a", "b"], finally_=[action("last")])
    case = await bench.start(plan(("p", [step, action("end", "z", {"why": "${{ steps.t.error }}"})])))
    assert (await case.outcome())["open_measures"] == 1
    assert bench.done()[3:] == [
        "p/t/broken",
        "p/t/b!undo",
        "p/t/a!undo",
        "p/t/catch1/caught",
        "p/t/finally/last",
        "p/end",
    ]
    assert bench.calls[-1]["inputs"] == {"why": "refused"}


async def test_a_failure_in_a_nested_block_reaches_the_try_and_nobody_is_asked(bench: Bench) -> None:
    bench.behaviour["x"] = fail("outcome_unknown")
    bench.behaviour["y"] = fail("refused")
    inner = parallel("both", {"a": [action("broken", "y")], "b": [action("fine")]})
    case = await bench.start(plan(("p", [try_("t", [inner], (["refused"], [action("caught", "z")]))])))
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done("z") == ["p/t/catch1/caught"]
    assert bench.notices == []


async def test_an_unhandled_failure_is_the_step_s_own_and_a_retry_does_anew_what_was_taken_back(bench: Bench) -> None:
    bench.behaviour["x"] = fail("refused")
    step = try_("t", [restrict("a"), action("once"), action("broken", "x")], undo=["a"], finally_=[action("last", "z")])
    case = await bench.start(plan(("p", [step])))
    ask = await case.ask("p/t!failed")
    assert ask["shown"][0]["value"] == "refused"
    assert bench.done("z") == ["p/t/finally/last"]
    bench.behaviour.clear()
    await case.decide("p/t!failed", "retry", "carl", "incident_commander")
    assert (await case.outcome())["open_measures"] == 1
    assert bench.done()[5:] == ["p/t/a", "p/t/broken", "p/t/finally~2/last"]
    first, second = (call for call in bench.calls if call["path"] == "p/t/a")
    assert first["key"] != second["key"]


async def test_finally_is_done_after_a_stop_inside_the_body(bench: Bench) -> None:
    step = try_("t", [restrict("a"), stop("out", "refused")], undo=["a"], finally_=[action("last"), action("also")])
    case = await bench.start(plan(("p", [step, action("never", "z")])))
    result = await case.outcome()
    assert (result["outcome"], result["open_measures"]) == ("refused", 1)
    assert bench.done() == ["p/t/a", "p/t/finally/last", "p/t/finally/also"]


async def test_finally_is_done_after_an_abort_and_what_fails_in_it_holds_nothing_up(bench: Bench) -> None:
    bench.behaviour["x"] = fail("refused")
    step = try_("t", [wait("long", for_=7200.0)], finally_=[action("broken", "x"), action("last")])
    case = await bench.start(plan(("p", [step])))
    await case.until(lambda board: any(one["step"] == "long" for one in board["steps"]))
    await case.control("pause")
    await case.control("abort")
    assert (await case.outcome())["outcome"] == "aborted"
    assert bench.done() == ["p/t/finally/broken", "p/t/finally/last"]


async def test_finally_is_done_in_the_branch_that_lost_and_after_a_timeout(bench: Bench) -> None:
    slow = try_("slow", [wait("long", for_=7200.0)], finally_=[action("last", "z")])
    late = try_("late", [wait("longer", for_=7200.0)], finally_=[action("last2", "z")], timeout=60.0)
    race = parallel("race", {"a": [slow], "b": [action("quick")]}, join="any")
    case = await bench.start(plan(("p", [race, {**late, "on_error": "continue"}])))
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done("z") == ["p/race/a/slow/finally/last", "p/late/finally/last2"]


async def test_each_item_of_a_loop_recovers_for_itself_and_over_continue_as_new(lasting: Bench) -> None:
    def behave(call: dict) -> dict:
        if call["inputs"]["url"].endswith(("/3", "/7")):
            raise ApplicationError("no", type="refused", non_retryable=True)
        return {}

    lasting.behaviour["x"] = behave
    item = {"url": "${{ url }}"}
    back = undo("content.restore", [], item)
    body = [action("disable", "content.disable", item, effect="restricts", undo=back), action("tell", "x", item)]
    step = try_("t", body, (["refused"], [action("caught", "z", item)]), undo=["disable"])
    urls = [f"https://example.test/v/{number}" for number in range(20)]
    case = await lasting.start(plan(("p", [for_each("all", [step], at_once=3)])), {"urls": urls}, continue_after=60)
    assert (await case.outcome())["open_measures"] == 18
    assert (await case.board())["runs"] >= 1
    assert sorted(lasting.done("content.restore")) == ["p/all[3]/t/disable!undo", "p/all[7]/t/disable!undo"]
    assert sorted(call["inputs"]["url"][-2:] for call in lasting.calls if call["action"] == "z") == ["/3", "/7"]
    assert len(lasting.done("content.disable")) == 20
