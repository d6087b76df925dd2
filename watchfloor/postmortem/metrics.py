"""Times of an incident by the definitions of the field, each with the two entries that it lies between.

A time is None when the ledger does not hold both ends; it is then shown as missing, with the reason, and never
estimated. Times are per incident; percentiles over many incidents are made elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Account, Ask, Clock, Effect, Moment
from watchfloor.postmortem.fields import text
from watchfloor.signing import render_instant

COMMANDER = "incident_commander"
_STOPS = frozenset({"restricts", "destroys"})


@dataclass(frozen=True, slots=True)
class Metric:
    """`id` is the field's abbreviation; `meaning` says exactly from what to what."""

    id: str
    name: str
    meaning: str
    value: timedelta | None
    seqs: tuple[int, ...]
    missing: str = ""


def measure_times(account: Account) -> list[Metric]:
    """All times that apply, in the order in which people ask for them."""
    known = account.known
    asks = [ask for ask in account.asks if ask.kind != "review"]
    first_ask = min((ask.asked for ask in asks), key=_order, default=None)
    answers = [answer.moment for ask in asks for answer in ask.answers]
    first_answer = min(answers, key=_order, default=None)
    stop = _first_done(account.effects, _STOPS)
    notice = _first_done(account.effects, frozenset({"discloses"}))
    contained = next((p.left for p in account.phases if p.name.split("~")[0] == "containment" and p.left), None)
    verified = min((hold.verified for hold in account.holds if hold.verified), key=_order, default=None)
    return [
        _between("TTA", "acknowledge", "first question to a person → first answer", first_ask, first_answer),
        _from_known("TTC", "contain", "knowledge → first restriction in effect", known, stop),
        _from_known("TTFC", "full containment", "knowledge → end of the containment phase", known, contained),
        _from_known("TTN", "notify", "knowledge → first disclosure to an authority", known, notice),
        _from_known("TTP", "hold", "knowledge → hold proved by a refused deletion", known, verified),
        _between("TTM", "close", "opening → closing of the run", account.opened, account.closed),
    ]


def measure_latencies(account: Account) -> list[Metric]:
    """How long people and the other region took: median and longest of approvals and of decisions, and handoffs."""
    found: list[Metric] = []
    for kind, name in (("approval", "approval latency"), ("decide", "decision latency"), ("task", "task latency")):
        waits = [(ask, wait) for ask in account.asks if ask.kind == kind and (wait := waited(ask)) is not None]
        if not waits:
            continue
        middle = timedelta(seconds=median(wait.total_seconds() for _, wait in waits))
        longest, wait = max(waits, key=lambda pair: (pair[1], -pair[0].asked.seq))
        seqs = tuple(sorted({seq for ask, _ in waits for seq in _ends(ask)}))
        found.append(Metric("", name, f"asked → settled, median of {len(waits)}", middle, seqs))
        if len(waits) > 1:
            found.append(Metric("", f"longest {name}", "asked → settled", wait, _ends(longest)))
    for handoff in account.handoffs:
        if handoff.accepted:
            seqs = (handoff.offered.seq, handoff.accepted.seq)
            wait = handoff.accepted.at - handoff.offered.at
            found.append(Metric("", f"handoff latency to {handoff.to}", "offered → accepted", wait, seqs))
    return found


def waited(ask: Ask) -> timedelta | None:
    """From asking until the ask was settled; None while it is not."""
    return ask.answered.at - ask.asked.at if ask.answered else None


def judged_clocks(account: Account) -> list[Clock]:
    """Clocks that had a deadline and were stopped or ran out; those handed on at the close are not judged here."""
    return [clock for clock in account.clocks if clock.state in {"met", "late", "breached"} and clock.due_at]


def clock_score(account: Account) -> tuple[int, int]:
    """Clocks stopped in time, and all clocks that are judged."""
    judged = judged_clocks(account)
    return sum(1 for clock in judged if clock.state == "met"), len(judged)


def summarise(account: Account) -> dict[str, Json]:
    """The figures as plain JSON, for the receipt of a draft: seconds, counts, instants."""
    met, judged = clock_score(account)
    effects = [effect for effect in account.effects if effect.kind != "reads"]
    return {
        "times": {
            metric.id.lower(): metric.value.total_seconds() if metric.value is not None else None
            for metric in measure_times(account)
        },
        "clocks_met": met,
        "clocks_judged": judged,
        "margins": {
            clock.name: clock.margin.total_seconds() if clock.margin is not None else None for clock in account.clocks
        },
        "decisions": sum(len(ask.answers) for ask in account.asks),
        "silences": sum(1 for ask in account.asks if ask.silent),
        "effects": sum(1 for effect in effects if effect.carried_out),
        "effects_retried": sum(1 for effect in effects if effect.retried),
        "effects_doubtful": sum(1 for effect in effects if effect.doubtful),
        "measures_in_force": sum(1 for measure in account.measures if measure.undone is None),
        "clock_states": {clock.name: clock.state for clock in account.clocks},
        "commanders": _commanders(account),
        "opened_at": render_instant(account.opened.at) if account.opened else None,
        "closed_at": render_instant(account.closed.at) if account.closed else None,
    }


def _commanders(account: Account) -> list[str]:
    """Person ids of those to whom command passed or who spoke as commander; none of them leads the review."""
    people = [account.commander, *(text(note.data, "person") for note in account.kind(EntryKind.COMMAND))]
    people += [note.actor for note in account.notes if text(note.data, "role") == COMMANDER]
    people += [answer.person for ask in account.asks for answer in ask.answers if answer.role == COMMANDER]
    return sorted({person for person in people if person})


def _order(moment: Moment) -> tuple[datetime, int]:
    return moment.at, moment.seq


def _ends(ask: Ask) -> tuple[int, ...]:
    return (ask.asked.seq, ask.answered.seq) if ask.answered else (ask.asked.seq,)


def _first_done(effects: Sequence[Effect], kinds: frozenset[str]) -> Moment | None:
    done = [effect.carried_out for effect in effects if effect.kind in kinds]
    return min((moment for moment in done if moment), key=_order, default=None)


def _between(id_: str, name: str, meaning: str, start: Moment | None, end: Moment | None) -> Metric:
    if start is None or end is None:
        lacks = "the beginning" if start is None else "the end"
        return Metric(id_, name, meaning, None, (start.seq,) if start else (), f"the ledger has no entry for {lacks}")
    return Metric(id_, name, meaning, end.at - start.at, (start.seq, end.seq))


def _from_known(id_: str, name: str, meaning: str, known: tuple[datetime, int] | None, end: Moment | None) -> Metric:
    start = Moment(*known) if known else None
    return _between(id_, name, meaning, start, end)
