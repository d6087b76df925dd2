"""The neutral name of an incident: what may be said of one in a compartment to people who are not cleared for it."""


def neutral_name(incident: str) -> str:
    """`INC-4FKQ7ZAB` of `inc-4fkq7zab…`: made of the id, which says nothing of the case."""
    return f"INC-{incident.partition('-')[2][:8].upper()}"
