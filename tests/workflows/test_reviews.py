"""Reviews after the act, broken glass before it, measures that end by themselves."""

from datetime import timedelta

from tests.workflows.bench import Bench
from tests.workflows.builder import (
    action,
    approval,
    break_glass,
    decide,
    fact,
    plan,
    review,
    slot,
    stop,
    undo,
    wait,
)
from watchfloor.signing import parse_instant

LEAD, COUNSEL = slot("policy_lead"), slot("legal_counsel")


def restrict(id_: str = "limit", on: tuple[str, ...] = (), **more):
    back = undo("content.restore", list(on), {"url": id_})
    return action(id_, "content.disable", {"url": id_}, effect="restricts", undo=back, **more)


async def test_a_run_goes_on_beside_a_review_and_closes_when_it_is_approved(bench: Bench) -> None:
    case = await bench.start(plan(("p", [restrict(review=review(LEAD)), action("next")])))
    ask = await case.ask("p/limit!review")
    assert (ask["kind"], ask["inputs"]) == ("review", {"url": "limit"})
    await case.until(lambda board: board["phases"][0]["state"] == "done")
    assert await case.refused_decision("p/limit!review", "approve", "rita", "policy_lead") == "excluded"
    await case.decide("p/limit!review", "approve", "paul", "policy_lead")
    assert (await case.outcome())["open_measures"] == 1
    assert bench.done() == ["p/limit", "p/next"]


async def test_a_no_takes_the_measure_back_once(bench: Bench) -> None:
    case = await bench.start(plan(("p", [restrict(review=review(LEAD), on=("deny",))])))
    await case.decide("p/limit!review", "deny", "paul", "policy_lead")
    assert (await case.outcome())["open_measures"] == 0
    assert bench.done() == ["p/limit", "p/limit!undo"]
    assert "measure.undone" in bench.kinds()


async def test_a_no_walks_the_written_steps_or_keeps(bench: Bench) -> None:
    told = review(LEAD, on_deny=[action("tell", "z", {"of": "${{ steps.limit.ref }}"})])
    bench.behaviour["content.disable"] = lambda call: {"ref": "r-1"}
    case = await bench.start(plan(("p", [restrict(review=told), restrict("two", review=review(LEAD, on_deny="keep"))])))
    await case.decide("p/limit!review", "deny", "paul", "policy_lead")
    await case.decide("p/two!review", "deny", "paul", "policy_lead")
    assert (await case.outcome())["open_measures"] == 2
    assert bench.done("z") == ["p/limit/review/tell"]
    assert bench.calls[-1]["inputs"] == {"of": "r-1"}


async def test_silence_escalates_asks_again_and_never_acts(bench: Bench) -> None:
    looked = review(LEAD, within=600.0, escalate=["exec_sponsor"])
    case = await bench.start(plan(("p", [restrict(review=looked)])), continue_after=60)
    first = await case.ask("p/limit!review")
    await bench.skip(20_000)
    again = await case.ask("p/limit!review")
    assert again["round"] >= 20
    assert again["ask"] != first["ask"]
    assert (await case.board())["runs"] >= 1
    assert bench.done() == ["p/limit"]
    kinds = [notice["kind"] for notice in bench.notices]
    assert kinds.count("escalate") >= 20
    assert await case.refused_decision("p/limit!review", "deny", "paul", "policy_lead", ask=first["ask"]) == "changed"
    await case.decide("p/limit!review", "deny", "paul", "policy_lead")
    assert (await case.outcome())["open_measures"] == 0


async def test_a_stop_waits_for_the_review_and_an_abort_does_not(bench: Bench) -> None:
    case = await bench.start(plan(("p", [restrict(review=review(LEAD)), stop("out", "refused")])))
    await case.ask("p/limit!review")
    await case.until(lambda board: any(step["step"] == "limit" for step in board["steps"]))
    assert (await case.handle.describe()).close_time is None
    await case.control("abort")
    result = await case.outcome()
    assert (result["outcome"], result["open_measures"]) == ("aborted", 1)
    assert bench.done() == ["p/limit"]


async def test_a_temporary_measure_ends_at_its_instant_before_the_run_closes(bench: Bench) -> None:
    case = await bench.start(
        plan(("p", [restrict(expires=7200.0, on=("expires",)), restrict("longer", expires=9000.0)]))
    )
    began = parse_instant(await bench.now())
    measures = (await case.until(lambda board: len(board["measures"]) == 2))["measures"]
    assert abs(parse_instant(measures[0]["expires_at"]) - began - timedelta(hours=2)) < timedelta(minutes=1)
    result = await case.outcome()
    assert (result["outcome"], result["open_measures"]) == ("closed", 0)
    assert parse_instant(result["closed_at"]) - began > timedelta(seconds=8999)
    assert bench.done() == ["p/limit", "p/longer", "p/limit!undo", "p/longer!undo"]
    assert (await case.events()).count("TIMER_STARTED") == 2


async def test_an_expiry_keeps_its_instant_over_continue_as_new(bench: Bench) -> None:
    """The board is asked only at the end: a query that meets a run just continuing as new is lost by the test server.

    It then never skips time again, because it still counts the query's task as being worked on.
    """
    steps = [restrict(expires=3600.0), *[action(f"s{n}") for n in range(20)], wait("long", for_=7200.0)]
    case = await bench.start(plan(("p", steps)), continue_after=40)
    assert (await case.outcome())["open_measures"] == 0
    board = await case.board()
    assert board["runs"] >= 1
    due = board["measures"][0]["expires_at"]
    undone = next(entry for entry in bench.entries if entry["kind"] == "measure.undone")
    assert abs(parse_instant(undone["at"]) - parse_instant(due)) < timedelta(seconds=30)


def glass_case(**more):
    glass = break_glass("ops_lead", "has(facts.threat)", review(LEAD, on_deny="keep"))
    gate = approval(COUNSEL, slot("exec_sponsor"), within=1200.0, break_glass=glass)
    return plan(("p", [restrict(approval=gate, **more)]), facts={"threat": fact("mailbox")})


async def test_the_glass_is_broken_late_enough_by_whom_it_is_for_while_life_is_at_risk(bench: Bench) -> None:
    case = await bench.start(glass_case())
    await case.ask("p/limit")
    assert await case.refused_decision("p/limit", "break_glass", "olga", "ops_lead") == "early"
    await bench.skip(301)
    assert await case.refused_decision("p/limit", "break_glass", "olga", "ops_lead") == "early"
    await case.state_fact("threat", await bench.now(), "mailbox")
    assert await case.refused_decision("p/limit", "break_glass", "lena", "legal_counsel") == "wrong_role"
    assert await case.refused_decision("p/limit", "break_glass", "rita", "ops_lead") == "requester"
    assert bench.done() == []
    await case.decide("p/limit", "break_glass", "olga", "ops_lead")
    await case.until(lambda _: bench.calls)
    grant = bench.calls[0]["grant"]
    assert (grant["option"], len(grant["decisions"])) == ("break_glass", 1)
    ask = await case.ask("p/limit!break_glass")
    assert "olga" in ask["exclude"]
    await bench.skip(700)
    assert (await case.ask("p/limit!break_glass"))["round"] == 1
    await case.decide("p/limit!break_glass", "approve", "paul", "policy_lead")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["p/limit"]


async def test_the_glass_of_a_release_is_never_offered(bench: Bench) -> None:
    case = await bench.start(glass_case(tier="L"))
    assert set((await case.ask("p/limit"))["options"]) == {"approve", "deny"}


async def test_nobody_breaks_a_glass_that_an_ask_does_not_have(bench: Bench) -> None:
    case = await bench.start(plan(("p", [decide("pick", {"go": {}}, COUNSEL)])))
    assert await case.refused_decision("p/pick", "break_glass", "lena", "legal_counsel") == "unknown_option"
