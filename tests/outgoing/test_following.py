"""From the ledger to events: who is told what, and what is told to nobody."""

import asyncio
import json
import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas.events import INSIDE_COMPARTMENTS, KINDS, PUBLISHED, PUBLISHED_OF_PROCESSES, TYPE_PREFIX, Event, EventData
from schemas.ledger import EntryKind
from tests.outgoing.floor import A, B, Floor, Listener, entry, listening, load, receiver, until
from watchfloor.connections.bindings import Subscription
from watchfloor.outgoing import events
from watchfloor.outgoing.following import Follower
from watchfloor.outgoing.jsonschema import PUBLISHED as SCHEMA_FILE
from watchfloor.outgoing.jsonschema import main, render

C = "inc-cccccccccccccccccccc"


async def told(floor: Floor, **more: Any) -> list[dict[str, Any]]:
    """What one subscription is given to send, in the order of the book."""
    made = {"case_tool": receiver("case_tool", "http://127.0.0.1:1/hooks", **more).subscription}
    follower = Follower("eu", floor.ledger, floor.book, made, clock=floor.clock)
    await follower.begin()
    return await more_told(floor, made)


async def more_told(floor: Floor, made: dict[str, Subscription]) -> list[dict[str, Any]]:
    follower = Follower("eu", floor.ledger, floor.book, made, clock=floor.clock)
    while not await follower.catch_up():
        floor.clock.skip(seconds=11)
    rows = floor.book._rows("SELECT body FROM events ORDER BY chain, seq")
    return [load(body) for (body,) in rows]


async def begin(floor: Floor) -> None:
    await told(floor)


async def test_an_event_is_a_cloudevent_as_published(floor: Floor) -> None:
    await begin(floor)
    floor.open(A)
    floor.write(A, EntryKind.CLOCK_STARTED, clock="removal", law="eu.tco.removal", started_at="2026-11-22T03:10:00Z",
                due_at="2026-11-22T04:10:00Z", stopped_at=None)  # fmt: skip
    first, _, third = await told(floor)
    assert first == {
        "specversion": "1.0",
        "id": f"{A}:1",
        "source": f"/regions/eu/incidents/{A}",
        "type": "io.watchfloor.incident.opened",
        "subject": A,
        "time": "2026-11-22T03:10:01Z",
        "sequence": "1",
        "sequencetype": "Integer",
        "datacontenttype": "application/json",
        "dataschema": "urn:watchfloor:event-data:1",
        "data": {
            "v": 1,
            "region": "eu",
            "incident": A,
            "name": "INC-AAAAAAAA",
            "kind": "incident.opened",
            "state": "open",
            "severity": "S1",
            "runbook": "eu-tco-removal-order",
        },
    }
    assert third["data"] | {"clock": "removal", "due_at": "2026-11-22T04:10:00Z"} == third["data"]
    schema = json.loads(SCHEMA_FILE.read_text())
    for event in (first, third):
        Event.model_validate(event)
        jsonschema.validate(event, schema)
        jsonschema.validate(event["data"], schema["$defs"]["EventData"])


def test_the_published_schema_is_the_generated_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert SCHEMA_FILE.read_text() == render()
    assert main(["--check"]) == 0
    assert main(["--wrong"]) == 2
    jsonschema.Draft202012Validator.check_schema(json.loads(render()))


def test_what_may_be_published_is_in_the_shape_and_every_kind_is_the_ledgers() -> None:
    kinds = {value for name, value in vars(EntryKind).items() if not name.startswith("_")}
    assert kinds >= KINDS
    every = [*PUBLISHED.values(), *PUBLISHED_OF_PROCESSES.values()]
    fields = {{"from": "from_region", "to": "to_region"}.get(name, name) for given in every for name in given}
    assert fields <= set(EventData.model_fields)
    assert set(EventData.model_fields) >= INSIDE_COMPARTMENTS
    assert not KINDS & {EntryKind.FACT, EntryKind.DECIDED}


CANARY = "canary 12 Main Street"


@pytest.mark.parametrize("compartment", ["", "csea"])
async def test_of_whatever_stands_in_an_entry_only_what_is_named_leaves(floor: Floor, compartment: str) -> None:
    await begin(floor)
    names = {name for given in PUBLISHED.values() for name in given} | {
        "title", "reason", "value", "person", "reason_ref", "url", "inputs", "fact", "requester", "source", "key",
    }  # fmt: skip
    everything: dict[str, Any] = dict.fromkeys(names, CANARY) | {"roles": [CANARY], "options": ["ok", CANARY]}
    opening = {"runbook": CANARY, "title": CANARY, "requester": CANARY}
    floor.write(A, EntryKind.OPENED, **opening, **({"compartment": compartment} if compartment else {}))
    floor.write(A, EntryKind.SEVERITY, severity="S0", before="")
    kinds = sorted({value for name, value in vars(EntryKind).items() if not name.startswith("_")} - {EntryKind.OPENED})
    for kind in kinds:
        floor.write(A, kind, step=CANARY, **(everything | {"severity": "S0"}))
    given = await told(floor, clearances=["csea"])
    assert len(given) == len(PUBLISHED) + 1, "each kind that may be published, and the first severity"
    text = json.dumps(given)
    assert "canary" not in text
    assert "counsel-1" not in text, "no person"


async def test_what_is_said_of_an_incident_in_a_compartment_is_ids_states_severities_and_deadlines(
    floor: Floor,
) -> None:
    await begin(floor)
    floor.open(A, compartment="csea")
    floor.write(A, EntryKind.ASKED, step="remove_item", deadline_at="2026-11-22T04:10:00Z", roles=["legal_counsel"],
                options=["remove_abuse_material"])  # fmt: skip
    floor.write(A, EntryKind.PHASE, phase="csam_containment")
    floor.write(A, EntryKind.DONE, step="remove_item", action="content.disable")
    floor.write(A, EntryKind.PAUSED)
    given = await told(floor, clearances=["csea"])
    assert len(given) == 6
    allowed = {"v", "region", "incident", "name", "kind", "state", "severity", "compartment", "deadline_at"}
    assert {name for event in given for name in event["data"]} == allowed
    assert given[2]["data"]["deadline_at"] == "2026-11-22T04:10:00Z"
    assert given[5]["data"]["state"] == "paused"
    for word in ("csam", "abuse", "remove", "disable", "tco", "legal_counsel"):
        assert word not in json.dumps(given)


@pytest.mark.parametrize("clearances", [[], ["terror"], ["hr", "le"]])
async def test_who_is_not_cleared_hears_nothing_of_a_compartment(floor: Floor, clearances: list[str]) -> None:
    await begin(floor)
    floor.open(A, compartment="csea")
    floor.phases(A, 3)
    floor.open(B)
    given = await told(floor, clearances=clearances)
    assert {event["subject"] for event in given} == {B}


async def test_of_a_chain_that_does_not_begin_with_its_opening_nothing_is_told(floor: Floor) -> None:
    await begin(floor)
    floor.phases(A, 3)
    floor.write(A, EntryKind.SEVERITY, severity="S0", before="")
    assert await told(floor, clearances=["csea"]) == []


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        (["*"], {"incident.opened", "severity.set", "phase.entered", "clock.breached", "incident.closed"}),
        (["incident.*"], {"incident.opened", "incident.closed"}),
        (["clock.breached"], {"clock.breached"}),
        (["clock.*", "phase.entered"], {"clock.breached", "phase.entered"}),
    ],
)
async def test_a_subscription_gets_the_kinds_it_asked_for(floor: Floor, wanted: list[str], kinds: set[str]) -> None:
    await begin(floor)
    floor.open(A)
    floor.phases(A, 1)
    floor.write(A, EntryKind.CLOCK_BREACHED, clock="removal")
    floor.write(A, EntryKind.CLOSED, outcome="closed", reason="phases done")
    given = await told(floor, events=wanted)
    assert {event["data"]["kind"] for event in given if event["type"].startswith(TYPE_PREFIX)} == kinds


async def test_severities_choose_with_both_sides_of_a_change(floor: Floor) -> None:
    await begin(floor)
    floor.open(A, severity="S3")
    floor.phases(A, 1)
    floor.write(A, EntryKind.SEVERITY, severity="S1", before="S3")
    floor.phases(A, 1)
    floor.write(A, EntryKind.SEVERITY, severity="S4", before="S1")
    floor.phases(A, 1)
    floor.open(B, severity="S0")
    given = await told(floor, severities=["S0", "S1"])
    assert [event["id"] for event in given] == [f"{A}:4", f"{A}:5", f"{A}:6", f"{B}:1", f"{B}:2"]
    assert given[3]["data"]["severity"] == "S0", "the opening has the severity that followed it"


async def test_runbooks_choose(floor: Floor) -> None:
    await begin(floor)
    floor.open(A)
    assert await told(floor, runbooks=["something-else"]) == []


async def test_an_opening_waits_for_its_severity_but_not_for_ever(floor: Floor) -> None:
    made = {"case_tool": receiver("case_tool", "http://127.0.0.1:1/hooks").subscription}
    follower = Follower("eu", floor.ledger, floor.book, made, clock=floor.clock)
    await follower.begin()
    floor.write(A, EntryKind.OPENED, runbook="rb")
    assert not await follower.catch_up(), "to be looked at again"
    assert floor.book.accounts()[0].waiting == 0
    floor.write(A, EntryKind.SEVERITY, severity="S2", before="")
    assert await follower.catch_up()
    assert floor.book.accounts()[0].waiting == 2
    floor.write(B, EntryKind.OPENED, runbook="rb")
    assert not await follower.catch_up()
    floor.clock.skip(seconds=11)
    assert await follower.catch_up()
    assert floor.book.accounts()[0].waiting == 3


async def test_a_new_subscription_hears_of_what_is_written_from_then_on(floor: Floor) -> None:
    floor.open(A)
    floor.phases(A, 2)
    assert await told(floor) == [], "what was before the first subscription is not told"
    floor.clock.skip(seconds=1)
    floor.phases(A, 1)
    (only,) = await told(floor)
    assert only["data"]["severity"] == "S1", "what was before is known all the same"
    two = {name: receiver(name, "http://127.0.0.1:1/hooks").subscription for name in ("case_tool", "second")}
    floor.clock.skip(seconds=1)
    await Follower("eu", floor.ledger, floor.book, two, clock=floor.clock).begin()
    floor.clock.skip(seconds=1)
    floor.phases(A, 1)
    await more_told(floor, two)
    waiting = {one.name: one.waiting for one in floor.book.accounts()}
    assert waiting == {"case_tool": 2, "second": 1}


async def test_what_was_written_while_no_gateway_ran_is_told_to_those_who_were_there_and_to_no_new_one(
    floor: Floor,
) -> None:
    await begin(floor)
    floor.clock.skip(seconds=1)
    floor.open(A)
    floor.clock.skip(seconds=1)
    two = {name: receiver(name, "http://127.0.0.1:1/hooks").subscription for name in ("case_tool", "second")}
    await Follower("eu", floor.ledger, floor.book, two, clock=floor.clock).begin()
    await more_told(floor, two)
    assert {one.name: one.waiting for one in floor.book.accounts()} == {"case_tool": 2, "second": 0}


async def test_what_waited_for_a_subscription_that_is_no_more_is_not_sent_when_it_comes_back(floor: Floor) -> None:
    await begin(floor)
    floor.open(A)
    await told(floor)
    await Follower("eu", floor.ledger, floor.book, {}, clock=floor.clock).begin()
    assert floor.book.accounts() == []
    assert len(floor.book.dead("case_tool")) == 2
    await begin(floor)
    assert floor.book.accounts()[0].waiting == 0


async def test_an_entry_that_no_event_can_be_made_of_holds_up_nothing(floor: Floor) -> None:
    await begin(floor)
    floor.open("inc-NO CHAIN OF OURS")
    floor.open(A)
    late: Any = {**entry(A, EntryKind.PHASE, 99, phase="x"), "at": "2026-11-22T05:10:00+02:00"}
    floor.ledger.append([late])
    given = await told(floor)
    assert [event["id"] for event in given] == [f"{A}:1", f"{A}:2", f"{A}:3"]
    assert given[2]["time"] == "2026-11-22T03:10:00Z"


async def test_reading_twice_gives_nothing_twice(floor: Floor) -> None:
    await begin(floor)
    floor.open(A)
    floor.phases(A, 700)  # more than one stretch
    made = {"case_tool": receiver("case_tool", "http://127.0.0.1:1/hooks").subscription}
    for _ in range(3):
        assert len(await more_told(floor, made)) == 702


def test_a_test_event_is_one_of_ours(floor: Floor) -> None:
    event = load(events.write_test("eu", floor.clock()))
    Event.model_validate(event)
    assert event["type"] == "io.watchfloor.test"


@pytest.mark.slow
async def test_a_sender_that_is_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Killed a dozen times at any moment: nothing is lost, the order holds, what comes twice is the same bytes."""
    dice = random.Random(5)
    there = Listener()
    folder = tmp_path / "region"
    folder.mkdir()
    chains = [f"inc-{number:020d}" for number in range(6)]
    async with listening(there):

        async def send() -> asyncio.subprocess.Process:
            started = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.outgoing.killed_sender", str(folder), there.url),
                stdout=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
            assert started.stdout is not None
            assert await started.stdout.readline() == b"ready\n"
            return started

        process = await send()
        floor = Floor(folder)
        try:
            for chain in chains:
                floor.open(chain)
            for _ in range(12):
                for chain in chains:
                    floor.phases(chain, 4)
                count = len(there.got)
                await until(lambda count=count: len(there.got) > count)  # type: ignore[misc]
                await asyncio.sleep(dice.random() / 20)
                process.kill()
                await process.wait()
                process = await send()
            await until(lambda: set(there.ids()) == {f"{chain}:{seq}" for chain in chains for seq in range(1, 51)})
        finally:
            process.kill()
            await process.wait()
            floor.close()
    for chain in chains:
        seqs = [int(event["sequence"]) for event in there.taken if event["subject"] == chain]
        assert list(dict.fromkeys(seqs)) == list(range(1, 51))
        assert seqs == sorted(seqs), "a repeat comes before the next, never after it"
    by_id: dict[str, set[bytes]] = {}
    for headers, body in zip(there.headers, there.bodies, strict=True):
        by_id.setdefault(headers["webhook-id"], set()).add(body)
    assert all(len(bodies) == 1 for bodies in by_id.values())


def test_patience_is_what_the_subscription_says() -> None:
    made = receiver("x", "http://127.0.0.1:1/hooks", give_up_after="2m").subscription
    assert timedelta(seconds=made.give_up_after) == timedelta(minutes=2)
