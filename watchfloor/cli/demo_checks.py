"""What the demo must show, looked at for real: the board, the sandbox's journal, the other region, the files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.ledger import EntryKind
from watchfloor.cli.demo_platform import Sandbox
from watchfloor.cli.demo_script import Script
from watchfloor.cli.instants import span
from watchfloor.cli.reviews import find_review
from watchfloor.cli.stores import RegionStore
from watchfloor.cli.verification import verify
from watchfloor.cli.views import incoming_id
from watchfloor.client.asks import Family
from watchfloor.client.errors import ClientError
from watchfloor.signing import parse_instant

CLOCK = "removal"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the result table."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the checks look at."""

    home: Path
    region: str
    script: Script
    urls: list[str]
    found: Family
    sandbox: Sandbox
    journal_from: int
    stores: dict[str, RegionStore]


async def run_checks(evidence: Evidence) -> list[Check]:
    """Every check, each by itself: one that cannot be made has failed, and says why."""
    checks: list[Check] = []
    for name, look in _CHECKS.items():
        try:
            passed, found = await look(evidence)
        except (ClientError, OSError, LookupError, ValueError) as error:
            passed, found = False, f"could not be looked at: {type(error).__name__}: {error}"
        checks.append(Check(name, passed, found))
    return checks


async def _closed(evidence: Evidence) -> tuple[bool, str]:
    board = evidence.found.board
    return board["state"] == "closed" and board["outcome"] == "closed", f"{board['state']}, outcome {board['outcome']}"


async def _clock_met(evidence: Evidence) -> tuple[bool, str]:
    clock = next(each for each in evidence.found.board["clocks"] if each["name"] == CLOCK)
    if clock["stopped_at"] is None or clock["due_at"] is None:
        return False, f"clock {CLOCK} is {clock['state']}"
    margin = (parse_instant(clock["due_at"]) - parse_instant(clock["stopped_at"])).total_seconds()
    return clock["state"] == "met" and margin > 0, f"{clock['state']} with {span(abs(margin))} to spare"


async def _disabled_once(evidence: Evidence) -> tuple[bool, str]:
    disabled = await evidence.sandbox.disabled(evidence.urls, evidence.journal_from)
    total = len(evidence.urls)
    found = f"{disabled.once} of {total} once each" + (f", TWICE: {disabled.twice}" if disabled.twice else "")
    return disabled.once == total and not disabled.twice, f"{found} (sandbox journal)"


async def _faults_overcome(evidence: Evidence) -> tuple[bool, str]:
    disabled = await evidence.sandbox.disabled(evidence.urls, evidence.journal_from)
    wanted = {fault.url: fault.times for fault in evidence.script.platform.faults}
    found = ", ".join(f"{url} refused {count}×" for url, count in disabled.refused.items()) or "no call was refused"
    return dict(disabled.refused) == wanted, f"{found}, then disabled"


async def _hold_active(evidence: Evidence) -> tuple[bool, str]:
    holds = [board for board in evidence.found.children.values() if board["kind"] == "hold"]
    if len(holds) != 1:
        return False, f"{len(holds)} holds"
    refused = await evidence.sandbox.frozen(holds[0]["workflow"])
    found = ", ".join(f"{source} {'refuses deletion' if held else 'DELETES'}" for source, held in refused.items())
    return holds[0]["state"] == "open" and len(refused) > 1 and all(refused.values()), f"open; {found or 'no source'}"


async def _handoff_accepted(evidence: Evidence) -> tuple[bool, str]:
    handoffs = [report for report in evidence.found.board["children"] if report["kind"] == "handoff"]
    if len(handoffs) != 1:
        return False, f"{len(handoffs)} handoffs"
    there = next(name for name in evidence.stores if name != evidence.region)
    with evidence.stores[there].ledger() as ledger:
        accepted = [
            entry for entry in ledger.read(incoming_id(handoffs[0]["workflow"])) if entry["kind"] == EntryKind.ACCEPTED
        ]
    return handoffs[0]["state"] == "accepted" and len(accepted) == 1, (
        f"{handoffs[0]['state']} here; {len(accepted)} acceptance in the ledger of {there}"
    )


async def _review_written(evidence: Evidence) -> tuple[bool, str]:
    review = find_review(evidence.home, evidence.region, evidence.found.board["workflow"])
    text = review.markdown.read_text(encoding="utf-8")
    written = len(text.split()) > 100 and review.html.is_file()
    return written, f"{len(text.split())} words, {review.markdown.name} and {review.html.name}"


async def _ledger_holds(evidence: Evidence) -> tuple[bool, str]:
    reports = verify(evidence.home, None, None, [], None)
    entries = sum(chain.entries for _name, report in reports for chain in report.chains)
    found = ", ".join(f"{name} {report.verdict}" for name, report in reports)
    return all(report.ok for _name, report in reports) and entries > 0, f"{found} ({entries} entries)"


_CHECKS: dict[str, Callable[[Evidence], Awaitable[tuple[bool, str]]]] = {
    "incident closed": _closed,
    f"{CLOCK} clock met": _clock_met,
    "every item disabled once": _disabled_once,
    "failing item overcome": _faults_overcome,
    "legal hold active": _hold_active,
    "handoff accepted": _handoff_accepted,
    "review written": _review_written,
    "ledgers verify": _ledger_holds,
}
