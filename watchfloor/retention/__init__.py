"""What may become of one preserved copy when laws, courts and people want different things. Pure.

claims ── stand(claim, copy, now) ──> binds, doubtful, not yet, ended, outside, void
       └─ decide(copy, claims, now) ─> Ruling: the action, the step and claims that decided it, numbered sentences
"""

from watchfloor.retention.claims import Claim, Copy, Kind, Renewal, Standing, stand
from watchfloor.retention.order import Action, Change, Ruling, decide

__all__ = ["Action", "Change", "Claim", "Copy", "Kind", "Renewal", "Ruling", "Standing", "decide", "stand"]
