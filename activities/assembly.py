"""The activities of one worker, all of them, built from explicit dependencies."""

from collections.abc import Callable
from typing import Any

from temporalio.worker import Interceptor

from activities import destruction, evidence, handoff, hold, ledger, notify, postmortem
from activities.bound import bound
from activities.dependencies import Dependencies
from activities.effects import EffectRunner
from activities.interceptor import LedgerInterceptor
from activities.registry import CATALOG
from watchfloor.connections.port import IN_STORE, THROUGH_CHANNELS


def assemble(deps: Dependencies) -> list[Callable[..., Any]]:
    """Every activity that the region's worker registers. Give the worker `interceptors(deps)` as well."""
    own = {evidence.NAME, *THROUGH_CHANNELS, *IN_STORE}
    return [
        *(bound(deps, name) for name in CATALOG if name not in own),
        evidence.snapshot(deps),
        notify.notify(deps, "notify.webhook", "webhook"),
        notify.notify(deps, "notify.email", "email"),
        notify.page(deps),
        notify.people_notify(deps),
        notify.find_person(deps),
        ledger.append(EffectRunner(deps)),
        ledger.anchor(deps),
        *destruction.build(deps),
        *hold.build(deps),
        *handoff.build(deps),
        *postmortem.build(deps),
    ]


def interceptors(deps: Dependencies) -> list[Interceptor]:
    """What the worker is given beside the activities: entries before effects, outcomes after them."""
    return [LedgerInterceptor(EffectRunner(deps))]
