"""What was done by hand is taken in once, checked before anything is sent, and the run does none of it again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import EntryKind
from schemas.plan import Plan
from tests.workflows.bench import Bench, face_over, idle_bench
from tests.workflows.builder import action, approval, decide, fact, for_each, plan, slot
from watchfloor.client import Face, board
from watchfloor.client.by_hand import Reading, TakenIn, read_by_hand, take_in
from watchfloor.client.sign_in import DEV, SignIn
from watchfloor.evidence import EvidenceStore
from watchfloor.identity.people import Directory, Person
from watchfloor.paper.record import RecordRefused, read_record
from watchfloor.signing import digest, render_instant

DAY = 86_400.0
LIMITS: Any = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False}
PEOPLE = {
    "carl": ("incident_commander",),
    "dora": ("deputy",),
    "olga": ("ops_lead",),
    "lena": ("legal_counsel",),
}
STAMPED = {"disabled_at": {"type": "timestamp"}}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with idle_bench() as one, one.worker():
        yield one


@pytest.fixture
def face(bench: Bench, tmp_path: Path) -> Face:
    people = {name: Person(name, roles, "example-inc", "us", ()) for name, roles in PEOPLE.items()}
    return face_over(
        bench,
        people=Directory(people),
        reasons=EvidenceStore(tmp_path / "evidence"),
        loopback=True,
    )


def built() -> Plan:
    gate = approval(slot("legal_counsel"), slot("exec_sponsor"), within=DAY)
    each = for_each("all", [action("disable", "content.disable", outputs=STAMPED, effect="restricts")])
    stay = decide("stay", {"go": {}, "leave": {}}, slot("ops_lead"), within=DAY)
    erase = action("erase", "content.delete", approval=gate, tier="2", effect="destroys")
    return plan(
        ("one", [each, stay, erase]),
        facts={"seen": fact("desk"), "told": fact("steps.disable")},
        inputs={"urls": {"type": "list", "of": {"type": "url"}}},
    )


HEAD = """\
by_hand: 1
runbook: test-runbook
key: paper-1
known_at: {then}
note: nothing answered
inputs: {{urls: ["https://example.test/v/1", "https://example.test/v/2"]}}
"""
LINES = """\
facts:
  - {{fact: seen, at: {then}, source: desk}}
done:
  - {{step: disable, items: [all], at: {then}, by: [olga], witnesses: [lena]}}
decided:
  - {{step: stay, option: go, by: olga, as: ops_lead, at: {then}}}
"""


class Desk:
    """Takes records in as the command does."""

    def __init__(self, face: Face, bench: Bench, folder: Path, then: str, now: datetime) -> None:
        self.face, self.bench, self._folder, self.then, self.now = face, bench, folder, then, now
        self.plan = built()

    async def read(self, text: str, person: str = "carl", signed_in: SignIn = DEV) -> Reading:
        (self._folder / "record.yaml").write_text(text.format(then=self.then))
        record = read_record(self._folder / "record.yaml", now=self.now)
        return await read_by_hand(
            self.face, record, self.plan, digest(self.plan), person=person, signed_in=signed_in, now=self.now
        )

    async def take(self, text: str, person: str = "carl", signed_in: SignIn = DEV) -> tuple[Reading, list[TakenIn]]:
        reading = await self.read(text, person, signed_in)
        return reading, await take_in(self.face, reading, now=self.now, limits=LIMITS)

    async def settle(self, run: str, waits: str = "one/stay") -> Any:
        for _ in range(400):
            now = await board(self.face, run)
            if any(ask["path"] == waits for ask in now["asks"]):
                return now
        raise AssertionError(f"`{waits}` never waited")


@pytest.fixture
async def desk(face: Face, bench: Bench, tmp_path: Path) -> Desk:
    assert bench.env is not None
    now = (await bench.env.get_current_time()).astimezone(UTC)
    return Desk(face, bench, tmp_path, render_instant(now - timedelta(hours=2)), now)


@pytest.mark.parametrize(
    ("signed_in", "fact", "done"),
    [
        (SignIn("oidc", ("pwd", "otp")), {"signed_in": "oidc", "amr": ["pwd", "otp"]}, None),
        (DEV, {"signed_in": "dev"}, {}),
    ],
    ids=["proved", "development"],
)
async def test_the_ledger_says_how_whoever_took_it_in_had_signed_in(
    desk: Desk, bench: Bench, signed_in: SignIn, fact: dict[str, Any], done: dict[str, Any] | None
) -> None:
    reading, taken = await desk.take(HEAD + LINES, signed_in=signed_in)
    assert all(one.state == "recorded" for one in taken)
    await desk.settle(reading.incident)
    for kind, wanted in (
        (EntryKind.FACT, fact),
        (EntryKind.OUTSIDE_DONE, fact if done is None else done),
        (EntryKind.OUTSIDE_DECIDED, fact if done is None else done),
    ):
        entries: list[Any] = []
        async with asyncio.timeout(30):
            # the run goes on while its entries are being written
            while not entries:
                await asyncio.sleep(0.02)
                entries = [one["data"] for one in bench.entries if one["kind"] == kind and one["actor"] == "carl"]
        for data in entries:
            assert {name: data[name] for name in ("signed_in", "amr") if name in data} == wanted, kind


async def test_a_new_incident_knows_it_all_before_its_first_step_and_the_same_file_twice_changes_nothing(
    desk: Desk,
) -> None:
    reading, taken = await desk.take(HEAD + LINES)
    assert reading.new
    assert [one.state for one in taken] == ["recorded"] * 3
    now = await desk.settle(reading.incident)
    assert desk.bench.calls == [], "what was done by hand is not done again"
    assert now["facts"]["seen"]["at"] == desk.then
    assert [one["in_force_since"] for one in now["measures"]] == [desk.then, desk.then]
    assert now["asks"][0]["answers"] == [], "a decision on paper fills no seat"
    assert (now["on_paper"][0]["by"], now["on_paper"][0]["person"]) == ("olga", "carl")
    again, told = await desk.take(HEAD + LINES)
    assert not again.new
    assert [one.state for one in told] == ["known"] * 3
    assert len((await board(desk.face, reading.incident))["on_paper"]) == 1


async def test_a_line_that_is_added_later_is_told_to_the_same_incident(desk: Desk) -> None:
    reading, _ = await desk.take(HEAD + LINES)
    await desk.settle(reading.incident)
    more = LINES.replace("decided:", "  - {{step: erase, at: {then}, by: [olga]}}\ndecided:")
    again = await desk.read(HEAD + more)
    assert [line.known for line in again.lines] == [True, True, False, True]
    assert "a second person is asked" in again.lines[2].words
    _, told = await desk.take(HEAD + more)
    assert [one.state for one in told] == ["known", "known", "recorded", "known"]
    now = await desk.settle(reading.incident, "one/erase!outside")
    assert now["outside"][-1]["state"] == "proposed"


async def test_an_incident_that_goes_on_is_joined_by_its_id(desk: Desk) -> None:
    reading, _ = await desk.take(HEAD)
    await desk.settle(reading.incident)
    assert len(desk.bench.calls) == 2
    joined = f"by_hand: 1\nrunbook: test-runbook\nincident: {reading.incident}\nnote: it was down\n"
    with pytest.raises(RecordRefused, match="the run has passed `one/all` itself"):
        await desk.take(joined + LINES.replace("[all]", '["1"]'))
    assert not (await board(desk.face, reading.incident))["facts"], "nothing was sent"
    facts = LINES.partition("done:")[0]
    _, told = await desk.take(joined + facts)
    assert [one.state for one in told] == ["recorded"]
    assert (await board(desk.face, reading.incident))["facts"]["seen"]["at"] == desk.then


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("step: disable", "step: nothing", "has no step `nothing`"),
        ("step: disable", "step: stay", "which nobody carries out"),
        ("items: [all]", "items: [x]", "names no item"),
        ("by: [olga], witnesses", "by: [ghost], witnesses", "`ghost` is not in the directory"),
        ("fact: seen", "fact: told", "comes of a step"),
        ("fact: seen", "fact: what", "declares no fact"),
        ("source: desk", "source: street", "is taken from desk"),
        ("option: go", "option: stop", "has no option"),
        ("as: ops_lead", "as: legal_counsel", "does not hold"),
        ("by: [olga], witnesses", "by: [olga], outputs: {{more: 1}}, witnesses", "outputs.more"),
    ],
)
async def test_everything_is_checked_before_anything_is_sent(desk: Desk, before: str, after: str, said: str) -> None:
    assert before in LINES
    with pytest.raises(RecordRefused) as refused:
        await desk.read(HEAD + LINES.replace(before, after, 1))
    assert said in str(refused.value)
    assert "record.yaml:" in str(refused.value)


async def test_bad_inputs_another_plan_and_a_line_twice_are_faults_of_the_file(desk: Desk) -> None:
    wrong = HEAD.replace('"https://example.test/v/1", ', "no-url, ") + f"plan: sha256:{'0' * 64}\n"
    twice = LINES.replace("decided:", "  - {{step: disable, items: [all], at: {then}, by: [lena]}}\ndecided:")
    with pytest.raises(RecordRefused) as refused:
        await desk.read(wrong + twice)
    for said in ("inputs.urls[0]", "printed from another version", "stands at"):
        assert said in str(refused.value)


async def test_what_the_run_knows_otherwise_is_not_overwritten(desk: Desk) -> None:
    reading, _ = await desk.take(HEAD + LINES)
    await desk.settle(reading.incident)
    other = LINES.replace("at: {then}", f"at: {render_instant(desk.now - timedelta(hours=1))}")
    with pytest.raises(RecordRefused) as refused:
        await desk.read(HEAD + other)
    assert "the run knows `seen` otherwise" in str(refused.value)
    assert "is recorded as done outside at" in str(refused.value)


async def test_who_may_not_record_it_is_told_before_anything_is_sent(desk: Desk) -> None:
    with pytest.raises(RecordRefused, match="is recorded by"):
        await desk.read(HEAD + LINES, person="lena")
