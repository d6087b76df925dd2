"""The demo's script: who answers what after how long, what the world reports, how the sandbox platform behaves."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from watchfloor.client.errors import InputProblem, InputsRefused
from watchfloor.client.library import library_folder
from watchfloor.identity.located import read_located

_SECONDS = re.compile(r"(\d{1,3})s")


def _seconds(text: object) -> float:
    match = _SECONDS.fullmatch(str(text))
    if match is None:
        raise ValueError("expected seconds such as 4s")
    return float(match[1])


Seconds = Annotated[float, BeforeValidator(_seconds)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeededOrder(_Strict):
    """What the authority's register says about an order."""

    order_id: str
    authentic: bool = True
    failures: list[str] = Field(default_factory=list)


class SeededFault(_Strict):
    """A call that the platform answers with an error, so many times."""

    path: str
    url: str
    status: int
    times: int


class Platform(_Strict):
    orders: list[SeededOrder] = Field(default_factory=list)
    faults: list[SeededFault] = Field(default_factory=list)


class Spoken(_Strict):
    """Who speaks, as what, how long after there is something to speak about."""

    region: str
    person: str = Field(alias="as")
    role: str
    after: Seconds


class ScriptedAnswer(Spoken):
    """An answer to the ask of one step. With `next_action` it reads a handoff's packet back off the board."""

    step: str
    choose: str
    reason: str
    next_action: str = ""


class ScriptedFact(Spoken):
    """A report that comes in once the step `when` waits."""

    fact: str
    value: str
    source: str
    when: str


class Script(_Strict):
    """The whole script."""

    runbook: str
    order: str
    platform: Platform = Platform()
    answers: list[ScriptedAnswer]
    facts: list[ScriptedFact]


def script_folder() -> Path:
    return library_folder() / "demo"


def read_script(path: Path) -> Script:
    """Read and check a script.

    Raises:
        InputsRefused: with each field that does not fit.
        PeopleRefused: the file is not strict YAML.
    """
    located = read_located(path)
    try:
        return Script.model_validate(located.tree)
    except ValidationError as error:
        raise InputsRefused(
            [
                InputProblem(
                    f"{path.name}: {'.'.join(str(part) for part in found['loc'])}",
                    f"`{str(found.get('input'))[:60]}`",
                    found["msg"].lower(),
                    "correct the script",
                )
                for found in error.errors()
            ]
        ) from error
