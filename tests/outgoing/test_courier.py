"""Signed, at least once, in order within an incident; what is wrong with one receiver is felt by nobody else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from schemas.events import MEDIA_TYPE
from schemas.ledger import EntryKind
from tests.outgoing.floor import OK, OLD_SECRET, SECRET, A, Answer, B, Floor, Listener, listening, receiver, until


async def test_what_happens_is_told_signed_and_in_order(floor: Floor) -> None:
    async with listening() as there, floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        floor.phases(A, 5)
        await until(lambda: len(there.taken) == 7)
        assert there.ids() == [f"{A}:{number}" for number in range(1, 8)]
        assert there.paths[0].startswith("POST /hooks ")
        headers = there.headers[0]
        assert headers["webhook-id"] == there.taken[0]["id"]
        assert headers["content-type"] == f"{MEDIA_TYPE}; charset=utf-8"
        assert headers["accept-encoding"] == "identity"
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(there.bodies[0].replace(b"open", b"shut"), headers)
        await until(lambda: len(floor.book.attempts()) == 7)
        assert floor.book.next_due("case_tool") is None


async def test_while_a_secret_is_changed_both_sign(floor: Floor) -> None:
    for secret in (SECRET, OLD_SECRET):
        async with listening(Listener(secret=secret)) as there:
            chain = A if secret == SECRET else B
            name = "new" if secret == SECRET else "old"
            async with floor.working(receiver(name, there.url, secrets=(SECRET, OLD_SECRET))):
                floor.open(chain)
                await until(lambda there=there: len(there.taken) == 2)  # type: ignore[misc]


async def test_every_attempt_is_signed_anew_with_the_same_id_and_the_same_bytes(floor: Floor) -> None:
    there = Listener(answer=lambda event: OK if len(there.got) > 3 else (500, {}, b""))
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        for count in (1, 2, 3):
            await until(lambda count=count: len(floor.seen) == count)  # type: ignore[misc]
            # later than any receiver would take the first signature
            floor.clock.skip(minutes=10)
        await until(lambda: len(there.taken) == 2)
    assert {headers["webhook-id"] for headers in there.headers[:4]} == {f"{A}:1"}
    assert len(set(there.bodies[:4])) == 1
    assert len({headers["webhook-timestamp"] for headers in there.headers[:4]}) == 4
    assert len({headers["webhook-signature"] for headers in there.headers[:4]}) == 4


async def test_the_next_event_of_an_incident_waits_and_other_incidents_go_on(floor: Floor) -> None:
    down = True

    def answer(event: dict[str, Any]) -> Answer:
        return (503 + 1, {}, b"") if event["subject"] == A and down else OK

    there = Listener(answer=answer)
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        floor.open(B)
        floor.phases(A, 3)
        floor.phases(B, 3)
        await until(lambda: len(there.ids(B)) == 5 and len(floor.seen) >= 6)
        assert there.ids(A) == []
        assert {event["id"] for event in there.got if event["subject"] == A} == {f"{A}:1"}
        down = False
        floor.clock.skip(hours=1)
        await until(lambda: len(there.ids(A)) == 5)
    assert there.ids(A) == [f"{A}:{number}" for number in range(1, 6)]


async def test_a_receiver_that_is_down_or_hangs_holds_up_no_other(floor: Floor) -> None:
    hanging = Listener(answer=lambda event: None)
    async with listening() as well, listening(hanging):
        nobody = "http://127.0.0.1:1/hooks"
        receivers = (receiver("down", nobody), receiver("hangs", hanging.url), receiver("well", well.url))
        async with floor.working(*receivers, timeout=2):
            for number in range(20):
                floor.open(f"inc-{number:020d}")
            await until(lambda: len(well.taken) == 40)
            await until(lambda: any(one.subscription == "hangs" for _, one in floor.seen))
        assert not hanging.taken
        found = {one.subscription: one.outcome for _, one in floor.seen}
        assert "cannot be connected to" in found["down"]
        assert "no answer within" in found["hangs"]


async def test_at_most_so_many_requests_are_under_way_to_one_receiver(floor: Floor) -> None:
    hanging = Listener(answer=lambda event: None)
    async with listening(hanging), floor.working(receiver("hangs", hanging.url), timeout=30):
        for number in range(30):
            floor.open(f"inc-{number:020d}")
        await until(lambda: len(hanging.got) >= 8)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(hanging.got) == 8


async def test_a_receiver_that_answers_nobody_is_tried_by_few_and_at_once_when_it_is_back(floor: Floor) -> None:
    there = Listener()
    async with listening(there):
        pass  # nobody is at its port now
    async with floor.working(receiver("down", there.url), timeout=5):
        for number in range(100):
            floor.open(f"inc-{number:020d}")
        await until(lambda: len(floor.seen) >= 8)
        for minutes in (1, 2, 4, 4, 4):
            floor.clock.skip(minutes=minutes)
            for _ in range(20):
                await asyncio.sleep(0.01)
        assert len(floor.seen) <= 8 * 7, "a hundred incidents wait, and few of them try"
        async with listening(there):
            floor.clock.skip(minutes=5)
            await until(lambda: len(there.taken) >= 100)
            floor.clock.skip(hours=1)
            await until(lambda: len(there.taken) == 200)


async def test_pauses_double_up_to_an_hour_and_then_the_event_is_a_dead_letter(floor: Floor) -> None:
    there = Listener(answer=lambda event: (500, {}, b"no"))
    async with listening(there), floor.working(receiver("case_tool", there.url, give_up_after="6h")):
        floor.open(A)
        while not floor.book.dead():
            count = len(floor.seen)
            await until(lambda count=count: len(floor.seen) > count)  # type: ignore[misc]
            last = floor.seen[-1][1]
            if last.next_at is not None:
                floor.clock.skip(seconds=(last.next_at - floor.clock()).total_seconds())
    tried = [attempt for _, attempt in floor.seen if attempt.seq == 1]
    pauses = [(one.next_at - one.at).total_seconds() for one in tried if one.next_at is not None]
    assert pauses[:5] == [5, 10, 20, 40, 80]
    assert max(pauses) == 3600
    assert tried[-1].next_at is None
    assert floor.book.dead()[0].seq == 1
    assert floor.book.accounts()[0].dead >= 1


async def test_after_a_dead_letter_the_incident_goes_on_and_it_can_be_driven_again(floor: Floor) -> None:
    bad = True

    def answer(event: dict[str, Any]) -> Answer:
        return (422, {}, b"") if event["sequence"] == "1" and bad else OK

    there = Listener(answer=answer)
    async with listening(there), floor.working(receiver("case_tool", there.url, give_up_after="60s")):
        floor.open(A)
        while not floor.book.dead():
            floor.clock.skip(seconds=30)
            await asyncio.sleep(0.01)
        await until(lambda: there.ids() == [f"{A}:2"])
        bad = False
        assert floor.book.redrive("case_tool", floor.clock(), timedelta(hours=1), event=f"{A}:9") == 0
        assert floor.book.redrive("case_tool", floor.clock(), timedelta(hours=1), event=f"{A}:1") == 1
        await until(lambda: there.ids() == [f"{A}:2", f"{A}:1"])
        assert floor.book.dead() == []


async def test_gone_disables_the_subscription_until_it_is_enabled_again(floor: Floor) -> None:
    gone = True
    there = Listener(answer=lambda event: (410, {}, b"") if gone else OK)
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        await until(lambda: floor.book.accounts()[0].disabled_at is not None)
        floor.open(B)
        floor.clock.skip(hours=5)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(there.got) == 1, "nothing more is sent"
        assert "410" in floor.book.accounts()[0].why
        assert floor.book.accounts()[0].waiting == 4
        gone = False
        assert floor.book.enable("case_tool")
        await until(lambda: len(there.taken) == 4)
        assert there.ids(A) == [f"{A}:1", f"{A}:2"]
        assert not floor.book.enable("case_tool"), "it was not disabled"


async def test_what_waits_for_a_disabled_subscription_is_given_up_in_time(floor: Floor) -> None:
    there = Listener(answer=lambda event: (410, {}, b""))
    async with listening(there), floor.working(receiver("case_tool", there.url, give_up_after="1h")):
        floor.open(A)
        await until(lambda: floor.book.accounts()[0].disabled_at is not None)
        floor.clock.skip(hours=2)
        floor.book.expire(floor.clock())
        assert (floor.book.accounts()[0].waiting, floor.book.accounts()[0].dead) == (0, 2)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(floor: Floor, status: int) -> None:
    busy = True
    there = Listener(answer=lambda event: (status, {"Retry-After": "120"}, b"") if busy else OK)
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        await until(lambda: len(floor.seen) == 1)
        busy = False
        for number in range(5):
            floor.open(f"inc-{number:020d}")
        floor.clock.skip(seconds=110)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(there.got) == 1, "other incidents are not sent to it either"
        floor.clock.skip(seconds=11)
        await until(lambda: len(there.taken) == 12)
    first = floor.seen[0][1]
    assert first.next_at is not None
    assert (first.next_at - first.at).total_seconds() == 120


@pytest.mark.parametrize("after", ["-5", "x", "1e9", "99999999999999999999", "\u0661", "Thu, 99 Foo 2026 99:99:99"])
async def test_a_senseless_wish_for_time_does_no_harm(floor: Floor, after: str) -> None:
    first = True

    def answer(event: dict[str, Any]) -> Answer:
        nonlocal first
        was, first = first, False
        return (429, {"Retry-After": after}, b"") if was else OK

    there = Listener(answer=answer)
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        await until(lambda: len(floor.seen) == 1)
        floor.clock.skip(hours=1, seconds=1)
        await until(lambda: len(there.taken) == 2)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_said_so(floor: Floor, status: int) -> None:
    async with listening() as elsewhere:
        there = Listener(answer=lambda event: (status, {"Location": elsewhere.url}, b""))
        async with listening(there), floor.working(receiver("case_tool", there.url)):
            floor.open(A)
            await until(lambda: len(floor.seen) == 1)
        assert elsewhere.got == []
        assert floor.seen[0][1].outcome == "a redirect, which is not followed"
        assert floor.seen[0][1].status == status


async def test_a_huge_answer_to_what_was_taken_is_not_read_and_the_event_not_sent_again(floor: Floor) -> None:
    there = Listener(answer=lambda event: (200, {}, b"x" * 500_000))
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        await until(lambda: len(floor.seen) == 2)
        floor.clock.skip(hours=2)
        await until(lambda: floor.book.next_due("case_tool") is None)
    assert [event["id"] for event in there.got] == [f"{A}:1", f"{A}:2"]
    assert "too large" in floor.seen[0][1].outcome


async def test_an_address_that_may_not_be_called_is_not_called(floor: Floor) -> None:
    async with listening() as inside, listening() as there:
        made = receiver("case_tool", there.url)
        async with floor.working(made):
            # as if its name had been bound to another port and host since the file was checked
            object.__setattr__(made.subscription, "url", inside.url)
            floor.open(A)
            await until(lambda: len(floor.seen) == 1)
        assert inside.got == []
        assert "not on the list" in floor.seen[0][1].outcome


async def test_the_log_has_every_attempt_with_its_time_status_and_next_try(floor: Floor) -> None:
    there = Listener(answer=lambda event: OK if len(there.got) > 1 else (500, {}, b""))
    async with listening(there), floor.working(receiver("case_tool", there.url)):
        floor.open(A)
        await until(lambda: len(floor.seen) == 1)
        floor.clock.skip(seconds=6)
        await until(lambda: len(floor.seen) == 3)
    log = floor.book.attempts("case_tool")
    assert [(one.event, one.number, one.status, one.outcome) for one in log] == [
        (f"{A}:2", 1, 200, "taken"),
        (f"{A}:1", 2, 200, "taken"),
        (f"{A}:1", 1, 500, "failed"),
    ]
    assert [one.next_at is not None for one in log] == [False, False, True]
    assert all(one.took > timedelta() or one.took == timedelta() for one in log)
    assert floor.book.attempts("case_tool", event=f"{A}:1", limit=1)[0].number == 2
    assert {one.kind for one in floor.book.attempts(event=A)} == {EntryKind.OPENED, EntryKind.SEVERITY}
    floor.clock.skip(days=15)
    floor.book.expire(floor.clock())
    assert floor.book.attempts() == []
