"""Why the runtime could not go on, in three facts.

SettingsRefused   a setting, a file of the home directory or Temporal's configuration is wrong
StackRefused      the embedded stack cannot start or is not what it should be
WorkerRefused     a worker must not start: wrong packages, wrong keys, no connection
"""


class Refused(Exception):
    """What was found, what was expected, how to fix it; `str` joins the three."""

    def __init__(self, found: str, *, expected: str, fix: str) -> None:
        super().__init__(f"{found}; expected {expected}. To fix it: {fix}")
        self.found = found
        self.expected = expected
        self.fix = fix


class SettingsRefused(Refused):
    """A setting is missing or wrong."""


class StackRefused(Refused):
    """The embedded stack cannot start."""


class WorkerRefused(Refused):
    """A worker must not start."""
