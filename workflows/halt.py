"""How a walk over the plan comes to rest before its end.

    StepFailed     a step could not be carried out; its `on_error`, or a person, says what happens
    Unwound        not an error: the walk stops here and every block passes it on
    ├── Halted     this part was told to stop: the run ends, another branch has won, a timeout passed
    └── Drained    the run is about to continue as new; the walk starts again from the root with what was recorded

No asyncio cancellation is used: it would tear an effect from its result. What waits looks at its `Halt` instead.
"""


class StepFailed(Exception):
    """A step failed. `code` is a `schemas.actions.ErrorType` or one of the engine's own, never read from a text."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Unwound(Exception):
    """The walk stops here; whoever catches it must pass it on."""


class Halted(Unwound):
    """Told to stop. `reason` says by what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Drained(Unwound):
    """The run is about to continue as new."""


class Halt:
    """A part of the walk that can be told to stop, together with all parts inside it."""

    def __init__(self, parent: "Halt | None" = None, *, lasting: bool = False) -> None:
        self._parent = parent
        self._reason = ""
        self.lasting = lasting
        """What this part does is brought to its end even when the run is about to continue as new or paused: nothing
        would come back to it. Only for the `finally` of what has been stopped."""

    @property
    def reason(self) -> str:
        """Why this part must stop; empty while it may go on."""
        return self._reason or (self._parent.reason if self._parent is not None else "")

    def stop(self, reason: str) -> None:
        """Tell this part to stop; the first reason counts."""
        self._reason = self._reason or reason
