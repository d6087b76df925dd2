"""Judgements that are kept: a list of hundreds of runs asks the same few questions over and over.

A judgement follows from the question alone, so it is kept by everything that the policies look at. The id of a run is
left out of that unless a policy of the region names runs by it.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Any

from watchfloor.authorisation.authority import Authority
from watchfloor.authorisation.questions import Question, Resource

MOST = 8192
"""Judgements that are kept; the one not asked for longest goes first."""


class RememberingAuthority:
    """Yes or no from an authority, each different question asked once. Words come from the authority itself."""

    def __init__(self, authority: Authority) -> None:
        self._names_runs = any(_looks_at_ids(rule) for rule in authority.rules)
        self._authority = authority
        self._judged: OrderedDict[Hashable, bool] = OrderedDict()

    def allows(self, question: Question) -> bool:
        """Whether the policies allow it."""
        run = question.resource.id if self._names_runs else ""
        key = (_ASKED(question), _ABOUT(question.resource), run)
        found = self._judged.get(key)
        if found is None:
            found = self._judged[key] = self._authority.judge(question).allowed
            if len(self._judged) > MOST:
                self._judged.popitem(last=False)
        else:
            self._judged.move_to_end(key)
        return found


_ASKED = attrgetter(*(one.name for one in fields(Question) if one.name != "resource"))
_ABOUT = attrgetter(*(one.name for one in fields(Resource) if one.name != "id"))


def _looks_at_ids(rule: dict[str, Any]) -> bool:
    """Whether a policy could tell two runs apart that differ in nothing but their id."""
    scope = rule["resource"]
    return (
        scope["op"] not in {"All", "is"}
        or "in" in scope
        or any(name in {"id", ""} for condition in rule["conditions"] for name in _resource_uses(condition["body"]))
    )


def _resource_uses(part: object) -> Iterator[str]:
    """Which attributes of the resource an expression reads; an empty name where it takes the resource as a whole."""
    if isinstance(part, list):
        for one in part:
            yield from _resource_uses(one)
    elif isinstance(part, dict):
        access = part.get(".")
        if isinstance(access, dict) and access.get("left") == {"Var": "resource"}:
            yield str(access["attr"])
            return
        if part == {"Var": "resource"}:
            yield ""
            return
        for one in part.values():
            yield from _resource_uses(one)
