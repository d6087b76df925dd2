"""What people did outside a run is not done again; it counts with its real time, by two where the tier says so."""

from typing import Any

import pytest

from schemas.decision import CONTROL, FACT
from schemas.ledger import EntryKind
from tests.workflows.bench import FACE, STRANGER, URLS, Bench, Case
from tests.workflows.builder import action, approval, clock, decide, fact, for_each, plan, repeat, slot, task, undo
from watchfloor.signing import sign

THEN = "2020-01-01T03:00:00Z"
GATE = "one/remove"
RESTORE = undo("content.restore", ["annulled"], {"url": "x"})
STAMPED = {"disabled_at": {"type": "timestamp"}}


def about(path: str, outputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"path": path, "done_at": THEN, "by": ["olga"], "witnesses": ["wim"], "outputs": outputs or {}, **more}


async def record(case: Case, path: str, outputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return await case.control("record_outside", about=about(path, outputs), **more)


async def refused(case: Case, said: dict[str, Any], role: str = "incident_commander", **more: Any) -> str:
    return await case.refused("control", await case.control_statement("record_outside", role, about=said, **more))


def noted(bench: Bench, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in bench.entries if entry["kind"] == kind]


def gated(*slots: str, **more: Any) -> Any:
    gate = approval(*(slot(name) for name in slots), within=86_400.0)
    return action("remove", "content.disable", {"url": "x"}, approval=gate, effect="restricts", undo=RESTORE, **more)


async def test_a_gate_that_waits_ends_and_the_action_is_never_called(bench: Bench) -> None:
    after = action("after", "content.probe", {"at": "${{ steps.remove.at }}"})
    stay = decide("stay", {"go": {}}, slot("ops_lead"), within=86_400.0)
    case = await bench.start(plan(("one", [gated("legal_counsel"), after, stay]), facts={"annulled": fact("desk")}))
    ask = (await case.ask(GATE))["ask"]
    await record(case, GATE)
    await case.ask("one/stay")
    assert await case.refused_decision(GATE, "approve", "lena", "legal_counsel", ask=ask) == "not_waiting"
    await case.decide("one/stay", "go", "olga", "ops_lead")
    assert (await case.outcome())["outcome"] == "closed"
    (call,) = bench.calls
    assert (call["path"], call["inputs"]) == ("one/after", {"at": THEN})
    (done,) = noted(bench, EntryKind.OUTSIDE_DONE)
    assert (done["actor"], done["data"]["done_at"], done["data"]["by"]) == ("carl", THEN, ["olga"])
    assert done["at"] > THEN
    (counted,) = noted(bench, EntryKind.OUTSIDE_COUNTED)
    assert (counted["path"], counted["data"]["action"]) == (GATE, "content.disable")


async def test_a_restriction_done_outside_is_in_force_since_then_and_is_taken_back(bench: Bench) -> None:
    stay = decide("stay", {"go": {}}, slot("ops_lead"), within=86_400.0)
    case = await bench.start(plan(("one", [gated("legal_counsel"), stay]), facts={"annulled": fact("desk")}))
    await case.ask(GATE)
    await record(case, GATE)
    await case.ask("one/stay")
    (measure,) = (await case.board())["measures"]
    assert (measure["in_force_since"], measure["undo"]) == (THEN, "content.restore")
    await case.state_fact("annulled", await bench.now(), "desk")
    await case.until(lambda board: board["measures"][0]["undone_at"] is not None)
    assert bench.done() == [f"{GATE}!undo"]
    await case.decide("one/stay", "go", "olga", "ops_lead")
    await case.outcome()


async def test_what_comes_with_the_start_counts_before_the_first_step_and_its_clock_was_never_missed(
    bench: Bench,
) -> None:
    look = repeat(
        "probe", "last.look.all_gone", [action("look", outputs=LOOK)], records={"verified": "last.look.seen_at"}
    )
    built = plan(
        ("one", [for_each("all", [action("disable", "content.disable", outputs=STAMPED)]), look]),
        facts={"received": fact("desk"), "verified": fact("steps.probe")},
        clocks=[clock("removal", "facts.received", "facts.verified")],
    )
    seen = {"all_gone": True, "seen_at": "2020-01-01T03:20:00Z"}
    said = [
        about("one/all[*]/disable", {"disabled_at": THEN}),
        about("one/probe[1]/look", seen, done_at="2020-01-01T03:20:00Z"),
    ]
    case = await started(bench, built, said, received="2020-01-01T02:30:00Z")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.calls == []
    assert len(noted(bench, EntryKind.OUTSIDE_COUNTED)) == len(URLS) + 1
    kinds = bench.kinds()
    assert "clock.breached" not in kinds
    assert "clock.warned" not in kinds
    (stopped,) = noted(bench, "clock.stopped")
    assert (stopped["data"]["state"], stopped["data"]["stopped_at"]) == ("met", "2020-01-01T03:20:00Z")


async def test_a_clock_that_was_met_on_paper_is_not_missed_while_the_run_does_what_was_not_recorded(
    bench: Bench,
) -> None:
    built = plan(
        ("one", [action("first"), action("look", outputs=LOOK, records={"verified": "steps.look.seen_at"})]),
        facts={"received": fact("desk"), "verified": fact("steps.look")},
        clocks=[clock("removal", "facts.received", "facts.verified")],
    )
    seen = {"all_gone": True, "seen_at": "2020-01-01T03:20:00Z"}
    said = [about("one/look", seen, done_at="2020-01-01T03:20:00Z")]
    case = await started(bench, built, said, received="2020-01-01T02:30:00Z")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["one/first"]
    assert "clock.breached" not in bench.kinds()


async def test_a_clock_that_was_missed_is_told_though_a_record_is_never_come_to(bench: Bench) -> None:
    stay = decide("stay", {"go": {}, "leave": {"steps": [action("look")]}}, slot("ops_lead"), within=86_400.0)
    built = plan(
        ("one", [stay]),
        facts={"received": fact("desk"), "verified": fact("desk")},
        clocks=[clock("removal", "facts.received", "facts.verified")],
    )
    case = await started(bench, built, [about("one/stay/leave/look")], received="2020-01-01T02:30:00Z")
    await case.ask("one/stay")
    await bench.skip(301)
    await case.until(lambda board: board["clocks"][0]["state"] == "breached")
    await case.decide("one/stay", "go", "olga", "ops_lead")
    await case.outcome()


LOOK = {"all_gone": {"type": "bool"}, "seen_at": {"type": "timestamp"}}


async def started(bench: Bench, built: Any, said: list[dict[str, Any]], received: str = "", **more: Any) -> Case:
    """A run with what was done by hand in its start, signed for the id that it will have."""
    incident = f"inc-{len(bench.handles)}-by-hand"
    now = await bench.now()
    common = {"v": 1, "region": "us", "namespace": bench.client.namespace, "incident": incident, "issued_at": now}
    key = more.pop("key", FACE)
    envelopes = [
        dict(
            sign(
                CONTROL,
                {
                    **common,
                    "verb": more.get("verb", "record_outside"),
                    "person": "carl",
                    "role": "incident_commander",
                    "expires_at": "2999-01-01T00:00:00Z",
                    "nonce": f"{incident}-{nth}",
                    "reason_ref": "sha256:00",
                    "about": one,
                },
                key,
            )
        )
        for nth, one in enumerate(said)
    ]
    if received:
        body = {
            **common,
            "fact": "received",
            "value": received,
            "at": received,
            "source": "desk",
            "person": "carl",
            "role": "incident_commander",
            "nonce": f"{incident}-fact",
            "reason_ref": "",
        }
        envelopes.insert(0, dict(sign(FACT, body, key)))
    return await bench.start(built, incident=incident, by_hand=envelopes)


@pytest.mark.parametrize("more", [{"key": STRANGER}, {"verb": "abort"}])
async def test_a_start_whose_record_does_not_count_begins_paused_and_does_nothing(
    bench: Bench, more: dict[str, Any]
) -> None:
    case = await started(bench, plan(("one", [action("disable")])), [about("one/disable")], **more)
    board = await case.until(lambda board: board["state"] == "paused")
    assert board["steps"] == []
    await bench.skip(3600)
    assert bench.calls == []
    assert noted(bench, "decision.refused")
    await case.control("resume")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["one/disable"]


async def test_two_seats_want_a_second_person_and_until_then_nothing_acts_and_nothing_counts(bench: Bench) -> None:
    case = await bench.start(plan(("one", [gated("legal_counsel", "exec_sponsor")]), facts={"annulled": fact("desk")}))
    before = (await case.ask(GATE))["ask"]
    await record(case, GATE)
    ask = await case.ask(f"{GATE}!outside")
    board = await case.board()
    assert [one["path"] for one in board["asks"]] == [f"{GATE}!outside"], "the gate waits no more"
    assert board["outside"][0]["state"] == "proposed"
    assert await case.refused_decision(GATE, "approve", "lena", "legal_counsel", ask=before) == "not_waiting"
    assert await case.refused_decision(ask["path"], "confirm", "carl", "incident_commander") == "excluded"
    await bench.skip(4000)
    again = await case.until(lambda board: board["asks"] and board["asks"][0]["ask"] != ask["ask"])
    assert again["outside"][0]["state"] == "proposed", "silence confirms nothing"
    await case.decide(ask["path"], "confirm", "dora", "deputy")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.calls == []
    (done,) = noted(bench, EntryKind.OUTSIDE_DONE)
    assert done["data"]["confirmed_by"] == "dora"


async def test_what_is_refuted_is_asked_anew_and_done_only_with_its_approvals(bench: Bench) -> None:
    case = await bench.start(plan(("one", [gated("legal_counsel", "exec_sponsor")]), facts={"annulled": fact("desk")}))
    before = (await case.ask(GATE))["ask"]
    await record(case, GATE)
    await case.ask(f"{GATE}!outside")
    await case.decide(f"{GATE}!outside", "refute", "dora", "deputy")
    ask = await case.ask(GATE)
    assert ask["ask"] != before, "an answer to the old ask fits no more"
    await case.decide(GATE, "approve", "lena", "legal_counsel")
    await case.decide(GATE, "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == [GATE]
    assert noted(bench, EntryKind.OUTSIDE_REFUTED)[0]["data"]["refuted_by"] == "dora"
    assert not noted(bench, EntryKind.OUTSIDE_DONE)


async def test_a_failed_step_that_somebody_did_by_hand_goes_on(bench: Bench) -> None:
    def fail(call: dict[str, Any]) -> Any:
        from temporalio.exceptions import ApplicationError

        raise ApplicationError("no", type="refused", non_retryable=True)

    bench.behaviour["content.disable"] = fail
    case = await bench.start(plan(("one", [action("remove", "content.disable", outputs=STAMPED)])))
    await case.ask(f"{GATE}!failed")
    await record(case, GATE, {"disabled_at": THEN})
    assert (await case.outcome())["outcome"] == "closed"
    assert len(bench.calls) == 1


async def test_a_task_done_outside_gives_its_form(bench: Bench) -> None:
    form = {"informed_at": {"type": "timestamp"}}
    tell = task("tell", form, assignee="le_liaison", records={"informed": "steps.tell.informed_at"})
    case = await bench.start(plan(("one", [tell]), facts={"informed": fact("steps.tell")}))
    await case.ask("one/tell")
    assert await refused(case, about("one/tell")) == "bad_form"
    assert await refused(case, about("one/tell", {"informed_at": THEN}), "comms_lead") == "wrong_role"
    await record(case, "one/tell", {"informed_at": THEN}, role="le_liaison")
    await case.outcome()
    assert (await case.board())["facts"]["informed"]["value"] == THEN


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (about("one/nothing"), "bad_value"),
        (about("one/later"), "bad_form"),
        (about("one/stay"), "bad_value"),
        (about("one/all/each"), "bad_value"),
        (about("one/rounds[*]/again"), "bad_value"),
        (about("one/first"), "late"),
        (about("one/all[0]/each", done_at="2999-01-01T00:00:00Z"), "bad_value"),
        (about("one/all[0]/each", done_at="then"), "bad_value"),
        (about("one/all[0]/each", by=[]), "bad_value"),
        (about("one/all[0]/each", by=["Olga Person"]), "bad_value"),
        (about("one/all[0]/each", {"more": 1}), "bad_form"),
        (about("one/later", {"disabled_at": "soon"}), "bad_form"),
        ({**about("one/all[0]/each"), "quietly": True}, "bad_value"),
        (about("one/all[0]/each\x1b[31m"), "bad_value"),
    ],
)
async def test_what_makes_no_sense_is_refused(bench: Bench, said: dict[str, Any], why: str) -> None:
    steps = [
        action("first"),
        decide("stay", {"go": {}}, slot("ops_lead"), within=86_400.0),
        action("later", outputs=STAMPED),
        for_each("all", [action("each")]),
        repeat("rounds", "last.again.ok", [action("again")]),
    ]
    case = await bench.start(plan(("one", steps)))
    await case.ask("one/stay")
    assert await refused(case, said) == why
    assert await refused(case, said, reason_ref="") == "bad_value"
    await case.decide("one/stay", "go", "olga", "ops_lead")
    await case.outcome()
    assert "one/later" in bench.done()


async def test_the_same_thing_is_recorded_once(bench: Bench) -> None:
    stay = decide("stay", {"go": {}}, slot("ops_lead"), within=86_400.0)
    case = await bench.start(plan(("one", [stay, for_each("all", [action("each")])])))
    await case.ask("one/stay")
    await record(case, "one/all[2]/each")
    assert await refused(case, about("one/all[2]/each")) == "repeated"
    await case.decide("one/stay", "go", "olga", "ops_lead")
    await case.outcome()
    assert sorted(bench.done()) == [f"one/all[{nth}]/each" for nth in (0, 1, 3)]


async def test_a_decision_on_paper_is_a_record_and_fills_no_seat(bench: Bench) -> None:
    case = await bench.start(plan(("one", [gated("legal_counsel")]), facts={"annulled": fact("desk")}))
    await case.ask(GATE)
    said = {
        "step": "remove",
        "option": "approve",
        "by": "lena",
        "as": "legal_counsel",
        "decided_at": THEN,
        "witnesses": ["wim"],
    }
    await case.control("record_decision", about=said)
    board = await case.board()
    assert [ask["path"] for ask in board["asks"]] == [GATE]
    assert board["asks"][0]["answers"] == []
    assert board["on_paper"][0]["decided_at"] == THEN
    wrong = await case.control_statement("record_decision", about={**said, "option": "perhaps"})
    assert await case.refused("control", wrong) == "unknown_option"
    assert bench.calls == []
    await case.decide(GATE, "approve", "lena", "legal_counsel")
    await case.outcome()
    assert bench.done() == [GATE]
    (told,) = noted(bench, EntryKind.OUTSIDE_DECIDED)
    assert (told["actor"], told["data"]["by"], told["data"]["decided_at"]) == ("carl", "lena", THEN)


async def test_a_proposal_outlives_continuing_as_new(lasting: Bench) -> None:
    stay = decide("stay", {"go": {}}, slot("ops_lead"), within=86_400.0)
    steps = [stay, for_each("all", [action("each")], at_once=1), gated("legal_counsel", "exec_sponsor")]
    case = await lasting.start(plan(("one", steps), facts={"annulled": fact("desk")}), continue_after=40)
    await case.ask("one/stay")
    await record(case, GATE)
    await case.ask(f"{GATE}!outside")
    await case.decide("one/stay", "go", "olga", "ops_lead")
    await case.until(lambda board: board["runs"] > 0 and len(lasting.done("content.probe")) == len(URLS))
    await case.decide(f"{GATE}!outside", "confirm", "dora", "deputy")
    board = await case.until(lambda board: board["state"] not in {"open", "paused"})
    assert board["outcome"] == "closed"
    assert lasting.done("content.disable") == []
