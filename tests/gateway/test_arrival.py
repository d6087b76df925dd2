"""What arrives too large, too slowly, malformed or all at once, at a real server."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

from tests.gateway.apis import ORDER, Api
from tests.gateway.regions_on_loopback import served
from watchfloor.gateway import admission as gateway_admission
from watchfloor.gateway import arrival, heads, problems
from watchfloor.gateway.admission import LONGEST, Admission, Places
from watchfloor.gateway.bodies import MAX_BODY
from watchfloor.gateway.problems import Problem

START = "/api/v1/incidents"


def head(api: Api, *lines: str, path: str = START, key: str = "") -> bytes:
    given = ["content-type: application/json", "idempotency-key: one", f"authorization: Bearer {key or api.key()}"]
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: x", *given, *lines, "", ""]).encode()


async def talk(api: Api, *parts: bytes, within: float = 5.0) -> tuple[int, bytes]:
    """Send raw bytes; gives the status and all that came back, once the server has closed or answered."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(within):
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(one.split(b":")[1]) for one in answer.lower().split(b"\r\n") if b"content-length" in one), 0
            )
            answer += await reader.readexactly(length)
    finally:
        writer.close()
    return int(answer.split()[1]), answer


def code(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["code"])


@pytest.mark.parametrize("path", [START, "/console/sign-in", "/healthz", "/hooks/x"])
async def test_a_body_that_says_it_is_too_large_is_not_waited_for(api: Api, path: str) -> None:
    status, answer = await talk(api, head(api, "content-length: 900000", path=path))
    assert (status, code(answer)) == (413, "too_large")
    assert b"connection: close" in answer.lower()


async def test_a_body_without_a_length_is_capped_while_it_arrives(api: Api) -> None:
    chunk = b"1000\r\n" + b"[" * 4096 + b"\r\n"
    status, answer = await talk(api, head(api, "transfer-encoding: chunked"), *[chunk] * (MAX_BODY // 4096 + 1))
    assert (status, code(answer)) == (413, "too_large")


@pytest.mark.parametrize("sent", [b"", b'{"runbook": "x'], ids=["nothing", "the beginning"])
async def test_a_body_that_does_not_arrive_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(arrival, "WITHIN", 0.2)
    status, answer = await talk(api, head(api, "content-length: 500"), sent)
    assert (status, code(answer)) == (400, "slow_body")
    assert b"connection: close" in answer.lower()


async def test_a_body_that_drips_is_cut_off_at_its_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "WITHIN", 0.3)
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head(api, "content-length: 5000"))

    async def drip() -> None:
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"\r\n\r\n")
    dripping.cancel()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_stream_of_events_outlives_the_time_of_a_body(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "WITHIN", 0.1)
    headers = {"authorization": f"Bearer {api.key()}"}
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=10) as http,
        http.stream("GET", f"{api.url}/api/v1/events", headers=headers) as answer,
    ):
        lines = [line async for line in _some(answer, 3)]
    assert len(lines) == 3


async def _some(answer: httpx2.Response, count: int) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line.startswith(":"):
            yield line
            count -= 1
        if count == 0:
            return


@pytest.mark.parametrize("parts", [1, 8], ids=["at once", "in parts"])
async def test_a_head_that_is_too_large_is_refused(api: Api, parts: int) -> None:
    long = head(api, "x-long: " + "a" * heads.MAX_HEAD)
    size = len(long) // parts + 1
    status, _ = await talk(api, *(long[nth : nth + size] for nth in range(0, len(long), size)))
    assert status in {400, 431}
    assert (await api.ask("GET", "/incidents", api.key())).status_code == 200


@pytest.mark.parametrize(
    "line",
    [
        b"x: a\r\n\r\nGET /healthz HTTP/1.1\r\nhost: y",
        b"x: a\x00b",
        b"x\t: a",
        b"content-length: 3\r\ncontent-length: 4",
        b"content-length: -1",
        b"content-length: 4\r\ntransfer-encoding: chunked",
        b"transfer-encoding: gzip, chunked",
    ],
    ids=["a second head", "a null", "a blank in a name", "two lengths", "a negative length", "both", "a coding"],
)
async def test_a_head_that_two_readers_could_read_differently_starts_nothing(api: Api, line: bytes) -> None:
    before = head(api)[:-2]
    status, answer = await talk(api, before + line + b"\r\n\r\n")
    assert status in {400, 422, 501}, answer
    assert b'"started"' not in answer


@pytest.mark.parametrize(
    "given", ["one%0d%0aset-cookie:%20a=b", "one\u010d\u010aset-cookie: a=b", "%0d%0a%0d%0a<html>"]
)
async def test_nothing_of_a_request_becomes_a_header_of_its_answer(api: Api, given: str) -> None:
    key = api.key()
    for path in (f"/incidents/{given}", f"/incidents?cursor={given}", f"/runbooks/{given}", f"/{given}"):
        answer = await api.ask("GET", path, key)
        assert answer.status_code in {404, 422}
        assert "set-cookie" not in answer.headers
        assert "<html>" not in answer.text


async def test_an_order_in_a_body_of_the_largest_size_is_taken(api: Api) -> None:
    order = {**ORDER, "inputs": {**ORDER["inputs"], "urls": [f"https://v.example.test/{n:040}" for n in range(900)]}}
    assert 50_000 < len(json.dumps(order)) < MAX_BODY
    assert (await api.start(api.key(), document=order)).status_code == 202


# -- how much at once ---------------------------------------------------------------------------------------------


async def test_who_finds_no_room_is_told_at_once_when_to_come_and_each_later_than_the_one_before() -> None:
    now = 100.0
    admission = Admission(at_once=1, room=1, clock=lambda: now)
    admission._takes = 0.5
    async with AsyncExitStack() as inside:
        await inside.enter_async_context(admission.enter())
        waiting = asyncio.create_task(_pass(admission))
        await asyncio.sleep(0)
        told = []
        for _ in range(8):
            with pytest.raises(Problem) as refused:
                await inside.enter_async_context(admission.enter())
            told.append((refused.value.status, refused.value.retry_after))
    await waiting
    assert {status for status, _ in told} == {503}
    assert [after for _, after in told] == [1, 2, 2, 3, 3, 4, 4, 5]
    assert admission.turned_away == 8


async def _pass(admission: Admission) -> None:
    async with admission.enter():
        await asyncio.sleep(0)


async def test_who_was_let_wait_by_the_pace_of_before_is_turned_away_once_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway_admission, "WAITS", 0.05)
    admission = Admission(at_once=1, room=64)
    admission._takes = 0.001
    async with admission.enter():
        told = await asyncio.gather(*(_pass(admission) for _ in range(3)), return_exceptions=True)
        assert [isinstance(one, Problem) and one.status for one in told] == [503] * 3
    assert admission.turned_away == 3
    await _pass(admission)


async def test_nobody_waits_for_long_where_things_take_long() -> None:
    admission = Admission(at_once=2, room=64)
    admission._takes = 4.0
    async with AsyncExitStack() as inside:
        for _ in range(2):
            await inside.enter_async_context(admission.enter())
        waiting = [asyncio.create_task(_pass(admission)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await inside.enter_async_context(admission.enter())
        assert refused.value.retry_after == 6
    await asyncio.gather(*waiting)


async def test_no_appointment_is_later_than_a_minute() -> None:
    admission = Admission(at_once=1, room=0, clock=lambda: 5.0)
    admission._takes = 10.0
    told = []
    for _ in range(50):
        with pytest.raises(Problem) as refused:
            async with admission.enter():
                pass
        told.append(refused.value.retry_after)
    assert max(one or 0 for one in told) == LONGEST


async def test_of_many_orders_at_once_each_is_accepted_or_told_to_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [api.key() for _ in range(3)]
    order = [(keys[nth % 3], f"order-{nth}") for nth in range(120)]
    answers = await asyncio.gather(*(api.start(*one) for one in order))
    turned = [one for one in answers if one.status_code == 503]
    assert {one.status_code for one in answers} <= {202, 503}
    assert all(one.json()["code"] == "busy" and int(one.headers["retry-after"]) >= 1 for one in turned)
    again = await asyncio.gather(*(api.start(*one) for one in order[:60]))
    assert {one.json()["state"] for one in again if one.status_code < 300} <= {"started", "joined"}


async def test_event_streams_and_requests_do_not_take_each_others_places() -> None:
    app = FastAPI()
    inside, go = asyncio.Event(), asyncio.Event()

    @app.get("/{name:path}")
    async def wait(request: Request) -> Any:
        inside.set()
        await go.wait()
        return PlainTextResponse("done")

    places: Any = Places(app, requests=1, streams=1)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with served(places, listener), httpx2.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
            stream = asyncio.create_task(http.get("/x/events"))
            await inside.wait()
            inside.clear()
            request = asyncio.create_task(http.get("/x"))
            await inside.wait()
            for path in ("/x", "/y/events"):
                refused = await http.get(path)
                assert (refused.status_code, refused.json()["code"]) == (503, "busy")
                assert refused.headers["retry-after"] == "2"
            go.set()
            assert [(await one).status_code for one in (stream, request)] == [200, 200]
            assert (await http.get("/x")).status_code == 200, "a place that was left is free"


@pytest.mark.parametrize("late", [0.05, 10], ids=["soon after", "never"])
async def test_who_is_turned_away_reads_when_to_come_again_though_the_body_follows_the_head(
    monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    monkeypatch.setattr(problems, "LINGER", 0.5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        async with served(cast(Any, Places(FastAPI(), requests=0)), listener):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
            if late < 1:
                await asyncio.sleep(late)
                writer.write(b"body")
            answer = await reader.readuntil(b"}")
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 2" in answer
            stays = b"connection: close" not in answer
            assert stays == (late < 1), "a connection of which all was read serves the next request"
            if stays:
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 503")
            writer.close()


async def test_a_sender_who_waits_to_be_asked_for_the_body_is_turned_away_without_it() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        async with served(cast(Any, Places(FastAPI(), requests=0)), listener):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n")
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 503")
            writer.close()


async def test_where_there_are_too_many_connections_a_problem_says_when_to_come_again() -> None:
    app = FastAPI()

    @app.get("/")
    async def answer() -> Any:
        return PlainTextResponse("done")

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with served(app, listener, limit_concurrency=3), httpx2.AsyncClient(trust_env=False) as http:
            first = await http.get(url)
            assert (first.status_code, first.text) == (200, "done")
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            refused = await http.get(url)
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["retry-after"] == "5"
            assert refused.headers["connection"] == "close"
            for _, writer in idle:
                writer.close()
                await writer.wait_closed()
            async with asyncio.timeout(20):
                while (await http.get(url)).status_code != 200:
                    await asyncio.sleep(0.01)
