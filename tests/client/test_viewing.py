"""Outside its compartment a run is not there; inside it is, and is decided only there."""

from dataclasses import replace
from typing import Any, cast

import pytest
from temporalio.worker import Worker

from schemas.plan import Plan
from tests.client.conftest import LIMITS, order
from watchfloor.cli.faces import Here
from watchfloor.client import Face, NotFound, Refused, send_control, send_decision, send_fact, start_incident
from watchfloor.client.viewing import may_view
from watchfloor.identity.people import Directory, Person
from watchfloor.signing import digest

INSIDE, OUTSIDE = "counsel-1", "counsel-2"
PEOPLE = Directory(
    {
        INSIDE: Person(INSIDE, ("legal_counsel", "incident_commander"), "example-ie", "eu", (), ("terror",)),
        OUTSIDE: Person(OUTSIDE, ("legal_counsel", "incident_commander"), "example-ie", "eu", (), ("csea", "le")),
    }
)


@pytest.fixture
def walled(face: Face) -> Face:
    return replace(face, people=PEOPLE)


async def start(face: Face, plan: Plan, compartment: str) -> str:
    given = cast(Plan, {**plan, "compartment": compartment})
    return (await start_incident(face, given, digest(cast(Any, given)), order(), relative=True, limits=LIMITS)).incident


async def test_outside_its_compartment_a_run_is_not_there(walled: Face, plan: Plan, worker: Worker) -> None:
    incident = await start(walled, plan, "terror")
    assert await may_view(walled, incident, INSIDE)
    assert not await may_view(walled, incident, OUTSIDE)
    assert not await may_view(walled, incident, "nobody-1")
    assert (await Here({"eu": walled}, {}, INSIDE).locate(incident))[1] == incident
    with pytest.raises(NotFound) as outside:
        await Here({"eu": walled}, {}, OUTSIDE).locate(incident)
    unknown = incident[:-4] + "aaaa"
    with pytest.raises(NotFound) as nowhere:
        await Here({"eu": walled}, {}, INSIDE).locate(unknown)
    assert str(outside.value).replace(incident, unknown) == str(nowhere.value), "nothing tells the two apart"
    assert (await Here({"eu": walled}, {}).locate(incident))[1] == incident


async def test_without_a_compartment_everybody_of_the_region_sees_it(walled: Face, plan: Plan, worker: Worker) -> None:
    incident = await start(walled, plan, "")
    assert await may_view(walled, incident, INSIDE)
    assert await may_view(walled, incident, OUTSIDE)


async def test_outside_its_compartment_nobody_decides_reports_or_steers(
    walled: Face, plan: Plan, worker: Worker
) -> None:
    incident = await start(walled, plan, "terror")
    with pytest.raises(Refused, match=r"wall.compartment"):
        await send_fact(walled, incident, "copies", 1, source="mailbox", person=OUTSIDE)
    with pytest.raises(Refused, match=r"wall.compartment"):
        await send_control(walled, incident, "pause", person=OUTSIDE, role="incident_commander", reason="r")
    for step in ("order_doubt", "guessed"):
        with pytest.raises(Refused, match=r"wall.compartment") as refused:
            await send_decision(walled, incident, step, "guessed", person=OUTSIDE, reason="r")
        assert "order_doubt" not in str(refused.value), "who is outside learns nothing of what waits"
        assert "clarify" not in str(refused.value)
    sent = await send_decision(walled, incident, "order_doubt", "clarify", person=INSIDE, reason="r")
    assert sent.recorded


async def test_development_sign_in_beyond_this_machine_sees_nothing(walled: Face, plan: Plan, worker: Worker) -> None:
    incident = await start(walled, plan, "")
    with pytest.raises(Refused, match="only against a stack on this machine"):
        await may_view(replace(walled, loopback=False), incident, INSIDE)
