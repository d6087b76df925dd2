"""What was said at an ask besides answers, in lines for the screen."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo

from rich.console import RenderableType
from rich.text import Text

from schemas.decision import OpenAsk
from schemas.json_value import Json
from watchfloor.cli.instants import clock_time
from watchfloor.client.attempts import Attempt
from watchfloor.drawing.words import show_controls
from watchfloor.signing.narrowing import list_inside, list_left_out
from watchfloor.signing.standing import ABSTAIN, DELEGATE, WITHDRAW, find_questions

ITEMS_SHOWN = 6
ITEM_WIDTH = 60


def said_lines(ask: OpenAsk, texts: Mapping[str, str], run: str) -> Iterator[str]:
    """Each motion at the ask in the order in which it was made.

    Args:
        texts: reference -> text of a question or answer, where this region has it.
        run: short id, for the command that answers a question.
    """
    questions = find_questions(ask)
    for number, said in enumerate(questions.values(), 1):
        for nth, body in enumerate(said):
            kind = f"answer to {number}" if nth else f"question {number}"
            text = texts.get(str(body["reason_ref"])) or f"its text is not here ({str(body['reason_ref'])[:19]}…)"
            yield f"{kind}, {body['person']} as {body['role']}: {show_controls(text)}"
        if len(said) == 1:
            to = f" --to {number}" if len(questions) > 1 else ""
            yield f'  who commands answers: watchfloor answer {run} {ask["step"]} "…"{to} --as PERSON'
    for envelope in ask.get("motions", []):
        body = envelope["body"]
        who = f"{body['person']} as {body['role']}"
        if body["verb"] == ABSTAIN:
            yield f"abstained: {who}"
        elif body["verb"] == DELEGATE:
            yield f"given away: the seat of {who}, to {body['about']['to']}"
        elif body["verb"] == WITHDRAW:
            yield f"taken back: what {who} had said"


def narrowed_lines(ask: OpenAsk, run: str) -> Iterator[str]:
    """What is left out of what was asked first, by whom; and what else could be left out, with the command."""
    narrowed = ask.get("narrowed")
    if narrowed is not None:
        who = ", ".join(dict.fromkeys(f"{one['person']} as {one['role']}" for one in narrowed["by"]))
        for name, asked in narrowed["original"].items():
            left = narrowed["to"][name]
            out = list_left_out(asked, left)
            what = f"{asked} was asked, {left} is left" if not isinstance(asked, list) else _tell_items(out, len(asked))
            yield f"LEFT OUT by {who}: {name}: {show_controls(what)}; answers given before are void"
    can = [
        name
        for name, how in (ask["narrows"]["inputs"] if "narrows" in ask else {}).items()
        if (len(value) > 1 if isinstance(value := ask["inputs"].get(name), list) else list_inside(how, value))
    ]
    if can:
        yield f"can be narrowed: {', '.join(can)}"
        yield f'  watchfloor narrow {run} {ask["step"]} --to {can[0]}=… --as PERSON --reason "…"'


def _tell_items(out: list[Json], total: int) -> str:
    shown = ", ".join(str(one)[:ITEM_WIDTH] for one in out[:ITEMS_SHOWN])
    more = f", and {len(out) - ITEMS_SHOWN} more" if len(out) > ITEMS_SHOWN else ""
    return f"{len(out)} of {total}: {shown}{more}"


def attempt_lines(ask: OpenAsk, attempt: Attempt | None, now: datetime, local: tzinfo | None) -> Iterator[str]:
    """What may have happened at a doubt, or was tried where a step failed: the action, with what, since when."""
    head = "may have happened" if ask["kind"] == "doubt" else "was tried"
    if attempt is None:
        if ask["action"]:
            yield f"{head}: {ask['action']}; with what cannot be read from the ledger here and now"
        return
    with_what = f"inputs too large to stand here, {attempt.digest[:19]}…"
    if attempt.inputs is not None:
        with_what = ", ".join(f"{name} = {_short(value)}" for name, value in attempt.inputs.items()) or "no inputs"
    times = f", {attempt.number} times by now" if attempt.number > 1 else ""
    yield f"{head}: {attempt.action}: {with_what}"
    yield f"written down as about to be sent at {clock_time(attempt.at, now, local=local)}{times}"


def _short(value: Json) -> str:
    items = value if isinstance(value, list) else [value]
    shown = ", ".join(show_controls(str(one))[:ITEM_WIDTH] for one in items[:ITEMS_SHOWN])
    return f"{shown}, … {len(items)} in all" if len(items) > ITEMS_SHOWN else shown or "nothing"


def answer_line(body: Mapping[str, Json]) -> str:
    """Who answered what, in which role, and for whom."""
    behalf = f" on behalf of {body['on_behalf_of']}" if "on_behalf_of" in body else ""
    return f"answered: {body['person']} as {body['role']}{behalf}: {body['option']}"


def blind_line(ask: OpenAsk) -> str:
    """How many of a blind ask have answered; nobody is shown more."""
    return f"blind: {ask['answered']} of {len(ask['blind'])} answered; what they said is shown when all have"


def decided_lines(ask: OpenAsk, run: str) -> Iterator[RenderableType]:
    """A gate whose decision has no effect yet, and how one of those who decided takes it back in that run."""
    people = ", ".join(str(answer["body"]["person"]) for answer in ask["answers"])
    line = Text("  ✓ ", style="green").append(ask["path"], style="bold")
    yield line.append(f"  {ask['chosen']} by {people}; not begun yet")
    yield Text(f'      watchfloor withdraw {run} {ask["step"]} --as PERSON --reason "…"', style="cyan")
