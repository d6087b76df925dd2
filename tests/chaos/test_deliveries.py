"""The gateway is killed with SIGKILL while other systems deliver: what was acknowledged starts once."""

import asyncio
import json
import random
from datetime import UTC, datetime

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from tests.chaos.storm import Tally
from tests.e2e.floor import Floor
from watchfloor.client.runs import list_incidents, started_with
from watchfloor.intake.deliveries import Deliveries

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNoYXJlZC1zZWNyZXQ="
ORDERS = 60
KILLS = 4
PATIENCE = 240.0


def order(number: int) -> bytes:
    data = {
        "order_id": f"DE-2026-{number}",
        "received_at": "2026-11-22T02:55:00Z",
        "urls": [f"https://videos.example.test/v/{number}"],
        "issuing_state": "DE",
    }
    return json.dumps({"type": "removal_order.received", "data": data}).encode()


async def deliver(url: str, number: int, hurry: asyncio.Semaphore, tally: Tally) -> None:
    """As a product does: the same message again and again until it is acknowledged."""
    content, id_ = order(number), f"msg-{number}"
    async with hurry, httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        for _ in range(200):
            now = datetime.now(UTC)
            headers = {
                "content-type": "application/json",
                "webhook-id": id_,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(SECRET).sign(id_, now, content.decode()),
            }
            try:
                answer = await http.post(f"{url}/hooks/authority_portal", content=content, headers=headers)
            except httpx2.TransportError:
                await asyncio.sleep(0.3)
                continue
            if answer.status_code in {200, 202}:
                return
            tally.count(f"refused with {answer.status_code}", answer.status_code == 503)
            await asyncio.sleep(0.3)
    raise AssertionError(f"{number} was never acknowledged")


@pytest.mark.slow
@pytest.mark.timeout(540)
async def test_what_was_acknowledged_starts_one_incident_whenever_the_gateway_dies(floor: Floor) -> None:
    tally, chance = Tally(), random.Random(7)
    url = floor.stack.settings("eu").gateway_url
    assert url is not None
    await floor.stack.kill("worker-eu")  # what the runs do then is no matter here
    hurry = asyncio.Semaphore(8)
    sending = asyncio.gather(*(deliver(url, number, hurry, tally) for number in range(ORDERS)))
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        await floor.stack.kill("gateway-eu")
        await floor.stack.restart("gateway-eu")
    await sending
    deliveries = Deliveries(floor.stack.settings("eu").received_path)
    async with asyncio.timeout(PATIENCE):
        while deliveries.page(states=["kept"], limit=1):
            await asyncio.sleep(1)
    kept = deliveries.page(limit=1000)
    tally.count("one delivery for each message", len(kept) == ORDERS)
    for one in kept:
        tally.count(f"{one.id} is {one.state}", one.state in {"started", "joined"})
    incidents = {each.incident for one in kept for each in one.outcomes}
    tally.count(f"{len(incidents)} incidents for {ORDERS} orders", len(incidents) == ORDERS)
    there = {run.incident for run in await list_incidents(floor.eu, limit=1000)}
    tally.count("the engine has these and no more", there == incidents)
    keys = {(await started_with(floor.eu, incident))["trigger"]["key"] for incident in sorted(incidents)}
    tally.count("each order has its own", keys == {f"DE-2026-{number}" for number in range(ORDERS)})
    again = sum(one.attempts > 1 or one.state == "joined" for one in kept)
    print(f"{KILLS} kills, {ORDERS} orders, {again} driven once more after a kill")
    print(f"{tally.held} of {tally.tried} checks held")
    assert tally.broken == []
