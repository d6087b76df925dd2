"""The demo's script is read strictly, its account rests on ledger entries, its checks can fail."""

from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import Entry
from tests.cli.boards import board, clock, view
from watchfloor.cli.demo_account import Account
from watchfloor.cli.demo_cast import read_back
from watchfloor.cli.demo_checks import Evidence, run_checks
from watchfloor.cli.demo_platform import Disabled
from watchfloor.cli.demo_script import read_script, script_folder
from watchfloor.cli.stores import RegionStore
from watchfloor.client.errors import InputsRefused
from watchfloor.client.inputs import validate_inputs
from watchfloor.client.library import find_runbook, plan_for_start
from watchfloor.client.orders import read_order_file
from watchfloor.identity.people import DEVELOPMENT_PEOPLE, load_people
from watchfloor.ledger import SqliteLedger

INCIDENT = "inc-abcdefghijklmnopqrst"


def entry(n: int, kind: str, path: str = "", **data: Any) -> Entry:
    return {
        "v": 1,
        "id": f"{INCIDENT}:{n}",
        "chain": INCIDENT,
        "kind": kind,
        "at": f"2026-11-22T03:10:{n:02d}Z",
        "actor": "engine",
        "step": path.rpartition("/")[2],
        "path": path,
        "data": data,
    }


def test_the_shipped_script_fits_the_shipped_runbook_order_and_people(now: Any) -> None:
    script = read_script(script_folder() / "people.yaml")
    assert find_runbook(script.runbook).is_file()
    plan, _ = plan_for_start(script.runbook)
    order = read_order_file(script_folder() / script.order, now=now)
    inputs = validate_inputs(plan["inputs"], order.inputs, now=now, relative=True)
    assert len(set(inputs["urls"])) == 40
    assert {fault.url for fault in script.platform.faults} < set(inputs["urls"])
    people = load_people(DEVELOPMENT_PEOPLE)
    for part in (*script.answers, *script.facts):
        assert part.role in people.person(part.person).roles
        assert people.person(part.person).region == part.region
    for fact in script.facts:
        assert fact.source in plan["facts"][fact.fact]["sources"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [("after: 4s", "after: soon", "answers.0.after"), ("choose: clarify", "pick: clarify", "answers.0.pick")],
)
def test_a_script_that_does_not_fit_is_refused_by_field(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = tmp_path / "people.yaml"
    path.write_text((script_folder() / "people.yaml").read_text().replace(old, new, 1))
    with pytest.raises(InputsRefused) as refused:
        read_script(path)
    assert any(problem.field.endswith(named) for problem in refused.value.problems)


def test_the_account_tells_each_entry_once_and_counts_the_items_of_a_loop(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
        account = Account({"eu": ledger}, items=20)
        ledger.append([entry(1, "incident.opened"), entry(2, "phase.entered", phase="triage")])
        first = account.news({"eu": {INCIDENT}})
        assert [line.text for line in first] == [f"incident opened: {INCIDENT}", "phase triage"]
        assert account.news({"eu": {INCIDENT}}) == []
        ledger.append(
            [entry(n + 3, "effect.done", f"c/remove[{n}]/disable", action="content.disable") for n in range(20)]
        )
        assert [line.text for line in account.news({"eu": {INCIDENT}})] == [
            "content.disable: 10 of 20 items",
            "content.disable: 20 of 20 items",
        ]


def test_the_account_tells_each_failure_and_what_became_of_it(tmp_path: Path) -> None:
    path = "c/remove[3]/disable"
    with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
        failed = {"action": "content.disable", "error": "unavailable", "status": 503}
        ledger.append(
            [
                entry(1, "effect.failed", path, **failed),
                entry(2, "effect.failed", path, **failed),
                entry(3, "effect.done", path, action="content.disable"),
            ]
        )
        told = [(line.tone, line.text) for line in Account({"eu": ledger}, items=20).news({"eu": {INCIDENT}})]
    assert told == [
        ("warn", f"content.disable failed (unavailable, status 503) at attempt 1, is tried again: {path}"),
        ("warn", f"content.disable failed (unavailable, status 503) at attempt 2, is tried again: {path}"),
        ("good", f"content.disable worked at attempt 3: {path}"),
    ]


def test_a_packet_is_read_back_from_the_board() -> None:
    offered = board(clocks=[clock(), clock("later", due_at="2026-11-23T00:00:00Z"), clock("met", state="met")])
    assert read_back(offered, "watch") == {
        "severity": "S1",
        "nearest_deadline": "2026-11-22T03:30:00Z",
        "next_action": "watch",
    }


class FakeSandbox:
    def __init__(self, disabled: Disabled, frozen: dict[str, bool]) -> None:
        self._disabled, self._frozen = disabled, frozen

    async def disabled(self, urls: list[str], after: int) -> Disabled:
        return self._disabled

    async def frozen(self, hold: str) -> dict[str, bool]:
        return self._frozen


async def checked(tmp_path: Path, found: Any, disabled: Disabled, frozen: dict[str, bool]) -> dict[str, bool]:
    script = read_script(script_folder() / "people.yaml")
    for region in ("eu", "us"):
        SqliteLedger(_make(tmp_path / region) / "ledger.sqlite").close()
    stores = {name: RegionStore(name, tmp_path / name) for name in ("eu", "us")}
    urls = [f"https://video.example/v/{n:03d}" for n in range(1, 41)]
    evidence = Evidence(tmp_path, "eu", script, urls, found, FakeSandbox(disabled, frozen), 0, stores)  # type: ignore[arg-type]
    return {check.name: check.passed for check in await run_checks(evidence)}


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


HOLD = {"kind": "hold", "workflow": "hold-0123456789abcdef0123", "state": "open"}
FAULTY = "https://video.example/v/017"


async def test_a_good_ending_passes_what_the_stores_cannot_contradict(tmp_path: Path) -> None:
    from collections import Counter

    own = board(state="closed", outcome="closed", clocks=[clock(state="met", stopped_at="2026-11-22T03:11:00Z")])
    found = view(own, board(**HOLD)).found
    results = await checked(
        tmp_path, found, Disabled(40, (), Counter({FAULTY: 2})), {"content_store": True, "live_store": True}
    )
    passed = {name for name, ok in results.items() if ok}
    assert passed == {
        "incident closed",
        "removal clock met",
        "every item disabled once",
        "failing item overcome",
        "legal hold active",
    }


async def test_every_check_fails_when_what_it_looks_at_is_wrong(tmp_path: Path) -> None:
    from collections import Counter

    own = board(state="failed", outcome="failed", clocks=[clock(state="late", stopped_at="2026-11-22T03:31:00Z")])
    found = view(own, board(**HOLD)).found
    results = await checked(
        tmp_path, found, Disabled(39, (FAULTY,), Counter()), {"content_store": True, "live_store": False}
    )
    assert not any(results.values())
