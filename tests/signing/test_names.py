"""The neutral name of a run says nothing but what it is and which one."""

import pytest

from watchfloor.signing import neutral_name, opaque_id


@pytest.mark.parametrize(
    ("workflow", "name"),
    [
        ("hold-abcdefghijklmnopqrst", "HOLD-ABCDEFGH"),
        ("hand-abcdefghijklmnopqrst", "HAND-ABCDEFGH"),
        ("in-abcdefghijklmnopqrst", "IN-ABCDEFGH"),
        ("post-abcdefghijklmnopqrst", "POST-ABCDEFGH"),
        ("del-abcdefghijklmnopqrst", "DEL-ABCDEFGH"),
        ("desk-eu", "DESK-EU"),
        ("inc-test", "INC-TEST"),
        ("by-hand-7", "INC-HAND-7"),
    ],
)
def test_everything_is_called_after_what_its_id_says_it_is(workflow: str, name: str) -> None:
    assert neutral_name(workflow) == name


def test_a_neutral_name_is_made_of_the_id_alone() -> None:
    incident = opaque_id("inc", b"secret", "eu-tco-removal-order", "portal", "DE-1")
    name = neutral_name(incident)
    assert name == f"INC-{incident[4:12].upper()}"
    assert name.removeprefix("INC-").isalnum()
    assert neutral_name(opaque_id("inc", b"secret", "eu-tco-removal-order", "portal", "DE-2")) != name
