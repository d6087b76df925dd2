"""The removal order from receipt to review, through everything that is real: engine, workers, gateways, platform."""

from pathlib import Path

import pytest

from schemas.ledger import EntryKind
from tests.e2e.floor import Floor, until
from tests.e2e.records import anchored, read_chain, verify_ledger
from watchfloor.client import Started
from workflows.addresses import child_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def carry_through(floor: Floor, order_id: str, count: int) -> tuple[Started, list[str], str]:
    """Play the whole story; gives the run, its URLs and the receiving side's workflow."""
    urls = [f"https://{order_id.lower()}.example.test/v/{number}" for number in range(count)]
    await floor.seed("orders", [{"order_id": order_id, "authentic": True, "failures": ["signature_page_missing"]}])
    refusal = {"match": {"path": "/items/disable", "url": urls[1]}, "status": 503, "retry_after": 0, "times": 2}
    await floor.seed("faults", [refusal])
    started = await floor.order(order_id, urls)
    run = started.incident
    await floor.ask(run, "order_doubt")

    await floor.tell(run, "eu_desk_unacknowledged", "pager")
    offer = "in-" + child_id("hand", run, "alongside/desk_silent/to_us").removeprefix("hand-")

    async def offered() -> bool:
        return bool(await floor.us_asks(offer))

    await until(offered, "the other region is asked")
    packet = await floor.packet(offer)
    form = {"severity": packet["severity"], "next_action": "watch the probe", **floor.nearest(packet)}
    await floor.decide(offer, "accept", "accept", "us-desk-1", face=floor.us, form=form)

    await floor.decide(run, "order_doubt", "clarify", "counsel-1", reason="the signature page is missing")
    await floor.state(
        run, lambda now: any(step["step"] == "answer" for step in now["steps"]), "it waits for the answer"
    )
    await floor.tell(run, "clarification_received", "authority_mailbox")
    return started, urls, offer


async def check_everything(floor: Floor, started: Started, urls: list[str], offer: str, folder: Path) -> None:
    run = started.incident
    board = await floor.closed(run)
    assert (board["state"], board["outcome"]) == ("closed", "closed")
    assert {clock["name"]: clock["state"] for clock in board["clocks"]} == {
        "removal": "met",
        "preserve": "assigned",
        "imminent": "waiting",
    }
    assert (await floor.state(offer, lambda now: now["state"] != "open", "the offer ends", face=floor.us))[
        "outcome"
    ] == ("accepted")

    journal = await floor.journal()
    effects = await floor.effects("items/disable")
    assert {url: effects[url] for url in urls} == dict.fromkeys(urls, 1)
    tried = [call for call in journal if call["path"] == "/items/disable" and call["subject"] == urls[1]]
    assert [call["status"] for call in tried] == [503, 503, 200]
    assert len({call["key"] for call in tried}) == 1

    children = {child["kind"]: child for child in board["children"]}
    hold = children["hold"]
    assert hold["data"]["verified"] is True
    canaries = [call for call in journal if call["path"] == "/deletion/canary"]
    assert {call["subject"] for call in canaries} >= {hold["workflow"]}

    chain = read_chain(floor.stack.home, run)
    kinds = [entry["kind"] for entry in chain]
    assert kinds[0] == EntryKind.OPENED
    assert {EntryKind.OFFERED, EntryKind.CLOCK_RESTARTED, EntryKind.DECIDED, EntryKind.CLOSED} <= set(kinds)
    done = [entry for entry in chain if entry["kind"] == EntryKind.DONE and entry["step"] == "disable"]
    assert len(done) == len(urls)

    async def vouched_for() -> bool:
        return run in anchored(floor.stack.home)

    await until(vouched_for, "the other region holds the head of the run's chain")
    report = verify_ledger(floor.stack.home, folder)
    assert report.findings == (), report.lines()
    assert report.refused_anchors == ()

    review = children["postmortem"]["workflow"]
    await floor.state(review, lambda now: bool(now["asks"]), "the review is drafted and asks")
    (draft,) = [path for path in floor.home("eu").rglob("*.md") if run in path.read_text()]
    assert "removal" in draft.read_text()


async def test_an_order_is_carried_from_receipt_to_review(floor: Floor, tmp_path: Path) -> None:
    started, urls, offer = await carry_through(floor, "DE-2026-E2E-1", 6)
    await check_everything(floor, started, urls, offer, tmp_path)


@pytest.mark.slow
async def test_an_order_of_forty_addresses_is_carried_from_receipt_to_review(floor: Floor, tmp_path: Path) -> None:
    started, urls, offer = await carry_through(floor, "DE-2026-E2E-40", 40)
    await check_everything(floor, started, urls, offer, tmp_path)


async def test_the_same_order_starts_one_run(floor: Floor) -> None:
    url = ["https://twice.example.test/v/1"]
    first = await floor.order("DE-2026-TWICE", url)
    second = await floor.order("DE-2026-TWICE", url)
    assert (first.already, second.already) == (False, True)
    assert first.incident == second.incident
    await floor.closed(first.incident)
    assert (await floor.effects("items/disable"))[url[0]] == 1
