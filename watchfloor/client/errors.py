"""What can go wrong between a face and a run.

    ClientError
    ├── Refused              the run, or this face on its behalf, said no; `type` is a `RefusalType` or a face's own
    ├── InputsRefused        a trigger's inputs or an order file do not fit; every bad field is named
    ├── RunbookRefused       the runbook has findings of severity error; nothing was started
    ├── NotFound             no run, ask, person, runbook or file of that name
    ├── Ambiguous            an abbreviation fits more than one; the candidates are named
    ├── SignedOut            the session at a gateway has ended; nothing is shown or sent before signing in again
    └── EngineUnavailable    Temporal or the region's worker did not answer; says what is known to have happened

No Temporal error leaves this package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfloor.language.findings import Finding


class ClientError(Exception):
    """Base of everything a face may have to tell its user. The message is complete in itself."""


class Refused(ClientError):
    """A statement was understood and does not count. The run goes on.

    `type` is one of `schemas.decision.RefusalType`, or one of the names below for what this face refuses itself.
    """

    UNKNOWN_PERSON = "unknown_person"
    NO_REASON = "no_reason"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_PERMITTED = "not_permitted"
    NO_CERTIFICATE = "no_certificate"

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type
        self.message = message
        self.hides_option = False
        """Which option was wanted must not be written down: the ask is blind."""


@dataclass(frozen=True, slots=True, order=True)
class InputProblem:
    """One bad field: where (`inputs.urls[3]`), what was found, what was expected, how to fix it."""

    field: str
    found: str
    expected: str
    fix: str

    def __str__(self) -> str:
        return f"`{self.field}`: found {self.found}; expected {self.expected}; {self.fix}"


class InputsRefused(ClientError):
    """Nothing was started. `problems` names every bad field, not only the first."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        listed = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(
            f"{count} {'field does' if count == 1 else 'fields do'} not fit, so nothing was done:\n{listed}"
        )


class RunbookRefused(ClientError):
    """The runbook does not compile. `findings` are the compiler's."""

    def __init__(self, path: str, findings: "Sequence[Finding]") -> None:
        self.findings = tuple(findings)
        errors = sum(finding.severity == "error" for finding in self.findings)
        super().__init__(f"`{path}` has {errors} {'error' if errors == 1 else 'errors'} and is not used")


class NotFound(ClientError):
    pass


class Ambiguous(ClientError):
    def __init__(self, given: str, candidates: Sequence[str]) -> None:
        self.candidates = tuple(candidates)
        shown = ", ".join(self.candidates[:5]) + (", …" if len(self.candidates) > 5 else "")
        super().__init__(f"`{given}` fits {len(self.candidates)}: {shown}; give more of it")


class SignedOut(ClientError):
    """`again` is the command by which one signs in again."""

    def __init__(self, message: str, again: str) -> None:
        super().__init__(message)
        self.again = again


class EngineUnavailable(ClientError):
    pass
