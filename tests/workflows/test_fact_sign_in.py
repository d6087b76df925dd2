"""How somebody signed in who reports or corrects a fact: in the ledger as with decisions, judged as strictly."""

from typing import Any

import pytest

from schemas.ledger import EntryKind
from tests.workflows.bench import Bench, Case
from tests.workflows.builder import decide, fact, plan, slot

FACTS = {"seen": fact("ops_lead", "desk", revise={"by": ["ops_lead"], "reason": "required"})}
SPOKEN: dict[str, Any] = {"person": "ops-1", "role": "ops_lead"}


async def opened(bench: Bench) -> Case:
    stay = decide("stay", {"go": {"steps": []}}, slot("ops_lead"), within=86_400.0)
    return await bench.start(plan(("one", [stay]), facts=FACTS))


def recorded(bench: Bench) -> list[dict[str, Any]]:
    return [entry["data"] for entry in bench.entries if entry["kind"] == EntryKind.FACT]


async def test_it_stands_with_the_fact_and_with_each_revision_and_from_before_nothing_stands(bench: Bench) -> None:
    case = await opened(bench)
    now = await bench.now()
    await case.state_fact("seen", now, "desk")
    await case.state_fact("seen", now, "ops_lead", **SPOKEN, reason_ref="r1", signed_in="oidc", amr=["pwd", "otp"])
    await case.state_fact("seen", now, "ops_lead", **SPOKEN, reason_ref="r2", signed_in="dev")
    await case.state_fact("seen", now, "ops_lead", **SPOKEN, reason_ref="r3")
    await case.decide("one/stay", "go", "ops-1", "ops_lead")
    await case.outcome()
    found = [{name: data[name] for name in ("signed_in", "amr") if name in data} for data in recorded(bench)]
    assert found == [{}, {"signed_in": "oidc", "amr": ["pwd", "otp"]}, {"signed_in": "dev"}, {}]


@pytest.mark.parametrize(
    "said",
    [
        {**SPOKEN, "signed_in": "retina"},
        {**SPOKEN, "signed_in": ["oidc"]},
        {**SPOKEN, "signed_in": None},
        {**SPOKEN, "amr": ["pwd"]},
        {**SPOKEN, "signed_in": "oidc", "amr": "pwd"},
        {**SPOKEN, "signed_in": "oidc", "amr": ["x" * 600]},
        {**SPOKEN, "signed_in": "webauthn", "step_up": {"over": "x"}},
        {"signed_in": "oidc"},
        {"amr": []},
    ],
)
async def test_what_is_no_sign_in_is_refused_and_records_nothing(bench: Bench, said: dict[str, Any]) -> None:
    case = await opened(bench)
    source = "ops_lead" if "person" in said else "desk"
    statement = await case.fact_statement("seen", await bench.now(), source, **said)
    assert await case.refused("fact", statement) == "bad_value"
    assert "seen" not in (await case.board())["facts"]
    await case.decide("one/stay", "go", "ops-1", "ops_lead")
    await case.outcome()
    assert recorded(bench) == []
