"""The HTTP API of a region over real HTTP and a real server, with nobody at work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from schemas.incident import Limits
from tests.cli.boards import board
from tests.gateway.regions_on_loopback import RULES, Later, face_on, on_loopback
from watchfloor.cases import CaseIndex
from watchfloor.client.face import Face
from watchfloor.connections.bindings import Rate
from watchfloor.gateway.api import ApiDesk
from watchfloor.gateway.api.doors import Doors
from watchfloor.gateway.app import build_app
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.indexing import Changes
from watchfloor.identity.machines import SCOPES, Machines
from watchfloor.intake.deliveries import Deliveries
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys

LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False}
ORDER: dict[str, Any] = {
    "runbook": "eu-tco-removal-order",
    "inputs": {
        "order_id": "DE-1",
        "received_at": "2026-11-22T02:55:00Z",
        "urls": ["https://videos.example.test/v/1"],
        "issuing_state": "DE",
    },
}


@dataclass(frozen=True, slots=True)
class Api:
    url: str
    face: Face
    index: CaseIndex
    changes: Changes
    ledger: SqliteLedger
    machines: Machines
    deliveries: Deliveries
    webhooks_path: Path

    def key(self, *scopes: str, clearances: tuple[str, ...] = (), now: datetime | None = None, days: int = 1) -> str:
        made = self.machines.make(
            "mod_queue", scopes or SCOPES, valid_for=timedelta(days=days), clearances=clearances, now=now
        )
        return made[1]

    async def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx2.Response:
        headers = {**({"authorization": f"Bearer {key}"} if key else {}), **more.pop("headers", {})}
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return await http.request(method, f"{self.url}/api/v1{path}", headers=headers, **more)

    async def start(self, key: str, named: str = "order-1", document: Any = ORDER) -> httpx2.Response:
        return await self.ask("POST", "/incidents", key, json=document, headers={"idempotency-key": named})

    def put(self, incident: str, seq: int = 1, **changes: Any) -> None:
        self.index.put(board(workflow=incident, **changes), seq)
        self.changes.tell()


FEW = Rate(per_second=0.001, burst=150)
MANY = Rate(per_second=10_000, burst=10_000)


@pytest.fixture
async def api(temporal: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with api_over(temporal, tmp_path, FEW) as offered:
        yield offered


@asynccontextmanager
async def api_over(temporal: str, tmp_path: Path, rate: Rate) -> AsyncIterator[Api]:
    face = await face_on(temporal, tmp_path)
    machines, index = Machines(tmp_path / "machines.sqlite"), CaseIndex(tmp_path / "cases.sqlite")
    changes, deliveries = Changes(), Deliveries(tmp_path / "received.sqlite")
    inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, tmp_path / "anchors", RULES)
    with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
        doors = Doors(machines, rate=rate)
        book = tmp_path / "webhooks.sqlite"
        desk = ApiDesk(
            *(face, index, changes, ledger, doors),
            limits=LIMITS,
            quiet=0.2,
            deliveries=deliveries,
            webhooks_path=book,
        )
        async with on_loopback(Later(lambda: build_app(inbox, face.client, None, desk))) as url:
            yield Api(url, face, index, changes, ledger, machines, deliveries, book)
    index.close()
