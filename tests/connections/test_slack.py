"""Slack: a stand-in that refuses what Slack would refuse, and a channel that posts each thing once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.actions import ErrorType
from tests.connections.standins import TEXT, Clock, Standins, Workers, notice
from watchfloor.connections.channels import Channels
from watchfloor.connections.port import CallFailed, Notice
from watchfloor.sandbox.slack import CHANNEL, OTHER_CHANNEL, TOKEN

POST, UPDATE = "/slack/api/chat.postMessage", "/slack/api/chat.update"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with Standins(tmp_path_factory.mktemp("sandbox")).serving() as standins:
        yield standins


@pytest.fixture
def there(served: Standins) -> Standins:
    return served.reset()


@pytest.fixture
async def worker(there: Standins, tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path, there)
    yield workers
    await workers.close()


@pytest.fixture
def room(worker: Workers) -> Channels:
    return worker()


async def fails(channels: Channels, given: Notice) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await channels.deliver("room", given)
    return caught.value


# -- the stand-in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "error"),
    [
        ({"channel": CHANNEL, "text": "x"}, {}, "not_authed"),
        ({"channel": CHANNEL, "text": "x"}, {"Authorization": "Bearer other"}, "invalid_auth"),
        ({"channel": "C0NOWHERE", "text": "x"}, BEARER, "channel_not_found"),
        ({"channel": OTHER_CHANNEL, "text": "x"}, BEARER, "not_in_channel"),
        ({"channel": CHANNEL}, BEARER, "no_text"),
        ({"channel": CHANNEL, "text": "  "}, BEARER, "no_text"),
        ({"channel": CHANNEL, "text": "x" * 40_001}, BEARER, "msg_too_long"),
        ({"channel": CHANNEL, "text": "x", "metadata": {"event_type": 1}}, BEARER, "invalid_metadata_format"),
        ({"channel": CHANNEL, "text": "x", "thread_ts": "1.000000"}, BEARER, "thread_not_found"),
        (b"{", BEARER, "invalid_json"),
        (b"[]", BEARER, "json_not_object"),
        (b"x", {**BEARER, "Content-Type": "text/plain"}, "invalid_post_type"),
    ],
)
def test_what_slack_would_refuse_is_refused_with_200(
    there: Standins, body: Any, headers: dict[str, str], error: str
) -> None:
    status, answer, _ = there.post(POST, body, headers)
    assert (status, answer) == (200, {"ok": False, "error": error})
    assert there.messages == []


def test_more_than_about_one_message_a_second_is_429_with_retry_after(there: Standins) -> None:
    said = {"channel": CHANNEL, "text": "x"}
    statuses = [there.post(POST, said, BEARER)[0] for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    status, answer, headers = there.post(POST, said, BEARER)
    assert (status, answer["error"], headers["retry-after"]) == (429, "ratelimited", "1")
    there.now += 1.0
    assert there.post(POST, said, BEARER)[0] == 200


def test_slack_deduplicates_nothing_and_updates_what_is_there(there: Standins) -> None:
    said = {"channel": CHANNEL, "text": "x"}
    ts = [there.post(POST, said, BEARER)[1]["ts"] for _ in range(2)]
    assert len(set(ts)) == len(there.messages) == 2
    assert there.post(UPDATE, {**said, "ts": ts[0], "text": "y"}, BEARER)[1]["ok"]
    assert [one["text"] for one in there.messages] == ["y", "x"]
    assert there.post(UPDATE, {**said, "ts": "1.000000"}, BEARER)[1]["error"] == "message_not_found"


# -- the channel --------------------------------------------------------------------------------------------------


async def test_a_page_is_one_message_its_later_ones_are_in_its_thread_its_end_is_written_into_it(
    there: Standins, room: Channels
) -> None:
    await room.deliver("room", notice("k1"))
    await room.deliver("room", notice("k2", about="remind"))
    await room.deliver("room", notice("k3", about="page_climbed", rung=1, roles=("deputy",)))
    root, reminder, climbed = there.messages
    assert "thread_ts" not in root
    assert reminder["thread_ts"] == climbed["thread_ts"] == root["ts"]
    assert (reminder["broadcast"], climbed["broadcast"]) == (False, True)
    await room.deliver("room", notice("k4", state="acknowledged"))
    assert there.messages[0]["text"].startswith("ACKNOWLEDGED [eu] S1 | inc-a doubt")
    await room.deliver("room", notice("k5", state="settled"))
    assert there.messages[0]["text"].startswith("SETTLED [eu] S1 | inc-a doubt")
    assert len(there.messages) == 3


async def test_pages_of_other_things_are_messages_of_their_own(there: Standins, room: Channels) -> None:
    await room.deliver("room", notice("k1"))
    await room.deliver("room", notice("k2", page="p2"))
    await room.deliver("room", notice("k3", incident="inc-b"))
    assert [one.get("thread_ts") for one in there.messages] == [None, None, None]


async def test_the_end_of_what_was_never_posted_is_not_posted(there: Standins, room: Channels) -> None:
    await room.deliver("room", notice("k1", state="settled"))
    assert there.calls(POST) == there.calls(UPDATE) == 0


async def test_a_message_holds_ids_codes_roles_and_instants(there: Standins, room: Channels) -> None:
    await room.deliver("room", notice(due_at="2026-11-22T04:00:00.140802Z"))
    assert there.messages[0]["text"] == (
        "[eu] S1 ask | inc-a doubt | for legal_counsel | until 2026-11-22T04:00:00Z | watchfloor ack inc-a p1"
    )


async def test_markup_in_an_id_is_only_text(there: Standins, room: Channels) -> None:
    await room.deliver("room", notice(step="<!channel> & <@U1>"))
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in there.messages[0]["text"]


async def test_ok_false_in_a_200_is_a_refusal(there: Standins, worker: Workers, tmp_path: Path) -> None:
    other = worker(text=TEXT.replace("C0SANDBOX", "C0NOWHERE"))
    failure = await fails(other, notice())
    assert (failure.type, failure.possible, failure.detail["why"]) == (ErrorType.REFUSED, False, "channel_not_found")


async def test_a_refused_key_is_free_again(there: Standins, room: Channels) -> None:
    there.fault(POST, status=200, body={"ok": False, "error": "not_in_channel"})
    await fails(room, notice())
    await room.deliver("room", notice())
    assert len(there.messages) == 1


async def test_an_error_that_is_no_code_is_not_repeated(there: Standins, room: Channels) -> None:
    there.fault(POST, status=200, body={"ok": False, "error": "token xoxb-secret is bad"})
    failure = await fails(room, notice())
    assert failure.detail["why"] == "unknown"
    assert "secret" not in str(failure)


async def test_429_says_when_to_come_back_and_nothing_is_sent_before(there: Standins, room: Channels) -> None:
    there.fault(POST, status=429, body={"ok": False, "error": "ratelimited"}, retry_after=30)
    failure = await fails(room, notice("k1"))
    assert (failure.type, failure.possible, failure.retry_after) == (
        ErrorType.UNAVAILABLE,
        False,
        timedelta(seconds=30),
    )
    before = there.calls(POST)
    again = await fails(room, notice("k2"))
    assert again.retry_after is not None
    assert timedelta(seconds=20) < again.retry_after <= timedelta(seconds=30)
    assert there.calls(POST) == before


async def test_a_key_is_posted_once_across_workers(there: Standins, worker: Workers, tmp_path: Path) -> None:
    file = tmp_path / "deliveries.sqlite"
    for _ in range(3):
        await worker(book=file).deliver("room", notice())
    assert there.calls(POST) == len(there.messages) == 1


@pytest.mark.parametrize(("threaded"), [False, True])
async def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(
    there: Standins, worker: Workers, tmp_path: Path, threaded: bool
) -> None:
    clock, file = Clock(), tmp_path / "deliveries.sqlite"
    if threaded:
        await worker(book=file).deliver("room", notice("k0"))
    there.fault(POST, drop_after_effect=True)
    failure = await fails(worker(book=file, clock=clock), notice())
    assert failure.possible
    posted = len(there.messages)
    # another worker, after the first has died: too early it only waits
    other = worker(book=file, clock=clock)
    early = await fails(other, notice())
    assert early.detail["why"] == "settle"
    assert early.retry_after is not None
    assert early.retry_after <= timedelta(seconds=4)
    clock.skipped = timedelta(seconds=5)
    await worker(book=file, clock=clock).deliver("room", notice())
    assert len(there.messages) == posted == 1 + threaded


async def test_a_message_that_never_arrived_is_posted_by_the_next_worker(
    there: Standins, worker: Workers, tmp_path: Path
) -> None:
    clock, file = Clock(), tmp_path / "deliveries.sqlite"
    there.fault(POST, status=500)
    await fails(worker(book=file, clock=clock), notice())
    clock.skipped = timedelta(seconds=5)
    await worker(book=file, clock=clock).deliver("room", notice())
    assert len(there.messages) == 1


SLOW = TEXT.replace("{per_second: 1000, burst: 1000}", "{per_second: 1, burst: 1}", 1)


async def test_what_is_held_back_is_counted_in_one_message_and_danger_to_life_goes_first_and_alone(
    there: Standins, worker: Workers
) -> None:
    channels = worker(text=SLOW, gather=10)
    await channels.deliver("room", notice("k0", page="p0"))
    many = [notice(f"k{number}", page=f"p{number}") for number in range(1, 10)]
    life = notice("life", page="p99", severity="S0")
    waiting = asyncio.gather(*(channels.deliver("room", one) for one in [*many, life]))
    while there.calls(POST) < 2:
        await asyncio.sleep(0.01)
    worker.gather = 0
    await waiting
    _, first, second = (message["text"] for message in there.messages)
    assert "S0 ask" in first
    assert second.startswith("9 things wait\n")
    assert all(f"inc-a p{number}" in second for number in range(1, 10))
    assert there.calls(POST) == 3


async def test_a_counted_message_whose_answer_was_lost_is_found_too(
    there: Standins, worker: Workers, tmp_path: Path
) -> None:
    clock, book = Clock(), tmp_path / "deliveries.sqlite"
    channels = worker(text=SLOW, book=book, clock=clock, gather=4)
    await channels.deliver("room", notice("first", page="p0"))
    there.fault(POST, drop_after_effect=True)
    many = [notice(f"k{number}", page=f"p{number}") for number in range(1, 5)]
    results = await asyncio.gather(*(channels.deliver("room", one) for one in many), return_exceptions=True)
    assert all(isinstance(one, CallFailed) for one in results)
    clock.skipped = timedelta(seconds=5)
    later = worker(book=book, clock=clock)
    await asyncio.gather(*(later.deliver("room", one) for one in many))
    assert len(there.messages) == 2
    assert there.messages[1]["text"].startswith("4 things wait")
