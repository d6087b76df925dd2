"""Exactly once in effect, against a real target: whatever dies where, and whatever the target answers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from activities.bound import bound
from activities.dependencies import utc_now
from activities.effects import EffectRunner
from schemas.actions import ActionReceipt, ErrorType
from schemas.ledger import EntryKind
from watchfloor.connections.port import CallFailed
from watchfloor.ledger import LedgerUnavailable

SHORT = 0.8
Act = Callable[[], Awaitable[ActionReceipt]]


class Killed(BaseException):
    """The worker died here."""


def run(world: Any, call: Any, *, killed: str = "") -> Awaitable[ActionReceipt]:
    """One attempt of a worker, which may be killed `before` or `after` the request."""
    body = bound(world.deps, call["action"])

    async def act() -> ActionReceipt:
        if killed == "before":
            raise Killed
        receipt = await body(call)
        if killed == "after":
            raise Killed
        return receipt

    return EffectRunner(world.deps).carry_out(call, act)


def kinds(world: Any, chain: str = "inc-a") -> list[str]:
    return [entry["kind"] for entry in world.deps.ledger.read(chain)]


async def refused(attempt: Awaitable[ActionReceipt]) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await attempt
    return caught.value


@pytest.mark.parametrize("idempotency", ["header", "body", "lookup", "none"])
async def test_an_effect_is_announced_sent_and_recorded(world: Any, call_of: Any, idempotency: str) -> None:
    w = world(idempotency)
    receipt = await run(w, call_of())
    assert receipt["outputs"] == {"disabled_at": "2026-11-22T03:10:00Z"}
    assert receipt["resolved"] == "called"
    assert kinds(w) == [EntryKind.ANNOUNCED, EntryKind.DONE]
    assert len(w.target.effects) == 1
    sent = w.target.requests[0]
    assert ("idempotency-key" in sent["headers"]) == (idempotency in {"header", "lookup"})
    assert sent["body"].get("key") == ("k" * 64 if idempotency == "body" else None)
    assert "ground" not in sent["body"]


@pytest.mark.parametrize("idempotency", ["header", "body", "lookup", "none"])
async def test_a_recorded_effect_is_given_again_and_not_done_again(world: Any, call_of: Any, idempotency: str) -> None:
    w = world(idempotency)
    first = await run(w, call_of())
    again = await run(w, call_of())
    assert (again["resolved"], again["outputs"]) == ("recorded", first["outputs"])
    assert len(w.target.requests) == 1
    assert kinds(w) == [EntryKind.ANNOUNCED, EntryKind.DONE]


async def test_entries_that_ride_along_are_in_the_ledger_before_the_announcement(
    world: Any, call_of: Any, entry_of: Any
) -> None:
    w = world()
    await run(w, call_of(entries=[entry_of(1), entry_of(2)]))
    await run(w, call_of(entries=[entry_of(2), entry_of(3)]))
    assert kinds(w) == ["fact.recorded", "fact.recorded", EntryKind.ANNOUNCED, EntryKind.DONE, "fact.recorded"]


async def test_the_announcement_says_what_is_done_and_on_whose_word(world: Any, call_of: Any) -> None:
    w = world()
    await run(w, call_of())
    data = next(w.deps.ledger.read("inc-a"))["data"]
    assert data["action"] == "content.disable"
    assert (data["effect"], data["tier"], data["irreversible"], data["n"]) == ("restricts", "0", False, 1)
    assert data["inputs"] == {"url": "https://example.test/v/1", "scope": "eu"}
    assert data["decisions"] == []


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("idempotency", ["header", "body"])
async def test_a_target_that_honours_the_key_gets_it_again_after_a_kill(
    world: Any, call_of: Any, idempotency: str, point: str
) -> None:
    w = world(idempotency)
    with pytest.raises(Killed):
        await run(w, call_of(), killed=point)
    receipt = await run(w, call_of())
    assert receipt["resolved"] == "called"
    assert len(w.target.effects) == 1
    assert kinds(w) == [EntryKind.ANNOUNCED, EntryKind.ANNOUNCED, EntryKind.DONE]


@pytest.mark.parametrize(("point", "requests", "resolved"), [("before", 1, "called"), ("after", 1, "looked_up")])
async def test_a_target_that_can_be_looked_up_is_asked_first_once_the_request_has_settled(
    world: Any, call_of: Any, point: str, requests: int, resolved: str
) -> None:
    w = world("lookup")
    with pytest.raises(Killed):
        await run(w, call_of(), killed=point)
    early = await refused(run(w, call_of()))
    assert early.type == ErrorType.UNAVAILABLE
    assert not early.non_retryable
    assert early.next_retry_delay == timedelta(seconds=20)
    assert w.target.lookups == 0
    w.clock.pass_(timedelta(seconds=20))
    receipt = await run(w, call_of())
    assert receipt["resolved"] == resolved
    assert receipt["outputs"] == {"disabled_at": "2026-11-22T03:10:00Z"}
    assert (w.target.lookups, len(w.target.effects)) == (1, 1)
    assert sum(request["path"] == "/disable" for request in w.target.requests) == requests


async def test_a_request_still_under_way_is_not_overtaken_by_its_look_up(world: Any, call_of: Any) -> None:
    """In real time: the target acts after the client has given up, and before the settle time is over."""
    w = world("lookup", at=utc_now, timeout=SHORT)
    w.target.script = ["in_flight"]
    assert (await refused(run(w, call_of()))).type == ErrorType.UNAVAILABLE
    assert w.target.effects == []
    early = await refused(run(w, call_of()))
    assert early.next_retry_delay is not None
    await asyncio.sleep(early.next_retry_delay.total_seconds())
    receipt = await run(w, call_of())
    assert receipt["resolved"] == "looked_up"
    assert len(w.target.effects) == 1


async def test_a_look_up_that_fails_leaves_the_effect_as_doubtful_as_it_was(world: Any, call_of: Any) -> None:
    w = world("lookup")
    with pytest.raises(Killed):
        await run(w, call_of(), killed="after")
    w.clock.pass_(timedelta(seconds=30))
    w.target.lookup_status = 500
    error = await refused(run(w, call_of()))
    w.target.lookup_status = 200
    assert (error.type, error.non_retryable) == (ErrorType.UNAVAILABLE, False)
    assert kinds(w) == [EntryKind.ANNOUNCED]
    assert len(w.target.effects) == 1
    assert (await run(w, call_of()))["resolved"] == "looked_up"


@pytest.mark.parametrize("point", ["before", "after"])
async def test_a_target_that_can_neither_deduplicate_nor_be_looked_up_is_never_asked_twice(
    world: Any, call_of: Any, point: str
) -> None:
    w = world("none")
    with pytest.raises(Killed):
        await run(w, call_of(), killed=point)
    sent = len(w.target.requests)
    for _ in range(3):
        error = await refused(run(w, call_of()))
        assert error.type == ErrorType.OUTCOME_UNKNOWN
        assert error.non_retryable
    assert len(w.target.requests) == sent
    assert kinds(w) == [EntryKind.ANNOUNCED, EntryKind.DOUBTFUL]


async def test_a_person_who_says_it_happened_closes_the_doubt(world: Any, call_of: Any) -> None:
    w = world("none")
    with pytest.raises(Killed):
        await run(w, call_of(), killed="after")
    await refused(run(w, call_of()))
    receipt = await run(w, call_of(resolution="happened"))
    assert receipt["resolved"] == "confirmed"
    assert receipt["outputs"] == {"disabled_at": "2026-11-22T03:10:00Z"}
    assert len(w.target.requests) == 1
    assert kinds(w)[-2:] == [EntryKind.RESOLVED, EntryKind.DONE]
    assert (await run(w, call_of(resolution="happened")))["resolved"] == "recorded"


async def test_a_person_who_says_resend_is_obeyed_once(world: Any, call_of: Any) -> None:
    w = world("none")
    with pytest.raises(Killed):
        await run(w, call_of(), killed="before")
    await refused(run(w, call_of()))
    with pytest.raises(Killed):
        await run(w, call_of(resolution="resend"), killed="after")
    assert len(w.target.effects) == 1
    error = await refused(run(w, call_of(resolution="resend")))
    assert error.type == ErrorType.OUTCOME_UNKNOWN
    assert len(w.target.effects) == 1
    receipt = await run(w, call_of(resolution="happened"))
    assert receipt["resolved"] == "confirmed"
    assert [kind for kind in kinds(w) if kind == EntryKind.RESOLVED] == [EntryKind.RESOLVED] * 2


async def test_a_word_given_before_any_doubt_was_written_down_counts(world: Any, call_of: Any) -> None:
    """Every attempt timed out at the server: the run asks although no worker was left to write the doubt down."""
    w = world("none")
    with pytest.raises(Killed):
        await run(w, call_of(), killed="before")
    receipt = await run(w, call_of(resolution="resend"))
    assert receipt["resolved"] == "called"
    assert kinds(w) == [EntryKind.ANNOUNCED, EntryKind.RESOLVED, EntryKind.ANNOUNCED, EntryKind.DONE]


ANSWERS = {
    # word: (type, retried, possible), effects there were
    "fail_before": (ErrorType.UNAVAILABLE, True, True, 0),
    "fail_after": (ErrorType.UNAVAILABLE, True, True, 1),
    "hang": (ErrorType.UNAVAILABLE, True, True, 1),
    "cut": (ErrorType.UNAVAILABLE, True, True, 1),
    "garbage": (ErrorType.UNAVAILABLE, True, True, 1),
    "huge": (ErrorType.TOO_LARGE, False, True, 1),
    "redirect": (ErrorType.REFUSED, False, True, 0),
    "busy": (ErrorType.UNAVAILABLE, True, False, 0),
    "refuse": (ErrorType.REFUSED, False, False, 0),
    "lies": (ErrorType.REFUSED, False, False, 0),
}


@pytest.mark.parametrize(("word", "expected"), ANSWERS.items(), ids=ANSWERS.keys())
async def test_what_an_answer_means_where_the_key_is_honoured(
    world: Any, call_of: Any, word: str, expected: tuple[str, bool, bool, int]
) -> None:
    type_, retried, possible, effects = expected
    w = world("header", timeout=SHORT if word == "hang" else 10.0)
    w.target.script = [word]
    error = await refused(run(w, call_of()))
    assert (error.type, not error.non_retryable) == (type_, retried)
    assert len(w.target.effects) == effects
    last = list(w.deps.ledger.read("inc-a"))[-1]
    assert (last["kind"], last["data"]["possible"]) == (EntryKind.FAILED, possible)
    receipt = await run(w, call_of())
    assert receipt["resolved"] == "called"
    assert len(w.target.effects) == 1


@pytest.mark.parametrize(("word", "expected"), ANSWERS.items(), ids=ANSWERS.keys())
async def test_what_an_answer_means_where_nothing_is_honoured(
    world: Any, call_of: Any, word: str, expected: tuple[str, bool, bool, int]
) -> None:
    type_, retried, possible, effects = expected
    w = world("none", timeout=SHORT if word == "hang" else 10.0)
    w.target.script = [word]
    error = await refused(run(w, call_of()))
    if possible:
        assert (error.type, error.non_retryable) == (ErrorType.OUTCOME_UNKNOWN, True)
        assert (await refused(run(w, call_of()))).type == ErrorType.OUTCOME_UNKNOWN
        assert len(w.target.effects) == effects
    else:
        assert (error.type, not error.non_retryable) == (type_, retried)
        await run(w, call_of())
        assert len(w.target.effects) == 1


async def test_a_busy_target_is_left_alone_as_long_as_it_asks(world: Any, call_of: Any) -> None:
    w = world()
    w.target.script = ["busy"]
    assert (await refused(run(w, call_of()))).next_retry_delay == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("action", "word", "type_"),
    [
        ("content.disable", "bad_output", ErrorType.REFUSED),
        ("authority.reply", "long_output", ErrorType.TOO_LARGE),
    ],
)
async def test_an_answer_that_cannot_be_used_never_makes_the_effect_run_again(
    world: Any, call_of: Any, action: str, word: str, type_: str
) -> None:
    w = world()
    w.target.script = [word]
    for _ in range(3):
        error = await refused(run(w, call_of(action)))
        assert (error.type, error.non_retryable) == (type_, True)
    assert len(w.target.requests) == 1
    assert kinds(w) == [EntryKind.ANNOUNCED, EntryKind.DONE]


async def test_outputs_over_the_limit_never_make_the_effect_run_again(world: Any, call_of: Any) -> None:
    w = world()
    times = 0

    async def act() -> ActionReceipt:
        nonlocal times
        times += 1
        outputs = {"disabled_at": "2026-11-22T03:10:00Z", "fill": "x" * 20_000}
        return {"outputs": outputs, "key": "k" * 64, "resolved": "called", "done_at": "2026-11-22T03:10:00Z"}

    for _ in range(3):
        error = await refused(EffectRunner(w.deps).carry_out(call_of(), act))
        assert (error.type, error.non_retryable) == (ErrorType.TOO_LARGE, True)
    assert times == 1


async def test_nothing_is_sent_when_the_ledger_cannot_take_the_announcement(
    world: Any, call_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world()

    def full(*_: object) -> None:
        raise LedgerUnavailable("SQLITE_FULL")

    with monkeypatch.context() as patch:
        patch.setattr(w.deps.ledger, "announce", full)
        error = await refused(run(w, call_of()))
    assert (error.type, error.non_retryable) == (ErrorType.LEDGER, False)
    assert w.target.requests == []
    await run(w, call_of())
    assert len(w.target.effects) == 1


async def test_an_outcome_that_could_not_be_recorded_is_found_out_by_the_next_attempt(
    world: Any, call_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world("lookup")

    def full(*_: object) -> None:
        raise LedgerUnavailable("SQLITE_FULL")

    with monkeypatch.context() as patch:
        patch.setattr(w.deps.ledger, "append", full)
        error = await refused(run(w, call_of()))
    assert error.type == ErrorType.LEDGER
    w.clock.pass_(timedelta(seconds=30))
    assert (await run(w, call_of()))["resolved"] == "looked_up"
    assert len(w.target.effects) == 1


async def test_two_attempts_at_once_do_not_both_announce(world: Any, call_of: Any) -> None:
    w = world("none")
    results = await asyncio.gather(*(run(w, call_of()) for _ in range(5)), return_exceptions=True)
    assert len(w.target.effects) == 1
    assert sum(not isinstance(result, BaseException) for result in results) <= 1 + sum(
        not isinstance(result, BaseException) and result["resolved"] == "recorded" for result in results
    )
    types = {result.type for result in results if isinstance(result, ApplicationError)}
    assert types <= {ErrorType.UNAVAILABLE, ErrorType.OUTCOME_UNKNOWN}


async def test_a_worker_that_stood_still_after_announcing_sends_nothing(
    world: Any, call_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world("lookup")
    times = iter([0.0, 100.0])
    monkeypatch.setattr("activities.effects.monotonic", lambda: next(times))
    error = await refused(run(w, call_of()))
    assert (error.type, error.non_retryable) == (ErrorType.UNAVAILABLE, False)
    assert w.target.requests == []
    assert list(w.deps.ledger.read("inc-a"))[-1]["data"]["possible"] is False


async def test_a_switched_off_action_is_not_sent_and_its_refusal_is_on_record(world: Any, call_of: Any) -> None:
    w = world(enabled=False)
    error = await refused(run(w, call_of()))
    assert (error.type, error.non_retryable) == (ErrorType.KILLED, True)
    assert w.target.requests == []
    assert kinds(w) == [EntryKind.FAILED]


async def test_a_kill_switch_stops_a_worker_that_is_running_and_lets_it_go_on(
    world: Any, call_of: Any, tmp_path: Path
) -> None:
    w = world()
    file = tmp_path / "bindings.yaml"
    on = file.read_text()
    off = on.replace("enabled: true", "enabled: false")
    await run(w, call_of(key="a" * 64))
    file.write_text(off)
    assert (await refused(run(w, call_of(key="b" * 64)))).type == ErrorType.KILLED
    file.write_text(off.replace("actions:", "actions: ["))
    assert (await refused(run(w, call_of(key="b" * 64)))).type == ErrorType.KILLED
    file.unlink()
    assert (await refused(run(w, call_of(key="b" * 64)))).type == ErrorType.KILLED
    file.write_text(on)
    await run(w, call_of(key="b" * 64))
    assert len(w.target.effects) == 2


async def test_a_cap_stops_further_effects_but_not_the_end_of_one_that_began(world: Any, call_of: Any) -> None:
    w = world(extra="cap: 2")
    await run(w, call_of(key="a" * 64))
    with pytest.raises(Killed):
        await run(w, call_of(key="b" * 64), killed="before")
    error = await refused(run(w, call_of(key="c" * 64)))
    assert (error.type, error.non_retryable) == (ErrorType.KILLED, True)
    await run(w, call_of(key="b" * 64))
    w.clock.pass_(timedelta(hours=1, seconds=1))
    await run(w, call_of(key="c" * 64))
    assert len(w.target.effects) == 3


async def test_a_rate_that_is_used_up_is_waited_for_or_left_to_the_engine(
    world: Any, call_of: Any, entry_of: Any
) -> None:
    w = world(extra="rate: {per_second: 0.1, burst: 1}")
    await run(w, call_of(key="a" * 64))
    error = await refused(run(w, call_of(key="b" * 64, entries=[entry_of(1)])))
    assert error.type == ErrorType.UNAVAILABLE
    assert error.next_retry_delay is not None
    assert len(w.target.requests) == 1
    assert [entry["data"].get("key", "-")[0] for entry in w.deps.ledger.read("inc-a")] == ["a", "a", "-"]


async def test_a_body_without_admission_does_not_act(world: Any, call_of: Any) -> None:
    w = world()
    with pytest.raises(CallFailed, match="interceptor"):
        await bound(w.deps, "content.disable")(call_of())
    assert w.target.requests == []


STEPS = ["ok", "fail_before", "fail_after", "cut", "busy", "garbage", "kill_before", "kill_after"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    idempotency=st.sampled_from(["header", "body", "lookup", "none"]),
    story=st.lists(st.sampled_from(STEPS), max_size=6),
)
def test_no_story_of_kills_and_failures_makes_an_effect_happen_twice(
    tmp_path_factory: pytest.TempPathFactory,
    served_target: Any,
    build_world: Any,
    new_clock: Any,
    call_of: Any,
    idempotency: str,
    story: list[str],
) -> None:
    """The engine retries until it is done or a person is asked, who looks at the target and tells the truth."""
    served_target.reset(honours_key=idempotency in {"header", "body"})

    async def tell(w: Any) -> ActionReceipt:
        word = None
        for step in [*story, *["ok"] * 12]:
            served_target.script = [] if step.startswith("kill") else [step]
            try:
                call = call_of() if word is None else call_of(resolution=word)
                return await run(w, call, killed=step.removeprefix("kill_") if step.startswith("kill") else "")
            except Killed:
                pass
            except ApplicationError as error:
                if error.type == ErrorType.OUTCOME_UNKNOWN:
                    word = "happened" if served_target.effects else "resend"
                w.clock.pass_(error.next_retry_delay or timedelta(seconds=1))
        raise AssertionError("never done")

    async def tell_and_close() -> ActionReceipt:
        w = build_world(tmp_path_factory.mktemp("story"), served_target, new_clock(), idempotency)
        try:
            return await tell(w)
        finally:
            await w.close()

    receipt = asyncio.run(tell_and_close())
    assert set(receipt["outputs"]) == {"disabled_at"}
    assert len(served_target.effects) == 1
