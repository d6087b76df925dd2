"""The language's speed: text to plan against bare YAML, side by side with a JSON Schema validator; lint; memory.

The runbook is generated: 40 steps of many kinds and 25 expressions, about the size of a large one of the library. All
that compares runs interleaved in one process, so that a busy machine slows each of them alike; medians are printed.
"""

import gc
import json
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import jsonschema
import yaml

from activities.catalog import CATALOG
from watchfloor.client.library import clock_register, library_folder
from watchfloor.identity.roles import ROLES
from watchfloor.language import Compiled, compile_text, render_text
from watchfloor.language.jsonschema import PUBLISHED
from watchfloor.scenarios.crossing import all_steps

STEPS, EXPRESSIONS = 40, 25

_HEAD = """\
runbook: forty-steps
version: 1
title: Forty steps with their gates, loops and choices
owners: [bench]
harm: bench
mode: {default: incident}
severity: {default: S2}
compartment: bench
regions: {command: eu, allowed: [eu, us]}
inputs:
  order_id: {type: string, pattern: "^[A-Z0-9-]{4,64}$"}
  received_at: timestamp
  items: {type: list, of: url, max_items: 50}
  issuing_state: {type: string, enum: [DE, FR, PL]}
facts:
  received: {type: timestamp, from: [inputs.received_at]}
  annulled: {type: timestamp, from: [authority_mailbox]}
  verified: {type: timestamp, from: [steps.look0]}
clocks:
  removal:
    use: eu.tco.removal
    start: facts.received
    stop: facts.verified
    warn: [15m, 45m]
    on_breach: [{page: exec_sponsor}]
    on_close: {assign: legal_counsel}
phases:
  - triage:
      - id: look0
        action: content.probe
        with: {urls: "${{ inputs.items }}", countries: [DE]}
        records: {verified: steps.look0.seen_at}
"""
_ROUND = """\
  - round{n}:
      - id: each{n}
        for_each: {{item: url, in: inputs.items, at_once: 10, on_item_error: collect}}
        steps:
          - id: snapshot{n}
            action: evidence.snapshot
            with: {{url: "${{{{ url }}}}"}}
            timeout: 2m
            retry: {{times: 3, first: 1s, factor: 2, up_to: 10s}}
            on_error: continue
          - id: disable{n}
            action: content.disable
            with: {{url: "${{{{ url }}}}", scope: eu}}
            timeout: 10m
            undo: {{action: content.restore, on: [annulled]}}
      - id: doubt{n}
        if: size(steps.each{n}.failed) > 0 && !has(facts.annulled)
        decide:
          ask: Some items were not disabled. What now?
          show: [steps.each{n}.failed]
          from: [legal_counsel]
          within: 10m
          options:
            by_hand:
              steps:
                - id: hand{n}
                  task: {{assignee: ops_lead, do: Remove what is left then report, within: 10m, escalate: [deputy]}}
            enough: {{}}
          on_silence: {{escalate: [exec_sponsor], then: fail}}
      - id: which{n}
        choose:
          - when: inputs.issuing_state == "DE" || inputs.issuing_state == "PL"
            steps:
              - {{id: tell{n}, action: notify.webhook, with: {{to: desk, about: looked}}}}
          - otherwise:
              - {{id: page{n}, action: page, with: {{role: ops_lead, about: looked}}}}
"""
_TAIL = """\
      - {id: last, action: page, with: {role: ops_lead, about: ended}}
      - {id: end, stop: {outcome: ended}}
close_when: has(facts.verified)
"""


def forty_steps(name: str = "forty-steps") -> str:
    """The generated runbook, called `name`."""
    return _HEAD.replace("forty-steps", name) + "".join(_ROUND.format(n=n) for n in range(1, 6)) + _TAIL


def cold_variant(text: str, turn: int) -> str:
    """The same runbook under other names, so that no expression of it has been compiled before."""
    for word in ("items", "issuing_state", "annulled", "verified", "received"):
        text = re.sub(rf"\b{word}\b", f"{word}_{turn}", text)
    return re.sub(r"\b(each|doubt|which|look)(\d)\b", rf"\1\2v{turn}", text)


async def measure_language(rounds: int = 40) -> dict[str, float]:
    """Text to plan against `yaml.CSafeLoader` and a JSON Schema validator, on the same text, in turn.

    Processor time is taken, since all of it is computing and another process may hold the core meanwhile.
    """
    schema = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    text = forty_steps()
    counted = _count(text)
    subjects: dict[str, Callable[[str], object]] = {
        "yaml.CSafeLoader alone": _load,
        "yaml.CSafeLoader and jsonschema": lambda given: list(schema.iter_errors(_load(given))),
        "watchfloor, expressions seen before": lambda given: _compile(text),
        "watchfloor, expressions new": _compile,
    }
    times: dict[str, list[float]] = {name: [] for name in subjects}
    _count(cold_variant(text, rounds))
    for subject in subjects.values():
        subject(cold_variant(text, rounds))
    for turn in range(rounds):
        given = cold_variant(text, turn)
        for name, subject in subjects.items():
            gc.collect()
            began = time.process_time()
            subject(given)
            times[name].append(time.process_time() - began)
    bare = times["yaml.CSafeLoader alone"]
    print(f"text to plan: {counted}, {len(text)} bytes; processor time, medians of {rounds} turns")
    found: dict[str, float] = {}
    for name, mine in times.items():
        ratio = statistics.median(one / other for one, other in zip(mine, bare, strict=True))
        found[name] = ratio
        print(f"  {name:<40}{statistics.median(mine) * 1000:>9.2f} ms{ratio:>9.2f} x")
    found["ratio"] = found["watchfloor, expressions new"]
    return found


async def measure_processes(rounds: int = 7) -> dict[str, float]:
    """Whole processes from start to end: lint of the shipped library and of the generated file, check-jsonschema."""
    found: dict[str, float] = {}
    with TemporaryDirectory(prefix="watchfloor-bench-") as folder:
        file = Path(folder) / "runbook.yaml"
        file.write_text(forty_steps(), encoding="utf-8")
        programs = Path(sys.executable).parent
        commands = {
            "watchfloor lint, the shipped library": [programs / "watchfloor", "lint", library_folder()],
            "watchfloor lint, forty steps": [programs / "watchfloor", "lint", file],
            "check-jsonschema, forty steps": [programs / "check-jsonschema", "--schemafile", PUBLISHED, file],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(list(map(str, command)), check=True, capture_output=True)  # noqa: ASYNC221
                if turn:
                    times[name].append(time.perf_counter() - began)
    print(f"whole processes, start to end; medians of {rounds} turns")
    for name, mine in times.items():
        found[name] = statistics.median(mine)
        print(f"  {name:<40}{found[name]:>9.3f} s")
    return found


async def measure_memory(count: int = 1000) -> dict[str, float]:
    """So many different runbooks compiled in one process: its resident memory on the way."""
    text = forty_steps()
    print(f"{count} different runbooks of {STEPS} steps in one process")
    began, marks = time.perf_counter(), {}
    for turn in range(1, count + 1):
        if _compile(cold_variant(text, turn)).plan is None:
            raise ValueError(render_text(_compile(cold_variant(text, turn)).findings))
        if turn in {1, count // 10, count // 4, count // 2, 3 * count // 4, count}:
            gc.collect()
            marks[turn] = _resident()
            print(f"  {turn:>6}{marks[turn]:>9.1f} MB{time.perf_counter() - began:>9.1f} s")
    return {"growth": marks[count] - marks[count // 2], "resident": marks[count]}


def _load(text: str) -> object:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _compile(text: str) -> Compiled:
    return compile_text(text, path="runbook.yaml", catalog=CATALOG, register=clock_register(), roles=ROLES)


def _count(text: str) -> str:
    compiled = _compile(text)
    if compiled.plan is None:
        raise ValueError(render_text(compiled.findings))
    steps = len(all_steps(compiled.plan))
    expressions = len(re.findall(r"\$\{\{|\bwhen: |\bif: |\bin: |\bshow: |_when: ", text))
    if steps < STEPS or expressions < EXPRESSIONS:
        raise ValueError(f"the generated runbook has {steps} steps and {expressions} expressions")
    return f"{steps} steps, {expressions} expressions"


def _resident() -> float:
    """Megabytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6
