"""What a person says at an ask besides answering it: signed and sent like an answer, kept like one while no worker is
there. What each may say and when is in `docs/guides/decisions.md`; the run judges, this face checks first what it can.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from schemas.decision import MOTION, Motion, OpenAsk, RefusalType
from schemas.incident import SIGNAL_DECIDE, UPDATE_DECIDE
from schemas.json_value import Json
from watchfloor.client.asks import AskAt, find_ask
from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.narrowing import read_narrowing
from watchfloor.client.permission import about_ask, require_permission
from watchfloor.client.refusals import leaves_refusal
from watchfloor.client.statements import (
    DEV,
    GATED,
    MAX_REASON,
    VALID_FOR,
    Sent,
    SignIn,
    admit_person,
    deliver,
    find_end,
    find_giver,
    find_requester,
    find_role,
    keep_reason,
    know_person,
    require_role,
)
from watchfloor.evidence.port import EvidenceError
from watchfloor.identity.people import Person
from watchfloor.signing import render_instant
from watchfloor.signing.motions import ANSWERING, MAX_HOLDERS
from watchfloor.signing.standing import (
    ABSTAIN,
    ANSWER,
    DELEGATE,
    NARROW,
    WITHDRAW,
    find_answer,
    find_delegations,
    find_questions,
)


@leaves_refusal("motion")
async def send_motion(
    face: Face,
    run: str,
    step: str,
    verb: str,
    *,
    person: str,
    role: str | None = None,
    reason: str,
    about: Mapping[str, Json] | None = None,
    signed_in: SignIn = DEV,
    shown: AskAt | None = None,
    now: datetime | None = None,
) -> Sent:
    """Say something at an open ask in a person's name.

    Args:
        face, run, step, person, role, reason, shown: as for `send_decision`.
        verb: one of `watchfloor.signing.motions.VERBS`.
        about: what the verb speaks of; of a narrowing what was typed: `to` (input -> texts) and `leave_out` (texts).

    Raises:
        Refused: by this face or by the run's validator; the run goes on.
        Ambiguous, NotFound, EngineUnavailable: nothing was sent.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    at = shown or await find_ask(face, run, step, someone, decided=verb == WITHDRAW)
    speaking_as = _find_role(someone, role, at.ask, verb)
    requester = await find_requester(face, at) if at.ask["kind"] in GATED or verb == ANSWER else ""
    resource = about_ask(at.board, at.ask, "", requester, person=someone.id)
    require_permission(face, someone, verb, resource, role=speaking_as, signed_in=signed_in)
    said = dict(about or {})
    if verb == ANSWER:
        said["question"] = find_question(at.ask, said.get("question"))
    if verb == DELEGATE:
        # a seat goes to somebody whom this region knows; whether they may have it, the run decides
        know_person(face, str(said["to"]))
    if verb == ABSTAIN:
        said |= name_holders(face, at.ask)
    if verb == NARROW:
        said = {"inputs": read_narrowing(at.ask, *_typed_narrowing(said))}
    body: Motion = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": at.board["workflow"],
        "plan": at.board["plan"],
        "path": at.ask["path"],
        "ask": at.ask["ask"],
        "verb": verb,
        "about": said,
        "person": someone.id,
        "role": speaking_as,
        "entity": someone.entity,
        "signed_in": signed_in.way,
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + VALID_FOR),
        "nonce": secrets.token_hex(16),
        "reason_ref": keep_reason(face, reason),
    }
    if signed_in.methods:
        body["amr"] = list(signed_in.methods)
    envelope = face.sign(MOTION, cast(dict[str, Json], body))
    return await deliver(
        face, at.workflow, at.ask["path"], envelope, UPDATE_DECIDE, SIGNAL_DECIDE, find_end(at.ask, now)
    )


def _find_role(someone: Person, role: str | None, ask: OpenAsk, verb: str) -> str:
    """The role that a person speaks as; who takes something back speaks as they did when they said it."""
    said = find_answer(ask, someone.id) or find_delegations(ask).get(someone.id)
    if verb == WITHDRAW and role is None and said is not None:
        return str(said["role"])
    if verb == ANSWER:
        # who holds none of these asked for the thing, or is refused
        fits = [one for one in ANSWERING if one in someone.roles]
        return fits[0] if fits else someone.roles[0]
    given = "" if verb == DELEGATE else find_giver(ask, someone.id, role)[1]
    if given:
        return given
    if role is not None:
        require_role(someone, role)
        return role
    # less is approved by who may approve
    seated = [ask["options"]["approve"]] if verb == NARROW and "approve" in ask["options"] else ask["options"].values()
    slots = [slot for seats in seated for slot in seats]
    if verb == ABSTAIN:
        # it is the person who will not decide, in whichever of their roles they were asked
        fits = [name for slot in slots for name in slot["any_of"] if name in someone.roles]
        if fits:
            return fits[0]
    return find_role(someone, None, slots, verb, ask["step"])


def _typed_narrowing(said: Mapping[str, Json]) -> tuple[dict[str, list[str]], list[str]]:
    to, leave_out = said.get("to") or {}, said.get("leave_out") or []
    assert isinstance(to, dict)
    assert isinstance(leave_out, list)
    return {name: list(texts) for name, texts in to.items()}, list(leave_out)


def find_question(ask: OpenAsk, given: Json = None) -> str:
    """The question that is answered: by its number as `show` counts them, or the only one without an answer.

    Raises:
        Refused: there is none, or it is not clear which.
    """
    questions = find_questions(ask)
    if isinstance(given, int):
        if not 0 < given <= len(questions):
            raise Refused(RefusalType.UNKNOWN_OPTION, f"`{ask['step']}` has {len(questions)} questions, no {given}.")
        return list(questions)[given - 1]
    waiting = [mark for mark, said in questions.items() if len(said) == 1]
    if not waiting:
        raise Refused(RefusalType.NOT_WAITING, f"no question waits for an answer at `{ask['step']}`")
    if len(waiting) != 1:
        raise Refused(
            RefusalType.UNKNOWN_OPTION,
            f"{len(waiting)} of {len(questions)} questions at `{ask['step']}` wait for an answer; say which with --to",
        )
    return waiting[0]


def read_text(face: Face, ref: str) -> str:
    """The text of a reason, question or answer, where this region's evidence store has it; empty otherwise."""
    try:
        return face.reasons.get(ref).decode()[:MAX_REASON]
    except (EvidenceError, UnicodeDecodeError, ValueError):
        return ""


def name_holders(face: Face, ask: OpenAsk) -> dict[str, Json]:
    """Who was asked, as this region's directory knows them; nothing when they are more than a statement carries."""
    roles = [role for seats in ask["options"].values() for slot in seats for role in slot["any_of"]]
    holders: dict[str, Json] = {
        one.id: [role for role in one.roles if role in roles]
        for one in face.people
        if one.region == face.region and set(roles) & set(one.roles)
    }
    return {"holders": holders} if len(holders) <= MAX_HOLDERS else {}
