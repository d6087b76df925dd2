"""A directory export becomes people: ids only, whole or not at all, every fault at its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.identity.groups import Groups, Meaning
from watchfloor.identity.people import Directory, PeopleRefused, Person, load_people
from watchfloor.identity.people_file import compare, render_people, write_people
from watchfloor.identity.scim import ENTERPRISE, LIST, RESPONDER, USER, Export, read_export

GROUPS = Groups(
    {
        "ts-eu-counsel": Meaning(role="legal_counsel", region="eu"),
        "ts-us-ops": Meaning(role="ops_lead", region="us"),
        "ts-pager": Meaning(contact="pager"),
        "ts-terror": Meaning(clearance="terror"),
    },
    entity="example-ie",
)


def user(id_: str = "counsel-1", **more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": "someone@example.test",
        "externalId": id_,
        "name": {"formatted": "Some One"},
        "emails": [{"value": "someone@example.test"}],
        "active": True,
        "roles": [{"value": "legal_counsel"}],
        ENTERPRISE: {"organization": "example-ie", "employeeNumber": "7"},
        RESPONDER: {"region": "eu", "contacts": ["pager"]},
        **more,
    }


def export(*users: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemas": [LIST], "totalResults": len(users), "startIndex": 1, "Resources": list(users), **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


def read(file: Path, document: Any, groups: Groups | None = None) -> Export:
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_export(file, groups)


def refusal(file: Path, document: Any, groups: Groups | None = None) -> list[str]:
    with pytest.raises(PeopleRefused) as refused:
        read(file, document, groups)
    return str(refused.value).splitlines()


def test_a_user_becomes_a_person_with_ids_alone(file: Path) -> None:
    extension = {
        "region": "eu",
        "contacts": ["pager"],
        "clearances": ["le"],
        "languages": ["de"],
        "covered_person": True,
    }
    found = read(file, export(user(**{RESPONDER: extension})))
    assert found.people == {
        "counsel-1": Person("counsel-1", ("legal_counsel",), "example-ie", "eu", ("pager",), ("le",), ("de",), True)
    }
    text = render_people(Directory(found.people))
    assert "example.test" not in text
    assert "Some" not in text


def test_who_is_not_active_disappears_and_is_named(file: Path) -> None:
    found = read(file, export(user(), user("ops-1", active=False)))
    assert (list(found.people), found.inactive) == (["counsel-1"], ("ops-1",))


def test_groups_add_roles_regions_clearances_and_contacts_and_unknown_ones_are_listed(file: Path) -> None:
    groups = [
        {"value": "g1", "display": "ts-eu-counsel"},
        {"value": "ts-terror"},
        {"value": "g9", "display": "football"},
    ]
    found = read(file, export(user(groups=groups, roles=[], **{RESPONDER: {}, ENTERPRISE: {}})), GROUPS)
    assert found.people["counsel-1"] == Person("counsel-1", ("legal_counsel",), "example-ie", "eu", (), ("terror",))
    assert found.unknown == ("football",)


def test_without_a_groups_file_groups_mean_nothing(file: Path) -> None:
    found = read(file, export(user(), user("ops-1", roles=[], groups=[{"value": "ts-us-ops"}])))
    assert found.left_out == {"ops-1": "no role"}
    assert found.unknown == ("ts-us-ops",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"externalId": "Some One"}, "Resources[1].externalId: neither it nor `userName` is an id"),
        ({"externalId": "counsel-1"}, "Resources[1]: has the id of Resources[0]"),
        ({"roles": [{"value": "king"}]}, "Resources[1].roles[0].value: is no role; expected one of incident_commander"),
        ({"active": "yes"}, "Resources[1].active: input should be a valid boolean"),
        ({"schemas": ["x"]}, f"Resources[1].schemas: expected `{USER}` among them"),
        ({RESPONDER: {"region": "EU"}}, f"Resources[1].{RESPONDER}.region: string should match"),
        (
            {RESPONDER: {"region": "eu", "phone": "1"}},
            f"Resources[1].{RESPONDER}.phone: extra inputs are not permitted",
        ),
        ({RESPONDER: {"region": "eu", "clearances": ["terrror"]}}, f"{RESPONDER}.clearances[0]: is no compartment"),
        (
            {ENTERPRISE: {"organization": "Example Ltd."}},
            f"Resources[1].{ENTERPRISE}.organization: string should match",
        ),
        ({ENTERPRISE: {}}, f"Resources[1].{ENTERPRISE}.organization: is missing"),
        ({"groups": [{"value": "ts-us-ops"}]}, "Resources[1]: is in 2 regions (eu, us); expected exactly one"),
    ],
)
def test_a_fault_is_named_at_its_place_without_the_value(file: Path, changes: dict[str, Any], words: str) -> None:
    groups = Groups(GROUPS.meanings)
    lines = refusal(file, export(user(), user("ops-1", **changes)), groups)
    assert any(line.startswith("users.json: Resources[1]") and words in line for line in lines)
    assert not any("example.test" in line or "Some One" in line or "Example Ltd." in line for line in lines)


def test_every_fault_is_named_at_once(file: Path) -> None:
    users = [user("counsel-1"), user("counsel-1"), user("Counsel"), user("ops-1", roles=[{"value": "king"}])]
    assert len(refusal(file, export(*users, totalResults=9))) == 4


def test_a_page_alone_is_refused_because_it_would_take_everybody_else_away(file: Path) -> None:
    (line,) = refusal(file, export(user(), totalResults=200))
    assert line.startswith("users.json: totalResults: found 200 with 1 resources; expected the whole list")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "users.json:1:1: is not JSON"),
        ('{"schemas": ', "users.json:1:13: is not JSON"),
        ("[]", "users.json: the file:"),
        ('{"schemas": [], "schemas": []}', "a key is written twice"),
        ('{"totalResults": NaN}', "NaN or Infinity"),
        ('{"totalResults": ' + "9" * 5000 + "}", "users.json: "),
        ("[" * 200_000, "users.json"),
        (json.dumps({"schemas": [LIST], "totalResults": 0, "Resources": []}), "Resources: list should have at least 1"),
        (json.dumps({"schemas": ["x"], "totalResults": 1, "Resources": [user()]}), f"schemas: expected `{LIST}`"),
        (json.dumps(export(user(roles=[], groups=[]))), "nobody is active with a role and a region"),
        (json.dumps(export(*[user(f"u-{n}") for n in range(5001)])), "Resources: list should have at most 5000"),
        ("\ud800", "users.json"),
    ],
    ids=range(12),
)
def test_a_hostile_file_is_refused(file: Path, document: str, words: str) -> None:
    file.write_bytes(document.encode("utf-8", "surrogatepass"))
    with pytest.raises(PeopleRefused) as refused:
        read_export(file, None)
    assert words in str(refused.value)


def test_a_file_of_many_megabytes_is_refused(file: Path) -> None:
    file.write_bytes(b" " * (16 * 1024 * 1024 + 1))
    with pytest.raises(PeopleRefused, match="has more than 16777216 bytes"):
        read_export(file, None)


IDS = st.from_regex(r"\A[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?\Z")
PEOPLE = st.builds(
    Person,
    id=IDS,
    roles=st.lists(st.sampled_from(["deputy", "ops_lead"]), min_size=1, unique=True).map(tuple),
    entity=IDS,
    region=st.sampled_from(["eu", "us", "no", "on"]),
    contacts=st.lists(st.sampled_from(["pager", "yes", "null"]), unique=True).map(tuple),
    clearances=st.lists(st.sampled_from(["terror", "atlas"]), unique=True).map(tuple),
    languages=st.lists(st.sampled_from(["no", "de", "zh-Hant-TW", "pt-BR"]), unique=True).map(tuple),
    covered_person=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(PEOPLE, min_size=1, unique_by=lambda one: one.id))
def test_what_is_written_reads_as_the_same_directory(
    tmp_path_factory: pytest.TempPathFactory, people: list[Person]
) -> None:
    directory = Directory({one.id: one for one in people}, ("atlas",))
    file = tmp_path_factory.getbasetemp() / "written.yaml"
    write_people(file, directory)
    read = load_people(file)
    assert (read.people, read.compartments) == (directory.people, ("atlas",))
    assert not compare(directory, read)


def test_what_would_change_is_told_by_person_and_attribute_and_roles_without_holder() -> None:
    one = Person("ann", ("deputy",), "e", "eu", ("pager",))
    before = Directory({"ann": one, "bob": Person("bob", ("ops_lead",), "e", "eu", ())})
    after = Directory(
        {"ann": Person("ann", ("deputy",), "e", "eu", (), ("le",)), "cid": Person("cid", ("deputy",), "e", "us", ())}
    )
    changes = compare(before, after)
    assert (changes.added, changes.gone) == (("cid",), ("bob",))
    assert changes.changed == {"ann": ("contacts: pager -> none", "clearances: none -> le")}
    assert changes.orphaned == ("ops_lead in eu",)
