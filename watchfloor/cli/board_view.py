"""One screen that answers: what is it, how bad, what was done, what runs, what waits on whom until when, and what
happens if nobody answers. Made for 80 columns at three in the morning: what waits on people comes first."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from schemas.decision import OpenAsk
from schemas.incident import Board, Measure, StepView
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.cli.ask_view import answer_line, attempt_lines, blind_line, decided_lines, narrowed_lines, said_lines
from watchfloor.cli.clock_bars import clock_rows, render_clock
from watchfloor.cli.hanging import Hanging, command_lines
from watchfloor.cli.instants import ago, clock_time, left
from watchfloor.cli.outside_view import outside_lines
from watchfloor.cli.page_lines import page_lines
from watchfloor.cli.relations_view import render_relations
from watchfloor.client.asks import AskAt, Family
from watchfloor.client.attempts import DOUBTED, Attempt
from watchfloor.drawing.words import join_words, show_controls
from watchfloor.signing import find_priority, in_words, open_slots
from watchfloor.signing.tasks import find_claim, ticks_of

DONE_SHOWN = 10
"""How many finished steps are listed; the ledger has them all."""
VALUE_WIDTH = 240
COMMAND_WIDTH = 79

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_MARKS = {"waiting": ("○", "dim"), "running": ("●", "bold cyan"), "done": ("✓", "green")}
_STEP_MARKS = {
    "running": ("●", "cyan"),
    "waiting": ("◌", "yellow"),
    "done": ("✓", "green"),
    "skipped": ("–", "dim"),
    "failed": ("✗", "bold red"),
    "denied": ("✗", "yellow"),
    "silent": ("…", "yellow"),
    "retrying": ("↻", "yellow"),
}
_STATE_STYLES = {"open": "bold cyan", "paused": "bold yellow", "closed": "bold green", "failed": "bold red"}


@dataclass(frozen=True, slots=True)
class View:
    """All that `show` knows about one run."""

    found: Family
    plan: Plan | None
    abroad: dict[str, Board] = field(default_factory=dict)
    """Handoff id -> board of the receiving side, where this machine may look at it (development only)."""
    texts: dict[str, str] = field(default_factory=dict)
    """Reference -> text of the questions and answers at open asks, where this region has it."""
    attempts: Mapping[tuple[str, str], Attempt] = field(default_factory=dict)
    """Run and path of a doubt or failure -> what was announced there."""


def render_view(
    view: View, *, now: datetime | None = None, local: tzinfo | None = None, asks: bool = True
) -> RenderableType:
    """The whole screen.

    Args:
        view: the boards.
        now: what remaining times count from; this moment by default, for the board's own time stands still while
            the run waits.
        local: stands for the machine's own zone.
        asks: what waits on people, with the commands that answer it; a screen that answers itself leaves it out.
    """
    at = now or datetime.now(UTC)
    blocks: list[RenderableType] = [*_head(view.found.board, at, local)]
    for title, lines in (
        ("WAITS ON PEOPLE", list(_asks(view, at, local)) if asks else []),
        ("PAGES", list(_pages(view, at, local))),
        (
            "DECIDED, NOT YET BEGUN",
            [line for one in view.found.decided for line in decided_lines(one.ask, short_id(one.workflow))],
        ),
        (
            "CLOCKS",
            [
                line
                for row in clock_rows(view.found.board["clocks"], view.plan)
                for line in render_clock(row, at, local=local)
            ],
        ),
        ("RUNS NOW", list(_running(view.found.board, at))),
        ("DONE", list(_done(view.found.board, at))),
        ("IN FORCE", list(_measures(view.found.board["measures"], at, local))),
        ("DONE OUTSIDE", list(outside_lines(view.found.board, at, local))),
        ("HOLDS, HANDOFFS, REVIEW", list(_children(view, at, local))),
        ("CAME IN TOO", list(render_relations(view.found.board, at, local))),
        ("FACTS", list(_facts(view.found.board, at, local))),
    ):
        if lines:
            blocks += [Text(""), Text(title, style="bold underline")]
            blocks += [_hang(line) for line in lines]
    return Group(*blocks)


def _hang(line: RenderableType) -> RenderableType:
    if not isinstance(line, Text) or line.no_wrap:
        return line
    indent = len(line.plain) - len(line.plain.lstrip())
    return Hanging(line[indent:], first=indent, rest=indent + 2 if indent < 8 else indent)


def short_id(workflow: str) -> str:
    """Enough of an id to type: what `resolve_run` takes."""
    prefix, _, rest = workflow.partition("-")
    return f"{prefix}-{rest[:8]}"


def _head(board: Board, now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    ended = board["state"] not in {"open", "paused"} and board["outcome"] not in {"", board["state"]}
    state = f"{board['state']}: {board['outcome']}" if ended else board["state"]
    title = Text()
    title.append(show_controls(board["title"]), style="bold")
    yield title
    line = Text()
    if board["severity"]:
        line.append(board["severity"], style="bold red" if board["severity"] in {"S0", "S1"} else "bold yellow")
        line.append(" · ")
    if "priority" in board:
        priority = find_priority(board["severity"], board.get("pressure", ""), now)
        line.append(priority, style="bold red" if priority == "P0" else "")
        line.append(" · ")
    for word in (*board.get("tags", []), *([board["mode"]] if board.get("mode") == "case" else [])):
        line.append(f"{word} · ", style="yellow")
    line.append(state, style=_STATE_STYLES.get(board["state"], "bold"))
    line.append(f" · region {board['region']} · opened {clock_time(board['opened_at'], now, local=local)}")
    if board["state"] in {"open", "paused"}:
        line.append(f", {ago(board['opened_at'], now)}")
    yield line
    commander = board["commander"]
    who = commander["person"] or "the incident commander on duty"
    command = f" · command: {commander['region']}, {who}" if board["kind"] in {"incident", "incoming"} else ""
    yield Text(board["workflow"] + command, style="dim")
    if board.get("recused"):
        yield Text(f"stands aside: {', '.join(board['recused'])}", style="yellow")
    offer = board.get("command_offer")
    if offer:
        until = clock_time(offer["until"], now, local=local)
        first = clock_time(offer["acceptable_at"], now, local=local)
        waits = f", from {first}" if offer["acceptable_at"] != offer["offered_at"] else ""
        yield Text(
            f"command offered to {offer['to']} by {offer['by']}{waits}, until {until}; then it stays with {who}\n"
            f"  watchfloor command accept {short_id(board['workflow'])} --as {offer['to']}",
            style="bold yellow",
        )
    if board["runbook"]:
        yield Text(f"{board['runbook']} v{board['runbook_version']} · plan {board['plan'][:19]}…", style="dim")
    if "jurisdictions" in board:
        where = [f"{role.replace('_', ' ')} {', '.join(places)}" for role, places in board["jurisdictions"].items()]
        yield Hanging(Text(f"where: {show_controls('; '.join(where))[:VALUE_WIDTH]}"), first=0, rest=2)
    phases = Text()
    for index, phase in enumerate(board["phases"]):
        mark, style = _MARKS[phase["state"]]
        phases.append("" if index == 0 else " ─ ", style="dim").append(f"{mark} {phase['name']}", style=style)
    if board["phases"]:
        yield phases
    paused = board["paused"]
    if paused:
        since = clock_time(str(paused["at"]), now, local=local) if paused.get("at") else ""
        by = f" by {paused.get('person') or paused.get('by')}" if paused.get("person") or paused.get("by") else ""
        yield Text(f"PAUSED{by} {since}: no new step starts; clocks keep running", style="bold yellow")


def _pages(view: View, now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    """Those of the run, and of what it started: these climb by themselves and are acknowledged there."""
    for board in (view.found.board, *view.found.children.values(), *view.abroad.values()):
        yield from page_lines(board, short_id(board["workflow"]), COMMAND_WIDTH, now, local)


def _asks(view: View, now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    everywhere = [*view.found.asks]
    for other in view.abroad.values():
        everywhere += [AskAt(other["workflow"], other, ask) for ask in other["asks"]]
    for at in everywhere:
        yield from _ask(at, now, local, view)


def _ask(at: AskAt, now: datetime, local: tzinfo | None, view: View) -> Iterator[RenderableType]:
    ask, texts = at.ask, view.texts
    head = Text().append("▶ ", style="bold yellow").append(ask["path"], style="bold")
    head.append(f"  {show_controls(ask['title'])}" if ask["title"] else "")
    yield Hanging(head, first=0, rest=2)
    who = Text(f"for {_seats(ask)} · ")
    if ask["deadline_at"]:
        who.append(f"until {clock_time(ask['deadline_at'], now, local=local)}, ")
        who.append(left(ask["deadline_at"], now), style="bold")
    else:
        who.append("no deadline")
    body: list[Text] = [who]
    if "exposure" in ask:
        body.append(Text(f"exposure: {ask['exposure']} (nobody has to take this; say so and hand it on)", style="bold"))
    body += [Text(line, style="bold cyan") for line in _claimed(ask, now, local)]
    attempt = view.attempts.get((at.workflow, ask["path"]))
    if ask["kind"] in DOUBTED:
        body += [Text(line) for line in attempt_lines(ask, attempt, now, local)]
    elif ask["action"]:
        body.append(Text(f"approves: {ask['action']} {_value(ask['inputs'])}"))
    body += [
        Text(line, style="bold yellow" if line.startswith("LEFT OUT") else "")
        for line in narrowed_lines(ask, short_id(at.workflow))
    ]
    for item in ask["shown"]:
        value = texts.get(str(item["value"])) or item["value"]
        body.append(Text(f"shown: {item['label']} = {_value(value)}"))
    body += [Text(line) for line in _checklist(ask, now, local)]
    if ask["form"]:
        body.append(Text("reports: " + ", ".join(f"{name} ({_kind(spec)})" for name, spec in ask["form"].items())))
    if "answered" in ask:
        body.append(Text(blind_line(ask), style="bold"))
    body += [Text(answer_line(answer["body"])) for answer in ask["answers"]]
    body += [Text(line) for line in said_lines(ask, texts, short_id(at.workflow))]
    body.append(Text(f"if nobody answers: {show_controls(ask['on_silence'])}", style="yellow"))
    yield from (Hanging(line) for line in body)
    for line in command_lines(_decide_words(at), COMMAND_WIDTH):
        yield Text(line, style="cyan", no_wrap=True, overflow="ignore")


def _claimed(ask: OpenAsk, now: datetime, local: tzinfo | None) -> Iterator[str]:
    claim = find_claim(ask, now)
    if claim is None and "person" in ask:
        yield f"for {ask['person']}; others may take it when they hand it back"
    if claim is not None:
        until = clock_time(claim["until"], now, local=local)
        yield f"{claim['person']} has it until {until} (as {claim['role']}, since {ago(claim['at'], now)})"


def _checklist(ask: OpenAsk, now: datetime, local: tzinfo | None) -> Iterator[str]:
    for item in ask.get("checklist", ()):
        ticked = ticks_of(ask).get(item["id"])
        mark = "x" if ticked else " "
        more = "" if item["required"] else " (may be left out)"
        by = f"; {ticked['by']} {clock_time(ticked['at'], now, local=local)}" if ticked else ""
        yield f"[{mark}] {item['id']}: {show_controls(item['do'])}{more}{by}"


def _kind(spec: Any) -> str:
    return "attachment" if spec.get("attachment") else str(spec["type"])


def decide_command(at: AskAt) -> str:
    """What to type to answer this ask; shortest id and step that say it."""
    return " ".join(_decide_words(at))


def _decide_words(at: AskAt) -> list[str]:
    same = sum(ask["step"] == at.ask["step"] for ask in at.board["asks"])
    step = at.ask["step"] if same == 1 and at.ask["step"] else at.ask["path"]
    asked = at.ask["kind"] == "handoff"  # accepting reads the packet back, all of it
    ask_form: Any = at.ask["form"]
    fields = [name for name, spec in ask_form.items() if asked or not spec.get("optional")]
    return [
        f"watchfloor decide {short_id(at.workflow)}",
        step if all(char not in step for char in "!~[]") else f"'{step}'",
        "|".join(at.ask["options"]),
        "--as PERSON",
        *(f"--{'attach' if ask_form[name].get('attachment') else 'form'} {name}=…" for name in fields),
        '--reason "…"',
    ]


def _seats(ask: OpenAsk) -> str:
    seats = list[str]()
    for option, slots in ask["options"].items():
        given = [answer["body"] for answer in ask["answers"] if answer["body"]["option"] == option]
        seats.append(" and ".join(in_words(open_slots(slots, given))))
    different = list(dict.fromkeys(seats))
    if len(different) == 1:
        return different[0] or "nobody (settled)"
    return "; ".join(f"{option}: {seat}" for option, seat in zip(ask["options"], seats, strict=True))


def _running(board: Board, now: datetime) -> Iterator[RenderableType]:
    for loop in board["loops"]:
        done, failed, total = int(loop["done"]), int(loop["failed"]), int(loop["total"])
        if done + failed >= total and not loop.get("running"):
            continue
        line = Text().append("  ● ", style="cyan").append(str(loop["path"]), style="bold")
        line.append(f"  {done} of {total} done")
        if failed:
            line.append(f", {failed} failed", style="bold red")
        if loop.get("running"):
            line.append(f", {loop['running']} under way")
        yield line
    for step in board["steps"]:
        if step["state"] in {"running", "waiting", "retrying"}:
            yield _step(step, now)


def _done(board: Board, now: datetime) -> Iterator[RenderableType]:
    finished = [step for step in board["steps"] if step["state"] not in {"running", "waiting", "retrying"}]
    for loop in board["loops"]:
        if not loop.get("running") and int(loop["done"]) + int(loop["failed"]) >= int(loop["total"]) > 0:
            text = (
                Text()
                .append("  ✓ ", style="green")
                .append(str(loop["path"]))
                .append(f"  {loop['done']} of {loop['total']}")
            )
            if int(loop["failed"]):
                text.append(f", {loop['failed']} failed", style="bold red")
            yield text
    if len(finished) > DONE_SHOWN:
        yield Text(f"  … {len(finished) - DONE_SHOWN} before (watchfloor ledger export)", style="dim")
    for step in finished[-DONE_SHOWN:]:
        yield _step(step, now)


def _step(step: StepView, now: datetime) -> Text:
    mark, style = _STEP_MARKS[step["state"]]
    line = Text().append(f"  {mark} ", style=style)
    line.append(step["path"]).append(f"  {ago(step['since'], now)}", style="dim")
    if step["state"] not in {"done", "running"}:
        line.append(f"  {step['state']}", style=style)
    if step["detail"] not in {"", step["state"]}:
        said = _INSTANT.sub(lambda found: clock_time(found[0], now), show_controls(step["detail"]))
        line.append(f"  {said[:VALUE_WIDTH]}", style="dim")
    return line


def _measures(measures: Sequence[Measure], now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[Measure]] = {}
    for measure in measures:
        if measure["undone_at"] is None:
            key = (measure["action"], measure["step"], measure["undo"] or "", tuple(measure["on"]))
            groups.setdefault(key, []).append(measure)
    for (action, step, undo, on), members in groups.items():
        since = min(measure["in_force_since"] for measure in members)
        line = Text().append(f"  {len(members)} × {action}", style="bold")
        line.append(f" (step {step}) since {clock_time(since, now, local=local)}")
        line.append(f"; {undo} takes it back" if undo else "; nothing takes it back", style="dim")
        if undo and on:
            line.append(f" on {join_words([f'`{fact}`' for fact in on], 'or')}", style="dim")
        yield line
    undone = Counter(measure["action"] for measure in measures if measure["undone_at"] is not None)
    for action, count in undone.items():
        yield Text(f"  {count} × {action} taken back", style="dim")


def _children(view: View, now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    for report in view.found.board["children"]:
        line = Text().append(f"  {report['kind']} ", style="bold").append(report["state"], style="cyan")
        line.append(f" {clock_time(report['at'], now, local=local)}")
        line.append(f"  {report['path']} · {report['workflow']}", style="dim")
        yield line
        data = report["data"]
        known = {"hold", "workflow", "fence", "verified", "accepted", "region", "mode", "review", "untold"}
        told = [f"{name} {_value(value, now)}" for name, value in data.items() if name not in known and value]
        if report["kind"] == "handoff" and data.get("mode"):
            told.insert(0, f"{data['mode']} from {data.get('region', 'there')}")
        if told:
            yield Hanging(Text(" · ".join(told), style="dim"), first=4)
        other = view.abroad.get(report["workflow"])
        if other is not None:
            outcome = other["outcome"] or other["state"]
            yield Hanging(Text(f"in {other['region']}: {outcome} ({other['workflow']})", style="dim"), first=4)
    for name, why in view.found.silent.items():
        yield Text(f"  ! {name} does not answer: {why}", style="bold red")


def _facts(board: Board, now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    for name, fact in board["facts"].items():
        line = Text().append(f"  {name}", style="bold")
        if fact["value"] == fact["at"]:
            line.append(f" {clock_time(fact['at'], now, local=local)}")
        else:
            line.append(f" = {_value(fact['value'])}, seen {clock_time(fact['at'], now, local=local)}")
        line.append(f"  from {fact['source']}" + (f", by {fact['by']}" if fact["by"] else ""), style="dim")
        if fact["revisions"]:
            line.append(f"  revised {len(fact['revisions'])}×", style="yellow")
        yield line


def _value(value: Json, now: datetime | None = None) -> str:
    """A value on one line, capped; digests shortened, hidden characters made visible."""
    if isinstance(value, list):
        shown = ", ".join(_value(item, now) for item in value[:3])
        return shown + (f", … {len(value)} in all" if len(value) > 3 else "") if value else "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_value(item, now)}" for name, item in list(value.items())[:6])
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = show_controls(str(value))
    if _DIGEST.fullmatch(text):
        return text[:19] + "…"
    if now is not None and _INSTANT.fullmatch(text):
        return clock_time(text, now)
    return text if len(text) <= VALUE_WIDTH else text[: VALUE_WIDTH - 1] + "…"
