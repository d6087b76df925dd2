"""What came in before: a claim for each order, kept longer than the engine keeps its runs.

The engine never takes an id twice, but forgets a closed run after its retention. The claim is what still answers then.
"""

from watchfloor.intake.claims import NO_MARKS, Claim, Claims, ClaimsUnavailable, Marks

__all__ = ["NO_MARKS", "Claim", "Claims", "ClaimsUnavailable", "Marks"]
