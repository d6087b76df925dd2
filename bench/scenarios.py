"""The time of 100 scenarios as an author runs them, a fresh time-skipping server for each, two in play at once."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from watchfloor.scenarios.files import play_files
from watchfloor.scenarios.outcome import Outcome
from watchfloor.scenarios.timeline import CALL, TOLD

COUNT = 100
_RUNBOOK = "eu-tco-removal-order"
_ITEMS = (3, 8, 13, 18, 23, 28)
"""Items of an order, in turn; two calls for each item and about eight beside them."""


async def measure_scenarios(count: int = COUNT, at_once: int = 2) -> dict[str, float]:
    """Seconds for so many scenarios of the removal order: clean, doubtful, slow and failing ones in turn."""
    with TemporaryDirectory(prefix="watchfloor-bench-") as folder:
        file = Path(folder) / "scenarios.yaml"
        file.write_text(yaml.safe_dump(list(_scenarios(count)), sort_keys=False), encoding="utf-8")
        began = time.perf_counter()
        summary = await play_files([file], at_once=at_once)
        seconds = time.perf_counter() - began
    if not summary.ok:
        wrong = next(one for one in summary.outcomes if not one.passed)
        raise ValueError(
            f"{wrong.scenario.name}: {wrong.deviations[0].message if wrong.deviations else wrong.findings}"
        )
    calls = [_activities(outcome) for outcome in summary.outcomes]
    mean = sum(calls) / len(calls)
    print(f"{count} scenarios, {at_once} in play at once, a server of its own for each")
    print(f"  activities each: {mean:.0f} on average, {max(calls)} at most")
    print(f"  {seconds:.1f} s together, slowest {max(one.seconds for one in summary.outcomes):.1f} s")
    return {"seconds": seconds, "activities": mean}


def _activities(outcome: Outcome) -> int:
    """Calls of actions and notices to people; the engine's own appends to the ledger are not counted."""
    assert outcome.ending is not None
    return sum(event.kind in {*CALL, TOLD} for event in outcome.ending.timeline.events)


def _scenarios(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        items = _ITEMS[number % len(_ITEMS)]
        story: dict[str, object] = {
            "scenario": f"story {number}",
            "runbook": _RUNBOOK,
            "inputs": {
                "order_id": f"DE-2026-{number:04}",
                "received_at": "-5m",
                "urls": [f"https://example.test/v/{item}" for item in range(items)],
                "issuing_state": "DE",
            },
            "expect": {"outcome": "closed", "clocks": {"removal": "met"}},
        }
        yield story | _turn(number)


def _turn(number: int) -> dict[str, object]:
    counsel = {"person": "counsel-1", "role": "legal_counsel"}
    match number % 4:
        case 0:
            return {}
        case 1:
            return {
                "actions": {"order.authenticate": {"returns": {"authentic": True, "complete": False}}},
                "people": [
                    {"when": "asked", "after": "3m", "step": "order_doubt", "choose": "treat_as_valid", "as": counsel}
                ],
            }
        case 2:
            return {
                "actions": {
                    "content.probe": [{"returns": {"all_gone": False}, "times": 3}, {"returns": {"all_gone": True}}]
                }
            }
    return {
        "actions": {"content.disable": [{"fails": "refused"}, {"returns": {}}]},
        "people": [
            {"when": "asked", "step": "leftover", "choose": "done", "as": {"person": "ops-1", "role": "ops_lead"}}
        ],
    }


if __name__ == "__main__":
    sys.exit("run it as `python -m bench scenarios`")
