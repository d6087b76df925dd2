"""The ledger store: chains, repeated ids, announcements, several writers, refusals, kills, a full disk."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.ledger import Entry, EntryKind
from watchfloor.ledger import (
    Cap,
    CapReached,
    EntryConflict,
    EntryRefused,
    LedgerUnavailable,
    SqliteLedger,
    open_checkpoint,
    sign_checkpoint,
)
from watchfloor.ledger.chain import bare, genesis, hash_of
from watchfloor.ledger.report import Tampering
from watchfloor.ledger.verify import verify_file
from watchfloor.signing import SignatureRefused, SigningKey

Make = Callable[..., Entry]


def announcement(make: Make, key: str, number: int = 1, action: str = "content.disable") -> Entry:
    suffix = "announced" if number == 1 else f"announced:{number}"
    return make(0, id=f"{key}:{suffix}", kind=EntryKind.ANNOUNCED, data={"key": key, "action": action})


def assert_chained(ledger: SqliteLedger, chain: str) -> list[int]:
    entries = list(ledger.read(chain))
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert all(hash_of(entry) == entry["hash"] for entry in entries)
    if entries:
        assert entries[0]["prev"] == genesis(chain)
    assert all(later["prev"] == earlier["hash"] for earlier, later in pairwise(entries))
    return [entry["data"].get("n", -1) for entry in entries]


def test_entries_are_chained_in_the_order_they_were_given(ledger: SqliteLedger, make: Make) -> None:
    ledger.append([make(1), make(2)])
    ledger.append([make(3)])
    assert assert_chained(ledger, "inc-a") == [1, 2, 3]
    assert ledger.head("inc-a") == list(ledger.read("inc-a"))[-1]
    assert ledger.find("inc-a:2") == list(ledger.read("inc-a"))[1]


def test_each_process_has_a_chain_of_its_own(ledger: SqliteLedger, make: Make) -> None:
    ledger.append([make(1), make(1, "hold-b"), make(2)])
    assert ledger.chains() == ["hold-b", "inc-a"]
    assert assert_chained(ledger, "inc-a") == [1, 2]
    assert assert_chained(ledger, "hold-b") == [1]
    assert ledger.head("nobody") is None
    assert list(ledger.read("nobody")) == []


def test_a_repeated_id_with_the_same_content_does_nothing(ledger: SqliteLedger, make: Make) -> None:
    first = ledger.append([make(1), make(2)])
    again = ledger.append([make(2), make(1), make(3)])
    assert again[0] == first[1]
    assert again[1] == first[0]
    assert assert_chained(ledger, "inc-a") == [1, 2, 3]


def test_a_repeated_id_with_other_content_keeps_the_first_and_records_the_second(
    ledger: SqliteLedger, make: Make
) -> None:
    ledger.append([make(1)])
    (stored,) = ledger.append([make(1, data={"n": 99})])
    assert stored["kind"] == EntryKind.CONFLICT
    assert stored["data"]["second"]["data"] == {"n": 99}
    kept = ledger.find("inc-a:1")
    assert kept is not None
    assert kept["data"] == {"n": 1}
    ledger.append([make(1, data={"n": 99})])
    assert len(list(ledger.read("inc-a"))) == 2
    assert_chained(ledger, "inc-a")


def test_an_entry_that_comes_again_from_a_repeated_task_keeps_its_first_instant(
    ledger: SqliteLedger, make: Make
) -> None:
    """A worker killed between writing and completing its task writes the same entries anew, a little later."""
    (first,) = ledger.append([make(1)])
    (again,) = ledger.append([make(1, at="2026-11-22T03:59:59Z")])
    assert again == first
    assert [stored["kind"] for stored in ledger.read(first["chain"])] == [first["kind"]]


def test_what_a_writer_handed_in_is_what_is_stored(ledger: SqliteLedger, make: Make) -> None:
    entry = make(1, data={"url": "https://example.test/v/1", "list": [1, 2.5, None, True], "text": "ü \u202e"})
    (stored,) = ledger.append([entry])
    assert bare(stored) == entry
    assert bare(next(ledger.read("inc-a"))) == entry


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"id": ""},
        {"chain": ""},
        {"kind": ""},
        {"actor": ""},
        {"at": "yesterday"},
        {"at": "2026-11-22T03:10:00"},
        {"data": []},
        {"data": {"x": float("nan")}},
        {"data": {"x": 2**60}},
        {"data": {"x": "y" * 70_000}},
        {"step": None},
        {"extra": 1},
    ],
    ids=str,
)
def test_what_is_no_entry_is_refused_and_nothing_of_the_call_is_written(
    ledger: SqliteLedger, make: Make, changes: dict[str, Any]
) -> None:
    with pytest.raises(EntryRefused):
        ledger.append([make(1), make(2, **changes)])
    with pytest.raises(EntryRefused):
        ledger.announce([make(1)], {**announcement(make, "k"), **changes})  # type: ignore[typeddict-item]
    assert ledger.chains() == []


def test_an_announcement_and_what_rides_along_are_one_transaction(ledger: SqliteLedger, make: Make) -> None:
    stored = ledger.announce([make(1), make(2)], announcement(make, "k"))
    assert stored["seq"] == 3
    with pytest.raises(EntryConflict):
        ledger.announce([make(3)], announcement(make, "k"))
    assert ledger.find("inc-a:3") is None
    assert [entry["id"] for entry in ledger.about("k")] == ["k:announced"]


def test_a_key_tells_its_own_effect_entries_in_order(ledger: SqliteLedger, make: Make) -> None:
    ledger.announce([], announcement(make, "k"))
    ledger.announce([], announcement(make, "other"))
    ledger.append([make(0, id="k:failed:1", kind=EntryKind.FAILED, data={"key": "k", "possible": True})])
    ledger.announce([make(7, data={"key": "k"})], announcement(make, "k", 2))
    assert [entry["id"] for entry in ledger.about("k")] == ["k:announced", "k:failed:1", "k:announced:2"]
    assert ledger.about("nobody") == []


def test_a_cap_counts_effects_of_one_action_within_its_window(ledger: SqliteLedger, make: Make, ticking: Any) -> None:
    cap = Cap("content.disable", 2)
    ledger.announce([], announcement(make, "a"), cap)
    ledger.announce([], announcement(make, "a", 2), cap)
    ledger.announce([], announcement(make, "other", action="content.restore"), cap)
    ledger.announce([], announcement(make, "b"), cap)
    with pytest.raises(CapReached, match="2 times"):
        ledger.announce([make(1)], announcement(make, "c"), cap)
    assert ledger.find("inc-a:1") is None
    ticking.at += timedelta(hours=1)
    ledger.announce([], announcement(make, "c"), cap)


def test_several_openings_write_one_unbroken_chain(tmp_path: Path, make: Make) -> None:
    """Openings share nothing but the file, as processes do."""

    def write(writer: int) -> None:
        with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
            for number in range(15):
                ledger.append([make(number, id=f"w{writer}:{number}"), make(number, id=f"shared:{number}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
        assert len(assert_chained(ledger, "inc-a")) == 4 * 15 + 15


def test_one_of_many_announcements_of_the_same_effect_wins(tmp_path: Path, make: Make) -> None:
    def announce(_: int) -> bool:
        with SqliteLedger(tmp_path / "ledger.sqlite") as ledger:
            try:
                ledger.announce([], announcement(make, "k"))
            except EntryConflict:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(announce, range(12))) == 1


def test_rows_cannot_be_changed_or_deleted_through_the_database(ledger: SqliteLedger, make: Make) -> None:
    ledger.append([make(1)])
    other = sqlite3.connect(ledger.path)
    for statement in ("DELETE FROM entries", "UPDATE entries SET kind = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(statement)
    other.close()


def test_the_file_is_for_its_owner_only(ledger: SqliteLedger) -> None:
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_full_disk_takes_nothing_loses_nothing_and_recovers(ledger: SqliteLedger, make: Make) -> None:
    ledger.append([make(1)])
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    written = 1

    def fill() -> None:
        nonlocal written
        for number in range(2, 100):
            ledger.append([make(number, data={"n": number, "fill": "x" * 4000})])
            written = number

    with pytest.raises(LedgerUnavailable, match="SQLITE_FULL"):
        fill()
    assert assert_chained(ledger, "inc-a") == list(range(1, written + 1))
    ledger._connection.execute("PRAGMA max_page_count = 100000")
    ledger.append([make(written + 1)])
    assert len(assert_chained(ledger, "inc-a")) == written + 1


def test_a_damaged_or_newer_file_is_refused_in_words(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        SqliteLedger(damaged)
    newer = tmp_path / "newer.sqlite"
    SqliteLedger(newer).close()
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    with pytest.raises(LedgerUnavailable, match="newer"):
        SqliteLedger(newer)


def test_an_export_verifies_and_replaces_what_stood_there(ledger: SqliteLedger, make: Make, tmp_path: Path) -> None:
    ledger.append([make(number) for number in range(1, 21)])
    file = tmp_path / "export.jsonl"
    file.write_text("old")
    assert ledger.export("inc-a", file) == 20
    assert [json.loads(line)["seq"] for line in file.read_text().splitlines()] == list(range(1, 21))
    assert verify_file(file, {}).ok
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".export")] == []


def test_checkpoints_are_found_again(ledger: SqliteLedger, make: Make, ledger_key: SigningKey, ticking: Any) -> None:
    envelopes = []
    for number in (1, 2):
        (head,) = ledger.append([make(number)])
        envelope = sign_checkpoint(head, region="eu", key=ledger_key, at=ticking())
        ledger.note_checkpoint(envelope, f"sha256:{number:064}", ticking())
        ledger.note_checkpoint(envelope, f"sha256:{number:064}", ticking())
        envelopes.append(envelope)
    assert ledger.checkpoints("inc-a") == envelopes
    keys = {ledger_key.kid: ledger_key.public}
    assert [open_checkpoint(envelope, keys)["seq"] for envelope in envelopes] == [1, 2]


@pytest.mark.parametrize("change", [{"seq": 9}, {"head": "sha256:" + "0" * 64}, {"chain": "inc-b"}, {"region": "us"}])
def test_a_checkpoint_that_was_changed_is_refused(
    ledger: SqliteLedger, make: Make, ledger_key: SigningKey, ticking: Any, change: dict[str, Any]
) -> None:
    (head,) = ledger.append([make(1)])
    envelope = sign_checkpoint(head, region="eu", key=ledger_key, at=ticking())
    forged = {**envelope, "body": {**envelope["body"], **change}}
    with pytest.raises(SignatureRefused):
        open_checkpoint(forged, {ledger_key.kid: ledger_key.public})  # type: ignore[arg-type]
    with pytest.raises(SignatureRefused):
        open_checkpoint(envelope, {})


WRITER = """
import sys
from pathlib import Path
from watchfloor.ledger import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]))
number = len(list(ledger.read("inc-a")))
while True:
    number += 1
    entry = {"v": 1, "id": f"i{number}", "chain": "inc-a", "kind": "k", "at": "2026-11-22T03:10:00Z", "actor": "engine",
             "step": "", "path": "", "data": {"n": number}}
    ledger.append([entry])
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        ) as writer:
            assert writer.stdout is not None
            acknowledged = 0
            for line in writer.stdout:
                acknowledged = int(line)
                if acknowledged % 40 == 0:
                    break
            os.kill(writer.pid, signal.SIGKILL)
            rest = writer.stdout.read().split()
        acknowledged = max([acknowledged, *map(int, rest)])
        with SqliteLedger(path) as ledger:
            numbers = assert_chained(ledger, "inc-a")
        # the one that was being written when the kill came may be there or not; none before it may be missing
        assert len(numbers) in {acknowledged, acknowledged + 1}


names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.tuples(names, names, st.dictionaries(names, values, max_size=3)), max_size=5), max_size=6
    )
)
def test_whatever_is_appended_the_chains_stay_whole(
    tmp_path_factory: pytest.TempPathFactory, make: Make, batches: list[list[tuple[str, str, dict[str, Any]]]]
) -> None:
    folder = tmp_path_factory.mktemp("chains")
    with SqliteLedger(folder / "ledger.sqlite") as ledger:
        for batch in batches:
            ledger.append([make(0, id=f"{chain}/{name}", chain=chain, data=data) for chain, name, data in batch])
        for chain in ledger.chains():
            assert_chained(ledger, chain)
            ledger.export(chain, folder / "export.jsonl")
            # an id that came again with other content is named, each time, and nothing else is found
            conflicts = [entry["seq"] for entry in ledger.read(chain) if entry["kind"] == EntryKind.CONFLICT]
            found = verify_file(folder / "export.jsonl", {}).findings
            assert [(item.kind, item.seq) for item in found] == [(Tampering.CONFLICT, seq) for seq in conflicts]
