"""Runs that pin a root: which keys count, and that a key rotated in mid-incident does."""

from typing import Any

import pytest

from tests.workflows.bench import FACE, Bench, Case
from tests.workflows.builder import action, approval, plan, slot
from tests.workflows.certified import FIRST, ROOT, SECOND, UNCERTIFIED, certificate
from watchfloor.signing import Trust, refuse_grant

GATE = "containment/remove"


def gated():
    step = action("remove", "content.delete", approval=approval(slot("legal_counsel"), slot("exec_sponsor")))
    return plan(("containment", [step]))


async def certified(case: Case, key: Any, person: str, role: str, **changes: Any) -> dict[str, Any]:
    envelope = await case.statement(GATE, "approve", person, role, key=key)
    return {**envelope, "cert": certificate(key, case.start["namespace"], **changes)}


async def test_a_key_rotated_in_mid_incident_is_believed_by_the_run_and_at_the_effect(bench: Bench) -> None:
    case = await bench.start(gated(), decision_keys={}, root=ROOT.public)
    await case.send("decide", await certified(case, FIRST, "lena", "legal_counsel"))
    await case.send("decide", await certified(case, SECOND, "egon", "exec_sponsor"))
    assert (await case.outcome())["outcome"] == "closed"
    call = bench.calls[0]
    seen = {"action": call["action"], "key": call["key"], "inputs": call["inputs"], "region": "us"}
    trust = Trust("us", case.start["namespace"], root=ROOT.public)
    assert refuse_grant(call["grant"], **seen, incident=call["incident"], plan=call["plan"], keys=trust) is None
    since = call["grant"]["accepted_at"][1]
    revoked = Trust("us", case.start["namespace"], root=ROOT.public, revoked={SECOND.kid: since})
    refusal = refuse_grant(call["grant"], **seen, incident=call["incident"], plan=call["plan"], keys=revoked)
    assert refusal is not None
    assert refusal.type == "revoked"


@pytest.mark.parametrize(
    "changes",
    [
        {"root": UNCERTIFIED},
        {"region": "eu"},
        {"not_after": "2020-01-02T00:00:00Z"},
        {"not_before": "2998-01-01T00:00:00Z"},
        {"purpose": "packets"},
    ],
)
async def test_a_key_that_is_not_certified_for_this_place_and_time_is_refused(
    bench: Bench, changes: dict[str, Any]
) -> None:
    case = await bench.start(gated(), decision_keys={}, root=ROOT.public)
    assert await case.refused("decide", await certified(case, FIRST, "lena", "legal_counsel", **changes)) == (
        "bad_signature"
    )


async def test_where_a_root_is_pinned_no_key_counts_by_itself(bench: Bench) -> None:
    """Not even one that the start message names: the root is what the run believes."""
    case = await bench.start(gated(), root=ROOT.public)
    assert FACE.kid in case.start["decision_keys"]
    assert await case.refused_decision(GATE, "approve", "lena", "legal_counsel") == "bad_signature"


async def test_a_run_from_before_there_were_roots_goes_on_with_its_key(bench: Bench) -> None:
    """A face with a certificate sends it along; the run keeps nothing of it."""
    case = await bench.start(gated())
    envelope = await certified(case, FACE, "lena", "legal_counsel")
    await case.send("decide", {**envelope, "more": "x" * 1000})
    ask = await case.ask(GATE)
    assert set(ask["answers"][0]) == {"domain", "kid", "body", "sig"}


async def test_a_key_that_was_revoked_before_the_start_is_refused(bench: Bench) -> None:
    case = await bench.start(gated(), root=ROOT.public, revoked={FIRST.kid: "2020-01-01T00:00:00Z"})
    assert await case.refused("decide", await certified(case, FIRST, "lena", "legal_counsel")) == "revoked"
    await case.send("decide", await certified(case, SECOND, "lena", "legal_counsel"))
