"""What people do to severity and to the incident itself: raise, propose to lower, propose to dismiss, declare.

Raising needs one person and is never held up. Lowering needs the commander and another person, and where a life-safety
override (a floor at S0) holds, the commander and counsel. Dismissing S0 or S1 needs two people, the same where an
override holds; below, the commander or the deputy alone. What needs more than the person who says it is a proposal: an
ask at `!severity` or `!dismissal`, signed, with its deadline; silence and a no keep everything as it is. If the facts
make it need other people meanwhile, it is void and asked anew. A dismissed run ends as `dismissed`: clocks get an
owner, measures stay in force and are listed. Ledger entries: `severity.set`, `triage.proposed`,
`incident.dismissed`, `incident.declared`, and those of every ask.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from schemas.decision import OpenAsk, RefusalType
from schemas.incident import Proposal
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import Refusal
from watchfloor.signing.step_up import SIGN_IN
from workflows.halt import Unwound
from workflows.human import Answer, Patience
from workflows.run import COMMANDER, Run
from workflows.severity import SEVERITIES, find_life_floors, lift, lower
from workflows.verbs import Verb

SEVERITY_PATH, DISMISSAL_PATH = "!severity", "!dismissal"
LOWER, DISMISS, KEEP = "lower", "dismiss", "keep"
WITHIN = 1800.0
"""Seconds a proposal waits; nothing is lost by asking anew."""
REMIND = (900.0,)
COUNSEL = "legal_counsel"
OTHERS = ("deputy", "policy_lead", COUNSEL, "csea_specialist", "exec_sponsor")
"""Who may be the other person beside the commander."""
ALONE = (COMMANDER, "deputy")
"""Who may dismiss what is less grave than S1 by themselves."""
_GRAVE = ("S0", "S1")

Seats = list[dict[str, list[str]]]


class _Superseded(Exception):
    """The proposal needs other people now."""


def find_seats(run: Run, what: str) -> Seats:
    """Who must agree now, each seat filled by another person."""
    if find_life_floors(run):
        return [{"any_of": [COMMANDER]}, {"any_of": [COUNSEL]}]
    if what == "severity" or run.state["severity"] in _GRAVE:
        return [{"any_of": [COMMANDER]}, {"any_of": list(OTHERS)}]
    return [{"any_of": list(ALONE)}]


def refuse_stale_proposal(run: Run, ask: OpenAsk, option: str) -> Refusal | None:
    """An answer to a proposal that needs other people by now; it is about to be asked anew."""
    if ask["kind"] not in {"severity", "dismissal"} or option == KEEP:
        return None
    if ask["options"][option] != find_seats(run, ask["kind"]):
        return Refusal(RefusalType.CHANGED, "what is known has changed; this is asked anew, of other people")
    return None


class Proposals:
    """Keeps every proposal of a run asked until it is decided or silent. Durable: which are open is in the state."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: dict[str, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Begin to keep what is not kept yet; must not wait."""
        for path, proposal in self._run.state.get("triage", {}).get("proposals", {}).items():
            if path not in self._kept and not self._run.root.reason:
                self._kept[path] = self._run.spawn(self._keep(path, proposal))

    async def _keep(self, path: str, proposal: Proposal) -> None:
        run = self._run
        try:
            answer = await self._ask(path, proposal)
        except Unwound:
            return
        del run.state["triage"]["proposals"][path]
        del self._kept[path]
        run.human.close(path)
        if answer.option == LOWER:
            lower(run, proposal["level"], _say(proposal, answer))
        elif answer.option == DISMISS:
            dismiss(run, _say(proposal, answer), path)
        run.changed()

    async def _ask(self, path: str, proposal: Proposal) -> Answer:
        run, what = self._run, proposal["what"]
        rounds = run.state["loops"]
        while True:
            seats = find_seats(run, what)
            anyone = [{"any_of": list(dict.fromkeys(role for seat in seats for role in seat["any_of"]))}]
            run.human.open(
                path=path,
                step=what,
                kind=what,
                title=_name(run, proposal),
                options={LOWER if what == "severity" else DISMISS: seats, KEEP: anyone},
                patience=Patience(within=WITHIN, remind=REMIND),
                on_silence="it stays as it is",
                shown=_show(run, proposal),
                round_=rounds.get(f"{path}!round", 0),
            )
            try:
                answer = await run.human.answer(path, _Watching(run, what, seats))
            except _Superseded:
                rounds[f"{path}!round"] = run.human.void(path, "it needs other people now")
                continue
            rounds[f"{path}!round"] = rounds.get(f"{path}!round", 0) + 1
            return answer


class _Watching:
    """Waits for an answer only as long as the people who are asked are those who are needed."""

    def __init__(self, run: Run, what: str, seats: Seats) -> None:
        self._run, self._what, self._seats = run, what, seats

    async def __call__(self, fn: Callable[[], bool], until: datetime | None = None) -> bool:
        came = await self._run.wait(self._run.root, lambda: fn() or self._is_over(), until)
        if not fn() and self._is_over():
            raise _Superseded
        return came and fn()

    def _is_over(self) -> bool:
        return find_seats(self._run, self._what) != self._seats


def dismiss(run: Run, said: dict[str, Json], path: str) -> None:
    """End the run as dismissed; what is in force stays and is named."""
    left = [measure["key"] for measure in run.state["measures"] if measure["undone_at"] is None]
    run.note(EntryKind.DISMISSED, path=path, severity=run.state["severity"], measures=list(left), **said)
    run.end("dismissed", reason="dismissed", path=path)


def _say(proposal: Proposal, answer: Answer) -> dict[str, Json]:
    people = [str(one["body"]["person"]) for one in answer.ask["answers"] if one["body"]["option"] == answer.option]
    return {"by": people, "proposed_by": proposal["by"], "reason_ref": proposal["reason_ref"]}


def _name(run: Run, proposal: Proposal) -> str:
    if proposal["what"] == "severity":
        return f"lower severity from {run.state['severity']} to {proposal['level']}"
    return f"dismiss this {run.state['severity']}"


def _show(run: Run, proposal: Proposal) -> list[dict[str, Json]]:
    shown: list[tuple[str, Json]] = [
        ("severity", run.state["severity"]),
        ("proposed by", f"{proposal['by']} as {proposal['role']}"),
        ("reason", proposal["reason_ref"]),
    ]
    if proposal["what"] == "severity":
        shown.insert(1, ("proposed severity", proposal["level"]))
    floors: list[Json] = list(find_life_floors(run))
    if floors:
        shown.append(("clears", floors))
    return [{"label": label, "value": value} for label, value in shown]


# -- verbs ----------------------------------------------------------------------------------------------------------


def _refuse_about(body: dict[str, Json], keys: Sequence[str]) -> Refusal | None:
    about = body.get("about", {})
    if sorted(about) != sorted(keys):
        wanted = ", ".join(keys) or "nothing"
        return Refusal(RefusalType.BAD_VALUE, f"`about` of {body['verb']} holds {wanted}; found {len(about)} other")
    return None


def _refuse_level(run: Run, body: dict[str, Json]) -> Refusal | None:
    fault = _refuse_about(body, ["level"])
    if fault:
        return fault
    if body["about"]["level"] not in SEVERITIES:
        return Refusal(RefusalType.BAD_VALUE, f"severity is one of {', '.join(SEVERITIES)}")
    return None


def _refuse_raise(run: Run, body: dict[str, Json]) -> Refusal | None:
    fault = _refuse_level(run, body)
    if fault:
        return fault
    level, now = str(body["about"]["level"]), run.state["severity"]
    if level >= now:
        return Refusal(
            RefusalType.BAD_VALUE, f"severity is {now}; raise it to something more severe, or propose {level}"
        )
    return None


def _refuse_lower(run: Run, body: dict[str, Json]) -> Refusal | None:
    fault = _refuse_level(run, body)
    if fault:
        return fault
    level, now = str(body["about"]["level"]), run.state["severity"]
    if level <= now:
        return Refusal(
            RefusalType.BAD_VALUE, f"severity is {now}; propose something less severe, or raise it to {level}"
        )
    return _refuse_second(run, SEVERITY_PATH)


def _refuse_dismissal(run: Run, body: dict[str, Json]) -> Refusal | None:
    return _refuse_about(body, []) or _refuse_second(run, DISMISSAL_PATH)


def _refuse_second(run: Run, path: str) -> Refusal | None:
    if path in run.state.get("triage", {}).get("proposals", {}):
        return Refusal(RefusalType.NOT_WAITING, f"`{path}` is proposed already; decide that first")
    return None


def _refuse_declaration(run: Run, body: dict[str, Json]) -> Refusal | None:
    fault = _refuse_about(body, [])
    if fault is None and (run.plan["mode"] == "incident" or "!mode" in run.state["taken"]):
        return Refusal(RefusalType.NOT_WAITING, "it is an incident already")
    return fault


def _raise(run: Run, body: dict[str, Json], mark: str) -> None:
    said = {"by": [body["person"]], "role": body["role"], "statement": mark, "reason_ref": body["reason_ref"]}
    # the entry is written when the level has changed, and says how the person had signed in as every other does
    said |= {name: body[name] for name in SIGN_IN if name in body}
    lift(run, str(body["about"]["level"]), said)
    run.stir()


def _propose(run: Run, body: dict[str, Json], mark: str, what: str, path: str) -> None:
    level = str(body.get("about", {}).get("level", ""))
    proposal: Proposal = {
        "what": what,  # type: ignore[typeddict-item]
        "level": level,
        "by": str(body["person"]),
        "role": str(body["role"]),
        "reason_ref": str(body["reason_ref"]),
        "at": run.now,
    }
    data = {key: value for key, value in proposal.items() if key not in {"by", "at"}}
    run.journal.note(
        EntryKind.PROPOSED,
        path=path,
        actor=str(body["person"]),
        data={**data, "severity": run.state["severity"], "statement": mark},
    )
    run.state.setdefault("triage", {}).setdefault("proposals", {})[path] = proposal
    run.stir()


def _propose_lower(run: Run, body: dict[str, Json], mark: str) -> None:
    _propose(run, body, mark, "severity", SEVERITY_PATH)


def _propose_dismissal(run: Run, body: dict[str, Json], mark: str) -> None:
    seats = find_seats(run, "dismissal")
    if len(seats) == 1 and body["role"] in seats[0]["any_of"]:
        said: dict[str, Json] = {
            "by": [body["person"]],
            "proposed_by": body["person"],
            "role": body["role"],
            "statement": mark,
            "reason_ref": body["reason_ref"],
        }
        dismiss(run, said, DISMISSAL_PATH)
        run.stir()
        return
    _propose(run, body, mark, "dismissal", DISMISSAL_PATH)


def _declare(run: Run, body: dict[str, Json], mark: str) -> None:
    run.state["taken"]["!mode"] = "incident"
    data = {"statement": mark, "role": body["role"], "reason_ref": body["reason_ref"]}
    run.journal.note(EntryKind.DECLARED, path="mode", actor=str(body["person"]), data=data)
    run.stir()


TRIAGE_VERBS: dict[str, Verb] = {
    "raise_severity": Verb(_raise, (), _refuse_raise),
    "propose_severity": Verb(_propose_lower, (), _refuse_lower),
    "propose_dismissal": Verb(_propose_dismissal, (), _refuse_dismissal),
    "declare_incident": Verb(_declare, (), _refuse_declaration),
}
"""Anybody who has a role may say these; who decides is asked."""
