"""No stretch without a break, no exposed night shift and then the morning."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.identity.rotas_text import ROLE, WEEK, at, rotas_of
from watchfloor.identity.live import known_rotas
from watchfloor.identity.people import Directory, Person
from watchfloor.identity.reached import Reached
from watchfloor.identity.resting import find_spells
from watchfloor.identity.rotas import NO_ROTAS, Rotas
from watchfloor.wellness import Wellness, load_caps
from watchfloor.wellness.asking import narrow
from watchfloor.wellness.caps import Break
from watchfloor.wellness.rules import judge_break

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
REST = timedelta(hours=11)
RULE = Break(timedelta(hours=2), timedelta(minutes=15))
DUTY = (
    "night: {zone: UTC, days: every day, hours: 22:00-06:00, people: [ann], start: 2026-01-01}\n"
    "      early: {zone: UTC, days: every day, hours: 06:00-14:00, people: [bob], start: 2026-01-01}\n"
    "      late: {zone: UTC, days: every day, hours: 14:00-22:00, people: [cal], start: 2026-01-01}"
)


def span(begin: int, end: int) -> tuple[datetime, datetime]:
    return NOW + timedelta(minutes=begin), NOW + timedelta(minutes=end)


@pytest.mark.parametrize(
    ("before", "new", "allowed"),
    [
        ([], (0, 120), True),
        ([], (0, 121), False),
        ([(-90, 0)], (0, 30), True),
        ([(-90, 0)], (0, 31), False),
        # pauses shorter than a break are none, but nobody is exposed in them either
        ([(-100, -55), (-45, -1)], (0, 31), True),
        ([(-100, -55), (-45, -1)], (0, 32), False),
        ([(-135, -15)], (0, 120), True),
        ([(-134, -14)], (0, 1), False),
        # what is claimed at once counts once where it overlaps, and whole where it does not
        ([(-60, 60)], (0, 60), True),
        ([(-60, 60)], (0, 61), False),
        ([(20, 130)], (0, 10), True),
        ([(20, 130)], (0, 30), False),
        ([(50, 130)], (0, 30), True),
    ],
)
def test_two_hours_without_a_break_are_the_most(
    before: Sequence[tuple[int, int]], new: tuple[int, int], allowed: bool
) -> None:
    spans = [span(*one) for one in reversed(before)]
    assert judge_break("graphic", spans, *span(*new), RULE).allowed is allowed


@pytest.fixture
def desk(tmp_path: Path) -> Wellness:
    one = Wellness(tmp_path / "hr" / "wellness.sqlite")
    for person in ("ann", "bob", "cal"):
        for exposure in ("graphic", "terror"):
            one.opt_in(person, exposure, now=NOW)
    return one


def take(desk: Wellness, now: datetime, *, task: str = "", exposure: str = "graphic", person: str = "ann") -> str:
    verdict = desk.begin(person, exposure, task or str(now), now + HALF, run="r", now=now)
    return verdict.words if verdict.allowed else verdict.code


def test_a_claim_that_leaves_no_room_for_a_break_is_refused_and_after_the_break_it_is_not(desk: Wellness) -> None:
    for number in range(4):
        assert take(desk, NOW + number * HALF) == ""
    end = NOW + 4 * HALF
    verdict = desk.begin("ann", "graphic", "t", end + HALF, run="r", now=end)
    assert (verdict.allowed, verdict.code) == (False, "break_due")
    assert "from 11:15 UTC" in verdict.words
    assert not desk.has("ann", "t", now=end)
    assert not desk.takes("ann", "graphic", now=end).allowed
    # other classes have no such rule
    assert take(desk, end, exposure="terror") == ""
    assert take(desk, end + timedelta(minutes=14)) == "break_due"
    assert take(desk, end + timedelta(minutes=15)) == ""


def test_claiming_again_and_again_leads_past_no_break(desk: Wellness) -> None:
    for number in range(4):
        assert take(desk, NOW + number * HALF, task="t") == ""
    assert take(desk, NOW + timedelta(minutes=95), task="t") == "break_due"
    assert desk.has("ann", "t", now=NOW + timedelta(minutes=119))


def test_shifts_that_follow_on_one_another_are_one_and_standby_of_a_whole_day_is_none(tmp_path: Path) -> None:
    rotas = rotas_of(tmp_path, DUTY.replace("[bob]", "[ann]"))
    assert find_spells(rotas, "ann", at("11-24 09:00"), REST) == (None, None)
    night, after = find_spells(rotas, "ann", at("11-24 15:00"), REST)
    assert night is not None
    assert after is not None
    assert (night.start_at, night.end_at) == (at("11-23 22:00"), at("11-24 14:00"))
    assert after.start_at == at("11-24 22:00")
    assert find_spells(rotas_of(tmp_path, WEEK), "ann", at("11-24 09:00"), REST) == (None, None)


@pytest.mark.parametrize(
    ("person", "now", "night", "after"),
    [
        ("ann", "11-24 06:00", True, False),
        ("ann", "11-24 12:00", True, True),
        ("ann", "11-24 11:00", True, False),
        ("ann", "11-24 17:00", False, True),
        ("ann", "11-24 23:00", False, False),
        ("bob", "11-24 15:00", False, False),
        ("bob", "11-24 19:30", False, True),
    ],
)
def test_a_night_counts_for_the_rest_after_it_and_any_shift_for_the_rest_before(
    tmp_path: Path, person: str, now: str, night: bool, after: bool
) -> None:
    found = find_spells(rotas_of(tmp_path, DUTY), person, at(now), REST)
    assert (found[0] is not None, found[1] is not None) == (night, after)


def on_duty(desk: Wellness, rotas: Rotas, *, refuses: bool = False) -> Wellness:
    caps = load_caps()
    assert caps.between is not None
    strict = replace(caps, between=replace(caps.between, refuses=refuses))
    return Wellness(desk.store.path, strict, rotas=lambda: rotas)


def test_after_a_night_that_exposed_a_claim_is_warned_of_or_refused(desk: Wellness, tmp_path: Path) -> None:
    rotas = rotas_of(tmp_path, DUTY)
    morning = at("11-24 09:00")
    lenient, strict = on_duty(desk, rotas), on_duty(desk, rotas, refuses=True)
    assert take(strict, at("11-24 07:00"), task="quiet night") == ""
    assert take(strict, at("11-23 23:00"), exposure="terror") == ""
    assert take(strict, morning) == "between_shifts"
    assert not strict.has("ann", str(morning), now=morning)
    said = take(lenient, morning)
    assert "night shift ended at 06:00 UTC" in said
    assert "17:00 UTC" in said
    # what is had already is finished, and without rotas nobody knows of shifts
    assert take(strict, morning + timedelta(minutes=10), task=str(morning)) == ""
    assert take(desk, morning + timedelta(minutes=45)) == ""


def test_a_rota_that_cannot_be_read_holds_nobody_back_and_is_read_once_it_can_be(
    desk: Wellness, tmp_path: Path
) -> None:
    night = at("11-23 23:00")
    good = rotas_of(tmp_path, DUTY)
    assert take(on_duty(desk, good), night) == ""
    file = tmp_path / "rotas.yaml"
    text = file.read_text()
    file.write_text("rotas: [")
    strict = on_duty(desk, good, refuses=True)
    strict.rotas = known_rotas(file, "eu")
    assert take(strict, at("11-24 09:00")) == ""
    file.write_text(text)
    assert take(strict, at("11-24 10:00")) == "between_shifts"
    assert known_rotas(tmp_path / "none.yaml", "eu")() == NO_ROTAS


def test_between_two_shifts_nobody_is_paged_while_somebody_else_can_be(desk: Wellness, tmp_path: Path) -> None:
    duty = on_duty(desk, rotas_of(tmp_path, DUTY))
    people = Directory({one: Person(one, (ROLE,), "example", "eu", (f"pager_{one}",)) for one in ("ann", "bob")})
    both = Reached(ROLE, ("ann", "bob"), ("pager_ann", "pager_bob"), "no_rota")
    take(duty, at("11-23 23:00"))
    told = narrow(duty, people, "graphic", both, now=at("11-24 09:00"))
    assert told is not None
    assert told.people == ("bob",)
    told = narrow(duty, people, "graphic", both, now=at("11-24 20:00"))
    assert told is None
