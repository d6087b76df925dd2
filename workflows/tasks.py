"""The signed words by which people take tasks, work on them and give them back: `claim`, `tick`, `hand_back`.

`about` names the ask by `path` and by the digest that the person was shown. One person has a task at a time; what they
say is checked in the validator and again in the handler. Handing back needs no reason. Ledger entries: `task.claimed`,
`task.reassigned`, `task.lapsed`, `task.ticked`.
"""

from temporalio import workflow

from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from watchfloor.signing import Refusal, parse_instant
from watchfloor.signing.tasks import COMMANDER, find_claim, refuse_other, say_taken, seat_commander, ticks_of
from workflows.claiming import WELLNESS, give_back, take, tick
from workflows.run import Run
from workflows.verbs import Verb

_OVERRULING = (COMMANDER, WELLNESS)
"""Roles that may take a task from whoever has it."""


def _find_task(run: Run, body: dict[str, Json], keys: set[str]) -> OpenAsk | Refusal:
    about = body.get("about")
    if not isinstance(about, dict) or set(about) != keys or not all(isinstance(one, str) for one in about.values()):
        return Refusal(RefusalType.BAD_VALUE, f"`about` of the statement must hold the texts {', '.join(sorted(keys))}")
    path = str(about["path"])
    ask = run.human.asks.get(path)
    if ask is None or "chosen" in ask or ask["kind"] != "task":
        return Refusal(RefusalType.NOT_WAITING, "no task waits there; look at the board")
    if about["ask"] != ask["ask"]:
        return Refusal(RefusalType.CHANGED, f"`{ask['step']}` has changed since you were shown it; look again")
    if ask["deadline_at"] is not None and workflow.now() >= parse_instant(ask["deadline_at"]):
        return Refusal(RefusalType.LATE, f"`{ask['step']}` could be done until {ask['deadline_at']}")
    return ask


def _refuse_claim(run: Run, body: dict[str, Json]) -> Refusal | None:
    ask = _find_task(run, body, {"path", "ask"})
    if isinstance(ask, Refusal):
        return ask
    wanted = [role for slots in ask["options"].values() for slot in slots for role in slot["any_of"]]
    if body["role"] not in wanted:
        return Refusal(RefusalType.WRONG_ROLE, f"`{ask['step']}` is for {' or '.join(wanted)}; you are {body['role']}")
    claim = find_claim(ask, workflow.now())
    if claim is not None and claim["person"] != body["person"]:
        return Refusal(RefusalType.CLAIMED, say_taken(ask, claim))
    return refuse_other(ask, body, workflow.now())


def _refuse_tick(run: Run, body: dict[str, Json]) -> Refusal | None:
    ask = _find_task(run, body, {"path", "ask", "item"})
    if isinstance(ask, Refusal):
        return ask
    now, item = workflow.now(), _about(body)["item"]
    wanted = [
        role for slots in seat_commander(ask, now)["options"].values() for slot in slots for role in slot["any_of"]
    ]
    if body["role"] not in wanted:
        return Refusal(RefusalType.WRONG_ROLE, f"`{ask['step']}` is for {' or '.join(wanted)}; you are {body['role']}")
    known = [one["id"] for one in ask.get("checklist", ())]
    if item not in known:
        listed = ", ".join(known) or "no checklist"
        return Refusal(RefusalType.UNKNOWN_OPTION, f"`{ask['step']}` has no item of that name; it has: {listed}")
    before = ticks_of(ask).get(item)
    if before is not None:
        return Refusal(RefusalType.REPEATED, f"`{item}` was ticked by `{before['by']}` at {before['at']}")
    return refuse_other(ask, body, now)


def _refuse_hand_back(run: Run, body: dict[str, Json]) -> Refusal | None:
    ask = _find_task(run, body, {"path", "ask"})
    if isinstance(ask, Refusal):
        return ask
    claim = find_claim(ask, workflow.now())
    if claim is None and "person" in ask and (body["person"] == ask["person"] or body["role"] in _OVERRULING):
        return None
    if claim is None:
        return Refusal(RefusalType.NOT_WAITING, f"nobody has claimed `{ask['step']}`; there is nothing to hand back")
    if claim["person"] != body["person"] and body["role"] not in _OVERRULING:
        return Refusal(RefusalType.CLAIMED, say_taken(ask, claim))
    return None


def _claim(run: Run, body: dict[str, Json], mark: str) -> None:
    ask = _ask(run, body)
    take(ask, body, mark, run.journal, workflow.now())
    if run.pages is not None:
        run.pages.claimed(ask, body)


def _hand_back(run: Run, body: dict[str, Json], mark: str) -> None:
    give_back(_ask(run, body), body, mark, run.journal, run.notices, workflow.now())


def _tick(run: Run, body: dict[str, Json], mark: str) -> None:
    tick(_ask(run, body), _about(body)["item"], body, mark, run.journal, workflow.now())


def _ask(run: Run, body: dict[str, Json]) -> OpenAsk:
    return run.human.asks[_about(body)["path"]]


def _about(body: dict[str, Json]) -> dict[str, str]:
    about = body["about"]
    assert isinstance(about, dict)
    return {name: str(value) for name, value in about.items()}


TASK_VERBS: dict[str, Verb] = {
    "claim": Verb(_claim, check=_refuse_claim, reasoned=False),
    "hand_back": Verb(_hand_back, check=_refuse_hand_back, reasoned=False),
    "tick": Verb(_tick, check=_refuse_tick, reasoned=False),
}
"""What people may say to a task beside its report."""
