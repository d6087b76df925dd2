"""Blind second opinion: nobody is shown what others said before every seat has an answer. Pure.

A blind ask has seats of its own (`blind`), filled by whoever answers, whatever they answer; so neither a refusal nor a
receipt says which way anybody went. When all are filled, or the ask ends, everything is revealed at once.
"""

from collections.abc import Mapping
from typing import Any

from schemas.decision import OpenAsk
from schemas.json_value import Json
from watchfloor.signing.gates import open_slots
from watchfloor.signing.standing import BREAK_GLASS, DENY, WITHDRAW, SlotSpec, is_blind


def blind_left(ask: Mapping[str, Any]) -> list[SlotSpec]:
    """The seats of a blind ask that nobody has answered in yet."""
    return open_slots(ask["blind"], [answer["body"] for answer in ask["answers"]])


def find_settled(ask: Mapping[str, Any], option: str) -> tuple[str, list[SlotSpec]]:
    """What is chosen now that an answer for this option has come, and the seats that still wait.

    Of a blind ask nothing is chosen before every seat has answered; a single no then counts first. People who disagree
    about anything else have chosen nothing: the verdicts are open, and the ask waits on. Breaking the glass waits for
    nobody.
    """
    if not is_blind(ask) or option == BREAK_GLASS:
        left = _left(ask, option)
        return ("" if left else option), left
    waiting = blind_left(ask)
    if waiting:
        return "", waiting
    order = [*(one for one in ask["options"] if one == DENY), *(one for one in ask["options"] if one != DENY)]
    chosen = next((one for one in order if one != BREAK_GLASS and not _left(ask, one)), "")
    return chosen, [] if chosen else _left(ask, option)


def is_over(ask: Mapping[str, Any], chosen: str) -> bool:
    """Whether a blind ask need not be blind any more."""
    return is_blind(ask) and (bool(chosen) or not blind_left(ask))


def mask(ask: OpenAsk) -> OpenAsk:
    """An ask as it may be shown: of a blind one only how many have answered, and nothing that says who or what."""
    if not is_blind(ask):
        return ask
    shown: OpenAsk = {**ask, "answers": [], "accepted_at": [], "answered": len(ask["answers"])}
    shown.pop("sealed", None)
    if "motions" in ask:
        open_ = [nth for nth, one in enumerate(ask["motions"]) if one["body"]["verb"] != WITHDRAW]
        shown["motions"] = [ask["motions"][nth] for nth in open_]
        shown["moved_at"] = [ask["moved_at"][nth] for nth in open_]
    return shown


def _left(ask: Mapping[str, Any], option: str) -> list[SlotSpec]:
    same: list[Mapping[str, Json]] = [answer["body"] for answer in ask["answers"] if answer["body"]["option"] == option]
    return open_slots(ask["options"][option], same)
