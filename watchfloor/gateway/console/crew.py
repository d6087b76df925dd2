"""Who is at an incident: who commands, who holds the roles that are asked, who was paged and has it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.incident import Board
from schemas.paging import Page
from watchfloor.drawing.words import join_words
from watchfloor.identity.people import Person

MOST = 12
"""People of one role that are named."""
_HOW = {"answer": "by answering", "pager": "at the paging service", "over": "it was over"}


@dataclass(frozen=True, slots=True)
class Held:
    """A role that is asked for something now, and who of this region holds it and may act here."""

    role: str
    people: tuple[str, ...]
    more: int
    asked_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paged:
    """One page: about what, to whom, since when, who has it, when it climbs."""

    about: str
    told: str
    sent_at: str
    taken: str
    taken_at: str | None
    climbs_at: str | None
    rung: int


def list_held(boards: Iterable[Board], people: Iterable[Person]) -> list[Held]:
    """The roles that open questions ask, with those who hold them."""
    steps: dict[str, dict[str, None]] = {}
    kept_out: set[str] = set()
    region = ""
    for board in boards:
        region = region or board["region"]
        kept_out |= set(board.get("recused", ()))
        for ask in board["asks"]:
            for slots in ask["options"].values():
                for role in (one for slot in slots for one in slot["any_of"]):
                    steps.setdefault(role, {})[ask["step"] or ask["path"]] = None
    known = [one for one in people if one.region == region and one.id not in kept_out]
    found: list[Held] = []
    for role, asked_for in steps.items():
        holders = [one.id for one in known if role in one.roles]
        found.append(Held(role, tuple(holders[:MOST]), max(0, len(holders) - MOST), tuple(asked_for)))
    return found


def list_paged(board: Board) -> list[Paged]:
    """The pages that are not settled, what nobody has taken first."""
    dues = board.get("page_dues", {})
    paged = [_draw(page, dues.get(page["id"])) for page in board.get("pages", [])]
    return sorted(paged, key=lambda one: (bool(one.taken), one.climbs_at or "9", one.about))


def _draw(page: Page, due: str | None) -> Paged:
    taken = page.get("acknowledged")
    how = _HOW.get(taken["how"], "") if taken else ""
    return Paged(
        about=page["step"] or page["clock"] or page["path"],
        told=join_words(page["told"], "and"),
        sent_at=page["sent_at"],
        taken=f"{taken['by']}{f', {how}' if how else ''}" if taken else "",
        taken_at=taken["at"] if taken else None,
        climbs_at=due,
        rung=page["rung"],
    )
