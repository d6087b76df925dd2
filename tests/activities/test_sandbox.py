"""The shipped bindings against the sandbox platform itself: every action, every kind of channel, its faults."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.assembly import assemble
from activities.catalog import CATALOG, INTERNAL
from activities.dependencies import Dependencies
from activities.effects import EffectRunner
from activities.values import check_values
from schemas.actions import ErrorType
from tests.servers import tcp_socket
from watchfloor.connections.loading import SHIPPED
from watchfloor.connections.wiring import open_connections
from watchfloor.evidence import EvidenceStore
from watchfloor.identity.reached import Reached
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys
from watchfloor.sandbox.mailboxes import mail_protocol
from watchfloor.sandbox.service import build_sandbox
from watchfloor.sandbox.store import Store

URL = "https://example.test/v/1"
INPUTS: dict[str, dict[str, Any]] = {
    "screen.imminent_threat": {"urls": [URL]},
    "order.authenticate": {"order_id": "DE-2026-17", "issuing_state": "DE"},
    "evidence.snapshot": {"url": URL},
    "content.disable": {"url": URL, "scope": "eu", "ground": None},
    "content.probe": {"urls": [URL], "countries": ["DE", "FR"]},
    "content.restore": {"url": URL, "scope": "eu"},
    "account.suspend": {"account": "acct-1", "ground": "tco.order"},
    "account.restore": {"account": "acct-1"},
    "live.end": {"stream": "stream-1"},
    "authority.clarify": {"order_id": "DE-2026-17", "failures": ["signature_page_missing"]},
    "authority.reply": {"order_id": "DE-2026-17", "effect_at": "2026-11-22T03:10:00Z", "removed": 3},
    "notify.webhook": {"to": "ops_room", "about": "removal_started", "due_at": "2026-11-22T04:00:00Z"},
    "notify.email": {"to": "mail_desk", "about": "removal_started"},
    "page": {"role": "ops_lead", "about": "clock_at_risk"},
    "hold.freeze": {"source": "content_store", "basis": "eu.tco.preserve", "scope": {"urls": [URL]}, "hold": "hold-1"},
    "hold.canary": {"source": "content_store", "hold": "hold-1"},
}
NEED_A_GRANT = {"content.delete", "hold.unfreeze"}
OF_THE_STORE = {"retention.rule", "evidence.destroy"}
"""They work on the region's own evidence and call no platform; `test_destruction.py` tries them."""


@dataclass
class Platform:
    port: int
    smtp_port: int
    control: httpx2.Client

    def read(self, path: str) -> Any:
        return self.control.get(path).json()

    def fault(self, **rule: Any) -> None:
        assert self.control.post("/_sandbox/faults", json=[rule]).status_code == 200


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The sandbox, HTTP and SMTP, on an event loop of its own."""
    store = Store(tmp_path_factory.mktemp("sandbox"))
    listeners = [tcp_socket() for _ in range(2)]
    for listener in listeners:
        listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        build_sandbox(store, latency_ms=0).app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        mail = await asyncio.get_running_loop().create_server(lambda: mail_protocol(store), sock=listeners[1])
        await server.serve(sockets=[listeners[0]])
        mail.close()
        await mail.wait_closed()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ports = [listener.getsockname()[1] for listener in listeners]
    with httpx2.Client(base_url=f"http://127.0.0.1:{ports[0]}", trust_env=False) as control:
        until = time.monotonic() + 10
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        yield Platform(ports[0], ports[1], control)
    server.should_exit = True
    thread.join(5)
    store.close()


@dataclass
class Desk:
    deps: Dependencies
    activities: dict[str, Any]

    async def act(self, action: str, key: str, call_of: Any, **changes: Any) -> Any:
        call = {
            **call_of(key=key),
            "action": action,
            "inputs": changes.pop("inputs", INPUTS.get(action, {})),
            **changes,
        }
        body = self.activities[action]
        runner = EffectRunner(self.deps)
        return await ActivityEnvironment().run(lambda: runner.carry_out(call, lambda: body(call)))


@pytest.fixture
async def desk(tmp_path: Path, platform: Platform) -> AsyncIterator[Desk]:
    connections = open_connections(
        SHIPPED,
        variables={
            "SANDBOX_URL": f"http://127.0.0.1:{platform.port}",
            "SANDBOX_SMTP_HOST": "127.0.0.1",
            "SANDBOX_SMTP_PORT": str(platform.smtp_port),
        },
        catalog={**CATALOG, **INTERNAL},
        environ={},
    )
    keys = RegionKeys.generate()
    platform.control.delete("/_sandbox/faults")
    async with httpx2.AsyncClient(trust_env=False) as http:
        with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
            deps = Dependencies(
                region="eu",
                namespace="eu",
                keys=keys,
                decision_keys=keys.decision_keys,
                ledger=ledger,
                evidence=EvidenceStore(tmp_path / "evidence"),
                bindings=connections.caller,
                notifier=connections.notifier,
                http=http,
                postmortem_path=tmp_path,
                contacts=lambda role: Reached(role, ("ops-1",), ("pager", "ops_room", "mail_desk"), "no_rota"),
            )
            yield Desk(deps, {one.__temporal_activity_definition.name: one for one in assemble(deps)})  # type: ignore[attr-defined]
    await connections.close()


def test_every_action_of_the_catalogue_is_tried_here() -> None:
    assert set(INPUTS) | NEED_A_GRANT | OF_THE_STORE == {*CATALOG, *INTERNAL}


async def test_every_action_gives_what_its_contract_says(desk: Desk, call_of: Any) -> None:
    for number, action in enumerate(INPUTS):
        receipt = await desk.act(action, f"{number:064x}", call_of)
        contract = {**CATALOG, **INTERNAL}[action]
        check_values(receipt["outputs"], contract["outputs"], what="output")
        again = await desk.act(action, f"{number:064x}", call_of)
        assert (again["resolved"], again["outputs"]) == ("recorded", receipt["outputs"])


async def test_a_notice_arrives_on_every_kind_of_channel(desk: Desk, platform: Platform, call_of: Any) -> None:
    await desk.act("page", "d" * 64, call_of)
    hook = platform.read("/webhooks/ops_room")["messages"][-1]["body"]
    assert (hook["about"], hook["roles"]) == ("clock_at_risk", ["ops_lead"])
    assert platform.read("/pager")["messages"][-1]["about"] == "clock_at_risk"
    mail = platform.read("/mail")["messages"][-1]
    assert mail["subject"] == "[watchfloor eu] clock_at_risk inc-a"
    assert "roles: ops_lead" in mail["text"]


async def test_an_answer_that_was_cut_after_the_effect_is_resent_and_counted_once(
    desk: Desk, platform: Platform, call_of: Any
) -> None:
    url = "https://example.test/v/cut"
    platform.fault(match={"path": "/items/disable", "url": url}, drop_after_effect=True)
    inputs = {"url": url, "scope": "eu"}
    with pytest.raises(ApplicationError) as caught:
        await desk.act("content.disable", "e" * 64, call_of, inputs=inputs)
    assert (caught.value.type, caught.value.non_retryable) == (ErrorType.UNAVAILABLE, False)
    assert (await desk.act("content.disable", "e" * 64, call_of, inputs=inputs))["resolved"] == "called"
    calls = [call for call in platform.read("/_sandbox/journal")["calls"] if call["subject"] == url]
    assert [call["effect"] for call in calls] == ["new", "repeat"]
    assert platform.read("/_sandbox/effects")["counts"][url] == {"items/disable": 1}


async def test_a_busy_platform_says_when_to_come_again(desk: Desk, platform: Platform, call_of: Any) -> None:
    url = "https://example.test/v/busy"
    platform.fault(match={"path": "/items/disable", "url": url}, status=429, retry_after=3)
    with pytest.raises(ApplicationError) as caught:
        await desk.act("content.disable", "f" * 64, call_of, inputs={"url": url, "scope": "eu"})
    assert caught.value.next_retry_delay is not None
    assert caught.value.next_retry_delay.total_seconds() == 3


async def test_a_custodian_that_deletes_despite_the_freeze_is_found_out(
    desk: Desk, platform: Platform, call_of: Any
) -> None:
    platform.control.post("/_sandbox/custodians", json=[{"source": "live_store", "ignores_freezes": True}])
    freeze = {"source": "live_store", "basis": "eu.tco.preserve", "scope": {"urls": [URL]}, "hold": "hold-2"}
    await desk.act("hold.freeze", "1" * 64, call_of, inputs=freeze)
    receipt = await desk.act("hold.canary", "2" * 64, call_of, inputs={"source": "live_store", "hold": "hold-2"})
    assert receipt["outputs"]["refused"] is False
