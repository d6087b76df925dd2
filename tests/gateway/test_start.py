"""Starting a gateway: refused in plain words where it would be unsafe or cannot work."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchfloor.gateway.__main__ import main


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """What a gateway sets for its whole process is taken back."""
    before, mask = signal.getsignal(signal.SIGINT), os.umask(0o022)
    yield
    signal.signal(signal.SIGINT, before)
    os.umask(mask)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "without --tls-cert"),
        (["--tls-cert", "chain.pem"], "belong together"),
    ],
)
def test_it_never_listens_in_clear_beyond_this_machine(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--region", "us", "--port", "1", *arguments])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_without_an_engine_it_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    assert main(["--region", "us", "--port", "1", "--home", str(tmp_path)]) == 3
    error = capsys.readouterr().err
    assert "the gateway of `us` does not start" in error
    assert "watchfloor up" in error


def test_what_it_makes_is_its_owners_alone_and_sigint_ends_it_though_its_shell_had_it_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert main(["--region", "us", "--port", "1", "--home", str(tmp_path)]) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert os.umask(0o022) == 0o077
    assert "does not start" in capsys.readouterr().err
