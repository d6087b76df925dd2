"""The interceptor around every activity of a worker: entries first, then the activity.

Every action goes through the effect runner, whoever wrote its body; entries that ride along with any other activity
are in the ledger before it begins.
"""

from collections.abc import Mapping
from typing import Any, cast

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.effects import EffectRunner
from activities.registry import CATALOG, INTERNAL
from schemas.actions import ActionCall, ActionReceipt
from schemas.notify import ACTIVITY_LEDGER


class LedgerInterceptor(Interceptor):
    """Put it into `Worker(interceptors=[...])`; without it no effect is carried out (`effects.require_admission`)."""

    def __init__(self, runner: EffectRunner) -> None:
        self._runner = runner

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next, self._runner)


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, runner: EffectRunner) -> None:
        super().__init__(next)
        self._runner = runner

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        name = activity.info().activity_type
        argument = input.args[0] if input.args else None
        if name in CATALOG or name in INTERNAL:
            # the name that was scheduled is the action that is announced
            call = cast(ActionCall, {**cast(ActionCall, argument), "action": name})

            async def act() -> ActionReceipt:
                return cast(ActionReceipt, await self.next.execute_activity(input))

            return await self._runner.carry_out(call, act)
        if name != ACTIVITY_LEDGER and isinstance(argument, Mapping):
            await self._runner.append(argument.get("entries") or [])
        return await self.next.execute_activity(input)
