"""SIGINT sent to one process by its id.

A shell that is not interactive has what it starts in the background ignore SIGINT, so that Ctrl-C ends what runs in
front only. Python keeps that: such a process would not stop before it has a handler of its own, and one that is still
starting would go on to the end of its start. Whoever sends SIGINT to the stack, a gateway or the demo by its id means
that one.
"""

import signal


def heed_interrupts() -> None:
    """From now on SIGINT ends this process in order, also where it was started to ignore it. Main thread only."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
