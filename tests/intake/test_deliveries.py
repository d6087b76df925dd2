"""The deliveries of a region: kept, held by one at a time, thrown away when their time is over."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.intake import deliveries as module
from watchfloor.intake import delivery_rows as rows
from watchfloor.intake.deliveries import (
    BOX_OF_DEAD,
    BOX_OF_IGNORED,
    REMEMBERED,
    REMEMBERED_IGNORED,
    Deliveries,
    DeliveriesUnavailable,
)
from watchfloor.intake.delivery import Arrival, Outcome, State
from watchfloor.intake.delivery_rows import HELD_FOR
from watchfloor.intake.sealed import BoxUnreadable, Sealer
from watchfloor.regions.keys import KeyRing

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


def arrival(id_: str = "del-1", sender: str = "portal", mark: str = "m", box: bytes = b"box") -> Arrival:
    return Arrival(id_, sender, "standard_webhooks", "", "thread", mark, 3, NOW, timedelta(minutes=15), box)


@pytest.fixture
def kept(tmp_path: Path) -> Deliveries:
    return Deliveries(tmp_path / "received.sqlite")


def settle(kept: Deliveries, id_: str, state: State, now: datetime = NOW) -> bool:
    return kept.settle(id_, state, "why", [Outcome("first", state)], (), now=now)


def test_of_many_who_bring_the_same_at_once_one_alone_drives_it(kept: Deliveries) -> None:
    mine: list[bool] = []

    def bring() -> None:
        found = kept.keep(arrival(), now=NOW)
        mine.append(found is not None and found.mine)

    threads = [threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mine) == [False] * 7 + [True]
    (one,) = kept.page()
    assert one.repeats == 7


def test_what_somebody_holds_is_nobody_elses_until_the_time_is_over(kept: Deliveries) -> None:
    kept.keep(arrival(), now=NOW)
    assert kept.due(now=NOW) == []
    assert kept.take("del-1", now=NOW + HELD_FOR - timedelta(seconds=1)) is None
    later = NOW + HELD_FOR
    assert kept.due(now=later) == ["del-1"]
    held = kept.take("del-1", now=later)
    assert held is not None
    assert held[1] == b"box"
    assert kept.take("del-1", now=later) is None


def test_what_a_delivery_said_goes_as_soon_as_it_is_settled_and_of_others_in_time(kept: Deliveries) -> None:
    for id_, state in (("del-1", "started"), ("del-2", "dead"), ("del-3", "ignored")):
        kept.keep(arrival(id_), now=NOW)
        settle(kept, id_, state)  # type: ignore[arg-type]

    def readable(now: datetime) -> list[str]:
        kept.forget(now=now)
        return sorted(one.id for one in kept.page() if one.readable)

    assert readable(NOW) == ["del-2", "del-3"]
    assert readable(NOW + BOX_OF_IGNORED + timedelta(seconds=1)) == ["del-2"]
    assert readable(NOW + BOX_OF_DEAD + timedelta(seconds=1)) == []


def test_what_started_something_is_remembered_as_long_as_a_claim_and_the_rest_for_a_month(kept: Deliveries) -> None:
    kept.keep(arrival("del-1"), now=NOW)
    kept.keep(arrival("del-2"), now=NOW)
    settle(kept, "del-1", "started")
    settle(kept, "del-2", "ignored")
    kept.refused("portal", "signature", now=NOW)
    assert kept.forget(now=NOW + REMEMBERED_IGNORED + timedelta(days=2)) == 1
    assert [one.id for one in kept.page()] == ["del-1"]
    assert kept.refusals() == []
    assert kept.forget(now=NOW + REMEMBERED + timedelta(seconds=1)) == 1


def test_one_that_waits_is_never_forgotten(kept: Deliveries) -> None:
    kept.keep(arrival(), now=NOW)
    assert kept.forget(now=NOW + timedelta(days=4000)) == 0
    assert kept.take("del-1", now=NOW + timedelta(days=4000)) is not None


def test_a_sender_whose_deliveries_wait_in_heaps_is_told_so_and_others_are_not(
    kept: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    assert [kept.keep(arrival(f"del-{nth}"), now=NOW) is not None for nth in range(3)] == [True, True, False]
    assert kept.keep(arrival("del-9", sender="another"), now=NOW) is not None
    assert kept.keep(arrival("del-0"), now=NOW) is not None, "what is kept already comes again"


def test_a_dead_letter_for_which_there_is_no_room_is_remembered_without_what_it_said(
    kept: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_BOXES", 1)
    for id_ in ("del-1", "del-2"):
        kept.keep(arrival(id_), now=NOW)
    assert [settle(kept, id_, "dead") for id_ in ("del-1", "del-2")] == [True, False]
    one = kept.get("del-2")
    assert one is not None
    assert (one.readable, "what it said is not kept" in one.why) == (False, True)
    assert kept.redrive("del-2", "ops-1", "", timedelta(minutes=1), now=NOW) is None
    again = kept.keep(arrival("del-2", box=b"anew"), now=NOW)
    assert again is not None
    assert again.mine, "its sender may bring it again"


def test_a_file_that_cannot_be_written_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "received.sqlite"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(DeliveriesUnavailable, match="nothing was kept"):
        Deliveries(path).keep(arrival(), now=NOW)


def test_the_file_is_its_owners_alone(kept: Deliveries, tmp_path: Path) -> None:
    kept.keep(arrival(), now=NOW)
    assert (tmp_path / "received.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_box_opens_for_its_delivery_in_its_region_under_its_key_and_nowhere_else() -> None:
    ring = KeyRing.generate()
    sealer = Sealer(ring, "eu", "eu")
    box = sealer.seal("del-1", {"event": {"a": "PLAIN"}})
    assert b"PLAIN" not in box
    rotated = ring.rotated()
    assert Sealer(rotated, "eu", "eu").open("del-1", box) == {"event": {"a": "PLAIN"}}
    elsewhere = [
        (sealer, "del-2", box),
        (Sealer(ring, "us", "eu"), "del-1", box),
        (Sealer(ring, "eu", "us"), "del-1", box),
        (Sealer(rotated.without(ring.current), "eu", "eu"), "del-1", box),
        (Sealer(KeyRing.generate(), "eu", "eu"), "del-1", box),
        (sealer, "del-1", box[:-1] + bytes([box[-1] ^ 1])),
        (sealer, "del-1", b""),
        (sealer, "del-1", b"wfd1\x1f\xff\x1fzz\x1f"),
    ]
    for one, id_, given in elsewhere:
        with pytest.raises(BoxUnreadable):
            one.open(id_, given)


def test_the_same_order_of_rows_whatever_the_clock(kept: Deliveries) -> None:
    for id_ in ("del-c", "del-a", "del-b"):
        kept.keep(arrival(id_), now=NOW)
    assert [one.id for one in kept.page()] == ["del-a", "del-b", "del-c"]


def test_a_transaction_that_fails_has_written_nothing(kept: Deliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keep(arrival(), now=NOW)
    with monkeypatch.context() as patched:

        def fail(*given: object) -> bool:
            raise sqlite3.OperationalError("disk full")

        patched.setattr(rows, "count_boxes", fail)
        with pytest.raises(DeliveriesUnavailable):
            settle(kept, "del-1", "dead")
    one = kept.get("del-1")
    assert one is not None
    assert (one.state, one.outcomes) == ("kept", ())


def test_counting_boxes_does_not_go_through_all_that_is_remembered(kept: Deliveries) -> None:
    with kept._file.transaction() as database:
        plan = database.execute(
            "EXPLAIN QUERY PLAN SELECT count(*) FROM deliveries WHERE sender = ? AND state = ? AND box IS NOT NULL",
            ("portal", "dead"),
        ).fetchall()
    assert "deliveries_with_box" in str(plan)
