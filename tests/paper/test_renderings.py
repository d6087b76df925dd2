"""Markdown and HTML say the same; neither lets a text of a runbook or of the contact list out of its place."""

import re
from pathlib import Path

import pytest

from tests.paper.sheets import CONTACTS, ERASURE, ORDER, boxes_of, contacts, reached, sheet
from watchfloor.identity.located import PeopleRefused
from watchfloor.paper.markdown import render_markdown
from watchfloor.paper.page import render_page

HOSTILE = "<script>alert(1)</script> \u202e[x](javascript:1)\x1b[31m"


@pytest.mark.parametrize("name", [ORDER, ERASURE])
def test_both_have_every_number_every_seat_and_every_clock(name: str, tmp_path: Path) -> None:
    made = sheet(name)
    people = reached(made, contacts(tmp_path))
    for text in (render_markdown(made, people), render_page(made, people)):
        assert all(f">{box.number}<" in text or f"**{box.number} " in text for box in boxes_of(made))
        assert all(clock.basis.split(":")[0] in text for clock in made.clocks)
        assert made.digest in text
        assert "duty phone +353 20 910 0100" in text
        assert "counsel-1: +353 20 910 0101 (nights too)" in text
        assert "platform duty engineer" in text


def test_a_page_names_runbook_version_and_plan_in_the_head_and_foot_that_are_repeated() -> None:
    page = render_page(sheet(), reached(sheet()))
    head, foot = re.search(r"<thead>.*?</thead>", page), re.search(r"<tfoot>.*?</tfoot>", page)
    assert head is not None
    assert foot is not None
    assert "eu-tco-removal-order v1" in head[0]
    assert sheet().digest in foot[0]


def test_a_page_needs_nothing_from_elsewhere() -> None:
    page = render_page(sheet(), reached(sheet()))
    assert not re.search(r"<script|<link|<img|src=|href=|url\(", page)


def test_the_authority_card_is_there_for_a_runbook_with_the_liaison_and_for_no_other(tmp_path: Path) -> None:
    known = contacts(tmp_path)
    order, erasure = sheet(), sheet(ERASURE)
    card = render_markdown(order, reached(order, known))
    assert "+353 20 910 0199" in card
    assert "read back: the number of the order" in card
    assert "Never a number that the caller gave" in card
    assert "+353 20 910 0199" not in render_markdown(erasure, reached(erasure, known))


def test_without_a_contact_list_there_is_room_for_the_numbers() -> None:
    made = sheet()
    text = render_markdown(made, reached(made))
    assert "There was no edge contact list" in text
    assert text.count("    - number: `") == len(made.roles)


def test_a_desk_of_another_region_is_named_from_there() -> None:
    (desk,) = [role for role in reached(sheet()).roles if role.role == "us_desk"]
    assert desk.others == ("us-desk-1", "us-desk-2")


def test_hostile_texts_stay_text() -> None:
    made = sheet(title=HOSTILE)
    page, text = render_page(made, reached(made)), render_markdown(made, reached(made))
    assert "<script" not in page
    assert "\u202e" not in page + text
    assert "\x1b" not in page + text
    assert "‹U+202E›" in page
    assert "‹U+202E›" in text
    assert "\\[x\\](javascript:1)" in text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Europe/Dublin", "Europe/Atlantis", "unknown time zone"),
        ("checked: 2026-11-01", "checked: yesterday", "no date"),
        ("  - {for: incident_commander, how:", "  - {whom: incident_commander, how:", "field required"),
        ("place: IE", "place: Ireland", "pattern"),
    ],
)
def test_a_wrong_contact_list_is_refused_with_its_place(before: str, after: str, said: str, tmp_path: Path) -> None:
    assert before in CONTACTS
    with pytest.raises(PeopleRefused) as refused:
        contacts(tmp_path, CONTACTS.replace(before, after))
    assert re.search(r"contacts\.yaml:\d+:\d+: ", str(refused.value))
    assert said in str(refused.value)
