"""A sheet as one HTML page that needs nothing else: A4, black on white, with room to write.

The frame is a table whose head and foot a browser repeats on every printed page, so that each sheet of paper names its
runbook, version and plan. No script, no link, no picture.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from watchfloor.drawing.svg import safe
from watchfloor.identity.contact_list import AuthorityCard
from watchfloor.paper.reach import Reach, Reached
from watchfloor.paper.sheet import Box, Part, Sheet
from watchfloor.paper.words import BEFORE, blank_lines, clock_blanks, count_people, foot_line, head_line

_LINE = '<span class="line"></span>'
_SHORT = '<span class="line short"></span>'


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def render_page(sheet: Sheet, reached: Reached) -> str:
    """The whole page; every text is escaped and shows hidden characters."""
    locked = f'<p class="locked">compartment {safe(sheet.compartment)}: keep this sheet locked away</p>'
    body = [
        f"<h1>{safe(sheet.title)}</h1>",
        f'<p class="sub">severity {safe(sheet.severity)} · command {safe(sheet.command)}</p>',
        locked if sheet.compartment else "",
        f'<ul class="before">{"".join(f"<li>{_said(line)}</li>" for line in BEFORE)}</ul>',
        '<table class="blanks">',
        *(f"<tr><th>{_said(line)}</th><td></td></tr>" for line in blank_lines(sheet)),
        "</table>",
        *_clocks(sheet),
    ]
    for nth, part in enumerate(sheet.phases, 1):
        body += [f"<section><h2>{nth} · {safe(part.title)}</h2>", *_part(part), "</section>"]
    for nth, part in enumerate(sheet.tracks):
        head = "<h2>At any time</h2>" if nth == 0 else ""
        body += [f"<section>{head}<h3>{safe(part.title)} <small>{safe(part.when)}</small></h3>", *_part(part)]
        body.append("</section>")
    closing = f"when <code>{safe(sheet.closes)}</code>" if sheet.closes else "when all phases are done"
    body += [f"<p>It is over {closing}.</p>", *_contacts(reached)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{safe(sheet.runbook)} v{sheet.version}: checklist</title><style>{_style()}</style></head><body>"
        f'<table class="frame"><thead><tr><td><b>{safe(sheet.title)}</b><span>{safe(head_line(sheet))}</span></td></tr>'
        f"</thead><tfoot><tr><td>{safe(foot_line(sheet))}</td></tr></tfoot><tbody><tr><td>\n"
        + "\n".join(line for line in body if line)
        + "\n</td></tr></tbody></table></body></html>\n"
    )


def _clocks(sheet: Sheet) -> Iterator[str]:
    if not sheet.clocks:
        return
    yield "<section><h2>Clocks</h2>"
    for clock in sheet.clocks:
        stops = f", stops with <code>{safe(clock.stops)}</code>" if clock.stops else ""
        notes = "".join(f"<li>{safe(note)}</li>" for note in clock.notes)
        blanks = "".join(f"<td><small>{safe(blank)}</small></td>" for blank in clock_blanks(clock))
        yield (
            f'<div class="clock"><h3>{safe(clock.name)} <em>{safe(clock.length)}</em></h3>'
            f"<p>{safe(clock.title)}. {safe(clock.basis)}</p>"
            f"<ul><li>starts with <code>{safe(clock.starts)}</code>{stops}</li>{notes}</ul>"
            f'<table class="write"><tr>{blanks}</tr></table></div>'
        )
    yield "</section>"


def _part(part: Part) -> Iterator[str]:
    yield from _boxes(part.boxes)


def _boxes(boxes: Sequence[Box]) -> Iterator[str]:
    yield '<ol class="boxes">'
    for box in boxes:
        final = ' <strong class="final">FINAL: cannot be taken back</strong>' if box.final else ""
        yield f'<li><div class="box"><span class="tick"></span><div><p class="title"><b>{box.number}</b> '
        yield f"<i>{safe(box.kind)}</i> {safe(box.title)}{final}</p>"
        if box.does:
            yield f"<p>{safe(box.does)}</p>"
        lines = [*(f"with {line}" for line in box.inputs), *box.notes]
        if lines:
            yield f'<p class="note">{" · ".join(safe(line) for line in lines)}</p>'
        if box.undo:
            yield f'<p class="undo">{safe(box.undo)}</p>'
        yield from _write(box)
        yield "</div></div>"
        if box.inside:
            yield from _boxes(box.inside)
        for way in box.ways:
            mark = "if it goes wrong: " if way.on_trouble else ""
            on = "" if way.boxes else ": go on"
            yield f'<div class="way"><p><span class="tick small"></span>{mark}<b>{safe(way.label)}</b>{on}</p>'
            if way.boxes:
                yield from _boxes(way.boxes)
            yield "</div>"
        yield "</li>"
    yield "</ol>"


def _write(box: Box) -> Iterator[str]:
    if box.seats:
        yield f'<p class="seats">{count_people(box)}:</p>'
        for seat in box.seats:
            yield f'<p class="seat">{safe(seat)} {_LINE} at {_SHORT} UTC</p>'
    elif box.each:
        yield f'<p class="seat">done for {_SHORT} of {_SHORT}, last at {_SHORT} UTC by {_SHORT}</p>'
    elif not box.inside:
        yield f'<p class="seat">at {_SHORT} UTC by {_LINE}</p>'


def _contacts(reached: Reached) -> Iterator[str]:
    said = (
        f"Numbers from the edge contact list, last tried on {safe(reached.checked)}."
        if reached.checked
        else "There was no edge contact list (contacts.yaml) when this was printed: write the numbers in."
    )
    yield f'<section><h2>Contacts</h2><p>{said}</p><table class="contacts">'
    yield from (_role(role) for role in reached.roles)
    yield "</table>"
    if reached.others:
        yield f"<ul>{''.join(f'<li>{safe(line)}</li>' for line in reached.others)}</ul>"
    yield "</section>"
    for card in reached.authorities:
        yield from _card(card)


def _role(role: Reach) -> str:
    who = f"on call: {', '.join(role.on_call)}" if role.on_call else "no rota"
    others = f"{'; also' if role.on_call else ':'} {', '.join(role.others)}" if role.others else ""
    ways = "<br>".join(safe(way) for way in role.ways) or "&nbsp;"
    duty = f"<small>{safe(role.duty)}</small>" if role.duty else ""
    return f"<tr><th>{safe(role.role)}{duty}</th><td>{safe(who + others)}</td><td>{ways}</td></tr>"


def _card(card: AuthorityCard) -> Iterator[str]:
    yield f'<section class="card"><h3>Authority: {safe(card.authority)} ({safe(card.place)})</h3>'
    yield f'<p class="number">{safe(card.number)}</p>'
    yield f"<p>Found: {safe(card.found)}. Never a number that the caller gave. Time there: {safe(card.zone.key)}.</p>"
    for word, lines in (("Say", card.script), ("Read back", card.read_back), ("Never", card.never)):
        if lines:
            ticks = "".join(f'<li><span class="tick small"></span>{safe(line)}</li>' for line in lines)
            yield f"<h4>{word}</h4><ul>{ticks}</ul>"
    yield f'<p class="seat">spoke with {_LINE} at {_SHORT} UTC, their reference {_LINE}</p></section>'


def _said(text: str) -> str:
    """Our own words; backticks become code."""
    parts = safe(text).split("`")
    return "".join(f"<code>{part}</code>" if nth % 2 else part for nth, part in enumerate(parts))
