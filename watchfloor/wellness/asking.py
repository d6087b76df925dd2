"""Who is asked for what exposes: those who take it now, before anybody who does not."""

from datetime import datetime, timedelta

import structlog

from watchfloor.identity.people import Directory
from watchfloor.identity.reached import Reached
from watchfloor.wellness.desk import Wellness
from watchfloor.wellness.rules import judge
from watchfloor.wellness.store import WellnessUnavailable

log = structlog.get_logger(__name__)


def narrow(desk: Wellness, people: Directory, exposure: str, reached: Reached, *, now: datetime) -> Reached:
    """Leave out who has not opted in, rests, or is at a cap; everybody stays where nobody would be left.

    A file that cannot be read leaves nobody out: a page too many is better than a task that nobody hears of.
    """
    try:
        willing = [one for one in reached.people if _takes(desk, one, exposure, now)]
    except WellnessUnavailable as error:
        log.warning("everybody is told", error=type(error).__name__)
        return reached
    found = [person for one in willing if (person := people.find(one)) is not None]
    theirs = {name for person in found for name in person.contacts}
    destinations = tuple(name for name in reached.destinations if name in theirs)
    if not destinations:
        return reached
    return Reached(reached.role, tuple(person.id for person in found), destinations, reached.how)


def _takes(desk: Wellness, person: str, exposure: str, now: datetime) -> bool:
    standing = desk.standing(person, exposure, now=now)
    return judge(exposure, standing, timedelta(minutes=1), soft=1.0, now=now).allowed
