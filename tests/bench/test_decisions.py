"""The measurement of decisions measures something on both sides."""

import sys

import pytest

import bench.__main__ as bench
from bench.decisions import BOUND, RATIO, judge_ratio, measure_decisions


async def test_both_sides_start_what_they_gate_after_the_decision() -> None:
    found = await measure_decisions(2)
    assert all(value > 0 for value in found.values())
    assert "ratio, from the acceptance" in found


@pytest.mark.parametrize(("ratio", "code"), [(BOUND, 0), (BOUND + 0.01, 1), (0.9, 0)])
def test_a_missed_bound_ends_the_measurement_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ratio: float, code: int
) -> None:
    async def measured() -> dict[str, float]:
        return {RATIO: ratio}

    monkeypatch.setitem(bench.MEASURES, "decisions", (measured, ""))
    monkeypatch.setattr(sys, "argv", ["bench", "decisions"])
    assert bench.main() == code
    assert bool(judge_ratio({RATIO: ratio})) == bool(code)
    assert ("missed: decisions" in capsys.readouterr().err) == bool(code)
