"""Rules about a whole runbook: safety (WF3xx), time and size (WF4xx), style (WF5xx).

Each rule takes the document and what the compile was given, and reports. Rules follow effects, not names, and are
stated so that a correct runbook is silent (language.md, "What the compiler proves").
"""

from watchfloor.language.rules import clocks, facts, gates, people, preservation, reach, silence, windows
from watchfloor.language.step_compiler import Surroundings

_RULES = (gates, silence, preservation, people, reach, clocks, facts, windows)


def check_rules(given: Surroundings) -> None:
    """Run every rule over the document."""
    for rule in _RULES:
        rule.check(given)
