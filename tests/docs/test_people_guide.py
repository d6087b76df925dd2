"""The guide to people and rotas shows what the product says today about the files it shows."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app
from watchfloor.identity.groups import load_groups
from watchfloor.identity.people import DEVELOPMENT_PEOPLE, load_people
from watchfloor.identity.rota_file import load_rotas
from watchfloor.identity.scim import read_export

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "people.md").read_text()


def block(pattern: str) -> str:
    found = re.search(rf"^```\w+\n({pattern}.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_picture_in_the_guide_is_what_oncall_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rotas.yaml").write_text(block("rotas:"))
    words = ["oncall", "--rotas", "rotas.yaml", "--people", str(DEVELOPMENT_PEOPLE), "--at", "2026-12-20T05:00Z"]
    done = CliRunner().invoke(app, words)
    assert done.stdout == block("On call at")
    assert done.exit_code == 1, "the example has a holiday that nobody covers"
    assert "Christmas Day in IE" in done.stdout


def test_the_directory_in_the_guide_loads(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(block("# people.yaml"))
    assert len(load_people(tmp_path / "people.yaml")) == 2


def test_every_key_of_a_rota_and_a_layer_is_in_the_guide() -> None:
    from watchfloor.identity.rota_file import _Layer, _Rota

    for model in (_Rota, _Layer):
        assert [name for name in model.model_fields if f"`{name}`" not in GUIDE] == []


def test_the_rotas_in_the_guide_load(tmp_path: Path) -> None:
    (tmp_path / "rotas.yaml").write_text(block("rotas:"))
    assert [one.name for one in load_rotas(tmp_path / "rotas.yaml").rotas] == ["eu-counsel", "eu-command"]


def test_the_export_and_the_groups_in_the_guide_are_taken_together(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text(block("{"))
    (tmp_path / "groups.yaml").write_text(block("# groups.yaml"))
    export = read_export(tmp_path / "users.json", load_groups(tmp_path / "groups.yaml"))
    (person,) = export.people.values()
    assert (person.id, person.contacts, person.languages) == ("counsel-1", ("pager",), ("en", "de"))
