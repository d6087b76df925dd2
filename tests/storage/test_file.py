"""A store's file: whole or not at all, its owner's alone, for several processes and threads, whatever is killed."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from watchfloor.storage import SqliteFile
from watchfloor.storage.file import MOST_IDLE

NOTES = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, said TEXT NOT NULL) STRICT"
MARKS = "CREATE TABLE IF NOT EXISTS marks (note INTEGER NOT NULL) STRICT"


class NotesUnavailable(Exception):
    """What a store of notes raises."""


def notes(
    path: Path,
    *tables: str,
    version: int = 1,
    busy_seconds: float = 10.0,
    folder_mode: int | None = None,
    disposable: bool = False,
) -> SqliteFile:
    return SqliteFile(
        path,
        tables or (NOTES,),
        version,
        NotesUnavailable,
        busy_seconds=busy_seconds,
        folder_mode=folder_mode,
        disposable=disposable,
    )


def write(file: SqliteFile, *said: str) -> None:
    with file.transaction() as database:
        database.executemany("INSERT INTO notes (said) VALUES (?)", [(one,) for one in said])


def read(file: SqliteFile) -> list[str]:
    with file.reading() as database:
        return [said for (said,) in database.execute("SELECT said FROM notes ORDER BY id")]


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another writer, in the middle of its transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO notes (said) VALUES ('half')")
        yield other


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eu" / "notes.sqlite"


# -- writing --------------------------------------------------------------------------------------------------------


def test_a_block_that_raises_has_written_nothing(path: Path) -> None:
    file = notes(path)
    write(file, "first")

    def give_up() -> None:
        with file.transaction() as database:
            database.execute("INSERT INTO notes (said) VALUES ('second')")
            raise KeyError("second")

    with pytest.raises(KeyError):
        give_up()
    assert read(file) == ["first"]


def test_what_goes_wrong_inside_is_the_stores_own_error_with_the_file_in_it(path: Path) -> None:
    file = notes(path)
    for block in (file.transaction, file.reading):
        said = r"notes\.sqlite cannot be used: no such table: elsewhere"
        with pytest.raises(NotesUnavailable, match=said), block() as database:
            database.execute("SELECT 1 FROM elsewhere")
    write(file, "first")
    assert read(file) == ["first"]


def test_a_file_that_is_no_database_or_lies_in_no_folder_is_the_stores_own_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, and long enough to be looked at as one " * 40)
    for file in (notes(tmp_path / "text"), notes(tmp_path / "text" / "notes.sqlite")):
        for block in (file.transaction, file.reading):
            with pytest.raises(NotesUnavailable, match="cannot be used"), block():
                pass


def _write_twenty(given: tuple[Path, str]) -> None:
    path, name = given
    file = notes(path)
    for number in range(20):
        write(file, f"{name} {number}")
        assert f"{name} {number}" in read(file)


def test_several_processes_that_begin_a_file_together_lose_nothing(path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_write_twenty, [(path, name) for name in "abcd"]))
    assert sorted(read(notes(path))) == sorted(f"{name} {number}" for name in "abcd" for number in range(20))


DIES_WITHIN = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_file import notes
with notes(Path({path!r})).transaction() as database:
    database.execute("INSERT INTO notes (said) VALUES ('half')")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_that_is_killed_leaves_nothing_half_written_and_no_lock(path: Path) -> None:
    file = notes(path, busy_seconds=0)
    write(file, "first")
    program = DIES_WITHIN.format(here=str(Path(__file__).parent), path=str(path))
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert read(file) == ["first"]
    write(file, "second")
    assert read(notes(path)) == ["first", "second"]


def test_who_cannot_have_the_lock_in_time_has_written_nothing(path: Path) -> None:
    file = notes(path, busy_seconds=0)
    write(file, "first")
    with held(path), pytest.raises(NotesUnavailable, match="locked"):
        write(file, "second")
    assert read(file) == ["first"]


def test_what_was_looked_at_in_a_transaction_is_nobody_elses_to_change(path: Path) -> None:
    file = notes(path, busy_seconds=0)
    with file.transaction() as database:
        assert database.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        with pytest.raises(NotesUnavailable, match="locked"):
            write(notes(path, busy_seconds=0), "second")
    assert read(file) == []


def test_the_file_and_its_log_are_their_owners_alone(path: Path) -> None:
    file = notes(path, folder_mode=0o700)
    previous = os.umask(0)
    try:
        write(file, "first")
        with file.reading():
            write(file, "second")
            modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    finally:
        os.umask(previous)
    assert modes == {"notes.sqlite": 0o600, "notes.sqlite-wal": 0o600, "notes.sqlite-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_opened_to_others_is_closed_again_by_the_next_transaction(path: Path) -> None:
    file = notes(path, folder_mode=0o700)
    write(file, "first")
    path.parent.chmod(0o755)
    write(file, "second")
    assert path.parent.stat().st_mode & 0o777 == 0o700


# -- reading --------------------------------------------------------------------------------------------------------


def test_who_reads_waits_for_no_writer_and_sees_what_was_committed(path: Path) -> None:
    file = notes(path, busy_seconds=0)
    write(file, "first")
    with held(path) as other:
        assert read(file) == ["first"]
        other.execute("COMMIT")
    assert read(file) == ["first", "half"]


def test_who_reads_holds_no_writer_up_and_sees_one_moment(path: Path) -> None:
    file = notes(path, busy_seconds=0)
    write(file, "first")
    with file.reading() as database:
        write(notes(path, busy_seconds=0), "second")
        assert database.execute("SELECT count(*) FROM notes").fetchone() == (1,)
    assert read(file) == ["first", "second"]


def test_who_reads_cannot_write(path: Path) -> None:
    file = notes(path)
    for there in (False, True):
        if there:
            write(file, "first")
        with pytest.raises(NotesUnavailable, match="readonly"), file.reading() as database:
            database.execute("INSERT INTO notes (said) VALUES ('second')")
    assert read(file) == ["first"]


def test_a_file_that_is_not_there_reads_as_an_empty_one_and_is_not_made(path: Path) -> None:
    file = notes(path)
    assert read(file) == []
    assert not path.parent.exists()
    write(notes(path), "first")
    assert read(file) == ["first"]


def test_one_file_is_not_read_through_another_that_it_replaced(path: Path) -> None:
    file = notes(path)
    write(file, "first")
    assert read(file) == ["first"]
    write(notes(path.with_name("restored.sqlite")), "restored")
    path.with_name("restored.sqlite").replace(path)
    assert read(file) == ["restored"]
    path.unlink()
    assert read(file) == []


def test_a_block_within_a_block_and_many_threads_at_once_each_read_for_themselves(path: Path) -> None:
    file = notes(path)
    write(file, "first")
    with file.reading() as outer, file.reading() as inner:
        assert outer is not inner
        assert read(file) == ["first"]
    with ThreadPoolExecutor(4 * MOST_IDLE) as pool:
        found = list(pool.map(lambda _: read(file), range(400)))
    assert found == [["first"]] * 400


def test_no_more_connections_are_kept_than_are_worth_it(path: Path) -> None:
    file = notes(path)
    write(file, "first")
    with ExitStack() as blocks:
        for _ in range(2 * MOST_IDLE):
            blocks.enter_context(file.reading())
    assert len(file._idle) == MOST_IDLE


def test_a_connection_is_kept_for_the_next_who_reads(path: Path) -> None:
    file = notes(path)
    write(file, "first")
    with file.reading() as before:
        pass
    with pytest.raises(NotesUnavailable), file.reading() as again:
        again.execute("SELECT 1 FROM elsewhere")
    assert again is before
    with file.reading() as last:
        assert last is before


# -- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("looks", [True, False])
def test_a_file_of_an_earlier_version_is_brought_to_this_one_with_all_that_is_in_it(path: Path, looks: bool) -> None:
    write(notes(path), "first")
    later = notes(path, NOTES, MARKS, version=2)
    with later.reading() if looks else later.transaction() as database:
        assert database.execute("SELECT count(*) FROM marks").fetchone() == (0,)
    assert read(later) == ["first"]


def test_a_file_from_before_there_were_versions_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        old.execute(NOTES)
        old.execute("INSERT INTO notes (said) VALUES ('first')")
        old.commit()
    assert read(notes(path)) == ["first"]


def test_a_file_of_a_later_version_is_used_as_it_is_and_stays_one(path: Path) -> None:
    write(notes(path, NOTES, MARKS, version=2), "first")
    earlier = notes(path)
    assert read(earlier) == ["first"]
    write(earlier, "second")
    with earlier.reading() as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)


@pytest.mark.parametrize("version", [1, 3])
def test_a_disposable_file_of_another_version_reads_as_empty_until_it_is_written(path: Path, version: int) -> None:
    other = notes(path, "CREATE TABLE notes (elsewhere TEXT NOT NULL) STRICT", version=version, disposable=True)
    with other.transaction() as database:
        database.execute("INSERT INTO notes VALUES ('first')")
    file = notes(path, version=2, disposable=True)
    assert read(file) == []
    with other.reading() as database:
        assert database.execute("SELECT elsewhere FROM notes").fetchall() == [("first",)]
    write(file, "second")
    assert read(file) == ["second"]
    with other.reading() as database:
        assert database.execute("SELECT elsewhere FROM notes").fetchall() == []


def test_of_two_that_renew_a_disposable_file_the_second_empties_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(notes(path, version=1, disposable=True), "of another version")
    file, fits, asked = notes(path, version=2, disposable=True), SqliteFile._fits, []

    def meanwhile(self: SqliteFile, database: sqlite3.Connection) -> bool:
        found = fits(self, database)
        if not asked:
            asked.append(found)
            write(notes(path, version=2, disposable=True), "the first to come")
        return found

    monkeypatch.setattr(SqliteFile, "_fits", meanwhile)
    write(file, "the second")
    assert asked == [False]
    assert read(file) == ["the first to come", "the second"]
