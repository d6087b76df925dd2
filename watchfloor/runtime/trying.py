"""Sending one harmless message to one channel, and what came back."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex

from watchfloor.client.errors import NotFound
from watchfloor.connections.loading import BindingsRefused
from watchfloor.connections.port import FOLLOWING, CallFailed, Notice
from watchfloor.connections.wiring import open_connections
from watchfloor.runtime.refusal import WorkerRefused
from watchfloor.runtime.settings import RegionSettings

ABOUT = "test"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a channel did with a test. `failed` is empty when it took it; `type`, `detail`: what kind of no."""

    region: str
    destination: str
    kind: str
    took_at: datetime | None
    failed: str = ""
    type: str = ""
    detail: Mapping[str, object] | None = None
    closed: bool = False
    """A channel that keeps an alert open was told that this one is over."""


async def try_channel(settings: RegionSettings, destination: str, *, environ: Mapping[str, str] | None = None) -> Tried:
    """Send a test to a destination of the region's bindings, and end it where that is kept open.

    Raises:
        NotFound: no channel has this name.
        WorkerRefused: the bindings, or a secret in them, cannot be used.
    """
    from activities.catalog import CATALOG, INTERNAL

    try:
        connections = open_connections(
            settings.bindings_path,
            variables=settings.variables,
            catalog={**CATALOG, **INTERNAL},
            environ=os.environ if environ is None else environ,
        )
    except BindingsRefused as error:
        raise WorkerRefused(
            f"the bindings of region `{settings.region}` cannot be used: {error}",
            expected="a valid bindings file and every secret in it within reach",
            fix="correct the places named, set the secrets for this command as for the worker",
        ) from error
    try:
        known = connections.notifier.destinations()
        if destination not in known:
            raise NotFound(
                f"no channel `{destination[:40]}` in {settings.bindings_path}; there are: {', '.join(known) or 'none'}"
            )
        kind = connections.notifier.kind(destination)
        mark = token_hex(4)
        notice = Notice(
            key=f"test-{mark}",
            about=ABOUT,
            region=settings.region,
            incident=f"test-{mark}",
            step=ABOUT,
            path=ABOUT,
            severity="S4",
            at=datetime.now(UTC),
        )
        try:
            at = await connections.notifier.deliver(destination, notice)
            if kind in FOLLOWING:
                await connections.notifier.deliver(
                    destination, replace(notice, key=f"test-{mark}-end", state="settled")
                )
        except CallFailed as failure:
            return Tried(settings.region, destination, kind, None, str(failure), failure.type, failure.detail)
        return Tried(settings.region, destination, kind, at, closed=kind in FOLLOWING)
    finally:
        await connections.close()
