"""The guide to signing in shows settings, groups and a policy that load, and names every page of failure."""

import re
import tomllib
from pathlib import Path

from watchfloor.authorisation import Question, Resource, load_authority
from watchfloor.identity.groups import load_groups
from watchfloor.identity.people import Person
from watchfloor.runtime.regionfile import SignInTable, read_region_file

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "sign-in.md").read_text()


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_settings_in_the_guide_load_and_every_key_is_explained(tmp_path: Path) -> None:
    (tmp_path / "watchfloor.toml").write_text(block("toml"))
    region = read_region_file(tmp_path, "eu")
    assert region is not None
    assert region.sign_in is not None
    assert region.sign_in.groups == tmp_path / "groups.yaml"
    assert set(tomllib.loads(block("toml"))["regions"]["eu"]["sign_in"]) == set(SignInTable.model_fields)
    assert [name for name in SignInTable.model_fields if f"| `{name}` |" not in GUIDE] == []


def test_the_groups_in_the_guide_load(tmp_path: Path) -> None:
    (tmp_path / "groups.yaml").write_text(block("yaml"))
    assert load_groups(tmp_path / "groups.yaml").subjects == {"00u1a2b3c4": "counsel-1"}


def test_the_policy_in_the_guide_asks_for_a_second_factor(tmp_path: Path) -> None:
    (tmp_path / "own.cedar").write_text(block("cedar"))
    authority = load_authority(tmp_path)
    counsel = Person("counsel-1", ("legal_counsel",), "example-ie", "eu", ())
    about = Resource("inc/step", "approval", "r", "eu", seats=("legal_counsel",))
    for methods, allowed in ((("pwd",), False), (("pwd", "otp"), True)):
        question = Question(counsel, "decide", about, "legal_counsel", "approve", "oidc", False, methods)
        assert authority.judge(question).allowed == allowed


def test_every_failure_has_its_line_in_the_guide() -> None:
    pages = Path(__file__).resolve().parents[2] / "watchfloor" / "gateway" / "console" / "signing_in.py"
    titles = set(re.findall(r'"((?:This|That|The|You|Your) [a-z][^"{}.`]{8,60})",\n', pages.read_text()))
    assert len(titles) >= 5
    assert [title for title in titles if title not in GUIDE] == []
