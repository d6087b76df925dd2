"""Who has not opted in to what a task exposes to is not paged for it where another can be."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.workflows.bench import Bench
from tests.workflows.builder import plan, silence, task
from tests.workflows.test_pages import POLICY
from watchfloor.identity.people import Directory, Person
from watchfloor.identity.reached import Reached
from watchfloor.wellness import Wellness
from watchfloor.wellness.asking import narrow, propose

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PEOPLE = Directory(
    {f"ops-{n}": Person(f"ops-{n}", ("ops_lead",), "example", "eu", (f"pager_{n}",)) for n in range(1, 4)}
)
ALL = Reached("ops_lead", ("ops-1", "ops-2", "ops-3"), ("pager_1", "pager_2", "pager_3"), "no_rota")


@pytest.fixture
def desk(tmp_path: Path) -> Wellness:
    return Wellness(tmp_path / "hr" / "wellness.sqlite")


def test_those_who_take_it_are_told_and_no_others(desk: Wellness) -> None:
    for person in ("ops-1", "ops-3"):
        desk.opt_in(person, "graphic", now=NOW)
    desk.care.panic("ops-3", now=NOW)
    told = narrow(desk, PEOPLE, "graphic", ALL, now=NOW)
    assert told is not None
    assert (told.people, told.destinations, told.how) == (("ops-1",), ("pager_1",), "no_rota")


def test_where_nobody_takes_it_nobody_is_left(desk: Wellness) -> None:
    assert narrow(desk, PEOPLE, "graphic", ALL, now=NOW) is None
    desk.opt_in("ops-9", "graphic", now=NOW)
    assert narrow(desk, PEOPLE, "graphic", ALL, now=NOW) is None


def bear(desk: Wellness, person: str, minutes: int, *, ago: timedelta, exposure: str = "graphic") -> None:
    began = NOW - ago
    end = began + timedelta(minutes=minutes)
    assert desk.begin(person, exposure, f"{person} {ago}", end, run="r", now=began).allowed
    desk.end(f"{person} {ago}", now=end)


def test_who_had_least_of_it_today_is_proposed_first_then_least_of_the_week_then_by_id(desk: Wellness) -> None:
    for person in ("ops-1", "ops-2", "ops-3"):
        for exposure in ("graphic", "terror"):
            desk.opt_in(person, exposure, now=NOW - timedelta(days=9))
    everybody = ["ops-3", "ops-2", "ops-1"]
    assert propose(desk, "graphic", everybody, now=NOW) == ["ops-1", "ops-2", "ops-3"]
    bear(desk, "ops-1", 20, ago=timedelta(days=3))
    assert propose(desk, "graphic", everybody, now=NOW) == ["ops-2", "ops-3", "ops-1"]
    bear(desk, "ops-2", 5, ago=timedelta(hours=3))
    assert propose(desk, "graphic", everybody, now=NOW) == ["ops-3", "ops-1", "ops-2"]
    # another class, and what is older than a week, count for nothing
    bear(desk, "ops-3", 60, ago=timedelta(hours=5), exposure="terror")
    bear(desk, "ops-3", 60, ago=timedelta(days=8))
    assert propose(desk, "graphic", everybody, now=NOW) == ["ops-3", "ops-1", "ops-2"]
    told = narrow(desk, PEOPLE, "graphic", ALL, now=NOW)
    assert told is not None
    assert told.people == ("ops-3", "ops-1", "ops-2")
    assert told.destinations == ("pager_3", "pager_1", "pager_2")
    assert told.own["ops-3"] == ("pager_3",)


def test_a_file_that_cannot_be_read_leaves_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "hr").write_text("in the way")
    assert narrow(Wellness(tmp_path / "hr" / "wellness.sqlite"), PEOPLE, "graphic", ALL, now=NOW) == ALL


async def test_a_notice_says_what_the_task_exposes_to(bench: Bench) -> None:
    case = await bench.start(plan(("one", [task("look", {}, exposure="graphic"), task("call", {})])))
    await case.decide("one/look", "done", "ops-1", "ops_lead")
    await case.decide("one/call", "done", "ops-1", "ops_lead")
    await case.outcome()
    assert [call.get("exposure") for call in bench.notices if call["kind"] == "ask"] == ["graphic", None]


async def test_reminders_and_climbing_say_it_to_those_who_may_do_the_task_and_to_nobody_above_them(
    bench: Bench,
) -> None:
    step = task("look", {}, exposure="graphic", within=1000.0, remind=[20.0], on_silence=silence("exec_sponsor"))
    case = await bench.start(plan(("one", [step])), paging=POLICY)
    await case.ask("one/look")
    await bench.skip(1005)
    await case.decide("one/look", "done", "ops-1", "ops_lead")
    await case.outcome()
    said = [(call["kind"], call["roles"], call.get("exposure", "")) for call in bench.notices]
    assert ("remind", ["ops_lead"], "graphic") in said
    assert ("page_climbed", ["ops_lead"], "graphic") in said
    assert ("escalate", ["exec_sponsor"], "") in said


async def test_a_task_for_a_person_pages_them_until_they_hand_it_back(bench: Bench) -> None:
    bench.people.add("ops-1")
    step = task("look", {}, person="ops-1", within=2000.0, remind=[20.0])
    case = await bench.start(plan(("one", [step])), paging=POLICY)
    about = {"path": "one/look", "ask": (await case.ask("one/look"))["ask"]}
    await bench.skip(905)
    await case.control("hand_back", person="ops-1", role="ops_lead", reason_ref="", about=about)
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()
    said = [(call["kind"], call["roles"], call.get("person", "")) for call in bench.notices]
    assert [one for one in said if one[1] == ["ops_lead"]][:3] == [
        ("ask", ["ops_lead"], "ops-1"),
        ("remind", ["ops_lead"], "ops-1"),
        ("page_climbed", ["ops_lead"], "ops-1"),
    ]
    assert ("reassigned", ["ops_lead"], "") in said
