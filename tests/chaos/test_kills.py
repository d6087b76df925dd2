"""Worker and server are killed with SIGKILL in the middle of containment and of an open approval; what must hold holds.

Each round: an order with many addresses is being carried out, a deletion waits for its second approval; worker and
server die; the server comes back alone, the second approval is sent while no worker is there; the worker comes back.
"""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.incident import SIGNAL_DECIDE
from schemas.ledger import EntryKind
from tests.chaos.storm import Tally, sign_answer
from tests.e2e.floor import Floor, until
from tests.e2e.records import anchored, read_chain, verify_ledger
from watchfloor.client import board

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOUR_EYES = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks" / "four-eyes-deletion" / "runbook.yaml"


async def play_round(floor: Floor, name: str, count: int, victims: list[str], tally: Tally) -> None:
    urls = [f"https://{name}.example.test/v/{number}" for number in range(count)]
    await floor.seed("faults", [{"match": {"path": "/items/disable"}, "delay": 0.25, "times": count}])
    # one effect happens whose answer nobody hears
    lost = {"match": {"path": "/items/disable", "url": urls[-1]}, "drop_after_effect": True}
    await floor.seed("faults", [lost])

    deletion = (await floor.start(FOUR_EYES, name, {"url": urls[0]})).incident
    ask = await floor.ask(deletion, "erase")
    await floor.decide(deletion, "erase", "approve", "counsel-1")
    approval = await sign_answer(floor, deletion, ask, "approve", "commander-eu-2", "incident_commander")

    removal = (await floor.order(f"DE-2026-{name.upper()}", urls)).incident
    before = {clock["name"]: clock for clock in (await board(floor.eu, removal))["clocks"]}

    async def in_the_middle() -> bool:
        return sum(url in urls for url in await floor.effects("items/disable")) >= count // 4

    await until(in_the_middle, "containment is under way")
    for victim in victims:
        await floor.stack.kill(victim)
    for victim in sorted(victims, key=lambda one: one != "temporal"):
        if not victim.startswith("worker"):
            await floor.stack.restart(victim)
    await floor.reconnect()

    if "worker-eu" in victims:
        away = replace(floor, eu=replace(floor.eu, answer_within=timedelta(seconds=1)))
        sent = await away.decide(deletion, "erase", "approve", "commander-eu-2")
        tally.count("a face without a worker keeps the decision and says so", sent.state == "kept")
        await floor.stack.restart("worker-eu")
    else:
        await floor.eu.client.get_workflow_handle(deletion).signal(SIGNAL_DECIDE, approval)

    ended, erased = await floor.closed(removal, patience=150), await floor.closed(deletion, patience=150)
    effects, deletions = await floor.effects("items/disable"), await floor.effects("items/delete")
    for url in urls:
        tally.count(f"{url} disabled once, not {effects[url]} times", effects[url] == 1)
    tally.count(f"the approved item deleted once, not {deletions[urls[0]]} times", deletions[urls[0]] == 1)
    tally.count("both runs closed", (ended["outcome"], erased["outcome"]) == ("closed", "closed"))
    after = {clock["name"]: clock for clock in ended["clocks"]}
    tally.count("the clock kept its start", after["removal"]["started_at"] == before["removal"]["started_at"])
    tally.count("the clock was met", after["removal"]["state"] == "met")
    decided = [entry for entry in read_chain(floor.stack.home, deletion) if entry["kind"] == EntryKind.DECIDED]
    tally.count("both approvals counted, each once", len(decided) == 2)
    announced = [entry for entry in read_chain(floor.stack.home, removal) if entry["kind"] == EntryKind.ANNOUNCED]
    disabled = {entry["path"] for entry in announced if entry["step"] == "disable"}
    tally.count("every effect was announced", len(disabled) == count)

    async def vouched_for() -> bool:
        return {removal, deletion} <= anchored(floor.stack.home)

    await until(vouched_for, "the other region holds both heads")


async def test_nothing_is_lost_or_doubled_when_worker_and_server_are_killed(
    floor: Floor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    await play_round(floor, "kill", 12, ["worker-eu", "temporal"], tally)
    report = verify_ledger(floor.stack.home, tmp_path)
    tally.count("the ledger verifies offline", report.findings == ())
    with capsys.disabled():
        print(f"\nkilled worker and server in the middle: {tally.tried} tried, {tally.held} held")
    assert tally.broken == [], report.lines()


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_in_many_kills(
    floor: Floor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tally, chance = Tally(), random.Random(20261122)
    choices = [["worker-eu"], ["temporal"], ["worker-eu", "temporal"], ["gateway-us", "worker-eu"], ["sandbox"]]
    for number in range(10):
        await play_round(floor, f"storm{number}", 24, chance.choice(choices), tally)
    report = verify_ledger(floor.stack.home, tmp_path)
    tally.count("the ledger verifies offline", report.findings == ())
    with capsys.disabled():
        print(f"\nten rounds of kills: {tally.tried} tried, {tally.held} held")
    assert tally.broken == [], report.lines()
