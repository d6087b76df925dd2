"""The one place where contracts are looked up: the compiler, the worker and the activities read them from here."""

from activities.catalog import CATALOG, INTERNAL
from schemas.actions import ActionContract

__all__ = ["CATALOG", "INTERNAL", "UnknownAction", "contract_of"]


class UnknownAction(LookupError):
    """No contract has this name."""


def contract_of(name: str) -> ActionContract:
    """The contract of an action, authors' and internal ones alike.

    Raises:
        UnknownAction: the name is in neither mapping.
    """
    contract = CATALOG.get(name) or INTERNAL.get(name)
    if contract is None:
        raise UnknownAction(f"no action is called `{name}`; known are: {', '.join(sorted({*CATALOG, *INTERNAL}))}")
    return contract
