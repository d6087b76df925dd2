"""A restriction that reaches users in the European Union names its ground, for the statement of reasons.

Source: Regulation (EU) 2022/2065 Art. 17, which excepts what an authority has ordered (Art. 17(5)). Judged in runbooks
that run a clock of that regulation; one that carries out an order is excepted.
"""

from collections.abc import Mapping
from typing import Any

from schemas.plan import Plan
from watchfloor.language import codes
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings

ORDERS = ("eu.tco.", "eu.dsa.art9")
UNION = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "EU", "GLOBAL", "WORLD"),
    }
)
"""Scopes that hold users in the Union."""


def check(given: Surroundings, plan: Plan) -> None:
    laws = {clock["law"]["id"] for clock in plan["clocks"].values()}
    if any(law.startswith(ORDERS) for law in laws) or not any(law.startswith("eu.dsa.") for law in laws):
        return
    places = Places(given)
    for step in steps_of(plan):
        if step["kind"] != "action" or step["effect"] != "restricts":
            continue
        contract = given.catalog.get(step["action"])
        if contract is None or "ground" not in contract["inputs"] or "ground" in step["with_"]:
            continue
        if not _reaches(step["with_"].get("scope")):
            continue
        given.report.add(
            codes.NO_REASON,
            places.action(step),
            f"`{step['action']}` restricts what users in the European Union see and says no ground",
            expected="`ground:`, a code of the law or of the policy",
            help="add `ground: dsa.illegal` or another code to `with:`; a run that carries out an order has its clock",
        )


def _reaches(scope: Mapping[str, Any] | None) -> bool:
    """Whether a scope reaches users in the Union; one that is computed may."""
    if scope is None or "lit" not in scope:
        return True
    return str(scope["lit"]).upper() in UNION
