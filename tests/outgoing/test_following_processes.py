"""Holds, handoffs and reviews: who is told of them, in which order, and what an older book makes of them."""

import json
import sqlite3
from typing import Any

import jsonschema
import pytest

from schemas.events import PUBLISHED_OF_PROCESSES, Event
from schemas.ledger import EntryKind
from tests.outgoing.floor import A, B, Floor, listening, receiver, until
from tests.outgoing.test_following import CANARY, begin, told
from watchfloor.outgoing.book import Book
from watchfloor.outgoing.jsonschema import PUBLISHED as SCHEMA_FILE

HOLD, HANDOFF, OFFER, REVIEW = (f"{kind}-{'a' * 20}" for kind in ("hold", "hand", "in", "post"))
THERE = "inc-" + "t" * 20
"""An incident of another region."""
END = "2027-02-20T04:10:00Z"


def place(floor: Floor, hold: str = HOLD, incident: str = A) -> None:
    floor.write(
        hold, EntryKind.HOLD_PLACED, step="hold", hold=hold, incident=incident, basis="us.2258A", expires_at=END
    )
    floor.write(hold, EntryKind.HOLD_VERIFIED, step="hold", reference="ref-1", canary=1)


def offer(floor: Floor) -> None:
    more: dict[str, Any] = {"mode": "takeover", "fence": 1, "accept_by": "2026-11-22T04:10:00Z"}
    floor.write(OFFER, EntryKind.OFFERED, step="offer", handoff=HANDOFF, incident=THERE, **{"from": "us"}, **more)


async def test_each_process_is_told_of_with_its_own_id_and_the_standing_of_its_incident(floor: Floor) -> None:
    await begin(floor)
    floor.open(A, severity="S2")
    place(floor)
    floor.write(HANDOFF, EntryKind.OFFERED, handoff=HANDOFF, incident=A, to="us", mode="inform", accept_by=END)
    floor.write(HANDOFF, EntryKind.ACCEPTED, handoff=HANDOFF, state="accepted", by="liaison-us-1")
    floor.write(REVIEW, EntryKind.REVIEW_STARTED, incident=A, review=REVIEW, roles=["incident_commander"])
    floor.write(REVIEW, EntryKind.REVIEW_DONE, incident=A, by="commander-1")
    offer(floor)
    given = {event["id"]: event for event in await told(floor)}
    schema = json.loads(SCHEMA_FILE.read_text())
    for event in given.values():
        Event.model_validate(event)
        jsonschema.validate(event, schema)
    placed = given[f"{HOLD}:1"]
    assert (placed["source"], placed["subject"]) == (f"/regions/eu/holds/{HOLD}", HOLD)
    assert placed["data"] == {
        "v": 1,
        "region": "eu",
        "incident": A,
        "process": HOLD,
        "name": "HOLD-AAAAAAAA",
        "kind": "hold.placed",
        "state": "open",
        "severity": "S2",
        "runbook": "eu-tco-removal-order",
        "step": "hold",
        "expires_at": END,
    }
    offered, accepted = given[f"{HANDOFF}:1"], given[f"{HANDOFF}:2"]
    assert (offered["data"]["to_region"], offered["data"]["accept_by"]) == ("us", END)
    assert (accepted["data"]["state"], accepted["source"]) == ("accepted", f"/regions/eu/handoffs/{HANDOFF}")
    assert given[f"{REVIEW}:2"]["data"]["state"] == "done"
    abroad = given[f"{OFFER}:1"]["data"]
    assert (abroad["from_region"], abroad["incident"], abroad["handoff"]) == ("us", THERE, HANDOFF)
    assert "severity" not in abroad
    assert "liaison-us-1" not in json.dumps(given)


async def test_what_an_incident_names_of_its_processes_is_told_once_by_the_process(floor: Floor) -> None:
    await begin(floor)
    floor.open(A)
    floor.write(A, EntryKind.HOLD_PLACED, step="preserve", hold=HOLD, basis="us.2258A")
    floor.write(A, EntryKind.OFFERED, step="hand_over", handoff=HANDOFF, to="us", mode="inform")
    place(floor)
    given = [event["id"] for event in await told(floor, events=["hold.*", "handoff.*"])]
    assert given == [f"{HOLD}:1", f"{HOLD}:2"]


@pytest.mark.parametrize(("clearances", "count"), [([], 0), (["terror"], 0), (["csea"], 2)])
async def test_what_belongs_to_an_incident_in_a_compartment_is_behind_the_same_wall(
    floor: Floor, clearances: list[str], count: int
) -> None:
    await begin(floor)
    floor.open(A, compartment="csea")
    place(floor)
    given = await told(floor, events=["hold.*"], clearances=clearances)
    assert len(given) == count
    for event in given:
        assert set(event["data"]) <= {
            *("v", "region", "incident", "process", "name", "kind", "state", "severity", "compartment", "expires_at")
        }


async def test_the_wall_holds_where_the_incident_was_written_before_the_book_began(floor: Floor) -> None:
    floor.open(A, compartment="csea")
    floor.open(B)
    await begin(floor)
    place(floor, HOLD, A)
    other = "hold-" + "b" * 20
    place(floor, other, B)
    given = await told(floor, events=["hold.*"])
    assert {event["subject"] for event in given} == {other}


async def test_where_the_incident_is_not_in_the_ledger_nothing_is_told(floor: Floor) -> None:
    await begin(floor)
    place(floor)
    floor.write(HOLD, EntryKind.HOLD_RELEASED, hold=HOLD)
    assert await told(floor, clearances=["csea"]) == []


async def test_severities_and_runbooks_choose_by_the_incident_and_an_offer_is_told_however_bad(floor: Floor) -> None:
    await begin(floor)
    floor.open(A, severity="S3")
    place(floor)
    offer(floor)
    given = await told(floor, events=["hold.*", "handoff.*"], severities=["S0", "S1"])
    assert [event["subject"] for event in given] == [OFFER]
    floor.write(A, EntryKind.SEVERITY, severity="S1", before="S3")
    floor.write(HOLD, EntryKind.HOLD_WARNED, hold=HOLD, expires_at=END, roles=["custodian"])
    given = await told(floor, events=["hold.*", "handoff.*"], severities=["S0", "S1"])
    assert [event["id"] for event in given] == [f"{HOLD}:3", f"{OFFER}:1"]


@pytest.mark.parametrize("compartment", ["", "csea"])
async def test_of_whatever_stands_in_an_entry_only_what_is_named_leaves(floor: Floor, compartment: str) -> None:
    await begin(floor)
    floor.open(A, **({"compartment": compartment} if compartment else {}))
    place(floor)
    names = {name for given in PUBLISHED_OF_PROCESSES.values() for name in given} | {
        "title", "reason", "value", "person", "reason_ref", "by", "reference", "why", "folder", "basis", "scope",
    }  # fmt: skip
    everything: dict[str, Any] = dict.fromkeys(names, CANARY) | {"roles": [CANARY], "options": [CANARY]}
    kinds = sorted({value for name, value in vars(EntryKind).items() if not name.startswith("_")})
    for kind in kinds:
        floor.write(HOLD, kind, step=CANARY, **everything)
    given = [event for event in await told(floor, clearances=["csea"]) if event["subject"] == HOLD]
    assert len(given) == len(PUBLISHED_OF_PROCESSES) + 2
    assert "canary" not in json.dumps(given)


async def test_a_book_from_before_tells_of_processes_from_now_on_and_loses_and_doubles_nothing(floor: Floor) -> None:
    floor.open(A)
    await begin(floor)
    floor.phases(A, 1)
    await told(floor)
    place(floor)
    floor.close()
    # as the version before left it
    with sqlite3.connect(floor.book._path) as database:
        database.execute("ALTER TABLE chains DROP COLUMN incident")
        database.execute("DELETE FROM chains WHERE chain = ?", (HOLD,))
        database.execute("DELETE FROM events WHERE chain = ?", (HOLD,))
        database.execute("PRAGMA user_version = 0")
    database.close()
    again = Floor(floor.book._path.parent)
    try:
        again._numbers.update(floor._numbers)
        again.phases(A, 1)
        await told(again)
        again.write(HOLD, EntryKind.HOLD_WARNED, hold=HOLD, expires_at=END, roles=["custodian"])
        given = [event["id"] for event in await told(again)]
        assert given == [f"{HOLD}:3", f"{A}:3", f"{A}:4"]
    finally:
        again.close()


async def test_events_of_a_process_arrive_in_order_beside_those_of_its_incident(floor: Floor) -> None:
    async with listening() as there, floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        for _ in range(10):
            place(floor)
            floor.phases(A, 1)
        await until(lambda: len(there.taken) == 32)
        for chain, count in ((HOLD, 20), (A, 12)):
            assert there.ids(chain) == [f"{chain}:{number}" for number in range(1, count + 1)]


def test_a_book_that_two_processes_bring_up_at_once_is_brought_up_once(floor: Floor) -> None:
    with sqlite3.connect(floor.book._path) as database:
        database.execute("ALTER TABLE chains DROP COLUMN incident")
    database.close()
    first, second = Book(floor.book._path), Book(floor.book._path)
    assert first.standing(A) == second.standing(A)
    first.close()
    second.close()
