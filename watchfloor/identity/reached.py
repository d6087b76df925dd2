"""The answer to "who is told for this role": seen by activities, which never read a file of people themselves."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

How: TypeAlias = Literal["on_call", "nobody_on_call", "no_rota", "nobody"]
"""`nobody_on_call`: a rota covers the role, yet nobody it names for now can be reached; `nobody`: nobody holds it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Who is told for a role, and why they. `destinations` are theirs, each once."""

    role: str
    people: tuple[str, ...]
    destinations: tuple[str, ...]
    how: How

    @property
    def fell_back(self) -> bool:
        """Whether everybody who holds the role is told because nobody is on call for it, though somebody should be."""
        return self.how == "nobody_on_call"
