"""Chains that no run wrote, on the Ledger page: shown with their entries to whom the policies show what they are about,
and not there for anybody else."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.boards import board
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over
from watchfloor.ledger import verify as verify_module

OPEN, WALLED, NEVER, DESK = f"del-{'a' * 20}", f"del-{'b' * 20}", f"del-{'c' * 20}", "desk-eu"
MADE = re.compile(r"Made at.*")


@pytest.fixture
async def seen(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as one:
        one.wrote("delivery.redriven", "ops-1", chain=OPEN, sender="portal", compartments=[], role="ops_lead")
        one.wrote("delivery.redriven", "ops-1", chain=WALLED, sender="secret-sender", compartments=[])
        one.wrote("delivery.discarded", "ops-9", chain=WALLED, sender="secret-sender", compartments=["terror"])
        one.wrote("webhook.enabled", "ops-1", chain=DESK, subscription="pager", role="ops_lead", signed_in="oidc")
        yield one


async def test_they_are_listed_apart_and_their_entries_are_told_in_words(seen: Seen) -> None:
    async with seen.signed_in("ops-1") as browser:
        listed = (await browser.get("/console/ledger")).text
        delivery = (await browser.get(f"/console/ledger/{OPEN}")).text
        desk = (await browser.get(f"/console/ledger/{DESK}")).text
    assert "DEL-AAAAAAAA" in listed
    assert f'href="/console/ledger/{DESK}"' in listed
    assert "ops-1: had a delivery driven once more" in delivery
    assert "sender portal" in delivery
    assert "Verified: intact" in delivery
    assert "ops-1: had another system told again" in desk
    assert "subscription pager" in desk
    assert 'href="/console/outgoing"' in desk.partition("<main")[2]


async def test_they_are_found_by_name_by_id_and_by_how_they_begin(seen: Seen) -> None:
    async with seen.signed_in("counsel-1") as browser:
        for wanted, chain in (("DEL-BBBBBBBB", WALLED), ("del-bb", WALLED), (OPEN, OPEN), ("desk-eu", DESK)):
            found = await browser.get("/console/ledger", params={"chain": wanted})
            assert found.headers["location"] == f"/console/ledger/{chain}"


async def test_one_behind_a_wall_is_there_for_the_cleared_and_for_nobody_else(seen: Seen) -> None:
    async with seen.signed_in("counsel-1") as inside, seen.signed_in("ops-1") as outside:
        assert "gave a delivery up" in (await inside.get(f"/console/ledger/{WALLED}")).text
        assert "DEL-BBBBBBBB" in (await inside.get("/console/ledger")).text
        assert "DEL-BBBBBBBB" not in (await outside.get("/console/ledger")).text
        never = await outside.get(f"/console/ledger/{NEVER}")
        for path in (f"/console/ledger/{WALLED}", f"/console/ledger/{WALLED}/export"):
            hidden = await outside.get(path)
            assert (hidden.status_code, MADE.sub("", hidden.text)) == (404, MADE.sub("", never.text))
        for wanted in (WALLED, "DEL-BBBBBBBB", "del-bb"):
            assert (await outside.get("/console/ledger", params={"chain": wanted})).status_code == 404


async def test_nobody_of_another_region_sees_any(seen: Seen) -> None:
    async with seen.signed_in("ops-us-1") as abroad:
        listed = (await abroad.get("/console/ledger")).text
        assert [word for word in ("DEL-AAAA", "DEL-BBBB", DESK, "pager") if word in listed] == []
        for chain in (OPEN, WALLED, DESK):
            assert (await abroad.get(f"/console/ledger/{chain}")).status_code == 404


async def test_they_are_exported_by_whom_the_policies_permit_it(seen: Seen) -> None:
    async with seen.signed_in("counsel-1") as counsel, seen.signed_in("ops-1") as ops:
        given = await counsel.get(f"/console/ledger/{DESK}/export")
        refused = await ops.get(f"/console/ledger/{DESK}/export")
    assert given.headers["content-disposition"] == f'attachment; filename="{DESK}.jsonl"'
    assert verify_module.verify_bytes(given.content, {}).ok
    assert refused.status_code == 403


async def test_the_beginning_of_an_id_is_no_address(seen: Seen) -> None:
    seen.api.index.put(board(workflow=INCIDENT), 1)
    async with seen.signed_in("counsel-1") as browser:
        for chain in ("del-", "desk-", "desk-e", OPEN[:-1]):
            assert (await browser.get(f"/console/ledger/{chain}")).status_code == 404
        assert (await browser.get(f"/console/ledger/{INCIDENT}")).status_code == 200
