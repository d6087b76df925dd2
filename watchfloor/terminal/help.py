"""The keys of the console, on one window."""

from rich.text import Text

_KEYS = (
    ("1, 2", "my watch, board"),
    ("↑ ↓, j k", "choose; on an incident also scroll"),
    ("Enter", "open what is chosen, or say it"),
    ("Esc", "back; in a window: nothing is sent"),
    ("Tab, Shift-Tab", "to the next part of a screen"),
    ("PgUp, PgDn", "read on"),
    ("i", "on my watch: the whole incident of a row"),
    ("/", "on the board: filter; every word must be in the row; Esc clears it"),
    ("a", "on the board: closed incidents too"),
    ("r", "look now; at a decision: show it as it is now"),
    ("q, Ctrl-C", "leave; no incident stops for that"),
)


def tell_help() -> Text:
    """All keys, then what the words on the screens mean."""
    told = Text().append("KEYS\n", style="bold underline")
    for keys, does in _KEYS:
        told.append(f"  {keys:<16}", style="bold").append(f"{does}\n")
    told.append("\nWORDS\n", style="bold underline")
    for word, means in (
        ("live", "read a moment ago"),
        ("STALE", "nothing answers; what you see is from the time it says, and it goes on by itself"),
        ("P0 to P4", "how urgent: the worse of severity and of what is left of the law's clocks"),
        ("RECORDED", "the run has taken it, nothing can lose it"),
        ("KEPT", "on disk here, delivered until the ledger shows it"),
        ("DEVELOPMENT", "nobody proved who they are; on this machine's stack alone, and every statement says so"),
        ("SIGNED OUT", "the session at the gateway has ended; nothing is read or sent any more"),
        ("CHANGED", "the question is another one now; look again before you sign"),
    ):
        told.append(f"  {word:<16}", style="bold").append(f"{means}\n")
    return told
