"""A gateway that takes deliveries: several small runbooks, a sender of each kind, a real server with nobody at work."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2

from schemas.incident import Limits
from schemas.plan import Plan
from tests.gateway.regions_on_loopback import RULES, face_on, on_loopback
from tests.gateway.test_senders import ALERTS, COOP, OSPREY, PAGER, SECRET, TOLD, sender
from watchfloor.client.errors import NotFound, RunbookRefused
from watchfloor.client.face import Face
from watchfloor.client.library import compile_source
from watchfloor.gateway.app import build_app
from watchfloor.gateway.driving import Driver
from watchfloor.gateway.hooks import HookDesk
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.triggers import Plans
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.sealed import Sealer
from watchfloor.regions.keys import KeyRing, RegionKeys

LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False}
RUNBOOK = """runbook: {id}
version: 1
title: Test
owners: [ts]
severity: S3
regions: {{command: {region}, allowed: [{region}]}}
{compartment}triggers:
{triggers}
inputs:
  thing: {{type: string, max_length: 40}}
facts:
  alert_over: {{type: timestamp, from: [alerts]}}
phases:
  - triage:
      - {{id: pause, wait: {{for: 1m}}}}
"""


def runbook(id_: str, *triggers: str, region: str = "eu", compartment: str = "") -> str:
    """A runbook with these triggers, each `source | where | thing | dedup`, perhaps with a content."""
    lines: list[str] = []
    for trigger in triggers:
        source, where, thing, dedup, *content = (part.strip() for part in trigger.split("|"))
        lines += [f"  - webhook: {source}", f"    where: {where}", f"    map: {{thing: '${{{{ {thing} }}}}'}}"]
        lines += [f"    dedup: ${{{{ {dedup} }}}}", *(f"    content: ${{{{ {one} }}}}" for one in content)]
    wall = f"compartment: {compartment}\n" if compartment else ""
    return RUNBOOK.format(id=id_, region=region, triggers="\n".join(lines), compartment=wall)


ALERTING = (
    "alerts | event.status == 'firing' | event.commonLabels.queue"
    " | event.alerts[0].fingerprint + event.alerts[0].startsAt | event.groupKey"
)
LIBRARY = {
    "alerting": runbook("alerting", ALERTING),
    "calling-back": runbook("calling-back", "coop | has(event.action) | event.item.id | event.item.id"),
    "evaluating": runbook(
        "evaluating", "osprey | event.features.ActionName == 'message_sent' | event.features.UserId | event.action_id"
    ),
    "first": runbook("first", "portal | event.kind in ['one', 'both'] | event.thing | event.id"),
    "second": runbook("second", "portal | event.kind in ['two', 'both'] | event.thing | event.id"),
    "stalled": runbook(
        "stalled", "events | event.type == 'com.example.stalled' | event.data.queue | event.source + event.id"
    ),
    "taken-over": runbook(
        "taken-over",
        "pages | event.event.event_type == 'incident.triggered' | event.event.data.id | event.event.data.id",
    ),
}


class Library(Plans):
    """Runbooks by their text, which tests may change."""

    def __init__(self, texts: Mapping[str, str] = LIBRARY) -> None:
        super().__init__()
        self.texts = dict(texts)
        self._compiled: dict[str, tuple[Plan, str]] = {}

    def ids(self) -> list[str]:
        return sorted(self.texts)

    def text(self, runbook: str) -> str:
        return self.texts[runbook]

    def find(self, runbook: str) -> tuple[Plan, str]:
        if runbook not in self.texts:
            raise NotFound(f"no runbook `{runbook}`")
        text = self.texts[runbook]
        if text not in self._compiled:
            compiled = compile_source(text, shown_as=f"{runbook}.yaml")
            if compiled.plan is None:
                raise RunbookRefused(runbook, compiled.findings)
            self._compiled[text] = (compiled.plan, compiled.digest)
        return self._compiled[text]


@dataclass(slots=True)
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


SENDERS = {
    "alerts": ALERTS,
    "pages": PAGER,
    "coop": COOP,
    "osprey": OSPREY,
    "events": TOLD,
    "portal": {"secret": SECRET, "patience": "5m"},
}


@dataclass(frozen=True, slots=True)
class Hooked:
    url: str
    face: Face
    library: Library
    deliveries: Deliveries
    driver: Driver
    desk: HookDesk
    clock: Clock
    folder: Path

    async def post(self, name: str, headers: Mapping[str, str], content: Any, *, to: str = "hooks") -> httpx2.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return await http.post(f"{self.url}/{to}/{name}", content=body, headers=dict(headers))

    def broken(self) -> Driver:
        """A driver of the same store whose engine does not answer."""
        return Driver(
            replace(self.face, client=cast(Any, None)),
            self.deliveries,
            self.driver.sealer,
            plans=self.library,
            limits=LIMITS,
            clock=self.clock,
        )


@asynccontextmanager
async def hooked(temporal: str, folder: Path) -> AsyncIterator[Hooked]:
    face, library, clock = await face_on(temporal, folder), Library(), Clock(datetime.now(UTC))
    deliveries = Deliveries(folder / "received.sqlite")
    sealer = Sealer(KeyRing.generate(), "eu", "eu")
    driver = Driver(face, deliveries, sealer, plans=library, limits=LIMITS, clock=clock)
    desk = HookDesk(driver, {name: sender(**described) for name, described in SENDERS.items()}, answer_within=60)
    inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, folder / "anchors", RULES)
    async with on_loopback(build_app(inbox, face.client, desk)) as url:
        yield Hooked(url, face, library, deliveries, driver, desk, clock, folder)
