"""The file of claims alone: what it keeps, for how long, and what a damaged or contested one does."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.intake import Claims, ClaimsUnavailable
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
