"""The directory of people: strict, located, and complete for development."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.identity.people import DEVELOPMENT_PEOPLE, PeopleRefused, load_people
from watchfloor.identity.roles import ROLES

ONE = "people:\n  counsel-1: {roles: [legal_counsel], entity: example-ie, region: eu, contacts: [pager]}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.yaml"


def refusal(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(PeopleRefused) as caught:
        load_people(file)
    return str(caught.value).replace(str(file), "people.yaml")


def test_a_person_is_found_by_id_and_by_role_and_region(file: Path) -> None:
    file.write_text(ONE)
    directory = load_people(file)
    person = directory.person("counsel-1")
    assert (person.roles, person.entity, person.region, person.contacts) == (
        ("legal_counsel",),
        "example-ie",
        "eu",
        ("pager",),
    )
    assert directory.holders("legal_counsel", "eu") == (person,)
    assert directory.holders("legal_counsel", "us") == ()
    assert directory.find("nobody-1") is None


def test_contacts_of_a_role_name_each_destination_once(file: Path) -> None:
    file.write_text(
        ONE + "  counsel-2: {roles: [legal_counsel], entity: e, region: eu, contacts: [pager, mail_desk]}\n"
    )
    assert load_people(file).contacts("legal_counsel", "eu") == ("pager", "mail_desk")


def test_a_region_sees_its_own_people_only_when_it_asks_so() -> None:
    mine = load_people(DEVELOPMENT_PEOPLE, region="us")
    assert mine.regions() == ("us",)
    assert mine.find("commander-eu-1") is None
    assert mine.find("us-desk-1") is not None


@pytest.mark.parametrize("region", ["eu", "us"])
def test_development_people_fill_every_role_of_every_region(region: str) -> None:
    directory = load_people(DEVELOPMENT_PEOPLE)
    desk_elsewhere = "us_desk" if region == "eu" else "eu_desk"
    for role in set(ROLES) - {desk_elsewhere}:
        assert directory.holders(role, region), role


@pytest.mark.parametrize("region", ["eu", "us"])
@pytest.mark.parametrize(
    "role",
    [
        "incident_commander",
        "legal_counsel",
        "exec_sponsor",
        "policy_lead",
        "records_custodian",
        "privacy_boundary_officer",
    ],
)
def test_development_people_can_fill_two_seats_of_a_gate(role: str, region: str) -> None:
    assert len(load_people(DEVELOPMENT_PEOPLE).holders(role, region)) >= 2


def test_clearances_languages_and_covered_persons_are_read(file: Path) -> None:
    more = "clearances: [terror, atlas], languages: [de, zh-Hant-TW], covered_person: true}"
    file.write_text("compartments: [atlas]\n" + ONE.replace("contacts: [pager]}", more))
    one = load_people(file).person("counsel-1")
    assert (one.clearances, one.languages, one.covered_person) == (("terror", "atlas"), ("de", "zh-Hant-TW"), True)
    file.write_text(ONE)
    plain = load_people(file).person("counsel-1")
    assert (plain.clearances, plain.languages, plain.covered_person) == ((), (), False)


def test_a_clearance_for_an_unknown_compartment_is_refused_where_it_stands(file: Path) -> None:
    words = refusal(file, ONE.replace("contacts: [pager]", "clearances: [le, terrror]"))
    assert words.startswith(
        "people.yaml:2:88: `people.counsel-1.clearances.1`: unknown compartment `terrror`; expected "
    )
    assert words.endswith("declare a compartment of your own with `compartments: [terrror]` at the top of the file")


@pytest.mark.parametrize("more", ["languages: [german]", "covered_person: maybe", "clearances: [Le]"])
def test_a_wrong_attribute_is_refused(file: Path, more: str) -> None:
    assert more.partition(":")[0] in refusal(file, ONE.replace("contacts: [pager]", more))


def test_every_wrong_thing_has_its_own_line_and_place(file: Path) -> None:
    text = (
        "people:\n"
        "  a-1: {roles: [kings_counsel], entity: e, region: eu, contact: [pager]}\n"
        "  b-1: {entity: e, region: eu}\n"
    )
    lines = refusal(file, text).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["people.yaml:2:17:", "people.yaml:2:56:", "people.yaml:3:3:"]
    assert "unknown role `kings_counsel`; expected one of incident_commander" in lines[0]
    assert "`people.a-1.contact`" in lines[1]
    assert "`people.b-1.roles`: field required" in lines[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people: {a-1: {}, a-1: {}}\n", "1:19"),
        ("people: *everybody\n", "1:9"),
        ("people: &all {}\n", "1:9"),
        ("people: !!python/name:os.system {}\n", "1:9"),
        ("people: {}\n---\npeople: {}\n", "2:1"),
        ("people: {? [a] : b}\n", "1:12"),
        ("people: " + "[" * 100 + "]" * 100 + "\n", "1:"),
        ("people:\n\t- x\n", "2:1"),
        ("", "1:1"),
        ("people: {}\n", "at least 1 item"),
        ("people: 7\n", "1:1: `people`: input should be a valid dictionary"),
        ("people: {Counsel One: {roles: [deputy], entity: e, region: eu}}\n", "1:10: `people.Counsel One`"),
        ("people: {a-1: {roles: [deputy], entity: 7, region: eu}}\n", "1:33: `people.a-1.entity`"),
    ],
)
def test_a_hostile_or_broken_file_is_refused_with_its_place(file: Path, text: str, words: str) -> None:
    assert words in refusal(file, text)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(PeopleRefused, match=r"people.yaml:1:1: cannot be read"):
        load_people(file)


def test_a_file_of_megabytes_is_refused_unread(file: Path) -> None:
    file.write_bytes(b"#" * (1024 * 1024))
    with pytest.raises(PeopleRefused, match="1048576 bytes"):
        load_people(file)


def test_deep_nesting_does_not_reach_the_c_composer(file: Path) -> None:
    for text in ("a: " + "[" * 60_000, "{" * 60_000, "- " * 60_000):
        assert "people.yaml:1:" in refusal(file, text)


@given(st.text(max_size=200))
def test_any_text_is_refused_or_gives_people(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(PeopleRefused):
        load_people(file)
