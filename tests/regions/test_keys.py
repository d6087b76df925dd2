"""A region's keys: private files, never overwritten, refused with the reason when something is wrong with them."""

import json
from pathlib import Path

import pytest

from watchfloor.regions.keys import KEY_FILES, KeyRing, KeysRefused, PublicKeys, RegionKeys


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "us" / "keys"


def test_created_keys_are_read_back_the_same(directory: Path) -> None:
    made = RegionKeys.create(directory)
    read = RegionKeys.load_or_create(directory)
    assert read.public == made.public
    assert read.decision_keys == made.decision_keys
    assert (read.payload, read.secret) == (made.payload, made.secret)
    assert read.face.to_bytes() == made.face.to_bytes()
    assert read.sealing.to_bytes() == made.sealing.to_bytes()


def test_only_the_owner_may_read_them(directory: Path) -> None:
    RegionKeys.load_or_create(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == dict.fromkeys(KEY_FILES, 0o600)


def test_no_two_keys_are_alike_and_none_is_shown(directory: Path) -> None:
    keys = RegionKeys.create(directory)
    texts = [path.read_text().strip() for path in directory.iterdir()]
    assert len(set(texts)) == len(KEY_FILES)
    shown = repr(keys)
    raw = [keys.secret, keys.face.to_bytes(), *keys.payload.keys.values()]
    assert not any(repr(secret) in shown or secret.hex() in shown for secret in raw)


def test_keys_are_never_overwritten(directory: Path) -> None:
    RegionKeys.create(directory)
    with pytest.raises(KeysRefused, match="already holds"):
        RegionKeys.create(directory)


def test_a_file_others_may_read_is_refused(directory: Path) -> None:
    RegionKeys.create(directory)
    (directory / "face.ed25519").chmod(0o644)
    with pytest.raises(KeysRefused, match="mode 0644, expected 0600"):
        RegionKeys.load(directory)


@pytest.mark.parametrize("name", KEY_FILES)
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    RegionKeys.create(directory)
    (directory / name).unlink()
    with pytest.raises(KeysRefused, match=name):
        RegionKeys.load_or_create(directory)


@pytest.mark.parametrize("name", KEY_FILES)
@pytest.mark.parametrize("text", ["", "AAAA", "not base64 !", "[]", "{}", '{"current": "x", "keys": {}}'])
def test_a_spoiled_file_is_named(directory: Path, name: str, text: str) -> None:
    RegionKeys.create(directory)
    (directory / name).write_text(text)
    with pytest.raises(KeysRefused) as refused:
        RegionKeys.load(directory)
    assert text in {"", "{}", "[]"} or text not in str(refused.value)


def test_public_keys_travel_as_json_and_hold_no_secret() -> None:
    keys = RegionKeys.generate()
    document = json.loads(json.dumps(keys.public.to_json()))
    assert PublicKeys.from_json(document) == keys.public
    assert list(keys.public.sealing.values()) == [keys.sealing.public]


def test_a_public_key_under_another_id_is_refused() -> None:
    document = RegionKeys.generate().public.to_json()
    document["packets"] = {"0" * 16: next(iter(document["packets"].values()))}
    with pytest.raises(KeysRefused, match="does not match its id"):
        PublicKeys.from_json(document)
    with pytest.raises(KeysRefused, match="expected"):
        PublicKeys.from_json({"packets": {}})


def test_the_current_key_of_a_ring_cannot_be_destroyed() -> None:
    ring = KeyRing.generate()
    with pytest.raises(KeysRefused):
        ring.without(ring.current)
    assert set(ring.rotated().keys) > {ring.current}
