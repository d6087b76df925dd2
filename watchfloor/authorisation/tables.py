"""Tests of policies: a YAML file that says who may do what, carried out against the policies.

people:
  counsel-1: {roles: [legal_counsel], region: eu}
cases:
  - {person: counsel-1, verb: control, role: legal_counsel, region: eu, expect: refused, by: run.steer}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watchfloor.authorisation.authority import Authority
from watchfloor.authorisation.policies_file import PoliciesRefused, PolicyFault
from watchfloor.authorisation.questions import VERBS, Question, Resource, Verb
from watchfloor.identity.located import PeopleRefused, Place, read_located
from watchfloor.identity.people import Person

MAX_CASES = 1000


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One line of a table: where it stands, whether it holds, and what the policies said."""

    line: int
    holds: bool
    expected: str
    found: str


class _Someone(BaseModel):
    model_config = ConfigDict(extra="forbid")
    roles: list[str]
    region: str
    entity: str = "example"
    clearances: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    covered_person: Literal["true", "false"] = "false"


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: str
    verb: Verb
    region: str
    role: str = ""
    option: str = ""
    kind: str = "incident"
    severity: str = "S2"
    compartment: str = ""
    requester: str = ""
    excluded: list[str] = Field(default_factory=list)
    seats: list[str] = Field(default_factory=list)
    given: list[str] = Field(default_factory=list)
    effect: str = ""
    tier: str = ""
    signed_in: Literal["dev", "oidc", "webauthn"] = "oidc"
    amr: list[str] = Field(default_factory=list)
    on_this_machine: Literal["true", "false"] = "false"
    expect: Literal["allowed", "refused"]
    by: str = ""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")
    people: dict[str, _Someone]
    cases: Annotated[list[_Case], Field(min_length=1, max_length=MAX_CASES)]


def run_table(authority: Authority, file: Path) -> list[CaseResult]:
    """Carry out every case of a table.

    Raises:
        PoliciesRefused: the table itself is wrong, with places.
    """
    try:
        located = read_located(file)
    except PeopleRefused as error:
        raise PoliciesRefused([PolicyFault(file.name, 1, str(error))]) from error
    try:
        table = _Table.model_validate(located.tree)
    except ValidationError as error:
        faults = [
            PolicyFault(file.name, _line(located.places, item["loc"]), f"{_named(item['loc'])}: {item['msg']}")
            for item in error.errors(include_url=False)
        ]
        raise PoliciesRefused(sorted(faults)) from error
    results: list[CaseResult] = []
    for number, case in enumerate(table.cases):
        line = _line(located.places, ("cases", number))
        someone = table.people.get(case.person)
        if someone is None:
            raise PoliciesRefused([PolicyFault(file.name, line, f"`{case.person}` is not among `people`")])
        results.append(_carry_out(authority, case, someone, line))
    return results


def _carry_out(authority: Authority, case: _Case, someone: _Someone, line: int) -> CaseResult:
    person = Person(
        case.person,
        tuple(someone.roles),
        someone.entity,
        someone.region,
        (),
        tuple(someone.clearances),
        tuple(someone.languages),
        someone.covered_person == "true",
    )
    resource = Resource(
        id="case",
        kind=case.kind,
        runbook="case",
        region=case.region,
        severity=case.severity,
        compartment=case.compartment,
        requester=case.requester,
        excluded=tuple(case.excluded),
        effect=case.effect,
        tier=case.tier,
        seats=tuple(case.seats),
        given=tuple(case.given),
    )
    here = case.on_this_machine == "true"
    question = Question(person, case.verb, resource, case.role, case.option, case.signed_in, here, tuple(case.amr))
    verdict = authority.judge(question)
    named = verdict.permits if verdict.allowed else tuple(one.policy for one in verdict.objections)
    found = f"{'allowed' if verdict.allowed else 'refused'} by {', '.join(named) or 'no policy'}"
    expected = f"{case.expect}{f' by {case.by}' if case.by else ''}"
    holds = verdict.allowed == (case.expect == "allowed") and (not case.by or case.by in named)
    return CaseResult(line, holds, expected, found)


def _line(places: Mapping[Place, tuple[int, int]], loc: tuple[Any, ...]) -> int:
    while loc and loc not in places:
        loc = loc[:-1]
    return places.get(loc, (1, 1))[0]


def _named(loc: tuple[Any, ...]) -> str:
    return ".".join(map(str, loc)) or "the table"


__all__ = ["VERBS", "CaseResult", "run_table"]
