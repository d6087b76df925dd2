"""Statements are checked, signed and sent; refusals come back typed; what no worker took is never called recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from schemas.decision import CONTROL
from schemas.plan import Plan
from tests.client.conftest import LIMITS, order
from watchfloor.client import (
    EngineUnavailable,
    Face,
    InputsRefused,
    NotFound,
    Refused,
    board,
    family,
    pick_ask,
    runs,
    send_control,
    send_decision,
    send_fact,
    start_incident,
    started_with,
)
from watchfloor.client.motions import read_text, send_motion
from watchfloor.client.runs import plan_of
from watchfloor.client.sign_in import SignIn
from watchfloor.client.statements import deliver
from watchfloor.signing import SigningKey, digest, envelope_digest
from watchfloor.signing.standing import find_questions


@pytest.fixture
async def incident(face: Face, plan: Plan) -> str:
    started = await start_incident(face, plan, digest(plan), order(), relative=True, limits=LIMITS)
    return started.incident


async def test_an_order_starts_one_run_however_often_it_is_sent(face: Face, plan: Plan) -> None:
    first = await start_incident(face, plan, digest(plan), order(), relative=True, limits=LIMITS)
    again = await start_incident(face, plan, digest(plan), order(), relative=True, limits=LIMITS)
    assert (first.already, again.already) == (False, True)
    assert again.incident == first.incident
    started = await started_with(face, first.incident)
    assert started["inputs"]["order_id"] == "DE-1"
    assert started["decision_keys"] == {face.key.kid: face.key.public}


async def test_the_same_key_with_another_order_is_refused(face: Face, plan: Plan) -> None:
    await start_incident(face, plan, digest(plan), order(), relative=True, limits=LIMITS)
    with pytest.raises(Refused, match="order_id differ") as refused:
        await start_incident(face, plan, digest(plan), order(order_id="DE-2"), relative=True, limits=LIMITS)
    assert refused.value.type == "key_reused"


async def test_wrong_inputs_start_nothing(face: Face, plan: Plan) -> None:
    with pytest.raises(InputsRefused) as refused:
        await start_incident(face, plan, digest(plan), order(order_id="x y", extra=1), relative=True, limits=LIMITS)
    assert [problem.field for problem in refused.value.problems] == ["inputs.extra", "inputs.order_id"]
    with pytest.raises(NotFound):
        await started_with(face, "inc-aaaaaaaaaaaaaaaaaaaa")


async def test_a_run_is_started_only_where_it_is_commanded(face: Face, plan: Plan) -> None:
    with pytest.raises(Refused, match="--region eu"):
        await start_incident(replace(face, region="us"), plan, digest(plan), order(), relative=True, limits=LIMITS)


async def test_a_decision_is_recorded_with_its_reason_kept_at_home(face: Face, incident: str, worker: Worker) -> None:
    sent = await send_decision(face, incident, "order_doubt", "clarify", person="counsel-1", reason="a page is missing")
    assert (sent.recorded, sent.state, sent.path) == (True, "complete", "triage/order_doubt")
    assert face.reasons.get(sent.reason_ref) == b"a page is missing"  # type: ignore[attr-defined]
    answer = (await board(face, incident))["asks"][0]["answers"][0]["body"]
    assert (answer["person"], answer["role"], answer["signed_in"]) == ("counsel-1", "legal_counsel", "dev")
    assert "a page is missing" not in str(answer)


async def test_a_decision_that_needs_two_says_who_is_missing(face: Face, incident: str, worker: Worker) -> None:
    sent = await send_decision(face, incident, "order_doubt", "refuse", person="counsel-1", reason="forged")
    assert (sent.state, sent.waiting_for) == ("waiting", ("exec_sponsor",))


@pytest.mark.parametrize(
    ("change", "type_"),
    [
        ({"person": "ops-1"}, "wrong_role"),
        ({"person": "counsel-1", "role": "exec_sponsor"}, "wrong_role"),
        ({"person": "nobody-1"}, "unknown_person"),
        ({"person": "counsel-1", "option": "destroy"}, "unknown_option"),
        ({"person": "counsel-1", "step": "other_step"}, "not_waiting"),
        ({"person": "counsel-1", "reason": "  "}, "no_reason"),
        ({"person": "both-1", "option": "refuse"}, "wrong_role"),
    ],
)
async def test_the_face_refuses_before_it_signs(
    face: Face, incident: str, worker: Worker, change: dict[str, str], type_: str
) -> None:
    said = {"step": "order_doubt", "option": "clarify", "reason": "because", **change}
    with pytest.raises(Refused) as refused:
        await send_decision(
            face,
            incident,
            said["step"],
            said["option"],
            person=said["person"],
            role=said.get("role"),
            reason=said["reason"],
        )
    assert refused.value.type == type_
    assert (await board(face, incident))["asks"][0]["answers"] == []


async def test_the_runs_own_refusal_comes_back_typed(face: Face, incident: str, worker: Worker) -> None:
    await send_decision(face, incident, "order_doubt", "refuse", person="counsel-1", reason="forged")
    with pytest.raises(Refused) as repeated:
        await send_decision(face, incident, "order_doubt", "refuse", person="counsel-1", reason="forged")
    assert repeated.value.type == "repeated"
    stranger = replace(face, key=SigningKey.generate())
    with pytest.raises(Refused) as forged:
        await send_decision(stranger, incident, "order_doubt", "clarify", person="both-1", reason="mine")
    assert forged.value.type == "bad_signature"


async def test_a_statement_that_travelled_too_long_is_refused(face: Face, incident: str, worker: Worker) -> None:
    before = datetime.now(UTC) - timedelta(minutes=6)
    with pytest.raises(Refused) as late:
        await send_decision(face, incident, "order_doubt", "clarify", person="counsel-1", reason="slow", now=before)
    assert late.value.type == "late"


async def test_development_sign_in_works_on_this_machine_only(face: Face, incident: str, worker: Worker) -> None:
    with pytest.raises(Refused) as refused:
        await send_decision(
            replace(face, loopback=False), incident, "order_doubt", "clarify", person="counsel-1", reason="hello"
        )
    assert refused.value.type == "not_signed_in"


async def test_without_a_worker_nothing_can_be_looked_up_and_nothing_is_sent(face: Face, incident: str) -> None:
    hasty = replace(face, answer_within=timedelta(seconds=0.2))
    with pytest.raises(EngineUnavailable, match="no worker"):
        await send_decision(hasty, incident, "order_doubt", "clarify", person="counsel-1", reason="hello")


async def test_what_no_worker_took_is_sent_as_a_signal_and_never_called_recorded(
    face: Face, incident: str, make_worker: Callable[[], Worker]
) -> None:
    async with make_worker():
        shown = pick_ask(await family(face, incident), "order_doubt")
    hasty = replace(face, answer_within=timedelta(seconds=0.5))
    sent = await send_decision(
        hasty, incident, "order_doubt", "clarify", person="counsel-1", reason="still on call", shown=shown
    )
    assert (sent.recorded, sent.state) == (False, "sent")
    async with make_worker():
        answers = (await board(face, incident))["asks"][0]["answers"]
    assert "counsel-1" in {answer["body"]["person"] for answer in answers}


class TakenBack:
    """A run whose worker's task the engine takes back so many times before it looks at an update."""

    def __init__(self, times: int, status: RPCStatusCode) -> None:
        self.times, self.status, self.ids = times, status, list[str]()

    def get_workflow_handle(self, _: str) -> "TakenBack":
        return self

    async def execute_update(self, update: str, envelope: Any, *, id: str, rpc_timeout: timedelta) -> Any:
        self.ids.append(id)
        if len(self.ids) <= self.times:
            raise RPCError("unexpected workflow task failure", self.status, b"")
        return {"accepted": True, "digest": id, "state": "recorded", "waiting_for": []}


@pytest.mark.parametrize(
    ("times", "status", "tried"),
    [
        (2, RPCStatusCode.FAILED_PRECONDITION, 3),
        (9, RPCStatusCode.FAILED_PRECONDITION, 4),
        (1, RPCStatusCode.UNAVAILABLE, 1),
    ],
)
async def test_what_the_engine_took_back_untried_is_sent_again_as_the_same_statement(
    face: Face, times: int, status: RPCStatusCode, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchfloor.client.statements._TAKEN_BACK", (0.0, 0.0, 0.0))
    run = TakenBack(times, status)
    envelope = face.sign(CONTROL, {"verb": "pause", "nonce": "n", "reason_ref": ""})
    sending = deliver(replace(face, client=run), "inc-1", "pause", envelope, "control", None)  # type: ignore[arg-type]
    if tried > times:
        assert (await sending).recorded
    else:
        with pytest.raises(EngineUnavailable):
            await sending
    assert run.ids == [envelope_digest(envelope)] * tried


async def test_a_fact_is_typed_before_it_is_sent(face: Face, incident: str, worker: Worker) -> None:
    sent = await send_fact(face, incident, "copies", "3", source="mailbox", person="counsel-1")
    assert sent.recorded
    await send_fact(face, incident, "reply_seen", "-5m", source="mailbox", person="counsel-1")
    with pytest.raises(InputsRefused):
        await send_fact(face, incident, "copies", "many", source="mailbox", person="counsel-1")
    with pytest.raises(Refused, match="it has: `copies`, `reply_seen`"):
        await send_fact(face, incident, "reply", "now", source="mailbox", person="counsel-1")


async def test_a_fact_says_how_its_person_signed_in(
    face: Face, incident: str, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    sign = Face.sign

    def remember(self: Face, domain: str, body: Any) -> Any:
        sent.append(dict(body))
        return sign(self, domain, body)

    monkeypatch.setattr(Face, "sign", remember)
    counsel = face.people.find("counsel-1")
    company = SignIn("oidc", ("pwd", "otp"), counsel)
    assert (await send_fact(face, incident, "copies", "3", source="mailbox", person="counsel-1")).recorded
    later = await send_fact(
        face, incident, "reply_seen", "-5m", source="mailbox", person="counsel-1", signed_in=company
    )
    assert later.recorded
    assert [(body["signed_in"], body.get("amr")) for body in sent] == [("dev", None), ("oidc", ["pwd", "otp"])]


async def test_a_run_that_ended_takes_no_more_statements(face: Face, incident: str, worker: Worker) -> None:
    sent = await send_control(face, incident, "abort", person="commander-1", reason="a rehearsal")
    assert sent.recorded
    await face.client.get_workflow_handle(incident).result()
    with pytest.raises(Refused) as closed:
        await send_control(face, incident, "resume", person="commander-1", reason="too late")
    assert closed.value.type == "closed"
    with pytest.raises(Refused) as decided:
        await send_decision(face, incident, "order_doubt", "clarify", person="counsel-1", reason="too late")
    assert decided.value.type == "closed"


async def test_what_a_stranger_started_is_named_as_such(face: Face, worker: Worker) -> None:
    """Starts, ids and search attributes may come from anybody who can write to Temporal."""
    strange = "inc-" + "x" * 20
    for name, said in ((strange, []), ("inc-y", ["text"]), ("inc-\x1b[31mz", [{}])):
        await face.client.start_workflow("Incident", args=said, id=name, task_queue="nobody")
        with pytest.raises(EngineUnavailable, match="was not started as an incident"):
            await plan_of(face, name)


async def test_a_run_ended_from_outside_is_never_shown_as_open(
    face: Face, plan: Plan, incident: str, worker: Worker
) -> None:
    assert (await board(face, incident))["state"] == "open"
    await face.client.get_workflow_handle(incident).terminate()
    shown = await board(face, incident)
    assert (shown["state"], shown["outcome"], shown["asks"]) == ("failed", "terminated from outside", [])
    with pytest.raises(Refused) as decided:
        await send_decision(face, incident, "order_doubt", "clarify", person="counsel-1", reason="it is not there")
    assert decided.value.type == "closed"
    with pytest.raises(Refused, match="nothing runs for this order now"):
        await start_incident(face, plan, digest(plan), order(), relative=True, limits=LIMITS)


def test_no_terminal_is_steered_by_a_name() -> None:
    assert runs._visible("inc-a\x1b]0;b\x07\x9b2J\u202ec") == "inc-a\ufffd]0;b\ufffd\ufffd2J\ufffdc"
    assert runs._visible("eu-tco-removal-order") == "eu-tco-removal-order"


async def test_a_seat_is_given_away_and_the_delegate_decides_without_holding_the_role(
    face: Face, incident: str, worker: Worker
) -> None:
    with pytest.raises(Refused, match="directory of people"):
        await send_motion(
            face, incident, "order_doubt", "delegate", person="counsel-1", reason="x", about={"to": "nobody"}
        )
    sent = await send_motion(
        face, incident, "order_doubt", "delegate", person="counsel-1", reason="off shift", about={"to": "ops-1"}
    )
    assert (sent.recorded, sent.state) == (True, "recorded")
    await send_decision(face, incident, "order_doubt", "clarify", person="ops-1", reason="a page is missing")
    answer = (await board(face, incident))["asks"][0]["answers"][0]["body"]
    assert (answer["person"], answer["role"], answer["on_behalf_of"]) == ("ops-1", "legal_counsel", "counsel-1")


async def test_who_abstains_says_who_else_was_asked(face: Face, incident: str, worker: Worker) -> None:
    with pytest.raises(Refused, match="reason"):
        await send_motion(face, incident, "order_doubt", "abstain", person="counsel-1", reason=" ")
    await send_motion(face, incident, "order_doubt", "abstain", person="counsel-1", reason="my own case")
    (motion,) = (await board(face, incident))["asks"][0]["motions"]
    assert motion["body"]["about"]["holders"]["both-1"] == ["legal_counsel", "exec_sponsor"]
    assert "ops-1" not in motion["body"]["about"]["holders"]


async def test_what_nobody_said_is_not_taken_back(face: Face, incident: str, worker: Worker) -> None:
    with pytest.raises(Refused) as refused:
        await send_motion(face, incident, "order_doubt", "withdraw", person="counsel-1", reason="no")
    assert refused.value.type == "not_waiting"
    with pytest.raises(Refused, match=r"decide\.seat"):
        await send_motion(face, incident, "order_doubt", "abstain", person="ops-1", role="ops_lead", reason="no")


async def test_a_question_is_asked_and_answered_and_its_texts_stay_at_home(
    face: Face, incident: str, worker: Worker
) -> None:
    with pytest.raises(Refused, match="no question waits"):
        await send_motion(face, incident, "order_doubt", "answer", person="commander-1", reason="too early")
    await send_motion(face, incident, "order_doubt", "question", person="counsel-1", reason="which page?")
    await send_motion(face, incident, "order_doubt", "question", person="both-1", role="legal_counsel", reason="whose?")
    with pytest.raises(Refused, match="say which with --to"):
        await send_motion(face, incident, "order_doubt", "answer", person="commander-1", reason="the last")
    two = {"question": 2}
    await send_motion(face, incident, "order_doubt", "answer", person="commander-1", reason="theirs", about=two)
    await send_motion(face, incident, "order_doubt", "answer", person="commander-1", reason="the last")
    with pytest.raises(Refused, match=r"decide\.reply"):
        await send_motion(face, incident, "order_doubt", "answer", person="ops-1", reason="hm", about=two)
    ask = (await board(face, incident))["asks"][0]
    texts = [[read_text(face, str(body["reason_ref"])) for body in said] for said in find_questions(ask).values()]
    assert texts == [["which page?", "the last"], ["whose?", "theirs"]]
    assert read_text(face, "sha256:" + "0" * 64) == ""
    assert "which page?" not in str(ask)
