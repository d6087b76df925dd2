"""A process that carries out effects one after another until it is killed; started by `test_kills`.

    python killed_worker.py FOLDER TARGET_URL IDEMPOTENCY COUNT

Each effect is retried as the engine would. Prints `done N` after each; exits when all are done.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import httpx2
from temporalio.exceptions import ApplicationError

from activities.bound import bound
from activities.catalog import CATALOG
from activities.dependencies import Dependencies
from activities.effects import EffectRunner
from schemas.actions import ActionCall, ErrorType
from watchfloor.connections.wiring import open_connections
from watchfloor.evidence import EvidenceStore
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys

BINDINGS = """
version: 1
sandbox: true
base: ${TARGET}
allow_hosts: ["${TARGET}"]
defaults: {timeout: 50ms}
actions:
  content.disable:
    method: POST
    path: /disable
    headers: {X-Key: "{key}"}
    body: {url: "{url}", scope: "{scope}"}
    idempotency: IDEMPOTENCY
    success: {at: ok, equals: true}
    outputs: {disabled_at: at}
    LOOKUP
"""
LOOKUP = "lookup: {path: '/effects/{key}', settle: 100ms, found: {at: found, equals: true}, outputs: {disabled_at: at}}"


def call_of(number: int) -> ActionCall:
    return {
        "v": 1,
        "action": "content.disable",
        "region": "eu",
        "incident": "inc-a",
        "plan": "p",
        "step": "disable",
        "path": f"remove[{number}]/disable",
        "key": f"{number:064x}",
        "inputs": {"url": f"https://example.test/v/{number}", "scope": "eu"},
        "effect": "restricts",
        "tier": "0",
        "gated": False,
        "grant": None,
        "entries": [],
        "severity": "S1",
    }


async def carry_out(deps: Dependencies, number: int) -> str:
    call = call_of(number)
    body = bound(deps, "content.disable")
    while True:
        try:
            receipt = await EffectRunner(deps).carry_out(call, lambda: body(call))
            return receipt["resolved"]
        except ApplicationError as error:
            if error.type == ErrorType.OUTCOME_UNKNOWN:
                return "asked"
            if error.non_retryable:
                raise
            await asyncio.sleep((error.next_retry_delay or timedelta(milliseconds=10)).total_seconds())


async def main(folder: Path, target: str, idempotency: str, count: int) -> None:
    file = folder / "bindings.yaml"
    file.write_text(
        BINDINGS.replace("IDEMPOTENCY", idempotency).replace("LOOKUP", LOOKUP if idempotency == "lookup" else "")
    )
    connections = open_connections(file, variables={"TARGET": target}, catalog=CATALOG, environ={})
    keys = RegionKeys.generate()
    deps = Dependencies(
        region="eu",
        namespace="eu",
        keys=keys,
        decision_keys=keys.decision_keys,
        ledger=SqliteLedger(folder / "ledger.sqlite"),
        evidence=EvidenceStore(folder / "evidence"),
        bindings=connections.caller,
        notifier=connections.notifier,
        http=httpx2.AsyncClient(trust_env=False),
        postmortem_path=folder,
    )
    for number in range(count):
        print(await carry_out(deps, number), number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
