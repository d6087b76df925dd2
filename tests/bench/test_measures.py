"""What the README says about the price of a step is counted, not believed."""

import pytest

from bench.measures import measure_events


async def test_a_plain_step_costs_six_events_as_if_written_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    found = await measure_events(few=3, many=13)
    assert found == {"interpreter": 6.0, "written by hand": 6.0}
    assert "together" in capsys.readouterr().out
