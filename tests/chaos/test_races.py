"""A race is decided once: two people in one instant, a person against the deadline, against a dying worker, against
the same envelope. On a real server, with the real worker, ledger and sandbox platform.

What must hold in every round: no effect twice or without its decision (counted at the platform), and every decision
that a person was told is recorded stands in the ledger exactly once.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from schemas.incident import SIGNAL_DECIDE, UPDATE_DECIDE
from schemas.ledger import EntryKind
from tests.chaos.storm import Tally, sign_answer
from tests.e2e.floor import Floor, until
from tests.e2e.records import read_chain
from watchfloor.client import NotFound, Order, Refused, board, family, send_decision, start_incident
from watchfloor.client.asks import AskAt
from watchfloor.client.library import plan_for_start
from watchfloor.client.statements import send_control
from watchfloor.signing import envelope_digest, parse_instant, render_instant

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNBOOKS = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks"
FOUR_EYES = RUNBOOKS / "four-eyes-deletion" / "runbook.yaml"
SHORT = RUNBOOKS / "short-window" / "runbook.yaml"
COUNSEL, OTHER_COUNSEL = ("counsel-1", "approve"), ("counsel-2", "approve")
COMMANDER, OTHER_COMMANDER = ("commander-eu-1", "approve"), ("commander-eu-2", "approve")
DENIAL = ("commander-eu-2", "deny")
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Race:
    """Who has decided before, who decide in one instant, and how many of those can count."""

    name: str
    before: tuple[tuple[str, str], ...]
    rivals: tuple[tuple[str, str], tuple[str, str]]
    counted: int
    after: tuple[tuple[str, str], ...] = ()


RACES = (
    Race("both seats", (), (COUNSEL, COMMANDER), 2),
    Race("the second seat", (COUNSEL,), (COMMANDER, OTHER_COMMANDER), 1),
    Race("the same seat", (), (COUNSEL, OTHER_COUNSEL), 1, (COMMANDER,)),
    Race("yes against no", (COUNSEL,), (COMMANDER, DENIAL), 1),
)


async def start(floor: Floor, runbook: Path, key: str, **limits: int) -> str:
    """Start a run about an address of its own, and give its id."""
    plan, digest = plan_for_start(str(runbook))
    order = Order("race", key, render_instant(datetime.now(UTC)), "", {"url": url_of(key)})
    if not limits:
        return (await start_incident(floor.eu, plan, digest, order)).incident
    given: Any = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": True, **limits}
    return (await start_incident(floor.eu, plan, digest, order, limits=given)).incident


def url_of(key: str) -> str:
    return f"https://race.example.test/v/{key}"


async def find_ask(floor: Floor, run: str, step: str) -> AskAt:
    async def look() -> AskAt | None:
        return next((at for at in (await family(floor.eu, run)).asks if at.ask["step"] == step), None)

    found: AskAt = await until(look, f"`{step}` asks", patience=120)
    return found


async def answer(floor: Floor, at: AskAt, who: tuple[str, str]) -> str:
    """What the person is told: the digest of a recorded decision, or nothing."""
    person, option = who
    patient = replace(floor.eu, answer_within=timedelta(seconds=60))
    try:
        sent = await send_decision(
            patient, at.workflow, at.ask["step"], option, person=person, reason="a race", shown=at
        )
    except (Refused, NotFound):  # decided already, or the run has closed on the rival's word
        return ""
    assert sent.recorded, sent
    return sent.digest


async def outcome(floor: Floor, run: str) -> str:
    result = await floor.eu.client.get_workflow_handle(run).result()
    return str(result["outcome"])


def decided(floor: Floor, run: str) -> Counter[str]:
    """How often each statement stands in the ledger as a decision."""
    chain = read_chain(floor.stack.home, run)
    return Counter(str(entry["data"]["statement"]) for entry in chain if entry["kind"] == EntryKind.DECIDED)


async def run_race(floor: Floor, race: Race, key: str, tally: Tally) -> None:
    run = await start(floor, FOUR_EYES, key)
    at = await find_ask(floor, run, "erase")
    told = [await answer(floor, at, who) for who in race.before]
    rivals = await asyncio.gather(*(answer(floor, at, who) for who in race.rivals))
    told += [*rivals, *[await answer(floor, at, who) for who in race.after]]
    ended = await outcome(floor, run)
    recorded = [one for one in told if one]
    won = [who for who, one in zip(race.rivals, rivals, strict=True) if one]
    erases = all(option == "approve" for _, option in won)
    effects = (await floor.effects("items/delete"))[url_of(key)]
    tally.count(f"{key}, {race.name}: {len(won)} counted", len(won) == race.counted)
    tally.count(f"{key}, {race.name}: deleted {effects} times, {won} won", effects == int(erases))
    tally.count(f"{key}, {race.name}: ended {ended}", ended == ("closed" if erases else "kept"))
    tally.count(f"{key}, {race.name}: ledger", decided(floor, run) == Counter(recorded))


async def run_races(floor: Floor, count: int, name: str, tally: Tally) -> None:
    for first in range(0, count, AT_ONCE):
        batch = range(first, min(first + AT_ONCE, count))
        await asyncio.gather(
            *(run_race(floor, RACES[number % len(RACES)], f"{name}-{number}", tally) for number in batch)
        )


@pytest.mark.timeout(600)
async def test_two_people_in_one_instant_never_act_twice_and_no_word_is_lost(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    await two_people(floor, 50, "few", capsys)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_two_people_in_one_instant_a_thousand_times(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    await two_people(floor, 1000, "many", capsys)


async def two_people(floor: Floor, count: int, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    await run_races(floor, count, name, tally)
    with capsys.disabled():
        print(f"\ntwo people in one instant, {count} races: {tally.tried} tried, {tally.held} held")
    assert tally.broken == []


# -- against the deadline ---------------------------------------------------------------------------------------------


async def against_the_deadline(floor: Floor, key: str, early: float, tally: Tally) -> bool:
    """One decision sent so many seconds before the deadline (after it when negative); True when it was in time."""
    run = await start(floor, SHORT, key)
    at = await find_ask(floor, run, "hide")
    deadline = parse_instant(str(at.ask["deadline_at"]))
    await asyncio.sleep(max((deadline - datetime.now(UTC)).total_seconds() - early, 0))
    told = await answer(floor, at, COUNSEL)
    ended = await outcome(floor, run)
    chain = read_chain(floor.stack.home, run)
    at_ = [parse_instant(entry["at"]) for entry in chain if entry["kind"] == EntryKind.DECIDED]
    silent = [entry for entry in chain if entry["kind"] == EntryKind.SILENT]
    effects = (await floor.effects("items/disable"))[url_of(key)]
    tally.count(f"{key}: told {bool(told)}, done {effects} times", effects == int(bool(told)))
    tally.count(
        f"{key}: recorded {len(at_)}, silent {len(silent)}", (len(at_), len(silent)) == ((1, 0) if told else (0, 1))
    )
    tally.count(f"{key}: ended {ended}", ended == ("closed" if told else "unanswered"))
    tally.count(f"{key}: recorded before the deadline", all(one < deadline for one in at_))
    return bool(told)


async def deadlines(floor: Floor, count: int, name: str, tally: Tally) -> int:
    """How many of so many decisions around their deadlines were in time."""
    chance, in_time = random.Random(name), 0
    for first in range(0, count, AT_ONCE):
        batch = range(first, min(first + AT_ONCE, count))
        in_time += sum(
            await asyncio.gather(
                *(against_the_deadline(floor, f"{name}-{number}", chance.uniform(-0.4, 0.6), tally) for number in batch)
            )
        )
    return in_time


async def test_a_decision_against_the_deadline_counts_or_is_silence_never_both(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    sure = await asyncio.gather(
        against_the_deadline(floor, "in-time", 2.0, tally), against_the_deadline(floor, "too-late", -0.5, tally)
    )
    assert sure == [True, False], "both orders happened"
    in_time = await deadlines(floor, 14, "edge", tally)
    with capsys.disabled():
        print(f"\na decision against its deadline, 16 races: {tally.tried} tried, {tally.held} held")
        print(f"of the 14 close to it {in_time} were in time")
    assert tally.broken == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_decision_against_the_deadline_many_times(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    in_time = await deadlines(floor, 200, "edges", tally)
    with capsys.disabled():
        print(f"\na decision against its deadline, 200 races: {tally.tried} tried, {tally.held} held")
        print(f"{in_time} of them were in time")
    assert tally.broken == []


async def test_a_server_that_is_down_across_the_deadline_changes_neither_what_was_recorded_nor_what_is_late(
    floor: Floor,
) -> None:
    early, late = await start(floor, SHORT, "down-early"), await start(floor, SHORT, "down-late")
    asks = {run: await find_ask(floor, run, "hide") for run in (early, late)}
    deadline = max(parse_instant(str(at.ask["deadline_at"])) for at in asks.values())
    envelope = await sign_answer(floor, late, asks[late].ask, "approve", "counsel-1", "legal_counsel")
    told = await answer(floor, asks[early], COUNSEL)
    assert told, "it was in time"
    await floor.stack.kill("worker-eu")
    await floor.stack.kill("temporal")
    await asyncio.sleep(max((deadline - datetime.now(UTC)).total_seconds(), 0) + 0.2)
    await floor.stack.restart("temporal")
    await floor.reconnect()
    # nobody is there to say no: the engine takes it, and the run judges it by the absolute instant
    await floor.eu.client.get_workflow_handle(late).signal(SIGNAL_DECIDE, envelope)
    await floor.stack.restart("worker-eu")
    assert (await outcome(floor, early), await outcome(floor, late)) == ("closed", "unanswered")
    effects = await floor.effects("items/disable")
    assert (effects[url_of("down-early")], effects[url_of("down-late")]) == (1, 0)
    assert decided(floor, early) == Counter([told])
    kinds = [entry["kind"] for entry in read_chain(floor.stack.home, late)]
    assert (kinds.count(EntryKind.SILENT), kinds.count(EntryKind.DECIDED)) == (1, 0)


# -- against everything else ------------------------------------------------------------------------------------------


async def test_a_decision_while_the_run_is_paused_counts_and_acts_only_after_it_goes_on(floor: Floor) -> None:
    run = await start(floor, FOUR_EYES, "paused")
    at = await find_ask(floor, run, "erase")
    await send_control(floor.eu, run, "pause", person="commander-eu-1", reason="a look first")
    told = [await answer(floor, at, who) for who in (COUNSEL, OTHER_COMMANDER)]
    assert all(told)
    paused = await board(floor.eu, run)
    assert (paused["state"], (await floor.effects("items/delete"))[url_of("paused")]) == ("paused", 0)
    await send_control(floor.eu, run, "resume", person="commander-eu-1", reason="seen")
    assert await outcome(floor, run) == "closed"
    assert (await floor.effects("items/delete"))[url_of("paused")] == 1
    assert decided(floor, run) == Counter(told)


async def deliver(floor: Floor, run: str, envelope: dict[str, object], way: int) -> bool:
    """Send one envelope once more: by update (each under an id of its own) or by signal. True when it was taken."""
    handle = floor.eu.client.get_workflow_handle(run)
    try:
        if way % 2:
            await handle.signal(SIGNAL_DECIDE, envelope)
            return False
        await handle.execute_update(UPDATE_DECIDE, envelope, id=f"again-{way}")
        return True
    except (WorkflowUpdateFailedError, RPCError):
        return False


async def test_one_envelope_delivered_thirty_times_counts_once(floor: Floor) -> None:
    run = await start(floor, FOUR_EYES, "again")
    at = await find_ask(floor, run, "erase")
    first = await sign_answer(floor, run, at.ask, "approve", "counsel-1", "legal_counsel")
    taken = [done async for done in in_waves(lambda way: deliver(floor, run, first, way), 30)]
    assert sum(taken) <= 1
    assert [one["body"]["person"] for one in (await find_ask(floor, run, "erase")).ask["answers"]] == ["counsel-1"]
    second = await sign_answer(floor, run, at.ask, "approve", "commander-eu-1", "incident_commander")
    _ = [done async for done in in_waves(lambda way: deliver(floor, run, second, 100 + way), 30)]
    assert await outcome(floor, run) == "closed"
    marks = [envelope_digest(one) for one in (first, second)]  # type: ignore[arg-type]
    assert decided(floor, run) == Counter(marks)
    assert (await floor.effects("items/delete"))[url_of("again")] == 1


async def in_waves(send: Callable[[int], Awaitable[bool]], count: int) -> Any:
    """Send by fives at once: a run takes ten updates at a time."""
    for first in range(0, count, 5):
        for one in await asyncio.gather(*(send(first + number) for number in range(5))):
            yield one


async def test_a_decision_that_meets_a_run_just_continuing_as_new_counts_once(floor: Floor) -> None:
    """The history is driven over its limit by noise; decisions are sent all the while."""
    tally = Tally()
    for number in range(3):
        key = f"anew-{number}"
        run = await start(floor, FOUR_EYES, key, continue_after_events=60)
        at = await find_ask(floor, run, "erase")
        handle = floor.eu.client.get_workflow_handle(run)
        began = (await handle.describe()).run_id

        async def drive(run: str = run, began: str | None = began) -> None:
            for _ in range(200):
                one = floor.eu.client.get_workflow_handle(run)
                await one.signal(SIGNAL_DECIDE, {"noise": 1})
                if (await one.describe()).run_id != began:
                    return
            raise AssertionError("it never continued as new")

        driving = asyncio.create_task(drive())
        told = [await answer(floor, at, COUNSEL)]
        await driving
        told.append(await answer(floor, at, COMMANDER))
        tally.count(f"{key}: both were told", all(told))
        tally.count(f"{key}: closed", await outcome(floor, run) == "closed")
        tally.count(f"{key}: ledger", decided(floor, run) == Counter(told))
        tally.count(f"{key}: deleted once", (await floor.effects("items/delete"))[url_of(key)] == 1)
    assert tally.broken == []


async def while_the_worker_dies(floor: Floor, key: str, wait: float, tally: Tally) -> None:
    """The second seat is decided while the worker is killed; told or kept, the word is durable and counts once."""
    run = await start(floor, FOUR_EYES, key)
    at = await find_ask(floor, run, "erase")
    first = await answer(floor, at, COUNSEL)
    impatient = replace(floor.eu, answer_within=timedelta(seconds=2))

    async def kill() -> None:
        await asyncio.sleep(wait)
        await floor.stack.kill("worker-eu")

    sending = send_decision(impatient, run, "erase", "approve", person="commander-eu-2", reason="a race", shown=at)
    sent, _ = await asyncio.gather(sending, kill())
    await floor.stack.restart("worker-eu")
    tally.count(f"{key}: durable, {sent.state}", sent.recorded or sent.state == "kept")
    tally.count(f"{key}: closed", await outcome(floor, run) == "closed")
    people = [entry["actor"] for entry in read_chain(floor.stack.home, run) if entry["kind"] == EntryKind.DECIDED]
    tally.count(
        f"{key}: ledger {people}", people == ["counsel-1", "commander-eu-2"] and decided(floor, run)[first] == 1
    )
    tally.count(f"{key}: deleted once", (await floor.effects("items/delete"))[url_of(key)] == 1)


async def test_a_decision_during_a_workers_death_is_kept_and_counts_once(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    for number, wait in enumerate((0.0, 0.03)):
        await while_the_worker_dies(floor, f"death-{number}", wait, tally)
    with capsys.disabled():
        print(f"\na decision during a worker's death, 2 deaths: {tally.tried} tried, {tally.held} held")
    assert tally.broken == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_decision_during_many_deaths_of_the_worker(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    tally, chance = Tally(), random.Random(20261128)
    for number in range(20):
        await while_the_worker_dies(floor, f"deaths-{number}", chance.uniform(0, 0.15), tally)
    with capsys.disabled():
        print(f"\na decision during a worker's death, 20 deaths: {tally.tried} tried, {tally.held} held")
    assert tally.broken == []
