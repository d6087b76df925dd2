"""That a changed bindings file was refused while a gateway runs: a small file in the region's folder says so."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from watchfloor.signing import parse_instant, render_instant

PartName = Literal["subscriptions", "senders"]
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class BindingsTrouble:
    """Why the newest bindings are not in use, since when."""

    at: datetime
    problems: tuple[str, ...]


def write_refusal(folder: Path, part: PartName, problems: Sequence[str], at: datetime) -> None:
    """Remember what is wrong; with no problems, that nothing is.

    Raises:
        OSError: it cannot be written.
    """
    path = _path(folder, part)
    if not problems:
        path.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps({"at": render_instant(at), "problems": list(problems)}), encoding="utf-8")
    new.replace(path)


def read_refusal(folder: Path, part: PartName) -> BindingsTrouble | None:
    """What is wrong with the newest bindings, as the last gateway that read them found; None when nothing is."""
    try:
        said = json.loads(_path(folder, part).read_bytes()[:_LONGEST])
        return BindingsTrouble(parse_instant(said["at"]), tuple(map(str, said["problems"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(folder: Path, part: PartName) -> Path:
    return folder / f"{part}-refused.json"
