"""A face key that was revoked: what a run does when the root says so.

The run refuses the key from then on, voids what open asks had been answered under it since the instant of its
compromise, asks those again, and tells people. What was decided before that instant stands: a thief could not have made
it. What was decided after it and carried out already is found with `watchfloor keys decisions`. Ledger entries:
`key.revoked`, `decision.voided`.
"""

from collections.abc import Callable, Mapping

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import Envelope, OpenAsk, RefusalType
from schemas.keys import Revocation
from schemas.ledger import EntryKind
from watchfloor.signing import (
    SignatureRefused,
    envelope_digest,
    open_slots,
    parse_instant,
    read_revocation,
)
from watchfloor.signing.standing import take_orphans
from watchfloor.signing.tasks import seat_commander
from workflows.journal import Journal
from workflows.narrowing import widen_ask
from workflows.notices import Desk, Notices
from workflows.refused import note_refusal

TOLD = ("incident_commander", "legal_counsel")
"""Who is told that a key was revoked."""


def learn_revocation(desk: Desk, journal: Journal, said: object) -> Revocation | None:
    """Take a revocation from outside, hostile until it is verified; None when it says nothing new.

    Raises:
        ApplicationError: it is none under this run's root.
    """
    try:
        body = read_revocation(said, desk.root, desk.region)  # type: ignore[arg-type]
    except (SignatureRefused, TypeError, AttributeError) as error:
        raise ApplicationError(str(error), type=RefusalType.BAD_SIGNATURE, non_retryable=True) from error
    known = desk.revoked.get(body["kid"])
    if known is not None and parse_instant(known) <= parse_instant(body["compromised_at"]):
        return None
    desk.revoked[body["kid"]] = body["compromised_at"]
    journal.note(
        EntryKind.KEY_REVOKED,
        data={
            "kid": body["kid"],
            "since": body["compromised_at"],
            "statement": envelope_digest(said),  # type: ignore[arg-type]
            "reason_ref": body["reason_ref"],
        },
    )
    return body


def take_revocation(desk: Desk, asks: Mapping[str, OpenAsk], journal: Journal, notices: Notices, said: object) -> None:
    """Take a revocation at a workflow that asks people; one that is none is written down as refused."""
    try:
        body = learn_revocation(desk, journal, said)
    except ApplicationError as error:
        note_refusal(journal, said, error)
        return
    if body is not None:
        kid, since = body["kid"], parse_instant(body["compromised_at"])
        for ask in asks.values():
            void_answers(
                journal,
                notices,
                ask,
                lambda one, at: one["kid"] == kid and parse_instant(at) >= since,
                why=RefusalType.REVOKED,
                nth=f"{kid}:{body['compromised_at']}",
                kid=kid,
            )
        tell_revocation(notices, body)


def tell_revocation(notices: Notices, body: Revocation) -> None:
    """Tell those who answer for the run that a key no longer counts."""
    notices.send("key_revoked", path="", step="", roles=TOLD, nth=f"{body['kid']}:{body['compromised_at']}")


def void_answers(
    journal: Journal,
    notices: Notices,
    ask: OpenAsk,
    is_void: Callable[[Envelope, str], bool],
    *,
    why: str,
    nth: str,
    kid: str = "",
) -> None:
    """Take some of what was said at an open ask out of it and ask again; the rest stays, for it is bound to the same
    question. An approval that is not filled any more lets nothing go ahead.

    Args:
        is_void: of an envelope and the instant at which it was accepted.
        why: a `RefusalType`.
        nth: tells this asking anew from others.
    """
    void = _take_out(ask["answers"], ask["accepted_at"], is_void)
    # nobody is kept from deciding by an abstention that they did not make
    void += _take_out(ask.get("motions", []), ask.get("moved_at", []), is_void)
    void += take_orphans(ask)
    if not void:
        return
    drop_choice(ask)
    journal.note(
        EntryKind.VOIDED,
        step=ask["step"],
        path=ask["path"],
        data={
            "ask": ask["ask"],
            "why": why,
            "persons": [str(one["body"]["person"]) for one in void],
            "statements": [envelope_digest(one) for one in void],
            **({"kid": kid} if kid else {}),
        },
    )
    widen_ask(ask, void, journal)
    ask_again(notices, ask, nth)


def _take_out(said: list[Envelope], at: list[str], is_void: Callable[[Envelope, str], bool]) -> list[Envelope]:
    """Take what is void out of both lists; gives what was taken out."""
    both = list(zip(said, at, strict=True))
    void = [one for one, when in both if is_void(one, when)]
    kept = [(one, when) for one, when in both if one not in void]
    said[:], at[:] = [one for one, _ in kept], [when for _, when in kept]
    return void


def drop_choice(ask: OpenAsk) -> None:
    """Open a decided ask again where the answers that are left do not fill its seats any more."""
    option = ask.get("chosen")
    if option is None:
        return
    same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
    if not same or open_slots(seat_commander(ask, workflow.now())["options"][option], same):
        del ask["chosen"]


def ask_again(notices: Notices, ask: OpenAsk, nth: str) -> None:
    """Tell everybody who may fill a seat that the ask waits again."""
    roles = [role for seats in ask["options"].values() for slot in seats for role in slot["any_of"]]
    notices.send(
        "ask",
        path=ask["path"],
        step=ask["step"],
        roles=roles,
        deadline_at=ask["deadline_at"],
        nth=f"{ask.get('round', 0)}:{nth}",
    )
