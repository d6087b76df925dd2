"""Clocks that stand still for a legal reason, begin anew after it, or are renewed: ends exact to the microsecond."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import clock, fact, law, plan, slot, task
from watchfloor.signing import parse_instant, render_instant
from workflows.standstill import find_end, find_open, move

DESK = "mailbox"
COUNSEL = slot("legal_counsel")
REVISE = {"by": ["legal_counsel", "ops_lead"], "reason": "required"}
FACTS = {
    "came": fact("inputs.came"),
    "gone": fact(DESK),
    "asked": fact(DESK, revise=REVISE),
    "answered": fact(DESK, revise=REVISE),
    "down": fact(DESK),
    "up": fact(DESK),
    "renewed": fact(DESK, revise=REVISE),
}
PAUSE = {"clarification_requested": ("facts.asked", "facts.answered"), "force_majeure": ("facts.down", "facts.up")}


async def begin(bench: Bench, ago: timedelta, **more: Any) -> tuple[Case, datetime]:
    now = parse_instant(await bench.now())
    one = clock("removal", "facts.came", "facts.gone", warn=[1800.0], **{"pause": PAUSE, **more})
    waiting = plan(("one", [task("t", {}, within=90_000.0, slots=[COUNSEL])]), facts=FACTS, clocks=[one])
    case = await bench.start(waiting, {"came": render_instant(now - ago)})
    await case.ask("one/t")
    return case, now - ago


async def tell(case: Case, name: str, at: datetime) -> None:
    written = render_instant(at)
    await case.state_fact(name, written, DESK, at=written)


async def state_of(case: Case) -> dict[str, Any]:
    return (await case.board())["clocks"][0]


def clock_kinds(bench: Bench) -> list[str]:
    return [kind for kind in bench.kinds() if kind.startswith("clock.")]


async def test_a_pause_moves_the_end_by_exactly_its_length_and_nothing_is_heard_meanwhile(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=10))
    asked = began + timedelta(minutes=10)
    await tell(case, "asked", asked)
    one = await state_of(case)
    assert (one["state"], one["pauses"]) == (
        "paused",
        [{"reason": "clarification_requested", "since": render_instant(asked), "until": None}],
    )
    assert one["due_at"] == render_instant(began + timedelta(hours=1))
    await bench.skip(7200)
    assert (await state_of(case))["state"] == "paused"
    assert [one["kind"] for one in bench.notices if one["clock"]] == []
    answered = parse_instant(await bench.now())
    await tell(case, "answered", answered)
    one = await state_of(case)
    due = began + timedelta(hours=1) + (answered - asked)
    assert (one["state"], one["due_at"]) == ("running", render_instant(due))
    await bench.skip(3100)
    await case.until(lambda board: board["clocks"][0]["state"] == "breached")
    assert clock_kinds(bench) == ["clock.started", "clock.paused", "clock.resumed", "clock.warned", "clock.breached"]
    entries = {entry["kind"]: entry for entry in bench.entries}
    warned = parse_instant(entries["clock.warned"]["at"]) - (began + timedelta(minutes=30) + (answered - asked))
    late = parse_instant(entries["clock.breached"]["at"]) - due
    assert timedelta(0) <= warned < timedelta(seconds=2)
    assert timedelta(0) <= late < timedelta(seconds=2)
    resumed = entries["clock.resumed"]["data"]
    assert (resumed["reason"], resumed["due_at"]) == ("clarification_requested", render_instant(due))
    await bench.replay()


async def test_a_law_that_says_so_begins_the_whole_length_anew(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=50), after_pause="restart")
    await tell(case, "asked", began + timedelta(minutes=45))
    await tell(case, "answered", began + timedelta(minutes=49))
    one = await state_of(case)
    assert (one["restarts"], one["warned"], one["state"]) == (1, [], "running")
    assert one["started_at"] == render_instant(began + timedelta(minutes=49))
    assert one["due_at"] == render_instant(began + timedelta(minutes=109))
    assert clock_kinds(bench)[-3:] == ["clock.paused", "clock.resumed", "clock.restarted"]


async def test_the_length_begins_anew_only_when_the_last_reason_has_gone(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=50), after_pause="restart")
    await tell(case, "asked", began + timedelta(minutes=30))
    await tell(case, "down", began + timedelta(minutes=35))
    await tell(case, "answered", began + timedelta(minutes=40))
    one = await state_of(case)
    assert (one["state"], one["restarts"]) == ("paused", 0)
    await tell(case, "up", began + timedelta(minutes=45))
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("running", render_instant(began + timedelta(minutes=105)))


async def test_reasons_that_overlap_count_once(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=50))
    for name, minutes in (("asked", 30), ("down", 35), ("answered", 40), ("up", 45)):
        await tell(case, name, began + timedelta(minutes=minutes))
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("running", render_instant(began + timedelta(minutes=75)))


async def test_a_reason_that_was_there_in_time_takes_a_breach_back(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=90))
    await case.until(lambda board: board["clocks"][0]["state"] == "breached")
    await tell(case, "asked", began + timedelta(minutes=55))
    assert (await state_of(case))["state"] == "paused"
    await tell(case, "answered", began + timedelta(minutes=89))
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("running", render_instant(began + timedelta(minutes=94)))


async def test_a_reason_that_came_after_the_end_changes_nothing(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=90))
    await case.until(lambda board: board["clocks"][0]["state"] == "breached")
    await tell(case, "asked", began + timedelta(minutes=60))
    one = await state_of(case)
    assert (one["state"], "pauses" in one) == ("breached", False)
    assert one["due_at"] == render_instant(began + timedelta(minutes=60))


async def test_what_is_verified_while_the_clock_stands_still_meets_it(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=50))
    await tell(case, "asked", began + timedelta(minutes=50))
    await bench.skip(7200)
    gone = parse_instant(await bench.now())
    await tell(case, "gone", gone)
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("met", render_instant(gone + timedelta(minutes=10)))


async def test_a_clock_that_stands_still_at_the_close_gets_an_owner(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=10), on_close="records_custodian")
    await tell(case, "asked", began + timedelta(minutes=10))
    await case.control("abort")
    result = await case.outcome()
    assert (result["clocks"][0]["state"], result["clocks"][0]["assigned_to"]) == ("assigned", "records_custodian")


async def test_only_counsel_moves_the_end_later_by_revising_a_pause(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=50))
    await tell(case, "asked", began + timedelta(minutes=30))
    await tell(case, "answered", began + timedelta(minutes=40))
    for name, minutes in (("asked", 20), ("answered", 45)):
        later = render_instant(began + timedelta(minutes=minutes))
        said = {"reason_ref": "sha256:11", "person": "x"}
        by_lead = await case.fact_statement(name, later, DESK, role="ops_lead", **said)
        assert await case.refused("fact", by_lead) == "wrong_role"
    sooner = render_instant(began + timedelta(minutes=38))
    by_lead = await case.fact_statement("answered", sooner, DESK, role="ops_lead", reason_ref="sha256:11", person="x")
    await case.send("fact", by_lead)
    assert (await state_of(case))["due_at"] == render_instant(began + timedelta(minutes=68))


HOLD = law(kind="min_retention", duration=3600.0) | {"renew": {"add": 1800.0, "max": 1}}


async def test_a_renewal_before_the_end_adds_what_the_law_says_once(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=30), law=HOLD, renew="facts.renewed", pause={})
    await tell(case, "renewed", began + timedelta(minutes=20))
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("running", render_instant(began + timedelta(minutes=90)))
    reason = {"reason_ref": "sha256:11", "person": "x", "role": "legal_counsel"}
    again = await case.fact_statement("renewed", render_instant(began + timedelta(minutes=25)), DESK, **reason)
    await case.send("fact", again)
    one = await state_of(case)
    assert one["due_at"] == render_instant(began + timedelta(minutes=90))
    assert [each["granted"] for each in one["renewals"]] == [True, False]
    assert clock_kinds(bench) == ["clock.started", "clock.warned", "clock.renewed", "clock.not_renewed"]
    await bench.replay()


async def test_a_renewal_that_lay_in_the_mailbox_counts_by_its_own_instant(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=70), law=HOLD, renew="facts.renewed", pause={})
    assert (await state_of(case))["state"] == "met"
    await tell(case, "renewed", began + timedelta(minutes=59))
    one = await state_of(case)
    assert (one["state"], one["stopped_at"]) == ("running", None)
    assert one["due_at"] == render_instant(began + timedelta(minutes=90))
    await bench.skip(1300)
    await case.until(lambda board: board["clocks"][0]["state"] == "met")
    assert (await state_of(case))["stopped_at"] == render_instant(began + timedelta(minutes=90))


async def test_a_renewal_after_the_end_does_not_count_and_is_written_down(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=70), law=HOLD, renew="facts.renewed", pause={})
    await tell(case, "renewed", began + timedelta(minutes=60))
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("met", render_instant(began + timedelta(minutes=60)))
    refused = next(entry for entry in bench.entries if entry["kind"] == "clock.not_renewed")
    assert refused["data"]["why"] == "it came after the end"


async def test_a_deadline_that_is_renewed_in_time_is_no_longer_breached(bench: Bench) -> None:
    longer = law() | {"renew": {"add": 3600.0, "max": 1}}
    case, began = await begin(bench, timedelta(minutes=70), law=longer, renew="facts.renewed", pause={})
    await case.until(lambda board: board["clocks"][0]["state"] == "breached")
    await tell(case, "renewed", began + timedelta(minutes=50))
    one = await state_of(case)
    assert (one["state"], one["due_at"]) == ("running", render_instant(began + timedelta(minutes=120)))


async def test_a_ceiling_warns_before_and_is_breached_when_nothing_was_destroyed(bench: Bench) -> None:
    case, began = await begin(bench, timedelta(minutes=20), law=law(kind="max_retention"), pause={})
    await bench.skip(2500)
    await case.until(lambda board: board["clocks"][0]["state"] == "breached")
    assert [one["kind"] for one in bench.notices if one["clock"]] == ["clock_warning", "clock_breach"]
    await tell(case, "gone", began + timedelta(minutes=61))
    assert (await state_of(case))["state"] == "late"


START = datetime(2026, 5, 1, tzinfo=UTC)
LENGTH = 100


def in_seconds(pauses: list[tuple[int, int]]) -> int:
    """The end in seconds from the start, counted second by second: one that lies in a pause is not used up."""
    used, at = 0, 0
    while used < LENGTH:
        used += not any(since <= at < until for since, until in pauses)
        at += 1
    # a pause that begins with the very end comes too late
    return at


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 200), st.integers(0, 80)), max_size=6))
def test_the_end_is_that_of_a_count_second_by_second(given_: list[tuple[int, int]]) -> None:
    pauses = [(since, since + length) for since, length in given_]
    one: Any = {
        "started_at": render_instant(START),
        "pauses": [
            {
                "reason": "x",
                "since": render_instant(START + timedelta(seconds=since)),
                "until": render_instant(START + timedelta(seconds=until)),
            }
            for since, until in pauses
        ],
    }
    end = find_end(law(duration=float(LENGTH)), one)  # type: ignore[arg-type]
    assert end == START + timedelta(seconds=in_seconds(pauses))
    assert find_open(law(duration=float(LENGTH)), one) is None  # type: ignore[arg-type]
    assert move(START, one) == START
