"""`<home>/stack.json`: what the embedded stack says about itself while it runs. Written atomically; holds no secret."""

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from watchfloor.runtime.refusal import SettingsRefused

STACK_FILE = "stack.json"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TemporalRecord(_Shape):
    """`address` is `host:port` of the frontend."""

    address: str
    ui_url: str


class SandboxRecord(_Shape):
    url: str
    smtp_host: str
    smtp_port: int


class RegionRecord(_Shape):
    """One region of the stack; `public_keys` is what `PublicKeys.to_json` gives."""

    namespace: str
    gateway_url: str
    metrics_url: str
    public_keys: dict[str, dict[str, str]]


class ProcessRecord(_Shape):
    """A process of the stack. `born` is its start time as the kernel counts it, so that a reused pid is told apart."""

    pid: int
    born: int


class StackRecord(_Shape):
    """One running stack."""

    v: Literal[1] = 1
    owner: ProcessRecord
    started_at: str
    temporal: TemporalRecord
    sandbox: SandboxRecord
    regions: dict[str, RegionRecord]
    processes: dict[str, ProcessRecord]


def read_stack(home: Path) -> StackRecord | None:
    """The record of the stack in this home, running or not; None where there is none.

    Raises:
        SettingsRefused: the file is not a stack record.
    """
    path = home / STACK_FILE
    try:
        return StackRecord.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise SettingsRefused(
            f"{home} is a file",
            expected="a directory that may be written",
            fix="name another one with WATCHFLOOR_HOME or --home",
        ) from error
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise SettingsRefused(
            f"{path} is not the record of an embedded stack",
            expected="the file that `watchfloor up` writes",
            fix=f"remove {path} and run `watchfloor up`",
        ) from error


def write_stack(home: Path, record: StackRecord) -> None:
    """Put the record in its place; a reader sees the old one or the new one, never a part."""
    path = home / STACK_FILE
    beside = home / f".{STACK_FILE}.{os.getpid()}"
    beside.write_text(record.model_dump_json(indent=1) + "\n")
    beside.chmod(0o600)
    beside.replace(path)


def remove_stack(home: Path) -> None:
    (home / STACK_FILE).unlink(missing_ok=True)
