"""The guide to scenarios names every key there is, and its example is one."""

from pathlib import Path

import pytest

from activities.catalog import CATALOG
from watchfloor.scenarios import parse_scenarios
from watchfloor.scenarios.document import KEYS
from watchfloor.scenarios.model import FAILURES

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "scenarios.md").read_text()


@pytest.mark.parametrize("key", sorted({*KEYS, *FAILURES}))
def test_every_key_stands_in_the_guide(key: str) -> None:
    assert f"`{key}`" in GUIDE or f"{key}:" in GUIDE


def test_the_example_of_the_guide_is_understood() -> None:
    example = GUIDE.split("```yaml\n", 1)[1].split("```", 1)[0]
    scenarios, findings = parse_scenarios(example.encode(), path="guide.yaml", catalog=CATALOG)
    assert findings == []
    assert len(scenarios) == 1
