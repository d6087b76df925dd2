"""Around every activity of a worker, and the engine's own activities: notices, entries, anchors, snapshots."""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.assembly import assemble, interceptors
from activities.catalog import CATALOG, INTERNAL
from activities.ledger import anchors_hold
from schemas.actions import ErrorType
from schemas.ledger import EntryKind
from watchfloor.connections.messages import mail_of
from watchfloor.connections.port import Notice
from watchfloor.identity.reached import Reached
from watchfloor.ledger import open_checkpoint
from watchfloor.signing import canonical


class Innermost(ActivityInboundInterceptor):
    def __init__(self) -> None:
        pass

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await input.fn(*input.args)


def activity_of(world: Any, name: str) -> Callable[..., Any]:
    found = {one.__temporal_activity_definition.name: one for one in assemble(world.deps)}
    return found[name]


async def work(world: Any, name: str, argument: Any, *, attempt: int = 1, details: Any = ()) -> Any:
    """Run an activity as the worker does: by its name, inside the interceptors."""
    (interceptor,) = interceptors(world.deps)
    inbound = interceptor.intercept_activity(Innermost())
    environment = ActivityEnvironment()
    environment.info = environment.info.__class__(
        **{**environment.info.__dict__, "activity_type": name, "attempt": attempt, "heartbeat_details": details}
    )
    beats: list[Any] = []
    environment.on_heartbeat = lambda *values: beats.append(values)
    world.beats = beats
    given = ExecuteActivityInput(fn=activity_of(world, name), args=[argument], executor=None, headers={})
    return await environment.run(inbound.execute_activity, given)


def notify_call(**changes: Any) -> dict[str, Any]:
    return {
        "v": 1, "kind": "ask", "region": "eu", "workflow": "inc-a", "incident": "inc-a", "path": "triage/doubt",
        "step": "doubt", "roles": ["ops_lead"], "severity": "S1", "deadline_at": "2026-11-22T04:00:00Z", "clock": "",
        "key": "n" * 64, "entries": [], **changes,
    }  # fmt: skip


@pytest.fixture
def w(world: Any) -> Any:
    class Loose:
        pass

    built = world()
    loose = Loose()
    loose.__dict__ = {
        "deps": built.deps,
        "target": built.target,
        "clock": built.clock,
        "connections": built.connections,
    }
    return loose


def test_every_action_and_engine_activity_is_registered_once(w: Any) -> None:
    names = [one.__temporal_activity_definition.name for one in assemble(w.deps)]
    assert len(names) == len(set(names))
    engine = {"people.notify", "ledger.append", "ledger.anchor", "handoff.post", "handoff.answer", "postmortem.draft"}
    assert {*CATALOG, *INTERNAL} | engine <= set(names)


async def test_an_action_is_announced_by_the_interceptor(w: Any, call_of: Any, entry_of: Any) -> None:
    receipt = await work(w, "content.disable", call_of(entries=[entry_of(1)]))
    assert receipt["resolved"] == "called"
    assert [entry["kind"] for entry in w.deps.ledger.read("inc-a")] == [
        "fact.recorded",
        EntryKind.ANNOUNCED,
        EntryKind.DONE,
    ]


async def test_what_is_announced_is_the_activity_that_was_scheduled_not_what_the_argument_says(
    w: Any, call_of: Any
) -> None:
    with pytest.raises(ApplicationError) as caught:
        await work(w, "content.delete", call_of())
    assert caught.value.type in {ErrorType.BAD_INPUT, ErrorType.NO_GRANT}
    assert w.target.requests == []


async def test_entries_that_ride_with_a_notice_are_in_the_ledger_first(w: Any, entry_of: Any) -> None:
    w.target.script = ["refuse"] * 20
    await work(w, "people.notify", notify_call(entries=[entry_of(1)]))
    assert [entry["id"] for entry in w.deps.ledger.read("inc-a")] == ["inc-a:1"]


async def test_entries_are_flushed_by_the_local_activity_and_a_repeat_does_nothing(w: Any, entry_of: Any) -> None:
    call = {"v": 1, "region": "eu", "entries": [entry_of(1), entry_of(2)]}
    assert await work(w, "ledger.append", call) == 2
    assert await work(w, "ledger.append", call) == 2
    assert len(list(w.deps.ledger.read("inc-a"))) == 2


async def test_what_is_no_entry_is_refused_for_good(w: Any, entry_of: Any) -> None:
    with pytest.raises(ApplicationError) as caught:
        await work(w, "ledger.append", {"v": 1, "region": "eu", "entries": [{**entry_of(1), "at": "soon"}]})
    assert (caught.value.type, caught.value.non_retryable) == (ErrorType.BAD_INPUT, True)


async def test_a_role_is_told_on_all_its_channels_and_each_knows_the_delivery_by_an_id_of_its_own(w: Any) -> None:
    receipt = await work(w, "people.notify", notify_call())
    assert receipt == {"delivered": ["bell", "room"], "failed": []}
    by_path = {request["path"]: request for request in w.target.requests}
    hook, bell = by_path["/room"], by_path["/bell"]
    assert hook["headers"]["webhook-id"] != bell["headers"]["idempotency-key"]
    signed = {name: value for name, value in hook["headers"].items() if name.startswith("webhook-")}
    assert set(signed) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert hook["body"] == bell["body"]
    assert hook["body"] == {
        "type": "watchfloor.notice", "about": "ask", "severity": "S1", "region": "eu", "incident": "inc-a",
        "step": "doubt", "path": "triage/doubt", "roles": ["ops_lead"], "due_at": "2026-11-22T04:00:00Z",
    }  # fmt: skip


async def test_who_is_told_is_found_when_the_notice_goes_out_and_a_gap_is_named_in_the_receipt(w: Any) -> None:
    now = [Reached("ops_lead", ("ops-1",), ("room",), "on_call")]
    w.deps = dataclasses.replace(w.deps, contacts=lambda _role: now[-1])
    assert await work(w, "people.notify", notify_call(key="1" * 64)) == {"delivered": ["room"], "failed": []}
    now.append(Reached("ops_lead", ("ops-1", "ops-2"), ("room", "bell"), "nobody_on_call"))
    assert await work(w, "people.notify", notify_call(key="2" * 64)) == {
        "delivered": ["bell", "room"],
        "failed": [],
        "fell_back": ["ops_lead"],
    }


async def test_a_rung_to_the_backup_reaches_who_else_holds_the_role(w: Any) -> None:
    first = Reached("ops_lead", ("ops-1",), ("room",), "on_call")
    others = Reached("ops_lead", ("ops-2",), ("bell",), "on_call")
    w.deps = dataclasses.replace(w.deps, contacts=lambda _role: first, backups=lambda _role: others)
    climbed = notify_call(kind="page_climbed", page="p1", alerts=["p1.1"], rung=1, backup=True)
    assert await work(w, "people.notify", climbed) == {"delivered": ["bell"], "failed": []}
    assert w.target.requests[0]["body"]["rung"] == 1


async def test_a_task_for_a_person_is_told_on_their_own_channels_only_and_by_role_where_they_have_none(w: Any) -> None:
    both = Reached(
        "ops_lead", ("ops-1", "ops-2"), ("room", "bell"), "on_call", {"ops-1": ("room",), "ops-2": ("bell",)}
    )
    own = {"ops-1": ("room",)}
    w.deps = dataclasses.replace(
        w.deps, contacts=lambda _role: both, backups=lambda _role: both, own=lambda one: own.get(one, ())
    )

    async def told(number: int, **changes: Any) -> list[str]:
        receipt = await work(w, "people.notify", notify_call(key=str(number) * 64, **changes))
        return list(receipt["delivered"])

    assert await told(1, person="ops-1", roles=["ops_lead", "comms_lead"]) == ["room"]
    assert await told(2, person="ops-1", kind="page_climbed", backup=True, page="p1", alerts=["p1.1"]) == ["room"]
    assert await told(3, person="ops-9") == ["bell", "room"]
    assert await told(4, person="ops-1", excluded=["ops-1"]) == ["bell"]


async def test_the_receipt_names_whom_it_really_reached_and_nobody_who_stands_aside(w: Any) -> None:
    own = {"ops-1": ("room",), "ops-2": ("bell",), "ops-3": ("room",), "ops-4": ()}
    four = Reached("ops_lead", tuple(own), ("room", "bell"), "no_rota", own)
    w.deps = dataclasses.replace(w.deps, contacts=lambda _role: four)
    receipt = await work(w, "people.notify", notify_call(key="1" * 64))
    assert receipt["people"] == {"ops_lead": ["ops-1", "ops-2", "ops-3"]}
    receipt = await work(w, "people.notify", notify_call(key="2" * 64, excluded=["ops-1", "ops-2"]))
    assert (receipt["delivered"], receipt["people"]) == (["room"], {"ops_lead": ["ops-3"]})


async def test_what_exposes_goes_to_whoever_takes_it_beside_those_on_call_before_it_goes_to_everybody(w: Any) -> None:
    on_call = Reached("ops_lead", ("ops-1",), ("room",), "on_call", {"ops-1": ("room",)})
    beside = Reached("ops_lead", ("ops-2",), ("bell",), "on_call", {"ops-2": ("bell",)})
    takers = {"ops-2"}
    w.deps = dataclasses.replace(
        w.deps,
        contacts=lambda _role: on_call,
        backups=lambda _role: beside,
        willing=lambda _exposure, one: one if takers & set(one.people) else None,
    )
    receipt = await work(w, "people.notify", notify_call(key="1" * 64, exposure="graphic"))
    assert receipt["delivered"] == ["bell"]
    takers.clear()
    receipt = await work(w, "people.notify", notify_call(key="2" * 64, exposure="graphic"))
    assert receipt["delivered"] == ["room"]


@pytest.mark.parametrize("exposure", ["graphic", ""])
async def test_whoever_is_proposed_first_has_been_told_before_the_others_are(w: Any, exposure: str) -> None:
    two = Reached("ops_lead", ("ops-2", "ops-1"), ("bell", "room"), "no_rota", {"ops-2": ("bell",), "ops-1": ("room",)})
    w.deps = dataclasses.replace(w.deps, contacts=lambda _role: two)
    deliver, steps = w.deps.notifier.deliver, []

    async def noting(name: str, notice: Notice) -> Any:
        steps.append(f"to {name}")
        at = await deliver(name, notice)
        steps.append(f"{name} told")
        return at

    w.deps.notifier.deliver = noting
    assert (await work(w, "people.notify", notify_call(exposure=exposure)))["delivered"] == ["bell", "room"]
    in_turn = steps == ["to bell", "bell told", "to room", "room told"]
    assert in_turn == bool(exposure)


async def test_a_channel_that_hangs_holds_up_the_others_no_longer_than_its_head_start(
    w: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Reached("ops_lead", ("ops-2", "ops-1"), ("bell", "room"), "no_rota", {"ops-2": ("bell",), "ops-1": ("room",)})
    w.deps = dataclasses.replace(w.deps, contacts=lambda _role: two)
    monkeypatch.setattr("activities.notify.HEAD_START", 0.01)
    deliver, other_told = w.deps.notifier.deliver, asyncio.Event()

    async def hanging(name: str, notice: Notice) -> Any:
        if name == "bell":
            await other_told.wait()
        at = await deliver(name, notice)
        other_told.set()
        return at

    w.deps.notifier.deliver = hanging
    receipt = await work(w, "people.notify", notify_call(exposure="graphic"))
    assert (receipt["delivered"], receipt["failed"]) == (["bell", "room"], [])


@pytest.mark.parametrize("channels", [[], ["room"], ["gone"]])
async def test_the_end_of_a_page_is_told_to_no_channel_that_keeps_nothing_open(w: Any, channels: list[str]) -> None:
    over = notify_call(kind="page_settled", page="p1", alerts=["p1"], channels=channels, roles=["nobody_at_all"])
    assert (await work(w, "people.notify", over))["failed"] == []
    assert w.target.requests == []


async def test_a_webhook_verifies_under_its_secret_and_not_when_changed(
    w: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    w.clock.at = datetime.now(UTC)
    await work(w, "people.notify", notify_call())
    hook = next(request for request in w.target.requests if request["path"] == "/room")
    secret = w.connections.document.channels["room"].secret.sandbox
    raw = json.dumps(hook["body"])
    Webhook(secret).verify(raw, hook["headers"])
    with pytest.raises(Exception, match="signature"):
        Webhook(secret).verify(raw.replace("ask", "asked"), hook["headers"])


async def test_a_channel_that_does_not_answer_is_tried_again_and_one_that_did_is_not_told_twice(w: Any) -> None:
    deliver = w.deps.notifier.deliver
    down = {"bell"}

    async def flaky(name: str, notice: Notice) -> Any:
        if name in down:
            w.target.script = ["fail_before"]
        return await deliver(name, notice)

    w.deps.notifier.deliver = flaky
    with pytest.raises(ApplicationError) as caught:
        await work(w, "people.notify", notify_call(roles=["ops_lead"]))
    assert (caught.value.type, caught.value.non_retryable) == (ErrorType.UNAVAILABLE, False)
    assert caught.value.next_retry_delay is not None
    w.target.requests.clear()
    down.clear()
    (told,) = w.beats[-1]
    receipt = await work(w, "people.notify", notify_call(), attempt=2, details=[told])
    assert receipt == {"delivered": ["bell", "room"], "failed": []}
    assert len(w.target.requests) == 2 - len(told)


async def test_a_channel_that_stays_silent_is_named_and_never_fails_the_run(w: Any) -> None:
    w.target.script = ["fail_before"] * 20
    receipt = await work(w, "people.notify", notify_call(), attempt=4)
    assert receipt == {"delivered": [], "failed": ["bell", "room"]}


async def test_a_role_that_nobody_holds_is_named(w: Any) -> None:
    receipt = await work(w, "people.notify", notify_call(roles=["legal_counsel", "ops_lead"]))
    assert receipt == {"delivered": ["bell", "room"], "failed": ["nobody:legal_counsel"]}


@pytest.mark.parametrize("about", ["Somebody did a thing", "UPPER", "a\nb", "", "x" * 65, "<script>"])
async def test_a_notice_carries_a_code_and_never_a_text(w: Any, call_of: Any, about: str) -> None:
    call = call_of("notify.webhook", inputs={"to": "room", "about": about})
    with pytest.raises(ApplicationError) as caught:
        await work(w, "notify.webhook", call)
    assert caught.value.type == ErrorType.BAD_INPUT
    assert w.target.requests == []


@pytest.mark.parametrize(("to", "type_"), [("bell", ErrorType.BAD_INPUT), ("https://evil.test/", ErrorType.NOT_BOUND)])
async def test_a_notice_goes_to_a_configured_destination_of_its_kind_and_to_no_address(
    w: Any, call_of: Any, to: str, type_: str
) -> None:
    with pytest.raises(ApplicationError) as caught:
        await work(w, "notify.webhook", call_of("notify.webhook", inputs={"to": to, "about": "x"}))
    assert caught.value.type == type_
    assert w.target.requests == []


async def test_a_page_is_sent_when_one_channel_took_it(w: Any, call_of: Any) -> None:
    w.target.script = ["fail_before", "ok"]
    receipt = await work(w, "page", call_of("page"))
    assert receipt["outputs"]["sent_at"].endswith("Z")
    assert [entry["kind"] for entry in w.deps.ledger.read("inc-a")] == [EntryKind.READ]


async def test_a_page_that_reached_nobody_is_a_failure(w: Any, call_of: Any) -> None:
    w.target.script = ["fail_before", "fail_before"]
    with pytest.raises(ApplicationError) as caught:
        await work(w, "page", call_of("page"))
    assert (caught.value.type, caught.value.non_retryable) == (ErrorType.UNAVAILABLE, False)
    with pytest.raises(ApplicationError) as caught:
        await work(w, "page", call_of("page", inputs={"role": "legal_counsel", "about": "x"}))
    assert (caught.value.type, caught.value.non_retryable) == (ErrorType.REFUSED, True)


def test_a_mail_is_plain_text_with_one_id_and_no_way_to_add_a_header() -> None:
    at = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    notice = Notice("k", "clock_warning.removal", "eu", "inc-a", "s", "a/b", "S1", at, "2026-11-22T04:00:00Z", ("ops",))
    mail = mail_of(notice, sender="w@sandbox.test", to="desk@sandbox.test", delivery="d" * 64)
    assert mail["Message-ID"] == f"<{'d' * 64}@watchfloor.invalid>"
    assert mail.get_content_type() == "text/plain"
    assert "due_at: 2026-11-22T04:00:00Z" in mail.get_content()
    hostile = Notice("k", "x\r\nBcc: evil@evil.test", "eu", "inc-a", "s", "p", "S1", at)
    with pytest.raises(ValueError, match=r"linefeed|newline|CR|LF"):
        mail_of(hostile, sender="w@sandbox.test", to="desk@sandbox.test", delivery="d")


async def test_a_snapshot_is_kept_under_the_hash_of_its_canonical_bytes(w: Any, call_of: Any) -> None:
    receipt = await work(w, "evidence.snapshot", call_of("evidence.snapshot"))
    body = {"at": "2026-11-22T03:10:00Z", "ok": True, "receipt": "rcpt-1", "reference": "frz-1"}
    assert w.deps.evidence.get(receipt["outputs"]["ref"]) == canonical(body)
    assert receipt["outputs"]["size"] == len(canonical(body))
    again = await work(w, "evidence.snapshot", call_of("evidence.snapshot", key="b" * 64))
    assert again["outputs"]["ref"] == receipt["outputs"]["ref"]


async def test_a_read_writes_one_entry_and_a_failed_attempt_one_of_its_own(w: Any, call_of: Any) -> None:
    w.target.script = ["fail_before", "ok"]
    with pytest.raises(ApplicationError):
        await work(w, "evidence.snapshot", call_of("evidence.snapshot"))
    await work(w, "evidence.snapshot", call_of("evidence.snapshot"))
    await work(w, "evidence.snapshot", call_of("evidence.snapshot"))
    assert [entry["kind"] for entry in w.deps.ledger.read("inc-a")] == [EntryKind.READ_FAILED, EntryKind.READ]
    assert len(w.target.requests) == 2


async def test_a_read_whose_answer_cannot_be_used_is_read_again_when_asked_again(w: Any, call_of: Any) -> None:
    for _ in range(2):
        with pytest.raises(ApplicationError) as caught:
            await work(w, "order.authenticate", call_of("order.authenticate"))
        assert (caught.value.type, caught.value.non_retryable) == (ErrorType.REFUSED, True)
    assert len(w.target.requests) == 2


async def test_an_anchor_is_signed_kept_under_hold_and_posted_to_the_other_regions(w: Any, entry_of: Any) -> None:
    posted: list[tuple[str, Any]] = []

    class Peer:
        def __init__(self, region: str, url: str) -> None:
            self.region, self.url, self.keys = region, url, None

    w.deps.peers.update({"us": Peer("us", w.target.url), "ap": Peer("ap", "http://127.0.0.1:9")})
    await work(w, "ledger.append", {"v": 1, "region": "eu", "entries": [entry_of(1), entry_of(2)]})
    receipt = await work(w, "ledger.anchor", {"v": 1, "region": "eu", "chain": "inc-a", "entries": [entry_of(3)]})
    posted += [(request["path"], request["body"]) for request in w.target.requests]
    assert (receipt["seq"], receipt["posted"], receipt["failed"]) == (3, ["us"], ["ap"])
    ((path, envelope),) = posted
    keys = {w.deps.keys.ledger.kid: w.deps.keys.ledger.public}
    checkpoint = open_checkpoint(envelope, keys)
    assert path == "/anchors"
    assert (checkpoint["seq"], checkpoint["head"], checkpoint["region"]) == (3, receipt["head"], "eu")
    assert w.deps.evidence.held(anchors_hold("inc-a")) == [receipt["ref"]]
    assert json.loads(w.deps.evidence.get(receipt["ref"])) == envelope
    assert w.deps.ledger.checkpoints("inc-a") == [envelope]


async def test_a_chain_without_entries_has_nothing_to_anchor(w: Any) -> None:
    receipt = await work(w, "ledger.anchor", {"v": 1, "region": "eu", "chain": "inc-z", "entries": []})
    assert receipt == {"seq": 0, "head": "", "ref": "", "posted": [], "failed": []}
