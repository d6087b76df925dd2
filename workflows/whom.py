"""Whom a notice about an ask is for, beside its roles: the person a task is meant for, and what it exposes to."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from schemas.decision import OpenAsk


class Whom(TypedDict):
    """As `workflows.notices.Notices.send` takes them; empty for nothing."""

    exposure: str
    person: str


def find_whom(ask: OpenAsk | None, roles: Sequence[str]) -> Whom:
    """What a notice to these roles says of an ask.

    Only who may do the task is judged by what it exposes to. Whom it climbs to is told that somebody must take it,
    not to look at it: they are told whatever they take.
    """
    if ask is None:
        return {"exposure": "", "person": ""}
    seated = {role for slots in ask["options"].values() for slot in slots for role in slot["any_of"]}
    if not set(roles) <= seated:
        return {"exposure": "", "person": ""}
    return {"exposure": ask.get("exposure", ""), "person": ask.get("person", "")}
