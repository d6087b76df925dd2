"""The caps of exposure are read strictly, and what is wrong is named with its place."""

from datetime import timedelta
from pathlib import Path

import pytest

from watchfloor.wellness import CapsRefused, load_caps
from watchfloor.wellness.caps import SHIPPED, BetweenShifts, Break


def test_the_shipped_caps_are_those_of_the_domain_model() -> None:
    caps = load_caps()
    assert (caps.basis, caps.soft, caps.cool_down) == ("P", 0.8, timedelta(hours=1))
    assert caps.classes["graphic"].day == timedelta(hours=4)
    assert (caps.classes["csea"].day, caps.classes["csea"].days) == (timedelta(hours=2), 4)
    assert caps.classes["graphic"].pause == Break(timedelta(hours=2), timedelta(minutes=15))
    assert caps.between == BetweenShifts(timedelta(hours=11), refuses=False)
    assert [name for name, one in caps.classes.items() if not one.opt_in] == ["text"]
    assert caps.check_ins == (timedelta(days=1), timedelta(days=7), timedelta(days=30))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("day: 4h, break", "day: 25h, break", "a day has 24 hours"),
        ("day: 2h", "day: two hours", "is no length of time"),
        ("days_per_week: 4", "days_per_week: 9", "less than or equal to 7"),
        ("selfharm:", "gore:", "must name exactly"),
        ("soft_percent: 80", "soft_percent: 0", "greater than or equal to 1"),
        ("basis: P", "basis: P\n  colour: red", "Extra inputs"),
        ('opt_in: "no"', "opt_in: maybe", "'yes' or 'no'"),
        ("length: 15m", "length: soon", "is no length of time"),
        ("after: 2h, ", "", "Field required"),
        ("claim: warn", "claim: maybe", "'warn' or 'refuse'"),
        ("rest: 11h", "rest: 25h", "a day has 24 hours"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = SHIPPED.read_text()
    assert before in text
    file = tmp_path / "wellness.yaml"
    file.write_text(text.replace(before, after))
    with pytest.raises(CapsRefused) as refused:
        load_caps(file)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{file}:")
