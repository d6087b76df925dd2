"""The gateway's edges: what is no message of ours is refused early, in plain words, and repeats nothing."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from schemas.ledger import CHECKPOINT
from tests.gateway.regions_on_loopback import Region, served
from tests.gateway.test_handoffs import fresh, post
from watchfloor.gateway import heads
from watchfloor.gateway.bodies import MAX_BODY
from watchfloor.ledger.verify import verify_file
from watchfloor.regions.packets import close_packet
from watchfloor.regions.residency import load_residency
from watchfloor.signing import SigningKey, sign

RULES = load_residency()
SECRET = "canary-3d1e"


async def send(region: Region, content: Any, kind: str = "application/json", path: str = "/handoffs/packets") -> Any:
    async with httpx2.AsyncClient(trust_env=False) as client:
        response = await client.post(region.url + path, content=content, headers={"content-type": kind})
    assert SECRET not in response.text
    return response.status_code, response.json()["code"]


async def test_it_says_that_it_is_there(gateways: dict[str, Region]) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for name, region in gateways.items():
            response = await client.get(region.url + "/healthz")
            assert response.json() == {"ok": True, "region": name}
            assert response.headers["cache-control"] == "no-store"


async def test_what_is_no_message_is_refused(gateways: dict[str, Region]) -> None:
    eu, us = gateways["eu"], gateways["us"]
    sealed = close_packet(fresh(), eu.keys, us.keys.public, RULES).sealed
    good = json.dumps(sealed)
    cases = [
        ("", "not_json", 400),
        (f'{{"{SECRET}": 1', "not_json", 400),
        ("[1, NaN]", "not_json", 400),
        (b"\xff\xfe{}", "not_json", 400),
        (good[:-1] + ', "v": 1}', "not_json", 400),
        ("[" * 2000 + "]" * 2000, "not_json", 400),
        ("[]", "shape", 422),
        (json.dumps({**sealed, SECRET: 1}), "shape", 422),
        (json.dumps({**sealed, "v": "1"}), "shape", 422),
        (json.dumps({**sealed, "handoff": f"../{SECRET}"}), "shape", 422),
        (json.dumps({name: value for name, value in sealed.items() if name != "epk"}), "shape", 422),
        (json.dumps({**sealed, "box": "x" * MAX_BODY}), "too_large", 413),
    ]
    for content, code, status in cases:
        assert await send(us, content) == (status, code), content[:40]
    assert await send(us, good, kind="text/plain") == (415, "media_type")


async def test_a_body_without_a_length_is_capped_while_it_arrives(gateways: dict[str, Region]) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 4096

    assert await send(gateways["us"], endless()) == (413, "too_large")


async def closed_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await reader.read() == b""
    except TimeoutError:
        return False


@pytest.mark.parametrize("begun", [b"", b"POST /anchors HTTP/1.1\r\nhost: x\r\n"], ids=["silent", "half a head"])
async def test_a_head_that_does_not_end_is_not_waited_for(
    gateways: dict[str, Region], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(heads, "HEAD_TIMEOUT", 0.1)
    host, port = gateways["us"].url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(begun)
    assert await closed_within(reader, 2.0)
    writer.close()


@asynccontextmanager
async def one_of_two_connections(places: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that lets `places` be open, beside another one, which idles."""
    app = FastAPI()
    app.add_api_route("/", lambda: {})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        async with served(app, listener, limit_concurrency=places):
            port = listener.getsockname()[1]
            answered, other = await asyncio.open_connection("127.0.0.1", port)
            with closing(other):
                other.write(WHOLE)
                assert (await answered.readuntil(b"}")).startswith(b"HTTP/1.1 200")
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with closing(writer):
                    yield reader, writer


WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
CROWDED = pytest.mark.parametrize("places", [10, 3], ids=["alone", "where half of the places are taken"])


@CROWDED
async def test_a_slow_head_has_its_time_unless_places_are_needed(monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    monkeypatch.setattr(heads, "HEAD_CROWDED", 0.05)
    monkeypatch.setattr(heads, "HEAD_TIMEOUT", 60.0 if places == 3 else 1.0)
    async with one_of_two_connections(places) as (reader, writer):
        writer.write(WHOLE[:20])
        if places == 3:
            assert await closed_within(reader, 10.0)
            return
        assert not await closed_within(reader, 0.5)
        writer.write(WHOLE[20:])
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.write(WHOLE[:20])
        assert await closed_within(reader, 10.0), "but no more than its time"


async def test_a_whole_head_ends_the_wait_and_a_second_half_one_begins_it_again(
    gateways: dict[str, Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "HEAD_TIMEOUT", 0.1)
    host, port = gateways["us"].url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    whole = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    writer.write(whole)
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
    await asyncio.sleep(0.2)
    writer.write(whole)
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200"), "an idle connection lives its keep-alive time"
    writer.write(b"GET /healthz HTTP/1.1\r\nhost")
    assert await closed_within(reader, 2.0)
    writer.close()


async def test_a_connection_whose_body_ended_after_the_answer_idles_and_is_not_taken_for_a_head_that_began(
    gateways: dict[str, Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "HEAD_TIMEOUT", 0.1)
    host, port = gateways["us"].url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 404")
    writer.write(b"body")
    assert not await closed_within(reader, 0.5)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
    writer.close()


@CROWDED
async def test_a_connection_idles_for_longer_than_its_sender_lets_it_unless_its_place_is_needed(
    monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    monkeypatch.setattr(heads, "IDLES_CROWDED", 0)
    async with one_of_two_connections(places) as (reader, writer):
        writer.write(WHOLE)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        assert await closed_within(reader, 10.0 if places == 3 else 0.5) == (places == 3)


@pytest.mark.parametrize("chain", ["inc-abc\n", "inc-abc/../x", "inc-\u00e9"])
async def test_a_chains_name_is_matched_whole(gateways: dict[str, Region], chain: str) -> None:
    eu, us = gateways["eu"], gateways["us"]
    assert (await post(us, "/anchors", checkpoint(eu.keys.ledger, chain=chain))).status_code in {403, 422}
    assert not list((us.folder / "anchors").glob("**/*"))


async def test_other_addresses_and_methods_get_problems_too(gateways: dict[str, Region]) -> None:
    us = gateways["us"]
    async with httpx2.AsyncClient(trust_env=False) as client:
        for method, path, status in (
            ("GET", "/handoffs/packets", 405),
            ("GET", "/openapi.json", 404),
            ("GET", "/docs", 404),
            ("POST", "/healthz", 405),
            ("GET", "/anchors/../../keys", 404),
        ):
            response = await client.request(method, us.url + path)
            assert response.status_code == status
            assert response.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "code", "detail"} == set(response.json())


def checkpoint(key: SigningKey, **changes: Any) -> Any:
    body = {
        "v": 1,
        "region": "eu",
        "chain": "inc-abc",
        "seq": 3,
        "head": "sha256:" + "0" * 64,
        "at": "2026-11-22T10:00:00Z",
    }
    return sign(CHECKPOINT, {**body, **changes}, key)


async def test_anchors_are_kept_once_in_order_and_never_changed(gateways: dict[str, Region]) -> None:
    eu, us = gateways["eu"], gateways["us"]
    first, second = checkpoint(eu.keys.ledger), checkpoint(eu.keys.ledger, seq=5)
    statuses = [(await post(us, "/anchors", one)).status_code for one in (first, first, second)]
    assert statuses == [201, 200, 201]
    path = us.folder / "anchors" / "eu" / "inc-abc.jsonl"
    assert [json.loads(line) for line in path.read_text().splitlines()] == [first, second]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_many_anchors_at_once_are_all_kept(gateways: dict[str, Region]) -> None:
    eu, us = gateways["eu"], gateways["us"]
    many = [checkpoint(eu.keys.ledger, seq=seq) for seq in range(1, 21)]
    responses = await asyncio.gather(*(post(us, "/anchors", one) for one in many))
    assert {response.status_code for response in responses} == {201}
    lines = (us.folder / "anchors" / "eu" / "inc-abc.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["body"]["seq"] for line in lines) == list(range(1, 21))


async def test_a_fork_is_told_and_both_heads_are_kept(gateways: dict[str, Region], tmp_path: Path) -> None:
    eu, us = gateways["eu"], gateways["us"]
    other = checkpoint(eu.keys.ledger, head="sha256:" + "1" * 64)
    await post(us, "/anchors", checkpoint(eu.keys.ledger))
    response = await post(us, "/anchors", other)
    assert (response.status_code, response.json()["code"]) == (409, "forked")
    lines = (us.folder / "anchors" / "eu" / "inc-abc.jsonl").read_text().splitlines()
    assert len(lines) == 2
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    report = verify_file(empty, eu.keys.public.ledger, [json.loads(line) for line in lines])
    assert not report.ok


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"region": "us"}, 403),
        ({"region": "br"}, 403),
        ({"region": 7}, 403),
        ({"seq": 0}, 403),
        ({"extra": 1}, 403),
        ({"at": "soon"}, 403),
        ({"chain": "../../keys/face"}, 422),
        ({"chain": ""}, 422),
    ],
    ids=str,
)
async def test_what_is_no_checkpoint_of_the_other_region_is_not_kept(
    gateways: dict[str, Region], changes: dict[str, Any], status: int
) -> None:
    eu, us = gateways["eu"], gateways["us"]
    response = await post(us, "/anchors", checkpoint(eu.keys.ledger, **changes))
    assert response.status_code == status
    assert not list((us.folder / "anchors").glob("**/*.jsonl"))


async def test_a_checkpoint_by_another_key_is_not_kept(gateways: dict[str, Region]) -> None:
    eu, us = gateways["eu"], gateways["us"]
    for key in (eu.keys.packets, eu.keys.face, us.keys.ledger, SigningKey.generate()):
        assert (await post(us, "/anchors", checkpoint(key))).status_code == 403
    wrong_domain = sign("watchfloor.packet.v1", checkpoint(eu.keys.ledger)["body"], eu.keys.ledger)
    assert (await post(us, "/anchors", wrong_domain)).status_code == 403
