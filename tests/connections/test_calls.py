"""One action, one request: what is sent, what may be in it, what never leaves."""

import gzip
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.catalog import CATALOG
from schemas.actions import ActionCall, ErrorType
from watchfloor.connections.calls import Request, Wire, _TooLate, _Watch
from watchfloor.connections.egress import Egress
from watchfloor.connections.port import CallFailed
from watchfloor.connections.templates import fill_path
from watchfloor.connections.wiring import Connections, open_connections

TEXT = """
version: 1
sandbox: true
base: ${TARGET}
allow_hosts: ["${TARGET}"]
actions:
  content.disable:
    method: POST
    path: /items/{url}/disable
    query: {scope: "{scope}", ground: "{ground?}"}
    headers: {X-Incident: "{incident}", X-Scope: "{scope}"}
    body: {where: "{scope}", nested: {list: ["{url}", "{ground?}"]}, text: "of {incident} in {region}"}
    auth: {header: X-Api-Key, value: "key {secret}", secret: {env: PLATFORM_KEY}}
    idempotency: header
    key_header: X-Request-Key
    success: {at: ok, equals: true}
    outputs: {disabled_at: at}
    max_response: 1000
  content.probe:
    method: POST
    path: /probe
    body: {urls: "{urls}", countries: "{countries}"}
    outputs: {all_gone: all.gone, seen_at: list.1.at, remaining: remaining}
"""


def disable(**inputs: Any) -> ActionCall:
    call: dict[str, Any] = {
        "v": 1, "action": "content.disable", "region": "eu", "incident": "inc-a", "plan": "p", "step": "s", "path": "x",
        "key": "k1", "inputs": {"url": "https://example.test/v/1?a=b/../c", "scope": "eu", **inputs}, "effect": "reads",
        "tier": "0", "gated": False, "grant": None, "entries": [], "severity": "S1",
    }  # fmt: skip
    return call  # type: ignore[return-value]


@pytest.fixture
async def connections(tmp_path: Path, mirror: Any) -> AsyncIterator[Connections]:
    file = tmp_path / "bindings.yaml"
    file.write_text(TEXT)
    opened = open_connections(file, variables={"TARGET": mirror.url}, catalog=CATALOG, environ={"PLATFORM_KEY": "abc"})
    yield opened
    await opened.close()


async def test_the_request_is_what_the_binding_says(connections: Connections, mirror: Any) -> None:
    answer = await connections.caller.call(disable(ground="tco.order"))
    assert answer.outputs == {"disabled_at": "2026-11-22T03:10:00Z"}
    (sent,) = mirror.requests
    assert sent["method"] == "POST"
    assert sent["target"] == (
        "/items/https%3A%2F%2Fexample.test%2Fv%2F1%3Fa%3Db%2F..%2Fc/disable?scope=eu&ground=tco.order"
    )
    assert json.loads(sent["text"]) == {
        "where": "eu",
        "nested": {"list": ["https://example.test/v/1?a=b/../c", "tco.order"]},
        "text": "of inc-a in eu",
    }
    headers = sent["headers"]
    assert (headers["x-request-key"], headers["x-api-key"], headers["x-incident"]) == ("k1", "key abc", "inc-a")
    assert headers["host"] == mirror.url.removeprefix("http://")
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("absent", [{}, {"ground": None}])
async def test_an_absent_input_leaves_its_places_out(
    connections: Connections, mirror: Any, absent: dict[str, None]
) -> None:
    await connections.caller.call(disable(**absent))
    sent = mirror.requests[0]
    assert sent["target"].endswith("?scope=eu")
    assert len(json.loads(sent["text"])["nested"]["list"]) == 1


async def test_outputs_are_taken_from_their_places_and_null_is_absent(connections: Connections, mirror: Any) -> None:
    body = {"all": {"gone": True}, "list": [{}, {"at": "2026-11-22T03:10:00Z"}], "remaining": None}
    mirror.reply = (200, {}, json.dumps(body).encode())
    call = {**disable(), "action": "content.probe", "inputs": {"urls": ["https://a.test/"], "countries": ["DE"]}}
    answer = await connections.caller.call(call)  # type: ignore[arg-type]
    assert answer.outputs == {"all_gone": True, "seen_at": "2026-11-22T03:10:00Z"}
    assert json.loads(mirror.requests[0]["text"]) == {"urls": ["https://a.test/"], "countries": ["DE"]}


HOSTILE = ["eu\r\nX-Evil: 1", "eu\nfoo", "e\x00u", "eü", "\u202eeu"]


@pytest.mark.parametrize("scope", HOSTILE)
async def test_an_input_cannot_break_out_of_a_header(connections: Connections, mirror: Any, scope: str) -> None:
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable(scope=scope))
    assert (caught.value.type, caught.value.possible) == (ErrorType.BAD_INPUT, False)
    assert scope not in str(caught.value)
    assert mirror.requests == []


@pytest.mark.parametrize("url", ["..", ".", ""])
async def test_an_input_cannot_climb_out_of_a_path(connections: Connections, mirror: Any, url: str) -> None:
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable(url=url))
    assert caught.value.type == ErrorType.BAD_INPUT
    assert mirror.requests == []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_value_is_one_segment_of_a_path(value: str) -> None:
    if value in {".", ".."}:
        return
    path = fill_path("/items/{url}/disable", {"url": value})
    assert path.count("/") == 3
    assert path.isascii()
    assert not set(path) & set("?#\\ \r\n")


async def test_a_redirect_is_not_followed(connections: Connections, mirror: Any) -> None:
    mirror.reply = (307, {"location": f"{mirror.url}/elsewhere"}, b"")
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable())
    assert (caught.value.type, caught.value.possible) == (ErrorType.REFUSED, True)
    assert len(mirror.requests) == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, b'"' + b"x" * 2000 + b'"'), ({"content-encoding": "gzip"}, gzip.compress(b'{"ok": true}'))],
    ids=["long", "compressed"],
)
async def test_an_answer_is_read_only_up_to_a_size(
    connections: Connections, mirror: Any, headers: dict[str, str], body: bytes
) -> None:
    mirror.reply = (200, headers, body)
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable())
    assert (caught.value.type, caught.value.possible) == (ErrorType.TOO_LARGE, True)


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[" * 500, b"\xff", b"nul"])
async def test_an_answer_that_is_not_json_says_nothing_about_the_effect(
    connections: Connections, mirror: Any, body: bytes
) -> None:
    mirror.reply = (200, {}, body)
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable())
    assert (caught.value.type, caught.value.possible) == (ErrorType.UNAVAILABLE, True)


@pytest.mark.parametrize("said", [False, None, 1, "true", [True], "absent"])
async def test_200_with_a_failure_inside_is_a_failure(connections: Connections, mirror: Any, said: Any) -> None:
    body = {"at": "2026-11-22T03:10:00Z"} | ({} if said == "absent" else {"ok": said})
    mirror.reply = (200, {}, json.dumps(body).encode())
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable())
    assert (caught.value.type, caught.value.possible) == (ErrorType.REFUSED, False)


async def test_what_a_failure_says_holds_no_secret_and_no_body(connections: Connections, mirror: Any) -> None:
    mirror.reply = (403, {}, b'{"detail": "canary-text"}')
    with pytest.raises(CallFailed) as caught:
        await connections.caller.call(disable(ground="canary-input"))
    told = f"{caught.value} {caught.value.detail}"
    assert "canary" not in told
    assert "abc" not in told


async def test_nobody_listening_is_known_to_have_done_nothing(tmp_path: Path) -> None:
    wire = Wire(Egress(["http://127.0.0.1:9"], sandbox=True))
    with pytest.raises(CallFailed) as caught:
        await wire.send(Request("GET", "http://127.0.0.1:9/", {}, None, 5.0, 100))
    assert (caught.value.type, caught.value.possible) == (ErrorType.UNAVAILABLE, False)
    await wire.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://169.254.169.254/", "http://user@127.0.0.1:9/"])
async def test_the_wire_itself_refuses_what_is_not_on_the_list(url: str) -> None:
    wire = Wire(Egress(["http://127.0.0.1:9"], sandbox=True))
    with pytest.raises(CallFailed) as caught:
        await wire.send(Request("GET", url, {}, None, 5.0, 100))
    assert (caught.value.type, caught.value.possible) == (ErrorType.REFUSED, False)


async def test_a_name_that_is_bound_again_is_checked_again_and_the_checked_address_is_connected_to(mirror: Any) -> None:
    """The name server answers loopback first and somewhere else the second time."""
    answers = iter([["127.0.0.1"], ["93.184.215.14"]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    wire = Wire(Egress([f"http://localhost:{mirror.port}"], sandbox=True, resolver=rebinding))
    request = Request("GET", f"http://localhost:{mirror.port}/x", {}, None, 5.0, 1000)
    assert (await wire.send(request)).status == 200
    assert mirror.requests[0]["headers"]["host"] == f"localhost:{mirror.port}"
    with pytest.raises(CallFailed) as caught:
        await wire.send(request)
    assert caught.value.type == ErrorType.REFUSED
    assert len(mirror.requests) == 1
    await wire.close()


async def test_an_action_without_a_binding_says_so(connections: Connections) -> None:
    for ask in (connections.caller.terms, connections.caller._binding):
        with pytest.raises(CallFailed) as caught:
            ask("live.end")
        assert caught.value.type == ErrorType.NOT_BOUND


async def test_a_worker_that_stood_still_before_sending_sends_nothing_afterwards(mirror: Any) -> None:
    """The loop is blocked, as by SIGSTOP, while the address is resolved; it wakes long after the request's time."""

    async def stalling(_host: str, _port: int) -> list[str]:
        time.sleep(0.15)
        return ["127.0.0.1"]

    wire = Wire(Egress([mirror.url], sandbox=True, resolver=stalling))
    with pytest.raises(CallFailed) as caught:
        await wire.send(Request("POST", f"{mirror.url}/x", {}, b"{}", 0.1, 1000))
    assert (caught.value.type, caught.value.possible) == (ErrorType.UNAVAILABLE, False)
    assert mirror.requests == []
    await wire.close()


async def test_a_stall_between_connecting_and_sending_sends_nothing_either(mirror: Any) -> None:
    wire = Wire(Egress([mirror.url], sandbox=True))
    await wire.send(Request("GET", f"{mirror.url}/warm", {}, None, 5.0, 1000))
    watch = _Watch(lambda: 100.0, 50.0)
    with pytest.raises(_TooLate):
        await wire.exchange(Request("POST", f"{mirror.url}/x", {}, b"{}", 5.0, 1000), watch)
    assert not watch.sent
    assert [request["target"] for request in mirror.requests] == ["/warm"]
    await wire.close()


async def test_a_name_that_rotates_its_addresses_keeps_its_connection(mirror: Any) -> None:
    answers = iter([["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])

    async def rotating(_host: str, _port: int) -> list[str]:
        return next(answers)

    wire = Wire(Egress([f"http://localhost:{mirror.port}"], sandbox=True, resolver=rotating))
    for _ in range(2):
        await wire.send(Request("GET", f"http://localhost:{mirror.port}/x", {}, None, 5.0, 1000))
    assert {request["client"] for request in mirror.requests} == {mirror.requests[0]["client"]}
    await wire.close()
