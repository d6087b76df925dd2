"""The published schema in the server that most editors bring: completion, hover and form errors, over stdio.

`make test-e2e` installs the server with npm into a folder of its own and names it in `YAML_LANGUAGE_SERVER`.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from tests.lsp.conftest import Editor

FOLDER = Path(__file__).resolve().parents[2] / "runbooks" / "eu-tco-removal-order"
MODELINE = "# yaml-language-server: $schema=../../schemas/json/runbook.schema.json\n"
HEAD = (
    f"{MODELINE}runbook: sample\nversion: 1\ntitle: A sample\nowners: [ts]\nseverity: S1\n"
    "regions: {command: eu, allowed: [eu]}\n"
)
STEP = HEAD + "phases:\n  - triage:\n      - id: one\n"
SETTINGS = {"schemaStore": {"enable": False}, "completion": True, "hover": True, "validate": True}

PROGRAM = os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here"),
    pytest.mark.skipif(
        not (PROGRAM and Path(PROGRAM).exists()),
        reason="no yaml-language-server here; make test-e2e installs it, or name it in YAML_LANGUAGE_SERVER",
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def yaml_editor() -> AsyncIterator[Editor]:
    client = LanguageClient("test-editor", "1")
    made = Editor(client, uri=(FOLDER / "runbook.yaml").as_uri())

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def _(params: types.PublishDiagnosticsParams) -> None:
        made.told.put_nowait(params)

    @client.feature(types.WORKSPACE_CONFIGURATION)
    def _(params: types.ConfigurationParams) -> list[Any]:
        return [SETTINGS if item.section == "yaml" else None for item in params.items]

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def _(params: types.RegistrationParams) -> None:
        return None

    assert PROGRAM is not None
    await client.start_io(PROGRAM, "--stdio")
    capabilities = types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(configuration=True),
        text_document=types.TextDocumentClientCapabilities(
            completion=types.CompletionClientCapabilities(
                completion_item=types.ClientCompletionItemOptions(
                    documentation_format=[types.MarkupKind.Markdown], snippet_support=False
                )
            ),
            hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
        ),
    )
    async with asyncio.timeout(60):
        await client.initialize_async(
            types.InitializeParams(capabilities=capabilities, process_id=os.getpid(), root_uri=FOLDER.as_uri())
        )
    client.initialized(types.InitializedParams())
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"yaml": SETTINGS}))
    made.open(HEAD)
    yield made
    async with asyncio.timeout(20):
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()


async def test_keys_of_the_document_are_offered_with_what_they_do(yaml_editor: Editor) -> None:
    offered = await yaml_editor.complete(f"{HEAD}¦")
    assert {"inputs", "facts", "clocks", "alongside", "phases", "close_when"} <= set(offered)
    assert "in order" in str(offered["phases"].documentation)


async def test_kinds_of_steps_are_offered_with_what_they_do(yaml_editor: Editor) -> None:
    offered = await yaml_editor.complete(f"{STEP}        ¦\n")
    assert {"action", "decide", "task", "wait", "for_each", "hold", "handoff", "postmortem", "stop"} <= set(offered)
    assert "choice by people" in str(offered["decide"].documentation)


async def test_keys_of_an_action_and_of_its_gate_are_offered(yaml_editor: Editor) -> None:
    offered = await yaml_editor.complete(f"{STEP}        action: page\n        ¦\n")
    assert {"with", "approval", "retry", "undo", "if"} <= set(offered)
    inner = await yaml_editor.complete(f"{STEP}        action: page\n        approval:\n          ¦\n")
    assert {"from", "within", "on_deny", "on_silence"} <= set(inner)


async def test_fixed_words_are_offered(yaml_editor: Editor) -> None:
    offered = await yaml_editor.complete(f"{STEP}        action: page\n        on_error: ¦\n")
    assert {"fail", "continue"} <= set(offered)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD.replace("version:", "ver¦sion:"), "Raised with every change"),
        (f"{STEP}        act¦ion: page\n", "name in the catalogue"),
        (f"{STEP}        dec¦ide: {{ask: a}}\n", "choice by people"),
        (f"{STEP}        action: page\n        approval: {{with¦in: 10m}}\n", "How long people have"),
        (f"{STEP}        for_each: {{item: a, in: inputs.b, at_on¦ce: 3}}\n", "How many items"),
        (f"{HEAD}clocks:\n  a: {{us¦e: eu.tco.removal}}\n", "row of the clock register"),
    ],
)
async def test_hover_says_what_a_key_does(yaml_editor: Editor, text: str, expected: str) -> None:
    said = await yaml_editor.hover(text)
    assert said is not None
    assert expected in said


async def test_the_shipped_runbook_is_valid_and_a_wrong_key_is_not(yaml_editor: Editor) -> None:
    shipped = (FOLDER / "runbook.yaml").read_text()
    yaml_editor.write(shipped)
    assert await yaml_editor.findings() == []
    yaml_editor.write(shipped.replace("at_once:", "at_onc:"))
    assert any("at_onc" in finding.message for finding in await yaml_editor.findings())
