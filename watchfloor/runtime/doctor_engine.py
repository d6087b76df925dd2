"""What the engine must be: reachable, its namespaces fit, its clock ours, the bindings of each region sound."""

import os
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
from temporalio.client import Client
from temporalio.service import RPCError

from schemas.incident import SEARCH_ATTRIBUTES
from watchfloor.connections.egress import Egress
from watchfloor.connections.guarded import open_guarded_client
from watchfloor.runtime.clusters import cluster_connection
from watchfloor.runtime.doctor import Check, now
from watchfloor.runtime.doctor_home import region_directories
from watchfloor.runtime.engine import RETENTION, attributes_of, retention_of
from watchfloor.runtime.refusal import Refused
from watchfloor.runtime.settings import RegionSettings, load
from watchfloor.runtime.stackfile import read_stack

SKEW = timedelta(seconds=2)
"""More than this between two clocks makes deadlines look wrong to people; the engine itself uses its server's clock."""
PATIENCE = timedelta(seconds=3)


async def look(home: Path, environ: Mapping[str, str] | None) -> list[Check]:
    """Check every region that this home knows."""
    environ = os.environ if environ is None else environ
    record = read_stack(home)
    regions = sorted(record.regions) if record else [path.name for path in region_directories(home)]
    checks: list[Check] = []
    for region in regions:
        try:
            if record is None and cluster_connection(region, environ) is None:
                found = "none runs and no cluster is named; `watchfloor up` starts one"
                checks.append(Check(f"engine {region}", "ok", found))
                continue
            settings = load(region, home, environ=environ)
        except Refused as refusal:
            checks.append(Check(f"settings {region}", "fail", refusal.found, refusal.expected, refusal.fix))
            continue
        checks += await region_engine(settings)
        checks += bindings(settings, environ)
    if record is not None:
        checks += await clocks(record.temporal.ui_url)
    return checks


async def region_engine(settings: RegionSettings) -> list[Check]:
    """Connection, retention and search attributes of one region's namespace."""
    name = f"temporal {settings.region}"
    try:
        client = await Client.connect(**settings.connect, connect_timeout=PATIENCE)
        retention = await retention_of(client, settings.namespace)
        there = await attributes_of(client, settings.namespace)
    except (RPCError, RuntimeError) as error:  # RuntimeError: the bridge's word for "nothing listens"
        found = f"{settings.address}: {error.status.name.lower() if isinstance(error, RPCError) else 'nothing listens'}"
        fix = "start it (`watchfloor up`), or correct TEMPORAL_ADDRESS, the namespace, the credentials"
        return [Check(name, "fail", found, f"a server with the namespace `{settings.namespace}`", fix)]
    checks = [Check(name, "ok", f"{settings.address}, namespace `{settings.namespace}`")]
    if retention < RETENTION:
        fix = f"temporal operator namespace update --namespace {settings.namespace} --retention {RETENTION.days}d"
        found = f"closed runs are kept for {retention.total_seconds() / 86400:g} days"
        checks.append(Check(f"retention {settings.region}", "warn", found, f"at least {RETENTION.days} days", fix))
    else:
        checks.append(Check(f"retention {settings.region}", "ok", f"{retention.days} days"))
    missing = {key: type_ for key, type_ in SEARCH_ATTRIBUTES.items() if there.get(key) != type_}
    if missing:
        given = " ".join(f"--name {key} --type {type_}" for key, type_ in missing.items())
        fix = f"temporal operator search-attribute create --namespace {settings.namespace} {given}"
        found = f"missing or of another type: {', '.join(missing)}"
        checks.append(Check(f"search attributes {settings.region}", "fail", found, "all that runs set", fix))
    else:
        checks.append(Check(f"search attributes {settings.region}", "ok", f"all {len(there)}"))
    return checks


def bindings(settings: RegionSettings, environ: Mapping[str, str]) -> list[Check]:
    """The bindings file as the worker would read it, and its channels."""
    from activities.catalog import CATALOG, INTERNAL
    from watchfloor.connections.loading import BindingsRefused, load_bindings
    from watchfloor.runtime import doctor_channels, doctor_webhooks

    name = f"bindings {settings.region}"
    try:
        document = load_bindings(settings.bindings_path, variables=settings.variables, catalog={**CATALOG, **INTERNAL})
    except BindingsRefused as error:
        first, *more = str(error).splitlines()
        also = f" (and {len(more)} more)" if more else ""
        return [Check(name, "fail", first + also, "a valid bindings file", "correct the place named")]
    return [
        Check(name, "ok", str(settings.bindings_path)),
        *doctor_channels.look(settings, document, environ),
        *doctor_webhooks.look(settings, document, environ),
    ]


async def clocks(url: str) -> list[Check]:
    """The difference between this clock and the server's, from the `Date` of its web interface."""
    try:
        async with open_guarded_client(Egress.to(url), patience=PATIENCE.total_seconds()) as client:
            answer = await client.get(url)
        theirs = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (httpx2.HTTPError, KeyError, ValueError):
        return [Check("clock", "warn", f"{url} did not say what time it is", "a `Date` header", "look at the server")]
    skew = abs(now() - theirs) - timedelta(seconds=1)  # the header counts whole seconds
    if skew > SKEW:
        found = f"{skew.total_seconds():.0f} s apart from the server's clock"
        return [Check("clock", "warn", found, f"at most {SKEW.seconds} s", "synchronise both machines (NTP)")]
    return [Check("clock", "ok", "agrees with the server's")]
