"""How somebody signed in who steers a run: in the ledger wherever the statement says it, as of decisions."""

from typing import Any

import pytest

from schemas.ledger import EntryKind
from tests.workflows.bench import Bench, Case
from tests.workflows.builder import decide, plan, slot

PROVED: dict[str, Any] = {"signed_in": "oidc", "amr": ["pwd", "otp"]}
KINDS = {
    "offer_command": EntryKind.COMMAND_OFFERED,
    "pause": EntryKind.PAUSED,
    "resume": EntryKind.RESUMED,
    "raise_severity": EntryKind.SEVERITY,
    "propose_severity": EntryKind.PROPOSED,
    "recuse": EntryKind.RECUSED,
}


async def opened(bench: Bench) -> Case:
    stay = decide("stay", {"go": {"steps": []}}, slot("ops_lead"), within=86_400.0)
    return await bench.start(plan(("one", [stay])))


def said(bench: Bench, kind: str) -> dict[str, Any]:
    data = next(entry["data"] for entry in bench.entries if entry["kind"] == kind and entry["data"].get("statement"))
    return {name: data[name] for name in ("signed_in", "amr") if name in data}


async def steer(case: Case, **more: Any) -> None:
    await case.control("offer_command", person="rita", about={"fence": 1, "to": "carl", "within": 1800}, **more)
    await case.control("pause", **more)
    await case.control("resume", **more)
    await case.control("raise_severity", about={"level": "S0"}, **more)
    await case.control("propose_severity", about={"level": "S4"}, **more)
    await case.control("recuse", about={"person": "dora"}, role="legal_counsel", **more)


@pytest.mark.parametrize("more", [PROVED, {}], ids=["proved", "development"])
async def test_every_entry_about_a_statement_says_what_the_statement_says(bench: Bench, more: dict[str, Any]) -> None:
    case = await opened(bench)
    await steer(case, **more)
    await case.decide("one/stay", "go", "ops-1", "ops_lead")
    await case.control("abort", **more)
    await case.outcome()
    assert {verb: said(bench, kind) for verb, kind in KINDS.items()} == dict.fromkeys(KINDS, more)
    assert said(bench, EntryKind.ABORTED) == more


@pytest.mark.parametrize(
    "claimed",
    [
        {"signed_in": "retina"},
        {"signed_in": ["oidc"]},
        {"signed_in": None},
        {"amr": ["pwd"]},
        {"signed_in": "oidc", "amr": "pwd"},
        {"signed_in": "oidc", "amr": ["x" * 600]},
    ],
)
async def test_what_is_no_sign_in_is_refused_and_steers_nothing(bench: Bench, claimed: dict[str, Any]) -> None:
    case = await opened(bench)
    assert await case.refused("control", await case.control_statement("pause", **claimed)) == "bad_value"
    assert (await case.board())["paused"] is None
    await case.decide("one/stay", "go", "ops-1", "ops_lead")
    await case.outcome()
