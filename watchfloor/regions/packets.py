"""Packets and answers: checked against the allow-list, signed and sealed by the sender, opened and verified by the
receiver.

The sender's side runs in the activity that posts, so neither a plan nor a person can send what the residency rules
forbid. The receiver checks the same rules again: it does not take in what should never have been sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from schemas.decision import Envelope
from schemas.handoff import ANSWER, PACKET, Packet, PacketAnswer, Sealed
from schemas.json_value import Json
from watchfloor.regions.keys import PublicKeys, RegionKeys
from watchfloor.regions.recognisers import recognise, texts_in
from watchfloor.regions.residency import Residency, is_instant
from watchfloor.regions.sealing import SealRefused, open_sealed, seal
from watchfloor.signing import SignatureRefused, digest, sign, verify

PACKET_VERSION = 1
_ROLE = re.compile(r"^[a-z][a-z0-9_]{1,40}$")


class PacketRefused(ValueError):
    """A packet or answer may not cross, or is not to be believed. The text names fields and classes, never values."""


def _instant(text: str) -> str:
    if not is_instant(text):
        raise ValueError("not an instant with an offset from UTC")
    return text


_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,80}$")]
_Region = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,20}$")]
_Role = Annotated[str, Field(pattern=_ROLE.pattern)]
_Instant = Annotated[str, Field(max_length=40), AfterValidator(_instant)]
_Label = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.\[\]-]{0,120}$")]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,80}$")]

_ClockName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,80}(\[[A-Za-z0-9._:-]{1,64}\])?$")]
"""A clock's name, with its member where there is one per member."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Shared(_Strict):
    label: _Label
    data_class: Annotated[str, Field(pattern=r"^[a-z0-9_+]{0,200}$")]
    value: Any


class _Clock(_Strict):
    name: _ClockName
    law: _Name
    state: Literal["waiting", "running", "paused", "met", "breached", "late", "assigned"]
    started_at: _Instant | None
    due_at: _Instant | None


class _Slot(_Strict):
    any_of: list[_Role] = Field(min_length=1, max_length=20)


class _Packet(_Strict):
    v: Literal[1]
    handoff: _Id
    from_region: _Region
    to_region: _Region
    mode: Literal["assist", "command"]
    incident: _Id
    title: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Annotated[str, Field(pattern=r"^S[0-9]$")]
    fence: Annotated[int, Field(ge=0)]
    offered_at: _Instant
    accept_by: _Instant
    accept_slots: list[_Slot] = Field(min_length=1, max_length=1)
    clocks: list[_Clock] = Field(max_length=50)
    shared: list[_Shared] = Field(max_length=50)


class _ReadBack(_Strict):
    severity: Annotated[str, Field(pattern=r"^S[0-9]$")]
    nearest_deadline: _Instant | None = None
    next_action: Annotated[str, Field(pattern=r"^[a-z][a-z_ ]{2,60}$")]


class _Answer(_Strict):
    v: Literal[1]
    handoff: _Id
    from_region: _Region
    to_region: _Region
    fence: Annotated[int, Field(ge=0)]
    verdict: Literal["accepted", "declined"]
    person: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")]
    role: _Role
    read_back: _ReadBack | None
    decided_at: _Instant
    workflow: _Id


@dataclass(frozen=True, slots=True)
class Posted:
    """A message ready to be posted, and the digest by which both sides know its content."""

    sealed: Sealed
    digest: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that was made for this region by the region it names. `signed` is kept as evidence."""

    signed: Envelope
    body: dict[str, Json]
    digest: str


def check_packet(body: Mapping[str, Json], residency: Residency) -> Packet:
    """Hold a packet against its allow-list: exact fields, each value's class against the residency rules, recognisers.

    Gives the packet with the class of each shared value filled in.

    Raises:
        PacketRefused: with the first thing that may not cross and how to put it right.
    """
    packet = cast(Packet, _shaped(_Packet, body, "packet").model_dump())
    labels = [item["label"] for item in packet["shared"]]
    if len(set(labels)) != len(labels):
        raise PacketRefused("`share` names a value twice; name each once")
    _search(packet["title"], "title")
    for item in packet["shared"]:
        item["data_class"] = residency.class_of(item["data_class"], item["value"], packet["from_region"])
        reason = residency.refuse(item["data_class"], item["value"], packet["from_region"], packet["to_region"])
        if reason:
            raise PacketRefused(
                f"`{item['label']}`: {reason}; take it out of `share`, or correct its `data_class` where it is declared"
            )
        _search(item["value"], item["label"])
    return packet


def check_answer(body: Mapping[str, Json]) -> PacketAnswer:
    """The same for an answer: exact fields, nothing written freely. An acceptance carries its read-back.

    Raises:
        PacketRefused: with the field.
    """
    answer = cast(PacketAnswer, _shaped(_Answer, body, "answer").model_dump())
    if answer["verdict"] == "accepted" and answer["read_back"] is None:
        raise PacketRefused("`read_back`: an acceptance says severity, nearest deadline and next action")
    return answer


def close_packet(body: Mapping[str, Json], keys: RegionKeys, peer: PublicKeys, residency: Residency) -> Posted:
    """Check, sign and seal a packet for the region it is addressed to.

    Raises:
        PacketRefused: it may not cross.
    """
    packet = check_packet(body, residency)
    return _close(cast("dict[str, Json]", packet), "packet", PACKET, keys, peer)


def close_answer(body: Mapping[str, Json], keys: RegionKeys, peer: PublicKeys) -> Posted:
    """Check, sign and seal an answer for the region that sent the packet. An answer travels from receiver to sender.

    Raises:
        PacketRefused: it is not a well-formed answer.
    """
    return _close(cast("dict[str, Json]", check_answer(body)), "answer", ANSWER, keys, peer)


def open_packet(
    sealed: Sealed, *, region: str, keys: RegionKeys, peers: Mapping[str, PublicKeys], residency: Residency
) -> Opened:
    """Open and verify a packet that came from another region.

    Raises:
        PacketRefused: not for this region, not from whom it says, altered, or it holds what may not cross.
    """
    opened = _open(sealed, "packet", PACKET, region, keys, peers)
    check_packet(opened.body, residency)
    return opened


def open_answer(sealed: Sealed, *, region: str, keys: RegionKeys, peers: Mapping[str, PublicKeys]) -> Opened:
    """Open and verify an answer to a packet of this region.

    Raises:
        PacketRefused: as for `open_packet`.
    """
    opened = _open(sealed, "answer", ANSWER, region, keys, peers)
    check_answer(opened.body)
    return opened


def _close(
    body: dict[str, Json], kind: Literal["packet", "answer"], domain: str, keys: RegionKeys, peer: PublicKeys
) -> Posted:
    if not peer.sealing:
        raise PacketRefused("the other region has published no key to seal to")
    try:
        signed = sign(domain, body, keys.packets)
        sealed = seal(
            signed,
            handoff=body["handoff"],
            from_region=body["from_region"],
            to_region=body["to_region"],
            kind=kind,
            to_public=list(peer.sealing.values())[-1],
        )
    except ValueError as error:
        raise PacketRefused(str(error)) from error
    return Posted(sealed, digest(body))


def _open(
    sealed: Sealed,
    kind: str,
    domain: str,
    region: str,
    keys: RegionKeys,
    peers: Mapping[str, PublicKeys],
) -> Opened:
    if sealed["kind"] != kind:
        raise PacketRefused(f"this is the place for a {kind}")
    if sealed["to_region"] != region:
        raise PacketRefused(f"addressed to `{sealed['to_region']}`, this region is `{region}`")
    sender = peers.get(sealed["from_region"])
    if sender is None:
        raise PacketRefused(f"region `{sealed['from_region']}` is not known here")
    try:
        signed = open_sealed(sealed, keys.sealing)
        body = verify(signed, domain, sender.packets)
    except (SealRefused, SignatureRefused) as error:
        raise PacketRefused(str(error)) from error
    for name in ("handoff", "from_region", "to_region"):
        if body.get(name) != sealed[name]:
            raise PacketRefused(f"`{name}` was signed with another value than stands on the envelope")
    return Opened(signed, body, digest(body))


def _shaped(model: type[_Strict], body: Mapping[str, Json], what: str) -> _Strict:
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or what
        raise PacketRefused(f"`{where}` of the {what}: {first['msg']}") from None


def _search(value: Json, label: str) -> None:
    for where, text in texts_in(value, label):
        found = recognise(text)
        if found:
            raise PacketRefused(f"`{where}` seems to hold {found}, which must not cross; share a reference instead")
