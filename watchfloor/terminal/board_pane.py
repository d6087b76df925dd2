"""Board: all incidents that I may see, the most urgent first; a filter over every word of a row."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, OptionList, Static

from watchfloor.client.runs import RunSummary
from watchfloor.signing import neutral_name
from watchfloor.terminal.lines import run_row
from watchfloor.terminal.pane import Pane, Row, Rows


class BoardPane(Pane):
    """All incidents."""

    NAME = "Board"
    KEYS = "↑↓ choose  Enter open  / filter  a closed too  1 my watch  ? help  q quit"
    BINDINGS: ClassVar = [("slash", "filter", "filter"), ("a", "all", "closed too"), ("escape", "clear", "clear")]

    def __init__(self) -> None:
        super().__init__()
        self._everything = False

    def compose_body(self) -> ComposeResult:
        yield Input(
            placeholder="filter: S1, eu, a runbook, a phase, a role, INC-…  (Enter to go back to the list)", id="filter"
        )
        yield Static(id="count")
        yield Rows(id="runs")

    def on_mount(self) -> None:
        self.query_one("#filter", Input).display = False
        super().on_mount()

    def draw(self) -> None:
        app = self.console_app
        if app.overview is None:
            return
        wanted = self.query_one("#filter", Input).value.casefold().split()
        shown = [run for run in app.overview.runs if (self._everything or run.closed_at is None or run.lost)]
        found = [run for run in shown if all(word in _words(run) for word in wanted)]
        rows = [
            Row(
                f"run {run.region} {run.incident}",
                run_row(*app.harmless((run, app.now, app.overview.commands.get(run.incident, "")))),
            )
            for run in found
        ]
        self.query_one("#runs", Rows).fill(rows)
        count = Text(f"{len(found)} of {len(shown)} incidents", style="bold")
        count.append(f" · filter: {' '.join(wanted)} (Esc clears)" if wanted else "", style="yellow")
        count.append("" if self._everything else " · open ones", style="dim")
        self.query_one("#count", Static).update(count if shown else "No incident is open that you may see.")

    def action_filter(self) -> None:
        """Type a filter."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    def action_all(self) -> None:
        """Closed incidents too, or not any more."""
        self._everything = not self._everything
        self.redraw()

    def action_clear(self) -> None:
        """No filter any more."""
        box = self.query_one("#filter", Input)
        box.value, box.display = "", False
        self.query_one("#runs", Rows).focus()
        self.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.query_one("#filter", Input).display = bool(event.value)
        self.query_one("#runs", Rows).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        _, region, incident = (event.option.id or "  ").split(" ", 2)
        self.console_app.open_incident(region, incident)


def _words(run: RunSummary) -> str:
    state = "lost" if run.lost else run.state or run.status
    parts = (run.priority, run.severity, neutral_name(run.incident), run.incident, run.region, run.runbook, run.phase)
    return " ".join([*parts, state, *run.waiting]).casefold()
