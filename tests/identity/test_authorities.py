"""The register of authorities, and the cards made from it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from watchfloor.client.library import library_folder, plan_for_start
from watchfloor.identity.authorities import FILE, AuthoritiesRefused, load_authorities
from watchfloor.identity.contact_list import ContactList, load_contacts
from watchfloor.paper.authority import card_lines, contacts_authorities, list_cards, list_unfilled
from watchfloor.runtime.doctor_channels import cards as doctor_cards

NOW = datetime(2026, 11, 28, 3, 10, tzinfo=UTC)
ROW = """version: "1"
authorities:
  - id: eu.test
    authority: Test authority
    when: somebody is in danger
    place: IE
    zone: Europe/Dublin
    laws: [eu.tco.imminent]
    number: to be filled by Legal
    find: its own site
    basis: T
    owner: legal-eu
    review_after: "2027-05-01"
    script: [say who you are]
    read_back: [the case number]
    never: [call a number that a caller gave]
"""
CONTACTS = """checked: 2026-11-01
authorities:
  - authority: National police, cyber desk
    place: IE
    zone: Europe/Dublin
    number: "+353 20 910 0199"
    found: the authority's own site, 2026-11-01
    card: eu.tco.competent
"""


def write(folder: Path, text: str, name: str = FILE) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_register_invents_no_number() -> None:
    """Only the emergency number that a law names stands in it, and even that is marked as not checked by us."""
    register = load_authorities(library_folder() / FILE)
    assert {row.id: row.number for row in register if row.number} == {"eu.emergency": "112"}
    assert all(row.basis == "T" and row.checked_on is None for row in register)
    assert all(row.owner and row.script and row.read_back and row.never for row in register)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("zone: Europe/Dublin", "zone: Mars/Base", "unknown time zone"),
        ("place: IE", "place: Ireland", "place"),
        ("basis: T", "basis: X", "basis"),
        ('review_after: "2027-05-01"', 'review_after: "soon"', "a day such as"),
        ("script: [say who you are]", "script: []", "script"),
        ("when: somebody", "when_: somebody", "when_"),
        ("    find: its own site\n", "", "find"),
        (
            "number: to be filled by Legal\n    find: its own site\n    basis: T",
            'number: "112"\n    find: its own site\n    basis: V',
            "has no `checked_on`",
        ),
        ("    basis: T", '    checked_on: "2026-11-01"\n    basis: T', "was checked and has no number"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, before: str, after: str, words: str) -> None:
    assert load_authorities(write(tmp_path, ROW))[0].id == "eu.test"
    with pytest.raises(AuthoritiesRefused) as refused:
        load_authorities(write(tmp_path, ROW.replace(before, after)))
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path / FILE}:")


def test_two_cards_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthoritiesRefused, match="stands twice"):
        load_authorities(write(tmp_path, ROW + ROW.split("authorities:\n")[1]))


def test_a_runbook_gets_the_cards_of_its_clocks_laws_and_no_others() -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    register = load_authorities(library_folder() / FILE)
    assert [one.id for one in list_cards(plan, register, None, NOW)] == [
        "eu.tco.competent",
        "eu.europol",
        "eu.emergency",
    ]
    assert contacts_authorities(plan, register)
    bare = {**plan, "clocks": {}, "tracks": [], "phases": []}
    assert list_cards(bare, register, None, NOW) == []  # type: ignore[arg-type]
    assert not contacts_authorities(bare, register)  # type: ignore[arg-type]


def test_the_companys_own_number_stands_on_the_card_with_where_it_was_found(tmp_path: Path) -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    register, known = (
        load_authorities(library_folder() / FILE),
        load_contacts(write(tmp_path, CONTACTS, "contacts.yaml")),
    )
    card = list_cards(plan, register, known, NOW)[0]
    assert (card.number, card.authority) == ("+353 20 910 0199", "National police, cyber desk")
    assert card.source == "the authority's own site, 2026-11-01"
    assert card.checked_on == date(2026, 11, 1)
    assert card.doubts == ()
    assert card.script == register[0].script
    assert f"{card.there:%H:%M}" == "03:10"
    assert [one.id for one in list_unfilled(register, known)] == ["eu.europol", "us.emergency"]


def test_a_card_says_what_speaks_against_it() -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    register = load_authorities(library_folder() / FILE)
    late = [replace(row, review_after=date(2026, 1, 1)) for row in register]
    competent, _, emergency = list_cards(plan, late, None, NOW)
    assert competent.doubts[0].startswith("to be filled by Legal: the online register")
    assert "legal-eu was to review this card by 2026-01-01" in competent.doubts
    assert "believed, not checked" in emergency.doubts[0]
    lines = "\n".join(card_lines(competent))
    assert "number: to be filled by Legal" in lines
    assert "time there: Sat 04:10 (Europe/Brussels), 03:10 UTC" in lines


def test_an_authority_of_the_companys_own_is_shown_beside_the_register(tmp_path: Path) -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    own = load_contacts(write(tmp_path, CONTACTS.replace("    card: eu.tco.competent\n", ""), "contacts.yaml"))
    cards = list_cards(plan, load_authorities(library_folder() / FILE), own, NOW)
    assert cards[-1].authority == "National police, cyber desk"
    assert not list_cards(plan, (), ContactList(date(2026, 1, 1), (), ()), NOW)


def test_doctor_names_the_cards_without_a_number(tmp_path: Path) -> None:
    check = doctor_cards(write(tmp_path, CONTACTS, "contacts.yaml"), "eu")
    assert check.level == "warn"
    assert "eu.europol, us.emergency" in check.found
