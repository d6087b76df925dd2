"""The drafting activity: reads the ledger, writes whole files, drafts once however often it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.dependencies import Dependencies
from activities.postmortem import BAD_CHAIN, MARKDOWN, NOT_CLOSED, PAGE, TIMELINE, build
from schemas.actions import ErrorType
from schemas.ledger import Entry, StoredEntry
from schemas.postmortem import DraftCall, DraftReceipt
from tests.postmortem.conftest import INCIDENT, REVIEW
from watchfloor.evidence.store import EvidenceStore
from watchfloor.ledger import LedgerUnavailable, SqliteLedger

FIELDS = tuple(Entry.__annotations__)


@dataclass
class Desk:
    """One region's stores and the activity over them."""

    path: Path
    ledger: SqliteLedger
    evidence: EvidenceStore
    activity: Callable[[DraftCall], Any]

    def keep(self, *chains: list[StoredEntry]) -> None:
        for chain in chains:
            self.ledger.append([cast(Entry, {name: entry[name] for name in FIELDS}) for entry in chain])  # type: ignore[literal-required]

    async def draft(self, call: DraftCall) -> DraftReceipt:
        return cast(DraftReceipt, await ActivityEnvironment().run(self.activity, call))

    def read(self, file: str) -> str:
        return (self.path / "postmortems" / INCIDENT / file).read_text()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    ledger, evidence = SqliteLedger(tmp_path / "ledger.sqlite"), EvidenceStore(tmp_path / "evidence")
    deps = Dependencies(
        region="eu",
        namespace="eu",
        keys=cast(Any, None),
        decision_keys={},
        ledger=ledger,
        evidence=evidence,
        bindings=cast(Any, None),
        notifier=cast(Any, None),
        http=cast(Any, None),
        postmortem_path=tmp_path / "postmortems",
        clock=lambda: datetime(2026, 11, 22, 3, 30, tzinfo=UTC),
    )
    (activity,) = build(deps)
    return Desk(tmp_path, ledger, evidence, activity)


async def test_the_draft_lies_in_its_folder_and_in_the_evidence_store(
    desk: Desk, order: list[StoredEntry], chains: list[list[StoredEntry]], call: DraftCall
) -> None:
    desk.keep(order, *chains)
    receipt = await desk.draft(call)
    assert receipt["folder"] == f"postmortems/{INCIDENT}"
    assert receipt["entries"] == len(order)
    for file, ref in ((MARKDOWN, receipt["markdown"]), (PAGE, receipt["html"]), (TIMELINE, receipt["timeline"])):
        assert desk.evidence.get(ref).decode() == desk.read(file)
    assert ", A#1]" in desk.read(MARKDOWN), "what became of the hold is told from the hold's own chain"
    assert receipt["metrics"]["clocks_met"] == 1
    entry = desk.ledger.find(f"{REVIEW}:drafted")
    assert entry is not None
    assert (entry["chain"], entry["kind"]) == (REVIEW, "review.drafted")
    assert entry["data"]["html"] == receipt["html"]


async def test_drafting_twice_gives_one_entry_and_the_first_draft(
    desk: Desk, order: list[StoredEntry], chains: list[list[StoredEntry]], call: DraftCall
) -> None:
    desk.keep(order)
    first = await desk.draft(call)
    page = desk.read(PAGE)
    (desk.path / "postmortems" / INCIDENT / PAGE).write_text("half a page")
    desk.keep(*chains)
    assert await desk.draft(call) == first
    assert desk.read(PAGE) == page
    assert [entry["kind"] for entry in desk.ledger.read(REVIEW)] == ["review.drafted"]


async def test_no_half_written_file_stays_behind(desk: Desk, order: list[StoredEntry], call: DraftCall) -> None:
    desk.keep(order)
    await desk.draft(call)
    files = sorted(path.name for path in (desk.path / "postmortems" / INCIDENT).iterdir())
    assert files == sorted([PAGE, MARKDOWN, TIMELINE])


async def refusal(desk: Desk, call: DraftCall) -> ApplicationError:
    with pytest.raises(ApplicationError) as found:
        await desk.draft(call)
    assert not (desk.path / "postmortems" / INCIDENT / PAGE).exists()
    return found.value


async def test_an_incident_that_the_ledger_shows_open_is_not_reviewed(
    desk: Desk, order: list[StoredEntry], call: DraftCall
) -> None:
    desk.keep(order[:-1])
    error = await refusal(desk, call)
    assert (error.type, error.non_retryable) == (NOT_CLOSED, True)


async def test_another_region_s_review_is_refused(desk: Desk, order: list[StoredEntry], call: DraftCall) -> None:
    desk.keep(order)
    call["region"] = "us"
    assert (await refusal(desk, call)).type == ErrorType.REFUSED


@pytest.mark.parametrize("name", ["../outside", "inc/..", "", "INC-1", "."])
@pytest.mark.parametrize("field", ["incident", "postmortem"])
async def test_a_folder_cannot_be_named_into_another_place(desk: Desk, call: DraftCall, field: str, name: str) -> None:
    call[field] = name  # type: ignore[literal-required]
    assert (await refusal(desk, call)).type == ErrorType.BAD_INPUT


async def test_a_chain_that_is_not_whole_is_not_told_from(
    desk: Desk, order: list[StoredEntry], call: DraftCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.ledger, "read", lambda chain: iter(order[3:]))
    error = await refusal(desk, call)
    assert (error.type, error.non_retryable) == (BAD_CHAIN, True)


async def test_a_ledger_that_cannot_be_read_is_tried_again(
    desk: Desk, call: DraftCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(chain: str) -> None:
        raise LedgerUnavailable("locked")

    monkeypatch.setattr(desk.ledger, "read", fail)
    error = await refusal(desk, call)
    assert (error.type, error.non_retryable) == (ErrorType.LEDGER, False)


async def test_a_clock_that_the_run_tells_otherwise_than_the_ledger_is_named(
    desk: Desk, order: list[StoredEntry], call: DraftCall
) -> None:
    desk.keep(order)
    told = {"started_at": None, "due_at": None, "stopped_at": None, "warned": [], "restarts": 0, "assigned_to": None}
    call["clocks"] = cast(
        Any, [{"name": "removal", "state": "breached", **told}, {"name": "preserve", "state": "assigned", **told}]
    )
    assert (await desk.draft(call))["metrics"]["clocks_disputed"] == ["removal"]
