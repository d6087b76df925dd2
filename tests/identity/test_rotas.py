"""Rotas give exact shifts: turns, nights, daylight saving, holidays, overrides, swaps; and say what is wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.identity.rotas_text import WEEK, at, people, rota_of, rotas_of
from watchfloor.identity.people import DEVELOPMENT_PEOPLE, PeopleRefused, load_people
from watchfloor.identity.rota_file import DEVELOPMENT_ROTAS, load_rotas
from watchfloor.identity.rota_problems import find_problems
from watchfloor.identity.shifts import on_call_at, shifts_between

NIGHTS = "nights: {zone: Europe/Berlin, days: every day, hours: 22:00-06:00, people: [ann], start: 2026-01-01}"


def test_tuesday_to_saturday_turns_by_the_week_and_counts_from_its_start(tmp_path: Path) -> None:
    layers = "early: {zone: Europe/Dublin, days: tue-sat, hours: 08:00-20:00, people: [ann, bob], start: 2026-11-03}"
    rota = rota_of(tmp_path, layers)
    shifts = shifts_between(rota, at("11-02 00:00"), at("11-16 00:00"))
    assert [(f"{one.start_at:%d}", one.person) for one in shifts] == [
        *((f"{day:02}", "ann") for day in range(3, 8)),
        *((f"{day:02}", "bob") for day in range(10, 15)),
    ]
    assert shifts_between(rota, at("10-01 00:00"), at("11-03 08:00")) == ()


def test_sunday_to_thursday_runs_across_the_end_of_the_calendar_week(tmp_path: Path) -> None:
    layers = "late: {zone: UTC, days: sun-thu, hours: 20:00-08:00, people: [ann, bob], start: 2026-11-01}"
    shifts = shifts_between(rota_of(tmp_path, layers), at("11-01 12:00"), at("11-13 12:00"))
    assert [(f"{one.start_at:%a}", one.person) for one in shifts] == [
        *((day, "ann") for day in ("Sun", "Mon", "Tue", "Wed", "Thu")),
        *((day, "bob") for day in ("Sun", "Mon", "Tue", "Wed", "Thu")),
    ]
    assert shifts[0].end_at == at("11-02 08:00")


def test_a_turn_of_two_weeks_lasts_two_weeks(tmp_path: Path) -> None:
    rota = rota_of(tmp_path, WEEK.replace("start:", "turn: 2w, start:"))
    turns = [on_call_at(rota, at("01-06 08:00") + timedelta(weeks=week))[0].person for week in range(5)]
    assert turns == ["ann", "ann", "bob", "bob", "ann"]


@pytest.mark.parametrize(
    ("night", "hours", "starts", "ends"),
    [
        ("03-28", 7, "03-28 21:00", "03-29 04:00"),
        ("10-24", 9, "10-24 20:00", "10-25 05:00"),
        ("06-10", 8, "06-10 20:00", "06-11 04:00"),
    ],
)
def test_a_night_shift_is_an_hour_shorter_or_longer_when_the_clock_changes(
    tmp_path: Path, night: str, hours: int, starts: str, ends: str
) -> None:
    """Europe/Berlin: 29 March 2026 at 02:00 forward, 25 October 2026 at 03:00 back."""
    (shift,) = shifts_between(rota_of(tmp_path, NIGHTS), at(f"{night} 21:30"), at(f"{night} 21:31"))
    assert (shift.start_at, shift.end_at) == (at(starts), at(ends))
    assert shift.end_at - shift.start_at == timedelta(hours=hours)


@pytest.mark.parametrize("edge", ["02:30", "02:00", "03:00", "00:00"])
@pytest.mark.parametrize("around", ["03-27 00:00", "10-23 00:00"])
def test_a_change_of_the_clock_opens_no_gap_and_doubles_nobody(tmp_path: Path, edge: str, around: str) -> None:
    """Handovers at a time that the clock skips in spring and that comes twice in autumn."""
    layers = (
        f"a: {{zone: Europe/Berlin, days: every day, hours: {edge}-12:00, people: [ann], start: 2026-01-01}}\n"
        f"      b: {{zone: Europe/Berlin, days: every day, hours: 12:00-{edge}, people: [bob], start: 2026-01-01}}"
    )
    rotas = rotas_of(tmp_path, layers)
    found = find_problems(rotas, people("ann", "bob"), at(around), at(around) + timedelta(days=5))
    assert [one for one in found if one.kind != "rest"] == []


def test_who_is_on_call_changes_at_the_very_instant(tmp_path: Path) -> None:
    rota = rota_of(tmp_path, WEEK)
    handover = at("01-13 08:00")
    assert [one.person for one in on_call_at(rota, handover - timedelta(microseconds=1))] == ["ann"]
    assert [one.person for one in on_call_at(rota, handover)] == ["bob"]


def test_a_rota_that_follows_the_sun_is_covered_all_day_by_three_zones(tmp_path: Path) -> None:
    layers = (
        "dublin: {zone: Europe/Dublin, days: every day, hours: 08:00-16:00, people: [ann], start: 2026-01-01}\n"
        "      oakland: {zone: America/Los_Angeles, days: every day, hours: 08:00-16:00, people: [bob], "
        "start: 2026-01-01}\n"
        "      singapore: {zone: Asia/Singapore, days: every day, hours: 08:00-16:00, people: [cid], start: 2026-01-01}"
    )
    rotas = rotas_of(tmp_path, layers)
    assert find_problems(rotas, people("ann", "bob", "cid"), at("01-05 00:00"), at("02-05 00:00")) == ()
    summer = find_problems(rotas, people("ann", "bob", "cid"), at("06-01 00:00"), at("06-02 00:00"))
    assert {one.kind for one in summer} == {"gap", "double"}, "summer time moves two of three zones"


HOLIDAY = "week: {zone: Europe/Dublin, days: every day, hours: 08:00-08:00, people: [ann, bob], start: 2026-01-06, %s}"


def test_a_holiday_without_cover_is_a_gap_that_names_the_day_and_its_place(tmp_path: Path) -> None:
    rotas = rotas_of(tmp_path, HOLIDAY % "holidays: {place: IE}")
    (gap,) = find_problems(rotas, people("ann", "bob"), at("12-20 00:00"), at("12-31 00:00"))
    assert (gap.kind, gap.start_at, gap.end_at) == ("gap", at("12-25 08:00"), at("12-27 08:00"))
    assert gap.words == "nobody is on call: Christmas Day in IE, Saint Stephen's Day in IE, and nobody covers"
    assert gap.where.endswith("rotas.yaml:6:111")


def test_a_time_of_which_nobody_knows_the_holidays_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(holidays.country_holidays("IE")), "end_year", 2026)
    rotas = rotas_of(tmp_path, HOLIDAY % "holidays: {place: IE, cover: [cid]}")
    assert find_problems(rotas, people("ann", "bob", "cid"), at("12-20 00:00"), at("12-31 00:00")) == ()
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    (unknown,) = find_problems(rotas, people("ann", "bob", "cid"), at("12-20 00:00"), new_year + timedelta(days=3))
    assert (unknown.kind, unknown.start_at, unknown.is_error) == ("holidays", new_year, True)
    assert unknown.words == "the holidays of IE are known to the end of 2026 only; after that nobody is seen to be away"
    assert unknown.where.endswith("rotas.yaml:6:111")


def test_another_person_covers_a_holiday_and_there_is_no_gap(tmp_path: Path) -> None:
    rotas = rotas_of(tmp_path, HOLIDAY % "holidays: {place: IE, cover: [cid]}")
    assert find_problems(rotas, people("ann", "bob", "cid"), at("12-20 00:00"), at("12-31 00:00")) == ()
    (shift,) = on_call_at(rotas.rotas[0], at("12-25 12:00"))
    assert (shift.person, shift.why) == ("cid", "holiday")
    (shift,) = on_call_at(rotas.rotas[0], at("12-27 12:00"))
    assert (shift.person, shift.why) == ("ann", "turn")


def test_another_layers_turn_covers_a_holiday(tmp_path: Path) -> None:
    layers = (
        HOLIDAY
        % "holidays: {place: DE-BE, layer: stand-by}"
        + "\n      stand-by: {zone: Europe/Berlin, days: mon, hours: 03:00-03:01, people: [cid, dan], "
        "start: 2026-01-05}"
    )
    rota = rota_of(tmp_path, layers)
    assert on_call_at(rota, at("03-08 12:00"))[0].why == "holiday", "International Women's Day is one in Berlin"
    assert {on_call_at(rota, at(day))[0].person for day in ("12-25 12:00", "05-01 12:00")} <= {"cid", "dan"}
    elsewhere = rota_of(tmp_path, HOLIDAY % "holidays: {place: DE-BY}")
    assert on_call_at(elsewhere, at("03-08 12:00"))[0].why == "turn"


def test_an_override_replaces_whoever_was_there_and_gives_the_rest_back(tmp_path: Path) -> None:
    more = "overrides:\n  - {from: 2026-01-08T10:00Z, to: 2026-01-08T11:00+00:00, person: cid}"
    rota = rota_of(tmp_path, WEEK, more)
    shifts = shifts_between(rota, at("01-08 09:00"), at("01-08 12:00"))
    assert [(one.person, one.start_at, one.end_at) for one in shifts] == [
        ("ann", at("01-08 08:00"), at("01-08 10:00")),
        ("cid", at("01-08 10:00"), at("01-08 11:00")),
        ("ann", at("01-08 11:00"), at("01-09 08:00")),
    ]


def test_an_override_in_place_of_one_of_two_leaves_the_other(tmp_path: Path) -> None:
    layers = WEEK + "\n      " + WEEK.replace("week:", "second:").replace("[ann, bob]", "[dan]")
    more = "seats: 2\noverrides:\n  - {from: 2026-01-08T10:00Z, to: 2026-01-08T11:00Z, person: cid, instead_of: ann}"
    rotas = rotas_of(tmp_path, layers, more)
    assert sorted(one.person for one in on_call_at(rotas.rotas[0], at("01-08 10:30"))) == ["cid", "dan"]
    assert find_problems(rotas, people("ann", "bob", "cid", "dan"), at("01-07 00:00"), at("01-12 00:00")) == ()


def test_two_people_swap_one_shift_each_and_nothing_else(tmp_path: Path) -> None:
    more = "swaps:\n  - {one: {person: ann, at: 2026-01-08T08:00Z}, other: {person: bob, at: 2026-01-14T09:00+01:00}}"
    rota = rota_of(tmp_path, WEEK, more)
    found = {f"{one.start_at:%d}": one.person for one in shifts_between(rota, at("01-07 12:00"), at("01-16 12:00"))}
    assert found == {
        "07": "ann", "08": "bob", "09": "ann", "10": "ann", "11": "ann", "12": "ann",
        "13": "bob", "14": "ann", "15": "bob", "16": "bob",
    }  # fmt: skip


def test_a_swap_of_a_shift_that_is_not_there_is_a_problem_at_its_place(tmp_path: Path) -> None:
    more = "swaps:\n  - {one: {person: ann, at: 2026-01-08T09:00Z}, other: {person: bob, at: 2026-01-14T08:00Z}}"
    (found,) = find_problems(rotas_of(tmp_path, WEEK, more), people("ann", "bob"), at("01-07 00:00"), at("01-16 00:00"))
    assert found.kind == "change"
    assert found.words == "`ann` has no shift that starts then, so nothing is exchanged"
    assert found.where.endswith("rotas.yaml:8:10")


def test_two_people_on_one_seat_are_a_double_booking_for_exactly_as_long(tmp_path: Path) -> None:
    layers = (
        "a: {zone: UTC, days: every day, hours: 00:00-13:00, people: [ann], start: 2026-01-01}\n"
        "      b: {zone: UTC, days: every day, hours: 12:00-00:00, people: [bob], start: 2026-01-01}"
    )
    (found,) = find_problems(rotas_of(tmp_path, layers), people("ann", "bob"), at("01-05 00:00"), at("01-06 00:00"))
    assert (found.kind, found.people) == ("double", ("ann", "bob"))
    assert (found.start_at, found.end_at) == (at("01-05 12:00"), at("01-05 13:00"))


def test_one_person_in_two_rotas_at_once_is_a_double_booking(tmp_path: Path) -> None:
    text = (tmp_path / "rotas.yaml").as_posix()
    rotas_of(tmp_path, WEEK)
    own = Path(text).read_text()
    second = own.partition("rotas:\n")[2].replace("counsel:", "deputies:", 1).replace("[ann, bob]", "[bob]")
    Path(text).write_text(own + second)
    found = find_problems(load_rotas(Path(text)), people("ann", "bob"), at("01-05 00:00"), at("01-26 00:00"))
    assert [(one.kind, one.people, one.start_at, one.end_at) for one in found] == [
        ("gap", (), at("01-05 00:00"), at("01-06 08:00")),
        ("gap", (), at("01-05 00:00"), at("01-06 08:00")),
        ("double", ("bob",), at("01-13 08:00"), at("01-20 08:00")),
    ]
    assert "`bob` is on call for `deputies` too" in found[2].words


def test_people_who_cannot_fill_the_role_are_named_with_what_they_are(tmp_path: Path) -> None:
    rotas = load_rotas(DEVELOPMENT_ROTAS)
    file = tmp_path / "rotas.yaml"
    file.write_text(DEVELOPMENT_ROTAS.read_text().replace("[ops-1, ops-2]", "[ops-1, ops-9, counsel-1, ops-us-1]"))
    assert rotas != load_rotas(file)
    found = find_problems(load_rotas(file), load_people(DEVELOPMENT_PEOPLE), at("11-02 00:00"), at("11-02 01:00"))
    assert [one.words for one in found if one.kind == "person"] == [
        "`ops-9` is not in the directory of people",
        "`counsel-1` does not hold `ops_lead`; they hold: legal_counsel",
        "`ops-us-1` works in region `us`, not in `eu`",
    ]


def test_a_night_followed_by_a_morning_is_a_warning_and_eleven_hours_are_enough(tmp_path: Path) -> None:
    layers = (
        "nights: {zone: UTC, days: mon, hours: 22:00-06:00, people: [ann], start: 2026-01-05}\n"
        "      days: {zone: UTC, days: tue, hours: %s-22:00, people: [ann], start: 2026-01-05}"
    )
    more = "cover: {zone: UTC, days: mon, hours: 22:00-06:00}"
    for begins, rests in (("16:59", True), ("17:00", False)):
        found = find_problems(
            rotas_of(tmp_path, layers % begins, more), people("ann"), at("01-05 00:00"), at("01-09 00:00")
        )
        assert [one.kind for one in found] == (["rest"] if rests else []), begins
        assert not any(one.is_error for one in found)


def test_hours_that_need_no_cover_are_no_gap(tmp_path: Path) -> None:
    layers = "a: {zone: Europe/Dublin, days: mon-fri, hours: 09:00-17:00, people: [ann], start: 2026-01-05, %s}"
    more = "cover: {zone: Europe/Dublin, days: mon-fri, hours: 09:00-17:00}"
    rotas = rotas_of(tmp_path, layers % "turn: 1w", more)
    assert find_problems(rotas, people("ann"), at("12-21 00:00"), at("12-28 00:00")) == ()
    rotas = rotas_of(tmp_path, layers % "holidays: {place: IE}", more)
    (gap,) = find_problems(rotas, people("ann"), at("12-21 00:00"), at("12-28 00:00"))
    assert (gap.start_at, gap.end_at) == (at("12-25 09:00"), at("12-25 17:00"))


def test_the_development_rotas_have_no_problem_for_two_years() -> None:
    since = at("01-12 00:00")
    assert (
        find_problems(
            load_rotas(DEVELOPMENT_ROTAS), load_people(DEVELOPMENT_PEOPLE), since, since + timedelta(days=730)
        )
        == ()
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("role: legal_counsel", "role: king", "3:5: `rotas.counsel.role`: unknown role `king`"),
        ("Europe/Dublin", "Mars/Base", "6:14: `rotas.counsel.layers.week.zone`: found `Mars/Base`"),
        ("Europe/Dublin", "../../etc/passwd", "`rotas.counsel.layers.week.zone`: found `../../etc/passwd`"),
        ("Europe/Dublin", "[a]", "`rotas.counsel.layers.week.zone`: found a list; expected text"),
        ("every day", "funday", "found `funday`; expected weekdays such as"),
        ("08:00-08:00", "8-8", "found `8-8`; expected hours such as"),
        ("2026-01-06", "2026-02-30", "found `2026-02-30`; expected a date"),
        ("[ann, bob]", "[]", "`rotas.counsel.layers.week.people`: list should have at least 1 item"),
        ("[ann, bob]", "[Ann Doe]", "`rotas.counsel.layers.week.people.0`"),
        ("start:", "colour: red, start:", "`rotas.counsel.layers.week.colour`: extra inputs are not permitted"),
        ("start:", "holidays: {place: XX}, start:", "no holidays are known for `XX`"),
        ("start:", "holidays: {place: DE-XX}, start:", "no holidays are known for `DE-XX`"),
        ("start:", "holidays: {place: IE, layer: other}, start:", "no other layer `other`"),
        ("start:", "holidays: {place: IE, layer: week}, start:", "no other layer `week`"),
        ("start:", "turn: 0w, start:", "found `0w`; expected `1w` to `12w`"),
        ("region: eu", "region: eu\n    seats: 0", "found `0`; expected a number from 1 to 9"),
        (
            "region: eu",
            "region: eu\n    overrides: [{from: 2026-01-02, to: 2026-01-03, person: a}]",
            "expected an instant",
        ),
        (
            "region: eu",
            "region: eu\n    overrides: [{from: 2026-01-03T00:00Z, to: 2026-01-02T00:00Z, person: a}]",
            "`rotas.counsel.overrides.0.to`: does not lie after `from`",
        ),
    ],
)
def test_a_wrong_rota_is_refused_at_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    rotas_of(tmp_path, WEEK)
    file = tmp_path / "rotas.yaml"
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(PeopleRefused) as refused:
        load_rotas(file)
    assert words in str(refused.value)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_refused_or_gives_rotas(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any-rotas.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(PeopleRefused):
        load_rotas(file)


@settings(deadline=None)
@given(
    day=st.integers(0, 720),
    minute=st.integers(0, 1439),
    zone=st.sampled_from(["Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    begins=st.integers(0, 1439),
)
def test_a_day_and_its_night_cover_every_instant_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, day: int, minute: int, zone: str, begins: int
) -> None:
    first, second = (f"{m // 60:02}:{m % 60:02}" for m in (begins, (begins + 700) % 1440))
    layers = (
        f"a: {{zone: {zone}, days: every day, hours: {first}-{second}, people: [ann], start: 2026-01-01}}\n"
        f"      b: {{zone: {zone}, days: every day, hours: {second}-{first}, people: [bob], start: 2026-01-01}}"
    )
    rota = rota_of(tmp_path_factory.getbasetemp(), layers)
    assert len(on_call_at(rota, at("01-03 00:00") + timedelta(days=day, minutes=minute))) == 1


def test_a_shift_is_the_same_however_little_of_it_is_looked_at(tmp_path: Path) -> None:
    """What was taken from it outside the span stays taken: a calendar of a few hours says nothing wrong."""
    more = (
        "overrides:\n  - {from: 2026-01-08T08:00Z, to: 2026-01-08T10:00Z, person: cid}\n"
        "  - {from: 2026-01-08T20:00Z, to: 2026-01-08T21:00Z, person: cid}"
    )
    (shift,) = shifts_between(rota_of(tmp_path, WEEK, more), at("01-08 12:00"), at("01-08 13:00"))
    assert (shift.person, shift.start_at, shift.end_at) == ("ann", at("01-08 10:00"), at("01-08 20:00"))
