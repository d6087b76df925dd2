"""`watchfloor people`: listed, imported after it was shown, tried out; names never reach the file."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.identity.test_scim import export, user
from watchfloor.cli.main import app
from watchfloor.identity.people import DEVELOPMENT_PEOPLE, load_people

runner = CliRunner()
GROUPS = "person: preferred_username\nentity: example-ie\ngroups:\n  ts-eu-counsel: {role: legal_counsel, region: eu}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "people.yaml").write_text(DEVELOPMENT_PEOPLE.read_text())
    return tmp_path


def run(home: Path, *words: str, code: int = 0) -> str:
    done = runner.invoke(app, ["--home", str(home), *words])
    assert done.exit_code == code, done.output
    return done.output


def put(home: Path, name: str, document: Any) -> str:
    (home / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return str(home / name)


def test_people_are_listed_by_role_language_and_clearance(home: Path) -> None:
    assert [one["id"] for one in json.loads(run(home, "people", "list", "--language", "fr", "--json"))] == [
        "counsel-2",
        "liaison-2",
    ]
    assert run(home, "people", "list", "--clearance", "hr", "--region", "us").splitlines()[1].split()[:3] == [
        "wellness-us-1", "us", "wellness_officer",
    ]  # fmt: skip
    assert run(home, "people", "list", "--role", "us_desk", "--region", "eu") == "nobody\n"


def test_an_import_is_shown_and_written_only_when_asked(home: Path) -> None:
    users = put(home, "users.json", export(user(), user("counsel-9"), user("counsel-2", active=False)))
    before = (home / "people.yaml").read_text()
    shown = run(home, "people", "import", users, "--region", "eu")
    assert "people.yaml: 1 added, 1 changed, 29 gone\n+ counsel-9  eu  legal_counsel\n" in shown
    assert "~ counsel-1  clearances: csea, terror, selfharm, le -> none\n" in shown
    assert "- counsel-2  not active any more\n" in shown
    assert "! nobody holds incident_commander in eu any more\n" in shown
    assert shown.endswith("nothing was written; add --write\n")
    assert (home / "people.yaml").read_text() == before
    assert run(home, "people", "import", users, "--region", "eu", "--write").endswith("written; it counts at once\n")
    people = load_people(home / "people.yaml")
    assert [one.id for one in people if one.region == "eu"] == ["counsel-1", "counsel-9"]
    assert len([one for one in people if one.region == "us"]) == 30
    assert run(home, "people", "import", users, "--region", "eu", "--write").endswith("nothing to change\n")
    text = (home / "people.yaml").read_text()
    assert "example.test" not in text
    assert "Some" not in text


def test_a_first_import_needs_no_directory_before(tmp_path: Path) -> None:
    users = put(tmp_path, "users.json", export(user()))
    assert json.loads(run(tmp_path, "people", "import", users, "--write", "--json"))["added"] == ["counsel-1"]
    assert load_people(tmp_path / "people.yaml").find("counsel-1") is not None


def test_a_wrong_import_is_refused_with_code_one_and_nothing_is_written(home: Path) -> None:
    users = put(home, "users.json", export(user(), user("ops-1", roles=[{"value": "king"}])))
    before = (home / "people.yaml").read_text()
    shown = run(home, "people", "import", users, "--write", code=1)
    assert "users.json: Resources[1].roles[0].value: is no role" in " ".join(shown.split())
    assert (home / "people.yaml").read_text() == before


def test_claims_are_tried_out(home: Path) -> None:
    put(home, "groups.yaml", GROUPS)
    claims = put(home, "c.json", {"preferred_username": "counsel-5", "groups": ["ts-eu-counsel", "all-staff"]})
    found = json.loads(run(home, "people", "from-claims", claims, "--json"))
    assert (found["person"]["id"], found["unknown_groups"]) == ("counsel-5", ["all-staff"])
    assert "groups that mean nothing here: all-staff" in run(home, "people", "from-claims", claims)
    nobody = put(home, "n.json", {"preferred_username": "counsel-5", "groups": []})
    shown = run(home, "people", "from-claims", nobody, code=1)
    assert "no group gives a role; expected one of `ts-eu-counsel`" in shown
    assert json.loads(run(home, "people", "from-claims", nobody, "--json", code=1))["ok"] is False


def test_without_a_groups_file_claims_cannot_be_tried_out(home: Path) -> None:
    claims = put(home, "c.json", {})
    assert "no groups file is known" in run(home, "people", "from-claims", claims, code=2)
