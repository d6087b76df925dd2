"""Starting a gateway: refused in plain words where it would be unsafe or cannot work."""

from pathlib import Path

import pytest

from watchfloor.gateway.__main__ import main


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
