"""Who commands: exactly one, fenced by a number that grows with each passing.

Command passes to another region when a handoff in mode `command` that this run offered under the current fence is
accepted; an acceptance under an older fence passes nothing. Within the region it passes by offer and acceptance: the
commander names a person and a deadline, that person accepts, and until then the commander stays accountable. Every
statement names the fence it was made under; one under an older fence is refused.

A deputy or executive sponsor may offer command in the commander's place when the commander is silent. That needs no
judgement: their offer can be accepted only when `SILENCE` has passed since it was made, and within that time one word
of the commander (`withdraw_offer`) ends it. An offer that nobody accepts returns to whoever made it.

Who merely asked for the run stands as its commander until somebody takes command; from then on an incident commander
who is not the one cannot pause, resume or abort. Ledger entries: `command.passed`, `command.offered`,
`command.returned`.
"""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

from schemas.decision import RefusalType
from schemas.incident import CommandOffer, Report
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import NoticeKind
from watchfloor.signing import Refusal, parse_instant, render_instant
from workflows.run import COMMANDER, Run
from workflows.verbs import Verb

MAY_COMMAND = (COMMANDER, "deputy", "exec_sponsor")
SILENCE = timedelta(minutes=10)
"""How long a commander must have said nothing to an offer made in their place before it can be accepted."""
LEAST, MOST = timedelta(minutes=1), timedelta(days=1)
"""How long an offer may stand."""
_STEERING = frozenset({"pause", "resume", "abort"})
_PERSON_LIMIT = 64


def pass_command(run: Run, report: Report) -> bool:
    """Pass command to the person who accepted, if this report says so; True when it passed."""
    data, commander = report["data"], run.state["commander"]
    if report["kind"] != "handoff" or report["state"] != "accepted" or data.get("mode") != "command":
        return False
    person, region = data.get("person") or data.get("by"), data.get("region") or data.get("to_region")
    if data.get("fence") != commander["fence"]:
        return False
    if not isinstance(person, str) or not person or not isinstance(region, str) or not region:
        return False
    _end_offer(run, "passed_by_handoff")
    _pass(run, person, region, path=report["path"])
    return True


def refuse_bystander(run: Run, body: dict[str, Json]) -> Refusal | None:
    """An incident commander who is not the one does not steer, once somebody has taken command."""
    commander = run.state["commander"]
    if body["verb"] not in _STEERING or body["role"] != COMMANDER or not run.state.get("commanded"):
        return None
    if body["person"] == commander["person"]:
        return None
    return Refusal(
        RefusalType.NOT_COMMANDER,
        f"`{commander['person']}` commands since {commander['since']}; ask them, the deputy or the executive sponsor",
    )


async def watch_offer(run: Run) -> None:
    """Return an offer that nobody accepted in time; until the run comes to rest."""
    while not run.stopped:
        await workflow.wait_condition(lambda: run.stopped or run.state.get("command_offer") is not None)
        offer = run.state.get("command_offer")
        if run.stopped or offer is None:
            return
        left = parse_instant(offer["until"]) - workflow.now()
        if left > timedelta(0):
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda offer=offer: run.stopped or run.state.get("command_offer") is not offer,  # type: ignore[misc]
                    timeout=left,
                )
        if run.state.get("command_offer") is offer and workflow.now() >= parse_instant(offer["until"]):
            _end_offer(run, "silent")
            _tell(run, "command_returned", offer)


def vacate(run: Run, person: str) -> None:
    """Somebody stands aside from the run: they command no more, and nothing stays offered to or by them."""
    offer = run.state.get("command_offer")
    if offer is not None and person in {offer["to"], offer["by"]}:
        _end_offer(run, "recused")
    commander = run.state["commander"]
    if commander["person"] != person or commander["region"] != run.desk.region:
        return
    run.state["commander"] = {**commander, "person": "", "since": run.now, "fence": commander["fence"] + 1}
    run.state["commanded"] = False
    run.note(EntryKind.COMMAND, region=commander["region"], person="", fence=commander["fence"] + 1, before=person)


def _refuse_take(run: Run, body: dict[str, Json]) -> Refusal | None:
    commander = run.state["commander"]
    stale = _refuse_about(run, body, {"fence"})
    if stale is not None:
        return stale
    if commander["person"] and (run.state.get("commanded") or commander["fence"] > 1):
        return Refusal(
            RefusalType.NOT_WAITING,
            f"`{commander['person']}` commands since {commander['since']}; they offer it, or the deputy does",
        )
    return None


def _take(run: Run, body: dict[str, Json], mark: str) -> None:
    _end_offer(run, "taken")
    _pass(run, str(body["person"]), run.desk.region, body=body, mark=mark, how="taken")


def _refuse_offer(run: Run, body: dict[str, Json]) -> Refusal | None:
    found = _refuse_about(run, body, {"fence", "to", "within"})
    if found is not None:
        return found
    about, commander = body["about"], run.state["commander"]
    to, within = about["to"], about["within"]
    if not isinstance(to, str) or not 0 < len(to) <= _PERSON_LIMIT:
        return Refusal(RefusalType.BAD_VALUE, "`to` of an offer is a person's id")
    if isinstance(within, bool) or not isinstance(within, int | float) or not _is_span(within):
        return Refusal(RefusalType.BAD_VALUE, "an offer stands from one minute to one day (`within`, in seconds)")
    if run.state.get("command_offer") is not None:
        return Refusal(RefusalType.NOT_WAITING, "command is offered already; withdraw that offer first")
    if not commander["person"]:
        return Refusal(RefusalType.NOT_WAITING, "nobody commands; an incident commander can take command")
    if to == commander["person"]:
        return Refusal(RefusalType.BAD_VALUE, f"`{to}` commands already")
    if body["person"] == commander["person"]:
        return None
    if body["role"] == COMMANDER:
        return Refusal(RefusalType.NOT_COMMANDER, f"`{commander['person']}` commands; they or the deputy offer it")
    if timedelta(seconds=within) <= SILENCE:
        minutes = SILENCE // timedelta(minutes=1)
        return Refusal(
            RefusalType.BAD_VALUE,
            f"an offer in the commander's place can be accepted after {minutes} minutes of their silence; let it stand "
            "longer",
        )
    return None


def _offer(run: Run, body: dict[str, Json], mark: str) -> None:
    about, now = body["about"], workflow.now()
    stands_in = body["person"] != run.state["commander"]["person"]
    offer: CommandOffer = {
        "by": str(body["person"]),
        "role": str(body["role"]),
        "to": str(about["to"]),
        "fence": run.state["commander"]["fence"],
        "offered_at": run.now,
        "acceptable_at": render_instant(now + SILENCE if stands_in else now),
        "until": render_instant(now + timedelta(seconds=float(about["within"]))),
    }
    run.state["command_offer"] = offer
    run.journal.note(
        EntryKind.COMMAND_OFFERED,
        actor=offer["by"],
        data={
            "to": offer["to"],
            "fence": offer["fence"],
            "acceptable_at": offer["acceptable_at"],
            "until": offer["until"],
            "in_place_of": run.state["commander"]["person"] if stands_in else "",
            **_said(body, mark),
        },
    )
    _tell(run, "command_offered", offer)


def _refuse_accept(run: Run, body: dict[str, Json]) -> Refusal | None:
    found = _refuse_about(run, body, {"fence"}) or _refuse_offered(run, body)
    if found is not None:
        return found
    offer = run.state["command_offer"]
    assert offer is not None
    if workflow.now() < parse_instant(offer["acceptable_at"]):
        return Refusal(
            RefusalType.EARLY,
            f"this was offered in the commander's place; it can be accepted from {offer['acceptable_at']}, unless the "
            "commander says no before",
        )
    return None


def _accept(run: Run, body: dict[str, Json], mark: str) -> None:
    offer = run.state["command_offer"]
    assert offer is not None
    run.state["command_offer"] = None
    _pass(run, offer["to"], run.desk.region, body=body, mark=mark, how="accepted", by=offer["by"])


def _refuse_decline(run: Run, body: dict[str, Json]) -> Refusal | None:
    return _refuse_about(run, body, {"fence"}) or _refuse_offered(run, body)


def _decline(run: Run, body: dict[str, Json], mark: str) -> None:
    offer = run.state["command_offer"]
    assert offer is not None
    _end_offer(run, "declined", body, mark)
    _tell(run, "command_returned", offer)


def _refuse_withdraw(run: Run, body: dict[str, Json]) -> Refusal | None:
    found = _refuse_about(run, body, {"fence"})
    if found is not None:
        return found
    offer = run.state.get("command_offer")
    if offer is None:
        return Refusal(RefusalType.NOT_WAITING, "command is not offered to anybody")
    if body["person"] not in {offer["by"], run.state["commander"]["person"]}:
        return Refusal(RefusalType.WRONG_ROLE, f"`{offer['by']}` made this offer; they or the commander withdraw it")
    return None


def _withdraw(run: Run, body: dict[str, Json], mark: str) -> None:
    _end_offer(run, "withdrawn", body, mark)


def _refuse_offered(run: Run, body: dict[str, Json]) -> Refusal | None:
    offer = run.state.get("command_offer")
    if offer is None:
        return Refusal(RefusalType.NOT_WAITING, "command is not offered to anybody")
    if body["person"] != offer["to"]:
        return Refusal(RefusalType.WRONG_ROLE, f"command is offered to `{offer['to']}`")
    if workflow.now() >= parse_instant(offer["until"]):
        return Refusal(RefusalType.LATE, f"this offer stood until {offer['until']}; command stayed where it was")
    return None


def _refuse_about(run: Run, body: dict[str, Json], names: set[str]) -> Refusal | None:
    """The details of a statement: exactly these, under the current fence."""
    about, fence = body.get("about"), run.state["commander"]["fence"]
    if not isinstance(about, dict) or set(about) != names:
        return Refusal(RefusalType.BAD_VALUE, f"`about` of the statement has exactly: {', '.join(sorted(names))}")
    if isinstance(about["fence"], bool) or about["fence"] != fence:
        who = run.state["commander"]["person"] or "nobody"
        return Refusal(
            RefusalType.STALE,
            f"this was said under fence {about['fence']}, and {who} commands under {fence}; look again",
        )
    return None


def _is_span(seconds: float) -> bool:
    return LEAST.total_seconds() <= seconds <= MOST.total_seconds()


def _pass(
    run: Run,
    person: str,
    region: str,
    *,
    path: str = "",
    body: dict[str, Json] | None = None,
    mark: str = "",
    how: str = "",
    by: str = "",
) -> None:
    before = run.state["commander"]
    fence = before["fence"] + 1
    run.state["commander"] = {"region": region, "person": person, "since": run.now, "fence": fence}
    data: dict[str, Json] = {"region": region, "person": person, "fence": fence, "before": before["person"]}
    if body is None:
        run.note(EntryKind.COMMAND, path=path, **data)
        return
    run.state["commanded"] = True
    data |= {"how": how, "offered_by": by, **_said(body, mark)}
    run.journal.note(EntryKind.COMMAND, actor=person, data=data)


def _end_offer(run: Run, why: str, body: dict[str, Json] | None = None, mark: str = "") -> None:
    offer = run.state.get("command_offer")
    if offer is None:
        return
    run.state["command_offer"] = None
    data: dict[str, Json] = {"why": why, "to": offer["to"], "by": offer["by"], "fence": offer["fence"]}
    said = _said(body, mark) if body is not None else {}
    actor = str(body["person"]) if body is not None else "engine"
    run.journal.note(EntryKind.COMMAND_RETURNED, actor=actor, data=data | said)


def _said(body: dict[str, Json], mark: str) -> dict[str, Json]:
    return {"statement": mark, "role": body["role"], "reason_ref": body["reason_ref"]}


def _tell(run: Run, kind: NoticeKind, offer: CommandOffer) -> None:
    run.notices.send(
        kind,
        path="!command",
        step="",
        roles=MAY_COMMAND,
        deadline_at=offer["until"],
        nth=f"{offer['fence']}:{offer['offered_at']}",
    )


COMMAND_VERBS = {
    "take_command": Verb(_take, (COMMANDER,), _refuse_take),
    "offer_command": Verb(_offer, MAY_COMMAND, _refuse_offer),
    "accept_command": Verb(_accept, MAY_COMMAND, _refuse_accept, reasoned=False),
    "decline_command": Verb(_decline, MAY_COMMAND, _refuse_decline),
    "withdraw_offer": Verb(_withdraw, MAY_COMMAND, _refuse_withdraw),
}
