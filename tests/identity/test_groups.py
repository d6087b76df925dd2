"""Verified claims stand for a person or for nobody; what was wanted is said, what means nothing is listed."""

from pathlib import Path
from typing import Any

import pytest

from watchfloor.identity.groups import ClaimsRefused, Groups, load_groups, person_from_claims
from watchfloor.identity.people import PeopleRefused, Person

FILE = """# what our groups mean
person: preferred_username
entity: {claim: org}
compartments: [atlas]
groups:
  ts-eu-counsel: {role: legal_counsel, region: eu}
  ts-eu-exec: {role: exec_sponsor, region: eu}
  ts-us-ops: {role: ops_lead, region: us}
  ts-atlas: {clearance: atlas}
  ts-pager: {contact: pager}
"""


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    (tmp_path / "groups.yaml").write_text(FILE)
    return load_groups(tmp_path / "groups.yaml")


def claims(*names: str, **more: Any) -> dict[str, Any]:
    return {
        "sub": "7f3a",
        "preferred_username": "counsel-5",
        "name": "Some One",
        "email": "someone@example.test",
        "org": "example-ie",
        "groups": list(names),
        **more,
    }


def test_groups_give_roles_region_clearance_and_contact_in_the_order_of_the_file(groups: Groups) -> None:
    found = person_from_claims(claims("ts-pager", "ts-eu-exec", "football", "ts-atlas", "ts-eu-counsel"), groups)
    roles = ("legal_counsel", "exec_sponsor")
    assert found.person == Person("counsel-5", roles, "example-ie", "eu", ("pager",), ("atlas",))
    assert found.unknown == ("football",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (claims(), "no group gives a role; expected one of `ts-eu-counsel`, `ts-eu-exec`, `ts-us-ops`"),
        (claims("ts-atlas"), "found 0 regions (none); expected groups that give exactly one"),
        (claims("ts-eu-counsel", "ts-us-ops"), "found 2 regions (eu, us)"),
        (claims("ts-eu-counsel", preferred_username="Some One"), "the claim `preferred_username` is no id"),
        (claims("ts-eu-counsel", preferred_username=7), "the claim `preferred_username` is no id"),
        (claims("ts-eu-counsel", org=None), "the claim `org` is missing"),
        (claims(groups=None), "the claim `groups` is missing; expected a list of groups"),
        (claims(groups="ts-eu-counsel"), "the claim `groups` is no list"),
        (claims(groups=[{"a": 1}]), "the claim `groups` is no list of at most 1000 texts"),
        (claims(groups=["x"] * 1001), "the claim `groups` is no list of at most 1000 texts"),
        (claims(groups=None, _claim_names={"groups": "src1"}), "the claim `groups` is not in the token"),
        ({}, "the claim `preferred_username` is missing"),
    ],
)
def test_claims_that_stand_for_nobody_are_refused_with_what_was_wanted(
    groups: Groups, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClaimsRefused) as refused:
        person_from_claims(given, groups)
    assert any(words in fault for fault in refused.value.faults)
    assert not any("Some One" in fault or "example.test" in fault for fault in refused.value.faults)


def test_everything_that_is_missing_is_said_at_once(groups: Groups) -> None:
    with pytest.raises(ClaimsRefused) as refused:
        person_from_claims({}, groups)
    assert len(refused.value.faults) == 5


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("role: legal_counsel", "role: king", "groups.yaml:6:19: `groups.ts-eu-counsel.role`: unknown role `king`"),
        ("clearance: atlas", "clearance: atlass", "9:14: `groups.ts-atlas.clearance`: unknown compartment `atlass`"),
        ("{contact: pager}", "{}", "groups.yaml:10:3: `groups.ts-pager`: gives nothing"),
        ("contact: pager", "phone: 1", "`groups.ts-pager.phone`: extra inputs are not permitted"),
        ("{claim: org}", "{claims: org}", "`entity.claim`: field required"),
        ("person:", "persons:", "groups.yaml:2:1: `persons`: extra inputs are not permitted"),
    ],
)
def test_a_wrong_groups_file_is_refused_at_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "groups.yaml"
    assert old in FILE
    file.write_text(FILE.replace(old, new, 1))
    with pytest.raises(PeopleRefused) as refused:
        load_groups(file)
    assert words in str(refused.value)
