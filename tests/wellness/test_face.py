"""The face asks before it lets anybody take what exposes them, counts what they took, and tells the run nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import plan, task
from watchfloor.client import Face, Refused, send_decision
from watchfloor.client.tasks import claim_task, hand_back_task


def look(**more: Any) -> Any:
    return plan(("one", [task("look", {}, exposure="graphic", **more)]))


async def started(bench: Bench, **more: Any) -> tuple[Case, str, datetime]:
    case = await bench.start(look(**more))
    ask = await case.ask("one/look")
    return case, case.handle.id, datetime.fromisoformat(ask["asked_at"]).astimezone(UTC)


def minutes(face: Face, person: str, now: datetime) -> float:
    assert face.wellness is not None
    return next(one.minutes for one in face.wellness.figures(person, now=now) if one.exposure == "graphic")


async def refusal(awaited: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        await awaited
    return refused.value


async def test_who_has_not_opted_in_cannot_claim_and_the_run_hears_nothing_of_it(bench: Bench, face: Face) -> None:
    case, run, now = await started(bench)
    refused = await refusal(claim_task(face, run, "look", person="ops-1", now=now))
    assert refused.type == "exposure"
    assert "opted in" in refused.message
    assert "claim" not in await case.ask("one/look")
    history = json.dumps((await case.handle.fetch_history()).to_json_dict())
    assert "opted" not in history
    await case.decide("one/look", "done", "ops-1", "ops_lead")
    await case.outcome()


async def test_an_exposure_counts_from_the_claim_to_the_report(bench: Bench, face: Face) -> None:
    assert face.wellness is not None
    case, run, now = await started(bench)
    face.wellness.opt_in("ops-1", "graphic", now=now)
    await claim_task(face, run, "look", person="ops-1", now=now)
    done = now + timedelta(minutes=1)
    sent = await send_decision(face, run, "look", "done", person="ops-1", reason="seen", now=done)
    assert sent.state == "complete"
    assert minutes(face, "ops-1", now + timedelta(hours=1)) == 1.0
    await case.outcome()


async def test_what_exposes_is_claimed_before_it_is_reported(bench: Bench, face: Face) -> None:
    assert face.wellness is not None
    case, run, now = await started(bench)
    face.wellness.opt_in("ops-1", "graphic", now=now)
    refused = await refusal(send_decision(face, run, "look", "done", person="ops-1", reason="seen", now=now))
    assert "claimed before it is done" in refused.message
    await claim_task(face, run, "look", person="ops-1", now=now)
    # the commander reports in the claimer's place and is exposed to nothing
    sent = await send_decision(face, run, "look", "done", person="carl", role="incident_commander", reason="x", now=now)
    assert sent.recorded
    assert minutes(face, "carl", now) == 0
    await case.outcome()


async def test_an_exposure_ends_when_the_task_is_handed_back(bench: Bench, face: Face) -> None:
    assert face.wellness is not None
    case, run, now = await started(bench)
    for person in ("ops-1", "ops-2"):
        face.wellness.opt_in(person, "graphic", now=now)
    await claim_task(face, run, "look", person="ops-1", now=now)
    refused = await refusal(claim_task(face, run, "look", person="ops-2", now=now))
    assert refused.type == "claimed"
    assert minutes(face, "ops-2", now + timedelta(hours=1)) == 0
    await bench.skip(120)
    await hand_back_task(face, run, "look", person="wanda", now=now + timedelta(minutes=2))
    assert minutes(face, "ops-1", now + timedelta(hours=1)) == 2.0
    await claim_task(face, run, "look", person="ops-2", now=now + timedelta(minutes=3))
    await case.decide("one/look", "done", "ops-2", "ops_lead")
    await case.outcome()


async def test_a_claim_that_goes_past_the_cap_is_refused_and_one_near_it_comes_with_a_warning(
    bench: Bench, face: Face
) -> None:
    assert face.wellness is not None
    case, run, now = await started(bench, within=20000.0, claim_for=1800.0)
    face.wellness.opt_in("ops-1", "graphic", now=now)
    face.wellness.lower_cap("ops-1", "graphic", timedelta(minutes=35), by="ops-1", now=now)
    sent = await claim_task(face, run, "look", person="ops-1", now=now)
    assert "86 %" in sent.note
    await bench.skip(600)
    refused = await refusal(claim_task(face, run, "look", person="ops-1", now=now + timedelta(minutes=10)))
    assert "your own cap" in refused.message
    await send_decision(face, run, "look", "done", person="ops-1", reason="seen", now=now + timedelta(minutes=11))
    assert minutes(face, "ops-1", now + timedelta(hours=1)) == 11.0
    await case.outcome()
