"""What all screens of the console share: a bar that says whether what is shown is fresh, a list, a line of keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from watchfloor.cli.instants import ago, clock_time
from watchfloor.client.errors import NotFound
from watchfloor.signing import render_instant
from watchfloor.terminal.shown import make_harmless

if TYPE_CHECKING:
    from watchfloor.terminal.app import WatchConsole


@dataclass(frozen=True, slots=True)
class Row:
    """One line or block of a list. `key` is what choosing it means; empty for a heading."""

    key: str
    text: Text


class Rows(OptionList):
    """A list that keeps its place when it is drawn anew, which it is every second."""

    BINDINGS: ClassVar = [("j", "cursor_down", "down"), ("k", "cursor_up", "up")]
    _rows: Sequence[Row] = ()

    def fill(self, rows: Sequence[Row]) -> None:
        """Show these rows; what was highlighted stays so while it is there, else the first that can be is."""
        self._rows = rows
        keys = [row.key for row in rows]
        if keys == [option.id or "" for option in self.options]:
            self._write()
            return
        chosen = self.chosen
        self.set_options([Option(row.text, id=row.key or None, disabled=not row.key) for row in rows])
        wanted = chosen if chosen and chosen in keys else next((key for key in keys if key), "")
        self.highlighted = keys.index(wanted) if wanted else None
        self._write()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        """Each row cut to the width there is, the one that Enter opens with a mark: no colour is needed to see it."""
        room = max(20, self.size.width - 4)
        for index, row in enumerate(self._rows[: self.option_count]):
            mark = "▶ " if index == self.highlighted and row.key else "  " if row.key else ""
            lines = []
            for nth, line in enumerate(row.text.split("\n")):
                line.truncate(room, overflow="ellipsis")
                lines.append(Text().append(mark if nth == 0 else "  " if mark else "", style="bold").append_text(line))
            self.replace_option_prompt_at_index(index, Text("\n").join(lines))

    @property
    def chosen(self) -> str:
        """The key of the highlighted row; empty without one."""
        option = self.highlighted_option
        return option.id or "" if option is not None else ""


class Pane(Screen[None]):
    """A screen. `load` reads what it needs beside the overview, `draw` shows what was read."""

    AUTO_FOCUS = ""
    KEYS: ClassVar[str] = ""
    NAME: ClassVar[str] = ""

    @property
    def console_app(self) -> "WatchConsole":
        """The console this stands in."""
        from watchfloor.terminal.app import WatchConsole

        app = self.app
        assert isinstance(app, WatchConsole)
        return app

    def compose(self) -> ComposeResult:
        yield Static(id="bar")
        yield Static(id="fresh")
        yield from self.compose_body()
        yield Static(self.KEYS, id="keys")

    def compose_body(self) -> ComposeResult:
        """The widgets between the bar and the keys."""
        yield from ()

    _ready = False
    """Whether the widgets are there: the loop that reads may come before they are, and after they have gone."""

    def on_mount(self) -> None:
        self._ready = True
        self.focus_list()
        self.redraw()

    def on_unmount(self) -> None:
        self._ready = False

    def focus_list(self) -> None:
        """Let the keys go to the list of this screen."""
        rows = self.query(Rows).first()
        if rows.display:
            rows.focus()

    def on_screen_resume(self) -> None:
        self.redraw()

    async def load(self) -> None:
        """Read what this screen alone needs.

        Raises:
            NotFound: it is not there any more. EngineUnavailable: nothing answered.
        """

    def draw(self) -> None:
        """Show what was read; called every second, for remaining times."""

    def redraw(self) -> None:
        """Bar, freshness and body."""
        if not self._ready or not self.query("#bar"):
            return
        app = self.console_app
        who = f"as {app.feed.person} ({', '.join(app.feed.roles)})" if app.feed.person else "as nobody: looking only"
        bar = Text(no_wrap=True, overflow="ellipsis").append(" Watchfloor ", style="reverse bold")
        bar.append(f"  {self.NAME}  ", style="bold").append(f"{app.now:%H:%M:%S}Z", style="bold")
        bar.append(f" · {who}")
        self.query_one("#bar", Static).update(bar)
        self.query_one("#fresh", Static).update(self._say_fresh())
        self.draw()
        if self.focused is None:
            self.focus_list()

    def _say_fresh(self) -> Text:
        app = self.console_app
        read_at = app.overview.read_at if app.overview is not None else None
        if app.ended:
            return Text("SIGNED OUT: nothing is read or sent any more; q leaves, then sign in again", style="bold red")
        if app.trouble and read_at is None:
            return Text(f"NO ANSWER YET: {app.trouble}; trying again", style="bold red")
        if app.trouble and read_at is not None:
            at = render_instant(read_at)
            since = f"since {clock_time(at, app.now)} ({ago(at, app.now)})"
            return Text(f"STALE: no answer {since}; this is how it was; trying again", style="bold red")
        if read_at is None:
            return Text("reading …", style="dim")
        signed = make_harmless(app.feed.signed_in)
        silent = len(app.overview.silent) if app.overview is not None else 0
        more = f" · {silent} did not answer and stand as they last were" if silent else ""
        fresh = Text(no_wrap=True, overflow="ellipsis").append(
            f"live, read {ago(render_instant(read_at), app.now)}{more}"
        )
        return fresh.append(
            f" · {signed}" if signed else "", style="bold yellow" if "DEVELOPMENT" in signed else "bold"
        )

    async def load_safely(self) -> None:
        """`load`; what is not there any more closes the screen."""
        try:
            await self.load()
        except NotFound as error:
            self.dismiss(None)
            self.app.notify(str(error), severity="warning")
