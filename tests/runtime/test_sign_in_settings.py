"""The table `sign_in` of a region: what is taken, what is refused and said."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.gateway.providers import mock_provider
from watchfloor.cli.main import app
from watchfloor.gateway.console.company import open_company
from watchfloor.runtime.refusal import SettingsRefused
from watchfloor.runtime.regionfile import SignInTable, read_region_file
from watchfloor.runtime.settings import load

CLUSTER = {"TEMPORAL_ADDRESS": "127.0.0.1:7233", "TEMPORAL_NAMESPACE": "eu"}


def write(home: Path, more: str, *, issuer: str = "https://login.example", url: str = "https://w.example") -> None:
    text = f'[regions.eu.sign_in]\nissuer = "{issuer}"\nclient_id = "watchfloor-eu"\nconsole_url = "{url}"\n{more}\n'
    (home / "watchfloor.toml").write_text(text)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('client_secret = "inline"', "client_secret"),
        ('client_secret = {value = "inline"}', "client_secret.value"),
        ('client_secret = {env = "A", file = "b"}', "exactly one of"),
        ("client_secret = {}", "exactly one of"),
        ('people = "everybody"', "people"),
        ('scopes = "openid"', "scopes"),
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, more: str, words: str) -> None:
    write(tmp_path, more)
    with pytest.raises(SettingsRefused, match=words):
        read_region_file(tmp_path, "eu")


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("http://login.example", "https://w.example"),
        ("https://login.example?x=1", "https://w.example"),
        ("https://user@login.example", "https://w.example"),
        ("ftp://login.example", "https://w.example"),
        ("https://login.example", "http://w.example"),
        ("https://login.example", "https://w.example/console"),
        ("https://login.example", "https://W.example"),
    ],
)
def test_addresses_are_https_and_plain(tmp_path: Path, issuer: str, url: str) -> None:
    write(tmp_path, "", issuer=issuer, url=url)
    with pytest.raises(SettingsRefused):
        read_region_file(tmp_path, "eu")


def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, 'client_secret = {file = "eu.secret"}')
    (tmp_path / "eu.secret").write_text("s")
    (tmp_path / "eu.secret").chmod(0o644)
    settings = load("eu", tmp_path, environ=CLUSTER)
    with pytest.raises(SettingsRefused, match="mode 0644"):
        open_company(settings, None, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "metadata", "https://a.example/path"])
def test_a_host_that_may_not_be_called_is_refused_at_the_start(tmp_path: Path, host: str) -> None:
    write(tmp_path, f'hosts = ["{host}", "http://b.example"]')
    with pytest.raises(SettingsRefused):
        open_company(load("eu", tmp_path, environ=CLUSTER), None, {})  # type: ignore[arg-type]


def test_people_by_groups_need_a_file_of_groups(tmp_path: Path) -> None:
    write(tmp_path, 'people = "groups"')
    with pytest.raises(SettingsRefused, match=r"no .*groups\.yaml"):
        open_company(load("eu", tmp_path, environ=CLUSTER), None, {})  # type: ignore[arg-type]


def test_development_may_have_a_provider_on_this_machine() -> None:
    assert SignInTable(issuer="http://localhost:9400", client_id="x").on_this_machine
    assert not SignInTable(issuer="https://localhost.example", client_id="x").on_this_machine


def test_the_check_says_step_by_step_whether_people_could_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CLUSTER.items():
        monkeypatch.setenv(name, value)
    words = ["--home", str(tmp_path), "sign-in", "check", "--region", "eu"]
    assert "no table `regions.eu.sign_in`" in CliRunner().invoke(app, words).stdout
    write(tmp_path, 'client_secret = {env = "WF_TEST_SECRET"}', issuer="http://127.0.0.1:9")
    failed = CliRunner().invoke(app, words)
    assert (failed.exit_code, "FAIL secret: the sign-in" in failed.stdout) == (1, True), failed.stdout
    monkeypatch.setenv("WF_TEST_SECRET", "s")
    failed = CliRunner().invoke(app, words)
    assert (failed.exit_code, "FAIL provider" in failed.stdout) == (1, True), failed.stdout
    with mock_provider() as issuer:
        write(tmp_path, "", issuer=issuer)
        (tmp_path / "groups.yaml").write_text("groups:\n  g: {role: nobody}\n")
        failed = CliRunner().invoke(app, words)
        assert (failed.exit_code, "groups.yaml:2:" in failed.stdout) == (1, True), failed.stdout
        (tmp_path / "groups.yaml").write_text("groups:\n  g: {role: ops_lead}\n")
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stdout
    assert "ok   register at the provider: https://w.example/console/sign-in/return" in done.stdout


def test_an_account_is_let_go_of_by_the_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchfloor.identity.accounts import Accounts
    from watchfloor.identity.sign_in_file import SignInFile

    for name, value in CLUSTER.items():
        monkeypatch.setenv(name, value)
    Accounts(SignInFile(tmp_path / "eu" / "sign-in.sqlite")).bind("https://login.example", "1", "counsel-1")
    home = ["--home", str(tmp_path), "sign-in"]
    assert CliRunner().invoke(app, [*home, "unbind", "nobody-1", "--region", "eu"]).exit_code == 2
    assert "let go of" in CliRunner().invoke(app, [*home, "unbind", "counsel-1", "--region", "eu"]).stdout
    log = CliRunner().invoke(app, [*home, "log", "--region", "eu", "--json"]).stdout
    assert '"unbound"' in log
    assert '"bound"' in log


def test_a_lost_key_is_taken_away_by_the_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchfloor.identity.security_keys import SecurityKeys
    from watchfloor.identity.sign_in_file import SignInFile

    for name, value in CLUSTER.items():
        monkeypatch.setenv(name, value)
    keys = SecurityKeys(SignInFile(tmp_path / "eu" / "sign-in.sqlite"))
    keys.add("counsel-1", b"one", b"", 0, "blue")
    words = ["--home", str(tmp_path), "sign-in", "keys", "counsel-1", "--region", "eu"]
    assert "blue" in CliRunner().invoke(app, words).stdout
    for wrong in ("sha256:", "sha256:0000", "nothing"):
        assert CliRunner().invoke(app, [*words, "--remove", wrong]).exit_code == 2
    (key,) = keys.list("counsel-1")
    assert CliRunner().invoke(app, [*words, "--remove", f"{key.id[:19]}…"]).exit_code == 0
    assert keys.list("counsel-1") == []


def test_runs_of_a_region_with_a_sign_in_are_told_to_ask_for_keys(tmp_path: Path) -> None:
    from watchfloor.signing.step_up import KEYED

    start: dict[str, object] = {}
    load("eu", tmp_path, environ=CLUSTER).book.pin(start)  # type: ignore[arg-type]
    assert "keyed" not in start
    write(tmp_path, "")
    load("eu", tmp_path, environ=CLUSTER).book.pin(start)  # type: ignore[arg-type]
    assert start["keyed"] == list(KEYED)


@pytest.mark.parametrize(
    ("url", "offered"),
    [
        ("https://w.example", True),
        ("http://localhost:8480", True),
        ("https://10.0.0.1", False),
        ("http://127.0.0.1:8480", False),
        ("http://[::1]:8480", False),
    ],
)
def test_keys_are_kept_for_a_name_only(tmp_path: Path, url: str, offered: bool) -> None:
    from types import SimpleNamespace
    from typing import Any, cast

    from watchfloor.gateway.console.touching import open_keys

    write(tmp_path, "", url=url)
    face = cast(Any, SimpleNamespace(reasons=None))
    assert (open_keys(load("eu", tmp_path, environ=CLUSTER), face) is not None) == offered
