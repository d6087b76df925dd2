"""What one person may do at one incident now, and why not what they may not. Nothing is sent.

The policies and the rules that the engine keeps by itself must both agree, as for the command line; what the state of
the run speaks against (it is paused already, command is offered to somebody else) is said too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.incident import Board
from schemas.plan import FactSpec, Plan
from watchfloor.authorisation import Verdict
from watchfloor.client.face import Face
from watchfloor.client.permission import Ruling, about_plan, about_run, ask_question, rule
from watchfloor.client.statements import COMMANDING
from watchfloor.client.triage import SEVERITIES
from watchfloor.gateway.console.gate import Visitor
from watchfloor.identity.roles import ROLES
from watchfloor.signing import digest, parse_instant

_OWN = ("inputs.", "steps.", "trigger.")
"""Beginnings of sources that only the run itself speaks for."""
_OPEN = frozenset({"open", "paused"})


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may be done. `why_not` is empty where it may be; `mark` stands for what the form was made over."""

    key: str
    why_not: str
    mark: str

    @property
    def allowed(self) -> bool:
        return not self.why_not


@dataclass(frozen=True, slots=True)
class FactForm:
    """One fact as this person may report or correct it: from which sources, in which role."""

    name: str
    spec: FactSpec
    known: bool
    value: object
    recorded_at: str
    source: str
    sources: tuple[str, ...]
    role: str
    needs_reason: bool
    why_not: str


def list_deeds(face: Face, visitor: Visitor, board: Board, plan: Plan | None, now: datetime) -> dict[str, Deed]:
    """Every deed by its key, allowed or not."""
    level, paused = board["severity"], board["paused"]
    offer, person = board.get("command_offer"), visitor.person.id
    commander = board["commander"]["person"]
    command_mark = f"{board['commander']['fence']}:{offer['offered_at'] if offer else ''}"
    proposals = ":".join(ask["ask"] for ask in board["asks"] if ask["path"] in {"!severity", "!dismissal"})
    severity_mark = f"{level}:{proposals}"

    def may(verb: str) -> str:
        return find_objection(face, visitor, board, verb)

    against: dict[str, tuple[str, str]] = {
        "raise": (
            may("raise_severity") or (f"severity is {level}, the most severe" if level == "S0" else ""),
            severity_mark,
        ),
        "life": (may("raise_severity") or ("severity is S0 already" if level == "S0" else ""), severity_mark),
        "lower": (
            may("propose_severity")
            or (f"severity is {level}, the least severe" if level == SEVERITIES[-1] else "")
            or _find_proposal(board, "!severity"),
            severity_mark,
        ),
        "declare": (
            may("declare_incident") or ("" if board.get("mode") == "case" else "it is an incident already"),
            str(board.get("mode", "")),
        ),
        "dismiss": (may("propose_dismissal") or _find_proposal(board, "!dismissal"), severity_mark),
        "take": (
            may("take_command") or (f"{commander} commands; they offer it, or the deputy does" if commander else ""),
            command_mark,
        ),
        "offer": (may("offer_command") or _refuse_offer(board, visitor), command_mark),
        "accept": (_refuse_accept(board, person, now) or may("accept_command"), command_mark),
        "decline": (_refuse_accept(board, person, None) or may("decline_command"), command_mark),
        "withdraw": (_refuse_withdraw(board, person) or may("withdraw_offer"), command_mark),
        "pause": (may("pause") or ("it is paused already" if paused is not None else ""), _mark_pause(board)),
        "resume": (may("resume") or ("it is not paused" if paused is None else ""), _mark_pause(board)),
        "outside": (may("record_outside"), str(len(board.get("outside", [])))),
    }
    ended = "" if board["state"] in _OPEN else f"it has ended ({board['outcome'] or board['state']})"
    not_here = "" if board["kind"] == "incident" else "this is done at the incident that started it"
    return {key: Deed(key, ended or not_here or why, mark) for key, (why, mark) in against.items()}


def find_objection(face: Face, visitor: Visitor, board: Board, verb: str) -> str:
    """Why this person may not say a verb of control to a run, in words; empty where one of their roles may."""
    said = ""
    for role in visitor.person.roles or ("",):
        question = ask_question(face, visitor.person, "control", about_run(board), role, verb, visitor.signed_in)
        verdict = face.authority.judge(question)
        ruling = rule(question, verdict)
        if ruling.allowed:
            return ""
        said = said or _say_why(verdict, ruling)
    return said or "you hold no role"


def _say_why(verdict: Verdict, ruling: Ruling) -> str:
    """The one reason that a person can do something about: a wall, the engine's own rule, or what a policy wants."""
    walls = [one for one in verdict.objections if one.policy.startswith("wall.")]
    if walls:
        return "; ".join(f"{one.wants} may; {one.fix}" for one in walls)
    own = [one.removeprefix("engine: ") for one in ruling.reasons if one.startswith("engine: ")]
    if own:
        return "; ".join(own)
    steering = [f"{one.wants} may" for one in verdict.objections if one.policy == "run.steer"]
    return steering[0] if steering else verdict.reason


def _find_proposal(board: Board, path: str) -> str:
    proposed = any(ask["path"] == path for ask in board["asks"])
    return "it is proposed already; that is decided first" if proposed else ""


def _refuse_offer(board: Board, visitor: Visitor) -> str:
    commander = board["commander"]["person"]
    if board.get("command_offer"):
        return "command is offered already; withdraw that offer first"
    if not commander:
        return "nobody commands; an incident commander takes command"
    own = visitor.person.id == commander
    relieves = bool({"deputy", "exec_sponsor"} & set(visitor.person.roles))
    return "" if own or relieves else f"{commander} commands; they or the deputy offer it"


def _refuse_accept(board: Board, person: str, now: datetime | None) -> str:
    """Why an offer cannot be answered by this person; with `now` also why not yet."""
    offer = board.get("command_offer")
    if offer is None:
        return "command is offered to nobody"
    if offer["to"] != person:
        return f"command is offered to {offer['to']}"
    if now is not None and now < parse_instant(offer["acceptable_at"]):
        return f"it can be accepted from {offer['acceptable_at']}, unless the commander says no before"
    return ""


def _refuse_withdraw(board: Board, person: str) -> str:
    offer = board.get("command_offer")
    if offer is None:
        return "command is offered to nobody"
    return (
        "" if person in {offer["by"], board["commander"]["person"]} else f"{offer['by']} or the commander withdraw it"
    )


def _mark_pause(board: Board) -> str:
    return str((board["paused"] or {}).get("at", ""))


def list_commanders(face: Face, board: Board) -> list[str]:
    """Who may be offered command here."""
    commander = board["commander"]["person"]
    return [
        one.id
        for one in face.people
        if one.region == face.region and set(COMMANDING) & set(one.roles) and one.id != commander
    ]


# -- facts ----------------------------------------------------------------------------------------------------------


def list_facts(face: Face, visitor: Visitor, board: Board, plan: Plan | None) -> list[FactForm]:
    """Every fact of the runbook, those that this person may report or correct first."""
    if plan is None:
        return []
    forms = [_draw_fact(face, visitor, board, plan, name, spec) for name, spec in plan["facts"].items()]
    return sorted(forms, key=lambda one: bool(one.why_not))


def mark_fact(board: Board, name: str) -> str:
    """What a form about a fact was made over: when it was last recorded, and its value."""
    known = board["facts"].get(name)
    return digest([known["recorded_at"], known["value"]]) if known else ""


def _draw_fact(face: Face, visitor: Visitor, board: Board, plan: Plan, name: str, spec: FactSpec) -> FactForm:
    known, held = board["facts"].get(name), set(visitor.person.roles)
    outside = [one for one in spec["sources"] if not one.startswith(_OWN)]
    mine = tuple(one for one in outside if one not in ROLES or one in held)
    role = next((one for one in mine if one in held), visitor.person.roles[0] if visitor.person.roles else "")
    why_not, needs_reason = "", False
    if known is not None:
        revise: Mapping[str, object] = spec["revise"] or {}
        by = [str(one) for one in revise.get("by", [])]  # type: ignore[attr-defined]
        fits = [one for one in by if one in held]
        needs_reason = True
        if not by:
            why_not = "it is recorded, and this runbook lets nobody revise it"
        elif not fits:
            why_not = f"it is recorded; {' or '.join(by)} may correct it"
        else:
            role = fits[0]
            mine = tuple(one for one in mine if one not in ROLES or one == role) or (role,)
    elif not outside:
        why_not = f"the run itself records it, from {', '.join(spec['sources'])}"
    elif not mine:
        why_not = f"{' or '.join(outside)} report it"
    if not why_not:
        resource = about_plan(plan)
        question = ask_question(face, visitor.person, "send_fact", resource, role, name, visitor.signed_in)
        ruling = rule(question, face.authority.judge(question))
        why_not = "" if ruling.allowed else "; ".join(ruling.reasons)
    return FactForm(
        name=name,
        spec=spec,
        known=known is not None,
        value=known["value"] if known else None,
        recorded_at=known["recorded_at"] if known else "",
        source=known["source"] if known else "",
        sources=mine,
        role=role,
        needs_reason=needs_reason,
        why_not=why_not,
    )
