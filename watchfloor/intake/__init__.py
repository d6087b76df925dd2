"""What came in before: a claim for each order, kept longer than the engine keeps its runs.

The engine never takes an id twice, but forgets a closed run after its retention. The claim is what still answers then.
"""

from watchfloor.intake.claims import Claim, Claims, ClaimsUnavailable

__all__ = ["Claim", "Claims", "ClaimsUnavailable"]
