"""Every finding has a page, every page's examples do what it says, every code is raised somewhere."""

import ast
import re
from pathlib import Path

import pytest

from tests.language.embedding import findings_of
from watchfloor.language import TABLE, codes, explain
from watchfloor.language.findings import PAGES

LANGUAGE = Path(codes.__file__).parent
_BLOCK = re.compile(r"## (Problematic|Correct)\n\n```([a-z ]+)\n(.*?)\n```", re.S)


def examples(code: str) -> dict[str, tuple[str, str]]:
    return {match[1]: (match[3], match[2]) for match in _BLOCK.finditer(explain(code))}


@pytest.mark.parametrize("code", sorted(TABLE))
def test_the_problematic_example_raises_this_finding_and_no_other_error(code: str) -> None:
    found = findings_of(*examples(code)["Problematic"])
    assert code in {finding.code for finding in found}
    assert {finding.code for finding in found if finding.is_error} <= {code}


@pytest.mark.parametrize("code", sorted(TABLE))
def test_the_correct_example_is_silent(code: str) -> None:
    assert findings_of(*examples(code)["Correct"]) == ()


@pytest.mark.parametrize("code", sorted(TABLE))
def test_the_page_says_title_and_severity(code: str) -> None:
    page = explain(code)
    assert page.startswith(f"# {code}: {TABLE[code].title}\n")
    assert f"Severity: {TABLE[code].severity}\n" in page


def test_pages_and_codes_are_the_same_set() -> None:
    assert {path.stem for path in PAGES.glob("WF*.md")} == set(TABLE)
    index = (PAGES / "README.md").read_text()
    assert set(re.findall(r"\[(WF\d+)\]", index)) == set(TABLE)


def test_every_code_is_raised_somewhere_and_only_known_ones_are() -> None:
    names = {name for name, value in vars(codes).items() if isinstance(value, codes.Code)}
    used: set[str] = set()
    for path in LANGUAGE.rglob("*.py"):
        if path.name == "codes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "codes":
                used.add(node.attr)
    assert used & {name for name in used if name.isupper()} == names


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean `WF"):
        explain("WF299")


def test_a_code_is_found_in_any_case() -> None:
    assert explain("wf204") == explain("WF204")
