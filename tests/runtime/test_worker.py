"""A worker refuses to start half-equipped, and says what is missing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity

from activities.registry import CATALOG, INTERNAL
from schemas.incident import (
    HANDOFF_WORKFLOW,
    HOLD_WORKFLOW,
    INCIDENT_WORKFLOW,
    INCOMING_WORKFLOW,
    POSTMORTEM_WORKFLOW,
)
from watchfloor.identity.people import DEVELOPMENT_PEOPLE
from watchfloor.regions.keys import RegionKeys
from watchfloor.runtime import worker
from watchfloor.runtime.assembly import ENGINE_ACTIVITIES, assembled, load_keys, require_activities
from watchfloor.runtime.connection import connect
from watchfloor.runtime.provision import main as provision_main
from watchfloor.runtime.provision import provision
from watchfloor.runtime.refusal import WorkerRefused
from watchfloor.runtime.settings import SHIPPED_BINDINGS, RegionSettings, load
from watchfloor.runtime.worker import LEAST_CACHED, MOST_CACHED, all_workflows, cache_size, main

ROOT = Path(__file__).resolve().parents[2]
ENVIRON = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_NAMESPACE": "us"}


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """What a worker sets for its whole process is taken back."""
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    provision(tmp_path, "us")
    (tmp_path / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    (tmp_path / "bindings.yaml").write_text(SHIPPED_BINDINGS.read_text())
    (tmp_path / "watchfloor.toml").write_text(
        "[regions.us.variables]\n"
        'SANDBOX_URL = "http://127.0.0.1:9"\nSANDBOX_SMTP_HOST = "127.0.0.1"\nSANDBOX_SMTP_PORT = "9"\n'
    )
    return tmp_path


def settings_of(home: Path) -> RegionSettings:
    return load("us", home, environ=ENVIRON)


async def refusal_of(home: Path) -> WorkerRefused:
    settings = settings_of(home)
    with pytest.raises(WorkerRefused) as caught:
        async with assembled(settings, load_keys(settings), environ={}):
            pass
    return caught.value


PEER = """
[regions.us.peers.eu]
url = "{url}"
public_keys = "eu.public.json"
{more}
"""


@pytest.mark.parametrize(
    ("url", "more", "found"),
    [
        ("http://gateway.eu.example", "", "not https"),
        ("https://10.8.0.4", "", "not a public address"),
        ("https://169.254.169.254", "", "not a public address"),
        ("https://gateway.eu.example", 'networks = ["0.0.0.0/0"]', "cannot be named"),
    ],
)
async def test_another_regions_gateway_is_called_only_where_calls_may_go(
    home: Path, url: str, more: str, found: str
) -> None:
    (home / "eu.public.json").write_text(json.dumps(RegionKeys.generate().public.to_json()))
    with (home / "watchfloor.toml").open("a") as file:
        file.write(PEER.format(url=url, more=more))
    refusal = await refusal_of(home)
    assert found in refusal.found
    assert "peers.eu" in refusal.fix


async def test_a_gateway_inside_a_network_that_is_named_is_taken(home: Path) -> None:
    (home / "eu.public.json").write_text(json.dumps(RegionKeys.generate().public.to_json()))
    with (home / "watchfloor.toml").open("a") as file:
        file.write(PEER.format(url="https://10.8.0.4", more='networks = ["10.8.0.0/16"]'))
    settings = settings_of(home)
    async with assembled(settings, load_keys(settings), environ={}):
        assert settings.peers["eu"].networks == ("10.8.0.0/16",)


async def test_a_worker_has_every_activity_that_can_be_scheduled(home: Path) -> None:
    settings = settings_of(home)
    async with assembled(settings, load_keys(settings), environ={}) as parts:
        names = {one.__temporal_activity_definition.name for one in parts.activities}  # type: ignore[attr-defined]
        assert names == {*CATALOG, *INTERNAL, *ENGINE_ACTIVITIES}
        assert parts.interceptors


def test_a_worker_has_every_workflow_by_its_agreed_name() -> None:
    names = {getattr(one, "__temporal_workflow_definition").name for one in all_workflows()}
    assert names == {*(INCIDENT_WORKFLOW, HOLD_WORKFLOW, HANDOFF_WORKFLOW, INCOMING_WORKFLOW, POSTMORTEM_WORKFLOW)}


def test_a_missing_activity_is_named() -> None:
    @activity.defn(name="content.disable")
    async def disable(_call: dict[str, Any]) -> None:
        return None

    with pytest.raises(WorkerRefused) as caught:
        require_activities([disable])
    assert "content.restore" in caught.value.found
    assert "content.disable" not in caught.value.found
    assert "ledger.append" in caught.value.found


async def test_bindings_that_do_not_hold_are_refused_with_their_place(home: Path) -> None:
    (home / "bindings.yaml").write_text("version: 1\n")
    assert "bindings.yaml:" in (await refusal_of(home)).found


async def test_a_variable_that_nobody_set_is_refused(home: Path) -> None:
    (home / "watchfloor.toml").unlink()
    assert "SANDBOX_URL" in (await refusal_of(home)).found


async def test_people_that_do_not_hold_are_refused(home: Path) -> None:
    (home / "people.yaml").write_text("people: {}\n")
    assert "people.yaml:1:" in (await refusal_of(home)).found


async def test_a_contact_that_is_no_channel_is_refused(home: Path) -> None:
    (home / "people.yaml").write_text(
        "people:\n  ops-1: {roles: [ops_lead], entity: e, region: us, contacts: [carrier_pigeon]}\n"
    )
    refusal = await refusal_of(home)
    assert "ops-1: carrier_pigeon" in refusal.found
    assert "pager" in refusal.expected


async def test_people_of_other_regions_do_not_concern_a_worker(home: Path) -> None:
    (home / "people.yaml").write_text(
        "people:\n"
        "  ops-1: {roles: [ops_lead], entity: e, region: us, contacts: [pager]}\n"
        "  ops-2: {roles: [ops_lead], entity: e, region: eu, contacts: [carrier_pigeon]}\n"
    )
    settings = settings_of(home)
    async with assembled(settings, load_keys(settings), environ={}) as parts:
        assert parts.activities


async def test_a_damaged_ledger_is_refused(home: Path) -> None:
    (home / "us" / "ledger.sqlite").write_bytes(b"not a database" * 100)
    assert "a store of region `us`" in (await refusal_of(home)).found


async def test_a_server_that_never_answers_is_given_up_with_a_reason(home: Path) -> None:
    settings = settings_of(home)
    with pytest.raises(WorkerRefused) as caught:
        await connect(settings, load_keys(settings), identity="t", patience=timedelta(seconds=0.1))
    assert "127.0.0.1:1" in caught.value.found
    assert "nothing listens" in caught.value.found


def test_a_region_without_keys_says_how_to_make_them(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(worker, "configure_logging", lambda *_args, **_options: None)  # not in the tests' own process
    assert main(["--region", "eu", "--home", str(home)]) == 3
    said = capsys.readouterr().err
    assert "the worker of `eu` does not start" in said
    assert "python -m watchfloor.runtime.provision --region eu" in said


def test_provisioning_twice_keeps_the_keys_and_prints_only_public_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for _ in range(2):
        assert provision_main(["--region", "eu", "--home", str(tmp_path)]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    keys = RegionKeys.load(tmp_path / "eu" / "keys")
    files = [file for file in (tmp_path / "eu" / "keys").iterdir() if file.is_file()]
    assert files
    for file in files:
        assert file.read_text().strip() not in said[0]
    assert keys.packets.public in said[0]


def test_provisioning_over_broken_keys_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    provision(tmp_path, "eu")
    (tmp_path / "eu" / "keys" / "secret.key").write_text("short")
    assert provision_main(["--region", "eu", "--home", str(tmp_path)]) == 1
    assert "secret.key" in capsys.readouterr().err


def test_the_cache_fits_the_machine() -> None:
    assert cache_size(1) == LEAST_CACHED
    assert cache_size(2 * 1024**3) == 7281
    assert cache_size(10**15) == MOST_CACHED


def test_the_launcher_shows_its_help_without_connecting_anywhere() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "worker.py"), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "--region" in done.stdout


def test_a_worker_that_still_waits_for_temporal_says_so_and_stops_when_asked(home: Path) -> None:
    environ = {**ENVIRON, "PATH": os.environ["PATH"], "WATCHFLOOR_HOME": str(home)}
    command = [sys.executable, str(ROOT / "worker.py"), "--region", "us"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = json.loads(process.stderr.readline())
        assert (said["event"], said["address"], said["reason"]) == (
            "temporal awaited",
            "127.0.0.1:1",
            "nothing listens",
        )
        process.terminate()
        assert process.wait(5) == 0
