"""The moment that remaining times on a screen count from."""

from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and the zone of whoever looks; None stands for the machine's own."""

    now: datetime
    local: tzinfo | None = None
