"""A blind gate in a run: boards, receipts and the ledger keep silent until all have answered; then all is written."""

import json
from typing import Any

from tests.workflows.bench import FACE, Bench
from tests.workflows.builder import action, approval, decide, plan, silence, slot
from watchfloor.signing import refuse_grant

COUNSEL, SPONSOR = slot("legal_counsel"), slot("exec_sponsor")
AT = "containment/remove"


def gated(**more: Any) -> Any:
    gate = {**approval(COUNSEL, SPONSOR, on_deny="stop", **more), "blind": True}
    return plan(("containment", [action("remove", "content.delete", {"url": "${{ inputs.urls[0] }}"}, approval=gate)]))


async def test_nobody_is_told_of_a_first_no_before_the_second_person_has_answered(bench: Bench) -> None:
    case = await bench.start(gated())
    receipt = await case.decide(AT, "deny", "lena", "legal_counsel")
    assert (receipt["state"], receipt["waiting_for"]) == ("waiting", ["exec_sponsor"])
    ask = await case.ask(AT)
    assert (ask["answered"], ask["answers"]) == (1, [])
    await case.until(lambda _: "decision.sealed" in bench.kinds())
    board = await case.board()
    for told in (board, bench.entries, bench.notices):
        text = json.dumps(told)
        assert "lena" not in text
        assert '"deny"' not in text.replace('"options": ["approve", "deny"]', "").replace('"deny": [', "")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "denied"
    recorded = [one for one in bench.entries if one["kind"] == "decision.recorded"]
    assert [(one["actor"], one["data"]["option"]) for one in recorded] == [("lena", "deny"), ("egon", "approve")]
    sealed = [one["data"]["statement"] for one in bench.entries if one["kind"] == "decision.sealed"]
    assert sealed == [one["data"]["statement"] for one in recorded]
    assert recorded[0]["data"]["accepted_at"] <= recorded[1]["at"]
    assert bench.calls == []


async def test_two_who_agree_without_knowing_of_each_other_let_it_go_ahead(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.decide(AT, "approve", "lena", "legal_counsel")
    receipt = await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert receipt["state"] == "complete"
    assert (await case.outcome())["outcome"] == "closed"
    call = bench.calls[0]
    where = {name: call[name] for name in ("action", "key", "inputs", "incident", "plan", "region")}
    assert refuse_grant(call["grant"], **where, keys={FACE.kid: FACE.public}) is None


async def test_silence_opens_what_was_said(bench: Bench) -> None:
    case = await bench.start(gated(within=60.0, on_silence=silence(then=[])))
    await case.decide(AT, "approve", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    kinds = [kind for kind in bench.kinds() if kind.startswith("decision.")]
    assert kinds == ["decision.asked", "decision.sealed", "decision.recorded", "decision.silent"]
    assert bench.calls == []


async def test_an_answer_taken_back_stays_sealed_too(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.decide(AT, "deny", "lena", "legal_counsel")
    await case.say(AT, "withdraw", "lena", "legal_counsel")
    ask = await case.ask(AT)
    assert (ask["answered"], ask["motions"]) == (0, [])
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert "decision.withdrawn" not in bench.kinds()
    await case.decide(AT, "approve", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    told = [(one["kind"], one["actor"]) for one in bench.entries if one["data"].get("accepted_at")]
    assert told == [
        ("decision.recorded", "lena"),
        ("decision.withdrawn", "lena"),
        ("decision.recorded", "egon"),
        ("decision.recorded", "lena"),
    ]


async def test_what_is_sealed_survives_continue_as_new(lasting: Bench) -> None:
    case = await lasting.start(gated(within=6000.0), continue_after=20)
    digest = (await case.ask(AT))["ask"]
    for _ in range(3):
        await case.decide(AT, "approve", "lena", "legal_counsel", ask=digest)
        await case.say(AT, "withdraw", "lena", "legal_counsel", ask=digest)
    await case.decide(AT, "approve", "lena", "legal_counsel", ask=digest)
    await case.until(lambda one: one["runs"] >= 1)
    assert "decision.recorded" not in lasting.kinds()
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    assert lasting.kinds().count("decision.recorded") == 5
    assert lasting.kinds().count("decision.withdrawn") == 3


async def test_people_who_disagree_about_a_choice_see_each_other_and_a_third_decides(bench: Bench) -> None:
    step = {**decide("pick", {"keep": {}, "drop": {}}, COUNSEL, SPONSOR), "blind": True}
    case = await bench.start(plan(("p", [step])))
    await case.decide("p/pick", "keep", "lena", "legal_counsel")
    await case.decide("p/pick", "drop", "egon", "exec_sponsor")
    ask = await case.ask("p/pick")
    assert [one["body"]["option"] for one in ask["answers"]] == ["keep", "drop"]
    assert bench.calls == []
    await case.decide("p/pick", "drop", "louis", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"


async def test_a_run_that_ends_opens_what_was_said(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.decide(AT, "approve", "lena", "legal_counsel")
    await case.control("abort")
    assert (await case.outcome())["outcome"] == "aborted"
    assert bench.kinds().count("decision.recorded") == 1
