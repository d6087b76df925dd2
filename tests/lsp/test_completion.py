"""What is offered where, in texts that are not YAML yet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lsp.conftest import BASE
from watchfloor.lsp.completion import Suggestion, complete
from watchfloor.lsp.documents import Document, shipped
from watchfloor.lsp.reading import definition, hover, symbols

TEXT = BASE.read_text()
AROUND = shipped()


def at(text: str) -> tuple[Document, int, int]:
    before, _, after = text.partition("¦")
    return Document(before + after, AROUND), before.count("\n"), len(before) - before.rfind("\n") - 1


def offered(text: str) -> dict[str, Suggestion]:
    return {each.label: each for each in complete(*at(text))}


def in_step(typed: str) -> str:
    """Text typed behind the last key of the step `reply`."""
    return TEXT.replace("          removed: ${{ size(inputs.urls) }}\n", f"          removed: 1\n{typed}\n")


def test_keys_of_the_document_are_those_not_written_yet() -> None:
    found = offered("runbook: x\nversion: 1\n¦")
    assert {"title", "owners", "severity", "regions", "phases", "clocks"} <= set(found)
    assert not {"runbook", "version"} & set(found)
    assert found["phases"].first
    assert "in order" in found["phases"].doc


def test_a_new_step_is_offered_every_kind_and_a_written_one_only_its_own_keys() -> None:
    empty = offered(TEXT.replace("- {id: liaison, action: page,", "- {id: liaison, ¦"))
    assert {"action", "decide", "task", "wait", "for_each", "hold", "if", "timeout"} <= set(empty)
    written = offered(in_step("        ¦"))
    assert {"approval", "retry", "undo", "if", "records"} <= set(written)
    assert not {"decide", "task", "id", "action", "assignee"} & set(written)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("        approval:\n          ¦", {"from", "within", "on_deny", "show"}),
        ("        approval: {¦", {"from", "within", "on_deny"}),
        ("        retry: {times: 3, ¦", {"first", "factor", "up_to"}),
        ("        approval: {from: [¦", {"legal_counsel", "exec_sponsor"}),
        ("        approval: {from: [legal_counsel, ex¦", {"exec_sponsor"}),
        ("        approval: {on_deny: ¦", {"stop", "fail"}),
        ("        on_error: ¦", {"fail", "continue"}),
        ("        undo: {action: ¦", {"content.restore"}),
        ("        undo: {on: [¦", {"order_annulled"}),
        ("        records: {¦", {"removal_verified"}),
        ("        if: ¦", {"inputs", "facts", "steps", "incident", "now", "has"}),
        ("        if: has(facts.¦", {"order_received", "removal_verified"}),
        ("        if: has(facts.order_received) && facts.order_received.¦", {"at"}),
        ("        if: steps.¦", {"screen", "authenticate", "remove", "probe"}),
        ("        if: steps.authenticate.¦", {"authentic", "complete", "failures", "ok", "status"}),
        ('        if: "size(steps.remove.fa¦', {"failed", "succeeded", "total"}),
        ("        if: incident.¦", {"severity", "region", "opened_at"}),
        ("        approval: {show: [inputs.¦", {"order_id", "urls"}),
        ("      - id: x\n        with: {", set()),
        ("      - id: x\n        wait: {fact: ¦", {"order_annulled"}),
        ("      - id: x\n        hold: {basis: ¦", {"eu.tco.preserve"}),
        ("      - id: x\n        handoff: {to: ¦", {"eu", "us"}),
        ("      - id: x\n        handoff: {share: [facts.¦", {"order_received"}),
        ("      - id: x\n        task: {assignee: ¦", {"ops_lead"}),
        ("      - id: x\n        decide:\n          ¦", {"ask", "from", "within", "options"}),
        ("      - id: x\n        for_each: {item: one, in: inputs.¦", {"urls"}),
        ("      - id: x\n        wait: {for: {share: 0.5, of: ¦", {"removal", "imminent"}),
        ("      - id: x\n        action: page\n        with:\n          ¦", {"role", "about"}),
        ("      - {id: x, action: page, with: {role: ¦", {"deputy"}),
        ('      - {id: x, action: page, with: {role: deputy, about: "${{ inputs.¦', {"order_id"}),
        ("      - id: x\n        task: {do: About ${{ facts.¦", {"imminent_threat"}),
    ],
)
def test_what_is_offered_in_a_step(typed: str, expected: set[str]) -> None:
    text = in_step(typed)
    if "¦" not in text:
        text = text.replace("with: {", "with: {¦")
    assert expected <= set(offered(text))


def test_inputs_of_the_action_are_offered_with_their_types() -> None:
    found = offered(TEXT.replace('with: {urls: "${{ inputs.urls }}", countries: [DE, FR, PL]}', "with: {¦}", 1))
    assert set(found) == {"urls", "countries"}
    assert found["urls"].detail == "list<url>"
    assert found["urls"].insert == "urls: "


def test_a_step_below_or_in_another_loop_is_not_offered() -> None:
    found = set(offered(TEXT.replace("if: size(steps.remove.failed) > 0", "if: steps.¦")))
    assert {"remove", "authenticate"} <= found
    assert not {"disable", "snapshot", "reply", "leftover", "hold"} & found


def test_inside_a_loop_its_item_and_its_own_steps_are_offered() -> None:
    text = TEXT.replace('with: {url: "${{ url }}", scope: eu}', 'with: {url: "${{ ¦')
    assert "url" in offered(text)
    assert "snapshot" in offered(text.replace("${{ ¦", "${{ steps.¦"))


def test_last_is_the_round_of_the_loop_that_is_being_written() -> None:
    assert set(offered(TEXT.replace("until: last.look.all_gone", "until: last.¦"))) == {"look"}
    assert "all_gone" in offered(TEXT.replace("until: last.look.all_gone", "until: last.look.¦"))


def test_the_inputs_of_a_runbook_that_is_started() -> None:
    found = offered(in_step("      - {id: x, run: eu-tco-removal-order, with: {¦"))
    assert {"order_id", "urls", "received_at"} <= set(found)
    assert "eu-tco-removal-order" in offered(in_step("      - {id: x, run: eu¦"))


def test_fragments_are_offered_where_they_are_used() -> None:
    text = TEXT + "\nfragments:\n  copy_all:\n    steps: [{id: copy, action: page}]\n"
    assert set(offered(text.replace("- {id: liaison, action: page,", "- {id: liaison, use: ¦"))) == {"copy_all"}


FRAGMENTED = """runbook: x
inputs: {first: url}
fragments:
  take_down:
    params: {target: url, reach: string}
    steps:
      - {id: snapshot, action: evidence.snapshot, with: {url: "${{ params.target }}"}}
      - {id: hide, action: content.disable, with: {url: "HERE", scope: eu}}
alongside:
  - id: beside
    when: has(facts.x)
    steps:
      - {id: aside, action: page, with: {role: deputy, about: x}}
      - {id: second, action: page, if: THERE}
phases:
  - main:
      - {id: first, use: take_down, with: {USED}}
      - {id: last_one, action: page, if: AFTER}
"""


@pytest.mark.parametrize(
    ("place", "typed", "expected", "never"),
    [
        ("HERE", "${{ params.¦", {"target", "reach"}, set()),
        ("HERE", "${{ steps.¦", {"snapshot"}, {"first_hide", "aside", "last_one"}),
        ("HERE", "${{ ¦", {"params", "inputs"}, set()),
        ("USED", "¦", {"target", "reach"}, {"url"}),
        ("AFTER", "steps.¦", {"first_snapshot", "first_hide"}, {"snapshot", "hide", "first", "aside"}),
        ("AFTER", "steps.first_hide.¦", {"disabled_at"}, {"taken_at"}),
        ("THERE", "steps.¦", {"aside", "first_hide", "last_one"}, {"snapshot", "second"}),
    ],
)
def test_fragments_and_tracks_see_what_the_compiler_lets_them_see(
    place: str, typed: str, expected: set[str], never: set[str]
) -> None:
    found = set(offered(FRAGMENTED.replace(place, typed)))
    assert expected <= found
    assert not never & found


def test_sources_of_a_fact() -> None:
    found = offered(TEXT.replace("from: [inputs.received_at]", "from: [¦]"))
    assert {"inputs.received_at", "steps.probe", "legal_counsel"} <= set(found)


def test_clock_rows_say_the_law() -> None:
    found = offered(TEXT.replace("use: eu.tco.removal", "use: eu.¦"))
    assert "Art" in found["eu.tco.removal"].doc or "2021/784" in found["eu.tco.removal"].doc
    assert found["eu.tco.removal"].typed == len("eu.")


def test_a_pause_offers_the_reasons_of_its_law_and_a_clock_no_row_that_sets_none() -> None:
    clock = "use: eu.tco.removal\n    pause:\n      ¦"
    assert set(offered(TEXT.replace("use: eu.tco.removal", clock))) == {"clarification_requested", "force_majeure"}
    rows = offered(TEXT.replace("use: eu.tco.removal", "use: ¦"))
    assert "us.takeitdown" in rows
    assert not {"us.dsp.bulk", "de.netzdg"} & set(rows)


@pytest.mark.parametrize("text", ["runbook: x # a comm¦ent", "runbook: x\n# ¦", "runbook: x\ntitle: words an¦"])
def test_nothing_is_offered_in_comments_and_free_text(text: str) -> None:
    assert offered(text) == {}


@given(st.integers(0, len(TEXT)), st.integers(0, 30), st.text("{}[]:,-# \n\"'$¦>", max_size=6))
@settings(max_examples=250, deadline=None)
def test_no_half_typed_text_is_too_broken(at_: int, cut: int, typed: str) -> None:
    """Cut out a piece, type rubbish there: every feature answers."""
    text = TEXT[:at_] + typed + TEXT[at_ + cut :]
    document = Document(text, AROUND)
    before = text[: at_ + len(typed)]
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    for each in complete(document, line, column):
        assert 0 <= each.typed <= column + 1
    hover(document, line, column)
    definition(document, line, column)
    symbols(document)


@given(st.text("ab:-{}[],# \n\"'&*!¦>$%@`\t", max_size=200))
@settings(max_examples=250, deadline=None)
def test_any_text_has_an_outline(text: str) -> None:
    document = Document(f"runbook: x\n{text}", AROUND)
    lines = text.count("\n") + 2
    for line in range(0, lines, 2):
        complete(document, line, 3)
    symbols(document)


def test_deep_brackets_do_not_exhaust_the_stack() -> None:
    for opened in ("[" * 5000, "{a: " * 5000, "- " * 5000, "".join(f"{' ' * n}a:\n" for n in range(800))):
        assert isinstance(symbols(Document(f"runbook: x\nphases:\n  {opened}", AROUND)), list)
