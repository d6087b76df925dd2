"""Rules about a whole runbook: safety (WF3xx), time and size (WF4xx), style (WF5xx).

Each rule takes what the compile was given, and reports. Those of the document look at what is written; those of the
plan, run when nothing else is wrong, at the ways through it (`watchfloor.language.proof`). Rules follow effects, not
names, and are stated so that a correct runbook is silent (language.md, "What the compiler proves").
"""

from schemas.plan import Plan
from watchfloor.language.proof.paths import find_paths
from watchfloor.language.rules import (
    attempts,
    budget,
    clocks,
    closing,
    constants,
    exposure,
    facts,
    fleeting,
    gates,
    lasting,
    life,
    people,
    preservation,
    reach,
    reasons,
    residency,
    results,
    silence,
    timing,
    windows,
)
from watchfloor.language.surroundings import Surroundings

_RULES = (gates, people, reach, clocks, facts, windows, lasting, exposure)
_PATH_RULES = (silence, preservation, attempts, closing)
_PLAN_RULES = (fleeting, life, reasons, residency, timing, budget, results, constants)


def check_rules(given: Surroundings) -> None:
    """Run every rule over the document."""
    for rule in _RULES:
        rule.check(given)


def check_plan(given: Surroundings, plan: Plan) -> None:
    """Run every rule over the plan."""
    paths = find_paths(plan)
    for rule in _PATH_RULES:
        rule.check(given, plan, paths)
    for other in _PLAN_RULES:
        other.check(given, plan)
