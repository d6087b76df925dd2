"""Files that a task's report refers to: put into the evidence store of the region, under caps; references travel."""

import hashlib
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.client.errors import EngineUnavailable, InputProblem, InputsRefused
from watchfloor.client.face import Face
from watchfloor.client.forms import read_form
from watchfloor.evidence import EvidenceError

ATTACHMENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one attachment."""


def fill_in(
    face: Face, fields: Mapping[str, Json], form: Mapping[str, Json], attach: Mapping[str, Path], now: datetime
) -> dict[str, Json]:
    """The checked form. Files are kept only once everything else about the form is right."""
    contents = check_attachments(fields, attach)
    twice = [name for name in contents if name in form]
    if twice:
        raise InputsRefused([InputProblem(f"form.{name}", "two values", "one value", "give it once") for name in twice])
    stand_ins: dict[str, Json] = {name: f"sha256:{hashlib.sha256(one).hexdigest()}" for name, one in contents.items()}
    filled = read_form(fields, {**form, **stand_ins}, now=now)
    require_kept(face, fields, {name: value for name, value in filled.items() if name not in contents})
    keep_attachments(face, contents)
    return filled


def check_attachments(fields: Mapping[str, Json], attach: Mapping[str, Path]) -> dict[str, bytes]:
    """The content of the files, nothing of them kept yet.

    Raises:
        InputsRefused: naming every field that is none, and every file that cannot be taken.
    """
    declared = cast("dict[str, TypeSpec]", dict(fields))
    known = ", ".join(name for name, spec in declared.items() if spec.get("attachment")) or "none"
    problems: list[InputProblem] = []
    contents: dict[str, bytes] = {}
    for name, path in attach.items():
        if name not in declared or not declared[name].get("attachment"):
            problems.append(InputProblem(f"form.{name}", "no attachment", f"one of: {known}", "attach to such a field"))
            continue
        try:
            with path.open("rb") as opened:
                if not stat.S_ISREG(path.stat().st_mode):
                    problems.append(InputProblem(f"form.{name}", "no regular file", "a file", "attach a file"))
                    continue
                content = opened.read(ATTACHMENT_LIMIT + 1)
        except OSError as error:
            problems.append(InputProblem(f"form.{name}", f"{error.strerror}", "a readable file", "correct the path"))
            continue
        if not content or len(content) > ATTACHMENT_LIMIT:
            found = "an empty file" if not content else f"more than {ATTACHMENT_LIMIT} bytes"
            problems.append(
                InputProblem(f"form.{name}", found, f"1 to {ATTACHMENT_LIMIT} bytes", "attach a smaller file")
            )
            continue
        contents[name] = content
    if problems:
        raise InputsRefused(problems)
    return contents


def keep_attachments(face: Face, contents: Mapping[str, bytes]) -> dict[str, Json]:
    """Put them into the region's evidence store; gives their references.

    Raises:
        EngineUnavailable: one could not be kept; nothing was sent.
    """
    try:
        return {name: face.reasons.put(content) for name, content in contents.items()}
    except EvidenceError as error:
        raise EngineUnavailable(f"an attachment could not be kept: {error}; nothing was sent") from error


def require_kept(face: Face, fields: Mapping[str, Json], form: Mapping[str, Json]) -> None:
    """What a form refers to must be in the evidence store.

    Raises:
        InputsRefused: naming every reference behind which there is nothing.
    """
    declared = cast("dict[str, TypeSpec]", dict(fields))
    missing = [
        InputProblem(
            f"form.{name}",
            "a reference behind which nothing is kept",
            "something in the evidence store",
            "use --attach",
        )
        for name, value in form.items()
        if name in declared
        and declared[name].get("attachment")
        and isinstance(value, str)
        and not face.reasons.exists(value)
    ]
    if missing:
        raise InputsRefused(missing)
