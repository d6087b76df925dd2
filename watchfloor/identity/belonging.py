"""Who somebody is here, by the directory and by the groups of their sign-in. Asked anew at every request.

Either the directory leads and groups narrow it (`directory`), or the groups say everything (`groups`). What the groups
file does not speak of, such as clearances where no group gives one, they do not narrow.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from watchfloor.identity.groups import Given, Groups, add_up
from watchfloor.identity.people import Directory, Person

Source = Literal["directory", "groups"]


class NobodyHere(Exception):
    """Somebody proved who they are, and is nobody here. `code` is stable; the message is for them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def find_belonging(
    directory: Directory,
    groups: Groups,
    source: Source,
    *,
    id_: str,
    names: Sequence[str],
    entity: str,
    region: str,
) -> Person:
    """The person, in the roles and with the clearances that count for them now.

    Args:
        directory: the people of this region.
        groups: what groups mean.
        names: the groups they are in.
        entity: the company that employs them, as their sign-in says; used with `groups` only.

    Raises:
        NobodyHere: `unknown_person`, `no_role`, `no_region` or `other_region`.
    """
    known, given = directory.find(id_), add_up(names, groups)
    if (source == "groups" or groups.gives("region")) and region not in given.regions:
        raise _elsewhere(id_, given.regions, region)
    if source == "groups":
        return _by_groups(known, given, id_, entity, region)
    if known is None:
        raise NobodyHere(
            "unknown_person",
            f"you signed in as `{id_}`, whom the directory of people of {region} does not know; ask whoever keeps "
            "people.yaml to add you",
        )
    roles, clearances = known.roles, known.clearances
    if groups.gives("role"):
        roles = tuple(role for role in roles if role in given.roles)
    if groups.gives("clearance"):
        clearances = tuple(name for name in clearances if name in given.clearances)
    if not roles:
        raise NobodyHere(
            "no_role",
            f"`{id_}` holds {', '.join(known.roles)} in the directory, and none of their groups gives one of these; "
            "ask whoever keeps the groups",
        )
    return replace(known, roles=roles, clearances=clearances)


def _elsewhere(id_: str, regions: Sequence[str], region: str) -> NobodyHere:
    if not regions:
        return NobodyHere(
            "no_region",
            f"none of the groups of `{id_}` belongs to a region, and this is the console of {region}; ask whoever "
            "keeps the groups",
        )
    return NobodyHere(
        "other_region",
        f"`{id_}` belongs to {', '.join(regions)} by their groups, and this is the console of {region}; use the "
        "console of that region, or ask whoever keeps the groups",
    )


def _by_groups(known: Person | None, given: Given, id_: str, entity: str, region: str) -> Person:
    if not given.roles:
        raise NobodyHere("no_role", f"`{id_}` signed in, and none of their groups gives a role here")
    if len(given.regions) != 1:
        raise NobodyHere(
            "other_region", f"the groups of `{id_}` give {', '.join(given.regions)}; a person works in one region"
        )
    return Person(
        id_,
        given.roles,
        entity,
        region,
        given.contacts,
        given.clearances,
        # what no group can say, and what must not be lost because of it
        known.languages if known is not None else (),
        known.covered_person if known is not None else False,
    )
