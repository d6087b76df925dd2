"""The region's root, its certificates and revocations on the disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchfloor.regions.certificates import ISSUED, REVOKED, ROOT, KeyBook, establish_root, read_root, revoke, rotate
from watchfloor.regions.keys import KeysRefused, RegionKeys
from watchfloor.runtime.provision import provision
from watchfloor.signing import SigningKey, parse_instant

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> KeyBook:
    keys = RegionKeys.create(tmp_path / "keys")
    book = KeyBook(tmp_path / "keys", "us", "us")
    establish_root(book, keys.face, NOW)
    return book


def face_of(book: KeyBook) -> SigningKey:
    return RegionKeys.load(book.directory).face


def test_a_home_from_before_there_were_roots_gets_one_and_keeps_its_face_key(tmp_path: Path) -> None:
    before = RegionKeys.create(tmp_path / "us" / "keys")
    book = KeyBook(tmp_path / "us" / "keys", "us", "us")
    assert book.root() == ""
    assert book.usable(before.face.kid, NOW) is None
    provision(tmp_path, "us")
    after = RegionKeys.load(tmp_path / "us" / "keys")
    assert after.face.kid == before.face.kid
    assert book.root()
    root = book.root()
    provision(tmp_path, "us")
    assert book.root() == root
    assert list(book.certificates()) == [before.face.kid]
    assert {path.stat().st_mode & 0o777 for path in book.directory.rglob("*") if path.is_file()} == {0o600}


def test_rotation_makes_another_key_and_the_old_one_verifies_until_its_end(book: KeyBook) -> None:
    old = face_of(book).kid
    body = rotate(book, read_root(book.directory / ROOT), valid_for=timedelta(days=30), now=NOW)
    fresh = face_of(book)
    assert fresh.kid == body["kid"] != old
    assert parse_instant(body["not_after"]) - NOW == timedelta(days=30)
    assert set(book.certificates()) == {old, fresh.kid}
    assert set(book.trust({}).keys) == {old, fresh.kid}
    assert book.usable(fresh.kid, NOW) is not None


def test_a_face_whose_certificate_has_ended_signs_nothing(book: KeyBook) -> None:
    kid = face_of(book).kid
    assert book.usable(kid, NOW + timedelta(days=364)) is not None
    with pytest.raises(KeysRefused, match="ended at"):
        book.usable(kid, NOW + timedelta(days=366))


def test_another_root_neither_certifies_nor_revokes(book: KeyBook) -> None:
    with pytest.raises(KeysRefused, match="not the root"):
        rotate(book, SigningKey.generate())
    with pytest.raises(KeysRefused, match="not the root"):
        revoke(book, face_of(book).kid, SigningKey.generate(), compromised_at=NOW, reason_ref="sha256:r")
    assert not (book.directory / REVOKED).exists()


def test_a_revocation_is_read_at_once_and_the_earlier_compromise_stands(book: KeyBook) -> None:
    kid, root = face_of(book).kid, read_root(book.directory / ROOT)
    trust = book.trust({})
    assert trust.revoked == {}
    for minutes in (0, -90, -30):
        revoke(book, kid, root, compromised_at=NOW + timedelta(minutes=minutes), reason_ref="sha256:r", now=NOW)
    assert book.trust({}).revoked == {kid: "2026-11-28T01:30:00Z"}
    with pytest.raises(KeysRefused, match="revoked"):
        book.usable(kid, NOW)


def test_without_the_private_root_everything_but_signing_under_it_works(book: KeyBook, tmp_path: Path) -> None:
    (book.directory / ROOT).rename(tmp_path / "elsewhere")
    kid = face_of(book).kid
    establish_root(book, face_of(book), NOW)
    assert book.usable(kid, NOW) is not None
    with pytest.raises(KeysRefused):
        read_root(book.directory / ROOT)
    assert rotate(book, read_root(tmp_path / "elsewhere"), now=NOW)["kid"] != kid


@pytest.mark.parametrize("line", ["", "nonsense", '{"domain": "watchfloor.revocation.v1"}'])
def test_a_damaged_list_of_revocations_means_that_nobody_is_believed(book: KeyBook, line: str) -> None:
    (book.directory / REVOKED).write_text(line + "\n")
    with pytest.raises(KeysRefused, match=f"{REVOKED}:1"):
        book.trust({})


def test_a_certificate_of_another_root_is_found(book: KeyBook, tmp_path: Path) -> None:
    other = KeyBook(tmp_path / "keys2", "us", "us")
    establish_root(other, RegionKeys.create(other.directory).face, NOW)
    stray = next((other.directory / ISSUED).glob("*.json"))
    (book.directory / ISSUED / stray.name).write_text(stray.read_text())
    with pytest.raises(KeysRefused, match="no certificate of this region"):
        book.certificates()
