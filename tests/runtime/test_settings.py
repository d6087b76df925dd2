"""Settings: the embedded stack, or Temporal's own configuration; never a mixture, and never a guess."""

import json
from pathlib import Path

import pytest

from watchfloor.regions.keys import RegionKeys
from watchfloor.runtime.settings import SettingsRefused, find_home, load
from watchfloor.runtime.stackfile import (
    ProcessRecord,
    RegionRecord,
    SandboxRecord,
    StackRecord,
    TemporalRecord,
    read_stack,
    write_stack,
)

PROFILE = """
[profile.default]
address = "default.example:7233"
[profile.watchfloor-us]
address = "us.example:7233"
namespace = "trust-us"
api_key = "canary-key"
[profile.watchfloor-eu]
address = "eu.example:7233"
"""


def record_for(*regions: str) -> StackRecord:
    public = {region: RegionKeys.generate().public.to_json() for region in regions}
    return StackRecord(
        owner=ProcessRecord(pid=1, born=1),
        started_at="2026-11-22T03:00:00Z",
        temporal=TemporalRecord(address="127.0.0.1:7233", ui_url="http://127.0.0.1:8233"),
        sandbox=SandboxRecord(url="http://127.0.0.1:8090", smtp_host="127.0.0.1", smtp_port=8025),
        regions={
            region: RegionRecord(
                namespace=region,
                gateway_url=f"http://127.0.0.1:900{index}",
                metrics_url=f"http://127.0.0.1:910{index}/metrics",
                public_keys=public[region],
            )
            for index, region in enumerate(regions)
        },
        processes={},
    )


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    write_stack(tmp_path, record_for("us", "eu"))
    return tmp_path


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "temporal.toml"
    file.write_text(PROFILE)
    return {"TEMPORAL_CONFIG_FILE": str(file)}


def refused(region: str, home: Path, environ: dict[str, str]) -> SettingsRefused:
    with pytest.raises(SettingsRefused) as caught:
        load(region, home, environ=environ)
    assert caught.value.found
    assert caught.value.expected
    assert caught.value.fix
    return caught.value


def test_the_embedded_stack_is_found_by_its_record(embedded: Path) -> None:
    settings = load("us", embedded, environ={})
    assert settings.embedded
    assert settings.connect == {"target_host": "127.0.0.1:7233", "namespace": "us"}
    assert (settings.namespace, settings.task_queue) == ("us", "watchfloor-us")
    assert settings.directory == embedded / "us"
    assert settings.sandbox_url == "http://127.0.0.1:8090"
    assert settings.variables["SANDBOX_SMTP_PORT"] == "8025"
    assert settings.people_path == embedded / "people.yaml"
    assert list(settings.peers) == ["eu"]
    assert settings.peers["eu"].url == "http://127.0.0.1:9001"


def test_a_region_is_not_its_own_peer_and_holds_only_public_keys_of_others(embedded: Path) -> None:
    record = read_stack(embedded)
    assert record is not None
    peer = load("eu", embedded, environ={}).peers["us"]
    assert peer.keys.to_json() == record.regions["us"].public_keys


def test_bindings_of_the_home_come_before_the_shipped_ones(embedded: Path) -> None:
    assert load("us", embedded, environ={}).bindings_path.name == "sandbox.yaml"
    (embedded / "bindings.yaml").write_text("version: 1\n")
    assert load("us", embedded, environ={}).bindings_path == embedded / "bindings.yaml"


def test_temporal_variables_lead_to_a_cluster(embedded: Path) -> None:
    environ = {
        "TEMPORAL_ADDRESS": "cluster.example:7233",
        "TEMPORAL_NAMESPACE": "trust",
        "TEMPORAL_API_KEY": "canary-key",
    }
    settings = load("us", embedded, environ=environ)
    assert not settings.embedded
    assert settings.address == "cluster.example:7233"
    assert settings.connect["api_key"] == "canary-key"
    assert settings.connect["tls"] is True
    assert settings.sandbox_url is None
    assert "canary-key" not in repr(settings)


def test_each_region_reads_its_own_profile(tmp_path: Path, profiles: dict[str, str]) -> None:
    settings = load("us", tmp_path, environ=profiles)
    assert (settings.address, settings.namespace) == ("us.example:7233", "trust-us")


def test_the_default_profile_is_nobodys(tmp_path: Path, profiles: dict[str, str]) -> None:
    assert "no engine is known" in refused("ap", tmp_path, profiles).found


def test_a_named_profile_wins_and_must_exist(tmp_path: Path, profiles: dict[str, str]) -> None:
    named = {**profiles, "TEMPORAL_PROFILE": "watchfloor-us"}
    assert load("eu", tmp_path, environ=named).address == "us.example:7233"
    error = refused("eu", tmp_path, {**profiles, "TEMPORAL_PROFILE": "wachtfloor"})
    assert "`wachtfloor`" in error.found
    assert "`watchfloor-us`" in error.expected


def test_an_address_without_a_namespace_is_refused(tmp_path: Path, profiles: dict[str, str]) -> None:
    assert "no namespace" in refused("eu", tmp_path, profiles).found


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    environ = {
        "TEMPORAL_ADDRESS": "cluster.example:7233",
        "TEMPORAL_NAMESPACE": "trust",
        "TEMPORAL_TLS_CLIENT_CERT_PATH": str(tmp_path / "absent.pem"),
    }
    assert "absent.pem" in refused("us", tmp_path, environ).found


def test_a_broken_profile_file_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[profile.default\n")
    assert "line 1" in refused("us", tmp_path, {"TEMPORAL_CONFIG_FILE": str(file)}).found


def test_the_stacks_own_processes_never_reach_a_cluster(embedded: Path, profiles: dict[str, str]) -> None:
    environ = {**profiles, "TEMPORAL_ADDRESS": "cluster.example:7233", "WATCHFLOOR_EMBEDDED": "1"}
    assert load("us", embedded, environ=environ).address == "127.0.0.1:7233"


def test_without_stack_and_configuration_both_ways_out_are_named(tmp_path: Path) -> None:
    error = refused("us", tmp_path, {})
    assert "`watchfloor up`" in error.fix
    assert "TEMPORAL_ADDRESS" in error.fix


def test_a_region_the_stack_does_not_have_is_refused(embedded: Path) -> None:
    assert refused("ap", embedded, {}).expected == "one of eu, us"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"v": 2}', '{"a":' * 30_000], ids=["empty", "open", "list", "version", "deep"]
)
def test_a_damaged_stack_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    assert "stack.json" in refused("us", tmp_path, {}).fix


def test_the_record_is_private_and_replaced_whole(embedded: Path) -> None:
    assert (embedded / "stack.json").stat().st_mode & 0o777 == 0o600
    write_stack(embedded, record_for("us"))
    assert [path.name for path in embedded.iterdir()] == ["stack.json"]


def test_an_operators_file_gives_peers_paths_and_variables(tmp_path: Path) -> None:
    public = RegionKeys.generate().public
    (tmp_path / "eu.public.json").write_text(json.dumps(public.to_json()))
    (tmp_path / "watchfloor.toml").write_text(
        """
        [regions.us]
        gateway_url = "https://gateway.us.example"
        bindings = "bindings.us.yaml"
        [regions.us.variables]
        PLATFORM_URL = "https://moderation.us.example"
        [regions.us.peers.eu]
        url = "https://gateway.eu.example"
        public_keys = "eu.public.json"
        """
    )
    settings = load("us", tmp_path, environ={"TEMPORAL_ADDRESS": "a.example:1", "TEMPORAL_NAMESPACE": "n"})
    assert settings.bindings_path == tmp_path / "bindings.us.yaml"
    assert settings.gateway_url == "https://gateway.us.example"
    assert settings.variables == {"PLATFORM_URL": "https://moderation.us.example"}
    assert settings.peers["eu"].keys == public


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[regions.us]\nbindngs = "x"\n', "`regions.us.bindngs`"),
        ('[regions.us]\ngateway_url = "ftp://x"\n', "`regions.us.gateway_url`"),
        ('[regions.us.variables]\nlower = "x"\n', "`regions.us.variables.lower"),
        ("[regions\n", "is not TOML"),
    ],
)
def test_a_wrong_key_in_the_operators_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "watchfloor.toml").write_text(text)
    assert words in refused("us", tmp_path, {}).found


def test_peer_keys_that_do_not_match_their_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "eu.json").write_text('{"packets": {"00": "AA"}, "ledger": {}, "sealing": {}}')
    (tmp_path / "watchfloor.toml").write_text(
        '[regions.us.peers.eu]\nurl = "https://eu.example"\npublic_keys = "eu.json"\n'
    )
    environ = {"TEMPORAL_ADDRESS": "a.example:1", "TEMPORAL_NAMESPACE": "n"}
    assert "public keys of peer `eu`" in refused("us", tmp_path, environ).found


def test_the_home_is_the_argument_then_the_variable_then_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home(tmp_path / "a", environ={"WATCHFLOOR_HOME": "/elsewhere"}) == tmp_path / "a"
    assert find_home(environ={"WATCHFLOOR_HOME": "/elsewhere"}) == Path("/elsewhere")
    assert find_home(environ={}) == tmp_path / ".watchfloor"


def test_a_home_that_is_a_file_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(SettingsRefused) as caught:
        read_stack(tmp_path / "home")
    assert "--home" in caught.value.fix
