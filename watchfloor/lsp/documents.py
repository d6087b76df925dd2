"""One open document with what the server knows around it: catalogue, register, roles, library."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from schemas.actions import ActionContract
from schemas.plan import ClockLaw
from watchfloor.lsp.cursor import Cursor, locate
from watchfloor.lsp.index import Declared, Index, index
from watchfloor.lsp.vocabulary import Vocabulary, vocabulary


@dataclass(frozen=True)
class Surroundings:
    """What every document is read against."""

    catalog: Mapping[str, ActionContract]
    register: Mapping[str, ClockLaw]
    register_path: Path
    roles: tuple[str, ...]
    library: tuple[str, ...]


def shipped() -> Surroundings:
    """The shipped catalogue, register, roles and library."""
    from activities.catalog import CATALOG
    from watchfloor.client.library import clock_register, library_folder, library_ids
    from watchfloor.identity.roles import ROLES

    folder = library_folder()
    return Surroundings(CATALOG, clock_register(), folder / "clocks.yaml", tuple(sorted(ROLES)), tuple(library_ids()))


class Document:
    """A text at one moment. Everything is read when it is first asked for."""

    def __init__(self, text: str, around: Surroundings) -> None:
        self.text = text.replace("\r\n", "\n")
        self.around = around

    @property
    def words(self) -> Vocabulary:
        return vocabulary()

    def cursor(self, line: int, column: int) -> Cursor | None:
        return locate(self.text, line, column)

    def names(self, cursor: Cursor | None = None) -> Index:
        """What is declared; with the cursor's own reading of the text where there is one."""
        if cursor is None:
            return self._names
        return index(cursor.root, self.around.catalog, tuple(self.words.kinds))

    @cached_property
    def _names(self) -> Index:
        from watchfloor.lsp.outline import read

        return index(read(self.text), self.around.catalog, tuple(self.words.kinds))

    def inputs_of(self, runbook: str) -> tuple[Declared, ...]:
        """What a runbook of the library takes; nothing when there is none of that name."""
        from watchfloor.lsp.outline import read

        if runbook not in self.around.library:
            return ()
        text = (self.around.register_path.parent / runbook / "runbook.yaml").read_text(encoding="utf-8")
        return tuple(index(read(text), self.around.catalog, tuple(self.words.kinds)).inputs.values())

    @property
    def is_runbook(self) -> bool:
        """A runbook says so in its first key; other YAML files are left alone."""
        return any(line.startswith("runbook:") for line in self.text.split("\n", 60)[:60])
