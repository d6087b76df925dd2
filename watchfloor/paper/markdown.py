"""A sheet as Markdown: for a repository, a wiki that still works, or a printer that takes text."""

from collections.abc import Iterator, Sequence

from watchfloor.drawing import show_controls
from watchfloor.identity.contact_list import AuthorityCard
from watchfloor.paper.reach import Reach, Reached
from watchfloor.paper.sheet import Box, Part, Sheet
from watchfloor.paper.words import BEFORE, blank_lines, clock_blanks, count_people, foot_line, head_line

_BLANK = "`" + "_" * 24 + "`"
_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<"})


def render_markdown(sheet: Sheet, reached: Reached) -> str:
    """Write a sheet; hidden characters are shown and marks of Markdown in texts stay text."""
    lines = [
        f"# {_say(sheet.title)}",
        "",
        f"{_say(head_line(sheet))}  ",
        f"{_say(foot_line(sheet))}  ",
        f"severity {_say(sheet.severity)} · command {_say(sheet.command)}"
        + (f" · compartment {_say(sheet.compartment)}: keep this sheet locked away" if sheet.compartment else ""),
        "",
        *(f"> {_said(line)}" for line in BEFORE),
        "",
        *(f"- {_said(line)}: {_BLANK}" for line in blank_lines(sheet)),
        "",
        "## Clocks",
        "",
    ]
    for clock in sheet.clocks:
        lines += [
            f"### {_say(clock.name)}: {_say(clock.length)}",
            "",
            f"{_say(clock.title)}. {_say(clock.basis)}",
            "",
            f"- starts with {_code(clock.starts)}" + (f", stops with {_code(clock.stops)}" if clock.stops else ""),
            *(f"- {_say(note)}" for note in clock.notes),
            *(f"- {_say(blank)}: {_BLANK}" for blank in clock_blanks(clock)),
            "",
        ]
    for nth, part in enumerate(sheet.phases, 1):
        lines += [f"## Phase {nth}: {_say(part.title)}", "", *_part(part)]
    if sheet.tracks:
        lines += ["## At any time", ""]
    for part in sheet.tracks:
        lines += [f"### {_say(part.title)}: {_say(part.when)}", "", *_part(part)]
    lines += [f"It is over {_closing(sheet)}.", "", "## Contacts", "", *_contacts(reached)]
    return "\n".join(lines).rstrip() + "\n"


def _closing(sheet: Sheet) -> str:
    return f"when {_code(sheet.closes)}" if sheet.closes else "when all phases are done"


def _part(part: Part) -> Iterator[str]:
    yield from _boxes(part.boxes, "")
    yield ""


def _boxes(boxes: Sequence[Box], indent: str) -> Iterator[str]:
    for box in boxes:
        final = " **FINAL: cannot be taken back.**" if box.final else ""
        yield f"{indent}- [ ] **{box.number} {_say(box.kind)}** {_say(box.title)}{final}"
        inner = indent + "    "
        if box.does:
            yield f"{inner}- {_say(box.does)}"
        yield from (f"{inner}- with {_say(line)}" for line in box.inputs)
        yield from (f"{inner}- {_say(note)}" for note in box.notes)
        if box.undo:
            yield f"{inner}- {_say(box.undo)}"
        if box.seats:
            yield f"{inner}- {count_people(box)}:"
            yield from (f"{inner}    - {_say(seat)}: name {_BLANK} at {_BLANK}" for seat in box.seats)
        elif box.each:
            yield f"{inner}- done for `______` of `______`, last at {_BLANK}"
        elif not box.inside:
            yield f"{inner}- at {_BLANK} by {_BLANK}"
        yield from _boxes(box.inside, inner)
        for way in box.ways:
            mark = "if it goes wrong: " if way.on_trouble else ""
            yield f"{inner}- [ ] {mark}**{_say(way.label)}**" + ("" if way.boxes else ": go on")
            yield from _boxes(way.boxes, inner + "    ")


def _contacts(reached: Reached) -> Iterator[str]:
    yield (
        f"Numbers from the edge contact list, last tried on {reached.checked}."
        if reached.checked
        else "There was no edge contact list (`contacts.yaml`) when this was printed: write the numbers in."
    )
    yield ""
    for role in reached.roles:
        yield from _role(role)
    yield from (f"- {_say(line)}" for line in reached.others)
    for card in reached.authorities:
        yield from _card(card)


def _role(role: Reach) -> Iterator[str]:
    duty = f" ({_say(role.duty)})" if role.duty else ""
    who = f"on call {', '.join(map(_say, role.on_call))}" if role.on_call else "no rota"
    others = f"{'; also' if role.on_call else ':'} {', '.join(map(_say, role.others))}" if role.others else ""
    yield f"- **{_say(role.role)}**{duty}: {who}{others}"
    yield from (f"    - {_say(way)}" for way in role.ways)
    if not role.ways:
        yield f"    - number: {_BLANK}"


def _card(card: AuthorityCard) -> Iterator[str]:
    yield from ("", f"### Authority: {_say(card.authority)} ({_say(card.place)}, time there: {card.zone.key})", "")
    yield f"- number {_say(card.number)}, found: {_say(card.found)}. Never a number that the caller gave."
    for word, lines in (("say", card.script), ("read back", card.read_back), ("never", card.never)):
        yield from (f"- [ ] {word}: {_say(line)}" for line in lines)
    yield f"- spoke with {_BLANK} at {_BLANK}, their reference {_BLANK}"


def _say(text: str) -> str:
    return show_controls(text).translate(_SPECIAL)


def _said(text: str) -> str:
    """Our own words, whose backticks mean code."""
    return show_controls(text)


def _code(text: str) -> str:
    return f"`{show_controls(text).replace('`', chr(39))}`"
