"""Who may see a run. Outside its region and its compartment it is not there: no refusal says that it exists."""

from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.permission import about_run, ask_question
from watchfloor.client.runs import board
from watchfloor.client.statements import DEV, SignIn, admit_person


async def may_view(face: Face, run: str, person: str, signed_in: SignIn = DEV) -> bool:
    """Whether the region's policies let somebody see a run. What cannot be asked now is not seen.

    Raises:
        Refused: development sign-in was tried beyond this machine.
    """
    if face.people.find(person) is None:
        return False
    someone = admit_person(face, person, signed_in)
    try:
        seen = about_run(await board(face, run))
    except (NotFound, EngineUnavailable):
        return False
    return any(
        face.authority.judge(ask_question(face, someone, "view", seen, role, "", signed_in)).allowed
        for role in someone.roles
    )
