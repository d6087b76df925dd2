"""Neutral names: what may be said of a run in a compartment to people who are not cleared for it."""

_WORDS = {"hold": "HOLD", "hand": "HAND", "in": "IN", "post": "POST", "del": "DEL", "desk": "DESK"}


def neutral_name(workflow: str) -> str:
    """`INC-4FKQ7ZAB` of `inc-4fkq7zab…`: made of the id, which says nothing of the case.

    A hold is `HOLD-…`, a handoff `HAND-…` where it is offered and `IN-…` where it arrives, a review `POST-…`, a
    delivery `DEL-…`, the desk of a region `DESK-…`, as the id says; what else has an id is called an incident.
    """
    kind, _, rest = workflow.partition("-")
    return f"{_WORDS.get(kind, 'INC')}-{rest[:8].upper()}"
