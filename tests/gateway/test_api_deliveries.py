"""What other systems delivered, over the API: what a key may see of it, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway.apis import Api
from watchfloor.intake.delivery import Arrival, Outcome, State

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


def keep(api: Api, letter: str, state: State, *walls: str, after: int = 0) -> str:
    id_, now = f"del-{letter * 20}", NOW + timedelta(seconds=after)
    arrival = Arrival(id_, "portal", "standard_webhooks", "", "", "mark", 40, now, timedelta(minutes=15), b"box")
    api.deliveries.keep(arrival, now=now)
    if state != "kept":
        made = [
            Outcome("first", state, "", "inputs", "it does not fit"),
            Outcome("walled", "ignored", "", "where", "", "terror"),
        ]
        api.deliveries.settle(id_, state, "`first`: it does not fit", made, walls, now=now)
    return id_


async def get(api: Api, path: str, key: str) -> Any:
    answer = await api.ask("GET", path, key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_key_sees_what_became_of_deliveries_and_nothing_of_compartments_it_is_not_cleared_for(api: Api) -> None:
    plain, walled = keep(api, "a", "dead"), keep(api, "b", "dead", "terror", after=1)
    waiting = keep(api, "c", "kept", after=2)
    outside, inside = api.key("incidents:read"), api.key("incidents:read", clearances=("terror",))
    assert [one["delivery"] for one in (await get(api, "/deliveries", inside))["deliveries"]] == [
        waiting,
        walled,
        plain,
    ]
    assert [one["delivery"] for one in (await get(api, "/deliveries", outside))["deliveries"]] == [waiting, plain]
    found = await get(api, f"/deliveries/{plain}", outside)
    assert (found["state"], [one["runbook"] for one in found["starts"]]) == ("dead", ["first"])
    assert [one["runbook"] for one in (await get(api, f"/deliveries/{plain}", inside))["starts"]] == ["first", "walled"]
    assert (await get(api, f"/deliveries/{waiting}", outside))["next_at"] == "2026-11-22T03:10:02Z"
    hidden, never = [await api.ask("GET", f"/deliveries/{id_}", outside) for id_ in (walled, "del-" + "z" * 20)]
    assert (hidden.status_code, hidden.text) == (404, never.text)
    assert [one["state"] for one in (await get(api, "/deliveries?state=kept", outside))["deliveries"]] == ["kept"]
    assert (await get(api, "/deliveries?sender=nobody", outside))["deliveries"] == []


async def test_pages_follow_each_other_and_a_cursor_is_of_its_key(api: Api) -> None:
    ids = [keep(api, letter, "started", after=nth) for nth, letter in enumerate("abcde")]
    key, other = api.key("incidents:read"), api.key("incidents:read")
    found, cursor = [], ""
    while True:
        page = await get(api, f"/deliveries?limit=2&cursor={cursor}", key)
        found += [one["delivery"] for one in page["deliveries"]]
        if not page["next"]:
            break
        cursor = page["next"]
    assert found == ids[::-1]
    assert (await api.ask("GET", f"/deliveries?cursor={cursor}", other)).status_code == 422


@pytest.mark.parametrize("path", ["/deliveries", f"/deliveries/del-{'a' * 20}"])
async def test_a_key_without_the_scope_reads_none(api: Api, path: str) -> None:
    keep(api, "a", "dead")
    assert (await api.ask("GET", path, api.key("facts:send"))).status_code == 403
    assert (await api.ask("GET", path)).status_code == 401
    assert (await api.ask("POST", path, api.key())).status_code == 405
