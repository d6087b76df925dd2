"""The answer to "who is told for this role": seen by activities, which never read a file of people themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

How: TypeAlias = Literal["on_call", "nobody_on_call", "no_rota", "nobody"]
"""`nobody_on_call`: a rota covers the role, yet nobody it names for now can be reached; `nobody`: nobody holds it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Who is told for a role, and why they. `destinations` are theirs, each once; `own` says whose each is."""

    role: str
    people: tuple[str, ...]
    destinations: tuple[str, ...]
    how: How
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def without(self, aside: Collection[str]) -> "Reached":
        """The same without some people: a destination that others have too stays."""
        people = tuple(one for one in self.people if one not in aside)
        theirs = tuple(dict.fromkeys(name for one in people for name in self.own.get(one, ())))
        return replace(self, people=people, destinations=theirs, how=self.how if people else "nobody")

    @property
    def fell_back(self) -> bool:
        """Whether everybody who holds the role is told because nobody is on call for it, though somebody should be."""
        return self.how == "nobody_on_call"
