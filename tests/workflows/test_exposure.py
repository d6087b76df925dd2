"""What a person will be exposed to is said before, signed for, and kept in the ledger."""

from schemas.ledger import EntryKind
from tests.workflows.bench import Bench
from tests.workflows.builder import plan, task
from watchfloor.signing import ask_digest


async def test_the_exposure_of_a_task_is_shown_bound_and_recorded(bench: Bench) -> None:
    case = await bench.start(plan(("one", [task("look", {}, exposure="graphic")])))
    ask = await case.ask("one/look")
    assert ask["exposure"] == "graphic"
    place = {"region": "eu", "namespace": "default", "incident": "inc-a", "plan": "x"}
    assert ask_digest(ask, **place) != ask_digest({**ask, "exposure": "text"}, **place)
    await case.decide("one/look", "done", "ops-1", "ops_lead")
    await case.outcome()
    asked = [entry for entry in bench.entries if entry["kind"] == EntryKind.ASKED and entry["step"] == "look"]
    assert [entry["data"]["exposure"] for entry in asked] == ["graphic"]
