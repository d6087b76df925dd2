"""The pages hold together: links lead somewhere, pictures are the ones the product draws today."""

import re
from pathlib import Path

import pytest

from activities.catalog import CATALOG
from watchfloor.language import compile_text, load_register
from watchfloor.language.graph_svg import render_svg

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "runbooks").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_block_of_code_ends_before_the_next_heading(page: Path) -> None:
    """What is read as code is no page any more: an end that is missing swallows everything up to the next block."""
    inside, swallowed = False, list[str]()
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif inside and re.match(r"#{2,} \S", line):
            swallowed.append(f"{number}: {line}")
    assert (inside, swallowed) == (False, [])


def test_the_picture_in_the_readme_is_what_the_product_draws() -> None:
    """To draw it anew: `watchfloor graph eu-tco-removal-order --svg -o docs/images/eu-tco-removal-order.svg`."""
    runbook = ROOT / "runbooks" / "eu-tco-removal-order" / "runbook.yaml"
    register = load_register(ROOT / "runbooks" / "clocks.yaml")
    plan = compile_text(runbook.read_bytes(), path="runbook.yaml", catalog=CATALOG, register=register).plan
    assert plan is not None
    assert (ROOT / "docs" / "images" / "eu-tco-removal-order.svg").read_text() == render_svg(plan)
