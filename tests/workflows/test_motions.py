"""What people say at an ask besides answers: the run takes it and writes it down."""

import pytest

from tests.workflows.bench import FACE, STRANGER, Bench
from tests.workflows.builder import action, approval, decide, plan, silence, slot
from watchfloor.signing import refuse_grant

COUNSEL, SPONSOR = slot("legal_counsel"), slot("exec_sponsor")
AT = "containment/remove"


def gated(**more: object):
    gate = approval(COUNSEL, SPONSOR, on_deny="stop", **more)
    return plan(("containment", [action("remove", "content.delete", {"url": "${{ inputs.urls[0] }}"}, approval=gate)]))


async def test_who_abstains_is_on_the_board_and_fills_no_seat(bench: Bench) -> None:
    case = await bench.start(gated())
    receipt = await case.say(AT, "abstain", "lena", "legal_counsel")
    assert (receipt["state"], receipt["waiting_for"]) == ("recorded", ["legal_counsel", "exec_sponsor"])
    ask = await case.ask(AT)
    assert [one["body"]["person"] for one in ask["motions"]] == ["lena"]
    assert await case.refused_decision(AT, "approve", "lena", "legal_counsel") == "abstained"
    await case.decide(AT, "approve", "louis", "legal_counsel")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    (entry,) = [one for one in bench.entries if one["kind"] == "decision.abstained"]
    assert (entry["actor"], entry["path"], entry["data"]["reason_ref"]) == ("lena", AT, "sha256:00")


async def test_the_ladder_climbs_at_once_when_nobody_is_left(bench: Bench) -> None:
    case = await bench.start(gated(within=600.0, on_silence=silence("deputy", "regional_head", rung=60)))
    ask = await case.ask(AT)
    holders = {"lena": ["legal_counsel"], "egon": ["exec_sponsor"]}
    await case.say(AT, "abstain", "lena", "legal_counsel", about={"holders": holders})
    await case.until(lambda _: any(one["kind"] == "escalate" for one in bench.notices))
    notice = next(one for one in bench.notices if one["kind"] == "escalate")
    assert (notice["roles"], notice["deadline_at"]) == (["deputy"], ask["deadline_at"])
    left = (await case.ask(AT))["ladder"]
    assert [rung["roles"] for rung in left] == [["regional_head"]]
    await bench.skip(800)
    assert [one["roles"] for one in bench.notices if one["kind"] == "escalate"] == [["deputy"], ["regional_head"]]
    assert bench.calls == []


async def test_an_answer_taken_back_does_not_count(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.decide(AT, "approve", "lena", "legal_counsel")
    await case.say(AT, "withdraw", "lena", "legal_counsel")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    ask = await case.ask(AT)
    assert [one["body"]["person"] for one in ask["answers"]] == ["egon"]
    assert bench.calls == []
    await case.decide(AT, "approve", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    grant = bench.calls[0]["grant"]
    assert [one["body"]["person"] for one in grant["decisions"]] == ["egon", "lena"]
    (entry,) = [one for one in bench.entries if one["kind"] == "decision.withdrawn"]
    first = next(one for one in bench.entries if one["kind"] == "decision.recorded")
    assert entry["data"]["takes_back"] == first["data"]["statement"]
    assert entry["data"]["reopens"] is False


async def test_a_decided_gate_is_taken_back_while_the_run_is_paused(bench: Bench) -> None:
    case = await bench.start(gated())
    digest = (await case.ask(AT))["ask"]
    await case.control("pause")
    await case.decide(AT, "approve", "lena", "legal_counsel")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    board = await case.until(lambda one: one.get("decided"))
    assert [ask["path"] for ask in board["decided"]] == [AT]
    await case.say(AT, "withdraw", "egon", "exec_sponsor", ask=digest)
    await case.control("resume")
    ask = await case.ask(AT)
    assert (ask["ask"], len(ask["answers"])) == (digest, 1)
    assert bench.calls == []
    await case.until(lambda _: any(one["kind"] == "remind" for one in bench.notices))
    await case.decide(AT, "approve", "elsa", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    assert [one["body"]["person"] for one in bench.calls[0]["grant"]["decisions"]] == ["lena", "elsa"]
    (entry,) = [one for one in bench.entries if one["kind"] == "decision.withdrawn"]
    assert entry["data"]["reopens"] is True


async def test_a_gate_taken_back_beyond_its_deadline_ends_in_silence(bench: Bench) -> None:
    case = await bench.start(gated(within=60.0, on_silence=silence(then=[])))
    digest = (await case.ask(AT))["ask"]
    await case.control("pause")
    await case.decide(AT, "approve", "lena", "legal_counsel")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    await bench.skip(120)
    await case.say(AT, "withdraw", "lena", "legal_counsel", ask=digest)
    await case.control("resume")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.calls == []
    assert "decision.silent" in bench.kinds()


async def test_it_is_too_late_to_take_back_what_a_worker_has_been_handed(bench: Bench) -> None:
    """The activity announces the effect before the run can know; once it is scheduled nothing is taken back."""

    def fail(call: dict) -> dict:
        raise RuntimeError("the target is away")

    bench.behaviour["content.delete"] = fail
    case = await bench.start(gated())
    digest = (await case.ask(AT))["ask"]
    await case.decide(AT, "approve", "lena", "legal_counsel")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    await case.until(lambda _: bench.calls)
    assert await case.refused_motion(AT, "withdraw", "lena", "legal_counsel", ask=digest) == "late"
    await case.ask(f"{AT}!failed")
    assert await case.refused_motion(AT, "withdraw", "lena", "legal_counsel", ask=digest) == "late"
    bench.behaviour.clear()
    await case.decide(f"{AT}!failed", "retry", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"


async def test_what_was_taken_back_stays_so_over_continue_as_new(lasting: Bench) -> None:
    case = await lasting.start(gated(within=6000.0), continue_after=20)
    digest = (await case.ask(AT))["ask"]
    for _ in range(3):
        await case.decide(AT, "approve", "lena", "legal_counsel", ask=digest)
        await case.say(AT, "withdraw", "lena", "legal_counsel", ask=digest)
    board = await case.until(lambda one: one["runs"] >= 1)
    ask = board["asks"][0]
    assert (len(ask["motions"]), ask["answers"]) == (3, [])
    await case.say(AT, "abstain", "lena", "legal_counsel")
    await case.decide(AT, "approve", "louis", "legal_counsel")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    assert len(lasting.done("content.delete")) == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"key": STRANGER}, "bad_signature"),
        ({"domain": "watchfloor.decision.v1"}, "unknown_option"),
        ({"incident": "inc-other"}, "wrong_run"),
        ({"plan": "sha256:00"}, "wrong_run"),
        ({"about": []}, "bad_value"),
        ({"verb": "shout"}, "unknown_option"),
        ({"verb": 7}, "bad_value"),
        ({"reason_ref": ""}, "no_reason"),
    ],
)
async def test_a_forged_motion_is_refused(bench: Bench, more: dict[str, object], why: str) -> None:
    case = await bench.start(gated())
    await case.ask(AT)
    assert (
        await case.refused_motion(AT, **{"verb": "abstain", "person": "lena", "role": "legal_counsel", **more}) == why
    )
    await case.handle.terminate()


async def test_a_motion_by_signal_counts_and_a_refused_one_is_written_down(bench: Bench) -> None:
    """The inbox delivers by signal what no worker took."""
    case = await bench.start(gated())
    statement = await case.motion(AT, "abstain", "lena", "legal_counsel")
    await case.handle.signal("decide_later", statement)
    await case.until(lambda one: one["asks"][0].get("motions"))
    await case.handle.signal("decide_later", statement)
    await case.until(lambda _: "decision.refused" in bench.kinds())
    assert bench.kinds().count("decision.abstained") == 1
    await case.handle.terminate()


async def test_a_choice_among_options_takes_motions_too(bench: Bench) -> None:
    options = {"one": {"also": [SPONSOR], "steps": []}, "two": {"steps": []}}
    case = await bench.start(plan(("p", [decide("pick", options, COUNSEL)])))
    await case.decide("p/pick", "one", "lena", "legal_counsel")
    await case.say("p/pick", "withdraw", "lena", "legal_counsel")
    await case.decide("p/pick", "two", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"


async def test_a_delegate_decides_and_the_delegation_travels_in_the_grant(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.say(AT, "delegate", "lena", "legal_counsel", about={"to": "dora"})
    assert await case.refused_decision(AT, "approve", "lena", "legal_counsel") == "delegated"
    assert await case.refused_decision(AT, "approve", "dora", "exec_sponsor", on_behalf_of="lena") == "delegated"
    assert await case.refused_decision(AT, "approve", "dora", "legal_counsel", on_behalf_of=7) == "bad_value"
    await case.decide(AT, "approve", "dora", "legal_counsel", on_behalf_of="lena")
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    call = bench.calls[0]
    refusal = refuse_grant(
        call["grant"],
        action=call["action"],
        key=call["key"],
        inputs=call["inputs"],
        region="us",
        incident=call["incident"],
        plan=call["plan"],
        keys={FACE.kid: FACE.public},
    )
    assert refusal is None
    assert [one["body"]["person"] for one in call["grant"]["delegations"]] == ["lena"]
    given = next(one for one in bench.entries if one["kind"] == "decision.delegated")
    assert (given["actor"], given["data"]["to"]) == ("lena", "dora")
    recorded = next(one for one in bench.entries if one["kind"] == "decision.recorded")
    assert recorded["data"]["on_behalf_of"] == "lena"


async def test_a_seat_given_away_is_kept_over_continue_as_new(lasting: Bench) -> None:
    case = await lasting.start(gated(within=6000.0), continue_after=20)
    digest = (await case.ask(AT))["ask"]
    for _ in range(3):
        await case.say(AT, "delegate", "lena", "legal_counsel", about={"to": "dora"}, ask=digest)
        await case.say(AT, "withdraw", "lena", "legal_counsel", ask=digest)
    await case.say(AT, "delegate", "lena", "legal_counsel", about={"to": "dora"}, ask=digest)
    await case.until(lambda one: one["runs"] >= 1)
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    await case.decide(AT, "approve", "dora", "legal_counsel", on_behalf_of="lena")
    assert (await case.outcome())["outcome"] == "closed"
    assert [one["body"]["about"]["to"] for one in lasting.calls[0]["grant"]["delegations"]] == ["dora"]


async def test_a_question_is_told_to_who_commands_and_its_answer_to_who_asked(bench: Bench) -> None:
    case = await bench.start(gated())
    await case.decide(AT, "approve", "egon", "exec_sponsor")
    before = await case.ask(AT)
    receipt = await case.say(AT, "question", "lena", "legal_counsel", reason_ref="sha256:question")
    await case.until(lambda _: any(one["kind"] == "question" for one in bench.notices))
    reply = {"about": {"question": receipt["digest"]}, "reason_ref": "sha256:answer"}
    assert await case.refused_motion(AT, "answer", "olga", "ops_lead", **reply) == "wrong_role"
    await case.say(AT, "answer", "carl", "incident_commander", **reply)
    await case.until(lambda _: any(one["kind"] == "answer" for one in bench.notices))
    after = await case.ask(AT)
    same = ("ask", "deadline_at", "answers", "round")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    told = {one["kind"]: one["roles"] for one in bench.notices}
    assert (told["question"], told["answer"]) == (["incident_commander"], ["legal_counsel", "exec_sponsor"])
    await case.decide(AT, "approve", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    said = {one["kind"]: one["data"] for one in bench.entries}
    assert said["decision.questioned"]["reason_ref"] == "sha256:question"
    assert said["decision.answered"]["question"] == receipt["digest"]


async def test_the_requester_answers_a_question_at_a_gate_where_they_have_no_say(bench: Bench) -> None:
    case = await bench.start(gated())
    receipt = await case.say(AT, "question", "lena", "legal_counsel")
    assert await case.refused_motion(AT, "question", "rita", "legal_counsel") == "requester"
    await case.say(AT, "answer", "rita", "ops_lead", about={"question": receipt["digest"]})
    assert len((await case.ask(AT))["motions"]) == 2
    await case.handle.terminate()
