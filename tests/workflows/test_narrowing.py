"""Approving less than was asked: the gate asks anew, and the effect hits only what is left."""

from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.workflows.bench import Bench
from tests.workflows.builder import (
    action,
    approval,
    break_glass,
    fact,
    for_each,
    plan,
    review,
    silence,
    slot,
    undo,
    value,
)
from watchfloor.signing import digest, refuse_grant
from watchfloor.signing.narrowing import refuse_narrowed
from workflows.state import forget_below

COUNSEL, SPONSOR = slot("legal_counsel"), slot("exec_sponsor")
AT = "containment/remove"
CODES = ["a", "b", "c", "d"]
NARROWS = {"codes": {"by": "items"}, "scope": {"by": "scope", "inside": {"global": ["eu"], "eu": ["DE", "FR"]}}}


def gated(*, at: list[dict[str, Any]] | None = None, more: dict[str, Any] | None = None, **gate: Any) -> Any:
    gate = {"on_deny": "stop", **gate}
    inputs = {"codes": CODES, "scope": "eu", "order": "A-1"}
    given = {"approval": approval(COUNSEL, SPONSOR, **gate), "narrows": NARROWS, **(more or {})}
    return plan(("containment", at or [action("remove", "content.disable", inputs, **given)]))


def less(**inputs: Any) -> dict[str, Any]:
    return {"about": {"inputs": inputs}}


async def approve(case: Any, at: str = AT, counsel: str = "lena") -> None:
    await case.decide(at, "approve", counsel, "legal_counsel")
    await case.decide(at, "approve", "egon", "exec_sponsor")


async def test_one_narrows_another_approves_and_the_effect_hits_only_what_is_left(bench: Bench) -> None:
    case = await bench.start(gated())
    first = await case.ask(AT)
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    receipt = await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a", "c"]))
    assert (receipt["state"], receipt["waiting_for"]) == ("recorded", ["legal_counsel", "exec_sponsor"])
    ask = await case.ask(AT)
    assert (ask["inputs"]["codes"], ask["inputs"]["order"], ask["answers"]) == (["a", "c"], "A-1", [])
    assert (ask["round"], ask["deadline_at"], ask["ladder"]) == (1, first["deadline_at"], first["ladder"])
    assert ask["ask"] != first["ask"]
    assert ask["action_digest"] != first["action_digest"]
    assert ask["narrowed"]["original"] == {"codes": CODES}
    assert [one["person"] for one in ask["narrowed"]["by"]] == ["lena"]
    stale = await case.refused_decision(AT, "approve", "elsa", "exec_sponsor", ask=first["ask"])
    assert stale == "changed"
    assert bench.calls == []
    await approve(case, counsel="louis")
    assert (await case.outcome())["outcome"] == "closed"
    (call,) = bench.calls
    assert call["inputs"] == {"codes": ["a", "c"], "scope": "eu", "order": "A-1"}
    where = {name: call[name] for name in ("action", "key", "inputs", "region", "incident", "plan")}
    keys = case.start["decision_keys"]
    assert refuse_grant(call["grant"], **where, keys=keys) is None
    assert refuse_narrowed(call["grant"]["asked"], call["inputs"], NARROWS) is None  # type: ignore[arg-type]
    assert [one["body"]["person"] for one in call["grant"]["decisions"]] == ["louis", "egon"]


async def test_everybody_is_told_that_answers_are_void_and_the_record_says_what_was_left_out(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    answer = next(iter((await case.ask(AT))["answers"]))
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["b"], scope="DE"))
    await case.until(lambda _: any(one["kind"] == "narrowed" for one in bench.notices))
    (notice,) = [one for one in bench.notices if one["kind"] == "narrowed"]
    assert notice["roles"] == ["legal_counsel", "exec_sponsor"]
    await approve(case)
    await case.outcome()
    (entry,) = [one for one in bench.entries if one["kind"] == "decision.narrowed"]
    assert (entry["actor"], entry["path"], entry["data"]["reason_ref"]) == ("lena", AT, "sha256:00")
    assert entry["data"]["answered"] == ["egon"]
    assert len(entry["data"]["void"]) == 1
    assert answer["body"]["person"] == "egon"
    left_out = entry["data"]["left_out"]
    assert left_out["codes"] == {"left_out": 3, "of": 4, "digest": digest(["a", "c", "d"])}
    assert (left_out["scope"]["from"], left_out["scope"]["to"]) == ("eu", "DE")
    rounds = [one["data"]["round"] for one in bench.entries if one["kind"] == "decision.asked"]
    assert rounds == [0, 1]
    (view,) = (await case.board())["steps"]
    assert view["detail"] == "codes: 3 of 4 left out, scope: DE, not eu"


async def test_narrowing_again_only_shrinks_further_and_nothing_grows_or_changes(bench: Bench) -> None:
    case = await bench.start(gated())
    digest_before = (await case.ask(AT))["ask"]
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a", "b", "c"], scope="DE"))

    async def refused(**fields: Any) -> str:
        return await case.refused_motion(AT, "narrow", "lena", "legal_counsel", **fields)

    for wrong in (
        {"codes": CODES},
        {"codes": ["a", "d"]},
        {"codes": ["c", "a"]},
        {"codes": []},
        {"scope": "eu"},
        {"scope": "FR"},
        {"order": "A-2"},
        {"codes": ["a"], "order": "A-1"},
    ):
        assert await refused(**less(**wrong)) == "bad_value"
    assert await refused(**less(codes=["a"]), ask=digest_before) == "changed"
    assert await case.refused_motion(AT, "narrow", "rita", "legal_counsel", **less(codes=["a"])) == "requester"
    assert await case.refused_motion(AT, "narrow", "otto", "ops_lead", **less(codes=["a"])) == "wrong_role"
    await case.say(AT, "narrow", "elsa", "exec_sponsor", **less(codes=["b", "c"]))
    ask = await case.ask(AT)
    assert ask["narrowed"]["original"] == {"codes": CODES, "scope": "eu"}
    assert ask["narrowed"]["to"] == {"codes": ["b", "c"], "scope": "DE"}
    await approve(case)
    await case.outcome()
    assert [call["inputs"] for call in bench.calls] == [{"codes": ["b", "c"], "scope": "DE", "order": "A-1"}]


async def test_a_runbook_of_before_narrowing_has_nothing_to_narrow(bench: Bench) -> None:
    case = await bench.start(gated(more={"narrows": {}}))
    assert "narrows" not in await case.ask(AT)
    assert await case.refused_motion(AT, "narrow", "lena", "legal_counsel", **less(codes=["a"])) == "unknown_option"
    await approve(case)
    await case.outcome()
    assert [call["inputs"]["codes"] for call in bench.calls] == [CODES]


async def test_a_narrowing_while_paused_counts_at_once_and_people_are_told_when_the_run_goes_on(bench: Bench) -> None:
    case = await bench.start(gated())
    before = (await case.ask(AT))["ask"]
    await case.control("pause")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(scope="FR"))
    assert await case.refused_decision(AT, "approve", "elsa", "exec_sponsor", ask=before) == "changed"
    await approve(case)
    assert bench.calls == []
    await case.control("resume")
    assert (await case.outcome())["outcome"] == "closed"
    assert [call["inputs"]["scope"] for call in bench.calls] == ["FR"]


@pytest.mark.timeout(40)  # the time-skipping server can lose an update that meets a run just continuing as new
async def test_what_was_left_out_stays_so_over_continue_as_new(lasting: Bench) -> None:
    case = await lasting.start(gated(within=6000.0), continue_after=20)
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a", "b"]))
    asked = (await case.ask(AT))["ask"]
    for _ in range(3):
        await case.decide(AT, "approve", "louis", "legal_counsel", ask=asked)
        await case.say(AT, "withdraw", "louis", "legal_counsel", ask=asked)
    board = await case.until(lambda one: one["runs"] >= 1)
    ask = board["asks"][0]
    assert (ask["ask"], ask["inputs"]["codes"], ask["narrowed"]["original"]) == (asked, ["a", "b"], {"codes": CODES})
    grown = {**less(codes=["c"]), "ask": asked}
    assert await case.refused_motion(AT, "narrow", "lena", "legal_counsel", **grown) == "bad_value"
    await approve(case)
    assert (await case.outcome())["outcome"] == "closed"
    assert [call["inputs"]["codes"] for call in lasting.calls] == [["a", "b"]]


async def test_a_retry_after_silence_asks_for_no_more_than_was_left(bench: Bench) -> None:
    case = await bench.start(gated(within=60.0, on_silence=silence(rung=0)))
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a"]))
    await bench.skip(120)
    await case.decide(f"{AT}!failed", "retry", "carl", "incident_commander")
    ask = await case.ask(AT)
    assert ask["inputs"]["codes"] == ["a"]
    assert ask["narrowed"]["original"] == {"codes": CODES}
    assert ask["round"] > 1
    await approve(case)
    await case.outcome()
    assert [call["inputs"]["codes"] for call in bench.calls] == [["a"]]


async def test_a_failed_call_is_done_again_under_the_same_narrowed_key(bench: Bench) -> None:
    def fail_once(call: dict[str, Any]) -> None:
        if len(bench.calls) == 1:
            raise ApplicationError("no", type="refused")

    bench.behaviour["content.disable"] = fail_once
    case = await bench.start(gated())
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["d"]))
    await approve(case)
    await case.ask(f"{AT}!failed")
    await case.decide(f"{AT}!failed", "retry", "carl", "incident_commander")
    await case.outcome()
    assert [call["inputs"]["codes"] for call in bench.calls] == [["d"], ["d"]]
    assert len({call["key"] for call in bench.calls}) == 1


async def test_what_takes_a_narrowed_measure_back_takes_back_only_what_was_done(bench: Bench) -> None:
    back = undo("content.restore", [], {"scope": "eu", "which": CODES, "order": "A-1"})
    inspect = review(slot("policy_lead"), on_deny="undo")
    case = await bench.start(gated(more={"effect": "restricts", "undo": back, "review": inspect}))
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["b", "c"], scope="DE"))
    await approve(case)
    looked_at = await case.ask(f"{AT}!review")
    assert looked_at["inputs"] == {"codes": ["b", "c"], "scope": "DE", "order": "A-1"}
    await case.decide(f"{AT}!review", "deny", "pia", "policy_lead")
    assert (await case.outcome())["outcome"] == "closed"
    (restored,) = [call for call in bench.calls if call["action"] == "content.restore"]
    assert restored["inputs"] == {"scope": "DE", "which": ["b", "c"], "order": "A-1"}


async def test_in_a_loop_only_the_item_that_was_narrowed_is_narrowed(bench: Bench) -> None:
    step = action(
        "remove",
        "content.disable",
        {"url": "${{ url }}", "scope": "eu"},
        approval=approval(COUNSEL, on_deny="stop"),
        narrows={"scope": NARROWS["scope"]},
    )
    each = for_each("all", [step], at_once=2)
    case = await bench.start(gated(at=[each]), inputs={"urls": ["https://example.test/1", "https://example.test/2"]})
    paths = [f"containment/all[{number}]/remove" for number in range(2)]
    await case.say(paths[1], "narrow", "lena", "legal_counsel", **less(scope="FR"))
    for path in paths:
        await case.decide(path, "approve", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    assert {call["path"]: call["inputs"]["scope"] for call in bench.calls} == dict(
        zip(paths, ["eu", "FR"], strict=True)
    )


async def test_broken_glass_acts_on_what_is_left(bench: Bench) -> None:
    glass = break_glass("ops_lead", "true", review(slot("policy_lead")), after=0.0)
    case = await bench.start(gated(break_glass=glass, more={"effect": "restricts"}))
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a"]))
    await case.decide(AT, "break_glass", "otto", "ops_lead")
    await case.decide(f"{AT}!break_glass", "approve", "pia", "policy_lead")
    assert (await case.outcome())["outcome"] == "closed"
    assert [call["inputs"]["codes"] for call in bench.calls] == [["a"]]


async def test_a_seat_that_was_given_away_over_more_is_given_anew(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.say(AT, "delegate", "lena", "legal_counsel", about={"to": "dora"})
    await case.say(AT, "abstain", "louis", "legal_counsel")
    await case.say(AT, "narrow", "egon", "exec_sponsor", **less(codes=["a"]))
    behalf = {"on_behalf_of": "lena"}
    assert await case.refused_decision(AT, "approve", "dora", "legal_counsel", **behalf) == "delegated"
    assert await case.refused_decision(AT, "approve", "louis", "legal_counsel") == "abstained"
    await approve(case)
    assert (await case.outcome())["outcome"] == "closed"


@pytest.mark.parametrize("moved", [True, False])
async def test_another_request_is_asked_about_whole(bench: Bench, moved: bool) -> None:
    """What was left out of one request says nothing about another that the step makes by the time it is approved."""
    gate = approval(COUNSEL, on_deny="stop")
    step = action("remove", "content.disable", approval=gate, narrows={"codes": NARROWS["codes"]})
    step["with_"] = {"codes": {"list": [value("a"), value("${{ facts.seen }}")]}}
    revised = {"by": ["legal_counsel"], "reason": "optional"}
    given = plan(("containment", [step]), facts={"seen": fact("inputs.seen", "mailbox", revise=revised)})
    case = await bench.start(given, {"seen": "2026-11-22T00:00:00Z"})
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a"]))
    later = "2026-11-21T00:00:00Z"
    if moved:
        await case.state_fact("seen", later, "mailbox", person="lena", role="legal_counsel")
    await case.decide(AT, "approve", "lena", "legal_counsel")
    if moved:
        ask = await case.ask(AT)
        assert (ask["inputs"]["codes"], ask["round"]) == (["a", later], 2)
        assert "narrowed" not in ask
        await case.decide(AT, "approve", "lena", "legal_counsel")
    await case.outcome()
    assert [call["inputs"]["codes"] for call in bench.calls] == [["a", later] if moved else ["a"]]


@pytest.mark.parametrize("ends", ["approved", "silent", "paused"])
async def test_what_somebody_narrowed_who_stands_aside_is_asked_about_whole_again(bench: Bench, ends: str) -> None:
    case = await bench.start(gated(within=600.0, on_silence=silence(rung=0)))
    first = await case.ask(AT)
    await case.say(AT, "narrow", "lena", "legal_counsel", **less(codes=["a"]))
    await case.say(AT, "narrow", "egon", "exec_sponsor", **less(scope="DE"))
    if ends == "paused":
        await case.control("pause")
        await approve(case, counsel="louis")
    else:
        await case.decide(AT, "approve", "egon", "exec_sponsor")
    aside = await case.control_statement("recuse", "incident_commander", about={"person": "lena"})
    await case.send("control", aside)
    ask = await case.ask(AT)
    assert (ask["inputs"], ask["action_digest"]) == (first["inputs"], first["action_digest"])
    assert "narrowed" not in ask
    assert (ask["answers"], ask["round"], ask["deadline_at"]) == ([], 3, first["deadline_at"])
    assert ask["ask"] != first["ask"]
    if ends == "silent":
        await bench.skip(700)
        await case.decide(f"{AT}!failed", "retry", "carl", "incident_commander")
        assert (await case.ask(AT))["inputs"] == first["inputs"]
    if ends == "paused":
        await case.control("resume")
        assert bench.calls == []
    await approve(case, counsel="louis")
    assert (await case.outcome())["outcome"] == "closed"
    assert [call["inputs"] for call in bench.calls] == [{"codes": CODES, "scope": "eu", "order": "A-1"}]


def test_what_was_left_out_of_an_item_is_forgotten_with_the_item() -> None:
    kept: Any = {"results": {}, "taken": {}, "loops": {}, "deadlines": {}}
    narrowed = {"all[0]/remove": 1, "all[1]/remove": 2}
    forget_below({**kept, "narrowed": narrowed}, "all[0]/")  # type: ignore[arg-type]
    assert narrowed == {"all[1]/remove": 2}
    forget_below(kept, "all[0]/")
    assert "narrowed" not in kept
