"""A region in the middle of a night: incidents in every state, to look at on every page and to take pictures of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.browser.test_console import trigger
from tests.browser.test_deliveries import SECRET, deliver
from tests.e2e.floor import Floor, until
from watchfloor.client import board, send_control
from watchfloor.runtime.settings import SHIPPED_BINDINGS
from watchfloor.signing import render_instant
from workflows.addresses import child_id

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks"
LIBRARY = Path(__file__).resolve().parents[2] / "runbooks"
SUBSCRIPTION = f"""
subscriptions:
  case_tool:
    region: eu
    url: ${{SANDBOX_URL}}/webhooks/case_tool
    events: ["*"]
    clearances: [terror]
    secret: {{sandbox: {SECRET}}}
"""


@dataclass(frozen=True, slots=True)
class Night:
    """Where everything is: ids of runs, addresses of questions below `/asks/`."""

    asking: str
    closed: str
    doubtful: str
    failed: str
    grave: str
    narrowable: str
    paused: str
    aborted: str
    hold: str
    handoff: str
    offer: str
    delivery: str
    older: str

    @property
    def asks(self) -> dict[str, str]:
        return {
            "decide": f"{self.asking}/triage/order_doubt",
            "doubt": f"{self.doubtful}/containment/remove[0]/disable!doubt",
            "failed": f"{self.failed}/triage/authenticate!failed",
            "approve": f"{self.narrowable}/containment/disable",
        }


def write_bindings(home: Path) -> None:
    """The shipped bindings, with a platform that does not know a repeated removal again, and one that is told."""
    home.mkdir(parents=True, exist_ok=True)
    head, disable, rest = SHIPPED_BINDINGS.read_text().partition("  content.disable:\n")
    rest = rest.replace("idempotency: header", 'idempotency: none\n    headers: {Idempotency-Key: "{key}"}', 1)
    (home / "bindings.yaml").write_text(head + disable + rest + SUBSCRIPTION)


async def fill(floor: Floor) -> Night:
    """Bring it all about; a minute of real time."""
    closed = await _order(floor, "0452", "treat_as_valid")
    doubtful = await _doubtful(floor)
    failed = await _failed(floor)
    grave, handoff, offer = await _grave(floor)
    inputs: dict[str, Any] = {"url": "https://video.example/v/0800", "order_id": "DE-2026-0800"}
    inputs["failures"] = ["signature_page_missing", "stamp_missing", "name_unclear"]
    narrowable = (await floor.start(FIXTURES / "narrowed-removal", "night", inputs)).incident
    await floor.ask(narrowable, "disable")
    paused, aborted = await _order(floor, "0900"), await _order(floor, "0950")
    await send_control(floor.eu, paused, "pause", person="commander-eu-1", reason="is it the right order?")
    await send_control(floor.eu, aborted, "abort", person="commander-eu-1", reason="a drill")
    for number in range(3):
        case = {"received_at": _now(), "report": f"night-{number}"}
        await floor.start(FIXTURES / "report-review", f"night-{number}", case)
    dead = await deliver(floor, "night", {"type": "removal_order.received", "data": {"order_id": "DE-1"}})
    await deliver(floor, "night-ignored", {"type": "heartbeat"})
    hold = await _hold(floor, closed)
    asking = await _order(floor, "0451")
    return Night(
        asking=asking,
        closed=closed,
        doubtful=doubtful,
        failed=failed,
        grave=grave,
        narrowable=narrowable,
        paused=paused,
        aborted=aborted,
        hold=hold,
        handoff=handoff,
        offer=offer,
        delivery=str(dead["delivery"]),
        older=(await board(floor.eu, failed))["plan"].removeprefix("sha256:"),
    )


def _now() -> str:
    return render_instant(datetime.now(UTC))


async def _order(floor: Floor, order: str, option: str = "") -> str:
    incident = await trigger(floor, order)
    await floor.ask(incident, "order_doubt")
    if option:
        await floor.decide(incident, "order_doubt", option, "counsel-1")
    return incident


async def _doubtful(floor: Floor) -> str:
    urls = [f"https://video.example/night/{number}" for number in range(1, 5)]
    for url in urls:
        match = {"path": "/items/disable", "url": url}
        await floor.seed("faults", [{"match": match, "drop_after_effect": True, "times": 1}])
    incident = (await floor.order("FR-2026-0500", urls)).incident
    await floor.ask(incident, "remove[0]/disable!doubt")
    return incident


async def _failed(floor: Floor) -> str:
    match = {"path": "/orders/authenticate", "where": {"order_id": "FR-2026-0600"}}
    await floor.seed("faults", [{"match": match, "status": 400, "times": 1}])
    # of another version of the runbook than the library's, so that there is a difference to show
    older = floor.stack.home / "older.yaml"
    older.write_text(
        (LIBRARY / "eu-tco-removal-order" / "runbook.yaml").read_text().replace("within: 8m", "within: 9m")
    )
    inputs = {"order_id": "FR-2026-0600", "received_at": _now(), "urls": ["https://video.example/v/0600"]}
    incident = (await floor.start(older, "0600", {**inputs, "issuing_state": "FR"})).incident
    await floor.ask(incident, "authenticate!failed")
    return incident


async def _grave(floor: Floor) -> tuple[str, str, str]:
    """A life at risk, and the desk silent: gives the incident and both sides of its handoff."""
    url = "https://video.example/v/0700"
    await floor.seed("items", [{"url": url, "imminent": True}])
    doubts = {"order_id": "DE-2026-0700", "authentic": True, "failures": ["signature_page_missing"]}
    await floor.seed("orders", [doubts])
    incident = (await floor.order("DE-2026-0700", [url])).incident
    await floor.ask(incident, "order_doubt")
    await floor.tell(incident, "eu_desk_unacknowledged", "pager")
    handoff = child_id("hand", incident, "alongside/desk_silent/to_us")
    offer = "in-" + handoff.removeprefix("hand-")

    async def there() -> bool:
        return bool(await floor.us_asks(offer))

    await until(there, "the other region is asked")
    return incident, handoff, offer


async def _hold(floor: Floor, incident: str) -> str:
    ended = await floor.closed(incident, patience=120)
    return next(str(one["workflow"]) for one in ended["children"] if one["kind"] == "hold")
