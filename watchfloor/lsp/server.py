"""The language server over stdio: pygls around the compiler.

Diagnostics are the findings of `watchfloor lint`, given when typing rests for a moment. Everything else reads the
half-typed text. Nothing is written to standard output but the protocol.
"""

import asyncio
from pathlib import Path

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from watchfloor.language import Finding
from watchfloor.lsp.completion import Kind, Suggestion, complete
from watchfloor.lsp.documents import Document, Surroundings, shipped
from watchfloor.lsp.reading import Symbol, definition, hover, symbols

REST = 0.15
"""Seconds without typing before the text is compiled."""

_ITEM_KINDS: dict[Kind, types.CompletionItemKind] = {
    "key": types.CompletionItemKind.Property,
    "kind": types.CompletionItemKind.Keyword,
    "action": types.CompletionItemKind.Function,
    "input": types.CompletionItemKind.Field,
    "name": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "role": types.CompletionItemKind.Class,
    "clock": types.CompletionItemKind.Event,
    "word": types.CompletionItemKind.EnumMember,
}
_SYMBOL_KINDS = {
    "section": types.SymbolKind.Namespace,
    "phase": types.SymbolKind.Module,
    "track": types.SymbolKind.Event,
    "step": types.SymbolKind.Function,
    "input": types.SymbolKind.Field,
    "fact": types.SymbolKind.Variable,
    "clock": types.SymbolKind.Constant,
}


class RunbookServer(LanguageServer):
    """One server for one editor. Holds the timers of documents that are being typed in; nothing else."""

    def __init__(self, around: Surroundings) -> None:
        from importlib.metadata import version

        super().__init__("watchfloor", version("watchfloor"))
        self.around = around
        self.waiting: dict[str, asyncio.TimerHandle] = {}

    def read(self, uri: str) -> tuple[TextDocument, Document]:
        """The document as the editor has it now."""
        written = self.workspace.get_text_document(uri)
        return written, Document(written.source, self.around)

    def schedule(self, uri: str, delay: float) -> None:
        """Compile when nothing more is typed for a moment."""
        self.drop(uri)
        self.waiting[uri] = asyncio.get_running_loop().call_later(delay, self.diagnose, uri)

    def drop(self, uri: str) -> None:
        timer = self.waiting.pop(uri, None)
        if timer is not None:
            timer.cancel()

    def diagnose(self, uri: str) -> None:
        """Publish what the compiler says of the document; nothing for a file that is no runbook."""
        from watchfloor.client.library import compile_source

        self.waiting.pop(uri, None)
        written, document = self.read(uri)
        found: list[types.Diagnostic] = []
        if document.is_runbook:
            place = Path(uris.to_fs_path(uri) or uri)
            compiled = compile_source(written.source, shown_as=place.name, beside=place.parent.parent)
            found = [self._diagnostic(written, finding) for finding in compiled.findings]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, version=written.version, diagnostics=found)
        )

    def range(self, written: TextDocument, line: int, start: int, end: int) -> types.Range:
        """A piece of a line, in the units the editor counts in."""
        lines = written.lines
        row = min(line, max(len(lines) - 1, 0))
        text = lines[row].rstrip("\r\n") if lines else ""
        made = types.Range(
            types.Position(row, min(start, len(text))),
            types.Position(row, max(min(end, len(text)), min(start, len(text)))),
        )
        return written.position_codec.range_to_client_units(lines, made)

    def place(self, written: TextDocument, position: types.Position) -> tuple[int, int]:
        """Line and column in code points."""
        if position.line >= len(written.lines):
            return position.line, 0
        made = written.position_codec.position_from_client_units(written.lines, position)
        return made.line, made.character

    def _diagnostic(self, written: TextDocument, finding: Finding) -> types.Diagnostic:
        said = [finding.message, finding.expected and f"expected: {finding.expected}", finding.help]
        severity = types.DiagnosticSeverity.Error if finding.is_error else types.DiagnosticSeverity.Warning
        return types.Diagnostic(
            range=self.range(written, finding.line - 1, finding.column - 1, finding.end_column - 1),
            message="\n".join(each for each in said if each),
            severity=severity,
            code=finding.code,
            source="watchfloor",
        )


def make_server(around: Surroundings | None = None) -> RunbookServer:
    """A server with its features, not yet started."""
    server = RunbookServer(around or shipped())

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.schedule(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.schedule(params.text_document.uri, REST)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.drop(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=[]))

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", " ", ":", "{", "[", ","])
    )
    def completed(params: types.CompletionParams) -> types.CompletionList:
        written, document = server.read(params.text_document.uri)
        if not document.is_runbook:
            return types.CompletionList(is_incomplete=False, items=[])
        line, column = server.place(written, params.position)
        items = [_item(server, written, line, column, each) for each in complete(document, line, column)]
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        written, document = server.read(params.text_document.uri)
        line, column = server.place(written, params.position)
        found = hover(document, line, column) if document.is_runbook else None
        if found is None:
            return None
        text, start, end = found
        content = types.MarkupContent(types.MarkupKind.Markdown, text)
        return types.Hover(contents=content, range=server.range(written, line, start, end))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def defined(params: types.DefinitionParams) -> types.Location | None:
        written, document = server.read(params.text_document.uri)
        found = definition(document, *server.place(written, params.position)) if document.is_runbook else None
        if found is None:
            return None
        if found.path is not None:
            start = types.Position(found.line, found.column)
            there = types.Range(start, types.Position(found.line, found.column + found.length))
            return types.Location(uris.from_fs_path(found.path) or found.path, there)
        here = server.range(written, found.line, found.column, found.column + found.length)
        return types.Location(params.text_document.uri, here)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outlined(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        written, document = server.read(params.text_document.uri)
        return [_symbol(server, written, each) for each in symbols(document)] if document.is_runbook else []

    return server


def _item(
    server: RunbookServer, written: TextDocument, line: int, column: int, each: Suggestion
) -> types.CompletionItem:
    return types.CompletionItem(
        label=each.label,
        kind=_ITEM_KINDS[each.kind],
        detail=each.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, each.doc) if each.doc else None,
        # what must be written comes first
        sort_text=f"{0 if each.first else 1}{each.label}",
        filter_text=each.label,
        text_edit=types.TextEdit(server.range(written, line, column - each.typed, column), each.insert),
    )


def _symbol(server: RunbookServer, written: TextDocument, symbol: Symbol) -> types.DocumentSymbol:
    name = server.range(written, symbol.line, symbol.column, symbol.column + len(symbol.name))
    children = [_symbol(server, written, each) for each in symbol.children]
    end = max([name.end, *(child.range.end for child in children)], key=lambda at: (at.line, at.character))
    return types.DocumentSymbol(
        name=symbol.name,
        kind=_SYMBOL_KINDS[symbol.kind],
        range=types.Range(name.start, end),
        selection_range=name,
        detail=symbol.detail or None,
        children=children,
    )
