"""`groups.yaml`: what a group of the company's sign-in means here, and the person that verified claims stand for.

    person: preferred_username        # the claim with the person's id; `sub` when left out
    entity: {claim: org}              # or one for everybody: `entity: example-ie`
    groups:
      ts-eu-counsel: {role: legal_counsel, region: eu}
      ts-cleared-terror: {clearance: terror}
      ts-eu-pager: {contact: pager}
    subjects:                         # accounts that the claim does not name, by their `sub`
      00u1a2b3c4: counsel-1

Groups that the file does not name mean nothing and are listed. Nothing is guessed: who has no role, no region, or two
regions is refused, with what was wanted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watchfloor.identity.compartments import COMPARTMENTS
from watchfloor.identity.located import PeopleRefused, read_located
from watchfloor.identity.people import (
    ID_PATTERN,
    MAX_ID,
    Compartment,
    Destination,
    Id,
    Person,
    RegionName,
    Role,
    in_words,
)

Kind = Literal["role", "region", "clearance", "contact"]
MAX_GROUPS = 1000
"""Of one file, and of one person."""
_SHOWN = 80


class ClaimsRefused(ValueError):
    """The claims stand for nobody here. `faults` say what was wanted; none quotes a name or an address."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What being in a group gives; empty where it gives nothing of the kind."""

    role: str = ""
    region: str = ""
    clearance: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Groups:
    """The file: group -> meaning, and where a person's id and entity are found."""

    meanings: Mapping[str, Meaning]
    person_claim: str = "sub"
    groups_claim: str = "groups"
    entity: str = ""
    entity_claim: str = ""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """Account at the provider (`sub`) -> the person whose it is, whatever another claim says."""

    def gives(self, what: Kind) -> bool:
        """Whether any group gives something of this kind; if none does, the groups say nothing about it."""
        return any(getattr(one, what) for one in self.meanings.values())


@dataclass(frozen=True, slots=True)
class Given:
    """What a person's groups give together; `unknown` are groups that mean nothing here."""

    roles: tuple[str, ...]
    regions: tuple[str, ...]
    clearances: tuple[str, ...]
    contacts: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """The person that claims stand for, and the groups that meant nothing."""

    person: Person
    unknown: tuple[str, ...]


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid")
    claim: Annotated[str, Field(min_length=1, max_length=200)]


class _Meaning(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    region: RegionName | None = None
    clearance: Compartment | None = None
    contact: Destination | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: Annotated[str, Field(min_length=1, max_length=200)] = "sub"
    groups_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    entity: _Claim | Id | None = None
    compartments: list[Compartment] = Field(default_factory=list)
    subjects: Annotated[dict[Annotated[str, Field(min_length=1, max_length=255)], Id], Field(max_length=MAX_GROUPS)] = (
        Field(default_factory=dict)
    )
    groups: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=200)], _Meaning], Field(min_length=1, max_length=MAX_GROUPS)
    ]


def load_groups(path: Path) -> Groups:
    """Read the file.

    Raises:
        PeopleRefused: one line for each thing wrong, with its place.
    """
    located = read_located(path)
    try:
        document = _Document.model_validate(located.tree)
    except ValidationError as error:
        lines = [
            in_words(
                located, tuple(part for part in item["loc"] if part not in {"_Claim", "constrained-str"}), item["msg"]
            )
            for item in error.errors(include_url=False)
        ]
        raise PeopleRefused("\n".join(dict.fromkeys(lines))) from error
    known = {*COMPARTMENTS, *document.compartments}
    lines = [
        in_words(
            located,
            ("groups", name, "clearance"),
            f"unknown compartment `{one.clearance}`; expected one of {', '.join(sorted(known))}",
        )
        for name, one in document.groups.items()
        if one.clearance is not None and one.clearance not in known
    ]
    lines += [
        in_words(located, ("groups", name), "gives nothing; expected role, region, clearance or contact")
        for name, one in document.groups.items()
        if not one.model_fields_set
    ]
    if lines:
        raise PeopleRefused("\n".join(lines))
    entity = document.entity
    return Groups(
        {
            name: Meaning(one.role or "", one.region or "", one.clearance or "", one.contact or "")
            for name, one in document.groups.items()
        },
        document.person,
        document.groups_claim,
        entity if isinstance(entity, str) else "",
        entity.claim if isinstance(entity, _Claim) else "",
        document.subjects,
    )


def add_up(names: Iterable[str], groups: Groups) -> Given:
    """What these groups give together, in the order of the file, each once."""
    mine = set(names)
    given = [one for name, one in groups.meanings.items() if name in mine]
    return Given(
        roles=_each(one.role for one in given),
        regions=_each(one.region for one in given),
        clearances=_each(one.clearance for one in given),
        contacts=_each(one.contact for one in given),
        unknown=tuple(sorted(mine - set(groups.meanings))),
    )


def person_from_claims(claims: Mapping[str, object], groups: Groups) -> Mapped:
    """The person that the claims of an ID token stand for. Pure.

    Whoever calls has verified the token: signature, issuer, audience, time and nonce. Nothing of the claims but the id,
    the entity and the groups is looked at; names and addresses never come along.

    Raises:
        ClaimsRefused: with everything that was wanted and not found.
    """
    faults: list[str] = []
    id_ = id_from_claims(claims, groups, faults)
    entity = entity_from_claims(claims, groups, faults)
    given = add_up(group_names(claims, groups, faults), groups)
    if not given.roles:
        wanted = ", ".join(f"`{name}`" for name, one in groups.meanings.items() if one.role)[:400]
        faults.append(f"no group gives a role; expected one of {wanted or 'no group of the file gives one'}")
    if len(given.regions) != 1:
        found = ", ".join(given.regions) or "none"
        faults.append(f"found {len(given.regions)} regions ({found}); expected groups that give exactly one")
    if faults:
        raise ClaimsRefused(faults)
    person = Person(id_, given.roles, entity, given.regions[0], given.contacts, given.clearances)
    return Mapped(person, given.unknown)


def id_from_claims(claims: Mapping[str, object], groups: Groups, faults: list[str]) -> str:
    """The id of the person that claims stand for; what is missing is added to `faults`."""
    subject = claims.get("sub")
    if isinstance(subject, str) and subject in groups.subjects:
        return groups.subjects[subject]
    return _claim(claims, groups.person_claim, faults)


def entity_from_claims(claims: Mapping[str, object], groups: Groups, faults: list[str]) -> str:
    """The company that employs them; what is missing is added to `faults`."""
    if groups.entity_claim:
        return _claim(claims, groups.entity_claim, faults)
    if not groups.entity:
        faults.append("no entity is known; expected `entity` in the groups file, an id or {claim: …}")
    return groups.entity


def _claim(claims: Mapping[str, object], name: str, faults: list[str]) -> str:
    value = claims.get(name)
    if isinstance(value, str) and len(value) <= MAX_ID and re.match(ID_PATTERN, value):
        return value
    found = "is missing" if value is None else "is no id"
    faults.append(f"the claim `{name}` {found}; expected an id such as `counsel-1` (lower case, digits, hyphens)")
    return ""


def group_names(claims: Mapping[str, object], groups: Groups, faults: list[str]) -> Iterator[str]:
    """The groups that claims name; what is missing is added to `faults`."""
    value = claims.get(groups.groups_claim)
    elsewhere = claims.get("_claim_names")
    if value is None and isinstance(elsewhere, Mapping) and groups.groups_claim in elsewhere:
        faults.append(
            f"the claim `{groups.groups_claim}` is not in the token (too many groups; the provider gives a link "
            "instead); expected only groups of this application in the token"
        )
        return
    if value is None:
        faults.append(f"the claim `{groups.groups_claim}` is missing; expected a list of groups")
        return
    names = value if isinstance(value, list) else []
    if not isinstance(value, list) or len(names) > MAX_GROUPS or not all(isinstance(one, str) for one in names):
        faults.append(f"the claim `{groups.groups_claim}` is no list of at most {MAX_GROUPS} texts")
        return
    yield from names


def shown(name: str) -> str:
    """The name of a group as it may be shown: printable, cut."""
    return "".join(one if one.isprintable() else "\ufffd" for one in name)[:_SHOWN]


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in values if one))
