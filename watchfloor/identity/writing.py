"""Writing a file whole or not at all."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Replace a file in one step; whoever reads it meanwhile has the old one or the new one. Keeps its mode.

    Raises:
        OSError: it could not be written; then nothing has changed.
    """
    target = file.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
