"""A face key is revoked while runs are open: refused from then on, what it answered is void and asked again."""

import asyncio
from typing import Any

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import action, approval, plan, slot
from tests.workflows.certified import FIRST, ROOT, SECOND, UNCERTIFIED, certificate, revocation
from tests.workflows.test_certificates import GATE, certified, gated
from watchfloor.signing import sign

PAST, FUTURE = "2020-01-01T00:00:00Z", "2998-01-01T00:00:00Z"


def under(case: Case, key: Any, envelope: dict[str, Any]) -> dict[str, Any]:
    """The same statement, signed by a certified key."""
    return {
        **sign(envelope["domain"], envelope["body"], key),
        "cert": certificate(key, case.start["namespace"]),
    }


async def tell(case: Case, *said: Any) -> None:
    await case.bench.client.get_workflow_handle(case.handle.id).signal("key_revoked", args=list(said))


async def until_noted(bench: Bench, kind: str) -> dict[str, Any]:
    for _ in range(300):
        found = [entry for entry in bench.entries if entry["kind"] == kind]
        if found:
            return found[-1]
        await asyncio.sleep(0.02)
    raise AssertionError(f"no {kind}: {bench.kinds()}")


async def test_answers_under_it_are_void_others_stay_and_people_are_asked_again(bench: Bench) -> None:
    case = await bench.start(gated(), decision_keys={}, root=ROOT.public)
    await case.send("decide", await certified(case, FIRST, "lena", "legal_counsel"))
    await tell(case, revocation(FIRST, PAST))
    ask = (await case.until(lambda board: board["asks"] and not board["asks"][0]["answers"]))["asks"][0]
    assert await case.refused("decide", await certified(case, FIRST, "lena", "legal_counsel")) == "revoked"
    noted = await until_noted(bench, "decision.voided")
    assert (noted["data"]["persons"], noted["data"]["kid"], noted["data"]["ask"]) == (["lena"], FIRST.kid, ask["ask"])
    await case.send("decide", await certified(case, SECOND, "egon", "exec_sponsor"))
    await case.send("decide", await certified(case, SECOND, "lena", "legal_counsel"))
    assert (await case.outcome())["outcome"] == "closed"
    assert {one["kid"] for one in bench.calls[0]["grant"]["decisions"]} == {SECOND.kid}
    kinds = [notice["kind"] for notice in bench.notices]
    assert (kinds.count("ask"), kinds.count("key_revoked")) == (2, 1)
    assert len({notice["key"] for notice in bench.notices}) == len(bench.notices)


async def test_what_was_answered_before_the_compromise_stands(bench: Bench) -> None:
    case = await bench.start(gated(), decision_keys={}, root=ROOT.public)
    await case.send("decide", await certified(case, FIRST, "lena", "legal_counsel"))
    await tell(case, revocation(FIRST, FUTURE))
    await until_noted(bench, "key.revoked")
    await case.send("decide", await certified(case, SECOND, "egon", "exec_sponsor"))
    assert (await case.outcome())["outcome"] == "closed"
    assert [one["kid"] for one in bench.calls[0]["grant"]["decisions"]] == [FIRST.kid, SECOND.kid]
    assert "decision.voided" not in bench.kinds()


async def test_an_approval_that_waits_for_a_resume_lets_nothing_go_ahead_any_more(bench: Bench) -> None:
    """The gate is decided but its action has not begun: the approval is void, and the gate asks again."""
    case = await bench.start(gated(), decision_keys={}, root=ROOT.public)
    control = await case.control_statement("pause")
    await case.send("control", under(case, SECOND, control))
    await case.send("decide", await certified(case, FIRST, "lena", "legal_counsel"))
    await case.send("decide", await certified(case, FIRST, "egon", "exec_sponsor"))
    await tell(case, revocation(FIRST, PAST))
    await case.until(lambda board: board["asks"])
    await case.send("control", under(case, SECOND, await case.control_statement("resume")))
    ask = await case.ask(GATE)
    assert ask["answers"] == []
    assert bench.calls == []
    await case.send("decide", await certified(case, SECOND, "egon", "exec_sponsor"))
    await case.send("decide", await certified(case, SECOND, "lena", "legal_counsel"))
    assert (await case.outcome())["outcome"] == "closed"
    paused = next(entry for entry in bench.entries if entry["kind"] == "run.paused")
    assert paused["data"]["kid"] == SECOND.kid


async def test_it_is_remembered_over_continue_as_new(lasting: Bench) -> None:
    counsel = approval(slot("legal_counsel"))
    first, last = (action(name, "content.delete", approval=counsel) for name in ("first", "remove"))
    steps = [action(f"a{n}", "content.other") for n in range(12)]
    case = await lasting.start(
        plan(("containment", [first, *steps, last])),
        decision_keys={},
        root=ROOT.public,
        continue_after=30,
    )
    await case.ask("containment/first")
    await tell(case, revocation(FIRST, PAST))
    await until_noted(lasting, "key.revoked")
    opened = await case.statement("containment/first", "approve", "lena", "legal_counsel", key=SECOND)
    await case.send("decide", under(case, SECOND, opened))
    await case.ask(GATE)
    assert (await case.board())["runs"] > 0
    assert await case.refused("decide", await certified(case, FIRST, "lena", "legal_counsel")) == "revoked"
    await case.send("decide", await certified(case, SECOND, "lena", "legal_counsel"))
    assert (await case.outcome(skipping=False))["outcome"] == "closed"


async def test_only_the_root_revokes_and_a_repetition_says_nothing_new(bench: Bench) -> None:
    case = await bench.start(gated(), decision_keys={}, root=ROOT.public)
    await case.send("decide", await certified(case, FIRST, "lena", "legal_counsel"))
    forged = [
        (revocation(FIRST, PAST, UNCERTIFIED),),
        (revocation(FIRST, PAST, region="eu"),),
        (revocation(FIRST, "yesterday"),),
        ({"domain": "watchfloor.revocation.v1"},),
        ("revoke",),
        (),
        (revocation(FIRST, PAST), revocation(FIRST, PAST)),
    ]
    for said in forged:
        await tell(case, *said)
    for _ in range(2):
        await tell(case, revocation(SECOND, PAST))
    await until_noted(bench, "key.revoked")
    ask = await case.ask(GATE)
    assert len(ask["answers"]) == 1
    await case.send("decide", await certified(case, FIRST, "egon", "exec_sponsor"))
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.kinds().count("key.revoked") == 1
    assert bench.kinds().count("decision.refused") == len(forged)


async def test_a_run_without_a_root_has_nothing_to_verify_a_revocation_by(bench: Bench) -> None:
    case = await bench.start(gated())
    await tell(case, revocation(FIRST, PAST))
    assert (await until_noted(bench, "decision.refused"))["data"]["why"] == "bad_signature"
