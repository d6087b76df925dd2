"""What is sealed to one region opens there and nowhere else, and not after any change."""

import pytest

from schemas.decision import Envelope
from schemas.handoff import Sealed
from watchfloor.regions.keys import SealingKey
from watchfloor.regions.sealing import MAX_SEALED, SealRefused, open_sealed, seal
from watchfloor.signing import SigningKey, sign
from watchfloor.signing.statements import decode, encode

RECEIVER = SealingKey.generate()
SIGNED: Envelope = sign("test.v1", {"word": "harmless-canary"}, SigningKey.generate())


def sealed_to(key: SealingKey = RECEIVER) -> Sealed:
    return seal(SIGNED, handoff="hand-1", from_region="eu", to_region="us", kind="packet", to_public=key.public)


def test_the_receiver_opens_exactly_what_was_sealed() -> None:
    assert open_sealed(sealed_to(), RECEIVER) == SIGNED


def test_nothing_of_the_content_shows_outside() -> None:
    sealed = sealed_to()
    outside = str(sealed).encode() + decode(sealed["box"])
    assert b"harmless-canary" not in outside
    assert SIGNED["kid"].encode() not in outside
    assert SIGNED["sig"].encode() not in outside


def test_two_sealings_share_no_key() -> None:
    one, two = sealed_to(), sealed_to()
    assert one["epk"] != two["epk"]
    assert one["box"] != two["box"]


def test_another_region_cannot_open_it_even_under_the_right_name() -> None:
    other = SealingKey.generate()
    with pytest.raises(SealRefused, match="sealed to key"):
        open_sealed(sealed_to(), other)
    with pytest.raises(SealRefused, match="does not open"):
        open_sealed({**sealed_to(), "to_kid": other.kid}, other)


CHANGES: dict[str, object] = {
    "handoff": "hand-2",
    "from_region": "us",
    "to_region": "eu",
    "kind": "answer",
    "epk": SealingKey.generate().public,
    "nonce": encode(b"\0" * 12),
    "v": 2,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_routing_field_closes_the_box(name: str) -> None:
    changed: Sealed = {**sealed_to(), name: CHANGES[name]}  # type: ignore[typeddict-item]
    with pytest.raises(SealRefused):
        open_sealed(changed, RECEIVER)


def test_every_changed_byte_closes_the_box() -> None:
    sealed = sealed_to()
    box = decode(sealed["box"])
    for index in range(0, len(box), 7):
        changed: Sealed = {**sealed, "box": encode(box[:index] + bytes([box[index] ^ 1]) + box[index + 1 :])}
        with pytest.raises(SealRefused):
            open_sealed(changed, RECEIVER)


@pytest.mark.parametrize("field", ["epk", "nonce", "box"])
@pytest.mark.parametrize("spoiled", ["", "A", "****", "AAAA", encode(b"\0" * 32)])
def test_rubbish_is_refused(field: str, spoiled: str) -> None:
    changed: Sealed = {**sealed_to(), field: spoiled}  # type: ignore[typeddict-item]
    with pytest.raises(SealRefused):
        open_sealed(changed, RECEIVER)


def test_one_box_in_another_envelope_does_not_open() -> None:
    with pytest.raises(SealRefused):
        open_sealed({**sealed_to(), "box": sealed_to()["box"]}, RECEIVER)


def test_too_much_is_refused_before_it_is_sealed() -> None:
    big = sign("test.v1", {"word": "x" * MAX_SEALED}, SigningKey.generate())
    with pytest.raises(SealRefused, match="share less"):
        seal(big, handoff="hand-1", from_region="eu", to_region="us", kind="packet", to_public=RECEIVER.public)


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(SealRefused, match="X25519"):
        seal(SIGNED, handoff="hand-1", from_region="eu", to_region="us", kind="packet", to_public=encode(b"\0" * 32))
