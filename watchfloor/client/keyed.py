"""Whether an answer needs a security key: by the run that asks, or by the region's policies."""

from schemas.decision import OpenAsk
from schemas.incident import Board
from watchfloor.client.face import Face
from watchfloor.client.permission import about_ask, ask_question, find_seats, verb_of
from watchfloor.client.sign_in import SignIn
from watchfloor.identity.people import Person


def needs_key(face: Face, someone: Person, board: Board, ask: OpenAsk, option: str, signed_in: SignIn) -> bool:
    """Whether this person's answer counts only with their security key, in every role in which it could count at all.

    The run judges again, and has the last word; this is for asking in time.
    """
    if signed_in.way != "oidc":
        return False
    if option in ask.get("keyed", ()):
        return True
    resource, verb = about_ask(board, ask, option, person=someone.id), verb_of(ask)
    touched = SignIn("webauthn", signed_in.methods, signed_in.person)
    roles = [role for role in find_seats(ask["options"], option) if role in {*someone.roles, *resource.given}]

    def allows(role: str, way: SignIn) -> bool:
        return face.authority.judge(ask_question(face, someone, verb, resource, role, option, way)).allowed

    return any(allows(role, touched) for role in roles) and not any(allows(role, signed_in) for role in roles)
