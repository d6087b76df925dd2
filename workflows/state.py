"""The state of a run: one plain dict (`schemas.incident.Carried`) that survives continue-as-new whole.

Keys are runtime paths. Suffixes beginning with `!` hold what belongs to a step beside its result: `!if` the recorded
condition, `!error` the recorded failure, `!timeout` an absolute deadline, `!round` how often a step was asked anew,
`!again` how often a `try` was begun anew or an action done anew after it was taken back,
`!failed` and `!doubt` the asks about a failure and a doubtful effect, `!undo` the undoing of a measure.
"""

import base64
import json
import zlib
from datetime import datetime
from typing import Any, cast

from schemas.incident import Carried, IncidentStart
from schemas.json_value import Json
from watchfloor.signing import canonical, render_instant

OUTPUT_LIMIT = 16 * 1024
"""Bytes of JSON a step's outputs may take; an action's own limit is the same."""
CARRY_PLAIN = 256 * 1024
"""Bytes of state above which it is packed for continue-as-new."""
ITEM_LIMIT = 512
"""Bytes of JSON the outputs of one finished loop item may take."""


def open_state(start: IncidentStart, now: datetime) -> Carried:
    """The state of a run that begins, or the one that was carried over."""
    carried = start["carried"]
    if start.get("carried_z"):
        carried = cast(Carried, json.loads(zlib.decompress(base64.b64decode(start["carried_z"]))))
    if carried is not None:
        carried["runs"] += 1
        return carried
    at = render_instant(now)
    return {
        "results": {},
        "taken": {},
        "loops": {},
        "deadlines": {},
        "facts": {},
        "clocks": {},
        "asks": {},
        "settled": {},
        "silent": [],
        "seen": [],
        "measures": [],
        "entries": [],
        "entry_seq": 0,
        "tracks": [],
        "phase": "",
        "phases_done": [],
        "severity": "",
        "paused": None,
        "aborted": None,
        "ending": None,
        "commander": {"region": start["region"], "person": start["requester"], "since": at, "fence": 1},
        "children": {},
        "folded": {},
        "opened_at": at,
        "runs": 0,
    }


def carry(start: IncidentStart, state: Carried) -> dict[str, Any]:
    """The start message that continues a run with this state."""
    raw = canonical(state)
    start = cast(IncidentStart, {name: value for name, value in start.items() if name != "by_hand"})
    if len(raw) <= CARRY_PLAIN:
        return {**start, "carried": state, "carried_z": ""}
    return {**start, "carried": None, "carried_z": base64.b64encode(zlib.compress(raw, 6)).decode()}


def forget_below(state: Carried, prefix: str) -> None:
    """Forget what was recorded under a path; `prefix` ends with `/`, `[` or `!`."""
    for table in (state["results"], state["taken"], state["loops"], state["deadlines"], state.get("narrowed", {})):
        for path in [one for one in table if one.startswith(prefix)]:
            del table[path]


def forget_failures(state: Carried, path: str) -> None:
    """Make ready to try a failed step again: what succeeded inside it stays and is not done twice."""
    below = f"{path}/", f"{path}[", f"{path}!"
    for one in [each for each in state["results"] if each.startswith(below) and not state["results"][each]["ok"]]:
        del state["results"][one]
    kept = state["results"]
    for table in (state["taken"], state["deadlines"], state["loops"]):
        for one in [each for each in table if each == path or each.startswith(below)]:
            if not one.endswith(("!round", "!again")) and one.partition("!")[0] not in kept:
                del table[one]


def size_of(value: Json) -> int:
    """Bytes of a value's canonical JSON; raises ValueError for what JSON cannot carry."""
    return len(canonical(value))
