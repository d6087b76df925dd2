"""When conditions are worth looking at again: a thousand plain steps shall not evaluate them a thousand times."""

from collections.abc import Iterable

from schemas.plan import Expr
from workflows.run import Run


class Attention:
    """Conditions that read facts, inputs and members of these alone can change only when a fact is written; others at
    any time."""

    def __init__(self, run: Run, conditions: Iterable[Expr | None]) -> None:
        names = [name.removeprefix("has.") for expr in conditions if expr is not None for name in expr["vars"]]
        self._run = run
        self._always = any(name.startswith(("steps.", "incident.", "last.")) or name == "now" for name in names)
        self._seen = -1

    def is_due(self) -> bool:
        """Whether something they read may have changed since this was last asked."""
        version = self._run.facts.version
        due = self._always or version != self._seen
        self._seen = version
        return due
