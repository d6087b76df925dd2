"""Plain actions, their retries and failures."""

import pytest
from temporalio.exceptions import ApplicationError

from tests.workflows.bench import Bench
from tests.workflows.builder import action, fact, parallel, plan, retry, stop, wait
from watchfloor.signing import parse_instant


async def test_actions_run_in_order_and_the_run_closes(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"n": call["inputs"]["n"] + 1}
    case = await bench.start(
        plan(("triage", [action("one", with_={"n": 1}), action("two", with_={"n": "${{ steps.one.n }}"})]))
    )
    result = await case.outcome()
    assert result["outcome"] == "closed"
    assert [call["inputs"] for call in bench.calls] == [{"n": 1}, {"n": 2}]
    assert bench.done() == ["triage/one", "triage/two"]
    assert len({call["key"] for call in bench.calls}) == 2
    board = await case.board()
    assert [(step["path"], step["state"]) for step in board["steps"]] == [
        ("triage/one", "done"),
        ("triage/two", "done"),
    ]
    assert board["state"] == "closed"
    assert board["phases"] == [{"name": "triage", "state": "done"}]


@pytest.mark.parametrize("code", ["refused", "bad_input", "no_grant", "not_bound", "switched_off", "too_large"])
async def test_what_cannot_get_better_is_not_retried(bench: Bench, code: str) -> None:
    def fail(call: dict) -> None:
        raise ApplicationError("no", type=code)

    bench.behaviour["content.probe"] = fail
    case = await bench.start(plan(("triage", [action("one", on_error="continue"), action("two", "content.other")])))
    await case.outcome()
    assert bench.done() == ["triage/one", "triage/two"]


async def test_a_passing_failure_is_retried_under_the_same_key(bench: Bench) -> None:
    def fail_twice(call: dict) -> None:
        if len(bench.calls) < 3:
            raise ApplicationError("later", type="unavailable")

    bench.behaviour["content.probe"] = fail_twice
    case = await bench.start(plan(("triage", [action("one")])))
    assert (await case.outcome())["outcome"] == "closed"
    assert [call["attempt"] for call in bench.calls] == [1, 2, 3]
    assert len({call["key"] for call in bench.calls}) == 1


async def test_long_pauses_are_timers_of_the_run(bench: Bench) -> None:
    def fail_twice(call: dict) -> None:
        if len(bench.calls) < 3:
            raise ApplicationError("later", type="unavailable")

    bench.behaviour["content.probe"] = fail_twice
    slow = retry(times=3, first=120, factor=2, up_to=600)
    case = await bench.start(plan(("triage", [action("one", retry=slow)])))
    before = parse_instant(await bench.now())
    assert (await case.outcome())["outcome"] == "closed"
    assert [call["attempt"] for call in bench.calls] == [1, 1, 1]
    assert (parse_instant(await bench.now()) - before).total_seconds() >= 360
    assert (await case.events()).count("TIMER_FIRED") == 2


async def test_a_failed_step_asks_the_commander_and_retry_does_it_again(bench: Bench) -> None:
    def fail_once(call: dict) -> None:
        if len(bench.calls) == 1:
            raise ApplicationError("no", type="refused")

    bench.behaviour["content.probe"] = fail_once
    case = await bench.start(plan(("triage", [action("one"), action("two", "content.other")])))
    ask = await case.ask("triage/one!failed")
    assert ask["kind"] == "failed"
    assert bench.notices[-1]["kind"] == "failed_step"
    assert bench.notices[-1]["roles"] == ["incident_commander"]
    await case.decide("triage/one!failed", "retry", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["triage/one", "triage/one", "triage/two"]
    assert len({call["key"] for call in bench.calls[:2]}) == 1


async def test_a_failed_step_can_be_skipped(bench: Bench) -> None:
    bench.behaviour["content.probe"] = refuse
    case = await bench.start(
        plan(("triage", [action("one"), action("two", "content.other", cond="!has(steps.one.n)")]))
    )
    await case.decide("triage/one!failed", "skip", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"
    assert [step["state"] for step in (await case.board())["steps"]] == ["skipped", "done"]


@pytest.mark.parametrize("silent", [True, False])
async def test_giving_up_or_silence_closes_as_failed(bench: Bench, silent: bool) -> None:
    bench.behaviour["content.probe"] = refuse
    case = await bench.start(plan(("triage", [action("one"), action("two", "content.other")])))
    if silent:
        await case.ask("triage/one!failed")
    else:
        await case.decide("triage/one!failed", "give_up", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "failed"
    assert bench.done() == ["triage/one"]
    assert (await case.board())["state"] == "failed"


async def test_on_error_steps_run_and_the_block_goes_on(bench: Bench) -> None:
    bench.behaviour["content.probe"] = refuse
    case = await bench.start(
        plan(("triage", [action("one", on_error=[action("mend", "content.other")]), action("two", "content.last")]))
    )
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["triage/one", "triage/one/on_error/mend", "triage/two"]


async def test_a_false_condition_skips_at_no_event(bench: Bench) -> None:
    plain = await bench.start(plan(("triage", [action("two")])))
    await plain.outcome()
    skipping = await bench.start(plan(("triage", [action("one", cond="1 == 2"), action("two", cond="1 == 1")])))
    await skipping.outcome()
    assert len(await skipping.events()) == len(await plain.events())
    assert "step.skipped" in bench.kinds()


async def test_an_expression_without_value_fails_the_step_not_the_task(bench: Bench) -> None:
    case = await bench.start(plan(("triage", [action("one", with_={"n": "${{ steps.nobody.n }}"})])))
    ask = await case.ask("triage/one!failed")
    assert ask["shown"] == [{"label": "error", "value": "expression"}]
    await case.decide("triage/one!failed", "skip", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"
    assert "WORKFLOW_TASK_FAILED" not in await case.events()


async def test_a_plan_of_nonsense_fails_the_step_not_the_task(bench: Bench) -> None:
    broken = plan(("triage", [action("one")]))
    del broken["phases"][0]["steps"][0]["retry"]
    case = await bench.start(broken)
    ask = await case.ask("triage/one!failed")
    assert ask["shown"][0]["value"] == "definition"
    assert "WORKFLOW_TASK_FAILED" not in await case.events()


async def test_outputs_over_the_limit_fail_the_step(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"text": "x" * 20_000}
    case = await bench.start(plan(("triage", [action("one", on_error="continue")])))
    await case.outcome()
    assert (await case.board())["steps"][0]["state"] == "failed"


@pytest.mark.parametrize("said", ["happened", "resend"])
async def test_a_doubtful_effect_is_asked_about_before_it_is_sent_again(bench: Bench, said: str) -> None:
    def doubtful(call: dict) -> None:
        if not call.get("resolution"):
            raise ApplicationError("?", type="outcome_unknown")

    bench.behaviour["content.disable"] = doubtful
    case = await bench.start(plan(("triage", [action("one", "content.disable", effect="restricts")])))
    ask = await case.ask("triage/one!doubt")
    assert list(ask["options"]) == ["happened", "resend", "give_up"]
    assert len(bench.calls) == 1
    await case.decide("triage/one!doubt", said, "olga", "ops_lead")
    assert (await case.outcome())["outcome"] == "closed"
    assert [call.get("resolution") for call in bench.calls] == [None, said]
    assert len({call["key"] for call in bench.calls}) == 1


async def test_silence_about_a_doubtful_effect_sends_nothing(bench: Bench) -> None:
    def doubtful(call: dict) -> None:
        raise ApplicationError("?", type="outcome_unknown")

    bench.behaviour["content.disable"] = doubtful
    case = await bench.start(plan(("triage", [action("one", "content.disable", on_error="continue")])))
    await case.outcome()
    assert len(bench.calls) == 1


async def test_a_step_records_facts_from_its_outputs(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"seen_at": "2026-11-22T01:00:00Z"}
    case = await bench.start(
        plan(
            ("triage", [action("one", records={"seen": "steps.one.seen_at"}), action("two", "content.other")]),
            facts={"seen": fact("steps.one"), "came": fact("inputs.received_at")},
        ),
        {"received_at": "2026-11-22T00:30:00Z"},
    )
    await case.outcome()
    facts = (await case.board())["facts"]
    assert facts["seen"]["value"] == facts["seen"]["at"] == "2026-11-22T01:00:00Z"
    assert facts["seen"]["source"] == "steps.one"
    assert facts["came"]["source"] == "inputs.received_at"
    assert [entry["data"]["fact"] for entry in bench.entries if entry["kind"] == "fact.recorded"] == ["came", "seen"]
    riding = [entry["kind"] for call in bench.calls for entry in call["entries"]]
    assert riding.count("fact.recorded") == 2


async def test_every_entry_reaches_the_ledger_once_and_in_order(bench: Bench) -> None:
    case = await bench.start(plan(("triage", [action("one")]), ("containment", [action("two")])))
    await case.outcome()
    numbers = [int(entry["id"].rpartition(":")[2]) for entry in bench.entries]
    assert numbers == list(range(1, len(numbers) + 1))
    assert bench.kinds()[0] == "incident.opened"
    assert bench.kinds()[-1] == "incident.closed"


async def test_entries_come_back_when_the_activity_that_carried_them_fails(bench: Bench) -> None:
    bench.behaviour["content.probe"] = refuse
    case = await bench.start(plan(("triage", [action("one", on_error="continue"), action("two", "content.other")])))
    await case.outcome()
    assert {"incident.opened", "step.failed", "incident.closed"} <= set(bench.kinds())


async def test_a_step_timeout_bounds_a_block(bench: Bench) -> None:
    inner = [wait("long", for_=7200.0)]
    case = await bench.start(
        plan(("triage", [parallel("both", {"a": inner}, timeout=60.0, on_error="continue"), action("two")]))
    )
    await case.outcome()
    steps = {step["path"]: step for step in (await case.board())["steps"]}
    assert steps["triage/both"]["state"] == "failed"
    assert bench.done() == ["triage/two"]


async def test_stop_ends_the_run_with_its_outcome(bench: Bench) -> None:
    case = await bench.start(plan(("triage", [stop("halt", "refused"), action("two")])))
    assert (await case.outcome())["outcome"] == "refused"
    assert bench.calls == []
    assert (await case.board())["state"] == "stopped"


def refuse(call: dict) -> None:
    raise ApplicationError("no", type="refused")


async def test_the_receipt_of_another_call_is_not_believed(bench: Bench) -> None:
    seen: list[str] = []

    def remember(call: dict) -> None:
        # what the activity gives back is made from its call: the second gives the first one's receipt
        seen.append(call["key"])
        call["key"] = seen[0]

    bench.behaviour["content.probe"] = remember
    case = await bench.start(
        plan(("triage", [action("one"), action("two", on_error="continue"), action("three", "content.other")]))
    )
    await case.outcome()
    states = {step["path"]: step["state"] for step in (await case.board())["steps"]}
    assert states["triage/one"] == "done"
    assert states["triage/two"] == "failed"
    failed = [entry for entry in bench.entries if entry["kind"] == "step.failed"]
    assert [(entry["path"], entry["data"]["code"]) for entry in failed] == [("triage/two", "bad_receipt")]
