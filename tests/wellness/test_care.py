"""After a panic or an S0: rest, what is owed, and who is told of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from schemas.ledger import EntryKind
from tests.wellness.test_face import refusal, started
from tests.workflows.bench import Bench, Case
from watchfloor.client import Face
from watchfloor.client.relief import read_who, relieve, write_who
from watchfloor.client.sign_in import SignIn
from watchfloor.client.tasks import claim_task
from watchfloor.connections.port import Notice
from watchfloor.gateway.looking_in import look_in
from watchfloor.identity.people import Directory
from watchfloor.wellness import Wellness

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)


class Channel:
    """Takes every notice."""

    def __init__(self) -> None:
        self.took: list[Notice] = []

    async def deliver(self, name: str, notice: Notice) -> datetime:
        self.took.append(notice)
        return notice.at


@pytest.fixture
def desk(tmp_path: Path) -> Wellness:
    made = Wellness(tmp_path / "hr" / "wellness.sqlite")
    made.opt_in("ops-1", "graphic", now=NOW)
    return made


def may(desk: Wellness, now: datetime, *, run: str = "r") -> str:
    return desk.begin("ops-1", "graphic", f"t {now} {run}", now + HALF, run=run, now=now).code


def test_a_panic_ends_exposure_gives_rest_and_owes_a_call_and_check_ins_once(desk: Wellness) -> None:
    assert may(desk, NOW) == ""
    for minutes in (5, 6):
        desk.care.panic("ops-1", now=NOW + timedelta(minutes=minutes))
    assert next(one.minutes for one in desk.figures("ops-1", now=NOW + HALF) if one.items) == 5.0
    assert may(desk, NOW + timedelta(minutes=65)) == "resting"
    assert may(desk, NOW + timedelta(minutes=66)) == ""
    owed = [one for one in desk.care.open_ones("ops-1") if one.kind != "check_in"]
    assert [(one.kind, one.due_at - NOW) for one in owed] == [
        ("reassign", timedelta(minutes=5)),
        ("call", timedelta(minutes=35)),
    ]
    spans = [one.due_at - NOW for one in desk.care.open_ones("ops-1") if one.kind == "check_in"]
    assert [span.days for span in spans] == [1, 7, 30]


def test_after_an_s0_a_person_rests_from_other_incidents_and_may_finish_that_one(desk: Wellness) -> None:
    desk.care.after_s0("ops-1", "this", now=NOW)
    assert may(desk, NOW, run="other") == "resting"
    assert may(desk, NOW, run="this") == ""
    assert may(desk, NOW + timedelta(minutes=60), run="other") == ""
    desk.care.after_s0("ops-1", "this", now=NOW + HALF)
    assert len(desk.care.open_ones("ops-1")) == 3


def test_finishing_an_s0_does_not_end_the_rest_after_a_panic(desk: Wellness) -> None:
    desk.care.panic("ops-1", now=NOW)
    desk.care.after_s0("ops-1", "this", now=NOW + timedelta(minutes=1))
    assert may(desk, NOW + timedelta(minutes=2), run="this") == "resting"


def test_who_opts_out_of_check_ins_is_still_called_after_a_panic(desk: Wellness) -> None:
    desk.care.after_s0("ops-1", "this", now=NOW)
    desk.care.opt_out("ops-1", now=NOW)
    assert desk.care.open_ones() == []
    desk.care.panic("ops-1", now=NOW)
    assert [one.kind for one in desk.care.open_ones()] == ["reassign", "call"]
    desk.care.opt_in("ops-1")
    desk.care.after_s0("ops-1", "next", now=NOW)
    assert [one.kind for one in desk.care.open_ones()].count("check_in") == 3


def test_what_is_owed_is_done_once(desk: Wellness) -> None:
    desk.care.after_s0("ops-1", "this", now=NOW)
    first = desk.care.open_ones()[0]
    assert desk.care.done(first.id, by="wanda", now=NOW)
    assert not desk.care.done(first.id, by="wanda", now=NOW)
    assert first.id not in [one.id for one in desk.care.open_ones()]


def with_contacts(face: Face) -> Face:
    people = {one.id: replace(one, contacts=("pager",)) for one in face.people}
    return replace(face, people=Directory(people))


async def claimed(bench: Bench, face: Face, monkeypatch: pytest.MonkeyPatch) -> tuple[Case, str, datetime]:
    """A run whose exposing task `ops-1` has. The time-skipping server has no index, so the list of open incidents is
    given."""
    assert face.wellness is not None
    case, run, now = await started(bench)
    monkeypatch.setattr("watchfloor.client.relief.list_incidents", listing(run))
    face.wellness.opt_in("ops-1", "graphic", now=now)
    await claim_task(face, run, "look", person="ops-1", now=now)
    return case, run, now


async def test_a_panic_hands_everything_back_and_others_see_only_that_it_was_reassigned(
    bench: Bench, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, run, now = await claimed(bench, face, monkeypatch)
    assert face.wellness is not None
    face.wellness.care.panic("ops-1", now=now)
    assert await relieve(face, "ops-1", now=now) == (1, True)
    assert [one.kind for one in face.wellness.care.open_ones() if one.kind == "reassign"] == []
    assert "claim" not in await case.ask("one/look")
    assert (await refusal(claim_task(face, run, "look", person="ops-1", now=now))).type == "exposure"
    assert [(call["kind"], call["roles"]) for call in bench.notices] == [
        ("ask", ["ops_lead"]),
        ("reassigned", ["ops_lead"]),
    ]
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()
    assert bench.kinds().count(EntryKind.TASK_REASSIGNED) == 1
    told = json.dumps([*bench.entries, *bench.notices])
    assert not any(word in told for word in ("panic", "wellness", "rest_until", "resting"))


async def test_the_gateway_hands_back_what_a_face_could_not_and_pages_without_a_name(
    bench: Bench, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _, now = await claimed(bench, face, monkeypatch)
    assert face.wellness is not None
    face.wellness.care.panic("ops-1", now=now)
    channel: Any = Channel()
    sent = await look_in(with_contacts(face), channel, now=now)
    assert "claim" not in await case.ask("one/look")
    assert sent == 1  # the call, at once; check-ins when they are due
    assert await look_in(with_contacts(face), channel, now=now) == 0
    assert await look_in(with_contacts(face), channel, now=now + timedelta(days=8)) == 2
    assert {notice.about for notice in channel.took} == {"wellness"}
    assert not any("ops-1" in repr(notice) for notice in channel.took)
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()


async def test_where_nobody_signs_in_for_development_it_hands_back_with_the_sign_in_of_the_panic(
    bench: Bench, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away from loopback a statement under development sign-in is refused, and the task would stay where it is."""
    case, _, now = await claimed(bench, face, monkeypatch)
    assert face.wellness is not None
    face.wellness.care.panic("ops-1", now=now, way="oidc", methods=("pwd", "otp"))
    away = replace(with_contacts(face), loopback=False)
    await look_in(away, Channel(), now=now)  # type: ignore[arg-type]
    assert "claim" not in await case.ask("one/look")
    assert face.wellness.care.pressed_as("ops-1") == ("oidc", ("pwd", "otp"))
    assert face.wellness.care.pressed_as("ops-2") == ("dev", ())
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()


async def test_who_is_known_by_their_groups_alone_has_it_handed_back_as_who_they_were_when_they_pressed(
    bench: Bench, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `people: groups` no directory knows them; the roles of the sign-in in which they pressed count."""
    assert face.wellness is not None
    care = face.wellness.care
    case, run, now = await started(bench)
    monkeypatch.setattr("watchfloor.client.relief.list_incidents", listing(run))
    face.wellness.opt_in("ops-1", "graphic", now=now)
    await claim_task(face, run, "look", person="ops-1", now=now)
    me = face.people.find("ops-1")
    assert me is not None
    signed_in = SignIn("oidc", ("pwd",), me)
    away = replace(with_contacts(face), loopback=False, people=Directory({}))
    care.panic("ops-1", now=now, way="oidc", methods=("pwd",))
    with structlog.testing.capture_logs() as logs:
        said = set[str]()
        for _ in range(2):
            await look_in(away, Channel(), now=now, said=said)  # type: ignore[arg-type]
    assert "claim" in await case.ask("one/look"), "nobody can speak for them"
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert "nothing can be handed back" in line["event"]
    assert "ops-1" not in str(logs)
    care.panic("ops-1", now=now, way="oidc", methods=("pwd",), who=write_who(signed_in))
    await look_in(away, Channel(), now=now)  # type: ignore[arg-type]
    assert "claim" not in await case.ask("one/look")
    assert care.pressed_by("ops-1") is None, "it is not kept longer than it is needed"
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()


def test_what_was_kept_of_a_sign_in_counts_for_nobody_else_and_never_before_the_directory(face: Face) -> None:
    me = face.people.find("ops-1")
    assert me is not None
    kept = json.loads(json.dumps(write_who(SignIn("oidc", (), me))))
    nobody = replace(face, people=Directory({}))
    assert read_who(face, "ops-1", kept) is None, "the directory leads"
    assert read_who(nobody, "ops-1", kept) == replace(me, contacts=())
    assert read_who(nobody, "ops-2", kept) is None
    assert read_who(replace(nobody, region="zz"), "ops-1", kept) is None
    assert read_who(nobody, "ops-1", None) is None


def listing(run: str) -> Any:
    class Summary:
        incident = run
        closed_at = None

    async def list_incidents(face: Face, *, limit: int = 100) -> list[Any]:
        return [Summary()]

    return list_incidents
