"""The catalogue: every contract is whole, its dangers are declared, its example compiles."""

import subprocess
import sys
import textwrap

import pytest

from activities.catalog import CATALOG, INTERNAL
from activities.registry import UnknownAction, contract_of
from schemas.actions import ActionContract
from watchfloor.language import compile_text, render_text

ALL = {**CATALOG, **INTERNAL}
EVERY = pytest.mark.parametrize("contract", ALL.values(), ids=ALL.keys())

RUNBOOK = """\
runbook: example-of-an-action
version: 1
title: Example of an action
owners: [ts-eu]
harm: terrorism
mode: {{default: incident}}
severity: {{default: S1, floors: []}}
compartment: terror
regions: {{command: eu, allowed: [eu]}}
inputs:
  order_id: {{type: string, pattern: "^[A-Z0-9-]{{4,64}}$"}}
  issuing_state: {{type: string, enum: [DE, FR]}}
  urls: {{type: list, of: url, max_items: 40}}
  url: url
  account: ref
  stream: ref
facts:
  order_annulled: {{type: timestamp, from: [authority_mailbox]}}
phases:
  - containment:
{steps}
"""
SNAPSHOT = "id: snapshot\naction: evidence.snapshot\nwith: {url: '${{ inputs.url }}'}\n"


@pytest.mark.parametrize("contract", CATALOG.values(), ids=CATALOG.keys())
def test_the_example_compiles(contract: ActionContract) -> None:
    examples = [contract["example"]]
    if contract["name"] != "evidence.snapshot":
        examples.insert(0, SNAPSHOT)
    if contract["name"] == "evidence.destroy":
        examples.insert(1, CATALOG["retention.rule"]["example"])
    items = "".join("- " + textwrap.indent(example, "  ")[2:] for example in examples)
    text = RUNBOOK.format(steps=textwrap.indent(items, " " * 6))
    compiled = compile_text(text, path="example.yaml", catalog=CATALOG, register={})
    errors = [finding for finding in compiled.findings if finding.is_error]
    assert errors == [], render_text(errors)


@EVERY
def test_what_destroys_reveals_or_goes_wide_needs_a_grant_whatever_the_plan_says(contract: ActionContract) -> None:
    dangerous = contract["effect"] in {"destroys", "reveals"} or contract["tier"] in {"2", "3"}
    assert not dangerous or contract.get("needs_grant")


@EVERY
def test_an_undo_exists_and_is_no_irreversible_action(contract: ActionContract) -> None:
    if contract["undo"] is not None:
        assert not contract["irreversible"]
        assert ALL[contract["undo"]]["effect"] == "restricts"


@EVERY
def test_every_field_says_what_it_is(contract: ActionContract) -> None:
    assert contract["doc"].endswith((".", "?"))
    for spec in [*contract["inputs"].values(), *contract["outputs"].values()]:
        assert spec.get("doc")
        assert (spec["type"] == "list") == ("of" in spec)
    assert contract["attempt_timeout"] > 10


def test_releasing_a_hold_needs_a_grant_and_placing_one_does_not() -> None:
    assert INTERNAL["hold.unfreeze"].get("needs_grant")
    assert not INTERNAL["hold.freeze"].get("needs_grant")


def test_internal_actions_cannot_be_called_by_authors() -> None:
    assert not set(CATALOG) & set(INTERNAL)


def test_an_unknown_action_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownAction, match=r"content\.explode.*content\.disable"):
        contract_of("content.explode")


def test_the_catalogue_is_data_that_needs_no_engine_and_no_http() -> None:
    code = (
        "import sys, activities.registry\n"
        "heavy = {'temporalio', 'httpx2', 'pydantic', 'sqlite3', 'obstore'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
