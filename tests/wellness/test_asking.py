"""Who has not opted in to what a task exposes to is not paged for it where another can be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workflows.bench import Bench
from tests.workflows.builder import plan, task
from watchfloor.identity.people import Directory, Person
from watchfloor.identity.reached import Reached
from watchfloor.wellness import Wellness
from watchfloor.wellness.asking import narrow

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
    assert (told.people, told.destinations, told.how) == (("ops-1",), ("pager_1",), "no_rota")


def test_everybody_is_told_where_nobody_takes_it(desk: Wellness) -> None:
    assert narrow(desk, PEOPLE, "graphic", ALL, now=NOW) == ALL
    desk.opt_in("ops-9", "graphic", now=NOW)
    assert narrow(desk, PEOPLE, "graphic", ALL, now=NOW) == ALL


def test_a_file_that_cannot_be_read_leaves_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "hr").write_text("in the way")
    assert narrow(Wellness(tmp_path / "hr" / "wellness.sqlite"), PEOPLE, "graphic", ALL, now=NOW) == ALL


async def test_a_notice_says_what_the_task_exposes_to(bench: Bench) -> None:
    case = await bench.start(plan(("one", [task("look", {}, exposure="graphic"), task("call", {})])))
    await case.decide("one/look", "done", "ops-1", "ops_lead")
    await case.decide("one/call", "done", "ops-1", "ops_lead")
    await case.outcome()
    assert [call.get("exposure") for call in bench.notices if call["kind"] == "ask"] == ["graphic", None]
