"""The clock register: strict rows, located findings, reviews."""

from datetime import date
from pathlib import Path

import pytest

from watchfloor.language import RegisterRefused, load_register, read_register

ROW = {
    "id": "eu.tco.removal",
    "kind": "deadline",
    "title": "Remove",
    "legal_ref": "Art. 3(3)",
    "duration": "1h",
    "basis": "V",
    "owner": "legal-eu",
    "review_after": '"2027-05-01"',
}


def register(**changes: str | None) -> str:
    row = {key: value for key, value in {**ROW, **changes}.items() if value is not None}
    first, *rest = [f"{key}: {value}" for key, value in row.items()]
    return "clocks:\n  - " + "\n    ".join([first, *rest]) + "\n"


def codes(text: str, today: date | None = None) -> list[str]:
    return [finding.code for finding in read_register(text, path="clocks.yaml", today=today)[1]]


def test_a_row_is_read_as_it_stands() -> None:
    rows, findings = read_register(register(), path="clocks.yaml")
    assert findings == ()
    assert rows["eu.tco.removal"] == {
        "id": "eu.tco.removal",
        "kind": "deadline",
        "title": "Remove",
        "legal_ref": "Art. 3(3)",
        "duration": 3600.0,
        "business_days": None,
        "months": None,
        "internal_slo": None,
        "basis": "V",
        "owner": "legal-eu",
        "review_after": "2027-05-01",
        "holidays": [],
    }


def test_business_days_and_holidays_are_data() -> None:
    rows, findings = read_register(register(duration="3bd", holidays='["2026-12-25"]'), path="clocks.yaml")
    assert findings == ()
    assert rows["eu.tco.removal"]["business_days"] == 3
    assert rows["eu.tco.removal"]["duration"] is None
    assert rows["eu.tco.removal"]["holidays"] == ["2026-12-25"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"owner": None}, "WF121"),
        ({"review_after": None}, "WF121"),
        ({"basis": "X"}, "WF123"),
        ({"kind": "soon"}, "WF123"),
        ({"review_after": "tomorrow"}, "WF122"),
        ({"duration": "one hour"}, "WF125"),
        ({"months": "6"}, "WF408"),
        ({"duration": None}, "WF408"),
        ({"kind": "promptly"}, "WF408"),
        ({"kind": "promptly", "duration": None}, "WF408"),
        ({"lenght": "1h"}, "WF120"),
        ({"id": "EU.TCO"}, "WF124"),
        ({"kind": "info"}, "WF408"),
        ({"kind": "info", "duration": None, "pause_on": "[force_majeure]"}, "WF408"),
        ({"after_pause": "restart"}, "WF408"),
        ({"after_pause": "later", "pause_on": "[force_majeure]"}, "WF123"),
        ({"pause_on": "[lunch, lunch]"}, "WF127"),
        ({"renew": "{add: 90d}"}, "WF121"),
        ({"renew": "{add: 90d, max: 0}"}, "WF123"),
        ({"renew": "{add: 5bd, max: 1}"}, "WF219"),
        ({"calendar": "calendar_days"}, "WF408"),
        ({"calendar": "calendar_days", "zone": "Europe/Dublin", "duration": "36h"}, "WF408"),
        ({"calendar": "calendar_days", "zone": "Europe/Dublin", "duration": "3bd"}, "WF408"),
        ({"calendar": "business_days", "zone": "Europe/Dublin", "duration": "3d"}, "WF408"),
        ({"calendar": "wall_clock", "zone": "Europe/Dublin"}, "WF408"),
        ({"duration": "3bd", "place": "DE"}, "WF408"),
        ({"duration": "3d", "calendar": "calendar_days", "zone": "Europe/Berlin", "place": "DE"}, "WF408"),
        ({"duration": "3bd", "zone": "Europe/Atlantis"}, "WF123"),
        ({"duration": "3bd", "zone": "../../etc/passwd"}, "WF123"),
        ({"duration": "3bd", "zone": "Europe/Berlin", "place": "ZZ"}, "WF123"),
        ({"duration": "3bd", "zone": "Europe/Berlin", "place": "DE-CA"}, "WF123"),
        ({"traps": "[{says: no mark}]"}, "WF121"),
        ({"thresholds": "{health: many}"}, "WF122"),
        ({"conflicts": "[erasure]"}, "WF408"),
        ({"conflict_class": "erasure", "conflicts": "[eu.tco.remoal]"}, "WF420"),
        ({"conflict_class": "erasure", "conflicts": "[eu.tco.removal]"}, "WF420"),
        ({"conflict_class": "soon"}, "WF123"),
        ({"kind": "min_retention", "conflict_class": "erasure"}, "WF408"),
    ],
)
def test_a_row_that_is_wrong_is_refused(changes: dict[str, str | None], code: str) -> None:
    assert codes(register(**changes)) == [code]


def test_history_and_thresholds_still_parse() -> None:
    old, findings = read_register(register(kind="retired"), path="clocks.yaml")
    assert (findings, old["eu.tco.removal"]["duration"]) == ((), 3600.0)
    info, findings = read_register(register(kind="info", duration=None, thresholds="{health: 10000}"), path="c.yaml")
    assert (findings, info["eu.tco.removal"]["thresholds"]) == ((), {"health": 10000})


def test_a_conflict_is_named_from_both_sides() -> None:
    floor = register(id="a.floor", kind="min_retention", conflicts="[erasure]").removeprefix("clocks:\n")
    silent = register(id="b.floor", kind="min_retention").removeprefix("clocks:\n")
    erasure = register(conflict_class="erasure", conflicts="[floor]")
    assert codes(erasure + floor) == []
    assert codes(erasure + floor + silent) == ["WF420"]
    by_id = register(id="b.floor", kind="min_retention", conflicts="[eu.tco.removal]").removeprefix("clocks:\n")
    assert codes(erasure + floor + by_id) == []


def test_an_id_stands_once() -> None:
    assert codes(register() + register().removeprefix("clocks:\n")) == ["WF127"]


def test_an_overdue_review_is_a_warning_that_names_the_owner() -> None:
    assert codes(register(), date(2027, 5, 1)) == []
    _, (finding,) = read_register(register(), path="clocks.yaml", today=date(2027, 5, 2))
    assert (finding.code, finding.severity) == ("WF409", "warning")
    assert "legal-eu" in finding.help


def test_loading_a_wrong_register_draws_every_finding(tmp_path: Path) -> None:
    path = tmp_path / "clocks.yaml"
    path.write_text(register(basis="X"))
    with pytest.raises(RegisterRefused, match=r"error\[WF123\]") as caught:
        load_register(path)
    assert [finding.line for finding in caught.value.findings] == [7]
