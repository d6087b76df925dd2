"""The board: the answer to the query, complete in itself, from the run's state alone."""

from typing import cast

from temporalio import workflow

from schemas.decision import OpenAsk
from schemas.incident import Board, Report, StepView
from schemas.json_value import Json
from schemas.plan import Step
from watchfloor.signing import find_priority, render_instant
from watchfloor.signing.narrowing import tell_left_out
from watchfloor.signing.tasks import ticks_of
from workflows.cadence import Cadence
from workflows.pages import Pages
from workflows.phases import phase_names
from workflows.pressure import find_pressure
from workflows.run import Run

_STATES = {
    "done": "done",
    "skipped": "skipped",
    "failed": "failed",
    "denied": "denied",
    "silent": "silent",
    "timed_out": "done",
    "exhausted": "failed",
    "unanswered": "silent",
    "declined": "denied",
}
_ENDED = {"closed": "closed", "failed": "failed", "aborted": "aborted"}


def draw_board(run: Run, closed_at: str) -> Board:
    """Everything a responder must know now; also served for a closed run."""
    state, plan = run.state, run.plan
    outcome = str((state.get("ending") or {}).get("outcome", ""))
    decided = [] if closed_at else run.human.revocable()
    board: Board = {
        "v": 1,
        "kind": "incident",
        "workflow": run.desk.workflow,
        "region": run.desk.region,
        "title": plan["title"],
        "runbook": plan["id"],
        "runbook_version": plan["version"],
        "plan": run.desk.plan,
        "state": find_state(run, closed_at),  # type: ignore[typeddict-item]
        "outcome": outcome,
        "severity": state["severity"],
        "phase": state["phase"],
        "phases": [{"name": name, "state": _find_phase_state(run, name)} for name in phase_names(plan)],
        "opened_at": state["opened_at"],
        "now": run.now,
        "commander": state["commander"],
        "asks": [] if closed_at else run.human.shown(),
        **({"decided": decided} if decided else {}),  # type: ignore[typeddict-item]
        "steps": [*_list_done(run), *_list_running(run)],
        "loops": _list_loops(run),
        "clocks": list(state["clocks"].values()),
        "facts": state["facts"],
        "measures": state["measures"],
        "children": [cast(Report, child) for child in state["children"].values()],
        "paused": state["paused"],
        "runs": state["runs"],
        "history_events": workflow.info().get_current_history_length(),
    }
    if not closed_at and "pressure" in run.start["limits"]:
        pressure = find_pressure(run)
        if pressure:
            board["pressure"] = pressure
        board["priority"] = find_priority(state["severity"], pressure, workflow.now())
    where = run.find_jurisdictions()
    if where:
        board["jurisdictions"] = where
    if plan["mode"] == "case":
        board["mode"] = state["taken"].get("!mode", "case")
    if state.get("triage", {}).get("tags"):
        board["tags"] = list(state["triage"]["tags"])
    if state.get("merged"):
        board["merged"] = list(state["merged"])
    if state.get("related"):
        board["related"] = list(state["related"])
    if run.desk.recused:
        board["recused"] = list(run.desk.recused)
    if state.get("outside"):
        board["outside"] = list(state["outside"].values())
    if state.get("on_paper"):
        board["on_paper"] = list(state["on_paper"])
    offer = state.get("command_offer")
    if offer and not closed_at:
        board["command_offer"] = offer
    if run.start.get("compartment"):
        board["compartment"] = run.compartment
    _draw_paging(run, board, closed_at)
    return board


def _draw_paging(run: Run, board: Board, closed_at: str) -> None:
    """Pages, when they climb, and when a status is due; nothing of it for a run without a policy."""
    pages = Pages(run)
    if not pages.is_on:
        return
    open_ = list(run.state.get("pages", {}).values()) if not closed_at else []
    board["pages"] = open_
    board["page_dues"] = {page["id"]: render_instant(due) for page in open_ if (due := pages.due_of(page)) is not None}
    due_at = Cadence(run).find_next() if not closed_at else None
    if due_at is not None:
        board["status_due_at"] = render_instant(due_at)


def find_state(run: Run, closed_at: str) -> str:
    """Open, paused, or how it ended."""
    ending = run.state.get("ending")
    if closed_at and ending:
        return _ENDED.get(str(ending["outcome"]), "stopped")
    return "paused" if run.state["paused"] is not None else "open"


def _find_phase_state(run: Run, name: str) -> str:
    if name in run.state["phases_done"]:
        return "done"
    return "running" if run.state["phase"] == name else "waiting"


def _list_done(run: Run) -> list[StepView]:
    views: list[StepView] = []
    for path, result in run.state["results"].items():
        step = _find_step(run, path)
        if step is None or "[" in path or "!" in path:
            continue
        detail = _describe(result["outputs"]) if result["status"] == "done" else str(result["status"])
        if "left_out" in result:
            detail = "; ".join(one for one in (detail, tell_left_out(result["left_out"])) if one)
        views.append(_view(step, path, _STATES[str(result["status"])], str(result["at"]), detail))
    return views


def _list_running(run: Run) -> list[StepView]:
    views: list[StepView] = []
    for path, (step, since) in run.running.items():
        waits = next((ask for ask in run.human.shown() if ask["path"].partition("!")[0] == path), None)
        state, detail = "running", ""
        if waits is not None:
            state = "failed" if waits["kind"] == "failed" else "waiting"
            people = [role for seats in waits["options"].values() for slot in seats for role in slot["any_of"]]
            detail = _count_ticks(waits)
            detail += f"waits on {', '.join(dict.fromkeys(people))} until {waits['deadline_at'] or 'answered'}"
        elif f"{path}!retry" in run.state["deadlines"]:
            state, detail = "retrying", f"again at {run.state['deadlines'][f'{path}!retry']}"
        elif path in run.state["deadlines"]:
            state, detail = "waiting", f"until {run.state['deadlines'][path]}"
        views.append(_view(step, path, state, since, detail))
    return views


def _count_ticks(ask: OpenAsk) -> str:
    """How far a checklist is, in words before others; empty without one."""
    needed = [item["id"] for item in ask.get("checklist", ()) if item["required"]]
    if not needed:
        return ""
    return f"{sum(one in ticks_of(ask) for one in needed)} of {len(needed)} ticked, "


def _list_loops(run: Run) -> list[dict[str, Json]]:
    loops: list[dict[str, Json]] = []
    for path, count in run.state.get("folded", {}).items():
        step = _find_step(run, path)
        inside = {one[len(path) :].partition("]")[0] for one in run.running if one.startswith(f"{path}[")}
        loops.append({"path": path, "step": step["id"] if step else "", **count, "running": len(inside)})
    return loops


def _find_step(run: Run, path: str) -> Step | None:
    last = path.rpartition("/")[2].partition("!")[0].partition("[")[0]
    placed = run.loaded.steps.get(last)
    return placed.step if placed else None


def _view(step: Step, path: str, state: str, since: str, detail: str) -> StepView:
    view: StepView = {
        "path": path,
        "step": step["id"],
        "kind": step["kind"],
        "name": step["name"],
        "state": state,  # type: ignore[typeddict-item]
        "since": since,
        "detail": detail,
    }
    if "[" in path:
        view["iteration"] = path.rpartition("[")[2].partition("]")[0]
    return view


def _describe(outputs: dict[str, Json]) -> str:
    """A few words on a result: counts, choices and flags; never texts from outside."""
    if "total" in outputs:
        return f"{len(outputs.get('succeeded', []))} of {outputs['total']} done"
    for name in ("option", "rounds"):
        if name in outputs:
            return f"{name}: {outputs[name]}"
    return ""
