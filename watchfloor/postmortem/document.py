"""The review as Markdown: everything a template needs, made from the account, and nothing else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from schemas.postmortem import DraftCall
from watchfloor.postmortem.account import Account, Answer, Ask, Clock, Handoff, Hold, Measure
from watchfloor.postmortem.citations import cite, name_chain
from watchfloor.postmortem.escaping import Markdown, code, escape_text, open_templates, render_sentence
from watchfloor.postmortem.fields import instant
from watchfloor.postmortem.lessons import find_strengths, find_weaknesses
from watchfloor.postmortem.metrics import Metric, clock_score, judged_clocks, measure_latencies, measure_times
from watchfloor.postmortem.narrative import OPENING, group_effects, tell
from watchfloor.postmortem.sentences import render_duration, render_time

MISSING = Markdown("–")


@dataclass(frozen=True, slots=True)
class EffectRow:
    action: str
    step: str
    kind: str
    total: int
    done: int
    retried: int
    doubtful: int
    failed: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MeasureRow:
    action: str
    step: str
    total: int
    in_force: int
    since: datetime
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A hold or a handoff as one row."""

    id: str
    to: str
    began: datetime | None
    result: str
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The two texts: the whole document, and its body without heading and picture (for the page)."""

    markdown: str
    body: str
    basis: str


def write_document(account: Account, call: DraftCall) -> Document:
    """Write the review of one incident. Pure: the same account and call give the same bytes."""
    day = account.opened.at if account.opened else None
    head = account.entries[-1]["hash"] if account.entries else ""
    met, judged = clock_score(account)
    templates = open_templates()
    shared: dict[str, Any] = {
        "code": code,
        "cited": lambda seqs: Markdown(cite(seqs)),
        "when": partial(_when, day=day),
        "lasted": lambda span: Markdown(render_duration(span)),
        "span": _span,
        "verdict": _verdict,
        "reason": _reason,
        "tell": lambda sentence: render_sentence(sentence, day),
    }
    body = templates.get_template("body.md").render(
        shared
        | {
            "times": measure_times(account),
            "latencies": measure_latencies(account),
            "clocks": account.clocks,
            "clock_seqs": tuple(seq for clock in judged_clocks(account) for seq in clock.seqs),
            "met": met,
            "judged": judged,
            "chapters": tell(account),
            "opening": OPENING,
            "answers": _answers(account),
            "effects": effect_rows(account),
            "measures": measure_rows(account),
            "holds": [_hold(hold) for hold in account.holds],
            "handoffs": [_handoff(handoff) for handoff in account.handoffs],
            "strengths": find_strengths(account),
            "weaknesses": find_weaknesses(account),
            "whole": tuple(range(1, len(account.entries) + 1)),
            "entries": len(account.entries),
            "head": head,
            "related": [(f"{name_chain(index + 1)}#", chain) for index, chain in enumerate(account.related) if chain],
            "plan": call["plan"],
            "incident": call["incident"],
            "due": instant({"due_at": call["due_at"]}, "due_at"),
        }
    )
    basis = (
        f"Drafted from {len(account.entries)} ledger entries; every sentence about the incident names the entries it"
        " rests on. It holds no media, no message text and no names."
    )
    markdown = templates.get_template("postmortem.md").render(
        shared
        | {
            "title": call["title"],
            "incident": call["incident"],
            "runbook": call["runbook"],
            "outcome": account.outcome or call["outcome"],
            "region": call["region"],
            "basis": Markdown(basis),
            "body": Markdown(body.strip()),
        }
    )
    return Document(_tidy(markdown), _tidy(body), basis)


def effect_rows(account: Account) -> list[EffectRow]:
    """Effects on the outside world by action and step; look-ups that change nothing are not among them."""
    rows: list[EffectRow] = []
    for group in group_effects(account):
        if group[0].kind == "reads":
            continue
        rows.append(
            EffectRow(
                action=group[0].action,
                step=group[0].step,
                kind=group[0].kind,
                total=len(group),
                done=sum(1 for effect in group if effect.carried_out),
                retried=sum(1 for effect in group if effect.retried),
                doubtful=sum(1 for effect in group if effect.doubtful),
                failed=sum(1 for effect in group if effect.failed and not effect.carried_out),
                seqs=tuple(sorted(seq for effect in group for seq in effect.seqs)),
            )
        )
    return rows


def measure_rows(account: Account) -> list[MeasureRow]:
    groups: dict[tuple[str, str], list[Measure]] = {}
    for measure in account.measures:
        groups.setdefault((measure.action, measure.step), []).append(measure)
    return [
        MeasureRow(
            action=action,
            step=step,
            total=len(group),
            in_force=sum(1 for measure in group if measure.undone is None),
            since=min(measure.since.at for measure in group),
            seqs=tuple(sorted(moment.seq for measure in group for moment in (measure.since, measure.undone) if moment)),
        )
        for (action, step), group in groups.items()
    ]


def _answers(account: Account) -> list[tuple[Ask, Answer]]:
    pairs = [(ask, answer) for ask in account.asks for answer in ask.answers]
    return sorted(pairs, key=lambda pair: pair[1].moment.seq)


def _hold(hold: Hold) -> Passage:
    if hold.released:
        result = "released"
    elif hold.failed and (not hold.verified or hold.failed.seq > hold.verified.seq):
        result = "failed at a custodian"
    else:
        result = "proved, in force" if hold.verified else "placed, not proved"
    moments = [moment for moment in (hold.placed, *hold.proved.values(), hold.failed, hold.released) if moment]
    began = moments[0].at if moments else None
    return Passage(hold.id, "", began, result, tuple(sorted(moment.seq for moment in moments)))


def _handoff(handoff: Handoff) -> Passage:
    if handoff.accepted:
        result = f"accepted after {render_duration(handoff.accepted.at - handoff.offered.at)}"
    elif handoff.declined:
        result = "declined"
    else:
        result = "not answered in time" if handoff.unanswered else "open"
    moments = [handoff.offered, handoff.accepted, handoff.declined, handoff.unanswered]
    seqs = tuple(sorted(moment.seq for moment in moments if moment))
    return Passage(handoff.id, handoff.to, handoff.offered.at, result, seqs)


def _when(at: datetime | None, *, day: datetime | None) -> Markdown:
    return Markdown(render_time(at, day)) if at else MISSING


def _span(metric: Metric) -> Markdown:
    if metric.value is None:
        return Markdown(f"not known: {escape_text(metric.missing)}")
    return Markdown(render_duration(metric.value))


def _verdict(clock: Clock) -> Markdown:
    said = _end(clock)
    anew = len(clock.runs) - 1
    return Markdown(f"{said}; started anew {f'{anew} times' if anew > 1 else 'once'}") if anew else said


def _end(clock: Clock) -> Markdown:
    margin: timedelta | None = clock.margin
    match clock.state:
        case "met":
            return Markdown(f"**met**, {render_duration(margin)} left" if margin is not None else "**stopped**")
        case "late":
            return Markdown(f"**late** by {render_duration(-margin)}" if margin is not None else "**late**")
        case "breached":
            return Markdown("**ran out**, never stopped")
        case "assigned":
            return Markdown(f"runs on with {code(clock.custodian or clock.assigned_to)}")
        case _:
            return Markdown("runs on")


def _reason(ref: str) -> Markdown:
    return code(ref.removeprefix("sha256:")[:12]) if ref else MISSING


def _tidy(text: str) -> str:
    """No blank line twice in a row, no space at a line's end, one newline at the end."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).rstrip("\n") + "\n"
