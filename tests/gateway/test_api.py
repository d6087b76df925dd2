"""The HTTP API over real HTTP: keys, starting, reading, following, and what it never tells."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from schemas.ledger import Entry
from tests.gateway.apis import ORDER, Api
from watchfloor.client.runs import started_with
from watchfloor.gateway.api import fresh

INCIDENT = "inc-abcdefghijklmnopqrst"


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_an_order_starts_one_incident_however_often_its_key_comes(api: Api) -> None:
    key = api.key()
    answers = await asyncio.gather(*(api.start(key) for _ in range(50)))
    assert sorted({answer.status_code for answer in answers}) == [200, 202]
    assert sum(answer.json()["state"] == "started" for answer in answers) == 1
    (incident,) = {answer.json()["incident"] for answer in answers}
    assert answers[0].headers["location"] == f"/api/v1/incidents/{incident}"
    start = await started_with(api.face, incident)
    assert (start["trigger"]["source"], start["trigger"]["key"]) == ("mod_queue", "order-1")
    assert start["inputs"] == ORDER["inputs"]


async def test_a_key_used_for_another_order_is_refused(api: Api) -> None:
    key = api.key()
    await api.start(key)
    other = {**ORDER, "inputs": {**ORDER["inputs"], "issuing_state": "FR"}}
    assert problem(await api.start(key, document=other)) == (409, "key_reused")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surprise": 1}, "body"),
        ({"runbook": 7}, "body.runbook"),
        ({"inputs": {**ORDER["inputs"], "issuing_state": "XX"}}, "inputs.issuing_state"),
        ({"received_at": "2199-01-01T00:00:00Z"}, "received_at"),
    ],
)
async def test_what_does_not_fit_is_named_and_starts_nothing(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await api.start(api.key(), document={**ORDER, **change})
    assert answer.status_code == 422
    assert field in {one["field"] for one in answer.json()["fields"]}
    assert "surprise" not in answer.text


async def test_an_order_without_a_key_of_its_own_is_refused(api: Api) -> None:
    answer = await api.ask("POST", "/incidents", api.key(), json=ORDER)
    assert problem(answer) == (422, "shape")


async def test_nobody_is_let_in_by_a_wrong_an_expired_or_a_revoked_key(api: Api) -> None:
    good = api.key()
    assert (await api.ask("GET", "/incidents", good)).status_code == 200
    expired = api.key(now=datetime.now(UTC) - timedelta(days=2))
    revoked = api.key()
    api.machines.revoke(revoked.split("_")[1])
    wrong = good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB")
    told = set()
    for shown in (None, expired, revoked, wrong, "wf_x", good + "x"):
        answer = await api.ask("GET", "/incidents", shown)
        assert problem(answer) == (401, "not_signed_in")
        told.add(answer.text)
    assert len(told) == 1, "what is wrong with a key is told to nobody"


async def test_a_key_does_what_its_scopes_say_and_no_more(api: Api) -> None:
    reader = api.key("incidents:read")
    assert problem(await api.start(reader)) == (403, "scope")
    assert problem(await api.ask("GET", f"/incidents/{INCIDENT}/ledger", reader)) == (403, "scope")
    assert problem(await api.ask("GET", "/incidents", api.key("incidents:start"))) == (403, "scope")


async def test_a_key_that_asks_too_often_is_told_to_wait(api: Api) -> None:
    key = api.key("incidents:read")
    answers = await asyncio.gather(*(api.ask("GET", "/incidents", key) for _ in range(160)))
    late = [answer for answer in answers if answer.status_code == 429]
    assert len(late) == 10
    assert late[0].headers["retry-after"] == "1"
    assert (await api.ask("GET", "/incidents", api.key("incidents:read"))).status_code == 200


async def test_a_compartment_is_not_there_for_those_outside(api: Api) -> None:
    api.put(INCIDENT, compartment="csea")
    api.put("inc-bbbbbbbbbbbbbbbbbbbb", compartment="")
    outside, inside = api.key("incidents:read"), api.key("incidents:read", clearances=("csea",))
    listed = (await api.ask("GET", "/incidents", outside)).json()["incidents"]
    assert [one["incident"] for one in listed] == ["inc-bbbbbbbbbbbbbbbbbbbb"]
    hidden = await api.ask("GET", f"/incidents/{INCIDENT}", outside)
    never = await api.ask("GET", "/incidents/inc-cccccccccccccccccccc", outside)
    assert problem(hidden) == (404, "not_found")
    assert hidden.content == never.content
    for tail in ("/timeline", "/summary", "/events"):
        assert (await api.ask("GET", f"/incidents/{INCIDENT}{tail}", outside)).status_code == 404
    assert (await api.ask("GET", f"/incidents/{INCIDENT}", inside)).status_code == 200


async def test_pages_hold_every_incident_once_also_where_some_are_hidden(api: Api) -> None:
    for nth in range(23):
        letter = chr(ord("a") + nth)
        compartment = "csea" if nth % 3 == 0 else ""
        api.put(f"inc-{letter * 20}", opened_at=f"2026-11-22T03:{nth:02}:00Z", compartment=compartment)
    key, seen, cursor = api.key("incidents:read"), list[str](), ""
    while True:
        page = (await api.ask("GET", f"/incidents?limit=4&cursor={cursor}", key)).json()
        seen += [one["incident"][4] for one in page["incidents"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    wanted = [chr(ord("a") + nth) for nth in reversed(range(23)) if nth % 3]
    assert seen == wanted


async def test_filters_choose_by_state_severity_and_runbook(api: Api) -> None:
    api.put("inc-aaaaaaaaaaaaaaaaaaaa", severity="S0")
    api.put("inc-bbbbbbbbbbbbbbbbbbbb", severity="S2", state="closed")
    key = api.key("incidents:read")

    async def found(query: str) -> list[str]:
        answer = await api.ask("GET", f"/incidents?{query}", key)
        return [one["incident"][4] for one in answer.json()["incidents"]]

    assert await found("severity=S0") == ["a"]
    assert await found("severity=S0&severity=S2&state=closed") == ["b"]
    assert await found("runbook=nothing") == []


async def test_a_cursor_that_was_not_given_is_refused(api: Api) -> None:
    for cursor in ("x", "bnVsbA", "W10", "WzEsMl0"):
        assert problem(await api.ask("GET", f"/incidents?cursor={cursor}", api.key())) == (422, "cursor")


async def test_a_board_that_is_known_is_not_sent_again(api: Api) -> None:
    api.put(INCIDENT)
    key = api.key("incidents:read")
    first = await api.ask("GET", f"/incidents/{INCIDENT}", key)
    known = {"if-none-match": first.headers["etag"]}
    assert (await api.ask("GET", f"/incidents/{INCIDENT}", key, headers=known)).status_code == 304
    api.put(INCIDENT, severity="S0")
    again = await api.ask("GET", f"/incidents/{INCIDENT}", key, headers=known)
    assert (again.status_code, again.json()["severity"]) == (200, "S0")


def entry(nth: int) -> Entry:
    return {
        "v": 1,
        "id": f"{INCIDENT}:{nth}",
        "chain": INCIDENT,
        "kind": "phase.entered",
        "at": "2026-11-22T03:10:00Z",
        "actor": "engine",
        "step": "",
        "path": "",
        "data": {"phase": "triage", "nth": nth},
    }


async def read_events(api: Api, path: str, key: str, count: int, last: str = "") -> list[tuple[str, str, Any]]:
    """The first events of a stream: id, name, data."""
    headers = {"authorization": f"Bearer {key}", **({"last-event-id": last} if last else {})}
    found: list[tuple[str, str, Any]] = []
    now: dict[str, str] = {}
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=20) as http,
        http.stream("GET", f"{api.url}/api/v1{path}", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            now[name] = value
            if line == "" and "data" in now:
                found.append((now.get("id", ""), now.get("event", ""), json.loads(now["data"])))
                now = {}
            if len(found) == count:
                return found
    raise AssertionError("the stream ended")


async def test_a_stream_goes_on_after_the_last_event_seen(api: Api) -> None:
    api.put(INCIDENT)
    api.ledger.append([entry(nth) for nth in range(1, 4)])
    key = api.key("incidents:read")
    first = await read_events(api, f"/incidents/{INCIDENT}/events", key, 3)
    assert [one[0] for one in first] == ["1", "2", "3"]
    following = asyncio.create_task(read_events(api, f"/incidents/{INCIDENT}/events", key, 2, last="2"))
    await asyncio.sleep(0.3)
    api.ledger.append([entry(4)])
    api.changes.tell()
    assert [one[2]["data"]["nth"] for one in await following] == [3, 4]


async def test_the_stream_of_all_tells_changes_but_none_of_a_hidden_incident(api: Api) -> None:
    key = api.key("incidents:read")
    following = asyncio.create_task(read_events(api, "/events", key, 1))
    await asyncio.sleep(0.3)
    api.put(INCIDENT, compartment="csea")
    api.put("inc-bbbbbbbbbbbbbbbbbbbb", compartment="")
    ((_, name, data),) = await following
    assert (name, data["incident"]) == ("incident.changed", "inc-bbbbbbbbbbbbbbbbbbbb")


async def test_the_exported_ledger_is_the_chain(api: Api) -> None:
    api.put(INCIDENT)
    api.ledger.append([entry(nth) for nth in range(1, 8)])
    answer = await api.ask("GET", f"/incidents/{INCIDENT}/ledger", api.key())
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == list(api.ledger.read(INCIDENT))
    assert answer.headers["content-disposition"] == f'attachment; filename="{INCIDENT}.jsonl"'


async def test_the_document_describes_every_route(api: Api) -> None:
    document = (await api.ask("GET", "/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {"/incidents", "/incidents/{incident}", "/incidents/{incident}/facts", "/events"} <= set(document["paths"])
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["security"], "every route wants a key"


async def test_the_library_says_what_a_runbook_takes(api: Api) -> None:
    key = api.key("incidents:read")
    assert "eu-tco-removal-order" in {one["id"] for one in (await api.ask("GET", "/runbooks", key)).json()}
    page = (await api.ask("GET", "/runbooks/eu-tco-removal-order", key)).json()
    assert page["inputs"]["issuing_state"]["enum"]
    assert problem(await api.ask("GET", "/runbooks/nothing", key)) == (404, "not_found")


async def test_what_has_just_been_started_is_waited_for_at_its_address(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, outside = api.key(clearances=("terror",)), api.key()
    started = (await api.start(key)).json()
    address = started["url"].removeprefix("/api/v1")
    asking = asyncio.create_task(api.ask("GET", address, key))
    await asyncio.sleep(0.2)
    assert not asking.done(), "the index has not heard of it"
    api.put(started["incident"], compartment="terror")
    answer = await asking
    assert (answer.status_code, answer.json().get("workflow")) == (200, started["incident"]), answer.text
    monkeypatch.setattr(fresh, "HEARD_WITHIN", 60.0)
    async with asyncio.timeout(20):
        # neither what lies behind a wall nor what was never started is waited for
        for other, by in ((address, outside), ("/incidents/inc-" + "z" * 20, key)):
            assert problem(await api.ask("GET", other, by)) == (404, "not_found")
        monkeypatch.setattr(fresh, "HEARD_WITHIN", 0.1)
        never_heard_of = await api.start(key, "order-2", {**ORDER, "inputs": {**ORDER["inputs"], "order_id": "DE-2"}})
        assert (await api.ask("GET", never_heard_of.json()["url"].removeprefix("/api/v1"), key)).status_code == 404


def test_only_the_latest_starts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(fresh, "monotonic", lambda: now[0])
    monkeypatch.setattr(fresh, "MOST", 2)
    kept = fresh.Fresh()
    for name in ("a", "b", "c"):
        kept.note(name)
    assert [name in kept for name in "abc"] == [False, True, True]
    now[0] += fresh.REMEMBERED + 1
    assert "c" not in kept
    kept.note("d")
    assert kept._since.keys() == {"d"}
