"""Taking pages and giving a status, in a person's name."""

from datetime import datetime

from schemas.decision import RefusalType
from schemas.incident import Board
from schemas.paging import Page
from watchfloor.client.errors import Ambiguous, NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.client.statements import COMMANDING, DEV, Sent, SignIn, send_control

STATUS_ROLES = ("comms_lead", *COMMANDING)


async def send_ack(
    face: Face,
    run: str,
    what: str | None,
    *,
    person: str,
    role: str | None = None,
    note: str = "",
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> tuple[Sent, list[Page]]:
    """Acknowledge one page of an incident, or all that nobody has taken yet and that went to one of the person's roles.

    Args:
        what: id of a page, path of what it is about or its end; None for all.
        note: kept in the region's evidence store, like a reason; may be empty.

    Raises:
        Refused: nothing is open, or as in `send_decision`.
        Ambiguous, NotFound, EngineUnavailable: nothing was sent.
    """
    someone = face.people.find(person)
    roles = {role} if role else set(someone.roles if someone else ())
    pages = pick_pages(await board(face, run), what, roles)
    told = list(dict.fromkeys(name for page in pages for name in page["told"]))
    sent = await send_control(
        face,
        run,
        "ack",
        person=person,
        role=role,
        reason=note if note.strip() else None,
        about={"pages": [page["id"] for page in pages]},
        speaks_as=[*told, *COMMANDING],
        signed_in=signed_in,
        now=now,
    )
    return sent, pages


def pick_pages(of: Board, what: str | None, roles: set[str]) -> list[Page]:
    """The pages meant: by id, path or the path's end; without, every one that is open and of these roles.

    Raises:
        Refused: there is none to take.
        Ambiguous: the path's end fits several.
        NotFound: none has this name.
    """
    pages = of.get("pages", [])
    waiting = [page for page in pages if "acknowledged" not in page]
    if what is None:
        mine = [page for page in waiting if roles & {*page["told"], *COMMANDING}]
        if not mine:
            others = ", ".join(dict.fromkeys(role for page in waiting for role in page["told"]))
            found = f"what waits went to {others}" if waiting else "no page waits for an acknowledgement"
            raise Refused(RefusalType.NOT_WAITING, f"nothing to acknowledge for you on `{of['workflow']}`: {found}")
        return mine
    named = [page for page in pages if what in {page["id"], page["path"], page["step"]}]
    named = named or [page for page in pages if page["path"].endswith(f"/{what}")]
    if not named:
        known = ", ".join(f"{page['id']} ({page['path']})" for page in waiting) or "none"
        raise NotFound(f"no page `{what[:80]}` on `{of['workflow']}`; open: {known}")
    if len(named) > 1:
        raise Ambiguous(what, [f"{page['id']} ({page['path']})" for page in named])
    return named


async def send_status(
    face: Face,
    run: str,
    text: str,
    *,
    person: str,
    role: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Note a status of an incident: the words to the evidence store, their reference to the ledger.

    Raises:
        Refused, NotFound, EngineUnavailable: as in `send_decision`.
    """
    return await send_control(
        face,
        run,
        "status",
        person=person,
        role=role,
        reason=text,
        speaks_as=STATUS_ROLES,
        signed_in=signed_in,
        now=now,
    )
