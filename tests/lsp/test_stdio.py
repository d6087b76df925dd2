"""A real client over stdio: an author types, the server answers from the same compiler as `lint`."""

import pytest
from lsprotocol import types

from tests.lsp.conftest import BASE, URI, Editor

TEXT = BASE.read_text()
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_findings_come_as_you_type_and_go_when_it_is_put_right(editor: Editor) -> None:
    wrong = TEXT.replace("steps.authenticate.complete", "steps.authenticate.compleet")
    editor.write(wrong)
    (finding,) = await editor.errors()
    assert finding.code == "WF204"
    assert finding.severity is types.DiagnosticSeverity.Error
    assert "did you mean `complete`?" in finding.message
    line = wrong.split("\n")[finding.range.start.line]
    assert line[finding.range.start.character : finding.range.end.character] == "compleet"
    editor.write(TEXT)
    assert await editor.errors() == []


async def test_typing_fast_gives_one_answer_for_the_last_version(editor: Editor) -> None:
    editor.write("runbook: empty\n")
    await editor.findings()
    editor.forget()
    for length in range(40, 80):
        editor.write(TEXT[:-length])
    editor.write(TEXT)
    assert await editor.errors() == []
    assert editor.told.empty()


async def test_places_count_as_the_editor_counts(editor: Editor) -> None:
    """A letter outside the basic plane is two units of UTF-16 before the place."""
    editor.write(TEXT.replace("title: EU", "title: 😀 ${{ x }} EU"))
    found = {each.code: each for each in await editor.findings()}
    place = found["WF130"].range.start
    assert place.character == len("title: ") + 2 + 1


async def test_an_action_is_completed_with_what_it_does(editor: Editor) -> None:
    offered = await editor.complete(TEXT.replace("action: authority.reply", "action: content.d¦"))
    assert "content.delete" in offered
    item = offered["content.disable"]
    assert item.detail == "restricts, tier 0"
    assert isinstance(item.documentation, types.MarkupContent)
    assert "undo: `content.restore`" in item.documentation.value
    assert isinstance(item.text_edit, types.TextEdit)
    edit = item.text_edit
    assert edit.range.end.character - edit.range.start.character == len("content.d")


async def test_hover_definition_and_outline(editor: Editor) -> None:
    said = await editor.hover(TEXT.replace("use: eu.tco.removal", "use: eu.tco.rem¦oval"))
    assert said is not None
    assert "legal" in said
    assert "review after" in said
    found = await editor.definition(TEXT.replace("show: [steps.remove.failed]", "show: [steps.rem¦ove.failed]"))
    assert found is not None
    assert found.uri == URI
    line = TEXT.split("\n")[found.range.start.line]
    assert line[found.range.start.character :] == "remove"
    outline = await editor.client.text_document_document_symbol_async(
        types.DocumentSymbolParams(types.TextDocumentIdentifier(URI))
    )
    assert outline is not None
    names = {symbol.name: symbol for symbol in outline if isinstance(symbol, types.DocumentSymbol)}
    assert {"inputs", "facts", "clocks", "triage", "containment", "desk_silent"} <= set(names)
    steps = [child.name for child in names["containment"].children or ()]
    assert steps == ["remove", "leftover", "probe", "reply"]
    loop = (names["containment"].children or ())[0]
    assert [child.name for child in loop.children or ()] == ["snapshot", "disable"]


async def test_other_files_are_left_alone(editor: Editor) -> None:
    editor.write("version: 2\nservices: {web: {image: nginx}}\n")
    assert await editor.errors() == []
    assert await editor.complete("version: 2\nservices: ¦\n") == {}


async def test_the_server_lives_through_every_half_typed_text(editor: Editor) -> None:
    for at in range(0, len(TEXT), 397):
        await editor.complete(f"{TEXT[:at]}¦")
        await editor.hover(f"{TEXT[:at]}¦")
    editor.write(TEXT)
    assert await editor.errors() == []
