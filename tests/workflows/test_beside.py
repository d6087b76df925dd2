"""What follows from facts beside the phases: tracks at each recording, watches, clocks per member, severity, mode."""

from datetime import timedelta

import pytest

from tests.workflows.bench import Bench
from tests.workflows.builder import action, clock, decide, expr, fact, law, plan, slot, stop, track, wait
from watchfloor.signing import parse_instant, render_instant
from workflows.addresses import child_id

COUNSEL = slot("legal_counsel")
HOUR = wait("hour", for_=3600.0)


def is_acting(board: dict) -> bool:
    return any(step["kind"] == "action" and step["state"] == "running" for step in board["steps"])


async def test_a_track_fires_at_each_recording_of_its_fact_with_its_value(bench: Bench) -> None:
    named = track(
        "asked",
        "has(facts.request)",
        [action("tell", "x", {"what": "${{ fact }}"}), action("next", "y", {"ok": "${{ steps.tell.ok }}"})],
        on_fact="request",
        each=True,
    )
    revised = {"by": ["legal_counsel"]}
    facts = {"request": fact("mailbox", "legal_counsel", type_="string", revise=revised)}
    case = await bench.start(plan(("p", [decide("pick", {"go": {}}, COUNSEL)]), facts=facts, tracks=[named]))
    await case.state_fact("request", "one", "mailbox")
    await case.state_fact("request", "two", "legal_counsel", role="legal_counsel", person="lena")
    await case.until(lambda board: len(bench.calls) == 4 and not is_acting(board))
    await case.decide("p/pick", "go", "lena", "legal_counsel")
    await case.outcome()
    calls = {call["path"]: call["inputs"] for call in bench.calls}
    assert calls["alongside/asked[1]/tell"] == {"what": "one"}
    assert calls["alongside/asked[2]/tell"] == {"what": "two"}
    assert bench.kinds().count("track.fired") == 2


async def test_a_track_on_a_fact_fires_once_without_each(bench: Bench) -> None:
    named = track("asked", "has(facts.request)", [action("tell", "x", {"what": "${{ fact }}"})], on_fact="request")
    facts = {"request": fact("mailbox", "legal_counsel", type_="string", revise={"by": ["legal_counsel"]})}
    case = await bench.start(plan(("p", [decide("pick", {"go": {}}, COUNSEL)]), facts=facts, tracks=[named]))
    for value in ("one", "two"):
        await case.state_fact("request", value, "legal_counsel", role="legal_counsel", person="lena")
    await case.until(lambda board: bench.calls and not is_acting(board))
    await case.decide("p/pick", "go", "lena", "legal_counsel")
    await case.outcome()
    assert [(call["path"], call["inputs"]) for call in bench.calls] == [("alongside/asked/tell", {"what": "one"})]


@pytest.mark.parametrize("continue_after", [0, 40])
async def test_a_watch_looks_at_once_then_at_its_interval_until_its_end(bench: Bench, continue_after: int) -> None:
    watching = track("probe", "true", [action("look")], watch={"start": "facts.came", "every": 600.0, "length": 3600.0})
    began = parse_instant(await bench.now())
    case = await bench.start(
        plan(("p", [wait("long", for_=9000.0)]), facts={"came": fact("inputs.came")}, tracks=[watching]),
        {"came": render_instant(began)},
        continue_after=continue_after,
    )
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == [f"alongside/probe[{nth}]/look" for nth in range(1, 8)]
    assert len({call["key"] for call in bench.calls}) == 7
    assert bool((await case.board())["runs"]) == bool(continue_after)


async def test_a_watch_ends_with_its_run(bench: Bench) -> None:
    watching = track("probe", "true", [action("look")], watch={"start": "facts.came", "every": 600.0, "length": 9e5})
    case = await bench.start(
        plan(("p", [HOUR, stop("out", "over")]), facts={"came": fact("inputs.came")}, tracks=[watching]),
        {"came": await bench.now()},
    )
    assert (await case.outcome())["outcome"] == "over"
    assert len(bench.done()) in {6, 7}


async def test_there_is_one_clock_per_member(bench: Bench) -> None:
    began = render_instant(parse_instant(await bench.now()) - timedelta(minutes=50))
    late = clock(
        "order", "facts.came", "facts.done", each=("one", "inputs.orders"), law=law(), on_close="legal_counsel"
    )
    facts = {"came": fact("inputs.came"), "done": fact("mailbox")}
    orders = ["DE-1", "FR-2", "https://example.test/v/1"]
    case = await bench.start(plan(("p", [HOUR]), facts=facts, clocks=[late]), {"came": began, "orders": orders})
    result = await case.outcome()
    names = [one["name"] for one in result["clocks"]]
    assert names[:2] == ["order[DE-1]", "order[FR-2]"]
    assert "example" not in names[2]
    assert [one["state"] for one in result["clocks"]] == ["assigned"] * 3
    assert {one["assigned_to"] for one in result["clocks"]} == {"legal_counsel"}
    breached = [notice["clock"] for notice in bench.notices if notice["kind"] == "clock_breach"]
    assert sorted(breached) == sorted(names)


async def test_a_member_s_clock_reads_the_member(bench: Bench) -> None:
    began = await bench.now()
    rows = [{"id": "a", "at": began}, {"id": "b", "at": render_instant(parse_instant(began) - timedelta(minutes=5))}]
    types = {"one.at": "timestamp"}
    per = clock("order", "facts.came", each=("one", "inputs.orders"))
    per["start"] = expr("one.at", types)
    facts = {"came": fact("inputs.came")}
    case = await bench.start(plan(("p", [action("a")]), facts=facts, clocks=[per]), {"came": began, "orders": rows})
    clocks = (await case.outcome())["clocks"]
    assert [one["started_at"] for one in clocks] == [row["at"] for row in rows]


async def test_a_conditional_clock_runs_only_where_its_condition_holds(bench: Bench) -> None:
    facts = {"came": fact("inputs.came"), "known": fact("mailbox")}
    clocks = [
        clock("always", "facts.came", cond="has(facts.came)"),
        clock("later", "facts.came", cond="has(facts.known)"),
        clock("never", "facts.came", cond="inputs.urls.size() > 100"),
    ]
    began = await bench.now()
    case = await bench.start(
        plan(("p", [decide("pick", {"go": {}}, COUNSEL)]), facts=facts, clocks=clocks), {"came": began}
    )
    assert [one["state"] for one in (await case.board())["clocks"]] == ["running", "waiting", "waiting"]
    await case.state_fact("known", began, "mailbox")
    board = await case.until(lambda one: one["clocks"][1]["state"] == "running")
    assert board["clocks"][1]["started_at"] == began
    await case.decide("p/pick", "go", "lena", "legal_counsel")
    states = {one["name"]: one["state"] for one in (await case.outcome())["clocks"]}
    assert states == {"always": "assigned", "later": "assigned", "never": "waiting"}


async def test_severity_follows_the_score_and_never_falls_below_a_floor_reached(bench: Bench) -> None:
    score = {name: expr("inputs.low") for name in ("I", "V", "R", "C", "E")} | {
        "H": expr("facts.harm", {"facts.harm": "int"})
    }
    revised = {"by": ["legal_counsel"]}
    facts = {"harm": fact("legal_counsel", type_="int", revise=revised), "seen": fact("mailbox")}
    bad = expr("facts.harm >= 5", {"facts.harm": "int"})
    given = plan(("p", [decide("pick", {"go": {}}, COUNSEL)]), facts=facts, score=score, mode="case", mode_when=bad)
    given["floors"] = [{"when": bad, "at_least": "S2"}]
    case = await bench.start(given, {"low": 1})
    levels = [(await case.board())["severity"]]
    for harm in (5, 1):
        await case.state_fact("harm", harm, "legal_counsel", role="legal_counsel", person="lena")
        levels.append((await case.until(lambda one, harm=harm: one["facts"]["harm"]["value"] == harm))["severity"])
    assert levels == ["S1", "S2", "S2"]
    await case.decide("p/pick", "go", "lena", "legal_counsel")
    await case.outcome()
    modes = [entry for entry in bench.entries if entry["path"] == "mode"]
    assert [entry["data"]["taken"] for entry in modes] == ["incident"]


async def test_a_score_of_all_fives_is_the_most_severe_and_of_zeros_the_least(bench: Bench) -> None:
    for value, level in ((5, "S0"), (3, "S1"), (2, "S2"), (1, "S3"), (0, "S4")):
        score = {name: expr("inputs.n") for name in ("I", "H", "V", "R", "C", "E")}
        case = await bench.start(plan(("p", [action("a")]), score=score), {"n": value})
        await case.outcome()
        assert (await case.board())["severity"] == level


async def test_a_detached_track_at_each_recording_has_its_value(bench: Bench) -> None:
    told = action("tell", "x", {"what": "${{ fact }}"})
    named = track("asked", "has(facts.request)", [told], on_fact="request", each=True, detached=True)
    facts = {"request": fact("mailbox", type_="string")}
    case = await bench.start(plan(("p", [decide("pick", {"go": {}}, COUNSEL)]), facts=facts, tracks=[named]))
    await case.state_fact("request", "one", "mailbox")
    await case.until(lambda board: bench.calls and board["children"])
    await case.decide("p/pick", "go", "lena", "legal_counsel")
    await case.outcome()
    assert [(call["path"], call["inputs"]) for call in bench.calls] == [("alongside/asked[0]/tell", {"what": "one"})]
    assert bench.calls[0]["incident"] == child_id("inc", case.handle.id, "alongside/asked[1]")


async def test_what_the_run_recorded_itself_is_corrected_by_whoever_may_revise_it(bench: Bench) -> None:
    """Nobody outside speaks for an input or a step; who may revise what one of them said is its source from then on."""
    facts = {"came": fact("inputs.came", revise={"by": ["legal_counsel"]}), "other": fact("inputs.came")}
    began, earlier = await bench.now(), render_instant(parse_instant(await bench.now()) - timedelta(minutes=5))
    case = await bench.start(plan(("p", [decide("pick", {"go": {}}, COUNSEL)]), facts=facts), {"came": began})
    for name, source, role, why in (
        ("came", "inputs.came", "legal_counsel", "wrong_source"),
        ("came", "ops_lead", "ops_lead", "wrong_source"),
        ("came", "legal_counsel", "ops_lead", "wrong_source"),
        ("other", "legal_counsel", "legal_counsel", "wrong_source"),
    ):
        said = await case.fact_statement(name, earlier, source, role=role, person="lena")
        assert await case.refused("fact", said) == why, (name, source, role)
    await case.state_fact("came", earlier, "legal_counsel", role="legal_counsel", person="lena")
    known = (await case.board())["facts"]["came"]
    assert (known["value"], known["source"], known["by"]) == (earlier, "legal_counsel", "lena")
    assert known["revisions"][0]["source"] == "inputs.came"
    await case.decide("p/pick", "go", "lena", "legal_counsel")
    await case.outcome()
