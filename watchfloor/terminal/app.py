"""The full-screen console: reads again and again, shows what it read, says since when it could not.

One loop reads; screens only draw. A connection that is lost changes nothing on the screens but the line that says so,
and the loop goes on, so that it recovers by itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import work
from textual.app import App

from watchfloor.client.asks import AskAt
from watchfloor.client.errors import ClientError, SignedOut
from watchfloor.identity.people import Person
from watchfloor.terminal.board_pane import BoardPane
from watchfloor.terminal.decide_pane import DecidePane
from watchfloor.terminal.feed import Feed, Overview, Waiting
from watchfloor.terminal.help import tell_help
from watchfloor.terminal.incident_pane import IncidentPane
from watchfloor.terminal.my_watch import MyWatch
from watchfloor.terminal.pane import Pane
from watchfloor.terminal.prompts import Words
from watchfloor.terminal.shown import make_harmless

T = TypeVar("T")


class WatchConsole(App[None]):
    """The console of `watchfloor watch`.

    Args:
        feed: where everything comes from.
        someone: who looks; None for nobody in particular, who cannot decide.
        every: seconds between two looks.
        clock: stands for the machine's clock; `local` for its zone.
    """

    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        ("1", "go('watch')", "my watch"),
        ("2", "go('board')", "board"),
        ("r", "look", "look now"),
        ("question_mark", "help", "help"),
        ("q", "quit", "quit"),
        ("ctrl+c", "quit", "quit"),
    ]

    def __init__(
        self,
        feed: Feed,
        *,
        someone: Person | None = None,
        every: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        local: tzinfo | None = None,
    ) -> None:
        super().__init__()
        self.feed, self.someone, self.local = feed, someone, local
        self.overview: Overview | None = None
        self.trouble = ""
        """Why the last look did not succeed; empty while it does."""
        self.ended = ""
        """Why nothing is read any more: the session has ended; empty while it has not."""
        self._every, self._clock = every, clock
        self._watch, self._board = MyWatch(), BoardPane()

    @property
    def now(self) -> datetime:
        """The moment that remaining times count from."""
        return self._clock()

    def harmless(self, value: T) -> T:
        """The same with every text safe for a terminal."""
        return make_harmless(value)

    def on_mount(self) -> None:
        # the terminal's own colours: they are what its owner can read, in sixteen as in millions
        self.theme = "ansi-dark"
        self.install_screen(self._watch, "watch")
        self.install_screen(self._board, "board")
        self.push_screen("watch")
        self.set_interval(self._every, self.look)
        self.set_interval(1.0, self.redraw)
        self.look()

    def look(self) -> None:
        """Read now, unless a look is under way or the session has ended."""
        if not self.ended and not any(worker.group == "look" and worker.is_running for worker in self.workers):
            self._look()

    @work(group="look", exclusive=False)
    async def _look(self) -> None:
        try:
            self.overview = await self.feed.look()
            for pane in self.screen_stack:
                if isinstance(pane, Pane):
                    await pane.load_safely()
            self.trouble = ""
        except SignedOut as error:
            self.ended = make_harmless(str(error))
            told = Text().append("SIGNED OUT", style="bold red").append(f": {self.ended}")
            told.append(f"\n\nWhat you see is how it was. q leaves; to sign in again:\n  {make_harmless(error.again)}")
            self.push_screen(Words(told))
        except ClientError as error:
            self.trouble = make_harmless(str(error))
        self.redraw()

    def redraw(self) -> None:
        """Draw the screen on top, and the one under a window."""
        for screen in self.screen_stack:
            if isinstance(screen, Pane):
                screen.redraw()

    # -- going about ------------------------------------------------------------------------------------------------

    def key_of(self, one: Waiting) -> str:
        """What names an ask in a list."""
        return f"{one.region} {one.incident} {one.at.workflow} {one.at.ask['path']}"

    def find_waiting(self, key: str) -> Waiting | None:
        """The ask that a key names, as it was read last."""
        return next((one for one in (self.overview.waiting if self.overview else ()) if self.key_of(one) == key), None)

    def open_key(self, key: str) -> None:
        """Decide what a key names."""
        one = self.find_waiting(key)
        if one is not None:
            self.open_ask(one.region, one.incident, one.at)

    def open_incident(self, region: str, incident: str) -> None:
        """Show one incident."""
        self._open(IncidentPane(region, incident))

    def open_ask(self, region: str, incident: str, at: AskAt) -> None:
        """Decide one ask, as it is shown now."""
        self._open(DecidePane(region, incident, at))

    def _open(self, pane: Pane) -> None:
        self.push_screen(pane)
        self.look()

    def action_go(self, name: str) -> None:
        """To my watch or to the board, from wherever one is; not out of a window with words in it."""
        if not isinstance(self.screen, Pane):
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.switch_screen(name)
        self.redraw()

    def action_look(self) -> None:
        """Read now."""
        self.look()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Words(tell_help()))
