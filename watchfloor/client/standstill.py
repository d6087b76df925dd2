"""Why a run stands still: what it waits for, since when, until when, what then, and what somebody can do about it.

Computed from the board, the plan and what the engine says; nothing is asked and nothing guessed. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from schemas.decision import OpenAsk
from schemas.incident import Board, StepView
from schemas.plan import Plan
from watchfloor.client.liveness import Attempt, Liveness
from watchfloor.drawing.words import join_words, say_time
from watchfloor.signing import in_words, open_slots, parse_instant
from watchfloor.signing.tasks import find_claim

Kind = Literal["worker", "paused", "doubt", "failed", "person", "retry", "fact", "timer", "child", "action", "close"]

ERRORS = {
    "outcome_unknown": "nobody can say whether it took effect",
    "refused": "the target said no",
    "unavailable": "the target did not answer, or asked to come later",
    "timed_out": "no answer came in time",
    "bad_input": "the target does not take these inputs",
    "no_grant": "the approval does not cover it",
    "not_bound": "no system is configured for this action here",
    "switched_off": "its kill switch or its volume cap stopped it",
    "too_large": "the answer was too large",
    "ledger_unavailable": "the ledger could not be written, so nothing was sent",
    "bad_receipt": "the answer was one of another call",
}
"""Failures of an action in words, by their type."""
_RANK: dict[Kind, int] = {
    "worker": 0,
    "paused": 1,
    "doubt": 2,
    "failed": 3,
    "person": 4,
    "retry": 5,
    "fact": 6,
    "timer": 7,
    "child": 8,
    "action": 9,
    "close": 10,
}
_UNDER_WAY = frozenset({"running", "waiting", "retrying"})
_OPEN = frozenset({"open", "paused"})
_CHILD_ENDED = frozenset({"closed", "released", "accepted", "declined", "unanswered", "failed", "done", "stopped"})


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a run waits for. `who` are the seats that nobody fills yet; `workflow` and `path` say where it is
    answered, empty where it is not answered by anybody."""

    kind: Kind
    where: str
    what: str
    do: str
    since: str | None = None
    until: str | None = None
    then: str = ""
    who: tuple[str, ...] = ()
    workflow: str = ""
    path: str = ""

    @property
    def needs_somebody(self) -> bool:
        """Whether it goes on only when a person does something."""
        return self.kind in {"worker", "paused", "doubt", "failed", "person", "fact"}


def find_reasons(
    board: Board, plan: Plan | None, live: Liveness, now: datetime, children: Sequence[Board] = ()
) -> list[Reason]:
    """All that a run waits for, what only a person can end first; nothing for a run that has ended.

    Args:
        plan: what the run carries out; without it less is said.
        live: what the engine says of it.
        children: boards of what it started.
    """
    if board["state"] not in _OPEN:
        return []
    found = [*_outside(board, live)]
    for one in (board, *children):
        found += [_person(one, ask, now) for ask in one["asks"]]
    found += _steps(board, plan, live)
    found += _children(board, children)
    if not found and plan is not None:
        found += _close(board, plan)
    return sorted(found, key=lambda one: (_RANK[one.kind], one.until or "9999", one.where))


def say_verdict(board: Board, reasons: Sequence[Reason]) -> str:
    """One sentence: does it move, and if not, by what it would."""
    if board["state"] not in _OPEN:
        return f"It has ended: {board['outcome'] or board['state']}."
    if not reasons:
        return "Nothing holds it up: it is between two steps."
    if reasons[0].kind == "worker":
        return "It stands still: nobody carries it on."
    if reasons[0].kind == "paused":
        return "It is paused: no new step starts; clocks keep running."
    if all(one.needs_somebody for one in reasons):
        return "It stands still until somebody does something."
    if any(one.needs_somebody for one in reasons):
        return "It moves in part; the rest waits for somebody."
    return "It moves by itself; nobody is needed now."


def _outside(board: Board, live: Liveness) -> Iterator[Reason]:
    if live.workers == 0:
        yield Reason(
            "worker",
            "engine",
            f"No worker of region {board['region']} asks for work, so nothing of this run moves. Clocks go on.",
            f"Start one: `watchfloor up`, or `python worker.py --region {board['region']}`. What you decide meanwhile "
            "is kept and delivered.",
        )
    paused = board["paused"]
    if paused is not None:
        by, role = str(paused.get("by") or paused.get("person") or "somebody"), paused.get("role")
        yield Reason(
            "paused",
            "run",
            f"{by}{f' as {role}' if role else ''} paused it: what is under way ends, no new step starts.",
            "The commander, the deputy or the executive sponsor resumes it under Act.",
            since=str(paused["at"]) if paused.get("at") else None,
        )


def _person(board: Board, ask: OpenAsk, now: datetime) -> Reason:
    kind: Kind = "doubt" if ask["kind"] == "doubt" else "failed" if ask["kind"] == "failed" else "person"
    asked = {
        "doubt": f"Nobody knows whether `{ask['action']}` took effect; it is not sent again until somebody says.",
        "failed": f"{ask['title']}.",
        "task": f"Somebody must do this and report: {ask['title']}",
        "handoff": f"The other side must accept: {ask['title']}",
        "release": f"The release of a hold waits: {ask['title']}",
    }.get(ask["kind"], ask["title"])
    claim = find_claim(ask, now)
    if claim is not None:
        asked += f" — {claim['person']} has it"
    do = {
        "doubt": "Look at the target system, then say: it happened, send it again, or give up.",
        "failed": "The commander says: try again, leave it out, or give up.",
    }.get(ask["kind"], "Whoever fills a seat answers; a seat can be given to somebody else (delegate).")
    return Reason(
        kind,
        ask["step"] or ask["path"],
        asked,
        f"{do} {_say_page(board, ask, now)}".strip(),
        since=ask["asked_at"],
        until=ask["deadline_at"],
        then=" ".join(part for part in (_say_rung(ask, now), f"At the end: {ask['on_silence']}.") if part),
        who=tuple(list_seats(ask)),
        workflow=board["workflow"],
        path=ask["path"],
    )


def list_seats(ask: OpenAsk) -> list[str]:
    """The seats that nobody fills yet, each once; of a blind ask how many have answered."""
    if "answered" in ask:
        return [f"{ask['answered']} of {len(ask.get('blind', []))} have answered (blind)"]
    seats: list[str] = []
    for option, slots in ask["options"].items():
        same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
        seats += in_words(open_slots(slots, same))
    return list(dict.fromkeys(seats))


def find_rung(ask: OpenAsk) -> tuple[str, str, tuple[str, ...]] | None:
    """The next notice of an ask's ladder: when, what kind, to whom."""
    ladder = ask.get("ladder", [])
    climbed = ask.get("climbed", 0)
    rungs = [rung for rung in ladder[climbed:] if not (rung.get("unclaimed") and "claim" in ask)]
    return (rungs[0]["at"], rungs[0]["kind"], tuple(rungs[0]["roles"])) if rungs else None


def _say_rung(ask: OpenAsk, now: datetime) -> str:
    found = find_rung(ask)
    if found is None or parse_instant(found[0]) < now:
        return ""
    at, kind, roles = found
    who = join_words(list(roles), "and") or "those asked"
    words = {"remind": f"{who} reminded", "escalate": f"{who} paged", "lapse": "the claim ends"}[kind]
    return f"Next: {words} at {say_time(at, now)}."


def _say_page(board: Board, ask: OpenAsk, now: datetime) -> str:
    pages = [page for page in board.get("pages", []) if page["ask"] == ask["ask"]]
    if not pages:
        return ""
    page = pages[-1]
    taken = page.get("acknowledged")
    if taken:
        return f"{taken['by']} acknowledged the page."
    due = board.get("page_dues", {}).get(page["id"])
    climbs = f"; it climbs at {say_time(due, now)}" if due else ""
    return f"Nobody has acknowledged the page to {join_words(page['told'], 'and')}{climbs}."


def _steps(board: Board, plan: Plan | None, live: Liveness) -> Iterator[Reason]:
    asked = {ask["path"].partition("!")[0] for ask in board["asks"]}
    under_way = [step for step in board["steps"] if step["state"] in _UNDER_WAY]
    paths = [step["path"] for step in under_way]
    groups: dict[tuple[str, str], list[StepView]] = {}
    for step in under_way:
        holds_others = any(
            one != step["path"] and one.startswith((f"{step['path']}/", f"{step['path']}[")) for one in paths
        )
        if step["path"] not in asked and not holds_others:
            groups.setdefault((step["step"], step["state"]), []).append(step)
    for (name, _), same in groups.items():
        found = _step(find_step(plan, name), same, live)
        if found is not None:
            yield found


def _step(written: Mapping[str, Any] | None, same: Sequence[StepView], live: Liveness) -> Reason | None:
    step, many = same[0], f" ({len(same)} of them)" if len(same) > 1 else ""
    until = _instant_of(step["detail"])
    match step["kind"]:
        case "action":
            return _action(written, step, many, until, live)
        case "wait":
            return _wait(written, step, until)
        case "hold" | "handoff" | "run" | "postmortem" | "decide" | "task":
            return None  # the child, or the ask, says it
        case _ if until is not None:
            words = "the next round" if step["kind"] == "repeat" else "a set time"
            return Reason(
                "timer", step["step"], f"Waits for {words}.", "Nothing: it goes on by itself.", step["since"], until
            )
        case _:
            return None


def _action(written: Mapping[str, Any] | None, step: StepView, many: str, until: str | None, live: Liveness) -> Reason:
    action = str(written["action"]) if written is not None else step["step"]
    attempt = _find_attempt(live, action)
    if step["state"] == "retrying" or (attempt is not None and attempt.number > 1):
        number = f"Attempt {attempt.number} " if attempt is not None else "Another attempt "
        why = f"; the last one failed: {say_error(attempt.error)}" if attempt is not None and attempt.error else ""
        next_at = until or (attempt.next_at if attempt is not None else None)
        when = "is under way" if attempt is not None and attempt.working else "comes by itself"
        left = f" At most {written['retry']['times']} attempts." if written is not None else ""
        return Reason(
            "retry",
            step["step"],
            f"{number}of `{action}`{many} {when}{why}.{left}",
            "Look at the target system. When attempts run out, the runbook's way for errors is taken.",
            step["since"],
            next_at,
        )
    return Reason(
        "action",
        step["step"],
        f"`{action}`{many} is under way.",
        "Nothing: the answer is waited for; it is tried again by itself when it fails.",
        step["since"],
    )


def _find_attempt(live: Liveness, action: str) -> Attempt | None:
    """The most often tried of an action's attempts: items of a loop cannot be told apart."""
    same = [one for one in live.attempts if one.action == action]
    return max(same, key=lambda one: one.number, default=None)


def say_error(code: str) -> str:
    """A failure's type in words; a type that has none as it is."""
    return ERRORS.get(code, code.replace("_", " "))


def _wait(written: Mapping[str, Any] | None, step: StepView, until: str | None) -> Reason:
    if written is None or (written["fact"] is None and written["until"] is None):
        return Reason(
            "timer", step["step"], "Waits for a set time.", "Nothing: it goes on by itself.", step["since"], until
        )
    late = {"fail": "the step fails", "continue": "it goes on without"}.get(
        str(written["on_timeout"]), "the written steps are taken"
    )
    then = f"At the end: {late}." if until else ""
    if written["fact"] is not None:
        return Reason(
            "fact",
            step["step"],
            f"Waits until the fact `{written['fact']}` is recorded.",
            "Who knows it reports it under Act; a system reports it by itself.",
            step["since"],
            until,
            then,
        )
    return Reason(
        "timer",
        step["step"],
        f"Waits until `{written['until']['src']}`.",
        "Nothing, or report the fact that makes it true, under Act.",
        step["since"],
        until,
        then,
    )


def _children(board: Board, children: Sequence[Board]) -> Iterator[Reason]:
    asking = {child["workflow"] for child in children if child["asks"]}
    waiting = tuple(step["path"] for step in board["steps"] if step["state"] in _UNDER_WAY)
    for report in board["children"]:
        path = report["path"].partition("!")[0]
        is_waited_for = any(path == one or path.startswith(f"{one}[") for one in waiting)
        if not is_waited_for or report["state"] in _CHILD_ENDED or report["workflow"] in asking:
            continue
        yield Reason(
            "child",
            report["path"].rpartition("/")[2],
            f"The {report['kind']} {report['workflow']} is {report['state'].replace('_', ' ')}.",
            "Look at it: what it waits for stands on its own page.",
            report["at"],
            workflow=report["workflow"],
        )


def _close(board: Board, plan: Plan) -> Iterator[Reason]:
    if any(phase["state"] != "done" for phase in board["phases"]):
        return
    ending = [one["expires_at"] for one in board["measures"] if one["undone_at"] is None and "expires_at" in one]
    if ending:
        yield Reason(
            "close", "run", "Every phase is done; a measure still ends by itself.", "Nothing.", until=min(ending)
        )
    elif plan["close_when"] is not None:
        yield Reason(
            "close",
            "run",
            f"Every phase is done; it closes when `{plan['close_when']['src']}`.",
            "Report the fact that is missing, under Act.",
        )


def find_step(plan: Plan | None, step: str) -> Mapping[str, Any] | None:
    """The step of a plan by its id, wherever it stands."""
    if plan is None:
        return None
    return _search({"phases": plan["phases"], "tracks": plan["tracks"]}, step)


def find_kind(plan: Plan | None, path: str) -> str:
    """The kind of the step at a runtime path; empty where the plan does not tell."""
    found = find_step(plan, path.rpartition("/")[2].partition("!")[0].partition("[")[0])
    return str(found["kind"]) if found is not None else ""


def _search(value: object, step: str) -> Mapping[str, Any] | None:
    if isinstance(value, dict):
        if value.get("id") == step and "kind" in value:
            return value
        parts: Sequence[object] = list(value.values())
    elif isinstance(value, list):
        parts = value
    else:
        return None
    for part in parts:
        found = _search(part, step)
        if found is not None:
            return found
    return None


def _instant_of(detail: str) -> str | None:
    """The instant that a board's detail ends with: `again at …`, `until …`."""
    last = detail.rpartition(" ")[2]
    return last if last.endswith("Z") and last[:4].isdigit() else None
