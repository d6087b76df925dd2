"""A console over real HTTP with people of its own and nobody at work, as its tests use it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from schemas.ledger import Entry
from schemas.plan import Plan
from tests.gateway.apis import Api
from tests.gateway.regions_on_loopback import RULES, on_loopback
from watchfloor.client.face import Face
from watchfloor.evidence import EvidenceStore
from watchfloor.gateway.app import build_app
from watchfloor.gateway.console import ConsoleDesk
from watchfloor.gateway.console.gate import Gate
from watchfloor.gateway.console.sessions import Sessions
from watchfloor.gateway.inbox import Inbox
from watchfloor.identity.people import Directory, Person
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.regions.keys import RegionKeys

INCIDENT = "inc-abcdefghijklmnopqrst"
PEOPLE = Directory(
    {
        one: Person(one, roles, "example-ie", region, (), clearances=("terror",) if one == "counsel-1" else ())
        for one, roles, region in (
            ("commander-1", ("incident_commander",), "eu"),
            ("commander-2", ("incident_commander", "deputy"), "eu"),
            ("counsel-1", ("legal_counsel",), "eu"),
            ("counsel-2", ("legal_counsel",), "eu"),
            ("liaison-1", ("le_liaison",), "eu"),
            ("ops-1", ("ops_lead",), "eu"),
            ("ops-us-1", ("ops_lead",), "us"),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A console that is served."""

    url: str
    api: Api
    face: Face
    desk: ConsoleDesk

    @asynccontextmanager
    async def signed_in(self, person: str) -> AsyncIterator[httpx2.AsyncClient]:
        async with httpx2.AsyncClient(
            base_url=self.url, trust_env=False, timeout=30, follow_redirects=False
        ) as browser:
            answer = await browser.post("/console/sign-in", data={"person": person}, headers={"origin": self.url})
            assert answer.status_code == 303, answer.text
            yield browser

    def knows(self, incident: str, plan: Plan) -> None:
        """Have the console know the plan of a run that no engine has."""
        self.desk.plans[incident] = plan

    def wrote(
        self, kind: str, actor: str = "engine", *, step: str = "", path: str = "", chain: str = INCIDENT, **data: Any
    ) -> None:
        """Put an entry into the ledger."""
        number = sum(1 for _ in self.api.ledger.read(chain)) + 1
        entry: Entry = {
            "v": 1,
            "id": f"{chain}:{number}",
            "chain": chain,
            "kind": kind,
            "at": f"2026-11-22T03:{number % 60:02d}:00Z",
            "actor": actor,
            "step": step,
            "path": path or (f"triage/{step}" if step else ""),
            "data": data,
        }
        self.api.ledger.append([entry])


@asynccontextmanager
async def console_over(api: Api, folder: Path) -> AsyncIterator[Seen]:
    face = replace(
        api.face,
        people=PEOPLE,
        loopback=True,
        reasons=EvidenceStore(folder / "evidence"),
        ledger_path=api.ledger.path,
    )
    gate = Gate(face, Sessions(folder / "sessions.sqlite"), file=SignInFile(folder / "sign-in.sqlite"))
    desk = ConsoleDesk(face, api.index, api.changes, gate, webhooks_path=folder / "webhooks.sqlite")
    inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, folder / "anchors", RULES)
    async with on_loopback(build_app(inbox, face.client, console=desk)) as url:
        yield Seen(url, api, face, desk)


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]
