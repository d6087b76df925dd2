"""Ports of the embedded stack: the same as last time where they are free, else the usual ones, else any."""

import json
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from watchfloor.runtime.refusal import StackRefused

LOOPBACK = "127.0.0.1"
LET_GO = 2.0
"""Seconds in which the processes of a killed stack end."""
PORTS_FILE = "ports.json"
OWN_RANGE = range(20_000, 32_000)
USUAL: Mapping[str, int] = {"temporal": 7233, "ui": 8233, "sandbox": 8090, "smtp": 8025}


def is_free(port: int) -> bool:
    """Whether a server may listen on a port of this machine's loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def any_free(taken: set[int]) -> int:
    """A free port that is not among those just given out, at random below the range the system gives to outgoing
    connections: what is free now is then still free when the server starts."""
    for _ in range(200):
        port = secrets.choice(OWN_RANGE)
        if port not in taken and is_free(port):
            return port
    raise StackRefused(
        f"no free port between {OWN_RANGE[0]} and {OWN_RANGE[-1]} on {LOOPBACK}",
        expected="some free ports",
        fix="stop servers that are not needed on this machine",
    )


def choose_ports(home: Path, names: list[str], *, usual: bool = True) -> dict[str, int]:
    """Choose a free port for each name and remember the choice in the home.

    Args:
        home: the stack's home.
        names: what needs a port.
        usual: prefer the well-known ports on a first start; otherwise take any.
    """
    before = _read(home)
    _let_go(before.values())
    chosen: dict[str, int] = {}
    for name in names:
        wishes = [port for port in (before.get(name), USUAL.get(name) if usual else None) if port is not None]
        taken = set(chosen.values())
        fitting = [port for port in wishes if port not in taken and is_free(port)]
        chosen[name] = fitting[0] if fitting else any_free(taken)
    (home / PORTS_FILE).touch(mode=0o600)
    (home / PORTS_FILE).write_text(json.dumps(chosen, indent=1) + "\n")
    return chosen


def _let_go(ports: Iterable[int]) -> None:
    """Give a stack that was killed a moment ago the time to let its ports go, so that its addresses stay."""
    until = time.monotonic() + LET_GO
    while any(not is_free(port) for port in ports) and time.monotonic() < until:
        time.sleep(0.05)


def _read(home: Path) -> dict[str, int]:
    try:
        document = json.loads((home / PORTS_FILE).read_text())
    except (OSError, ValueError):  # a wish, nothing more: without it other ports are chosen
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: port for name, port in document.items() if isinstance(port, int) and 0 < port < 65536}
