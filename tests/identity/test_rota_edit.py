"""Rotas are changed by adding lines: comments and layout stay, nothing half-written, nothing else changed."""

from pathlib import Path

import pytest

from tests.identity.rotas_text import at
from watchfloor.identity import rota_edit
from watchfloor.identity.people import PeopleRefused
from watchfloor.identity.rota_edit import with_changes, write_changes
from watchfloor.identity.rota_file import load_rotas
from watchfloor.identity.rotas import Given, Override, Swap

TEXT = """# who answers for the law
rotas:
  counsel:   # in Dublin
    role: legal_counsel
    region: eu
    layers:
      week: {zone: Europe/Dublin, days: every day, hours: 08:00-08:00, people: [ann, bob], start: 2026-01-06}
%s
  # the other one
  deputies:
    role: deputy
    region: eu
    layers:
      week: {zone: Europe/Dublin, days: every day, hours: 08:00-08:00, people: [dan], start: 2026-01-06}
# the end
"""
OVERRIDE = Override(at("01-08 10:00"), at("01-08 11:00"), "cid", "", ())
IN_PLACE = Override(at("01-09 10:00"), at("01-09 11:00"), "cid", "ann", ())
SWAP = Swap(Given("ann", at("01-08 08:00")), Given("bob", at("01-14 08:00")), ())
LINE = "{from: 2026-01-08T10:00Z, to: 2026-01-08T11:00Z, person: cid}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rotas.yaml"


def test_a_first_override_and_swap_get_their_own_lists_behind_the_rota(file: Path) -> None:
    file.write_text(TEXT % "")
    write_changes(file, "counsel", [OVERRIDE, SWAP])
    added = (
        "    overrides:\n"
        f"      - {LINE}\n"
        "    swaps:\n"
        "      - {one: {person: ann, at: 2026-01-08T08:00Z}, other: {person: bob, at: 2026-01-14T08:00Z}}\n"
    )
    assert file.read_text() == (TEXT % "").replace("start: 2026-01-06}\n", "start: 2026-01-06}\n" + added, 1)
    (rota, other) = load_rotas(file).rotas
    assert (rota.overrides, rota.swaps) == ((OVERRIDE,), (SWAP,))
    assert (other.overrides, other.swaps) == ((), ())


@pytest.mark.parametrize("indent", ["    ", "      ", "        "])
def test_a_further_override_follows_the_last_with_its_comments_and_indentation(file: Path, indent: str) -> None:
    there = (
        "    overrides:   # keep them in order\n"
        f"{indent}- {{from: 2026-01-03T00:00Z, to: 2026-01-04T00:00Z, person: cid}}   # dentist\n"
        f"{indent}- from: 2026-01-05T00:00Z\n{indent}  to: 2026-01-05T01:00Z\n{indent}  person: cid\n"
        f"{indent}# that was all"
    )
    file.write_text(TEXT % there)
    write_changes(file, "counsel", [OVERRIDE, IN_PLACE])
    new = f"{indent}- {LINE}\n{indent}- {LINE.replace('-08T', '-09T')[:-1]}, instead_of: ann}}\n"
    assert file.read_text() == (TEXT % there).replace(f"{indent}# that was all", f"{new}{indent}# that was all")
    assert load_rotas(file).rotas[0].overrides[2:] == (OVERRIDE, IN_PLACE)


def test_the_last_rota_of_a_file_without_a_last_line_end_is_changed_too(file: Path) -> None:
    file.write_text((TEXT % "").replace("\n# the end\n", ""))
    write_changes(file, "deputies", [Override(at("01-08 10:00"), at("01-08 11:00"), "dan", "", ())])
    assert len(load_rotas(file).rotas[1].overrides) == 1
    assert load_rotas(file).rotas[0].overrides == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT % "    overrides: []", "is an empty list; remove the line first"),
        (TEXT % f"    overrides: [{LINE}]", "is written in one line; put one item on each line"),
        (
            "rotas:\n  counsel: {role: legal_counsel, region: eu, layers: {week: {zone: UTC, days: mon, "
            "hours: 08:00-09:00, people: [ann], start: 2026-01-06}}}\n",
            "is written in one line; break it into lines first",
        ),
        ((TEXT % "").replace("  counsel:", "  lawyers:"), "there is no rota `counsel`; there are: lawyers, deputies"),
        ((TEXT % "").replace("eu", "EU"), "`rotas.counsel.region`"),
    ],
)
def test_a_layout_that_lines_cannot_be_added_to_is_refused_and_left_alone(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(PeopleRefused) as refused:
        write_changes(file, "counsel", [OVERRIDE])
    assert words in str(refused.value)
    assert file.read_text() == text
    assert list(file.parent.iterdir()) == [file]


def test_showing_a_change_writes_nothing(file: Path) -> None:
    file.write_text(TEXT % "")
    assert LINE in with_changes(file, "counsel", [OVERRIDE])
    assert file.read_text() == TEXT % ""


def test_an_override_that_the_reader_would_refuse_is_not_written(file: Path) -> None:
    file.write_text(TEXT % "")
    with pytest.raises(PeopleRefused, match="does not lie after `from`"):
        write_changes(file, "counsel", [Override(at("01-09 10:00"), at("01-08 11:00"), "cid", "", ())])
    assert file.read_text() == TEXT % ""


def test_the_file_keeps_its_mode(file: Path) -> None:
    file.write_text(TEXT % "")
    file.chmod(0o640)
    write_changes(file, "counsel", [OVERRIDE])
    assert file.stat().st_mode & 0o777 == 0o640


def test_an_item_whose_end_cannot_be_found_is_refused_and_left_alone(file: Path) -> None:
    """A flow mapping may go on further to the left; a line put into its middle would not be what was meant."""
    item = "{from: 2026-01-03T00:00Z, to: 2026-01-04T00:00Z,\n     person: cid}"
    text = TEXT % f"    overrides:\n      - {item}"
    file.write_text(text)
    assert len(load_rotas(file).rotas[0].overrides) == 1
    with pytest.raises(PeopleRefused, match=r"rotas.yaml:\d+:\d+: "):
        write_changes(file, "counsel", [OVERRIDE])
    assert file.read_text() == text


def test_a_text_that_says_anything_else_than_the_addition_is_not_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(TEXT % "")
    insert = rota_edit._insert

    def slip(text: str, *more: object) -> str:
        return insert(text, *more).replace("people: [dan]", "people: [eve]")  # type: ignore[arg-type]

    monkeypatch.setattr(rota_edit, "_insert", slip)
    with pytest.raises(PeopleRefused, match="cannot be added safely; nothing was written"):
        write_changes(file, "counsel", [OVERRIDE])
    assert file.read_text() == TEXT % ""
