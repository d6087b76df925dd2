"""What the chaos suite counts with and sends by itself."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from schemas.decision import DECISION, OpenAsk
from tests.e2e.floor import Floor
from watchfloor.client import board
from watchfloor.signing import render_instant


@dataclass(slots=True)
class Tally:
    """What was tried and what held."""

    tried: int = 0
    held: int = 0
    broken: list[str] = field(default_factory=list)

    def count(self, what: str, holds: bool) -> None:
        self.tried += 1
        self.held += holds
        if not holds:
            self.broken.append(what)


async def sign_answer(floor: Floor, run: str, ask: OpenAsk, option: str, person: str, role: str) -> dict[str, object]:
    """An answer as somebody signs it who has the ask before them, to be delivered whenever that is possible."""
    now = datetime.now(UTC)
    body = {
        "v": 1,
        "region": "eu",
        "namespace": "eu",
        "incident": run,
        "plan": (await board(floor.eu, run))["plan"],
        "path": ask["path"],
        "ask": ask["ask"],
        "option": option,
        "form": {},
        "person": person,
        "role": role,
        "entity": "example-ie",
        "signed_in": "dev",
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + timedelta(minutes=5)),
        "nonce": secrets.token_hex(16),
        "reason_ref": "sha256:" + "0" * 64,
    }
    return dict(floor.eu.sign(DECISION, body))
