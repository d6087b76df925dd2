"""Taking what is next from a queue: over real runs, two people at once, and what a person does not take."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.incident import Board
from tests.workflows.bench import Bench, Case
from tests.workflows.builder import plan, task
from watchfloor.client import Face
from watchfloor.client.asks import family
from watchfloor.client.queueing import claim_next, list_queue, pick
from watchfloor.identity.people import Person

OPS = Person("ops-1", ("ops_lead",), "example-inc", "us", ())
OTHER = Person("ops-2", ("ops_lead",), "example-inc", "us", ())


async def begin(bench: Bench, name: str, severity: str = "S2", **more: Any) -> Case:
    case = await bench.start({**plan(("one", [task(name, {}, **more)])), "severity": severity})
    await case.ask(f"one/{name}")
    return case


async def boards(face: Face, *cases: Case) -> list[Board]:
    return [(await family(face, case.handle.id)).board for case in cases]


async def now_of(*cases: Case) -> datetime:
    """The instant at which all of them had asked: the server skips time, so it may lie ahead of this machine's."""
    asked = [ask["asked_at"] for case in cases for ask in (await case.board())["asks"]]
    return datetime.fromisoformat(max(asked)).astimezone(UTC)


async def test_two_people_press_at_once_and_each_gets_a_task_of_their_own(bench: Bench, face: Face) -> None:
    first, second = await begin(bench, "first", "S1"), await begin(bench, "second", "S2")
    now, seen = await now_of(first, second), await boards(face, first, second)

    async def press(someone: Person) -> str | None:
        tasks = list(list_queue(face, someone, seen, now=now).waiting)
        claimed = await claim_next(face, someone, tasks, exposure="", now=now)
        return claimed.task.at.ask["step"] if claimed else None

    got = await asyncio.gather(press(OPS), press(OTHER))
    assert sorted(filter(None, got)) == ["first", "second"]
    claims = {(await case.board())["asks"][0]["claim"]["person"] for case in (first, second)}
    assert claims == {"ops-1", "ops-2"}
    # a screen that has not caught up takes nothing more: of what is gone, only one's own is to be had
    assert [await press(OPS), await press(OTHER)] == got


async def test_what_exposes_to_another_class_than_was_shown_is_not_taken_in_its_place(bench: Bench, face: Face) -> None:
    wellness = face.wellness
    assert wellness is not None
    plain = await begin(bench, "plain", "S1")
    hard = await begin(bench, "hard", "S2", exposure="graphic")
    now = await now_of(plain, hard)
    wellness.opt_in("ops-1", "graphic", now=now)
    tasks = list(list_queue(face, OPS, await boards(face, plain, hard), now=now).waiting)
    assert [one.exposure for one in tasks] == ["", "graphic"]
    await claim_next(face, OTHER, tasks[:1], exposure="", now=now)
    assert await claim_next(face, OPS, tasks, exposure="", now=now) is None
    taken = await claim_next(face, OPS, tasks, exposure="graphic", now=now)
    assert taken is not None
    assert taken.task.exposure == "graphic"


async def test_what_a_person_does_not_take_is_passed_over_and_only_counted(bench: Bench, face: Face) -> None:
    hard = await begin(bench, "hard", "S0", exposure="csea")
    plain = await begin(bench, "plain", "S3")
    now = await now_of(hard, plain)
    waiting = list_queue(face, OPS, await boards(face, hard, plain), now=now).waiting
    picked = pick(face, OPS, waiting, 5, now=now)
    assert [one.at.ask["step"] for one, _ in picked.tasks] == ["plain"]
    assert picked.left_out == {"csea": 1}


async def test_thousands_of_one_kind_are_weighed_once(
    bench: Bench, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    hard = await begin(bench, "hard", "S2", exposure="csea")
    now = await now_of(hard)
    (one,) = list_queue(face, OPS, await boards(face, hard), now=now).waiting
    asked = []
    wellness = face.wellness
    assert wellness is not None
    takes = wellness.takes
    monkeypatch.setattr(type(wellness), "takes", lambda _self, *a, **k: (asked.append(a), takes(*a, **k))[1])
    picked = pick(face, OPS, [one] * 3000, 5, now=now)
    assert picked.left_out == {"csea": 3000}
    assert 0 < len(asked) < 10


async def test_a_claim_whose_time_is_over_is_to_be_had_again(bench: Bench, face: Face) -> None:
    case = await begin(bench, "first", claim_for=60.0)
    now = await now_of(case)
    tasks = list(list_queue(face, OPS, await boards(face, case), now=now).waiting)
    await claim_next(face, OPS, tasks, exposure="", now=now)
    seen = await boards(face, case)
    assert [one.at.ask["step"] for one in list_queue(face, OPS, seen, now=now).mine] == ["first"]
    assert list_queue(face, OTHER, seen, now=now).waiting == ()
    later = now + timedelta(minutes=2)
    assert [one.at.ask["step"] for one in list_queue(face, OTHER, seen, now=later).waiting] == ["first"]
