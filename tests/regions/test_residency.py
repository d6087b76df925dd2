"""The residency rules: what is not expressly allowed to leave a region stays."""

from pathlib import Path
from typing import Any

import pytest

from watchfloor.language.type_reader import DATA_CLASSES
from watchfloor.regions.residency import Residency, ResidencyRefused, load_residency

RULES = load_residency()
STAYS = {
    ("eu", "us"): {"us_public_content", "us_interop", "us_protected", "non_us", "internal"},
    ("us", "eu"): {"public_content", "us_interop", "us_protected", "non_us", "internal"},
}


@pytest.mark.parametrize("route", STAYS)
def test_each_class_crosses_or_stays_as_the_rules_say(route: tuple[str, str]) -> None:
    refused = {name for name in RULES.classes if RULES.refuse(name, 40, *route)}
    assert refused == STAYS[route]


def test_an_author_can_name_every_class_of_the_rules_and_no_other() -> None:
    assert set(DATA_CLASSES) == set(RULES.classes)


def test_an_unknown_class_or_route_stays() -> None:
    assert "not one of" in str(RULES.refuse("harmless", 1, "eu", "us"))
    assert "no such route" in str(RULES.refuse("operational", True, "eu", "mars"))
    assert "no such route" in str(RULES.refuse("operational", True, "eu", "eu"))


@pytest.mark.parametrize("value", [20, [20, 400], {"a": 21}, []])
def test_counts_of_twenty_or_more_cross(value: Any) -> None:
    assert RULES.refuse("aggregate", value, "us", "eu") is None


@pytest.mark.parametrize("value", [19, 0, True, "40", 40.5, [40, 3], {"a": 40, "b": 1}, None])
def test_small_counts_and_what_is_no_count_stay(value: Any) -> None:
    assert "count of 20 or more" in str(RULES.refuse("aggregate", value, "us", "eu"))


@pytest.mark.parametrize(
    ("value", "eu", "us"),
    [
        ("2026-11-22T10:00:00Z", "operational", "operational"),
        (True, "operational", "operational"),
        (None, "operational", "operational"),
        ("https://example.test/v/1", "public_content", "us_protected"),
        (["https://example.test/v/1", "https://example.test/v/2"], "public_content", "us_protected"),
        (["https://example.test/v/1", "a word"], "internal", "us_protected"),
        ("a word", "internal", "us_protected"),
        (40, "internal", "us_protected"),
        ({"a": True}, "internal", "us_protected"),
    ],
)
def test_what_nobody_classified_gets_its_class_by_shape(value: Any, eu: str, us: str) -> None:
    assert (RULES.class_of("", value, "eu"), RULES.class_of("", value, "us")) == (eu, us)
    assert RULES.class_of("us_interop", value, "eu") == "us_interop"


def test_a_mixture_is_held_to_each_of_its_classes() -> None:
    assert RULES.class_of("us_interop+", "a word", "us") == "us_interop+us_protected"
    assert RULES.class_of("+public_content", "https://example.test/v/1", "eu") == "public_content"
    assert RULES.refuse("operational+public_content", True, "eu", "us") is None
    assert "`internal` may not" in str(RULES.refuse("internal+public_content", True, "eu", "us"))
    assert "count of 20" in str(RULES.refuse("aggregate+operational", 3, "eu", "us"))


def test_a_region_without_rules_of_its_own_gives_nothing_away() -> None:
    assert RULES.class_of("", True, "mars") == "internal"


def spoiled(tmp_path: Path, old: str, new: str) -> Path:
    text = Path("runbooks/residency.yaml").read_text()
    assert old in text
    path = tmp_path / "residency.yaml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version: 1", "version: 2", "version"),
        ("owner:", "honour: x\nowner:", "honour"),
        ("classes: [operational, public_content", "classes: [operational, public_contents", "public_contents"),
        ("other: internal}", "other: secret}", "secret"),
        ("at_least: 20}", "at_least: 1}", "at_least"),
        ("from: us, to: eu", "from: eu, to: us", "each direction once"),
        ("version: 1", "version: [", "YAML"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ResidencyRefused, match=says):
        load_residency(spoiled(tmp_path, old, new))


def test_missing_rules_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResidencyRefused):
        load_residency(tmp_path / "none.yaml")


def test_the_shipped_rules_are_what_is_loaded() -> None:
    assert isinstance(RULES, Residency)
    assert set(RULES.routes) == {("eu", "us"), ("us", "eu")}
