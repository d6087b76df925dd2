"""The sandbox platform's control plane, as the demo uses it: seed items and orders, set faults, read the journal."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx2

from watchfloor.cli.demo_script import Platform


@dataclass(frozen=True, slots=True)
class Disabled:
    """What the journal says about the items since the demo began."""

    once: int
    """Items that were disabled exactly once."""
    twice: tuple[str, ...]
    """Items whose disabling took effect more than once; there must be none."""
    refused: Counter[str]
    """Item -> calls that were answered with an error."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One running sandbox platform."""

    http: httpx2.AsyncClient

    async def prepare(self, urls: list[str], platform: Platform) -> int:
        """Put everything in its first state; gives the number of the last call in the journal."""
        await self._post("/_sandbox/items", [{"url": url} for url in urls])
        if platform.orders:
            await self._post("/_sandbox/orders", [order.model_dump() for order in platform.orders])
        (await self.http.delete("/_sandbox/faults")).raise_for_status()
        if platform.faults:
            await self._post(
                "/_sandbox/faults",
                [
                    {"match": {"path": fault.path, "url": fault.url}, "status": fault.status, "times": fault.times}
                    for fault in platform.faults
                ],
            )
        calls = await self.calls(0)
        return int(calls[-1]["n"]) if calls else 0

    async def calls(self, after: int) -> list[dict[str, Any]]:
        answer = await self.http.get("/_sandbox/journal", params={"after": after})
        answer.raise_for_status()
        return list(answer.json()["calls"])

    async def disabled(self, urls: list[str], after: int) -> Disabled:
        """Count by item what `/items/disable` really did."""
        took: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        for call in await self.calls(after):
            if call["path"] == "/items/disable" and call["subject"] in urls:
                took[call["subject"]] += call["effect"] == "new"
                refused[call["subject"]] += (call["status"] or 0) >= 400
        return Disabled(sum(took[url] == 1 for url in urls), tuple(url for url in urls if took[url] > 1), +refused)

    async def frozen(self, hold: str) -> dict[str, bool]:
        """Source -> whether a deletion under the hold is refused right now, tried with a canary."""
        answer = await self.http.get("/deletion/freezes")
        answer.raise_for_status()
        sources = [freeze["source"] for freeze in answer.json()["freezes"] if freeze["hold"] == hold]
        refused: dict[str, bool] = {}
        for source in sources:
            tried = await self.http.post("/deletion/canary", json={"source": source, "hold": hold})
            tried.raise_for_status()
            refused[source] = bool(tried.json()["refused"])
        return refused

    async def _post(self, path: str, document: object) -> None:
        (await self.http.post(path, json=document)).raise_for_status()
