"""The evidence store keeps what it was given, says when it was altered, and deletes nothing that is held."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchfloor.evidence import (
    BadReference,
    EvidenceAltered,
    EvidenceHeld,
    EvidenceMissing,
    EvidenceStore,
    EvidenceTooLarge,
    EvidenceUnavailable,
)
from watchfloor.evidence.terms import HoldTerms, digest_names

ABSENT = "sha256:" + "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence")


def place_of(store: EvidenceStore, ref: str) -> Path:
    return store.path / "objects" / ref[7:9] / ref[9:]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=4096))
def test_what_was_put_comes_back_under_the_hash_of_its_content(store: EvidenceStore, content: bytes) -> None:
    ref = store.put(content)
    assert ref == "sha256:" + hashlib.sha256(content).hexdigest()
    assert store.get(ref) == content
    assert store.put(content) == ref


def test_what_is_kept_is_its_owners_alone_whatever_the_process_would_allow(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = EvidenceStore(tmp_path / "evidence")
        store.protect(store.put(b"kept"), "hold-1")
    finally:
        os.umask(before)
    modes = {each.name: each.stat().st_mode & 0o777 for each in store.path.rglob("*") if each.is_file()}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}
    assert store.path.stat().st_mode & 0o777 == 0o700


def test_what_was_never_put_is_missing(store: EvidenceStore) -> None:
    assert not store.exists(ABSENT)
    with pytest.raises(EvidenceMissing):
        store.get(ABSENT)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "sha256:",
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha256:" + "A" * 64,
        "sha256:../../../../etc/passwd",
        "md5:" + "0" * 64,
        "sha256:" + "0" * 64 + "\n",
        "sha256:" + "٠" * 64,
        "../" + "0" * 64,
    ],
)
def test_what_is_no_reference_never_reaches_the_disk(store: EvidenceStore, ref: str) -> None:
    for ask in (store.get, store.exists, store.holds, lambda r: store.delete(r, "retention_over")):
        with pytest.raises(BadReference):
            ask(ref)


@pytest.mark.parametrize("hold", ["", "..", "../x", "a/b", "a b", ".hidden", "a\n", "x" * 129])
def test_a_holds_id_cannot_name_a_place_outside(store: EvidenceStore, hold: str) -> None:
    ref = store.put(b"kept")
    with pytest.raises(BadReference):
        store.protect(ref, hold)
    assert store.holds(ref) == []


@pytest.mark.parametrize("damage", [b"", b"other", b"kept and more"])
def test_an_altered_object_is_refused_on_read_and_on_put(store: EvidenceStore, damage: bytes) -> None:
    ref = store.put(b"kept")
    place_of(store, ref).write_bytes(damage)
    with pytest.raises(EvidenceAltered):
        store.get(ref)
    with pytest.raises(EvidenceAltered):
        store.put(b"kept")


def test_an_object_over_the_cap_leaves_nothing_behind(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, max_object=10)
    store.put(b"x" * 10)
    with pytest.raises(EvidenceTooLarge):
        store.put(b"y" * 11)
    assert len([item for item in (tmp_path / "objects").rglob("*") if item.is_file()]) == 1


def test_an_object_that_grew_on_the_disk_is_not_read_into_memory(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, max_object=10)
    ref = store.put(b"kept")
    place_of(store, ref).write_bytes(b"x" * 100)
    with pytest.raises(EvidenceTooLarge):
        store.get(ref)


def test_a_held_object_is_deleted_only_after_its_last_hold_is_gone(store: EvidenceStore) -> None:
    ref = store.put(b"kept")
    store.protect(ref, "hold-1")
    store.protect(ref, "hold-2")
    store.protect(ref, "hold-2")
    assert store.holds(ref) == ["hold-1", "hold-2"]
    for hold in ("hold-1", "hold-2"):
        with pytest.raises(EvidenceHeld, match="hold-2"):
            store.delete(ref, "retention_over")
        assert store.get(ref) == b"kept"
        store.release(ref, hold)
        store.release(ref, hold)
    store.delete(ref, "retention_over")
    assert not store.exists(ref)


def test_a_deletion_leaves_a_receipt_that_says_what_when_and_why(store: EvidenceStore) -> None:
    ref = store.put(b"kept")
    receipt = store.delete(ref, "lawful_destruction")
    body = json.loads(store.get(receipt))
    assert (body["ref"], body["size"], body["reason"]) == (ref, 4, "lawful_destruction")
    assert body["deleted_at"].endswith("Z")
    assert store.receipts(ref) == [receipt]
    with pytest.raises(EvidenceMissing):
        store.delete(ref, "lawful_destruction")


def test_a_reason_that_is_a_text_is_refused_and_nothing_is_deleted(store: EvidenceStore) -> None:
    ref = store.put(b"kept")
    with pytest.raises(BadReference):
        store.delete(ref, "because somebody asked")
    assert store.exists(ref)


def test_what_is_not_kept_cannot_be_held(store: EvidenceStore) -> None:
    with pytest.raises(EvidenceMissing):
        store.protect(ABSENT, "hold-1")
    assert store.held("hold-1") == []


def test_a_hold_lists_what_it_keeps(store: EvidenceStore) -> None:
    refs = sorted(store.put(bytes([number])) for number in range(5))
    for ref in refs:
        store.protect(ref, "hold-1")
    store.release(refs[0], "hold-1")
    assert store.held("hold-1") == refs[1:]


def test_holds_and_objects_are_found_again_by_another_opening(store: EvidenceStore) -> None:
    ref = store.put(b"kept")
    store.protect(ref, "hold-1")
    again = EvidenceStore(store.path)
    assert again.get(ref) == b"kept"
    with pytest.raises(EvidenceHeld):
        again.delete(ref, "retention_over")


def _protect_or_delete(path: Path, ref: str, turn: int) -> None:
    store = EvidenceStore(path)
    try:
        if turn % 2:
            store.protect(ref, f"hold-{turn}")
        else:
            store.delete(ref, "retention_over")
    except (EvidenceHeld, EvidenceMissing):
        pass


def test_nobody_deletes_what_another_has_just_put_under_a_hold(tmp_path: Path) -> None:
    """Each racer has an opening of its own, as another process would; the lock is on the file, not in memory."""
    store = EvidenceStore(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        for number in range(10):
            ref = store.put(f"object {number}".encode())
            list(pool.map(_protect_or_delete, [tmp_path] * 4, [ref] * 4, range(4)))
            assert store.exists(ref) or store.holds(ref) == []


def test_a_store_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceUnavailable):
        EvidenceStore(tmp_path / "file" / "evidence")


def terms(**more: object) -> HoldTerms:
    given = {"hold": "hold-1", "source": "content_store", "kind": "floor", "row": "r", "title": "t", "law": "l"}
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return HoldTerms(**{**given, "since": at, "until": None, "names": digest_names({"urls": ["a", ["b"]]}), **more})  # type: ignore[arg-type]


def test_what_a_hold_claims_is_found_by_every_opening_of_the_store_until_it_is_dropped(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    store.claim(terms())
    store.claim(terms())
    store.claim(terms(source="live_store"))
    assert [one.source for one in EvidenceStore(tmp_path).claims()] == ["content_store", "live_store"]
    assert store.claims()[0] == terms()
    store.drop_claim("hold-1", "content_store")
    store.drop_claim("hold-1", "content_store")
    assert [one.source for one in store.claims()] == ["live_store"]


def test_a_hold_never_changes_what_it_claims(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    store.claim(terms())
    with pytest.raises(EvidenceAltered):
        store.claim(terms(names=digest_names("c")))
    assert store.claims() == [terms()]


def test_a_renewal_gives_a_claim_a_later_end_and_every_opening_of_the_store_sees_it(tmp_path: Path) -> None:
    store, other = EvidenceStore(tmp_path), EvidenceStore(tmp_path)
    end = datetime(2027, 5, 1, tzinfo=UTC)
    store.claim(terms(until=end))
    assert other.claims() == [terms(until=end)]
    later = terms(until=datetime(2027, 8, 1, tzinfo=UTC))
    store.claim(later)
    assert store.claims() == other.claims() == EvidenceStore(tmp_path).claims() == [later]
    for wrong in (
        terms(until=end),
        terms(until=None),
        terms(until=datetime(2028, 1, 1, tzinfo=UTC), kind="litigation"),
    ):
        with pytest.raises(EvidenceAltered):
            store.claim(wrong)
    assert store.claims() == [later]


@pytest.mark.parametrize(("hold", "source"), [("../x", "a"), ("hold-1", "../x"), ("hold-1", ""), ("hold-1", "A")])
def test_a_claim_under_no_proper_name_is_refused(tmp_path: Path, hold: str, source: str) -> None:
    with pytest.raises(BadReference):
        EvidenceStore(tmp_path).claim(terms(hold=hold, source=source))
