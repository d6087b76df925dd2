"""What any face (command line, gateway, scenario runner, tests) uses to talk to runs.

`connect` gives a `Face` for one region; everything else takes it as first argument. `watchfloor.client.errors` draws
the tree of what can go wrong. Names are loaded when they are first used, so that `watchfloor lint` and `--help`, which
need the library and the errors only, start without Temporal.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfloor.client.asks import AskAt, Family, family, pick_ask
    from watchfloor.client.errors import (
        Ambiguous,
        ClientError,
        EngineUnavailable,
        InputProblem,
        InputsRefused,
        NotFound,
        Refused,
        RunbookRefused,
    )
    from watchfloor.client.face import Face, connect
    from watchfloor.client.facts import send_fact
    from watchfloor.client.orders import Order, read_order, read_order_file
    from watchfloor.client.runs import (
        RunSummary,
        Started,
        board,
        list_incidents,
        pack_plan,
        plan_of,
        resolve_run,
        start_incident,
        started_with,
        unpack_plan,
    )
    from watchfloor.client.statements import Sent, send_control, send_decision

_PLACES = {
    "Ambiguous": "errors",
    "AskAt": "asks",
    "ClientError": "errors",
    "EngineUnavailable": "errors",
    "Face": "face",
    "Family": "asks",
    "InputProblem": "errors",
    "InputsRefused": "errors",
    "NotFound": "errors",
    "Order": "orders",
    "Refused": "errors",
    "RunSummary": "runs",
    "RunbookRefused": "errors",
    "Sent": "statements",
    "Started": "runs",
    "board": "runs",
    "connect": "face",
    "family": "asks",
    "list_incidents": "runs",
    "pack_plan": "runs",
    "pick_ask": "asks",
    "plan_of": "runs",
    "read_order": "orders",
    "read_order_file": "orders",
    "resolve_run": "runs",
    "send_control": "statements",
    "send_decision": "statements",
    "send_fact": "facts",
    "start_incident": "runs",
    "started_with": "runs",
    "unpack_plan": "runs",
}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module `watchfloor.client` has no attribute `{name}`")
    return getattr(import_module(f"watchfloor.client.{place}"), name)


__all__ = [
    "Ambiguous",
    "AskAt",
    "ClientError",
    "EngineUnavailable",
    "Face",
    "Family",
    "InputProblem",
    "InputsRefused",
    "NotFound",
    "Order",
    "Refused",
    "RunSummary",
    "RunbookRefused",
    "Sent",
    "Started",
    "board",
    "connect",
    "family",
    "list_incidents",
    "pack_plan",
    "pick_ask",
    "plan_of",
    "read_order",
    "read_order_file",
    "resolve_run",
    "send_control",
    "send_decision",
    "send_fact",
    "start_incident",
    "started_with",
    "unpack_plan",
]
