"""`watchfloor start`: whom an order names as who asks for it."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from watchfloor.authorisation import load_authority
from watchfloor.cli import faces
from watchfloor.cli.main import app
from watchfloor.client import runs
from watchfloor.client.runs import Started
from watchfloor.identity.people import Directory, Person

PEOPLE = Directory(
    {
        "commander-eu-1": Person("commander-eu-1", ("incident_commander",), "example-ie", "eu", (), ("terror",)),
        "mod-1": Person("mod-1", ("moderator",), "example-ie", "eu", ()),
    }
)
ORDER = json.loads(Path("runbooks/demo/order.json").read_text())


@pytest.mark.parametrize(
    ("requester", "flag", "told"),
    [
        ("", None, ""),
        ("commander-eu-1", None, ""),
        ("authority-fr", None, "authority-fr"),
        ("mod-1", None, "clearance for the compartment"),
        ("authority-fr", "commander-eu-1", ""),
        ("", "authority-fr", "authority-fr"),
    ],
)
def test_whoever_an_order_names_is_somebody_who_may_start_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requester: str, flag: str | None, told: str
) -> None:
    face: Any = SimpleNamespace(people=PEOPLE, loopback=True, region="eu", authority=load_authority(None))
    begun: list[str] = []

    async def start(_face: Any, _plan: Any, _digest: str, order: Any, **_more: Any) -> Started:
        begun.append(order.requester)
        return Started("inc-abcdefghijklmnopqrst", "eu", "eu-tco-removal-order", "sha256:" + "0" * 64, already=False)

    monkeypatch.setattr(runs, "start_incident", start)
    monkeypatch.setattr(faces, "with_faces", lambda _h, _r, go: asyncio.run(go(SimpleNamespace(face=lambda _: face))))
    file = tmp_path / "order.json"
    file.write_text(json.dumps({**ORDER, "requester": requester}))
    given = ["start", "eu-tco-removal-order", "-i", str(file), *(["--as", flag] if flag else [])]
    ended = CliRunner().invoke(app, given)
    if told:
        assert ended.exit_code == 1, ended.output
        assert told in ended.output
        assert begun == []
    else:
        assert ended.exit_code == 0, ended.output
        assert begun == [flag or requester]
