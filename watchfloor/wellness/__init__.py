"""What work does to the people who do it: who has opted in to what, how long they were exposed, when they rest.

Kept in a file of its own (`hr/wellness.sqlite` of the region), apart from the ledger, the runs and every figure
about work. A person sees their own figures, the wellness officer everybody's; anybody else sees sums over five people
or more.
"""

from watchfloor.wellness.caps import Caps, CapsRefused, ClassCap, load_caps
from watchfloor.wellness.desk import Wellness
from watchfloor.wellness.rules import Verdict
from watchfloor.wellness.store import WellnessUnavailable

__all__ = ["Caps", "CapsRefused", "ClassCap", "Verdict", "Wellness", "WellnessUnavailable", "load_caps"]
