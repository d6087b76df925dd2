"""My watch: what waits on me, soonest deadline first, what I have taken, where I command."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import OptionList, Static

from watchfloor.signing import neutral_name
from watchfloor.terminal.lines import waiting_row
from watchfloor.terminal.pane import Pane, Row, Rows


class MyWatch(Pane):
    """The first screen."""

    NAME = "My watch"
    KEYS = "↑↓ choose  Enter open  2 board  r look now  ? help  q quit"
    BINDINGS: ClassVar = [("i", "incident", "incident")]

    def compose_body(self) -> ComposeResult:
        yield Static(id="command")
        yield Rows(id="waiting")
        yield Static(id="nothing")
        yield Static(id="more")

    def draw(self) -> None:
        app = self.console_app
        overview = app.overview
        rows: list[Row] = []
        if overview is not None:
            mine = [one for one in overview.waiting if one.taken]
            others = [one for one in overview.waiting if one.mine and not one.taken]
            for title, found in (("MY OPEN TASKS", mine), ("WAITS ON ME" if app.feed.person else "WAITS", others)):
                if found:
                    rows.append(Row("", Text(f"{title} ({len(found)})", style="bold underline")))
                    rows += [Row(app.key_of(one), waiting_row(app.harmless(one), app.now)) for one in found]
        self.query_one("#command", Static).update(self._say_command())
        self.query_one("#waiting", Rows).fill(rows)
        self.query_one("#waiting", Rows).display = bool(rows)
        nothing = self.query_one("#nothing", Static)
        nothing.display = not rows and overview is not None
        nothing.update("Nothing waits on you. 2 shows the board of all incidents that you may see.")
        more = overview.more if overview is not None else 0
        left_out = self.query_one("#more", Static)
        left_out.display = bool(more)
        left_out.update(f"and {more} more, due later: the console in a browser has them")

    def _say_command(self) -> Text:
        app = self.console_app
        if app.overview is None:
            return Text("")
        commands = app.harmless(dict(app.overview.commands))
        held = [run for run, who in commands.items() if who and who == app.feed.person]
        nobody = [run for run, who in commands.items() if not who]
        line = Text()
        if held:
            line.append("You command ", style="bold").append(
                ", ".join(map(neutral_name, sorted(held))), style="bold cyan"
            )
        others = sorted({who for who in commands.values() if who and who != app.feed.person})
        if others:
            line.append("; " if held else "").append(f"{', '.join(others)} command{'s' if len(others) == 1 else ''}")
            line.append(" the others" if held else "")
        if nobody:
            line.append("; " if line.plain else "").append(f"{len(nobody)} wait on the commander on duty", style="bold")
        return line or Text("no incident is open", style="dim")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.console_app.open_key(event.option.id or "")

    def action_incident(self) -> None:
        """The incident of the highlighted row."""
        one = self.console_app.find_waiting(self.query_one("#waiting", Rows).chosen)
        if one is not None:
            self.console_app.open_incident(one.region, one.incident)
