"""Runs of other runbooks: started once, linked both ways, one per item, shared by a key; an incident that moves."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from tests.workflows.bench import URLS, Bench, Case
from tests.workflows.builder import (
    action,
    approval,
    clock,
    decide,
    fact,
    library_of,
    output,
    plan,
    run,
    slot,
    stop,
)
from watchfloor.signing import parse_instant, render_instant
from workflows.addresses import child_id

COUNSEL = slot("legal_counsel")
TEXT = {"inputs": {"url": {"type": "string"}}}


def other(*steps, **more):
    return plan(("c", list(steps)), **{"id": "other", **TEXT, **more})


def start_of(child, *steps, **more):
    return plan(("p", list(steps)), library=library_of(child), **more)


def see(case: Case, incident: str) -> Case:
    handle = case.bench.client.get_workflow_handle(incident)
    return Case(case.bench, handle, {**case.start, "incident": incident})


def decisions_of(case: Case, child, incident: str) -> Case:
    found = see(case, incident)
    found.start["plan"] = next(iter(library_of(child)))
    return found


async def test_an_awaited_run_gives_its_outputs_and_outcome(bench: Bench) -> None:
    bench.behaviour["x"] = lambda call: {"ref": f"r-{call['inputs']['url']}"}
    child = other(action("act", "x", {"url": "${{ inputs.url }}"}), outputs={"ref": output("steps.act.ref")})
    last = {"ref": "${{ steps.go.ref }}", "id": "${{ steps.go.workflow }}", "how": "${{ steps.go.outcome }}"}
    case = await bench.start(start_of(child, run("go", child, with_={"url": "a"}), action("end", "z", last)))
    assert (await case.outcome())["outcome"] == "closed"
    wanted = child_id("inc", case.handle.id, "p/go")
    assert bench.calls[-1]["inputs"] == {"ref": "r-a", "id": wanted, "how": "closed"}
    assert [(one["kind"], one["state"]) for one in (await case.board())["children"]] == [("run", "closed")]
    board = await see(case, wanted).board()
    assert (board["runbook"], board["state"]) == ("other", "closed")
    assert bench.calls[0]["incident"] == wanted
    opened = [entry["data"] for entry in bench.entries if entry["kind"] == "incident.opened"]
    assert [one["requester"] for one in opened] == ["rita", "rita"]


async def test_a_run_that_is_not_awaited_lives_on(bench: Bench) -> None:
    """No time may be skipped here: while the first run's end is awaited, the window of the other's ask would pass."""
    child = other(decide("pick", {"go": {}}, COUNSEL))
    case = await bench.start(start_of(child, run("go", child, wait=False, with_={"url": "a"})))
    assert (await case.outcome(skipping=False))["outcome"] == "closed"
    found = decisions_of(case, child, child_id("inc", case.handle.id, "p/go"))
    await found.decide("c/pick", "go", "lena", "legal_counsel")
    await found.until(lambda board: board["state"] == "closed")


async def test_failures_of_the_other_run_are_failures_of_the_step(bench: Bench) -> None:
    def no(call: dict) -> None:
        raise ApplicationError("no", type="refused", non_retryable=True)

    bench.behaviour["x"] = no
    child = other(action("act", "x"))
    failing = run("go", child, with_={"url": "a"}, catches=[(["failed"], [action("caught", "z")])])
    bad = run("bad", child, with_={"url": 7}, catches=[(["bad_input"], [action("typed", "z")])])
    missing = run("missing", child, catches=[(["bad_input"], [action("named", "z")])])
    case = await bench.start(start_of(child, failing, bad, missing), failed_step_window=60.0)
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done("z") == ["p/go/on_error1/caught", "p/bad/on_error1/typed", "p/missing/on_error1/named"]


async def test_a_denied_run_is_a_denial_and_a_stop_is_an_outcome(bench: Bench) -> None:
    gated = other(action("act", "x", approval=approval(COUNSEL, on_deny="stop")))
    stopped = other(stop("out", "refused"), id="stopper")
    steps = [
        run("two", stopped, with_={"url": "a"}),
        run("one", gated, with_={"url": "a"}, catches=[(["denied"], [action("caught", "z")])]),
        action("end", "z", {"how": "${{ steps.two.outcome }}"}),
    ]
    case = await bench.start(plan(("p", steps), library=library_of(gated, stopped)))
    incident = child_id("inc", case.handle.id, "p/one")
    await case.until(lambda board: any(one["workflow"] == incident for one in board["children"]))
    await decisions_of(case, gated, incident).decide("c/act", "deny", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done("z") == ["p/one/on_error1/caught", "p/end"]
    assert bench.calls[-1]["inputs"] == {"how": "refused"}


async def test_a_retry_starts_another_run(bench: Bench) -> None:
    def no(call: dict) -> None:
        raise ApplicationError("no", type="refused", non_retryable=True)

    bench.behaviour["x"] = no
    child = other(action("act", "x"))
    case = await bench.start(start_of(child, run("go", child, with_={"url": "a"})), failed_step_window=60.0)
    await bench.skip(70)
    await case.ask("p/go!failed")
    bench.behaviour.clear()
    await case.decide("p/go!failed", "retry", "carl", "incident_commander")
    assert (await case.outcome())["outcome"] == "closed"
    assert len({call["incident"] for call in bench.calls}) == 2


async def test_one_run_per_item_also_over_continue_as_new_of_both(lasting: Bench) -> None:
    lasting.behaviour["x"] = lambda call: {"ref": call["inputs"]["url"][-2:]}
    child = other(
        action("act", "x", {"url": "${{ inputs.url }}"}),
        *[action(f"s{number}") for number in range(10)],
        outputs={"ref": output("steps.act.ref")},
    )
    each = run("all", child, each="inputs.urls", with_={"url": "${{ url }}"})
    last = {"rows": "${{ steps.all.results }}", "ok": "${{ steps.all.succeeded }}"}
    urls = [f"https://example.test/v/{number}" for number in range(9)]
    case = await lasting.start(start_of(child, each, action("end", "z", last)), {"urls": urls}, continue_after=40)
    assert (await case.outcome())["outcome"] == "closed"
    inputs = lasting.calls[-1]["inputs"]
    assert [row["ref"] for row in inputs["rows"]] == [url[-2:] for url in urls]
    assert inputs["ok"] == urls
    assert len(lasting.done("x")) == 9
    assert (await case.board())["runs"] >= 1


async def test_two_parents_share_one_run_by_its_key_and_both_hear_its_end(bench: Bench) -> None:
    child = other(decide("pick", {"go": {}}, COUNSEL), outputs={"url": output("inputs.url")})
    given = start_of(child, run("go", child, key="inputs.urls[0]", with_={"url": "${{ inputs.urls[0] }}"}))
    one, two = await bench.start(given), await bench.start(given)
    shared = child_id("inc", "other", URLS[0])
    for case in (one, two):
        await case.until(lambda board: any(each["workflow"] == shared for each in board["children"]))
    await decisions_of(one, child, shared).decide("c/pick", "go", "lena", "legal_counsel")
    for case in (one, two):
        assert (await case.outcome())["outcome"] == "closed"
        assert [each["state"] for each in (await case.board())["children"]] == ["closed"]
    late = await bench.start(given)
    assert (await late.outcome())["outcome"] == "closed"
    assert [each["state"] for each in (await late.board())["children"]] == ["ended"]


async def test_known_at_is_when_the_other_run_s_clocks_begin(bench: Bench) -> None:
    child = other(
        action("act"), facts={"seen": fact("inputs.url", type_="string")}, clocks=[clock("c", "facts.seen.at")]
    )
    known = render_instant(parse_instant(await bench.now()) - timedelta(minutes=20))
    case = await bench.start(
        start_of(
            child,
            run("go", child, known_at="facts.came", with_={"url": "a"}),
            facts={"came": fact("inputs.came")},
        ),
        {"came": known},
    )
    await case.outcome()
    board = await see(case, child_id("inc", case.handle.id, "p/go")).board()
    assert board["clocks"][0]["started_at"] == known


async def test_an_incident_that_moves_takes_its_clocks_and_commander_along(bench: Bench) -> None:
    child = other(
        decide("pick", {"go": {}}, COUNSEL),
        facts={"came": fact("mailbox")},
        clocks=[clock("same", "facts.came")],
        inputs={},
    )
    came = render_instant(parse_instant(await bench.now()) - timedelta(minutes=20))
    own = {"id": "test.other"}
    case = await bench.start(
        start_of(
            child,
            run("go", child, reroute=True),
            action("never", "z"),
            facts={"came": fact("inputs.came")},
            clocks=[
                clock("removal", "facts.came"),
                clock("stays", "facts.came", law={**clock("l", "facts.came")["law"], **own}, on_close="legal_counsel"),
            ],
        ),
        {"came": came},
    )
    result = await case.outcome()
    moved = child_id("inc", case.handle.id, "p/go")
    assert result["outcome"] == "rerouted"
    assert {one["name"]: one["assigned_to"] for one in result["clocks"]} == {"removal": moved, "stays": "legal_counsel"}
    board = await see(case, moved).board()
    assert [(one["name"], one["state"], one["started_at"]) for one in board["clocks"]] == [("same", "running", came)]
    assert (board["commander"]["person"], board["facts"]["came"]["value"]) == ("rita", came)
    assert bench.done("z") == []
