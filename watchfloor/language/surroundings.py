"""What a compile is given, what it gathers, and what holds where a runbook says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.actions import ActionContract
from schemas.plan import ClockLaw, Doubt, Retry, Slot
from watchfloor.language.document import Runbook
from watchfloor.language.library import Runbooks
from watchfloor.language.report import Report

DEFAULT_RETRY: Retry = {"times": 5, "first": 1.0, "factor": 2.0, "up_to": 60.0}
DEFAULT_RUNG = 600.0
DEFAULT_DOUBT: Doubt = {"ask": ["incident_commander"], "within": 3600.0}
DEFAULT_AT_ONCE = 10
KEEPER_OF_HOLDS = "records_custodian"
DEFAULT_RELEASE: list[Slot] = [{"any_of": ["legal_counsel"]}, {"any_of": ["records_custodian"]}]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a compile is given and gathers."""

    runbook: Runbook
    report: Report
    catalog: Mapping[str, ActionContract]
    register: Mapping[str, ClockLaw]
    roles: frozenset[str] | None
    runbooks: Runbooks
    library: dict[str, str] = field(default_factory=dict)
    step_outputs: dict[str, dict[str, str]] = field(default_factory=dict)
