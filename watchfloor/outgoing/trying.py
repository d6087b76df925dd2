"""Sending one harmless event to one receiver, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from watchfloor.client.errors import NotFound
from watchfloor.connections.calls import Wire
from watchfloor.connections.egress import Egress
from watchfloor.connections.loading import BindingsRefused, load_bindings
from watchfloor.outgoing.courier import post
from watchfloor.outgoing.events import write_test
from watchfloor.outgoing.receivers import open_receivers
from watchfloor.runtime.refusal import WorkerRefused
from watchfloor.runtime.settings import RegionSettings


@dataclass(frozen=True, slots=True)
class TriedWebhook:
    """What a receiver did with the test event."""

    region: str
    subscription: str
    took: bool
    status: int | None
    outcome: str
    after: timedelta


async def try_subscription(settings: RegionSettings, name: str, *, environ: Mapping[str, str]) -> TriedWebhook:
    """Send an event of type `io.watchfloor.test`, signed as every event is. Nothing of it is kept.

    Raises:
        NotFound: the region has no subscription of this name.
        WorkerRefused: the bindings, or the secret, cannot be used.
    """
    from activities.catalog import CATALOG, INTERNAL

    try:
        document = load_bindings(settings.bindings_path, variables=settings.variables, catalog={**CATALOG, **INTERNAL})
        folder = settings.bindings_path.parent
        found = open_receivers(document, settings.region, folder=folder, environ=environ, name=name)
    except BindingsRefused as error:
        raise WorkerRefused(
            f"the webhooks of region `{settings.region}` cannot be used: {error}",
            expected="a valid bindings file and the secret within reach of this command",
            fix="correct the places named, set the secret for this command as for the gateway",
        ) from error
    if name not in found:
        known = sorted(each for each, one in document.subscriptions.items() if one.region == settings.region)
        raise NotFound(
            f"region `{settings.region}` has no subscription `{name[:40]}` in {settings.bindings_path}; "
            f"there are: {', '.join(known) or 'none'}"
        )
    wire = Wire(Egress(document.allow_hosts, sandbox=document.sandbox, networks=document.allow_networks))
    at, began = datetime.now(UTC), monotonic()
    try:
        body = write_test(settings.region, at)
        request = found[name].request(f"inc-test:{int(at.timestamp())}", body, at, document.defaults.timeout)
        answered = await post(wire.send, request, at)
    finally:
        await wire.close()
    took = answered.verdict == "delivered"
    after = timedelta(milliseconds=int((monotonic() - began) * 1000))
    return TriedWebhook(settings.region, name, took, answered.status, answered.outcome, after)
