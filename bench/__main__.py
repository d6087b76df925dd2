"""`python -m bench [NAME ...]`: run the measurements, all of them when none is named."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping

from bench.decisions import judge_ratio, measure_decisions
from bench.gateway import judge_counts, measure_gateway
from bench.language import measure_language, measure_memory, measure_processes
from bench.measures import measure_events, measure_throughput
from bench.scenarios import measure_scenarios

MEASURES: dict[str, tuple[Callable[[], Awaitable[dict[str, float]]], str]] = {
    "events": (measure_events, "history events of one more plain step; expected: 6, as written by hand"),
    "throughput": (measure_throughput, "time of plain steps against the same written by hand"),
    "decisions": (measure_decisions, "accepted decision to the start of what it gates; expected: at most 1.2 times"),
    "language": (
        measure_language,
        "text to plan against bare YAML and JSON Schema; expected: at most 10 times bare YAML",
    ),
    "lint": (measure_processes, "whole processes of lint and check-jsonschema; expected: the library in under 1 s"),
    "memory": (measure_memory, "1,000 runbooks in one process; expected: flat"),
    "gateway": (
        measure_gateway,
        "200 incidents on the board, 50 who follow, a burst of 1,000 triggers; expected: none lost, none doubled",
    ),
    "scenarios": (measure_scenarios, "100 scenarios of up to 60 activities; expected: under 90 s on 2 cores"),
}


JUDGES: dict[str, Callable[[Mapping[str, float]], str]] = {"decisions": judge_ratio, "gateway": judge_counts}
"""Measurements whose bound is promised: what is missed in words, and the process ends with 1."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measurements of the engine and the language.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}; all when none is named")
    parser.add_argument("--list", action="store_true", help="say what there is")
    given = parser.parse_args()
    if given.list:
        for name, (_, about) in MEASURES.items():
            print(f"{name:<12} {about}")
        return 0
    unknown = [name for name in given.names if name not in MEASURES]
    if unknown:
        parser.error(f"there is no measurement `{unknown[0]}`; there are {', '.join(MEASURES)}")
    missed = []
    for name in given.names or MEASURES:
        found = asyncio.run(_measure(MEASURES[name][0]))
        if name in JUDGES and JUDGES[name](found):
            missed.append(name)
        print()
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


async def _measure(measure: Callable[[], Awaitable[dict[str, float]]]) -> dict[str, float]:
    return await measure()


if __name__ == "__main__":
    sys.exit(main())
