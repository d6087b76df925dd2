"""Fields of ledger entries, read with care: what is missing or of another type is missing, never guessed."""

from collections.abc import Mapping
from datetime import datetime

from schemas.json_value import Json
from watchfloor.signing import parse_instant


def text(data: Mapping[str, Json], *names: str) -> str:
    """The first of these fields that holds text or a number, as text; empty when none does."""
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def instant(data: Mapping[str, Json], *names: str) -> datetime | None:
    """The first of these fields that is an instant."""
    for name in names:
        value = data.get(name)
        if isinstance(value, str):
            try:
                return parse_instant(value)
            except ValueError:
                continue
    return None


def number(data: Mapping[str, Json], *names: str) -> int | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def words(data: Mapping[str, Json], *names: str) -> tuple[str, ...]:
    """The first of these fields that is a list, its texts; slots (`{any_of: [...]}`) become `a or b`."""
    for name in names:
        value = data.get(name)
        if isinstance(value, list):
            return tuple(_word(item) for item in value)
        if isinstance(value, dict) and isinstance(value.get("any_of"), list):
            return (_word(value),)
    return ()


def _word(item: Json) -> str:
    if isinstance(item, dict):
        roles = item.get("any_of")
        return " or ".join(str(role) for role in roles) if isinstance(roles, list) else ""
    return str(item)


def phase_of(path: str) -> str:
    """The phase or track a path lies in: `containment` of `containment/remove[3]/disable`."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "alongside" and len(parts) > 1 else parts[0]
