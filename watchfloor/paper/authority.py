"""The card for a call to an authority: the register's row with the company's own number, and the time there. Pure.

A face shows the card, a printed checklist carries its lines; both say the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from schemas.plan import Plan
from watchfloor.identity.authorities import UNFILLED, Authority
from watchfloor.identity.contact_list import ContactList
from watchfloor.language.graph_clocks import list_steps

_BASIS = {
    "V": "read at its publisher",
    "S": "as others say",
    "T": "believed, not checked: look it up before you rely on it",
    "P": "our own practice",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One card. `number` is empty where nobody has filled it in; `source` says where the number is from, `there` the
    time at the place, `doubts` what speaks against relying on it."""

    id: str
    authority: str
    when: str
    place: str
    zone: str
    there: datetime
    number: str
    source: str
    checked_on: date | None
    owner: str
    doubts: tuple[str, ...]
    script: tuple[str, ...]
    read_back: tuple[str, ...]
    never: tuple[str, ...]


def list_cards(plan: Plan, register: Sequence[Authority], known: ContactList | None, now: datetime) -> list[Card]:
    """The cards of the authorities that a runbook contacts, in the register's order: those of its clocks' laws; where
    it pages or asks the liaison, the company's own list too."""
    laws = {clock["law"]["id"] for clock in plan["clocks"].values()}
    cards = [_draw(row, known, now) for row in register if laws & set(row.laws)]
    if contacts_authorities(plan, register) and known is not None:
        used = {row.id for row in register}
        for own in known.authorities:
            if own.card not in used:
                cards.append(
                    Card(
                        id=own.card or own.authority,
                        authority=own.authority,
                        when="from the company's own list",
                        place=own.place,
                        zone=own.zone.key,
                        there=now.astimezone(own.zone),
                        number=own.number,
                        source=own.found,
                        checked_on=known.checked_on,
                        owner="",
                        doubts=(),
                        script=own.script,
                        read_back=own.read_back,
                        never=own.never,
                    )
                )
    return cards


def contacts_authorities(plan: Plan, register: Sequence[Authority]) -> bool:
    """Whether a runbook has somebody speak with an authority."""
    laws = {clock["law"]["id"] for clock in plan["clocks"].values()}
    if any(laws & set(row.laws) for row in register):
        return True
    for step in list_steps(plan):
        if step["kind"] == "task" and "le_liaison" in step["assignee"]["any_of"]:
            return True
        if step["kind"] == "action" and step["action"] == "page" and step["with_"].get("role") == {"lit": "le_liaison"}:
            return True
    return False


def list_unfilled(register: Sequence[Authority], known: ContactList | None) -> list[Authority]:
    """The rows without a number, in the register and in the company's own list."""
    own = {one.card for one in known.authorities} if known is not None else set()
    return [row for row in register if not row.number and row.id not in own]


def _draw(row: Authority, known: ContactList | None, now: datetime) -> Card:
    own = next((one for one in known.authorities if one.card == row.id), None) if known is not None else None
    number = own.number if own is not None else row.number
    doubts: list[str] = []
    if not number:
        doubts.append(f"{UNFILLED}: {row.find}")
    elif own is None:
        doubts.append(_BASIS[row.basis])
    if row.review_after < now.date():
        doubts.append(f"{row.owner} was to review this card by {row.review_after}")
    return Card(
        id=row.id,
        authority=own.authority if own is not None else row.authority,
        when=row.when,
        place=row.place,
        zone=own.zone.key if own is not None else row.zone.key,
        there=now.astimezone(own.zone if own is not None else row.zone),
        number=number,
        source=own.found if own is not None else row.find,
        checked_on=known.checked_on if own is not None and known is not None else row.checked_on,
        owner=row.owner,
        doubts=tuple(doubts),
        script=own.script if own is not None and own.script else row.script,
        read_back=own.read_back if own is not None and own.read_back else row.read_back,
        never=own.never if own is not None and own.never else row.never,
    )


def card_lines(card: Card) -> Iterator[str]:
    """The card in plain lines, for paper and terminals."""
    yield f"{card.authority} ({card.place})"
    yield f"  when: {card.when}"
    yield f"  number: {card.number or UNFILLED}"
    checked = f", checked {card.checked_on}" if card.checked_on else ""
    yield f"  found at: {card.source}{checked}"
    utc = card.there.astimezone(UTC)
    yield f"  time there: {card.there:%a %H:%M} ({card.zone}), {utc:%H:%M} UTC"
    for doubt in card.doubts:
        yield f"  ! {doubt}"
    for title, points in (("say", card.script), ("have read back", card.read_back), ("never", card.never)):
        yield f"  {title}:"
        for number, point in enumerate(points, 1):
            yield f"    {number}. {point}" if title == "say" else f"    - {point}"
