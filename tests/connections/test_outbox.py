"""The outbox of one destination, its clock in the test's hands: nothing lost, the gravest first, the rest counted."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from schemas.actions import ErrorType
from tests.connections.standins import notice
from watchfloor.connections.bindings import Rate
from watchfloor.connections.deliveries import Delivery
from watchfloor.connections.outbox import MOST, PATIENCE, Outbox
from watchfloor.connections.port import CallFailed, Notice

AT = datetime(2026, 11, 22, tzinfo=UTC)


class Bell:
    """A destination whose time passes only while somebody waits."""

    def __init__(self, per_second: float = 1.0, burst: int = 1, *, gathers: bool = True) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, list[str]]] = []
        self.failures: list[CallFailed] = []
        rate = Rate(per_second=per_second, burst=burst)
        self.outbox = Outbox(rate, self.send, gathers=gathers, clock=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    async def send(self, notices: Sequence[Notice], again: Delivery | None) -> datetime:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((self.now, [one.key for one in notices]))
        return AT

    async def all(self, *given: Notice) -> list[datetime | BaseException]:
        return await asyncio.gather(*(self.outbox.deliver(one) for one in given), return_exceptions=True)


def busy(seconds: float) -> CallFailed:
    return CallFailed(ErrorType.UNAVAILABLE, "busy", possible=False, retry_after=timedelta(seconds=seconds))


async def test_what_the_rate_allows_goes_one_by_one() -> None:
    bell = Bell(burst=3)
    await bell.all(*(notice(f"k{number}") for number in range(3)))
    assert [keys for _, keys in bell.sent] == [["k0"], ["k1"], ["k2"]]


async def test_what_is_held_back_goes_in_one_message_at_the_next_turn() -> None:
    bell = Bell()
    await bell.all(*(notice(f"k{number}") for number in range(5)))
    assert bell.sent == [(0.0, ["k0", "k1", "k2", "k3", "k4"])]
    await bell.all(notice("k5"))
    assert bell.sent[1] == (1.0, ["k5"])


async def test_danger_to_life_goes_first_each_alone_and_ends_of_pages_last() -> None:
    bell = Bell()
    given = [
        notice("end", state="settled"),
        notice("a"),
        notice("life1", severity="S0"),
        notice("b"),
        notice("life2", severity="S0"),
    ]
    await bell.all(*given)
    assert [keys for _, keys in bell.sent] == [["life1"], ["life2"], ["a", "b"], ["end"]]


async def test_alerts_of_a_paging_service_are_never_put_together() -> None:
    bell = Bell(gathers=False)
    await bell.all(notice("a"), notice("b"), notice("c"))
    assert [keys for _, keys in bell.sent] == [["a"], ["b"], ["c"]]


async def test_one_message_counts_so_many_at_most_and_the_rest_follows() -> None:
    bell = Bell()
    await bell.all(*(notice(f"k{number}") for number in range(MOST + 10)))
    assert [len(keys) for _, keys in bell.sent] == [MOST, 10]
    assert sorted(key for _, keys in bell.sent for key in keys) == sorted(f"k{number}" for number in range(MOST + 10))


async def test_a_failure_is_told_to_everybody_whom_the_message_carried() -> None:
    bell = Bell()
    bell.failures = [CallFailed(ErrorType.REFUSED, "no", possible=False)]
    results = await bell.all(notice("a"), notice("b"))
    assert all(isinstance(one, CallFailed) for one in results)
    assert await bell.all(notice("a")) == [AT]


@pytest.mark.parametrize(("seconds", "waits"), [(PATIENCE / 2, True), (PATIENCE * 6, False)])
async def test_a_destination_that_asks_for_quiet_gets_it(seconds: float, waits: bool) -> None:
    bell = Bell()
    bell.failures = [busy(seconds)]
    (first,) = await bell.all(notice("a"))
    assert isinstance(first, CallFailed)
    (second,) = await bell.all(notice("b", severity="S0"))
    if waits:
        assert second == AT
        assert bell.sent == [(seconds, ["b"])]
    else:
        assert isinstance(second, CallFailed)
        assert second.retry_after == timedelta(seconds=seconds)
        assert bell.sent == []


async def test_who_stops_waiting_is_not_sent() -> None:
    bell = Bell(per_second=0.2)
    await bell.all(notice("a"))
    waiting = asyncio.create_task(bell.outbox.deliver(notice("b")))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await bell.all(notice("c")) == [AT]
    assert [keys for _, keys in bell.sent] == [["a"], ["c"]]
