"""Clocks, facts, tracks, floors and undo."""

from datetime import timedelta

from tests.workflows.bench import Bench
from tests.workflows.builder import action, clock, decide, fact, law, plan, slot, task, track, undo, wait
from watchfloor.signing import parse_instant, render_instant

COUNSEL = slot("legal_counsel")


async def ago(bench: Bench, **span: float) -> str:
    return render_instant(parse_instant(await bench.now()) - timedelta(**span))


def with_clock(*steps, **more):
    fields = {"facts": {"came": fact("inputs.came"), "again": fact("mailbox"), "gone": fact("mailbox", "steps.probe")}}
    return plan(("one", list(steps)), **{**fields, **more})


def states(bench: Bench) -> list[str]:
    return [kind for kind in bench.kinds() if kind.startswith("clock.")]


async def test_a_clock_warns_breaches_and_is_assigned_at_the_end(bench: Bench) -> None:
    case = await bench.start(
        with_clock(
            wait("long", for_=7200.0),
            clocks=[clock("removal", "facts.came", "facts.gone", warn=[900.0, {"share": 0.5, "of": "removal"}])],
        ),
        {"came": await bench.now()},
    )
    await case.outcome()
    assert states(bench) == ["clock.started", "clock.warned", "clock.warned", "clock.breached", "clock.assigned"]
    told = [(one["kind"], one["roles"], one["clock"]) for one in bench.notices]
    assert told == [
        ("clock_warning", ["incident_commander"], "removal"),
        ("clock_warning", ["incident_commander"], "removal"),
        ("clock_breach", ["exec_sponsor"], "removal"),
        ("clock_assigned", ["incident_commander"], "removal"),
    ]
    entries = {entry["kind"]: entry for entry in bench.entries}
    late = parse_instant(entries["clock.breached"]["at"]) - parse_instant(entries["clock.breached"]["data"]["due_at"])
    assert timedelta(0) <= late < timedelta(seconds=2)


async def test_a_start_in_the_past_goes_straight_to_the_breach(bench: Bench) -> None:
    case = await bench.start(
        with_clock(action("a"), clocks=[clock("removal", "facts.came", warn=[900.0, 1800.0])]),
        {"came": await ago(bench, hours=2)},
    )
    await case.outcome()
    assert [notice["kind"] for notice in bench.notices] == ["clock_breach", "clock_assigned"]


async def test_a_start_a_little_in_the_past_gives_the_latest_warning_once(bench: Bench) -> None:
    case = await bench.start(
        with_clock(task("t", {}), clocks=[clock("removal", "facts.came", warn=[900.0, 1800.0, 2700.0])]),
        {"came": await ago(bench, minutes=40)},
    )
    await case.until(
        lambda board: len(board["clocks"][0]["warned"]) == 2 and any(one["clock"] for one in bench.notices)
    )
    assert [one["kind"] for one in bench.notices if one["clock"]] == ["clock_warning"]


async def test_a_clock_is_met_by_the_instant_of_its_fact(bench: Bench) -> None:
    case = await bench.start(
        with_clock(task("t", {}, within=7200.0), clocks=[clock("removal", "facts.came", "facts.gone")]),
        {"came": await bench.now()},
    )
    await case.ask("one/t")
    seen = await ago(bench, seconds=0)
    await bench.skip(3700)
    board = await case.until(lambda one: one["clocks"][0]["state"] == "breached")
    await case.state_fact("gone", seen, "mailbox", at=seen)
    board = await case.until(lambda one: one["clocks"][0]["stopped_at"])
    assert board["clocks"][0]["state"] == "met"


async def test_a_clock_stopped_after_its_end_is_late(bench: Bench) -> None:
    case = await bench.start(
        with_clock(task("t", {}), clocks=[clock("removal", "facts.came", "facts.gone")]),
        {"came": await ago(bench, hours=2)},
    )
    await case.ask("one/t")
    await case.state_fact("gone", await bench.now(), "mailbox")
    await case.until(lambda one: one["clocks"][0]["state"] == "late")


async def test_a_later_fact_restarts_a_clock(bench: Bench) -> None:
    case = await bench.start(
        with_clock(
            task("t", {}, within=90_000.0),
            clocks=[clock("removal", "facts.came", "facts.gone", restart="facts.again", warn=[900.0])],
        ),
        {"came": await ago(bench, minutes=30)},
    )
    await case.ask("one/t")
    before = (await case.board())["clocks"][0]
    again = await bench.now()
    await case.state_fact("again", again, "mailbox")
    after = (await case.until(lambda one: one["clocks"][0]["restarts"] == 1))["clocks"][0]
    assert after["started_at"] == again
    assert parse_instant(after["due_at"]) - parse_instant(before["due_at"]) >= timedelta(minutes=29)
    assert after["warned"] == []


async def test_a_retention_that_runs_out_is_met(bench: Bench) -> None:
    case = await bench.start(
        with_clock(wait("long", for_=7200.0), clocks=[clock("keep", "facts.came", law=law(kind="min_retention"))]),
        {"came": await bench.now()},
    )
    await case.outcome()
    assert (await case.board())["clocks"][0]["state"] == "met"
    assert bench.notices == []


async def test_one_timer_serves_all_clocks(bench: Bench) -> None:
    clocks = [clock(f"c{number}", "facts.came", "facts.gone", warn=[600.0]) for number in range(5)]
    case = await bench.start(with_clock(task("t", {}), clocks=clocks), {"came": await bench.now()})
    await case.ask("one/t")
    assert (await case.events()).count("TIMER_STARTED") == 2


WRONG = [
    ({"fact": "nothing"}, "unknown_fact"),
    ({"source": "elsewhere"}, "wrong_source"),
    ({"source": "steps.probe"}, "wrong_source"),
    ({"value": "noon"}, "bad_value"),
    ({"at": "2999-01-01T00:00:00Z"}, "bad_value"),
    ({"value": "2999-01-01T00:00:00Z"}, "bad_value"),
    ({"at": "2026-01-01T00:00:00"}, "bad_value"),
    ({"incident": "inc-other"}, "wrong_run"),
]


async def test_a_wrong_fact_is_refused(bench: Bench) -> None:
    case = await bench.start(with_clock(task("t", {})), {"came": await bench.now()})
    await case.ask("one/t")
    for more, why in WRONG:
        fields = {"fact": "gone", "value": await bench.now(), "source": "mailbox", **more}
        statement = await case.fact_statement(fields.pop("fact"), fields.pop("value"), fields.pop("source"), **fields)
        assert await case.refused("fact", statement) == why, more
    assert "gone" not in (await case.board())["facts"]


async def test_a_fact_is_taken_once_and_revised_only_as_declared(bench: Bench) -> None:
    revise = {"by": ["legal_counsel", "ops_lead"], "reason": "required"}
    case = await bench.start(
        plan(
            ("one", [task("t", {})]),
            facts={"plain": fact("mailbox"), "open": fact("mailbox", "inputs.came", revise=revise)},
            clocks=[clock("removal", "facts.open")],
        ),
        {"came": await ago(bench, minutes=30)},
    )
    await case.ask("one/t")
    now = await bench.now()
    await case.state_fact("plain", now, "mailbox")
    assert await case.refused("fact", await case.fact_statement("plain", now, "mailbox")) == "repeated"
    reason = {"reason_ref": "sha256:11", "person": "x"}
    by_lead = await case.fact_statement("open", now, "mailbox", role="ops_lead", **reason)
    assert await case.refused("fact", by_lead) == "wrong_role"
    earlier = await case.fact_statement("open", await ago(bench, minutes=50), "mailbox", role="ops_lead", **reason)
    await case.send("fact", earlier)
    nobody = await case.fact_statement("open", now, "mailbox", role="comms_lead", **reason)
    assert await case.refused("fact", nobody) == "wrong_role"
    unexplained = await case.fact_statement("open", now, "mailbox", role="legal_counsel", person="lena")
    assert await case.refused("fact", unexplained) == "bad_value"
    by_counsel = await case.fact_statement("open", now, "mailbox", role="legal_counsel", **reason)
    await case.send("fact", by_counsel)
    board = await case.until(lambda one: one["clocks"][0]["started_at"] == now)
    assert len(board["facts"]["open"]["revisions"]) == 2


async def test_a_fact_by_signal_and_a_refused_one(bench: Bench) -> None:
    case = await bench.start(with_clock(wait("w", fact="gone")), {"came": await bench.now()})
    await case.handle.signal("fact_later", await case.fact_statement("gone", "noon", "mailbox"))
    await case.handle.signal("fact_later", await case.fact_statement("gone", await bench.now(), "mailbox"))
    await case.outcome()
    assert [entry["data"]["why"] for entry in bench.entries if entry["kind"] == "decision.refused"] == ["bad_value"]


async def test_a_track_fires_once_beside_the_phases_at_no_event(bench: Bench) -> None:
    bench.behaviour["content.probe"] = lambda call: {"seen_at": "2026-11-22T00:00:00Z"}
    case = await bench.start(
        plan(
            (
                "one",
                [action("probe", records={"threat": "steps.probe.seen_at"}), wait("w", for_=60.0), action("end", "z")],
            ),
            facts={"threat": fact("steps.probe")},
            tracks=[
                track("life", "has(facts.threat)", [action("call", "page")]),
                track("never", "1 == 2", [action("no")]),
            ],
            floors=[("has(facts.threat)", "S0")],
        )
    )
    await case.outcome()
    assert bench.done() == ["one/probe", "alongside/life/call", "one/end"]
    assert bench.kinds().count("track.fired") == 1
    board = await case.board()
    assert board["severity"] == "S0"
    assert bench.calls[-1]["severity"] == "S0"
    assert bench.calls[0]["severity"] == "S1"


async def test_a_track_that_still_runs_is_stopped_at_the_close(bench: Bench) -> None:
    tracks = [track("watch", "1 == 1", [wait("forever", for_=864000.0), action("never", "x")])]
    case = await bench.start(plan(("one", [action("a")]), tracks=tracks))
    await case.outcome()
    assert bench.done() == ["one/a"]


async def test_the_run_waits_for_close_when(bench: Bench) -> None:
    case = await bench.start(
        with_clock(action("a"), close_when="has(facts.gone) && steps.a.ok"), {"came": await bench.now()}
    )
    await case.until(lambda board: board["phases"][0]["state"] == "done")
    assert (await case.board())["state"] == "open"
    await case.state_fact("gone", await bench.now(), "mailbox")
    assert (await case.outcome())["outcome"] == "closed"


def disable(**more):
    back = undo("content.restore", ["annulled"], {"url": "${{ url }}"})
    return action("disable", "content.disable", {"url": "${{ url }}"}, effect="restricts", undo=back, **more)


async def test_a_fact_takes_back_each_measure_once(bench: Bench) -> None:
    from tests.workflows.builder import for_each

    case = await bench.start(
        plan(
            ("one", [for_each("remove", [disable()]), decide("pick", {"go": {}}, COUNSEL)]),
            facts={"annulled": fact("mailbox")},
        )
    )
    await case.ask("one/pick")
    assert len((await case.board())["measures"]) == 4
    await case.state_fact("annulled", await bench.now(), "mailbox")
    await case.until(lambda board: all(one["undone_at"] for one in board["measures"]))
    back = [call for call in bench.calls if call["action"] == "content.restore"]
    assert sorted(call["path"] for call in back) == [f"one/remove[{n}]/disable!undo" for n in range(4)]
    assert len({call["key"] for call in bench.calls}) == 8
    assert sorted(call["inputs"]["url"] for call in back) == [f"https://example.test/v/{n}" for n in range(4)]
    await case.decide("one/pick", "go", "lena", "legal_counsel")
    assert (await case.outcome())["open_measures"] == 0
    assert bench.kinds().count("measure.undone") == 4


async def test_an_undo_that_fails_is_asked_about(bench: Bench) -> None:
    from temporalio.exceptions import ApplicationError

    from tests.workflows.builder import for_each

    def fail_once(call: dict) -> None:
        if bench.done("content.restore").count(call["path"]) == 1:
            raise ApplicationError("no", type="refused")

    bench.behaviour["content.restore"] = fail_once
    case = await bench.start(
        plan(
            ("one", [for_each("remove", [disable()]), decide("pick", {"go": {}}, COUNSEL)]),
            facts={"annulled": fact("mailbox")},
        ),
        {"urls": ["https://example.test/v/0"]},
    )
    await case.ask("one/pick")
    await case.state_fact("annulled", await bench.now(), "mailbox")
    await case.decide("one/remove[0]/disable!undo!failed", "retry", "carl", "incident_commander")
    await case.until(lambda board: board["measures"][0]["undone_at"])


async def test_a_run_that_stops_finishes_what_it_takes_back(bench: Bench) -> None:
    import asyncio

    from tests.workflows.builder import for_each, stop

    async def slowly(call: dict) -> dict:
        await asyncio.sleep(0.05)
        return {}

    bench.behaviour["content.restore"] = slowly
    urls = [f"https://example.test/v/{number}" for number in range(25)]
    case = await bench.start(
        plan(
            ("one", [for_each("remove", [disable()], at_once=25), decide("pick", {"go": {}}, COUNSEL)]),
            facts={"annulled": fact("mailbox")},
            tracks=[track("no_order", "has(facts.annulled)", [stop("end", "annulled")])],
        ),
        {"urls": urls},
    )
    await case.ask("one/pick")
    await case.state_fact("annulled", await bench.now(), "mailbox")
    result = await case.outcome()
    assert (result["outcome"], result["open_measures"]) == ("annulled", 0)
    assert len(bench.done("content.restore")) == 25


async def test_an_aborted_run_takes_nothing_back(bench: Bench) -> None:
    from tests.workflows.builder import for_each

    case = await bench.start(
        plan(
            ("one", [for_each("remove", [disable()]), decide("pick", {"go": {}}, COUNSEL)]),
            facts={"annulled": fact("mailbox")},
        )
    )
    await case.ask("one/pick")
    await case.control("pause")
    await case.state_fact("annulled", await bench.now(), "mailbox")
    await case.control("abort")
    assert (await case.outcome())["open_measures"] == 4
    assert bench.done("content.restore") == []
