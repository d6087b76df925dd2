"""Asking the region's policies before anything is signed, and saying what they and the engine would say to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.authorisation import Objection, Question, Resource, Verdict
from watchfloor.authorisation.questions import ABOUT_ASKS
from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.sign_in import DEV, SignIn
from watchfloor.identity.people import Person
from watchfloor.signing.gates import GRANTING
from watchfloor.signing.motions import ANSWERING
from watchfloor.signing.standing import find_delegators

TASK_VERBS = frozenset({"claim", "hand_back", "tick"})
"""What is said to one task and not to the run; each task's own seats say who may."""
OUTSIDE_VERBS = frozenset({"record_outside", "record_decision"})
"""What is recorded of what people did themselves; who may say it is each step's to know."""
TRIAGE_VERBS = frozenset({"raise_severity", "propose_severity", "propose_dismissal", "declare_incident"})
"""What anybody with a role may say of severity and of the incident; who decides a proposal is asked by the run."""
RECUSAL_VERBS = frozenset({"recuse", "unrecuse"})
"""What counsel says beside those who command."""
DELIVERY_VERBS = frozenset({"redrive", "discard", "enable"})
"""What is said of deliveries, in and out, which no run judges; the policies alone say who may."""
STEERING = ("incident_commander", "deputy", "exec_sponsor")
"""Roles by which the engine lets a run be paused, resumed or aborted, whatever a policy says."""


SPEAKING_UP = frozenset({"ack", "status"})
"""Verbs of control that are not for who commands alone: the run checks whom they are about."""

COMPARTMENT_WALLS = frozenset({"wall.compartment", "wall.covered-person"})
"""Policies that keep people out of a compartment."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Yes or no, from the policies and from the rules the engine keeps by itself; both must agree."""

    allowed: bool
    permits: tuple[str, ...]
    objections: tuple[Objection, ...]
    """Of the policies."""
    others: tuple[str, ...]
    """What else speaks against it, in words: the engine's own rules, which no policy lifts, or that no policy speaks of
    it."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that speaks against it, in words."""
        return (*map(str, self.objections), *self.others)


def require_permission(
    face: Face,
    someone: Person,
    verb: str,
    resource: Resource,
    *,
    role: str = "",
    option: str = "",
    signed_in: SignIn = DEV,
) -> None:
    """Ask the policies of the face's region.

    Raises:
        Refused: with the policy, what it wants, what was found and what to do.
    """
    verdict = face.authority.judge(ask_question(face, someone, verb, resource, role, option, signed_in))
    if not verdict.allowed:
        raise Refused(verdict.refusal, verdict.reason)


def require_inside(face: Face, someone: Person, board: Board) -> None:
    """Who is not cleared for a run's compartment is refused before anything of the run is named to them.

    Raises:
        Refused: with the policy that keeps them out.
    """
    if board.get("compartment"):
        verdict = face.authority.judge(ask_question(face, someone, "view", about_run(board), "", "", DEV))
        walls = [one for one in verdict.objections if one.policy in COMPARTMENT_WALLS]
        if walls:
            raise Refused(verdict.refusal, "; and ".join(map(str, walls)))


def ask_question(
    face: Face, someone: Person, verb: str, resource: Resource, role: str, option: str, signed_in: SignIn
) -> Question:
    """The question that `require_permission` asks."""
    return Question(someone, verb, resource, role, option, signed_in.way, face.loopback, signed_in.methods)


def verb_of(ask: OpenAsk) -> str:
    """Which verb an answer to this ask is: the release of a hold and the showing of material have their own."""
    if ask["kind"] == "release":
        return "release_hold"
    return "reveal" if _contract(ask["action"]).get("effect") == "reveals" else "decide"


def about_ask(board: Board, ask: OpenAsk, option: str, requester: str = "", *, person: str = "") -> Resource:
    """An open ask as policies see it, by this person; with no option named, what is said is about the whole ask."""
    contract = _contract(ask["action"])
    return Resource(
        id=f"{board['workflow']}/{ask['path']}",
        kind=ask["kind"],
        runbook=board["runbook"],
        region=board["region"],
        severity=board["severity"],
        compartment=str(board.get("compartment", "")),
        requester=requester,
        commander=board["commander"]["person"],
        excluded=(*ask["exclude"], *board.get("recused", ())),
        step=ask["step"],
        action=ask["action"],
        effect=str(contract.get("effect", "")),
        tier=str(contract.get("tier", "")),
        seats=find_seats(ask["options"], option),
        given=tuple(find_delegators(ask, person).values()),
    )


def about_run(board: Board) -> Resource:
    """A run as policies see it."""
    return Resource(
        id=board["workflow"],
        kind=board["kind"],
        runbook=board["runbook"],
        region=board["region"],
        severity=board["severity"],
        compartment=str(board.get("compartment", "")),
        commander=board["commander"]["person"],
        excluded=tuple(board.get("recused", ())),
    )


def about_plan(plan: Plan, requester: str = "") -> Resource:
    """A runbook that is to be started, or its run before it has a board."""
    return Resource(
        id=plan["id"],
        kind="runbook",
        runbook=plan["id"],
        region=plan["command"],
        severity=str(plan.get("severity", "")),
        compartment=str(plan.get("compartment", "")),
        requester=requester,
    )


def about_step(plan: Plan, step: Mapping[str, Any], option: str, requester: str) -> Resource:
    """The ask that a step of a plan would open, as far as the plan says."""
    approval = step.get("approval") or {}
    contract = _contract(str(step.get("action", "")))
    return Resource(
        id=f"{plan['id']}/{step['id']}",
        kind="approval" if approval else str(step["kind"]),
        runbook=plan["id"],
        region=plan["command"],
        severity=str(plan.get("severity", "")),
        compartment=str(plan.get("compartment", "")),
        requester=requester,
        excluded=tuple(approval.get("exclude", step.get("exclude", ()))),
        step=step["id"],
        action=str(step.get("action", "")),
        effect=str(contract.get("effect", "")),
        tier=str(contract.get("tier", "")),
        seats=find_seats(seats_of(step), option),
    )


def seats_of(step: Mapping[str, Any]) -> dict[str, Sequence[Mapping[str, Sequence[str]]]]:
    """Option -> slots of the ask that a step of a plan opens; empty for a step that asks nobody."""
    approval = step.get("approval")
    if approval:
        anyone = [{"any_of": [role for slot in approval["slots"] for role in slot["any_of"]]}]
        glass = approval.get("break_glass")
        return {"approve": approval["slots"], "deny": anyone, **({"break_glass": [glass["by"]]} if glass else {})}
    if step["kind"] == "decide":
        return dict.fromkeys(step["options"], step["slots"])
    if step["kind"] == "task":
        return {"done": [step["assignee"]]}
    return {}


def rule(question: Question, verdict: Verdict) -> Ruling:
    """The policies' verdict with what the engine itself would refuse; nothing is sent."""
    found: list[str] = []
    if not verdict.allowed and not verdict.objections:
        found.append(verdict.reason)
    one, who = question.resource, question.person
    if question.role not in {*who.roles, *one.given} and question.verb not in {"view", "export", "start"}:
        found.append(f"engine: `{who.id}` does not hold `{question.role}`; they hold: {', '.join(who.roles)}")
    if question.verb == "answer":
        if question.role not in ANSWERING and one.requester != who.id:
            found.append(f"engine: {' or '.join(ANSWERING)} or who asked for it answers a question")
    elif question.verb in ABOUT_ASKS:
        if question.role not in one.seats:
            wanted, of = ", ".join(one.seats) or "nobody", f"`{question.option}` at " if question.option else ""
            found.append(f"engine: {of}`{one.step}` has seats for {wanted}, none for this role")
        gated = one.kind in {"approval", "release"} or question.option in GRANTING
        if gated and one.requester and one.requester == who.id:
            found.append("engine: who asked for a thing does not approve it")
        if {who.id, question.role} & set(one.excluded):
            found.append("engine: the runbook excludes this person or role from the step")
    elif question.verb == "control" and question.option in TASK_VERBS | TRIAGE_VERBS | DELIVERY_VERBS | OUTSIDE_VERBS:
        pass  # who may do a task, and who has it, is known when it is asked
    elif question.verb == "control" and question.option in RECUSAL_VERBS and question.role == "legal_counsel":
        pass
    elif question.verb == "control" and question.role not in STEERING and question.option not in SPEAKING_UP:
        found.append(f"engine: a run is steered by {', '.join(STEERING)}")
    allowed = not found and not verdict.objections
    return Ruling(allowed, verdict.permits if allowed else (), verdict.objections, tuple(found))


def find_seats(options: Mapping[str, Sequence[Mapping[str, Sequence[str]]]], option: str) -> tuple[str, ...]:
    """The roles that may fill a seat of an option; of any option when none is named."""
    return _roles(options.get(option, ()) if option else [slot for slots in options.values() for slot in slots])


def _roles(slots: Sequence[Mapping[str, Sequence[str]]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(role for slot in slots for role in slot["any_of"]))


def _contract(action: str) -> Mapping[str, Any]:
    from activities.catalog import CATALOG

    return CATALOG.get(action, {})
