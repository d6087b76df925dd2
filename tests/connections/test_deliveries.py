"""The book of deliveries is a private file."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.connections.standins import notice
from watchfloor.connections.deliveries import DeliveryBook

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def generous() -> Iterator[None]:
    """A process that would let everybody read and write what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes_of(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}


@pytest.mark.usefixtures("generous")
def test_a_new_book_is_its_owners_alone(tmp_path: Path) -> None:
    with closing(DeliveryBook(tmp_path / "deliveries.sqlite")) as book:
        book.announce("room", "d1", [notice()], AT)
        assert modes_of(tmp_path) == {f"deliveries.sqlite{end}": 0o600 for end in ("", "-wal", "-shm")}


@pytest.mark.usefixtures("generous")
def test_a_book_that_others_could_read_is_closed_to_them_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "deliveries.sqlite"
    with closing(DeliveryBook(path)) as book:
        book.announce("room", "d1", [notice()], AT)
        for each in tmp_path.iterdir():  # the write-ahead log too, as a worker leaves it that was killed
            each.chmod(0o644)
        with closing(DeliveryBook(path)) as again:
            found = again.find("room", notice().key)
            assert modes_of(tmp_path) == {f"deliveries.sqlite{end}": 0o600 for end in ("", "-wal", "-shm")}
    assert found is not None
    assert found.id == "d1"
