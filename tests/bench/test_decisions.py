"""The measurement of decisions measures something on both sides."""

from bench.decisions import measure_decisions


async def test_both_sides_start_what_they_gate_after_the_decision() -> None:
    found = await measure_decisions(2)
    assert all(value > 0 for value in found.values())
    assert "ratio, from the acceptance" in found
