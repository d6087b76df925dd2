"""A person who stands aside from a run: named by the commander or counsel, with a reason, while the run goes on.

They decide nothing, steer nothing and take no task; what they had answered to open asks is void and asked again;
notices leave out what reaches only them; the board names them, and faces show the run to them no more. Facts may still
come from them: who is a party to an incident may be the one who knows. Every run that this one started and that is
still there is told; those started later are told at their start. A commander who has to stand aside commands no more,
and command can be taken.

Back in needs counsel, or two people: the first one's word is kept until a second one says the same. Ledger entries:
`person.recused`, `person.unrecused`, `decision.voided`, `command.passed`.
"""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from schemas.decision import RefusalType
from schemas.incident import SIGNAL_RECUSAL
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import Refusal
from workflows.command import vacate
from workflows.pages import Pages
from workflows.run import COMMANDER, Run
from workflows.standing_aside import is_person, stand_aside
from workflows.verbs import Verb

COUNSEL = "legal_counsel"
MAY_RECUSE = (COMMANDER, COUNSEL)
MAY_READMIT = (COUNSEL, COMMANDER, "deputy", "exec_sponsor")
REACHES_ALL = "recusal-reaches-all"
"""Id of the patch with which word of a recusal goes on from run to run."""


def _refuse_recuse(run: Run, body: dict[str, Json]) -> Refusal | None:
    person = _find_person(body)
    if isinstance(person, Refusal):
        return person
    if body["role"] == COMMANDER and run.state.get("commanded") and body["person"] != run.state["commander"]["person"]:
        who = run.state["commander"]["person"]
        return Refusal(RefusalType.NOT_COMMANDER, f"`{who}` commands; they or counsel say who stands aside")
    if person in run.desk.recused:
        return Refusal(RefusalType.NOT_WAITING, f"`{person}` stands aside already")
    return None


def _recuse(run: Run, body: dict[str, Json], mark: str) -> None:
    person = str(body["about"]["person"])
    run.journal.note(
        EntryKind.RECUSED,
        actor=str(body["person"]),
        data={"person": person, "statement": mark, "role": body["role"], "reason_ref": body["reason_ref"]},
    )
    nth = workflow.info().get_current_history_length()
    stand_aside(run.desk.recused, run.human.asks, run.journal, run.notices, person, nth)
    pages = Pages(run)
    if pages.has_taken(person) and workflow.patched(REACHES_ALL):
        pages.give_back(person)
    run.state["recused"] = run.desk.recused
    vacate(run, person)
    _tell_children(run, person, recused=True)
    run.stir()


def _refuse_unrecuse(run: Run, body: dict[str, Json]) -> Refusal | None:
    person = _find_person(body)
    if isinstance(person, Refusal):
        return person
    if person not in run.desk.recused:
        return Refusal(RefusalType.NOT_WAITING, f"`{person}` does not stand aside")
    first = run.state.get("readmitting", {}).get(person)
    if body["role"] != COUNSEL and first == body["person"]:
        return Refusal(RefusalType.REPEATED, f"`{first}` has said so already; a second person or counsel must")
    return None


def _unrecuse(run: Run, body: dict[str, Json], mark: str) -> None:
    person, first = str(body["about"]["person"]), ""
    readmitting = run.state.setdefault("readmitting", {})
    if body["role"] != COUNSEL:
        first = readmitting.get(person, "")
    done = bool(first) or body["role"] == COUNSEL
    run.journal.note(
        EntryKind.UNRECUSED,
        actor=str(body["person"]),
        data={
            "person": person,
            "done": done,
            "with": first,
            "statement": mark,
            "role": body["role"],
            "reason_ref": body["reason_ref"],
        },
    )
    if not done:
        readmitting[person] = str(body["person"])
        return
    readmitting.pop(person, None)
    run.desk.recused.remove(person)
    run.state["recused"] = run.desk.recused
    _tell_children(run, person, recused=False)
    run.stir()


def pass_on(run: Run, person: str, recused: bool) -> None:
    """Word of the run that started this one: it counts here as if it had been said here, command included, and goes on
    to every run that this one has started. Runs of before kept it to themselves."""
    if not workflow.patched(REACHES_ALL):
        return
    run.state["recused"] = run.desk.recused
    if recused:
        Pages(run).give_back(person)
        vacate(run, person)
    _tell_children(run, person, recused=recused)
    run.stir()


def _tell_children(run: Run, person: str, *, recused: bool) -> None:
    """A run that has ended needs no word; the others ask people too."""
    for child in run.state["children"].values():
        # an offer asks nobody here, but it can be recalled
        if child["kind"] != "handoff" or workflow.patched(REACHES_ALL):
            run.spawn(_tell(str(child["workflow"]), {"person": person, "recused": recused}))


async def _tell(child: str, word: dict[str, Any]) -> None:
    try:
        await workflow.get_external_workflow_handle(child).signal(SIGNAL_RECUSAL, word)
    except FailureError:
        workflow.logger.info("a run that was started here is not there to be told", extra={"run": child})


def _find_person(body: dict[str, Json]) -> str | Refusal:
    about = body.get("about")
    if not isinstance(about, dict) or set(about) != {"person"} or not is_person(about["person"]):
        return Refusal(RefusalType.BAD_VALUE, "`about` of the statement has exactly `person`, an id")
    return str(about["person"])


RECUSAL_VERBS = {
    "recuse": Verb(_recuse, MAY_RECUSE, _refuse_recuse),
    "unrecuse": Verb(_unrecuse, MAY_READMIT, _refuse_unrecuse),
}
