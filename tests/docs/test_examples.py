"""Every example in the documentation is executed: runbooks compile, bindings load, commands parse."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
import yaml
from pydantic import TypeAdapter

from activities.catalog import CATALOG
from schemas.plan import CONSTRUCTS
from watchfloor.cli.main import app
from watchfloor.connections.bindings import Sender
from watchfloor.connections.loading import load_bindings
from watchfloor.language import compile_text, load_register

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs" / "guides").glob("*.md"), *(ROOT / "runbooks").glob("*/README.md")])
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text()
        for found in FENCE.finditer(text):
            if found[1] in languages:
                line = text.count("\n", 0, found.start()) + 1
                yield f"{page.relative_to(ROOT)}:{line}", found[2]


def commands() -> Iterator[tuple[str, str]]:
    for place, text in blocks("console", "sh", "bash"):
        for line in text.replace("\\\n", " ").splitlines():
            command = line.removeprefix("$ ").strip()
            if command.startswith("watchfloor "):
                yield place, command


RUNBOOKS = [(place, text) for place, text in blocks("yaml") if re.match(r"(#.*\n)*runbook:", text)]

LOOK = """{id: look, action: content.probe, with: {urls: "${{ inputs.items }}", countries: [DE]}}"""
FRAME = {
    "head": """runbook: sample
version: 1
title: A frame for one example
owners: [ts-eu]
severity: {default: S2}
regions: {command: eu, allowed: [eu, us]}
""",
    "inputs": """inputs:
  received_at: timestamp
  item: url
  items: {type: list, of: url, max_items: 500}
  country: {type: string, optional: true}
  stored_in: {type: list, of: string, max_items: 9, optional: true}
""",
    "facts": """facts:
  received: {type: timestamp, from: [inputs.received_at]}
  confirmed: {type: timestamp, from: [steps.look, legal_counsel]}
  annulled: {type: timestamp, from: [authority_mailbox]}
""",
    "steps": "- {id: page, action: page, with: {role: ops_lead, about: started}}\n",
}
"""What an example of a part stands in: the parts that it does not bring itself."""


LIBRARY = {
    "threat-to-life": (
        "threat-to-life/runbook.yaml",
        b"""runbook: threat-to-life
version: 1
title: Tell the authorities
owners: [ts-eu]
severity: S0
regions: {command: eu, allowed: [eu]}
inputs: {order_id: string}
phases:
  - contact:
      - {id: call, action: page, with: {role: le_liaison, about: life_at_risk}}
""",
    )
}
"""What the examples of `run` start."""


def framed(text: str) -> str:
    """A runbook around an example of steps, or of one top-level key."""
    steps = text.startswith("- ")
    key = "steps" if steps else text.partition(":")[0]
    parts = FRAME | {key: text}
    if "\nseverity:" in f"\n{text}":
        parts["head"] = parts["head"].replace("severity: {default: S2}\n", "")
    indented = "".join(f"      {line}\n" for line in parts.pop("steps").splitlines())
    return "".join(parts.values()).replace("steps.look", "steps.probe" if "id: probe" in text else "steps.look") + (
        f"phases:\n  - triage:\n      - {LOOK}\n  - containment:\n{indented}"
    )


FRAGMENTS = [
    (place, text)
    for place, text in blocks("yaml")
    if text.startswith(
        (
            "- id:",
            "- {id:",
            "inputs:",
            "facts:",
            "clocks:",
            "alongside:",
            "mode:",
            "severity:",
            "triggers:",
            "outputs:",
            "jurisdictions:",
        )
    )
]


@pytest.mark.parametrize(("place", "text"), FRAGMENTS, ids=[place for place, _ in FRAGMENTS])
def test_a_part_of_a_runbook_in_the_docs_compiles(place: str, text: str) -> None:
    """Warnings about what the frame leaves unused are not the example's."""
    register = load_register(ROOT / "runbooks" / "clocks.yaml")
    compiled = compile_text(
        framed(text), path=place, catalog=CATALOG, register=register, library=LIBRARY, carried_out=CONSTRUCTS
    )
    assert [finding.message for finding in compiled.findings if finding.severity == "error"] == []


COMMANDS = list(commands())


def test_there_are_examples_to_check() -> None:
    assert len(RUNBOOKS) >= 1
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize(("place", "text"), RUNBOOKS, ids=[place for place, _ in RUNBOOKS])
def test_a_runbook_in_the_docs_compiles(place: str, text: str) -> None:
    register = load_register(ROOT / "runbooks" / "clocks.yaml")
    compiled = compile_text(text, path=place, catalog=CATALOG, register=register)
    assert [finding.message for finding in compiled.findings] == []


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[f"{place} {command}" for place, command in COMMANDS])
def test_a_command_in_the_docs_parses(place: str, command: str) -> None:
    """Parsed by the real command line, down to the last option; nothing is carried out."""
    current = typer.main.get_command(app)
    words = shlex.split(command.split(" | ", maxsplit=1)[0], comments=True)[1:]
    context = current.make_context("watchfloor", words, resilient_parsing=False)
    while hasattr(context.command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, found, rest = context.command.resolve_command(context, rest)
        assert found is not None, f"{place}: no command {name}"
        context = found.make_context(name, rest, parent=context)


BINDINGS = [(place, text) for place, text in blocks("yaml") if re.search(r"^allow_hosts:", text, re.MULTILINE)]


@pytest.mark.parametrize(("place", "text"), BINDINGS, ids=[place for place, _ in BINDINGS])
def test_a_binding_file_in_the_docs_loads(place: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "bindings.yaml"
    path.write_text(text)
    assert load_bindings(path, variables={}, catalog=CATALOG).actions, place


def test_yaml_in_the_docs_is_well_formed() -> None:
    for place, text in blocks("yaml"):
        assert yaml.compose(text, Loader=yaml.CSafeLoader) is not None, place


def test_every_variable_the_code_reads_is_in_the_operating_guide() -> None:
    guide = (ROOT / "docs" / "guides" / "operating.md").read_text()
    sources = [path for package in ("watchfloor", "workflows", "activities") for path in (ROOT / package).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r"\"(WATCHFLOOR_[A-Z_]+)\"", path.read_text())}
    assert named
    assert sorted(name for name in named if f"`{name}`" not in guide) == []


def test_the_senders_in_the_docs_are_taken_by_the_bindings() -> None:
    found = [yaml.safe_load(text) for _, text in blocks("yaml") if text.startswith("senders:")]
    assert found
    for document in found:
        for sender in document["senders"].values():
            TypeAdapter(Sender).validate_python(sender)
