"""Whether an answer counts: everything that is checked before `watchfloor.signing.refuse_decision`. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from schemas.decision import CONTROL, DECISION, FACT, Decision, Envelope, OpenAsk, RefusalType
from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.signing import (
    KeyRevoked,
    Refusal,
    SignatureRefused,
    envelope_digest,
    parse_instant,
    refuse_decision,
    verify_statement,
)
from watchfloor.signing.step_up import SIGN_IN, find_control_fault, find_sign_in_fault
from watchfloor.signing.tasks import refuse_report, seat_commander
from workflows.journal import Journal
from workflows.notices import Desk
from workflows.values import find_form_fault

_TEXTS = (
    "region",
    "namespace",
    "incident",
    "plan",
    "path",
    "ask",
    "option",
    "person",
    "role",
    "entity",
    "signed_in",
    "issued_at",
    "expires_at",
    "nonce",
    "reason_ref",
)
_FIELD_LIMIT = 512
_MAX_DEPTH = 32


def open_statement(
    envelope: object,
    *,
    domain: str,
    texts: Sequence[str],
    instants: Sequence[str],
    desk: Desk,
    seen: Sequence[str],
    now: datetime,
) -> Refusal | tuple[Envelope, dict[str, Json]]:
    """Verify a signed statement and check that it is well formed, meant for this run and not a repetition.

    Args:
        texts: fields of the body that must be texts of at most 512 characters.
        instants: fields that must be instants with an offset.
        seen: digests and `nonce:` marks of statements accepted before.
        now: workflow time, at which a certificate must hold.

    Returns:
        The envelope with the parts a statement has and no others, and its body; or why it is refused.
    """
    if not isinstance(envelope, dict) or not _is_shallow(envelope, _MAX_DEPTH):
        return Refusal(RefusalType.BAD_SIGNATURE, "this is not a signed statement")
    claimed = cast(Envelope, envelope)
    try:
        body = verify_statement(claimed, domain, desk.trust, now)
    except KeyRevoked as error:
        return Refusal(RefusalType.REVOKED, str(error))
    except (SignatureRefused, TypeError, AttributeError) as error:
        # a hostile envelope may hold any JSON where a text is expected
        return Refusal(RefusalType.BAD_SIGNATURE, f"the statement is refused: {type(error).__name__}: {error}")
    for name in texts:
        if not isinstance(body.get(name), str) or len(body[name]) > _FIELD_LIMIT:
            return Refusal(RefusalType.BAD_VALUE, f"`{name}` of the statement is missing or not a short text")
    for name in instants:
        try:
            parse_instant(body[name])
        except ValueError:
            return Refusal(RefusalType.BAD_VALUE, f"`{name}` of the statement is not an instant with an offset")
    if (body["region"], body["namespace"], body["incident"]) != (desk.region, desk.namespace, desk.incident):
        return Refusal(RefusalType.WRONG_RUN, "the statement was made for another region, namespace or incident")
    malformed = find_control_fault(body) if domain == CONTROL else ""
    if malformed:
        return Refusal(RefusalType.BAD_VALUE, malformed)
    if domain != FACT and body.get("person") in desk.recused:
        return Refusal(RefusalType.EXCLUDED, f"`{body['person']}` stands aside from this run")
    if envelope_digest(claimed) in seen or f"nonce:{body['nonce']}" in seen:
        return Refusal(RefusalType.REPEATED, "this statement was accepted before; it does not count twice")
    return _bare(claimed, certified=bool(desk.root)), body


def name_signer(desk: Desk, journal: Journal, written: int, mark: str, envelope: Envelope) -> None:
    """Have the entries written about a statement name its key and how its person had signed in: what was said under a
    key is found when it is revoked, and whoever reads the ledger sees who had proved what.

    Args:
        written: how many entries there were before it was carried out.
        mark: the statement's digest.
    """
    about = [entry for entry in journal.entries[written:] if entry["data"].get("statement") == mark]
    signed_in = {name: envelope["body"][name] for name in SIGN_IN if name in envelope["body"]}
    for entry in about:
        if desk.root:
            entry["data"]["kid"] = envelope["kid"]
        if signed_in:
            # a copy: what the run keeps of it does not change
            entry["data"] = {**entry["data"], **signed_in}


def refuse_answer(
    envelope: object,
    *,
    desk: Desk,
    asks: Mapping[str, OpenAsk],
    settled: Mapping[str, str],
    silent: Sequence[str],
    seen: Sequence[str],
    now: datetime,
) -> Refusal | tuple[Envelope, OpenAsk]:
    """Check an answer against the asks of a run; gives the envelope and the ask it answers, or why it is refused."""
    opened = open_statement(
        envelope, domain=DECISION, texts=_TEXTS, instants=("issued_at", "expires_at"), desk=desk, seen=seen, now=now
    )
    if isinstance(opened, Refusal):
        return opened
    checked, body = opened
    if body["plan"] != desk.plan:
        return Refusal(RefusalType.WRONG_RUN, "the decision was made over another version of the plan")
    malformed = find_sign_in_fault(body)
    if malformed:
        return Refusal(RefusalType.BAD_VALUE, malformed)
    if not isinstance(body.get("form"), dict):
        return Refusal(RefusalType.BAD_FORM, "`form` of the decision is not a mapping")
    behalf = body.get("on_behalf_of", "-")
    if not isinstance(behalf, str) or not 0 < len(behalf) <= _FIELD_LIMIT:
        return Refusal(RefusalType.BAD_VALUE, "`on_behalf_of` of the decision is not a short text")
    ask = find_ask(body["path"], asks, settled, silent)
    if isinstance(ask, Refusal):
        return ask
    if "chosen" in ask:
        return Refusal(RefusalType.NOT_WAITING, f"`{ask['step']}` is already decided: {ask['chosen']}")
    seated = seat_commander(ask, now)
    refusal = refuse_decision(seated, cast(Decision, body), requester=desk.requester, now=now)
    refusal = refusal or refuse_report(ask, body, now)
    if refusal is not None:
        return refusal
    fault = find_form_fault(cast(dict[str, TypeSpec], ask["form"]), body["form"])
    if fault:
        return Refusal(RefusalType.BAD_FORM, fault)
    return checked, ask


def _bare(envelope: Envelope, *, certified: bool) -> Envelope:
    """Without what was added beside the signed parts: it would be kept with the answers, however large."""
    bare: Envelope = {
        "domain": envelope["domain"],
        "kid": envelope["kid"],
        "body": envelope["body"],
        "sig": envelope["sig"],
    }
    if certified:
        bare["cert"] = _bare(envelope["cert"], certified=False)
    return bare


def find_ask(
    path: str, asks: Mapping[str, OpenAsk], settled: Mapping[str, str], silent: Sequence[str]
) -> Refusal | OpenAsk:
    """The ask that stands at a path, or why nobody can speak to it."""
    if path in asks:
        return asks[path]
    if path in silent:
        return Refusal(RefusalType.LATE, f"`{path}` ended in silence; its window is over")
    if path in settled:
        return Refusal(RefusalType.NOT_WAITING, f"`{path}` is already decided")
    return Refusal(RefusalType.NOT_WAITING, f"nothing waits at `{path}`; look at the board")


def _is_shallow(value: object, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(_is_shallow(one, depth - 1) for one in value.values())
    if isinstance(value, list):
        return all(_is_shallow(one, depth - 1) for one in value)
    return True
