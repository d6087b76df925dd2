"""The neutral name of an incident says nothing but which one it is."""

from watchfloor.signing import neutral_name, opaque_id


def test_a_neutral_name_is_made_of_the_id_alone() -> None:
    incident = opaque_id("inc", b"secret", "eu-tco-removal-order", "portal", "DE-1")
    name = neutral_name(incident)
    assert name == f"INC-{incident[4:12].upper()}"
    assert name.removeprefix("INC-").isalnum()
    assert neutral_name(opaque_id("inc", b"secret", "eu-tco-removal-order", "portal", "DE-2")) != name
