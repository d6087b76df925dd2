"""Compartments: who is cleared for one sees its runs, everybody else sees nothing of them.

A runbook names its compartment, a person's entry in the directory the compartments they are cleared for. A company's
own compartments are declared at the top of its directory (`compartments: [atlas]`), so that a typing error is found.
"""

from collections.abc import Mapping
from types import MappingProxyType

COMPARTMENTS: Mapping[str, str] = MappingProxyType(
    {
        "csea": "child sexual exploitation and abuse",
        "terror": "terrorist content and actors",
        "selfharm": "suicide and self-harm",
        "le": "requests and secrets of law enforcement",
        "usds": "data that must stay with US persons (28 CFR 202)",
        "hr": "exposure, health and conduct of our own people",
    }
)
