"""The body of an action that is nothing but its binding: one function per catalogue entry, made here."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from activities.dependencies import Dependencies
from activities.effects import require_admission
from activities.records import receipt_of
from schemas.actions import ActionCall, ActionReceipt

Action = Callable[[ActionCall], Awaitable[ActionReceipt]]


def bound(deps: Dependencies, name: str) -> Action:
    """The activity of an action that is carried out by one call of its binding.

    What may run twice: the request, and only as `activities.effects` allows. The key is `ActionCall.key`.
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        answer = await deps.bindings.call(call)
        return receipt_of(call, answer.outputs, answer.at)

    return defined(name, act)


def defined(name: str, act: Action) -> Action:
    """Name a function as the activity of an action."""
    act.__name__ = act.__qualname__ = name.replace(".", "_")
    return activity.defn(name=name)(act)
