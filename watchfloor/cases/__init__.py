"""The case index: derived from runs and ledger, read by lists, boards and event streams."""

from watchfloor.cases.index import Case, CaseIndex, IndexUnavailable, Place
from watchfloor.cases.open_cases import OpenCases, OpenNow

__all__ = ["Case", "CaseIndex", "IndexUnavailable", "OpenCases", "OpenNow", "Place"]
