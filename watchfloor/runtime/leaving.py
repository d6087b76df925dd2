"""Leaving a process in which Temporal's native runtime has run.

Its threads call back into Python when an answer comes that nobody waits for any more: an update that was given up, a
poller that was told to stop. If the interpreter is being torn down by then, the process dies by a signal, and whoever
started it takes a thing that is done for a crash. Such a process ends at once, when what it has written has left it.
"""

import logging
import os
import sys
from typing import NoReturn

NATIVE = "temporalio.bridge.temporal_sdk_bridge"


def leave(code: int) -> NoReturn:
    """End this process with an exit code; call it at the outermost edge only, for nothing after it runs.

    Raises:
        SystemExit: where the native runtime was never loaded, the ordinary end is safe.
    """
    if NATIVE not in sys.modules:
        raise SystemExit(code)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1  # the reader has gone, so not everything was said
    os._exit(code)
