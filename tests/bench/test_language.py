"""The measurements of the language do what they say; what they find is judged by who reads them, not here."""

import pytest

from bench.language import EXPRESSIONS, STEPS, cold_variant, forty_steps, measure_language, measure_memory
from bench.scenarios import measure_scenarios


async def test_text_to_plan_is_set_against_bare_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    found = await measure_language(rounds=3)
    assert found["ratio"] > 1
    assert f"{STEPS + 3} steps" in capsys.readouterr().out
    assert EXPRESSIONS <= 32


def test_a_variant_is_another_runbook_of_the_same_size() -> None:
    one, other = cold_variant(forty_steps(), 1), cold_variant(forty_steps(), 2)
    assert one != other
    assert len(one) == len(other)


async def test_memory_is_flat_once_the_cache_of_expressions_is_full() -> None:
    found = await measure_memory(count=80)
    assert found["growth"] < 5


async def test_the_scenarios_of_the_measurement_come_true(capsys: pytest.CaptureFixture[str]) -> None:
    found = await measure_scenarios(count=4)
    assert 30 <= found["activities"] <= 60
    assert "slowest" in capsys.readouterr().out
