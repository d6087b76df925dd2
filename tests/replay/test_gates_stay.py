"""No gate can be taken out of the code unseen: each opens with a durable command, so a recorded run no longer replays.

Each gate is removed from the interpreter as a careless change would remove it: what stands behind it goes ahead at
once. The history of a run that passed the gate is then replayed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from tests.replay.histories import Recorded, recorded, replay
from tests.workflows.bench import Bench, find_binary
from tests.workflows.builder import action, approval, break_glass, fact, plan, review, slot
from tests.workflows_regions.people import RING
from tests.workflows_regions.test_hold import COUNSEL, CUSTODIAN, placed, release
from watchfloor.regions.codec import client_encryption
from workflows import hold, incoming, interpreter, step_action
from workflows.human import Answer, HumanSteps, plain_wait
from workflows.outcome import Outcome
from workflows.sandboxing import runner

RECORDED = {one.name: one for one in recorded()}
NOTICED = r"[Nn]ondeterminism|Fatal error in workflow machines"


def history_of(name: str) -> WorkflowHistory:
    one: Recorded = RECORDED[name]
    return one.read()[0]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=find_binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        one = Bench(env.client, env)
        async with one.worker():
            yield one


# -- each gate, removed -----------------------------------------------------------------------------------------------


def without_approval(patch: pytest.MonkeyPatch) -> None:
    async def passes(*_: Any) -> str:
        return "approve"

    patch.setattr(step_action, "ask_approval", passes)
    patch.setattr(step_action, "find_grant", lambda *_: {"option": "approve", "decisions": []})


def without_decide(patch: pytest.MonkeyPatch) -> None:
    async def first_option(run: Any, frame: Any, step: Any, path: str) -> Outcome:
        option = next(iter(step["options"]))
        await run.walk(frame, step["options"][option]["steps"])
        return Outcome(outputs={"option": option, "by": "nobody"})

    patch.setitem(interpreter.KINDS, "decide", first_option)


def without_task(patch: pytest.MonkeyPatch) -> None:
    async def done(run: Any, frame: Any, step: Any, path: str) -> Outcome:
        return Outcome(outputs=dict.fromkeys(step["form"], "2026-11-22T03:30:00Z"))

    patch.setitem(interpreter.KINDS, "task", done)


def without_review(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(step_action, "ask_reviews", lambda *_: None)


def without_failed_step(patch: pytest.MonkeyPatch) -> None:
    async def skips(*_: Any) -> bool:
        return True

    patch.setattr(interpreter, "ask_about_failure", skips)


def without_doubt(patch: pytest.MonkeyPatch) -> None:
    async def happened(run: Any, frame: Any, step: Any, path: str) -> None:
        run.state["taken"][f"{path}!doubt"] = "happened"

    patch.setattr(step_action, "ask_about_doubt", happened)


def without_release(patch: pytest.MonkeyPatch) -> None:
    async def releases(self: Any) -> None:
        await plain_wait(lambda: False, self.human.releasable_at)
        ask: Any = {"answers": [], "accepted_at": [], "action_digest": "", "options": {}, "ask": ""}
        self.settled = Answer("release", "nobody", {}, "", ask)

    patch.setattr(hold.Hold, "_ask_release", releases)
    patch.setattr(hold, "bind_grant", lambda *_: None)


def without_acceptance(patch: pytest.MonkeyPatch) -> None:
    async def accepts(self: Any, left: float) -> Answer:
        form = {"severity": "S1", "first_action": "look"}
        body: Any = {"person": "nobody", "role": "us_desk", "form": form, "reason_ref": "", "option": "accept"}
        ask: Any = {"answers": [{"body": body, "domain": "", "kid": "", "sig": ""}], "accepted_at": [""], "ask": ""}
        return Answer("accept", "nobody", form, "", ask)

    patch.setattr(incoming.IncomingHandoff, "_ask", accepts)


Removal = Callable[[pytest.MonkeyPatch], None]
FROM_RECORDS: list[tuple[str, Removal, str]] = [
    ("approval", without_approval, "approved.0"),
    ("approval that was never answered", without_approval, "aborted.0"),
    ("decide", without_decide, "clarified.0"),
    ("decide that ended in silence", without_decide, "silent.0"),
    ("task", without_task, "by-hand.0"),
    ("handoff acceptance", without_acceptance, "handed-off.in.2"),
]


@pytest.mark.parametrize(
    ("remove", "name"), [case[1:] for case in FROM_RECORDS], ids=[case[0] for case in FROM_RECORDS]
)
async def test_a_recorded_run_no_longer_replays_without_its_gate(
    monkeypatch: pytest.MonkeyPatch, remove: Removal, name: str
) -> None:
    history = history_of(name)
    await replay(history)
    remove(monkeypatch)
    with pytest.raises(Exception, match=NOTICED):
        await replay(history)


async def reviewed(bench: Bench) -> WorkflowHistory:
    of = review(slot("policy_lead"), on_deny="keep")
    case = await bench.start(plan(("p", [action("limit", "content.disable", effect="restricts", review=of)])))
    await case.decide("p/limit!review", "approve", "paul", "policy_lead")
    await case.outcome()
    return await case.handle.fetch_history()


async def broken(bench: Bench) -> WorkflowHistory:
    glass = break_glass("ops_lead", "has(facts.threat)", review(slot("policy_lead"), on_deny="keep"))
    gate = approval(slot("legal_counsel"), slot("exec_sponsor"), within=1200.0, break_glass=glass)
    step = action("limit", "content.disable", effect="restricts", approval=gate)
    case = await bench.start(plan(("p", [step]), facts={"threat": fact("mailbox")}))
    await case.ask("p/limit")
    await case.state_fact("threat", await bench.now(), "mailbox")
    await bench.skip(310)
    await case.decide("p/limit", "break_glass", "olga", "ops_lead")
    await case.decide("p/limit!break_glass", "approve", "paul", "policy_lead")
    await case.outcome()
    return await case.handle.fetch_history()


async def failed(bench: Bench) -> WorkflowHistory:
    def refuse(call: Any) -> None:
        raise ApplicationError("no", type="refused", non_retryable=True)

    bench.behaviour["content.disable"] = refuse
    case = await bench.start(plan(("p", [action("limit", "content.disable", effect="restricts"), action("next")])))
    await case.decide("p/limit!failed", "skip", "carl", "incident_commander")
    await case.outcome()
    return await case.handle.fetch_history()


async def doubtful(bench: Bench) -> WorkflowHistory:
    def lose(call: Any) -> None:
        if not call.get("resolution"):
            raise ApplicationError("?", type="outcome_unknown", non_retryable=True)

    bench.behaviour["content.disable"] = lose
    case = await bench.start(plan(("p", [action("limit", "content.disable", effect="restricts")])))
    await case.decide("p/limit!doubt", "happened", "olga", "ops_lead")
    await case.outcome()
    return await case.handle.fetch_history()


PLAYED: list[tuple[str, Removal, Callable[[Bench], Awaitable[WorkflowHistory]]]] = [
    ("review", without_review, reviewed),
    ("break glass", without_approval, broken),
    ("review of broken glass", without_review, broken),
    ("failed step", without_failed_step, failed),
    ("doubtful effect", without_doubt, doubtful),
]


@pytest.mark.parametrize(("remove", "play"), [case[1:] for case in PLAYED], ids=[case[0] for case in PLAYED])
async def test_a_run_no_longer_replays_without_the_gate_it_passed(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    remove: Removal,
    play: Callable[[Bench], Awaitable[WorkflowHistory]],
) -> None:
    history = await play(bench)
    await replay(history)
    remove(monkeypatch)
    with pytest.raises(Exception, match=NOTICED):
        await replay(history)


async def test_a_hold_no_longer_replays_without_the_release_by_people(monkeypatch: pytest.MonkeyPatch) -> None:
    encryption = dict(client_encryption(RING, "default"))
    async with (
        await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=find_binary("temporal-test-server"), data_converter=encryption["data_converter"]
        ) as env,
        placed(env) as one,
    ):
        await one.reported(1)
        await env.sleep(200 * 86_400)
        await release(one, counsel=COUNSEL, custodian=CUSTODIAN)
        await one.handle.result()
        history = await one.handle.fetch_history()
    replayer = Replayer(workflows=[hold.Hold], workflow_runner=runner(), namespace="default", **encryption)
    await replayer.replay_workflow(history)
    without_release(monkeypatch)
    with pytest.raises(Exception, match=NOTICED):
        await replayer.replay_workflow(history)


@pytest.mark.parametrize("name", ["approved.0", "clarified.0", "by-hand.0", "handed-off.in.2"])
async def test_a_gate_that_tells_nobody_is_noticed_too(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The notice is the durable command: an ask that is opened without it is a gate that could vanish unseen later."""
    history = history_of(name)
    opened = HumanSteps.open

    def silently(self: HumanSteps, **given: Any) -> Any:
        send, self._notices.send = self._notices.send, lambda *_, **__: None  # type: ignore[method-assign]
        try:
            return opened(self, **given)
        finally:
            self._notices.send = send  # type: ignore[method-assign]

    monkeypatch.setattr(HumanSteps, "open", silently)
    with pytest.raises(Exception, match=NOTICED):
        await replay(history)
