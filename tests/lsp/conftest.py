"""A real client that speaks to `watchfloor lsp` over stdio."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

URI = "file:///tmp/editor/runbook.yaml"
BASE = Path(__file__).resolve().parents[1] / "diff" / "base.yaml"


@dataclass
class Editor:
    """An editor with one document open."""

    client: LanguageClient
    uri: str = URI
    version: int = 0
    told: "asyncio.Queue[types.PublishDiagnosticsParams]" = field(default_factory=asyncio.Queue)

    def forget(self) -> None:
        """Nothing that was said before counts."""
        while not self.told.empty():
            self.told.get_nowait()

    def open(self, text: str) -> None:
        self.version = 1
        item = types.TextDocumentItem(uri=self.uri, language_id="yaml", version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def write(self, text: str) -> None:
        self.version += 1
        change = types.TextDocumentContentChangeWholeDocument(text=text)
        where = types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(where, [change]))

    async def findings(self) -> list[types.Diagnostic]:
        """What the server says of the present version."""
        async with asyncio.timeout(20):
            while True:
                said = await self.told.get()
                # a server that names no version speaks of the latest it has read
                if said.version in {None, self.version}:
                    return list(said.diagnostics)

    async def errors(self) -> list[types.Diagnostic]:
        """The errors among the findings."""
        return [each for each in await self.findings() if each.severity is types.DiagnosticSeverity.Error]

    async def complete(self, text: str) -> dict[str, types.CompletionItem]:
        """What is offered at `¦` of a text."""
        bare, place = self._place(text)
        self.write(bare)
        params = types.CompletionParams(types.TextDocumentIdentifier(self.uri), place)
        answer = await self.client.text_document_completion_async(params)
        items = answer.items if isinstance(answer, types.CompletionList) else answer or []
        return {item.label: item for item in items}

    async def hover(self, text: str) -> str | None:
        bare, place = self._place(text)
        self.write(bare)
        answer = await self.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(self.uri), place)
        )
        if answer is None:
            return None
        assert isinstance(answer.contents, types.MarkupContent)
        return answer.contents.value

    async def definition(self, text: str) -> types.Location | None:
        bare, place = self._place(text)
        self.write(bare)
        answer = await self.client.text_document_definition_async(
            types.DefinitionParams(types.TextDocumentIdentifier(self.uri), place)
        )
        assert answer is None or isinstance(answer, types.Location)
        return answer

    @staticmethod
    def _place(text: str) -> tuple[str, types.Position]:
        before, _, after = text.partition("¦")
        line = before.count("\n")
        # the protocol counts UTF-16 units
        units = len(before[before.rfind("\n") + 1 :].encode("utf-16-le")) // 2
        return before + after, types.Position(line, units)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor() -> AsyncIterator[Editor]:
    client = LanguageClient("test-editor", "1")
    made = Editor(client)

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def _(params: types.PublishDiagnosticsParams) -> None:
        made.told.put_nowait(params)

    await client.start_io(sys.executable, "-c", "from watchfloor.cli.main import main; main()", "lsp")
    async with asyncio.timeout(30):
        await client.initialize_async(
            types.InitializeParams(capabilities=types.ClientCapabilities(), process_id=None, root_uri=None)
        )
    client.initialized(types.InitializedParams())
    made.open("runbook: empty\n")
    yield made
    async with asyncio.timeout(10):
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
