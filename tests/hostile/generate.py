"""The hostile set: `python -m tests.hostile.generate` writes `files/`, `bindings/` and `expected.json`.

Each file is one attack or accident; `expected.json` says which finding refuses it and on which line, or that it is
accepted because it is harmless. The files are committed, so that a change of the generator shows in review.
"""

import json
from pathlib import Path

from tests.hostile.connections import CONNECTIONS
from tests.hostile.form import FORM
from tests.hostile.meaning import LANGUAGE

HERE = Path(__file__).resolve().parent
FILES = HERE / "files"
BINDINGS = HERE / "bindings"
HOSTILE = {**FORM, **LANGUAGE}


def write() -> None:
    """Write all files anew; what is no longer generated goes."""
    for folder, table in ((FILES, HOSTILE), (BINDINGS, CONNECTIONS)):
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.yaml"):
            old.unlink()
        for name, (data, _, _) in table.items():
            (folder / name).write_bytes(data)
    (HERE / "expected.json").write_text(json.dumps(expected(), indent=1) + "\n")


def expected() -> dict[str, dict[str, dict[str, object]]]:
    """What must become of each file."""
    return {
        "runbooks": {name: {"code": code, "line": line} for name, (_, code, line) in sorted(HOSTILE.items())},
        "bindings": {name: {"says": words, "line": line} for name, (_, words, line) in sorted(CONNECTIONS.items())},
    }


if __name__ == "__main__":
    write()
