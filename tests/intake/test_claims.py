"""The file of claims alone: what it keeps, for how long, and what a damaged or contested one does."""

import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.intake import Claims, ClaimsUnavailable, Marks
from watchfloor.intake.claims import KEPT_FOR, State

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


def test_the_first_claim_stands(claims: Claims) -> None:
    first = claims.take("inc-a", "content-1", now=NOW)
    assert (first.state, first.content) == ("claimed", "content-1")
    assert claims.take("inc-a", "content-2", now=NOW) == first


@pytest.mark.parametrize("ended", ["closed", "lost"])
def test_what_had_ended_stays_so(claims: Claims, ended: State) -> None:
    claims.take("inc-a", "content-1", now=NOW)
    claims.note("inc-a", ended, now=NOW)
    claims.note("inc-a", "started", now=NOW)
    assert claims.take("inc-a", "content-1", now=NOW).state == ended


def test_a_claim_is_dropped_after_its_time_but_never_while_its_run_may_be_open(claims: Claims) -> None:
    for name in ("inc-closed", "inc-open", "inc-never"):
        claims.take(name, "c", now=NOW)
    claims.note("inc-closed", "closed", now=NOW)
    claims.note("inc-open", "started", now=NOW)
    assert claims.forget(now=NOW + KEPT_FOR) == 0
    assert claims.forget(now=NOW + KEPT_FOR + timedelta(seconds=1)) == 2
    assert [claim.incident for claim in claims.unsettled(before=NOW + KEPT_FOR * 2)] == ["inc-open"]


def test_a_file_that_is_no_database_claims_nothing(tmp_path: Path) -> None:
    path = tmp_path / "claims.sqlite"
    path.write_bytes(b"not a database, but long enough to be read as one" * 40)
    with pytest.raises(ClaimsUnavailable, match="nothing was started"):
        Claims(path).take("inc-a", "c")


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "claims.sqlite"
    Claims(path).take("inc-a", "c")
    assert path.stat().st_mode & 0o077 == 0


def _claim(path: Path) -> tuple[int, str]:
    return os.getpid(), Claims(path).take("inc-a", f"content-{os.getpid()}").content


def test_processes_that_open_a_new_file_at_once_agree_on_one_claim(tmp_path: Path) -> None:
    path = tmp_path / "claims.sqlite"
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = list(pool.map(_claim, [path] * 16))
    assert len({content for _, content in answers}) == 1


SAME = Marks(content=("same-a", "same-b"), account=("account-a",))


def test_another_key_over_the_same_content_is_merged_into_what_is_open(claims: Claims) -> None:
    claims.take("inc-a", "c", Marks(content=("same-a",)), now=NOW)
    merged = claims.take("inc-b", "c", SAME, now=NOW)
    assert (merged.state, merged.into, merged.told) == ("merged", "inc-a", False)
    claims.told("inc-b")
    assert claims.take("inc-b", "c", SAME, now=NOW).told
    # one of several hashes is enough, and those that came with it count from then on
    assert claims.take("inc-c", "c", Marks(content=("same-b",)), now=NOW).into == "inc-a"
    assert claims.take("inc-d", "c", Marks(content=("same-z",)), now=NOW).state == "claimed"


@pytest.mark.parametrize("ended", ["closed", "lost"])
def test_what_has_ended_takes_nothing_in(claims: Claims, ended: State) -> None:
    claims.take("inc-a", "c", SAME, now=NOW)
    claims.note("inc-a", ended, now=NOW)
    assert claims.take("inc-b", "c", SAME, now=NOW).state == "claimed"


def test_a_merge_into_a_run_that_turns_out_to_have_ended_is_decided_anew(claims: Claims) -> None:
    claims.take("inc-a", "c", SAME, now=NOW)
    assert claims.take("inc-b", "c", SAME, now=NOW).into == "inc-a"
    assert claims.take("inc-b", "c", SAME, ended=["inc-a"], now=NOW).state == "claimed"
    assert claims.take("inc-c", "c", SAME, ended=["inc-a"], now=NOW).into == "inc-b"


def test_a_claim_whose_run_was_never_started_gives_its_content_up_and_joins_who_takes_over(claims: Claims) -> None:
    claims.take("inc-a", "c", SAME, now=NOW)
    assert claims.take("inc-b", "c", SAME, gone=["inc-a"], now=NOW).state == "claimed"
    again = claims.take("inc-a", "c", SAME, now=NOW)
    assert (again.state, again.into) == ("merged", "inc-b")


def test_the_same_account_relates_but_never_merges(claims: Claims) -> None:
    claims.take("inc-a", "c", Marks(account=("account-a",)), now=NOW)
    second = claims.take("inc-b", "c", Marks(account=("account-a",)), now=NOW + timedelta(seconds=1))
    assert (second.state, second.related) == ("claimed", ("inc-a",))
    assert claims.take("inc-c", "c", SAME, now=NOW + timedelta(seconds=2)).related == ("inc-b", "inc-a")


def test_a_file_of_the_first_version_is_taken_over_with_its_claims(tmp_path: Path) -> None:
    path = tmp_path / "claims.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute(
            "CREATE TABLE claims (incident TEXT PRIMARY KEY, content TEXT NOT NULL, state TEXT NOT NULL, "
            "looked_at TEXT NOT NULL, kept_until TEXT NOT NULL) STRICT"
        )
        row = ("inc-old", "c", "started", "2026-11-22T03:10:00Z", "2028-11-22T03:10:00Z")
        old.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", row)
        old.execute("PRAGMA user_version = 1")
        old.commit()
    claims = Claims(path)
    assert claims.take("inc-old", "c", now=NOW).state == "started"
    claims.take("inc-a", "c", SAME, now=NOW)
    assert claims.take("inc-b", "c", SAME, now=NOW).into == "inc-a"


def test_marks_and_merges_are_dropped_with_their_time(claims: Claims, tmp_path: Path) -> None:
    claims.take("inc-a", "c", SAME, now=NOW)
    claims.take("inc-b", "c", SAME, now=NOW)
    claims.note("inc-a", "closed", now=NOW)
    claims.forget(now=NOW + KEPT_FOR + timedelta(seconds=1))
    with closing(sqlite3.connect(tmp_path / "eu" / "claims.sqlite")) as file:
        left = [row for table in ("claims", "marks", "merged") for row in file.execute(f"SELECT * FROM {table}")]
    assert left == []


def _claim_same(given: tuple[Path, int]) -> str:
    path, number = given
    claim = Claims(path).take(f"inc-{number}", "c", Marks(content=("same-a",)))
    return claim.into or claim.incident


def test_a_hundred_keys_over_one_content_from_several_processes_are_one_claim(tmp_path: Path) -> None:
    path = tmp_path / "claims.sqlite"
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        stands = list(pool.map(_claim_same, [(path, number) for number in range(100)]))
    assert len(set(stands)) == 1
