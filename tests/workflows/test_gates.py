"""Approvals, decisions and tasks: who may answer, what is refused, what silence leads to."""

import asyncio

import pytest

from tests.workflows.bench import FACE, STRANGER, Bench
from tests.workflows.builder import action, approval, decide, fact, plan, silence, slot, stop, task
from watchfloor.signing import refuse_grant
from watchfloor.signing.step_up import KEYED, step_up_digest

COUNSEL, SPONSOR, LEAD = slot("legal_counsel"), slot("exec_sponsor"), slot("ops_lead")


def gated(**more: object):
    gate = approval(COUNSEL, SPONSOR, **more)
    return plan(
        ("containment", [action("remove", "content.delete", {"url": "${{ inputs.urls[0] }}"}, approval=gate)]),
        ("after", [action("next", "content.other")]),
    )


async def test_two_people_approve_and_the_grant_covers_the_call(bench: Bench) -> None:
    case = await bench.start(gated())
    ask = await case.ask("containment/remove")
    assert bench.calls == []
    assert ask["inputs"] == {"url": "https://example.test/v/0"}
    receipt = await case.decide("containment/remove", "approve", "lena", "legal_counsel")
    assert (receipt["state"], receipt["waiting_for"]) == ("waiting", ["exec_sponsor"])
    receipt = await case.decide("containment/remove", "approve", "egon", "exec_sponsor")
    assert receipt["state"] == "complete"
    assert (await case.outcome())["outcome"] == "closed"
    call = bench.calls[0]
    assert call["gated"] is True
    refusal = refuse_grant(
        call["grant"],
        action=call["action"],
        key=call["key"],
        inputs=call["inputs"],
        region="us",
        incident=call["incident"],
        plan=call["plan"],
        keys={FACE.kid: FACE.public},
    )
    assert refusal is None
    assert [notice["kind"] for notice in bench.notices] == ["ask"]
    assert bench.kinds().count("decision.recorded") == 2


WRONG = [
    ("lena", "ops_lead", {}, "wrong_role"),
    ("rita", "legal_counsel", {}, "requester"),
    ("lena", "legal_counsel", {"option": "perhaps"}, "unknown_option"),
    ("lena", "legal_counsel", {"ask": "sha256:00"}, "changed"),
    ("lena", "legal_counsel", {"key": STRANGER}, "bad_signature"),
    ("lena", "legal_counsel", {"domain": "watchfloor.control.v1"}, "bad_signature"),
    ("lena", "legal_counsel", {"incident": "inc-other"}, "wrong_run"),
    ("lena", "legal_counsel", {"region": "eu"}, "wrong_run"),
    ("lena", "legal_counsel", {"namespace": "other"}, "wrong_run"),
    ("lena", "legal_counsel", {"plan": "sha256:00"}, "wrong_run"),
    ("lena", "legal_counsel", {"path": "containment/other", "ask": "x"}, "not_waiting"),
    ("lena", "legal_counsel", {"expires_at": "2000-01-01T00:00:00Z"}, "late"),
    ("lena", "legal_counsel", {"issued_at": "2999-01-01T00:00:00Z"}, "bad_signature"),
    ("lena", "legal_counsel", {"issued_at": "yesterday"}, "bad_value"),
    ("lena", "legal_counsel", {"nonce": 7}, "bad_value"),
    ("lena", "legal_counsel", {"form": {"x": 1}}, "bad_form"),
    ("mallory", "legal_counsel", {}, "excluded"),
]


async def test_a_wrong_decision_is_refused_before_it_is_accepted(bench: Bench) -> None:
    case = await bench.start(gated(exclude=["mallory"]))
    await case.ask("containment/remove")
    for person, role, more, why in WRONG:
        fields = {"path": "containment/remove", "option": "approve", **more}
        path, option = fields.pop("path"), fields.pop("option")
        assert await case.refused_decision(path, option, person, role, **fields) == why, (person, role, more)
    assert "WORKFLOW_EXECUTION_UPDATE_ACCEPTED" not in await case.events()
    assert bench.calls == []
    assert (await case.ask("containment/remove"))["answers"] == []


async def test_nobody_counts_twice_and_no_statement_is_taken_twice(bench: Bench) -> None:
    case = await bench.start(gated())
    statement = await case.statement("containment/remove", "approve", "lena", "legal_counsel")
    await case.send("decide", statement)
    assert await case.refused("decide", statement) == "repeated"
    again = await case.statement("containment/remove", "approve", "lena", "exec_sponsor")
    assert await case.refused("decide", again) == "repeated"
    same_seat = await case.statement("containment/remove", "approve", "louis", "legal_counsel")
    assert await case.refused("decide", same_seat) == "wrong_role"
    await case.decide("containment/remove", "approve", "egon", "exec_sponsor")
    await case.outcome()


async def test_two_statements_in_one_task_count_once(bench: Bench) -> None:
    case = await bench.start(gated())
    statements = [
        await case.statement("containment/remove", "approve", person, "legal_counsel") for person in ("lena", "louis")
    ]
    results = await asyncio.gather(*(case.send("decide", one) for one in statements), return_exceptions=True)
    assert sum(isinstance(one, dict) for one in results) == 1
    assert len((await case.ask("containment/remove"))["answers"]) == 1


@pytest.mark.parametrize(
    ("on_deny", "outcome", "calls"),
    [
        ("stop", "denied", []),
        ([action("tell", "notify.email")], "closed", ["containment/remove/on_deny/tell", "after/next"]),
    ],
)
async def test_one_no_denies_and_the_written_path_is_taken(
    bench: Bench, on_deny: object, outcome: str, calls: list[str]
) -> None:
    case = await bench.start(gated(on_deny=on_deny))
    await case.decide("containment/remove", "deny", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == outcome
    assert bench.done() == calls


async def test_a_denial_that_fails_the_step_is_asked_about(bench: Bench) -> None:
    case = await bench.start(gated(on_deny="fail"))
    await case.decide("containment/remove", "deny", "egon", "exec_sponsor")
    ask = await case.ask("containment/remove!failed")
    assert ask["shown"][0]["value"] == "denied"
    await case.decide("containment/remove!failed", "retry", "carl", "incident_commander")
    old = ask["ask"]
    fresh = await case.ask("containment/remove")
    assert fresh["round"] == 1
    assert fresh["ask"] != old


async def test_reminders_then_the_ladder_then_silence(bench: Bench) -> None:
    quiet = silence("deputy", "exec_sponsor", rung=120, then=[action("safe", "content.probe")])
    case = await bench.start(gated(within=600.0, remind=[300.0], on_silence=quiet))
    ask = await case.ask("containment/remove")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done() == ["containment/remove/on_silence/safe", "after/next"]
    assert [(one["kind"], one["roles"]) for one in bench.notices] == [
        ("ask", ["legal_counsel", "exec_sponsor"]),
        ("remind", ["legal_counsel", "exec_sponsor"]),
        ("escalate", ["deputy"]),
        ("escalate", ["exec_sponsor"]),
    ]
    silent = next(entry for entry in bench.entries if entry["kind"] == "decision.silent")
    assert silent["at"] >= ask["deadline_at"]
    assert silent["data"]["deadline_at"] == ask["deadline_at"]


async def test_a_decision_on_the_ladder_still_counts(bench: Bench) -> None:
    case = await bench.start(gated(within=600.0, on_silence=silence("deputy", rung=600)))
    await case.decide("containment/remove", "approve", "lena", "legal_counsel")
    await bench.skip(700)
    await case.decide("containment/remove", "approve", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "closed"
    assert bench.done("content.delete") == ["containment/remove"]


async def test_a_late_signal_becomes_a_refusal_in_the_ledger(bench: Bench) -> None:
    case = await bench.start(
        plan(("one", [decide("pick", {"a": {}}, COUNSEL, on_silence=silence(then=[]))]), ("two", [task("wait", {})]))
    )
    late = await case.statement("one/pick", "a", "lena", "legal_counsel")
    await bench.skip(601)
    await case.ask("two/wait")
    await case.handle.signal("decide_later", late)
    await case.until(lambda _: "decision.refused" in bench.kinds())
    refused = next(entry for entry in bench.entries if entry["kind"] == "decision.refused")
    assert refused["data"]["why"] == "late"
    assert await case.refused("decide", late) == "late"


async def test_a_signal_carries_the_same_decision(bench: Bench) -> None:
    case = await bench.start(gated())
    for person, role in (("lena", "legal_counsel"), ("egon", "exec_sponsor")):
        await case.handle.signal("decide_later", await case.statement("containment/remove", "approve", person, role))
    assert (await case.outcome())["outcome"] == "closed"
    assert len(bench.calls[0]["grant"]["decisions"]) == 2


async def test_changed_inputs_void_what_was_approved(bench: Bench) -> None:
    gate = approval(COUNSEL, SPONSOR)
    case = await bench.start(
        plan(
            ("one", [action("remove", "content.delete", {"to": "${{ facts.seen }}"}, approval=gate)]),
            facts={"seen": fact("inputs.seen", "mailbox", revise={"by": ["legal_counsel"], "reason": "optional"})},
        ),
        {"seen": "2026-11-22T00:00:00Z"},
    )
    first = await case.ask("one/remove")
    await case.decide("one/remove", "approve", "lena", "legal_counsel")
    await case.state_fact("seen", "2026-11-21T00:00:00Z", "mailbox", person="lena", role="legal_counsel")
    await case.decide("one/remove", "approve", "egon", "exec_sponsor")
    board = await case.until(lambda one: any(ask.get("round") == 1 for ask in one["asks"]))
    second = board["asks"][0]
    assert second["ask"] != first["ask"]
    assert second["inputs"] == {"to": "2026-11-21T00:00:00Z"}
    assert bench.calls == []
    stale = await case.refused_decision("one/remove", "approve", "lena", "legal_counsel", ask=first["ask"])
    assert stale == "changed"
    await case.decide("one/remove", "approve", "lena", "legal_counsel")
    await case.decide("one/remove", "approve", "egon", "exec_sponsor")
    await case.outcome()
    assert bench.calls[0]["inputs"] == {"to": "2026-11-21T00:00:00Z"}


async def test_an_option_with_also_needs_both_people(bench: Bench) -> None:
    options = {
        "clarify": {"steps": [action("ask", "authority.clarify")]},
        "refuse": {"also": [SPONSOR], "steps": [stop("refused", "refused")]},
    }
    case = await bench.start(plan(("one", [decide("doubt", options, COUNSEL)])))
    receipt = await case.decide("one/doubt", "refuse", "lena", "legal_counsel")
    assert receipt["waiting_for"] == ["exec_sponsor"]
    assert await case.refused_decision("one/doubt", "clarify", "egon", "exec_sponsor") == "wrong_role"
    await case.decide("one/doubt", "refuse", "egon", "exec_sponsor")
    assert (await case.outcome())["outcome"] == "refused"


async def test_a_decision_takes_its_options_steps_and_gives_who(bench: Bench) -> None:
    options = {"a": {"steps": [action("did_a", "content.other")]}, "b": {"steps": [action("did_b")]}}
    case = await bench.start(
        plan(("one", [decide("pick", options, COUNSEL), action("then", "x", {"by": "${{ steps.pick.by }}"})]))
    )
    await case.decide("one/pick", "a", "lena", "legal_counsel")
    await case.outcome()
    assert bench.done() == ["one/pick/a/did_a", "one/then"]
    assert bench.calls[1]["inputs"] == {"by": "lena"}
    settled = await case.board()
    assert settled["asks"] == []


async def test_a_decided_ask_says_so_to_whoever_comes_later(bench: Bench) -> None:
    case = await bench.start(plan(("one", [decide("pick", {"a": {}}, COUNSEL)]), ("two", [task("wait", {})])))
    late = await case.statement("one/pick", "a", "louis", "legal_counsel")
    await case.decide("one/pick", "a", "lena", "legal_counsel")
    await case.ask("two/wait")
    assert await case.refused("decide", late) == "not_waiting"


FORM = {
    "count": {"type": "int", "min": 0},
    "seen_at": {"type": "timestamp"},
    "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
    "note": {"type": "ref", "optional": True},
}


UNFIT = [
    {},
    {"count": "3", "seen_at": "2026-11-22T00:00:00Z"},
    {"count": True, "seen_at": "2026-11-22T00:00:00Z"},
    {"count": -1, "seen_at": "2026-11-22T00:00:00Z"},
    {"count": 3, "seen_at": "noon"},
    {"count": 3, "seen_at": "2026-11-22T00:00:00Z", "kind": "c"},
    {"count": 3, "seen_at": "2026-11-22T00:00:00Z", "more": 1},
]


async def test_a_form_that_does_not_fit_is_refused(bench: Bench) -> None:
    case = await bench.start(plan(("one", [task("report", FORM)])))
    for form in UNFIT:
        assert await case.refused_decision("one/report", "done", "olga", "ops_lead", form=form) == "bad_form", form


async def test_a_tasks_form_is_its_outputs(bench: Bench) -> None:
    case = await bench.start(
        plan(
            ("one", [task("report", FORM, records={"seen": "steps.report.seen_at"})]),
            ("two", [action("use", with_={"kind": "${{ steps.report.kind }}"})]),
            facts={"seen": fact("steps.report")},
        )
    )
    form = {"count": 3, "seen_at": "2026-11-22T00:00:00Z"}
    await case.decide("one/report", "done", "olga", "ops_lead", form=form)
    await case.outcome()
    assert bench.calls[0]["inputs"] == {"kind": "a"}
    assert (await case.board())["facts"]["seen"]["value"] == "2026-11-22T00:00:00Z"


async def test_a_silent_decide_takes_no_option(bench: Bench) -> None:
    case = await bench.start(
        plan(("one", [decide("pick", {"a": {"steps": [action("did_a")]}}, COUNSEL, on_error="continue")]))
    )
    await case.outcome()
    assert bench.calls == []
    assert (await case.board())["steps"][0]["state"] == "failed"


async def test_a_notice_that_reaches_nobody_is_written_down_and_the_ask_stands(bench: Bench) -> None:
    bench.behaviour["people.notify"] = lambda call: {"delivered": [], "failed": ["email"]}
    case = await bench.start(plan(("one", [decide("pick", {"a": {}}, COUNSEL)])))
    await case.until(lambda _: "notice.failed" in bench.kinds())
    await case.decide("one/pick", "a", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"


async def test_where_a_region_has_a_sign_in_a_disclosure_needs_a_security_key(bench: Bench) -> None:
    """The need is pinned when the run starts; the statement must say that a key was touched for exactly this."""
    inputs = {"order_id": "DE-1", "effect_at": "2026-11-22T03:00:00Z", "removed": 1}
    told = plan(("report", [action("tell", "authority.reply", inputs, effect="discloses", approval=approval(COUNSEL))]))
    case = await bench.start(told, keyed=list(KEYED))
    ask = await case.ask("report/tell")
    assert ask["keyed"] == ["approve"]
    now = await bench.now()
    over = step_up_digest(ask["ask"], "approve", "lena")
    touched = {"credential": "sha256:c", "over": over, "at": now, "assertion": "sha256:a"}
    for more, why in (
        ({"signed_in": "oidc"}, "security_key"),
        ({"signed_in": "oidc", "step_up": touched}, "security_key"),
        ({"signed_in": "webauthn"}, "security_key"),
        ({"signed_in": "webauthn", "step_up": {**touched, "over": "sha256:00"}}, "security_key"),
        ({"signed_in": "webauthn", "step_up": "yes"}, "bad_value"),
        ({"signed_in": "oidc", "amr": "pwd"}, "bad_value"),
    ):
        assert await case.refused_decision("report/tell", "approve", "lena", "legal_counsel", **more) == why, more
    assert bench.calls == []
    how = {"signed_in": "webauthn", "step_up": touched, "amr": ["pwd"], "issued_at": now}
    await case.decide("report/tell", "approve", "lena", "legal_counsel", **how)
    assert (await case.outcome())["outcome"] == "closed"
    (call,) = bench.calls
    assert call["grant"]["asked"]["keyed"] == ["approve"]
    said = next(entry["data"] for entry in bench.entries if entry["kind"] == "decision.recorded")
    assert (said["signed_in"], said["amr"], said["step_up"]) == ("webauthn", ["pwd"], touched)


async def test_without_a_sign_in_of_its_own_a_region_asks_for_no_key(bench: Bench) -> None:
    told = plan(("report", [action("tell", "authority.reply", {}, effect="discloses", approval=approval(COUNSEL))]))
    case = await bench.start(told)
    assert "keyed" not in await case.ask("report/tell")
    await case.decide("report/tell", "approve", "lena", "legal_counsel")
    assert (await case.outcome())["outcome"] == "closed"
