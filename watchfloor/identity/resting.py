"""When somebody was last on a night shift and when they are on call next. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from watchfloor.identity.rota_problems import WHOLE_DAY, reaches_into_night
from watchfloor.identity.rotas import Rotas
from watchfloor.identity.shifts import shifts_between

_LONGEST = timedelta(days=3)
"""How far back shifts that follow on one another are looked at as one."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Shifts of one person that follow on one another without a pause; `night` where one reaches into the night."""

    start_at: datetime
    end_at: datetime
    night: bool


def find_spells(rotas: Rotas, person: str, at: datetime, within: timedelta) -> tuple[Spell | None, Spell | None]:
    """The last night spell of a person that ended less than `within` ago, and the next spell that begins within it.

    Shifts of a whole day are standby and count for neither, as in `watchfloor.identity.rota_problems`.
    """
    shifts = sorted(
        (shift.start_at, shift.end_at, reaches_into_night(rota, shift))
        for rota in rotas.rotas
        for shift in shifts_between(rota, at - within - _LONGEST, at + within)
        if shift.person == person and shift.end_at - shift.start_at < WHOLE_DAY
    )
    spells: list[Spell] = []
    for start, end, night in shifts:
        if spells and start <= spells[-1].end_at:
            last = spells.pop()
            spells.append(Spell(last.start_at, max(last.end_at, end), last.night or night))
        else:
            spells.append(Spell(start, end, night))
    before = [one for one in spells if one.night and one.end_at <= at < one.end_at + within]
    after = [one for one in spells if at < one.start_at < at + within]
    return (before[-1] if before else None), (after[0] if after else None)
