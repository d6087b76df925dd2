"""A packet and an answer as two regions exchange them, with keys made for the tests."""

from copy import deepcopy
from typing import Any

from schemas.handoff import Packet, PacketAnswer
from watchfloor.regions.keys import RegionKeys
from watchfloor.regions.residency import load_residency

EU, US = RegionKeys.generate(), RegionKeys.generate()
PEERS_OF_EU, PEERS_OF_US = {"us": US.public}, {"eu": EU.public}
RULES = load_residency()

_PACKET: Packet = {
    "v": 1,
    "handoff": "hand-0123456789abcdef0123",
    "from_region": "eu",
    "to_region": "us",
    "mode": "assist",
    "incident": "inc-abcdefghij234567klmn",
    "title": "EU removal order (one hour)",
    "severity": "S1",
    "fence": 3,
    "offered_at": "2026-11-22T10:00:00Z",
    "accept_by": "2026-11-22T10:10:00Z",
    "accept_slots": [{"any_of": ["us_desk"]}],
    "clocks": [
        {
            "name": "removal",
            "law": "eu.tco.removal",
            "state": "running",
            "started_at": "2026-11-22T09:30:00Z",
            "due_at": "2026-11-22T10:30:00Z",
        }
    ],
    "shared": [
        {"label": "inputs.urls", "data_class": "", "value": ["https://example.test/v/1", "https://example.test/v/2"]},
        {"label": "facts.order_received", "data_class": "operational", "value": "2026-11-22T09:30:00Z"},
    ],
}
_ANSWER: PacketAnswer = {
    "v": 1,
    "handoff": "hand-0123456789abcdef0123",
    "from_region": "us",
    "to_region": "eu",
    "fence": 3,
    "verdict": "accepted",
    "person": "desk-us-1",
    "role": "us_desk",
    "read_back": {
        "severity": "S1",
        "nearest_deadline": "2026-11-22T10:30:00Z",
        "next_action": "watch the us mirrors",
    },
    "decided_at": "2026-11-22T10:02:00Z",
    "workflow": "in-0123456789abcdef0123",
}


def packet(**changes: Any) -> Packet:
    return {**deepcopy(_PACKET), **changes}  # type: ignore[typeddict-item]


def answer(**changes: Any) -> PacketAnswer:
    return {**deepcopy(_ANSWER), **changes}  # type: ignore[typeddict-item]


def shared(value: Any, data_class: str = "public_content", label: str = "inputs.note") -> Packet:
    return packet(shared=[{"label": label, "data_class": data_class, "value": value}])
