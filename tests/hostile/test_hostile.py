"""Every hostile file is refused by the finding that was meant for it, at its place, in little time and memory."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from activities.catalog import CATALOG, INTERNAL
from tests.hostile.connections import GOOD
from tests.hostile.frame import ACCEPTED, WHOLE
from tests.hostile.generate import BINDINGS, CONNECTIONS, FILES, HERE, HOSTILE, expected
from tests.language.embedding import CIRCLES, LIBRARY, compile_whole
from watchfloor.connections.loading import BindingsRefused, load_bindings

EXPECTED = json.loads((HERE / "expected.json").read_text())
RUNBOOKS = EXPECTED["runbooks"]
REFUSED = sorted(name for name, wanted in RUNBOOKS.items() if wanted["code"] != ACCEPTED)
HARMLESS = sorted(set(RUNBOOKS) - set(REFUSED))
CONTRACTS = {**CATALOG, **INTERNAL}
AROUND = LIBRARY | CIRCLES
SECONDS = 1.0
"""Of processor time: a machine that is busy with something else is not the file's doing."""
MEGABYTES = 200


def test_the_committed_files_are_the_generated_ones() -> None:
    for folder, table in ((FILES, HOSTILE), (BINDINGS, CONNECTIONS)):
        assert {path.name: path.read_bytes() for path in folder.glob("*.yaml")} == {
            name: data for name, (data, _, _) in table.items()
        }
    assert expected() == EXPECTED


def test_there_are_enough_of_them() -> None:
    assert len(REFUSED) + len(EXPECTED["bindings"]) >= 200


def test_what_they_were_made_from_is_in_order(tmp_path: Path) -> None:
    assert compile_whole(WHOLE).plan is not None
    file = tmp_path / "bindings.yaml"
    file.write_text(GOOD)
    assert load_bindings(file, variables={}, catalog=CONTRACTS).actions


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_at_its_place(name: str) -> None:
    started = time.process_time()
    compiled = compile_whole((FILES / name).read_bytes(), library=AROUND)
    assert time.process_time() - started < SECONDS
    assert compiled.plan is None
    assert compiled.digest == ""
    errors = [finding for finding in compiled.findings if finding.is_error]
    wanted = RUNBOOKS[name]
    assert (errors[0].code, errors[0].line) == (wanted["code"], wanted["line"])


@pytest.mark.parametrize("name", HARMLESS)
def test_a_file_that_only_looks_dangerous_compiles_soon(name: str) -> None:
    started = time.process_time()
    compiled = compile_whole((FILES / name).read_bytes(), library=AROUND)
    assert time.process_time() - started < SECONDS
    assert [finding.code for finding in compiled.findings if finding.is_error] == []
    assert compiled.plan is not None


@pytest.mark.parametrize("name", sorted(EXPECTED["bindings"]))
def test_a_hostile_bindings_file_is_refused_at_its_place(name: str) -> None:
    wanted = EXPECTED["bindings"][name]
    started = time.process_time()
    with pytest.raises(BindingsRefused) as caught:
        load_bindings(BINDINGS / name, variables={}, catalog=CONTRACTS)
    assert time.process_time() - started < SECONDS
    assert wanted["line"] in {problem.line for problem in caught.value.problems}
    assert any(wanted["says"] in problem.message for problem in caught.value.problems)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_all_of_them_together_fit_into_little_memory() -> None:
    """The peak of a process of its own, imports and every file, stays under what one file may take."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.language.embedding import CIRCLES, LIBRARY, compile_whole\n"
        "for path in sorted(Path(sys.argv[1]).glob('*.yaml')):\n"
        "    compile_whole(path.read_bytes(), library=LIBRARY | CIRCLES)\n"
        # not `ru_maxrss`: a child begins with the peak of the process that started it
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)\n"
    )
    command = [sys.executable, "-c", program, str(FILES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=HERE.parents[1])
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MEGABYTES


def test_deep_nesting_does_not_crash_the_process() -> None:
    """PyYAML's composer dies of a segmentation fault here; in a process of its own so that a crash is seen."""
    program = (
        "from watchfloor.language.source import parse\n"
        "for text in ('[' * 250000, '{a: ' * 60000, '- ' * 120000, '? ' * 120000, '[[]: ' * 50000):\n"
        "    assert parse(text, path='x').root is None\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n")
