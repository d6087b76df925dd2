"""What a workflow checks about packets and answers by itself: signatures, routing, fences, absolute times. Pure.

What may cross at all (data classes, recognisers) is checked by the activity that posts and by the gateway that
receives; here a workflow convinces itself of what its own history must be able to prove.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from schemas.decision import Envelope, RefusalType
from schemas.handoff import ANSWER, PACKET, Packet, PacketAnswer, PacketClock
from watchfloor.signing import Refusal, SignatureRefused, open_slots, parse_instant, verify
from watchfloor.signing.gates import CLOCK_SKEW

WRONG_FENCE = "wrong_fence"
"""`ApplicationError.type` of an answer to an offer that command has since moved on from."""
RECALLED = "recalled"
NOT_OFFERED = "not_offered"
"""The packet's arrival is not recorded here yet; the same answer is taken a moment later."""
UNENDING = frozenset({"waiting", "running", "paused", "breached"})


def refuse_packet_answer(
    envelope: object, packet: Packet, keys: Mapping[str, str], now: datetime
) -> Refusal | tuple[Envelope, PacketAnswer]:
    """Check an answer against the packet that was sent; gives it, or why it does not count.

    Late means after `accept_by`, by workflow time: whoever accepts too late does not get command.
    """
    if not isinstance(envelope, dict):
        return Refusal(RefusalType.BAD_SIGNATURE, "this is not a signed answer")
    signed = cast(Envelope, envelope)
    try:
        answer = cast(PacketAnswer, verify(signed, ANSWER, keys))
        decided_at = parse_instant(answer["decided_at"])
        seated = not open_slots(packet["accept_slots"], [{"person": answer["person"], "role": answer["role"]}])
    except (SignatureRefused, ValueError, KeyError, TypeError, AttributeError) as error:
        return Refusal(RefusalType.BAD_SIGNATURE, f"the answer is refused: {type(error).__name__}: {error}")
    routing = answer.get("handoff"), answer.get("from_region"), answer.get("to_region")
    if routing != (packet["handoff"], packet["to_region"], packet["from_region"]):
        return Refusal(RefusalType.WRONG_RUN, "the answer belongs to another handoff or other regions")
    if answer.get("fence") != packet["fence"]:
        return Refusal(WRONG_FENCE, f"the answer carries fence {answer.get('fence')}, the offer {packet['fence']}")
    if now >= parse_instant(packet["accept_by"]):
        return Refusal(RefusalType.LATE, f"the offer stood until {packet['accept_by']}; it was not taken in time")
    if decided_at > now + CLOCK_SKEW or decided_at >= parse_instant(packet["accept_by"]):
        return Refusal(RefusalType.LATE, "the answer was decided outside the time of the offer")
    if answer.get("verdict") not in {"accepted", "declined"}:
        return Refusal(RefusalType.UNKNOWN_OPTION, "an offer is accepted or declined")
    if answer["verdict"] == "accepted":
        if not seated:
            return Refusal(RefusalType.WRONG_ROLE, f"`{answer['role']}` may not accept this offer")
        fault = find_read_back_fault(packet, answer.get("read_back"))
        if fault:
            return Refusal(RefusalType.BAD_FORM, fault)
    return signed, answer


def refuse_packet(envelope: Envelope, keys: Mapping[str, str], handoff: str, region: str) -> Packet | Refusal:
    """Check a received packet's signature and that it is for this region and this process."""
    try:
        packet = cast(Packet, verify(envelope, PACKET, keys))
        parse_instant(packet["accept_by"])
    except (SignatureRefused, ValueError, KeyError, TypeError) as error:
        return Refusal(RefusalType.BAD_SIGNATURE, f"the packet is refused: {type(error).__name__}: {error}")
    if (packet["handoff"], packet["to_region"]) != (handoff, region):
        return Refusal(RefusalType.WRONG_RUN, "the packet is for another handoff or another region")
    return packet


def find_read_back_fault(packet: Packet, read_back: object) -> str:
    """What a read-back gets wrong, as a sentence that does not give the right value away; empty when it is right."""
    if not isinstance(read_back, dict):
        return "an acceptance reads back severity, nearest deadline and next action"
    if read_back.get("severity") != packet["severity"]:
        return "the severity read back is not the packet's; read the packet again"
    nearest = find_nearest(packet["clocks"])
    told = read_back.get("nearest_deadline")
    try:
        same = (
            nearest is None if told is None else nearest is not None and parse_instant(told) == parse_instant(nearest)
        )
    except (ValueError, TypeError):
        same = False
    if not same:
        return "the nearest deadline read back is not the packet's; read its clocks again"
    if not read_back.get("next_action"):
        return "say in a few words what will be done first (`next_action`)"
    return ""


def find_nearest(clocks: Sequence[PacketClock]) -> str | None:
    """The nearest deadline of the clocks that have not stopped; None when there is none."""
    due = [clock["due_at"] for clock in clocks if clock["due_at"] and clock["state"] in UNENDING]
    return min(due, key=parse_instant) if due else None
