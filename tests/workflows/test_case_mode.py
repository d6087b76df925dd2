"""A case is spared the review, never evidence, clocks and approvals; declared an incident, it is reviewed."""

from typing import Any

import pytest

from tests.workflows.bench import Bench
from tests.workflows.builder import action, approval, clock, decide, fact, plan, postmortem, slot


def steps() -> list[Any]:
    gate = approval(slot("legal_counsel"))
    return [
        action("snapshot", "evidence.snapshot", {"url": "${{ inputs.urls[0] }}"}),
        action("remove", "content.delete", {"url": "${{ inputs.urls[0] }}"}, approval=gate),
        decide("stay", {"go": {"steps": []}}, slot("ops_lead")),
        postmortem("review"),
        action("after", cond="steps.review.ok"),
    ]


@pytest.mark.parametrize("declared", [False, True])
async def test_only_an_incident_is_reviewed_but_a_case_keeps_every_other_rule(bench: Bench, declared: bool) -> None:
    given = plan(
        ("main", steps()),
        mode="case",
        severity="S3",
        clocks=[clock("due", "facts.came", on_close="records_custodian")],
        facts={"came": fact("desk")},
    )
    case = await bench.start(given)
    await case.state_fact("came", await bench.now(), "desk")
    await case.decide("main/remove", "approve", "lena", "legal_counsel")
    await case.ask("main/stay")
    assert bench.done() == ["main/snapshot", "main/remove"]
    assert bench.calls[1]["grant"]["decisions"][0]["body"]["person"] == "lena"
    if declared:
        await case.control("declare_incident", role="data_analyst")
    await case.decide("main/stay", "go", "olga", "ops_lead")
    result = await case.outcome(skipping=False)
    assert (result["outcome"], result["clocks"][0]["state"]) == ("closed", "assigned")
    assert bench.done()[-1] == "main/after"
    reviews = [child for child in (await case.board())["children"] if child["kind"] == "postmortem"]
    assert len(reviews) == int(declared)
    assert bench.kinds().count("review.started") == int(declared)
    skipped = [entry["path"] for entry in bench.entries if entry["kind"] == "step.skipped"]
    assert skipped == ([] if declared else ["main/review"])
