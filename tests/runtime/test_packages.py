"""Another package named `workflows` or `schemas` is found out before anything of it is used."""

import subprocess
import sys
from pathlib import Path

from watchfloor.runtime.packages import find_shadowed


def test_nothing_is_shadowed_here() -> None:
    assert find_shadowed() == {}


def test_packages_from_elsewhere_are_named_with_their_place(tmp_path: Path) -> None:
    wrong = find_shadowed(root=tmp_path)
    assert set(wrong) == {"schemas", "workflows", "activities", "watchfloor"}
    assert wrong["schemas"].endswith("schemas/__init__.py")


def test_a_package_that_is_not_there_is_named() -> None:
    assert find_shadowed(names=("no_such_package_of_ours",)) == {"no_such_package_of_ours": "nowhere"}


def test_a_worker_started_beside_a_foreign_schemas_package_refuses(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").write_text("")
    code = (
        "import sys; sys.path.insert(0, '');"
        "from watchfloor.runtime.packages import require_own_packages; require_own_packages()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "`schemas` from" in done.stderr
