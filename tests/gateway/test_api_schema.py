"""The API does what its document says, whatever is sent: no answer that is not documented, none that says 5xx."""

import asyncio
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.gateway.apis import MANY, Api, api_over

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
STREAMS = ("/events", "/incidents/{incident}/events")
"""They have no end; their tests are in `test_api`."""
INCIDENT = "inc-abcdefghijklmnopqrst"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.slow)])
async def test_nothing_sent_gets_an_answer_that_is_not_documented(temporal: str, tmp_path: Path, examples: int) -> None:
    async with api_over(temporal, tmp_path, MANY) as api:
        api.put(INCIDENT)
        asked = await asyncio.to_thread(ask_everything, api, examples)
    assert asked > 100


def ask_everything(api: Api, examples: int) -> int:
    """Send what the document allows and what it does not; gives how many requests were judged."""
    schema = schemathesis.openapi.from_url(f"{api.url}/api/v1/openapi.json")
    headers = {"Authorization": f"Bearer {api.key(clearances=('terror', 'csea'))}"}
    asked = 0

    def judge(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        case.validate_response(case.call(headers=headers, timeout=30), checks=CHECKS)

    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.path in STREAMS:
            continue
        for mode in GenerationMode:
            settings(
                max_examples=examples,
                database=None,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(case=operation.as_strategy(mode))(judge))()
    return asked
