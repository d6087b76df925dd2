"""The worst way through a plan while a clock runs: contributions, and what of them counts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Who: TypeAlias = Literal["engine", "people", "legal"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one step adds. Seconds; `times` as often one after another; `why` in words."""

    step: str
    who: Who
    seconds: float
    why: str

    @property
    def counts(self) -> bool:
        """A legal pause does not run against the clock: it restarts it, or lets it stand still."""
        return self.who != "legal"


@dataclass(frozen=True, slots=True)
class Way:
    """Contributions in the order of running, and what could not be measured on the way."""

    parts: tuple[Contribution, ...] = ()
    unknown: tuple[str, ...] = ()

    def total(self, who: Who) -> float:
        return sum(part.seconds for part in self.parts if part.who == who)

    @property
    def counted(self) -> float:
        """Seconds against the clock: engine and people."""
        return sum(part.seconds for part in self.parts if part.counts)

    def then(self, *parts: Contribution) -> "Way":
        return replace(self, parts=(*self.parts, *(part for part in parts if part.seconds > 0)))

    def join(self, other: "Way") -> "Way":
        return Way((*self.parts, *other.parts), tuple(dict.fromkeys((*self.unknown, *other.unknown))))

    def without(self, what: str) -> "Way":
        """The same way with a remark on what could not be measured."""
        return replace(self, unknown=tuple(dict.fromkeys((*self.unknown, what))))

    def restarted(self) -> "Way":
        """The clock begins anew: only legal pauses are remembered."""
        return replace(self, parts=tuple(part for part in self.parts if part.who == "legal"))

    def repeated(self, times: int, words: str) -> "Way":
        """This way so many times one after another."""
        if times <= 1:
            return self
        return replace(
            self,
            parts=tuple(
                replace(part, seconds=part.seconds * times, why=f"({part.why}) × {times}: {words}")
                for part in self.parts
            ),
        )


def worst(ways: Iterable[Way | None]) -> Way | None:
    """The way that takes longest against the clock; the first of equals."""
    found: Way | None = None
    for way in ways:
        if way is not None and (found is None or way.counted > found.counted):
            found = way
    return found


def quickest(ways: Iterable[Way]) -> Way | None:
    found: Way | None = None
    for way in ways:
        if found is None or way.counted < found.counted:
            found = way
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a clock may stand at one point of a plan.

    `idle`: a way arrives here on which it has not started. `running`: the worst way since its start. `stopped`: the
    worst of all ways that stopped it so far.
    """

    idle: bool = False
    running: Way | None = None
    stopped: Way | None = None

    @property
    def arrives(self) -> bool:
        """False when no way comes here with the clock idle or running."""
        return self.idle or self.running is not None

    def after(self, *parts: Contribution) -> "Progress":
        return self if self.running is None else replace(self, running=self.running.then(*parts))

    def via(self, way: Way) -> "Progress":
        return self if self.running is None else replace(self, running=self.running.join(way))

    def merged(self, *others: "Progress") -> "Progress":
        every = (self, *others)
        return Progress(
            any(one.idle for one in every),
            worst(one.running for one in every),
            worst(one.stopped for one in every),
        )

    def ended(self) -> "Progress":
        """The run ends here."""
        return Progress(stopped=self.stopped)
