"""Incident: how bad, what was done, what runs, what waits on whom until when and what silence does, clocks as bars."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static

from watchfloor.cli.board_view import View, render_view
from watchfloor.client.asks import AskAt
from watchfloor.terminal.feed import Waiting, find_standing
from watchfloor.terminal.lines import waiting_row
from watchfloor.terminal.pane import Pane, Row, Rows


class IncidentPane(Pane):
    """One incident on one screen; what waits in it comes first and is opened with Enter."""

    NAME = "Incident"
    KEYS = "↑↓ PgUp PgDn scroll  Tab to what waits, Enter opens it  Esc back  ? help  q quit"
    BINDINGS: ClassVar = [("escape", "dismiss", "back"), ("j", "scroll(1)", "down"), ("k", "scroll(-1)", "up")]

    def __init__(self, region: str, incident: str) -> None:
        super().__init__()
        self._region, self._incident = region, incident
        self._view: View | None = None

    def compose_body(self) -> ComposeResult:
        yield Rows(id="asks")
        with VerticalScroll(id="scroll"):
            yield Static("reading …", id="view")

    async def load(self) -> None:
        """See `Pane.load`."""
        self._view = await self.console_app.feed.read(self._region, self._incident)

    def draw(self) -> None:
        if self._view is None:
            return
        app = self.console_app
        asks = self._view.found.asks
        rows = self.query_one("#asks", Rows)
        rows.fill([Row(self._key(at), waiting_row(app.harmless(self._wait(at)), app.now, name=False)) for at in asks])
        rows.display = bool(asks)
        view = app.harmless(self._view)
        self.query_one("#view", Static).update(render_view(view, now=app.now, local=app.local, asks=False))
        if not asks and rows.has_focus:
            self.query_one("#scroll").focus()

    def _wait(self, at: AskAt) -> Waiting:
        board = self._view.found.board if self._view else at.board
        taken, mine = find_standing(at.ask, self.console_app.someone, self.console_app.now)
        return Waiting(self._incident, self._region, board["severity"], "", at, mine, taken)

    def _key(self, at: AskAt) -> str:
        return f"{at.workflow} {at.ask['path']}"

    def action_scroll(self, lines: int) -> None:
        """Scroll the text by lines, wherever the focus is."""
        self.query_one("#scroll", VerticalScroll).scroll_relative(y=lines, animate=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        found = [at for at in (self._view.found.asks if self._view else ()) if self._key(at) == event.option.id]
        if found:
            self.console_app.open_ask(self._region, self._incident, found[0])
