"""What may reach a terminal: text in which nothing hides, reorders or steers.

A title or a value may come from whoever could write to the engine. A terminal obeys escape sequences; so every text of
a board is made harmless once, where it is read, and what is signed stays as it was.
"""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

from watchfloor.drawing.words import show_controls

T = TypeVar("T")


def make_harmless(value: T) -> T:
    """The same data with every text, keys too, on one line and with hidden characters written out."""
    return cast(T, _harmless(value))


def _harmless(value: object) -> object:
    if isinstance(value, str):
        return show_controls(value)
    if isinstance(value, dict):
        return {show_controls(str(name)): _harmless(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_harmless(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _harmless(getattr(value, one.name)) for one in fields(value)})
    return value
