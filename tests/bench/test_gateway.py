"""The load bench in small: what it counts is judged here, its times are not."""

import sys

import pytest

import bench.__main__ as bench
from bench.gateway import DOUBLED, LOST, OTHERS, judge_counts, measure_gateway


@pytest.mark.timeout(400)
async def test_of_a_burst_none_is_lost_and_none_doubled(capsys: pytest.CaptureFixture[str]) -> None:
    found = await measure_gateway(incidents=10, browsers=5, triggers=50, looks=5, events=2)
    assert (found[LOST], found[DOUBLED], found[OTHERS]) == (0, 0, 0)
    assert found["screens that never showed it"] == 0
    said = capsys.readouterr().out
    assert "50 triggers at once of 20 senders, 5 of them twice" in said


@pytest.mark.parametrize(("name", "code"), [("", 0), (LOST, 1), (DOUBLED, 1), (OTHERS, 1)])
def test_what_is_lost_or_doubled_ends_the_measurement_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    counted = {LOST: 0.0, DOUBLED: 0.0, OTHERS: 0.0, "acknowledged p95": 99.0, **({name: 2.0} if name else {})}

    async def measured() -> dict[str, float]:
        return counted

    monkeypatch.setitem(bench.MEASURES, "gateway", (measured, ""))
    monkeypatch.setattr(sys, "argv", ["bench", "gateway"])
    assert bench.main() == code
    assert bool(judge_counts(counted)) == bool(code)
    assert ("missed: gateway" in capsys.readouterr().err) == bool(code)
