"""What will happen, in numbered words: the effects of an answer, what undoes them, who is still needed. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.text import Text

from schemas.decision import OpenAsk
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.cli.ask_view import answer_line, attempt_lines, blind_line, narrowed_lines, said_lines
from watchfloor.cli.board_view import short_id
from watchfloor.cli.instants import clock_time, left
from watchfloor.client.asks import AskAt
from watchfloor.client.attempts import DOUBTED, Attempt
from watchfloor.client.consequences import list_consequences, say_undo
from watchfloor.client.resolutions import name_option
from watchfloor.client.standstill import find_step
from watchfloor.drawing.words import name_place, show_controls
from watchfloor.signing import in_words, open_slots
from watchfloor.signing.tasks import find_claim, ticks_of
from watchfloor.terminal.pane_clock import Moment

ITEMS_SHOWN = 12
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DESTRUCTIVE = frozenset({"destroys", "discloses"})
"""Effects that nothing takes back; a person types the option once more."""


def tell_ask(at: AskAt, plan: Plan | None, texts: Mapping[str, str], attempt: Attempt | None, moment: Moment) -> Text:
    """Everything a person decides over, in the order in which it is needed."""
    ask = at.ask
    lines = list[Text]()
    lines.append(Text(show_controls(ask["title"] or ask["step"]), style="bold"))
    until = f"until {clock_time(ask['deadline_at'], moment.now, local=moment.local)}" if ask["deadline_at"] else ""
    due = Text().append(left(ask["deadline_at"], moment.now), style="bold").append(f" {until}")
    lines += [due.append(f" · {at.board['severity']} · {show_controls(ask['path'])}")]
    if "exposure" in ask:
        lines.append(Text(f"EXPOSURE: {ask['exposure']}. Nobody has to take this; hand it on.", style="bold"))
    lines += [Text(line, style="bold cyan") for line in _claims(ask, moment)]
    if ask["kind"] in DOUBTED:
        lines += _attempted(ask, attempt, moment)
    elif ask["action"]:
        title = "WHAT WAS DONE" if ask["kind"] == "review" else "EXACTLY WHAT WILL HAPPEN"
        lines += [Text(), Text(title, style="bold underline"), *_effects(plan, ask)]
        lines += [
            Text(line, style="bold yellow") for line in narrowed_lines(ask, short_id(at.workflow)) if "LEFT" in line
        ]
        lines.append(Text(f"  what takes it back: {say_undo(plan, ask) or 'nothing is known about it'}"))
    if ask["shown"]:
        lines += [Text(), Text("WHAT IS KNOWN", style="bold underline")]
        for item in ask["shown"]:
            value = texts.get(str(item["value"])) or item["value"]
            words, origin = name_place(str(item["label"]))
            line = Text(f"  {show_controls(words)}").append(f" ({origin})" if origin else "", style="dim")
            lines.append(line.append(f" = {say_value(value)}"))
    if ask.get("checklist"):
        lines += [Text(), Text("CHECKLIST", style="bold underline"), *_checklist(ask, moment)]
    lines += [Text(), Text("WHAT HAPPENS IF", style="bold underline")]
    lines += [line for option, then in tell_consequences(plan, at, moment.now) for line in _hanging(option, then)]
    lines += [Text(), Text("WHO IS STILL NEEDED", style="bold underline"), *_seats(ask)]
    said = list(said_lines(ask, texts, short_id(at.workflow)))
    if said:
        lines += [Text(), Text("WHAT WAS SAID", style="bold underline"), *(Text(f"  {line}") for line in said)]
    return Text("\n").join(lines)


def tell_consequences(plan: Plan | None, at: AskAt, now: datetime) -> list[tuple[str, tuple[str, ...]]]:
    """Each option with what follows from it, then silence."""
    found = list_consequences(plan, at.board, at.ask, now=now)
    return [(one.option, tuple(show_controls(line) for line in one.lines)) for one in found]


def is_destructive(plan: Plan | None, ask: OpenAsk, option: str) -> bool:
    """Whether an option lets something happen that nothing takes back, or that the tiers guard."""
    if option not in {"approve", "break_glass", "release", "resend"}:
        return False
    step = find_step(plan, ask["step"])
    if ask["kind"] == "release" or step is None:
        return True
    return (
        step.get("effect") in DESTRUCTIVE or bool(step.get("irreversible")) or str(step.get("tier")) in {"2", "3", "L"}
    )


def tell_signing(at: AskAt, option: str, plan: Plan | None, now: datetime) -> Text:
    """The last look before something is signed."""
    ask = at.ask
    then = dict(tell_consequences(plan, at, now)).get(option, ())
    lines = [Text().append("You sign: ").append(option, style="bold reverse").append(f" at {ask['path']}")]
    lines += [Text(f"  {line}") for line in then]
    if ask["action"] and option in {"approve", "break_glass"}:
        lines += [*_effects(plan, ask), Text(f"  {say_undo(plan, ask)}")]
    lines.append(Text(f"over digest {ask['ask'][:26]}…", style="dim"))
    return Text("\n").join(lines)


def _attempted(ask: OpenAsk, attempt: Attempt | None, moment: Moment) -> Iterator[Text]:
    """What may have happened, or was tried; nothing where a step that is no action failed."""
    lines = list(attempt_lines(ask, attempt, moment.now, moment.local))
    if lines:
        yield Text()
        yield Text("WHAT MAY HAVE HAPPENED" if ask["kind"] == "doubt" else "WHAT WAS TRIED", style="bold underline")
    if attempt is None:
        yield from (Text(f"  {line}") for line in lines)
        return
    yield Text("  ").append(attempt.action, style="bold")
    yield from _list_inputs(attempt.inputs or {})
    yield from (Text(f"  {line}") for line in (lines[1:] if attempt.inputs is not None else lines))


def _effects(plan: Plan | None, ask: OpenAsk) -> Iterator[Text]:
    step = find_step(plan, ask["step"])
    effect = str(step.get("effect", "")) if step is not None else ""
    marks = [word for word in (effect, f"tier {step['tier']}" if step is not None and "tier" in step else "") if word]
    line = Text("  1. ").append(ask["action"], style="bold")
    yield line.append(f"  ({', '.join(marks)}), once" if marks else "  once")
    yield from _list_inputs(ask["inputs"])


def _list_inputs(inputs: Mapping[str, Json]) -> Iterator[Text]:
    for name, value in inputs.items():
        if isinstance(value, list):
            yield Text(f"       {show_controls(name)}: {len(value)} in all")
            for nth, item in enumerate(value[:ITEMS_SHOWN], 1):
                yield Text(f"         1.{nth}  {say_value(item)}")
            if len(value) > ITEMS_SHOWN:
                yield Text(f"         … and {len(value) - ITEMS_SHOWN} more of the same kind")
        else:
            yield Text(f"       {show_controls(name)}: {say_value(value)}")


def _seats(ask: OpenAsk) -> Iterator[Text]:
    if "answered" in ask:
        yield Text(f"  {blind_line(ask)}")
    for option, slots in ask["options"].items():
        same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
        still = in_words(open_slots(slots, same))
        people = f"{len(slots)} different people" if len(slots) > 1 else "one person"
        yield Text(f"  {name_option(ask, option)}, {people}: {' and '.join(still) if still else 'all seats filled'}")
    yield from (Text(f"  {answer_line(answer['body'])}") for answer in ask["answers"])
    if ask["exclude"]:
        yield Text(f"  never: {', '.join(ask['exclude'])}", style="dim")


def _claims(ask: OpenAsk, moment: Moment) -> Iterator[str]:
    claim = find_claim(ask, moment.now)
    if claim is not None:
        yield f"{claim['person']} has it until {clock_time(claim['until'], moment.now, local=moment.local)}"
    elif "person" in ask:
        yield f"for {ask['person']}; others may take it when they hand it back"


def _checklist(ask: OpenAsk, moment: Moment) -> Iterator[Text]:
    for item in ask.get("checklist", ()):
        ticked = ticks_of(ask).get(item["id"])
        more = "" if item["required"] else " (may be left out)"
        by = f"; {ticked['by']} {clock_time(ticked['at'], moment.now)}" if ticked else ""
        yield Text(f"  [{'x' if ticked else ' '}] {item['id']}: {show_controls(item['do'])}{more}{by}")


def _hanging(option: str, then: Sequence[str]) -> Iterator[Text]:
    first, *rest = then or ("the run goes on as the runbook says",)
    yield Text("  ").append(option, style="bold").append(f": {first}")
    yield from (Text(f"    {line}") for line in rest)


def say_value(value: Json) -> str:
    """A value on one line, whole; only a digest is shortened."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    if isinstance(value, list):
        count = f"{len(value)} in all: " if len(value) > 1 else ""
        return f"{count}{', '.join(say_value(one) for one in value)}"[:2000] if value else "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{show_controls(str(name))}={say_value(one)}" for name, one in value.items())[:2000]
    text = show_controls(str(value))
    return f"{text[:19]}…" if _DIGEST.fullmatch(text) else text[:2000]
