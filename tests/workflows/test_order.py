"""Options stand before people in the order in which their author wrote them, though a plan travels sorted."""

from tests.workflows.bench import Bench
from tests.workflows.builder import decide, plan, slot


async def test_options_are_asked_in_the_order_written(bench: Bench) -> None:
    written = ["treat_as_valid", "refuse", "clarify"]
    step = decide("which", {name: {} for name in written}, slot("legal_counsel"), order=written)
    case = await bench.start(plan(("one", [step])))
    ask = await case.ask("one/which")
    assert list(ask["options"]) == written
    await case.decide("one/which", "refuse", "counsel-1", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
