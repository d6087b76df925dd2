"""Only the allow-list crosses, only from whom it says, only to whom it is for, and only unchanged."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.handoff import ANSWER, PACKET, Sealed
from tests.regions.packet_samples import EU, PEERS_OF_EU, PEERS_OF_US, RULES, US, answer, packet, shared
from watchfloor.regions.keys import PublicKeys, RegionKeys
from watchfloor.regions.packets import (
    Opened,
    PacketRefused,
    check_packet,
    close_answer,
    close_packet,
    open_answer,
    open_packet,
)
from watchfloor.regions.sealing import seal
from watchfloor.signing import SigningKey, digest, sign, verify


def received(sealed: Sealed, **changes: Any) -> Opened:
    known: dict[str, Any] = {"region": "us", "keys": US, "peers": PEERS_OF_US, "residency": RULES}
    return open_packet(sealed, **{**known, **changes})


def posted() -> Sealed:
    return close_packet(packet(), EU, US.public, RULES).sealed


def forged(body: Any, key: SigningKey = EU.packets, domain: str = PACKET, **routing: str) -> Sealed:
    fields: Any = {"handoff": body["handoff"], "from_region": "eu", "to_region": "us", "kind": "packet", **routing}
    return seal(sign(domain, body, key), to_public=US.sealing.public, **fields)


def test_a_packet_arrives_as_it_was_sent_with_its_classes() -> None:
    sent = close_packet(packet(), EU, US.public, RULES)
    opened = received(sent.sealed)
    assert opened.digest == sent.digest == digest(opened.body)
    assert [item["data_class"] for item in opened.body["shared"]] == ["public_content", "operational"]
    assert opened.body == {**packet(), "shared": opened.body["shared"]}
    assert verify(opened.signed, PACKET, EU.public.packets) == opened.body


def test_a_clock_that_stands_still_and_one_of_a_member_cross_as_they_are() -> None:
    clocks: Any = [{**packet()["clocks"][0], "name": "answer[DE]", "state": "paused"}]
    sent = close_packet({**packet(), "clocks": clocks}, EU, US.public, RULES)
    assert received(sent.sealed).body["clocks"] == clocks
    with pytest.raises(PacketRefused):
        close_packet({**packet(), "clocks": [{**clocks[0], "name": "answer[a name]"}]}, EU, US.public, RULES)


def test_an_answer_arrives_as_it_was_sent() -> None:
    sent = close_answer(answer(), US, EU.public)
    opened = open_answer(sent.sealed, region="eu", keys=EU, peers=PEERS_OF_EU)
    assert opened.body == answer()


@pytest.mark.parametrize(
    ("value", "data_class", "says"),
    [
        ("x", "us_protected", "`us_protected` may not go"),
        ("x", "internal", "`internal` may not go"),
        ("x", "", "`internal` may not go"),
        (["https://example.test/v/1", "x"], "", "`internal` may not go"),
        ("x", "us_public_content", "may not go"),
        ("x", "made_up", "not one of"),
        (7, "aggregate", "count of 20"),
        ("mail someone@example.test", "public_content", "e-mail"),
        (["fine", {"deep": ["call +44 20 7946 0000"]}], "public_content", "telephone"),
        ({"someone@example.test": 1}, "public_content", "e-mail"),
        (123456789012, "public_content", "nine or more digits"),
    ],
)
def test_what_may_not_cross_is_refused_by_both_sides(value: Any, data_class: str, says: str) -> None:
    body = shared(value, data_class)
    with pytest.raises(PacketRefused, match=says) as refused:
        close_packet(body, EU, US.public, RULES)
    assert "someone" not in str(refused.value)
    assert "7946" not in str(refused.value)
    with pytest.raises(PacketRefused, match=says):
        received(forged(body))


def test_nothing_of_the_us_is_shared_that_nobody_classified() -> None:
    urls = ["https://example.test/v/1"]
    with pytest.raises(PacketRefused, match="us_protected"):
        check_packet({**shared(urls, ""), "from_region": "us", "to_region": "eu"}, RULES)
    check_packet({**shared(urls, "us_public_content"), "from_region": "us", "to_region": "eu"}, RULES)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"note": "extra"},
        {"v": 2},
        {"handoff": "HAND 1"},
        {"mode": "take"},
        {"severity": "high"},
        {"fence": -1},
        {"fence": "3"},
        {"offered_at": "yesterday"},
        {"accept_by": "2026-11-22T10:10:00"},
        {"accept_slots": []},
        {"accept_slots": [{"any_of": ["US desk"]}]},
        {"clocks": [{"name": "removal", "note": "x"}]},
        {"title": ""},
        {"title": "about someone@example.test"},
        {"title": "x" * 201},
        {"shared": [{"label": "a b", "data_class": "", "value": True}]},
        {"shared": [{"label": "a", "data_class": "", "value": True, "why": "x"}]},
        {"shared": [{"label": "a", "data_class": "", "value": True}] * 2},
        {"shared": [{"label": f"a{n}", "data_class": "", "value": True} for n in range(51)]},
    ],
    ids=lambda spoiled: next(iter(spoiled)),
)
def test_a_packet_has_exactly_its_fields(spoiled: dict[str, Any]) -> None:
    with pytest.raises(PacketRefused):
        close_packet({**packet(), **spoiled}, EU, US.public, RULES)
    if "handoff" not in spoiled:
        with pytest.raises(PacketRefused):
            received(forged({**packet(), **spoiled}))


@pytest.mark.parametrize("name", ["incident", "shared", "accept_by", "fence"])
def test_no_field_may_be_missing(name: str) -> None:
    body = {key: value for key, value in packet().items() if key != name}
    with pytest.raises(PacketRefused, match=name):
        received(forged(body))


def test_a_packet_that_is_too_large_says_so() -> None:
    urls = [f"https://example.test/v/{'x' * 60}/{n}" for n in range(1000)]
    with pytest.raises(PacketRefused, match="share less"):
        close_packet(shared(urls), EU, US.public, RULES)


STRANGER = RegionKeys.generate()
TAMPERINGS: dict[str, Callable[[], Any]] = {
    "opened by another region": lambda: received(posted(), region="br"),
    "opened with another key": lambda: received(posted(), keys=STRANGER),
    "from a region nobody knows": lambda: received(posted(), peers={"br": EU.public}),
    "sender's keys replaced": lambda: received(posted(), peers={"eu": STRANGER.public}),
    "signed by a stranger": lambda: received(forged(packet(), STRANGER.packets)),
    "signed by the receiver itself": lambda: received(forged(packet(), US.packets)),
    "signed with the sender's face key": lambda: received(forged(packet(), EU.face)),
    "signed with the sender's ledger key": lambda: received(forged(packet(), EU.ledger)),
    "signed as an answer": lambda: received(forged(packet(), domain=ANSWER)),
    "signed for another domain": lambda: received(forged(packet(), domain="watchfloor.decision.v1")),
    "another handoff on the envelope": lambda: received(forged(packet(), handoff="hand-ffffffffffffffffffff")),
    "another sender on the envelope": lambda: received(
        forged(packet(), from_region="br"), peers={**PEERS_OF_US, "br": EU.public}
    ),
    "another receiver inside": lambda: received(forged(packet(to_region="br"))),
    "another sender inside": lambda: received(forged(packet(from_region="br"))),
    "kind changed on the way": lambda: received({**posted(), "kind": "answer"}),
    "a packet posted as an answer": lambda: open_answer(
        {**posted(), "kind": "answer"}, region="us", keys=US, peers=PEERS_OF_US
    ),
    "sealed as an answer": lambda: received(forged(packet(), kind="answer")),
    "class downgraded": lambda: received(_edited(lambda body: body["shared"][0].update(data_class="operational"))),
    "fence changed": lambda: received(_edited(lambda body: body.update(fence=4))),
    "deadline moved": lambda: received(_edited(lambda body: body.update(accept_by="2026-11-23T10:10:00Z"))),
    "seats changed": lambda: received(_edited(lambda body: body.update(accept_slots=[{"any_of": ["anyone"]}]))),
    "value added": lambda: received(
        _edited(lambda body: body["shared"].append({"label": "x", "data_class": "operational", "value": True}))
    ),
    "value taken out": lambda: received(_edited(lambda body: body["shared"].pop())),
    "severity lowered": lambda: received(_edited(lambda body: body.update(severity="S3"))),
    "key id replaced": lambda: received(_edited(lambda body: None, kid=STRANGER.packets.kid)),
    "signature cut": lambda: received(_edited(lambda body: None, sig="")),
    "box of another packet": lambda: received(
        {**posted(), "box": close_packet(packet(fence=9), EU, US.public, RULES).sealed["box"]}
    ),
}


def _edited(edit: Callable[[dict[str, Any]], Any], **envelope: str) -> Sealed:
    """What somebody could make who reads the packet at the sender and seals it again, without the signing key."""
    signed = received(posted()).signed
    edit(signed["body"])
    routing: Any = {"handoff": packet()["handoff"], "from_region": "eu", "to_region": "us", "kind": "packet"}
    return seal({**signed, **envelope}, to_public=US.sealing.public, **routing)  # type: ignore[typeddict-item]


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_refused(kind: str) -> None:
    with pytest.raises(PacketRefused):
        TAMPERINGS[kind]()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"verdict": "maybe"},
        {"read_back": None},
        {"read_back": {"severity": "S1", "next_action": "call 030 123 4567"}},
        {"read_back": {"severity": "S1", "next_action": "x", "note": "y"}},
        {"read_back": {"next_action": "watch the mirrors"}},
        {"person": "Some Body"},
        {"decided_at": "now"},
        {"extra": 1},
        {"fence": True},
    ],
    ids=str,
)
def test_an_answer_has_exactly_its_fields_and_no_free_text(spoiled: dict[str, Any]) -> None:
    with pytest.raises(PacketRefused):
        close_answer({**answer(), **spoiled}, US, EU.public)


def test_a_refusal_needs_no_read_back() -> None:
    close_answer(answer(verdict="declined", read_back=None), US, EU.public)


def test_an_answer_for_another_region_or_by_another_key_is_refused() -> None:
    sealed = close_answer(answer(), US, EU.public).sealed
    with pytest.raises(PacketRefused):
        open_answer(sealed, region="us", keys=US, peers=PEERS_OF_US)
    with pytest.raises(PacketRefused):
        open_answer(sealed, region="eu", keys=EU, peers={"us": STRANGER.public})


def test_a_region_without_a_published_key_is_sent_nothing() -> None:
    with pytest.raises(PacketRefused, match="no key"):
        close_packet(packet(), EU, PublicKeys({}, {}, {}), RULES)
