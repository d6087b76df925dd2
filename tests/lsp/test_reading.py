"""Hover says what a word means; definition leads to where it was declared."""

from pathlib import Path

import pytest

from tests.diff.mutations import REGISTER
from tests.lsp.conftest import BASE
from tests.lsp.test_completion import at
from watchfloor.language import compile_text
from watchfloor.lsp.documents import Document, shipped
from watchfloor.lsp.reading import definition, hover

TEXT = BASE.read_text()


def said(before: str, after: str) -> str:
    assert before in TEXT
    found = hover(*at(TEXT.replace(before, after, 1)))
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("action: content.disable", "action: content.dis¦able", "effect: **restricts**, tier 0"),
        ("action: content.disable", "ac¦tion: content.disable", "The action's name in the catalogue"),
        ("use: eu.tco.preserve", "use: eu.tco.pre¦serve", "reported, not seen in readable form"),
        ("basis: eu.tco.preserve", "basis: eu.tco.pre¦serve", "to be kept at least so long"),
        ("start: facts.order_received", "start: facts.order_rec¦eived", "from: [inputs.received_at]"),
        ("steps.authenticate.failures]", "steps.authenticate.fail¦ures]", "codes of the checks that failed"),
        ("steps.authenticate.failures]", "steps.authen¦ticate.failures]", "codes of the checks that failed"),
        ("show: [inputs.order_id", "show: [inputs.order¦_id", "type: string"),
        ("  removal:\n", "  remo¦val:\n", "legal"),
        ("on: [order_annulled]", "on: [order_ann¦ulled]", "authority_mailbox"),
        ("fact: clarification_received", "fact: clarification_¦received", "authority_mailbox"),
        ("\n          within: 10m", "\n          with¦in: 10m", "How long people have"),
        ("at_once: 20", "at_o¦nce: 20", "How many items"),
        ("scope: eu}", "sc¦ope: eu}", "where the restriction applies"),
        ("close_when:", "close_w¦hen:", "before the run closes"),
        ("records: {imminent_threat", "records: {imminent_th¦reat", "steps.screen"),
    ],
)
def test_hover(before: str, after: str, expected: str) -> None:
    assert expected in said(before, after)


def test_an_action_says_inputs_outputs_and_undo() -> None:
    text = said("action: content.disable", "action: content.dis¦able")
    for part in ("`url` url", "`ground` string, optional", "`disabled_at` timestamp", "undo: `content.restore`"):
        assert part in text


def test_nothing_is_said_about_plain_text() -> None:
    assert hover(*at(TEXT.replace("title: EU terrorist", "title: EU terr¦orist"))) is None or "What people see" in said(
        "title: EU terrorist", "title: EU terr¦orist"
    )


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("start: facts.order_received", "start: facts.order_rec¦eived", "  order_received: {type"),
        ("steps.authenticate.failures]", "steps.authen¦ticate.failures]", "      - id: authenticate"),
        ("in: inputs.urls", "in: inputs.ur¦ls", "  urls: {type: list"),
        ("last.look.all_gone", "last.lo¦ok.all_gone", "          - id: look"),
        ("fact: clarification_received", "fact: clarification_¦received", "  clarification_received: {type"),
        ("from: [steps.probe", "from: [steps.pro¦be", "      - id: probe"),
        ("records: {imminent_threat", "records: {imminent_th¦reat", "  imminent_threat: {type"),
    ],
)
def test_definition(before: str, after: str, line: str) -> None:
    assert before in TEXT
    found = definition(*at(TEXT.replace(before, after, 1)))
    assert found is not None
    assert found.path is None
    assert TEXT.split("\n")[found.line].startswith(line)


def test_a_clock_leads_to_its_row_of_the_register() -> None:
    found = definition(*at(TEXT.replace("use: eu.tco.removal", "use: eu.tco.rem¦oval")))
    assert found is not None
    assert found.path is not None
    row = Path(found.path).read_text().split("\n")[found.line]
    assert row[found.column : found.column + found.length] == "eu.tco.removal"


def test_what_a_step_gives_is_what_the_compiler_says_it_gives() -> None:
    """The half-typed reading and the compiler know the same outputs, in every runbook that compiles."""
    around = shipped()
    compiled = compile_text(TEXT, path="runbook.yaml", catalog=around.catalog, register=REGISTER)
    assert compiled.plan is not None
    steps = Document(TEXT, around).names().steps
    assert {id_: set(step.outputs) for id_, step in steps.items()} == {
        id_: set(outputs) for id_, outputs in compiled.plan["step_outputs"].items()
    }
