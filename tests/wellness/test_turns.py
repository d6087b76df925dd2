"""The task to take next: the most urgent one, without what is for others now; who had least of it goes first."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.identity.rotas_text import rotas_of
from tests.workflows.bench import Bench, Case
from tests.workflows.builder import plan, task
from watchfloor.cli.turns import turn_as_json, turn_lines
from watchfloor.client import Face, Refused
from watchfloor.client import turns as turns_module
from watchfloor.client.runs import RunSummary
from watchfloor.client.tasks import claim_task
from watchfloor.client.turns import find_turn
from watchfloor.identity.people import Directory, Person
from watchfloor.wellness import Wellness

Open = Callable[..., Awaitable[Case]]


@pytest.fixture
def opened(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Starts an incident that is on the list; the server that skips time keeps no index of its own."""
    runs: list[RunSummary] = []

    async def listed(_face: Face, *, limit: int = 100) -> list[RunSummary]:
        return runs[:limit]

    monkeypatch.setattr(turns_module, "list_incidents", listed)

    async def start(steps: list[Any], severity: str = "S2") -> Case:
        case = await bench.start({**plan(("one", steps)), "severity": severity})
        await case.ask(f"one/{steps[0]['id']}")
        at = datetime.now(UTC)
        runs.append(RunSummary(case.handle.id, "us", "p", severity, "one", "open", "running", (), None, at, None))
        return case

    return start


async def now_of(case: Case, path: str) -> datetime:
    return datetime.fromisoformat((await case.ask(path))["asked_at"]).astimezone(UTC)


def words(turn: Any, now: datetime, *, why: bool = False) -> str:
    return "\n".join(line for line, _ in turn_lines(turn, now, why))


async def test_the_most_urgent_comes_first_then_the_nearest_deadline(bench: Bench, face: Face, opened: Open) -> None:
    calm = await opened([task("calm", {}, within=300.0)], "S3")
    late = await opened([task("late", {}, within=5000.0)], "S1")
    soon = await opened([task("soon", {}, within=900.0)], "S1")
    await opened([task("theirs", {}, "legal_counsel", within=60.0)], "S1")
    now = await now_of(soon, "one/soon")
    turn = await find_turn(face, "ops-1", now=now)
    assert [one.step for one in turn.tasks] == ["soon", "late", "calm"]
    assert turn.left_out == ()
    assert "due first" in words(turn, now, why=True)
    await claim_task(face, soon.handle.id, "soon", person="ops-1", now=now)
    mine, other = await find_turn(face, "ops-1", now=now), await find_turn(face, "ops-2", now=now)
    assert [one.step for one in mine.tasks] == [one.step for one in other.tasks] == ["late", "calm"]
    assert mine.claimed == (f"{soon.handle.id} one/soon",)
    assert other.claimed == ()
    for case, path in ((calm, "one/calm"), (late, "one/late"), (soon, "one/soon")):
        await case.decide(path, "done", "ops-1", "ops_lead")


async def test_what_somebody_does_not_take_is_left_to_others_and_why_is_said_only_when_asked(
    bench: Bench, face: Face, opened: Open
) -> None:
    assert face.wellness is not None
    case = await opened([task("look", {}, exposure="graphic")])
    now = await now_of(case, "one/look")
    turn = await find_turn(face, "ops-1", now=now)
    assert turn.tasks == ()
    assert "opted" not in words(turn, now)
    assert "1 task is left to others (graphic)" in words(turn, now)
    assert "opted in" in words(turn, now, why=True)
    assert "why" not in turn_as_json(turn, why=False)["left_to_others"][0]  # type: ignore[index]
    face.wellness.opt_in("ops-1", "graphic", now=now)
    turn = await find_turn(face, "ops-1", now=now)
    assert [(one.step, one.exposure) for one in turn.tasks] == [("look", "graphic")]
    assert words(turn, now).index("exposes to graphic") < words(turn, now).index("watchfloor claim")
    # a cap counts for the whole of the claim that they would make
    face.wellness.lower_cap("ops-1", "graphic", timedelta(minutes=9), by="ops-1", now=now)
    assert (await find_turn(face, "ops-1", now=now)).tasks == ()
    await case.decide("one/look", "done", "ops-2", "ops_lead")


async def test_whoever_had_least_of_it_is_proposed_first_and_the_other_may_take_it(
    bench: Bench, face: Face, opened: Open
) -> None:
    assert face.wellness is not None
    case = await opened([task("look", {}, exposure="graphic")])
    now = await now_of(case, "one/look")
    for person in ("ops-1", "ops-2"):
        face.wellness.opt_in(person, "graphic", now=now)
    began = now - timedelta(hours=2)
    face.wellness.begin("ops-1", "graphic", "before", began + timedelta(minutes=10), run="r", now=began)
    (second,) = (await find_turn(face, "ops-1", now=now)).tasks
    (first,) = (await find_turn(face, "ops-2", now=now)).tasks
    assert (second.first, first.first) == (False, True)
    assert "all the same" in second.why
    assert "ops-2" not in second.why
    assert "nobody had less of it" in first.why
    assert (await claim_task(face, case.handle.id, "look", person="ops-1", now=now)).recorded
    await case.decide("one/look", "done", "ops-1", "ops_lead")


async def test_between_two_shifts_it_is_left_to_others_while_there_are_others(
    bench: Bench, face: Face, opened: Open, tmp_path: Any
) -> None:
    assert face.wellness is not None
    case = await opened([task("look", {}, exposure="graphic")])
    now = await now_of(case, "one/look")
    begins = (now + timedelta(hours=3)).strftime("%H:00")
    ends = (now + timedelta(hours=8)).strftime("%H:00")
    layer = f"day: {{zone: UTC, days: every day, hours: {begins}-{ends}, people: [ops-1], start: 2026-01-01}}"
    rotas = rotas_of(tmp_path, layer)
    face = replace(face, wellness=Wellness(face.wellness.store.path, rotas=lambda: rotas))
    assert face.wellness is not None
    face.wellness.opt_in("ops-1", "graphic", now=now)
    alone = await find_turn(face, "ops-1", now=now)
    assert "nobody else takes it now" in alone.tasks[0].why
    face.wellness.opt_in("ops-2", "graphic", now=now)
    turn = await find_turn(face, "ops-1", now=now)
    assert turn.tasks == ()
    assert "next shift begins" in turn.left_out[0].why
    assert [one.step for one in (await find_turn(face, "ops-2", now=now)).tasks] == ["look"]
    sent = await claim_task(face, case.handle.id, "look", person="ops-1", now=now)
    assert "next shift begins" in sent.note
    await case.decide("one/look", "done", "ops-1", "ops_lead")


async def test_a_task_for_a_person_is_next_for_them_and_for_nobody_else(bench: Bench, face: Face, opened: Open) -> None:
    bench.people.add("ops-1")
    case = await opened([task("call", {}, person="ops-1")])
    now = await now_of(case, "one/call")
    (mine,) = (await find_turn(face, "ops-1", now=now)).tasks
    assert (mine.named, mine.why) == (True, "it is meant for you")
    assert (await find_turn(face, "ops-2", now=now)).tasks == ()
    await case.decide("one/call", "done", "ops-1", "ops_lead")


async def test_nothing_is_seen_of_what_a_person_may_not_see_and_a_run_that_does_not_answer_is_named(
    bench: Bench, face: Face, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await opened([task("call", {})])
    now = await now_of(case, "one/call")
    abroad = replace(face, people=Directory({"ops-9": Person("ops-9", ("ops_lead",), "example", "eu", ())}))
    assert (await find_turn(abroad, "ops-9", now=now)).tasks == ()
    with pytest.raises(Refused):
        await find_turn(face, "nobody", now=now)
    await case.decide("one/call", "done", "ops-1", "ops_lead")
    gone = RunSummary("inc-gone", "us", "p", "S2", "one", "open", "running", (), None, now, None)

    async def listed(_face: Face, *, limit: int = 100) -> list[RunSummary]:
        return [gone]

    monkeypatch.setattr(turns_module, "list_incidents", listed)
    turn = await find_turn(face, "ops-1", now=now)
    assert (turn.tasks, turn.silent) == ((), ("inc-gone",))
    assert "does not answer" in words(turn, now)
