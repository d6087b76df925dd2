"""Who is asked for what exposes: those who take it now, before anybody who does not; who had least of it first.

Whose turn it is follows from what people have borne, never from what they have done: of those who take a class, the
one with least exposure to it in the last 24 hours, then in seven days, then by id.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog

from watchfloor.identity.people import Directory
from watchfloor.identity.reached import Reached
from watchfloor.wellness.desk import Wellness
from watchfloor.wellness.store import WellnessUnavailable

log = structlog.get_logger(__name__)


def narrow(desk: Wellness, people: Directory, exposure: str, reached: Reached, *, now: datetime) -> Reached | None:
    """Leave out who has not opted in, rests, is at a cap or between two shifts; put who is proposed first at the front.

    None where nobody would be left. A file that cannot be read leaves nobody out: a page too many is better than a
    task that nobody hears of.
    """
    try:
        willing = propose(desk, exposure, reached.people, now=now)
    except WellnessUnavailable as error:
        log.warning("everybody is told", error=type(error).__name__)
        return reached
    theirs = {one: found.contacts for one in willing if (found := people.find(one)) is not None and found.contacts}
    own = {one: tuple(name for name in names if name in reached.destinations) for one, names in theirs.items()}
    destinations = tuple(dict.fromkeys(name for names in own.values() for name in names))
    return Reached(reached.role, tuple(own), destinations, reached.how, own) if destinations else None


def propose(desk: Wellness, exposure: str, people: Iterable[str], *, now: datetime) -> list[str]:
    """Of these people those who take this class now, in the order in which they are proposed for it.

    Raises:
        WellnessUnavailable: nobody can say.
    """
    willing = [one for one in people if desk.takes(one, exposure, now=now).allowed]
    return sorted(willing, key=lambda one: (*desk.burden(one, exposure, now=now), one))
