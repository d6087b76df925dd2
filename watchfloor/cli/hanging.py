"""Text whose further lines are indented, without trailing blanks: good to read and to copy from a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Hanging:
    """A paragraph that begins at `first` and goes on at `rest`."""

    text: Text
    first: int = 2
    rest: int = 4

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        room = max(20, options.max_width - max(self.first, self.rest))
        for number, line in enumerate(self.text.wrap(console, room)):
            line.rstrip()
            yield Text(" " * (self.rest if number else self.first)).append_text(line)


def command_lines(words: list[str], width: int, *, first: int = 2, rest: int = 6) -> list[str]:
    """A command on lines of at most `width` columns, continued with a backslash so that it can be pasted as it is."""
    lines: list[str] = []
    line = " " * first + words[0]
    for word in words[1:]:
        if len(line) + len(word) + 3 > width:
            lines.append(line + " \\")
            line = " " * rest + word
        else:
            line += f" {word}"
    return [*lines, line]
