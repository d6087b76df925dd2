"""Deliveries of other products over real HTTP to a real server: believed, kept, driven once."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.hooked import LIBRARY, Hooked, hooked, runbook
from tests.gateway.test_senders import (
    BINARY,
    CALLBACK,
    EVENT,
    GROUP,
    INCIDENT,
    OTHER_KEY,
    RESULT,
    basic,
    bearer,
    body,
    coop,
    pagerduty,
    standard,
)
from watchfloor.client.errors import EngineUnavailable
from watchfloor.client.runs import started_with
from watchfloor.gateway import bodies, driving


@pytest.fixture
async def gate(temporal: str, tmp_path: Path) -> AsyncIterator[Hooked]:
    async with hooked(temporal, tmp_path) as one:
        yield one


def said(kind: str, id_: str, thing: Any = "PLAIN-THING") -> dict[str, Any]:
    return {"kind": kind, "id": id_, "thing": thing}


async def portal(gate: Hooked, document: Any, id_: str = "msg-1", **more: Any) -> httpx2.Response:
    return await gate.post("portal", standard(body(document), id_=id_), document, **more)


TRUE = [
    ("alerts", lambda content: bearer(), GROUP, "alerting", "escalations"),
    ("pages", pagerduty, INCIDENT, "taken-over", "PGR0VU2"),
    ("coop", coop, CALLBACK, "calling-back", "item-1"),
    ("osprey", standard, RESULT, "evaluating", "u-1"),
    ("events", lambda content: bearer(media="application/cloudevents+json"), EVENT, "stalled", "escalations"),
    ("events", lambda content: {**bearer(), **BINARY}, EVENT["data"], "stalled", "escalations"),
    ("portal", standard, said("one", "P-1", "a thing"), "first", "a thing"),
]


@pytest.mark.parametrize(("name", "headers", "document", "expected", "thing"), TRUE)
async def test_what_each_product_sends_starts_the_runbook_that_listens_to_it(
    gate: Hooked, name: str, headers: Any, document: Any, expected: str, thing: str
) -> None:
    answer = await gate.post(name, headers(body(document)), document)
    assert answer.status_code == 202, answer.text
    start = answer.json()["starts"][0]
    assert (answer.json()["state"], start["runbook"], start["state"]) == ("started", expected, "started")
    begun = await started_with(gate.face, start["incident"])
    assert (begun["inputs"], begun["trigger"]["source"]) == ({"thing": thing}, name)


@pytest.mark.parametrize(("name", "headers", "document", "expected", "thing"), TRUE)
async def test_a_replayed_delivery_starts_nothing_more_and_is_told_the_same_incident(
    gate: Hooked, name: str, headers: Any, document: Any, expected: str, thing: str
) -> None:
    sent = headers(body(document))
    first, again = await gate.post(name, sent, document), await gate.post(name, sent, document)
    assert (first.json()["state"], again.json()["state"]) == ("started", "joined")
    assert first.json()["delivery"] == again.json()["delivery"]
    assert first.json()["starts"][0]["incident"] == again.json()["starts"][0]["incident"]
    (kept,) = gate.deliveries.page()
    assert (kept.state, kept.repeats, kept.attempts) == ("started", 1, 1)


async def test_a_hundred_of_the_same_at_once_are_one_delivery_and_one_incident(gate: Hooked) -> None:
    answers = await asyncio.gather(*(portal(gate, said("one", "P-100")) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200, 202}
    assert sum(answer.json()["state"] == "started" for answer in answers) == 1
    assert len({answer.json()["starts"][0]["incident"] for answer in answers}) == 1


async def test_several_runbooks_that_match_start_in_the_order_of_their_names_and_the_rest_is_explained(
    gate: Hooked,
) -> None:
    both = (await portal(gate, said("both", "P-2"), "msg-2")).json()
    assert [(one["runbook"], one["state"]) for one in both["starts"]] == [("first", "started"), ("second", "started")]
    one = (await portal(gate, said("two", "P-3"), "msg-3")).json()
    assert [(each["runbook"], each["state"]) for each in one["starts"]] == [("first", "ignored"), ("second", "started")]
    assert one["starts"][0]["code"] == "where"


async def test_what_nothing_matches_is_kept_and_says_so(gate: Hooked) -> None:
    answer = await portal(gate, said("neither", "P-4"), "msg-4")
    assert (answer.status_code, answer.json()["state"]) == (200, "ignored")
    kept = gate.deliveries.get(answer.json()["delivery"])
    assert kept is not None
    assert kept.why.startswith("nothing matched: `first`: the trigger's `where` does not hold")


async def test_a_sender_that_no_runbook_listens_to_is_told_that_nothing_matched(gate: Hooked) -> None:
    del gate.library.texts["calling-back"]
    answer = await gate.post("coop", coop(body(CALLBACK)), CALLBACK)
    assert (answer.status_code, answer.json()["state"], answer.json()["starts"]) == (200, "ignored", [])


async def test_a_runbook_of_another_region_starts_nothing_here(gate: Hooked) -> None:
    text = LIBRARY["first"]
    gate.library.texts["first"] = text.replace("command: eu", "command: us").replace("allowed: [eu]", "allowed: [us]")
    answer = await portal(gate, said("one", "P-5"), "msg-5")
    assert (answer.json()["state"], answer.json()["starts"][0]["code"]) == ("ignored", "elsewhere")


async def test_one_that_cannot_be_started_does_not_keep_another_from_starting(gate: Hooked) -> None:
    text = gate.library.texts["second"]
    gate.library.texts["second"] = text.replace("max_length: 40", "max_length: 3")
    answer = await portal(gate, said("both", "P-6"), "msg-6")
    states = {one["runbook"]: one["state"] for one in answer.json()["starts"]}
    assert (answer.status_code, answer.json()["state"]) == (202, "dead")
    assert states == {"first": "started", "second": "dead"}
    assert "PLAIN-THING" not in answer.text
    gate.library.texts["second"] = text
    again = await portal(gate, said("both", "P-6"), "msg-6")
    states = {one["runbook"]: one["state"] for one in again.json()["starts"]}
    assert states == {"first": "started", "second": "started"}


async def test_a_runbook_that_does_not_compile_makes_a_dead_letter_and_no_silence(gate: Hooked) -> None:
    gate.library.texts["first"] = LIBRARY["first"].replace("severity: S3", "severity: S9")
    answer = await portal(gate, said("one", "P-7"), "msg-7")
    assert (answer.status_code, answer.json()["state"]) == (202, "dead")
    assert answer.json()["starts"][0] == {"runbook": "first", "state": "dead", "code": "runbook_refused"}
    told = await portal(gate, said("one", "P-7"), "msg-7b", to="triggers/first")
    assert (told.status_code, told.json()["code"]) == (503, "runbook_refused")


async def test_the_same_id_with_another_content_is_refused_and_counted(gate: Hooked) -> None:
    await portal(gate, said("one", "P-8"), "msg-8")
    answer = await portal(gate, said("one", "P-9"), "msg-8")
    assert (answer.status_code, answer.json()["code"]) == (409, "id_reused")
    await gate.desk.write_counts()
    assert [(one.sender, one.code, one.times) for one in gate.deliveries.refusals()] == [("portal", "id_reused", 1)]


async def test_alerts_of_one_group_that_come_later_are_taken_in_by_the_open_incident(gate: Hooked) -> None:
    first = (await gate.post("alerts", bearer(), GROUP)).json()["starts"][0]
    later = json.loads(json.dumps(GROUP))
    later["alerts"][1] |= {"startsAt": "2026-11-22T02:00:00Z", "fingerprint": "0000000000000001"}
    second = (await gate.post("alerts", bearer(), later)).json()["starts"][0]
    assert (second["state"], second["incident"]) == ("merged", first["incident"])


async def test_a_resolved_group_starts_nothing_even_where_the_trigger_would(gate: Hooked) -> None:
    gate.library.texts["alerting"] = LIBRARY["alerting"].replace("event.status == 'firing'", "event.version == '4'")
    over = json.loads(json.dumps(GROUP))
    over["status"] = "resolved"
    for alert in over["alerts"]:
        alert |= {"status": "resolved", "endsAt": "2026-11-22T03:40:00Z"}
    answer = await gate.post("alerts", bearer(), over)
    assert (answer.status_code, answer.json()["state"]) == (200, "ignored")
    kept = gate.deliveries.get(answer.json()["delivery"])
    assert kept is not None
    assert kept.why == (
        "it says that the thing is over, which starts nothing; nothing of it had started an incident here"
    )


async def test_an_alert_that_we_raised_at_the_pager_starts_nothing_here(gate: Hooked) -> None:
    event = json.loads(json.dumps(INCIDENT))
    event["event"]["data"]["incident_key"] = "watchfloor/eu/inc-aaaaaaaaaaaaaaaaaaaa/p1"
    answer = await gate.post("pages", pagerduty(body(event)), event)
    assert (answer.status_code, answer.json()["state"]) == (200, "ignored")


# -- what is not believed, and what is too much ------------------------------------------------------------------------


async def test_forgeries_are_refused_alike_counted_and_keep_nothing(gate: Hooked) -> None:
    forged = [
        await gate.post("alerts", bearer("a-token-of-some-lengtH"), GROUP),
        await gate.post("alerts", basic("alertmanager", "x" * 20), GROUP),
        await gate.post("pages", pagerduty(b"{}"), INCIDENT),
        await gate.post("coop", coop(body(CALLBACK), OTHER_KEY), CALLBACK),
        await gate.post("nobody", bearer(), GROUP),
        await gate.post("portal", standard(body({}), at=datetime.now(UTC) - timedelta(minutes=6)), b"{}"),
    ]
    assert {answer.status_code for answer in forged} == {401}
    assert len({answer.text for answer in forged}) == 1
    await gate.desk.write_counts()
    counted = {(one.sender, one.code): one.times for one in gate.deliveries.refusals()}
    assert counted == {
        ("alerts", "signature"): 2,
        ("pages", "signature"): 1,
        ("coop", "signature"): 1,
        ("", "signature"): 1,
        ("portal", "signature"): 1,
    }


async def test_what_is_too_large_or_of_another_type_is_refused_before_it_is_read(gate: Hooked) -> None:
    large = await gate.post("alerts", bearer(), b"{" + b" " * 300_000 + b"}")
    assert (large.status_code, large.json()["code"]) == (413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        try:
            chunked = await http.post(f"{gate.url}/hooks/alerts", content=endless(), headers=bearer())
        except httpx2.TransportError:
            pass  # the gateway hung up while the rest was still being sent, before its answer could be read
        else:
            assert chunked.status_code == 413
    typed = await gate.post("alerts", bearer(media="text/plain"), GROUP)
    assert (typed.status_code, typed.json()["code"]) == (415, "media_type")
    assert gate.deliveries.page() == []


async def test_a_body_that_comes_too_slowly_is_given_up(gate: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gate.url.rpartition(":")[2]))
    head = "POST /hooks/alerts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readuntil(b"slow_body"), 10)
    assert answer.startswith(b"HTTP/1.1 400")
    writer.close()


async def test_a_header_that_would_break_a_line_reaches_no_answer(gate: Hooked) -> None:
    headers = {**bearer(), **BINARY, "ce-id": "a%0d%0aSet-Cookie:%20x=1"}
    answer = await gate.post("events", headers, EVENT["data"])
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
    assert "x=1" not in answer.text


async def test_nothing_of_what_a_delivery_said_stands_in_the_store_or_the_log(
    gate: Hooked, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, kind in enumerate(("one", "neither", "both")):
        await portal(gate, said(kind, f"PLAIN-ID-{number}"), f"PLAIN-MSG-{number}")
    await gate.post("alerts", bearer(), GROUP)
    await gate.post("alerts", bearer(), {**GROUP, "commonLabels": {"queue": "x" * 60}, "status": "firing"})
    kept = b"".join(path.read_bytes() for path in gate.folder.iterdir() if path.name.startswith("received"))
    shown = "".join(capsys.readouterr()).encode()
    assert b"delivery settled" in shown
    for word in (b"PLAIN", b"QueueStalled", b"escalations", b"bc97ff14869b13e3"):
        assert word not in kept
        assert word not in shown


# -- what waits, what dies -------------------------------------------------------------------------------------------


async def test_while_the_engine_is_away_a_delivery_is_kept_and_driven_later_once(
    gate: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, away = driving.start_incident, True

    async def start_incident(*args: Any, **more: Any) -> Any:
        if away:
            raise EngineUnavailable("away")
        return await start(*args, **more)

    monkeypatch.setattr(driving, "start_incident", start_incident)
    answer = await portal(gate, said("both", "P-10"), "msg-10")
    assert (answer.status_code, answer.json()["state"]) == (202, "kept")
    assert await gate.driver.drive_due() == 0
    away = False
    gate.clock.now += timedelta(seconds=2)
    assert await gate.driver.drive_due() == 1
    kept = gate.deliveries.get(answer.json()["delivery"])
    assert kept is not None
    assert (kept.state, kept.attempts) == ("started", 2)
    assert [one.state for one in kept.outcomes] == ["started", "started"]
    gate.clock.now += timedelta(hours=1)
    assert await gate.driver.drive_due() == 0


async def test_beyond_its_senders_patience_it_is_a_dead_letter_that_can_be_driven_once_more(
    gate: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start_incident(*args: Any, **more: Any) -> Any:
        raise EngineUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(driving, "start_incident", start_incident)
        id_ = (await portal(gate, said("one", "P-11"), "msg-11")).json()["delivery"]
        gate.clock.now += timedelta(minutes=5)
        assert await gate.driver.drive_due() == 1
    dead = gate.deliveries.get(id_)
    assert dead is not None
    assert (dead.state, dead.outcomes[0].code, dead.readable) == ("dead", "unavailable", True)
    assert gate.deliveries.redrive(id_, "ops-1", "", timedelta(minutes=5), now=gate.clock.now) is not None
    assert await gate.driver.drive_due() == 1
    again = gate.deliveries.get(id_)
    assert again is not None
    assert (again.state, again.readable, again.person) == ("started", False, "ops-1")
    assert gate.deliveries.redrive(id_, "ops-1", "", timedelta(minutes=5), now=gate.clock.now) is None


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_dies_around_the_start_leaves_one_incident(
    gate: Hooked, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Between keeping and starting, or between starting and writing it down: the next process drives it once more."""
    start = driving.start_incident

    async def start_incident(*args: Any, **more: Any) -> Any:
        if when == "after":
            await start(*args, **more)
        raise asyncio.CancelledError  # what a process that is killed does not go on with

    with monkeypatch.context() as patched:
        patched.setattr(driving, "start_incident", start_incident)
        content = body(said("one", "P-12"))
        with pytest.raises(asyncio.CancelledError):
            await gate.desk.take("portal", standard(content, id_="msg-12"), content)
    (left,) = gate.deliveries.page()
    assert (left.state, left.outcomes) == ("kept", ())
    assert await gate.driver.drive_due() == 0  # whoever held it may still be at it
    gate.clock.now += timedelta(seconds=61)
    assert await gate.driver.drive_due() == 1
    done = gate.deliveries.get(left.id)
    assert done is not None
    assert done.state == ("joined" if when == "after" else "started")
    repeated = await portal(gate, said("one", "P-12"), "msg-12")
    assert repeated.json()["starts"][0]["incident"] == done.outcomes[0].incident


async def test_a_store_that_cannot_keep_it_has_the_sender_come_again_and_starts_nothing(
    gate: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            sqlite3, "connect", lambda *a, **m: (_ for _ in ()).throw(sqlite3.OperationalError("disk full"))
        )
        answer = await portal(gate, said("one", "P-13"), "msg-13")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert gate.deliveries.page() == []


async def test_an_error_inside_neither_ends_the_loop_nor_is_tried_for_ever(
    gate: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start_incident(*args: Any, **more: Any) -> Any:
        raise RuntimeError("PLAIN")

    monkeypatch.setattr(driving, "start_incident", start_incident)
    id_ = (await portal(gate, said("one", "P-14"), "msg-14")).json()["delivery"]
    gate.clock.now += timedelta(minutes=5)
    assert await gate.driver.drive_due() == 1
    dead = gate.deliveries.get(id_)
    assert dead is not None
    assert (dead.state, dead.outcomes[0].code) == ("dead", "internal")
    assert "PLAIN" not in dead.why


async def test_a_delivery_of_a_compartment_says_whose_it_is(gate: Hooked) -> None:
    gate.library.texts["second"] = runbook(
        "second", "portal | event.kind in ['two', 'both'] | event.thing | event.id", compartment="csea"
    )
    walls, told = {}, {}
    for number, kind in enumerate(("one", "two", "both", "neither")):
        answer = (await portal(gate, said(kind, f"P-2{number}"), f"msg-2{number}")).json()
        told[kind] = [(each.get("runbook", ""), each["state"]) for each in answer["starts"]]
        kept = gate.deliveries.get(answer["delivery"])
        assert kept is not None
        walls[kind] = kept.compartments
    # what concerned nobody may have been meant for any of them
    assert walls == {"one": (), "two": ("csea",), "both": ("csea",), "neither": ("csea",)}
    # nor is its sender told which runbooks of a compartment there are
    assert told == {
        "one": [("first", "started")],
        "two": [("first", "ignored"), ("", "started")],
        "both": [("first", "started"), ("", "started")],
        "neither": [("first", "ignored")],
    }
