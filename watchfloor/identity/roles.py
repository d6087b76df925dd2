"""The roles of an incident and what each is for. Runbooks, the directory of people and gates name these and no others.

The list follows the Incident Command System as Trust & Safety teams use it: one commander, chiefs under them, and
counsel, records and wellness beside them.
"""

from collections.abc import Mapping
from types import MappingProxyType

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "incident_commander": "owns severity, decisions and closure; does no hands-on work",
        "deputy": "relieves the commander, keeps the timers",
        "ops_lead": "runs containment",
        "csea_specialist": "the only role that opens child-safety material",
        "policy_lead": "interprets policy, decides the borderline",
        "legal_counsel": "hold scope, disclosure, orders, release of a hold",
        "le_liaison": "contact with the authorities, verifies them",
        "privacy_boundary_officer": "what may cross a region's border",
        "comms_lead": "words for inside and outside",
        "eng_oncall": "rule deploys, kill switches, rollback",
        "data_analyst": "spread, prevalence, times",
        "wellness_officer": "may end anyone's exposure; nobody overrides",
        "exec_sponsor": "market-wide or feature-wide measures; the last rung of a ladder",
        "records_custodian": "chain of custody, holds, clocks that outlive the incident",
        "postmortem_facilitator": "leads the review; never the commander",
        "eu_desk": "accepts work in the EU region",
        "us_desk": "accepts work in the US region",
    }
)
