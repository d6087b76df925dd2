"""What a run is told of other orders and incidents: believed from its region's face, dropped from anybody else."""

from typing import Any
from uuid import uuid4

from schemas.decision import FACT, MERGE
from tests.workflows.bench import FACE, STRANGER, Bench, Case
from tests.workflows.builder import decide, fact, plan, slot
from watchfloor.signing import sign


async def merge(case: Case, *, key: Any = FACE, domain: str = MERGE, **more: Any) -> dict[str, Any]:
    body = {
        "v": 1,
        "region": "us",
        "namespace": case.start["namespace"],
        "incident": case.start["incident"],
        "delivery": "inc-" + "a" * 20,
        "source": "portal",
        "received_at": await case.bench.now(),
        "known_at": "2020-01-01T00:00:00Z",
        "issued_at": await case.bench.now(),
        "nonce": uuid4().hex,
        **more,
    }
    return dict(sign(domain, body, key))


async def held(bench: Bench, **more: Any) -> Case:
    """A run that waits for a person, so that it stays open."""
    stay = decide("stay", {"go": {"steps": []}}, slot("ops_lead"), within=86400.0)
    return await bench.start(plan(("triage", [stay]), facts={"known": fact("trigger.known_at")}), **more)


async def let_go(*cases: Case) -> None:
    for case in cases:
        await case.decide("triage/stay", "go", "olga", "ops_lead")
        await case.outcome(skipping=False)


async def test_only_the_face_of_the_region_merges(bench: Bench) -> None:
    case = await held(bench)
    other = await held(bench)
    true = await merge(case)
    forged: list[Any] = [
        await merge(case, key=STRANGER),
        await merge(case, domain=FACT),
        await merge(other),
        {**true, "body": {**true["body"], "known_at": "2019-01-01T00:00:00Z"}},
        {**true, "sig": ""},
        await merge(case, known_at="2999-01-01T00:00:00Z"),
        await merge(case, known_at="yesterday"),
        await merge(case, source=7),
        None,
        [],
        "merge",
    ]
    for one in forged:
        await case.handle.signal("merge", one)
    await case.handle.signal("merge", true)
    await case.handle.signal("merge", true)
    board = await case.until(lambda one: one.get("merged"))
    assert [one["known_at"] for one in board["merged"]] == ["2020-01-01T00:00:00Z"]
    assert board["facts"]["known"]["value"] == "2020-01-01T00:00:00Z"
    await let_go(case, other)
    assert bench.kinds().count("incident.merged") == 1


async def test_a_link_is_taken_once_from_an_incident_and_from_nothing_else(bench: Bench) -> None:
    case = await held(bench)
    other = "inc-" + "b" * 20
    for said in (None, [], {"incident": "hold-" + "b" * 20, "by": "account"}, {"incident": other, "by": "<b>"}):
        await case.handle.signal("related", said)
    for _ in range(3):
        await case.handle.signal("related", {"incident": other, "by": "account"})
    await case.handle.signal("related", {"incident": case.handle.id, "by": "account"})
    board = await case.until(lambda one: one.get("related"))
    assert board["related"] == [{"incident": other, "by": "account"}]
    await let_go(case)


async def test_a_run_tells_the_others_of_its_link_also_one_that_starts_a_moment_later(bench: Bench) -> None:
    late = f"inc-{uuid4()}"
    first = await held(bench)
    second = await held(bench, links=[first.handle.id, late])
    await first.until(lambda one: one.get("related"))
    # the other's id is taken only now: it is told again
    digest_and_plan = {name: first.start[name] for name in ("plan", "plan_z")}
    start = {**first.start, **digest_and_plan, "incident": late}
    handle = await bench.client.start_workflow("Incident", start, id=late, task_queue=bench.queue)
    third = Case(bench, handle, start)
    await bench.skip(10)
    board = await third.until(lambda one: one.get("related"))
    assert board["related"] == [{"incident": second.handle.id, "by": "account"}]
    await let_go(first, second, third)
