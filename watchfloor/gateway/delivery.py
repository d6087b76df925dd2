"""Delivers what the region's faces have kept: beside the gateway, until it stops."""

import asyncio
from typing import TYPE_CHECKING

import structlog

from watchfloor.client.face import Face
from watchfloor.client.inbox import InboxUnavailable, StatementInbox, deliver
from watchfloor.identity.people import Directory
from watchfloor.ledger import LedgerUnavailable, SqliteLedger

if TYPE_CHECKING:
    from temporalio.client import Client

    from watchfloor.gateway.inbox import Inbox
    from watchfloor.runtime.settings import RegionSettings

EVERY = 2.0
"""Seconds between two looks into the inbox."""

log = structlog.get_logger(__name__)


async def keep_delivering(settings: "RegionSettings", inbox: "Inbox", client: "Client") -> None:
    """Deliver for ever. What cannot be delivered now stays kept; a store that does not answer is only waited for."""
    face = Face(
        client=client,
        region=settings.region,
        namespace=settings.namespace,
        task_queue=settings.task_queue,
        key=inbox.keys.face,
        secret=inbox.keys.secret,
        decision_keys=inbox.keys.decision_keys,
        people=Directory({}),
        reasons=_NoReasons(),
    )
    kept = StatementInbox(settings.inbox_path)
    while True:
        try:
            if await asyncio.to_thread(kept.statements, pending=True):
                with SqliteLedger(settings.ledger_path) as ledger:
                    for one in await deliver(face, kept, ledger):
                        log.info("kept statement settled", workflow=one.workflow, state=one.state, why=one.why)
        except (InboxUnavailable, LedgerUnavailable) as error:
            log.warning("kept statements wait", error=type(error).__name__)
        await asyncio.sleep(EVERY)


class _NoReasons:
    """A deliverer signs nothing, so it keeps no reason."""

    def put(self, content: bytes) -> str:
        raise TypeError("a deliverer keeps no reasons")

    def get(self, ref: str) -> bytes:
        raise TypeError("a deliverer reads no reasons")

    def exists(self, ref: str) -> bool:
        raise TypeError("a deliverer keeps no reasons")
