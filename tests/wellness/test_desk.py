"""Who may be exposed, how long, and what is kept of it."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.wellness import Wellness, WellnessUnavailable
from watchfloor.wellness.desk import CapRaised, task_mark

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)


@pytest.fixture
def desk(tmp_path: Path) -> Wellness:
    return Wellness(tmp_path / "hr" / "wellness.sqlite")


def take(
    desk: Wellness, now: datetime = NOW, *, task: str = "t", exposure: str = "csea", length: timedelta = HALF
) -> str:
    verdict = desk.begin("ops-1", exposure, task, now + length, run="r", now=now)
    return "" if verdict.allowed else verdict.code


def test_nobody_takes_what_they_have_not_opted_in_to_and_may_take_it_back(desk: Wellness) -> None:
    assert take(desk) == "not_opted_in"
    desk.opt_in("ops-1", "csea", now=NOW)
    assert take(desk) == ""
    assert take(desk, exposure="graphic", task="u") == "not_opted_in"
    desk.opt_out("ops-1", "csea")
    assert take(desk, task="v") == "not_opted_in"


def test_text_needs_no_opt_in(desk: Wellness) -> None:
    assert take(desk, exposure="text") == ""


def test_the_cap_of_a_day_is_never_passed_and_comes_free_after_24_hours(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    for number in range(4):
        at = NOW + number * HALF
        assert take(desk, at, task=f"t{number}") == ""
        desk.end(f"t{number}", now=at + HALF)
    assert take(desk, NOW + 4 * HALF, task="t4") == "at_cap"
    assert take(desk, NOW + timedelta(hours=24, minutes=29), task="t4") == "at_cap"
    assert take(desk, NOW + timedelta(hours=24, minutes=30), task="t4") == ""


def test_what_is_claimed_at_once_counts_whole_so_that_nothing_goes_past_the_cap(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    assert [take(desk, task=f"t{number}") for number in range(5)] == ["", "", "", "", "at_cap"]
    desk.end("t0", now=NOW + timedelta(minutes=1))
    assert take(desk, NOW + timedelta(minutes=1), task="t5", length=timedelta(minutes=29)) == ""


def test_from_four_fifths_of_the_cap_a_warning_comes_with_it(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    words = [desk.begin("ops-1", "csea", f"t{n}", NOW + HALF, run="r", now=NOW).words for n in range(4)]
    assert [bool(one) for one in words] == [False, False, False, True]
    assert "100 %" in words[3]


def test_a_fifth_day_of_seven_is_refused(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    for day in range(4):
        assert take(desk, NOW + timedelta(days=day), task=f"t{day}") == ""
        desk.end(f"t{day}", now=NOW + timedelta(days=day, minutes=5))
    assert take(desk, NOW + timedelta(days=3, hours=1), task="again") == ""
    assert take(desk, NOW + timedelta(days=4), task="fifth") == "at_cap"
    assert take(desk, NOW + timedelta(days=7), task="next week") == ""


def test_a_task_claimed_again_is_one_exposure_that_goes_on(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    for minutes in (0, 20, 40):
        assert take(desk, NOW + timedelta(minutes=minutes)) == ""
    desk.end("t", now=NOW + timedelta(minutes=50))
    (csea,) = [one for one in desk.figures("ops-1", now=NOW + timedelta(hours=1)) if one.exposure == "csea"]
    assert (csea.minutes, csea.items, csea.days) == (50.0, 1, 1)


def test_a_claim_that_nobody_ended_counts_until_its_own_end_and_no_longer(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    take(desk)
    (csea,) = [one for one in desk.figures("ops-1", now=NOW + timedelta(hours=5)) if one.exposure == "csea"]
    assert csea.minutes == 30.0


def test_a_refused_claim_leaves_nothing(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    take(desk)
    desk.undo("ops-1", "t", began=NOW)
    assert not desk.has("ops-1", "t", now=NOW)
    assert all(one.items == 0 for one in desk.figures("ops-1", now=NOW))


def test_a_cap_of_ones_own_goes_down_only(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    desk.lower_cap("ops-1", "csea", timedelta(minutes=40), by="ops-1", now=NOW)
    assert take(desk) == ""
    assert take(desk, task="u") == "at_cap"
    for longer in (40, 41, 600):
        with pytest.raises(CapRaised):
            desk.lower_cap("ops-1", "csea", timedelta(minutes=longer), by="wellness-1", now=NOW)
    desk.lower_cap("ops-1", "csea", timedelta(0), by="wellness-1", now=NOW)
    assert take(desk, NOW + timedelta(days=2), task="u", length=timedelta(minutes=1)) == "at_cap"


def test_only_the_owner_of_the_process_can_read_the_file(desk: Wellness) -> None:
    desk.opt_in("ops-1", "csea", now=NOW)
    assert stat.S_IMODE(desk.store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.store.path.parent.stat().st_mode) == 0o700


def test_the_file_names_no_incident(desk: Wellness) -> None:
    mark = task_mark("inc-abc", "triage/look")
    assert "inc-abc" not in mark
    assert mark != task_mark("inc-abc", "triage/other")


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "hr").write_text("in the way")
    with pytest.raises(WellnessUnavailable):
        Wellness(tmp_path / "hr" / "wellness.sqlite").opt_in("ops-1", "csea", now=NOW)
